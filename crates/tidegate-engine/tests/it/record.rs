//! What is kept of a statement: its end, its figures, and nothing secret.

use std::sync::Arc;

use futures::StreamExt;
use tidegate_engine::{Error, ErrorKind, redact_sql};
use tidegate_state::State;

use crate::script::{Fixture, Mood, drain};

fn end(fixture: &Fixture) -> (String, u64, u64) {
    let record = fixture.state.statements(1).expect("state").remove(0);
    let end = record.end.expect("an end");
    (end.state, end.rows, end.calls)
}

#[tokio::test]
async fn every_end_is_recorded() {
    let fixture = Fixture::erp();
    fixture.rows("SELECT * FROM erp.accounts").await;
    assert_eq!(end(&fixture), ("done".to_owned(), 3, 2), "the description and the page");

    fixture.error("SELECT CAST(name AS INT) FROM erp.accounts").await;
    assert_eq!(end(&fixture).0, "failed");

    let execution =
        fixture.session.prepare("SELECT 1").await.expect("a query").execute(vec![]).await.expect("a stream");
    drop(execution);
    assert_eq!(end(&fixture).0, "abandoned");

    fixture.rows("SET tidegate.label = 'nightly'").await;
    fixture.rows("SELECT 1").await;
    let record = fixture.state.statements(1).expect("state").remove(0);
    assert_eq!((record.start.label.as_deref(), record.start.kind.as_str()), (Some("nightly"), "query"));
    let shown = fixture
        .rows("SELECT state, calls, complete FROM system.statements WHERE sql = 'SELECT * FROM erp.accounts'")
        .await;
    assert_eq!(shown, ["done|2|true"]);
}

#[tokio::test]
async fn cancelling_ends_the_stream_and_sends_nothing_more() {
    let fixture = Fixture::erp();
    fixture.api("erp").set(Mood::Silent);
    let prepared = fixture.session.prepare("SELECT * FROM erp.accounts").await.expect("a query");
    let mut execution = prepared.execute(vec![]).await.expect("a stream");
    let cancel = execution.cancel.clone();
    let (row, ()) = tokio::join!(execution.stream.next(), async {
        tokio::task::yield_now().await;
        cancel.cancel();
    });
    let error = Error::from(row.expect("an error").expect_err("no rows"));
    assert!(error.is_cancelled(), "{error}");
    assert!(execution.stream.next().await.is_none());
    assert_eq!(end(&fixture).0, "cancelled");
}

#[tokio::test]
async fn a_local_query_is_cancelled_too() {
    let fixture = Fixture::new();
    let prepared = fixture.session.prepare("SELECT * FROM generate_series(1, 1000000000)").await.expect("a query");
    let mut execution = prepared.execute(vec![]).await.expect("a stream");
    assert!(execution.stream.next().await.expect("a batch").is_ok());
    execution.cancel.cancel();
    let error = Error::from(execution.stream.next().await.expect("an error").expect_err("no more rows"));
    assert!(error.is_cancelled(), "{error}");
    assert_eq!(end(&fixture).0, "cancelled");
}

#[tokio::test]
async fn a_failed_resolution_is_recorded_with_its_calls() {
    let fixture = Fixture::erp();
    fixture.api("erp").set(Mood::Down);
    fixture.error("SELECT * FROM erp.accounts").await;
    assert_eq!(end(&fixture), ("failed".to_owned(), 0, 1));
    fixture.error("SELECT nonsense FROM").await;
    assert_eq!(fixture.state.statements(10).expect("state").len(), 1, "what never was a statement is not recorded");
}

#[tokio::test]
async fn the_summary_is_final_after_the_stream() {
    let fixture = Fixture::erp();
    let prepared = fixture.session.prepare("SELECT * FROM erp.accounts").await.expect("a query");
    let execution = prepared.execute(vec![]).await.expect("a stream");
    let summary = execution.summary.clone();
    fixture.clock.advance(std::time::Duration::from_secs(2));
    drain(execution).await.expect("rows");
    fixture.clock.advance(std::time::Duration::from_secs(5));
    assert_eq!(summary.elapsed(), std::time::Duration::from_secs(2));
    assert_eq!((summary.counts().calls, summary.counts().rows), (2, 3));
}

#[tokio::test]
async fn a_state_folder_that_cannot_be_used_is_one_clear_error() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let fixture = Fixture::with_state(Arc::new(State::in_folder(file.path())));
    fixture.session.prepare("SELECT 1").await.expect("preparing needs no state");
    assert_eq!(fixture.rows("SELECT 1").await, ["1"], "a query over no table needs none either");
    let (kind, message) = fixture.error("SELECT * FROM generate_series(1, 2)").await;
    assert_eq!(kind, ErrorKind::Local, "{message}");
    assert!(message.contains(&file.path().display().to_string()), "{message}");
}

#[test]
fn secrets_are_blanked() {
    let cases = [
        (
            "CREATE CONNECTION e USING odata OPTIONS (url 'https://u:p@h/x', token 's3cret', writes 'true')",
            "CREATE CONNECTION e USING odata OPTIONS (url 'https://h/x', token '***', writes 'true')",
        ),
        (
            "create or replace connection e using odata options (pasword = 's3cret', key env('KEY'))",
            "create or replace connection e using odata options (pasword = '***', key env('KEY'))",
        ),
        (
            "SELECT * FROM t WHERE password = 'x' AND name = 'y'",
            "SELECT * FROM t WHERE password = '***' AND name = 'y'",
        ),
        ("SELECT 'é', 'https://u:p@h/'", "SELECT 'é', 'https://h/'"),
        (
            "CREATE CONNECTION e USING odata OPTIONS (token s3cret, key = \"s3cret\", password 12345, writes true)",
            "CREATE CONNECTION e USING odata OPTIONS (token '***', key = '***', password '***', writes true)",
        ),
        (
            "CREATE CONNECTION e USING odata OPTIONS (url 'https://u:s3cret@ho st')",
            "CREATE CONNECTION e USING odata OPTIONS (url '***')",
        ),
        ("CREATE CONNECTION e OPTIONS (token 's3cret", "CREATE CONNECTION e …"),
        ("SELECT 1 -- token 'x'", "SELECT 1 -- token 'x'"),
    ];
    for (sql, expected) in cases {
        assert_eq!(redact_sql(sql), expected);
    }
}
