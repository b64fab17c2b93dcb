//! Thousands of partitions cost no more than their calls.

use std::time::{Duration, Instant};

use super::support::Divided;

const MANY: usize = 3_000;

fn many() -> Divided {
    let codes: Vec<String> = (0..MANY).map(|code| format!("{code:04}")).collect();
    let ids: Vec<i64> = (0..MANY).map(|id| i64::try_from(id).expect("small")).collect();
    let orders: Vec<(&str, &[i64])> =
        codes.iter().zip(&ids).map(|(code, id)| (code.as_str(), std::slice::from_ref(id))).collect();
    Divided::new(&orders)
}

#[tokio::test]
async fn calls_and_no_more() {
    let cases = [
        ("SELECT id FROM eol.orders", MANY, MANY),
        ("SELECT count(*) FROM eol.orders", 1, MANY),
        ("SELECT id FROM eol.orders LIMIT 3", 3, 3),
        ("SELECT id FROM eol.orders ORDER BY id DESC LIMIT 3", 3, MANY),
        ("SELECT id FROM eol.orders ORDER BY id", MANY, MANY),
        ("SELECT id FROM eol.orders WHERE _partition LIKE '00%'", 100, 100),
        ("SELECT id FROM eol.orders WHERE _partition = '0042'", 1, 1),
        ("SELECT id FROM eol.orders WHERE id = 17", 1, MANY),
    ];
    let fixture = many();
    for (sql, rows, calls) in cases {
        assert_eq!(fixture.rows(sql).await.len(), rows, "{sql}");
        assert_eq!(fixture.requests().len(), calls, "{sql}");
        assert!(fixture.service.most_active() <= 32, "{sql}: {} at once", fixture.service.most_active());
    }
    assert_eq!(fixture.service.most_active(), 32, "as many at once as may be");
    assert_eq!(fixture.rows("SELECT id FROM eol.orders ORDER BY id DESC LIMIT 3").await, ["2999", "2998", "2997"]);
}

#[tokio::test]
async fn planning_is_quick_and_sends_nothing() {
    let fixture = many();
    let began = Instant::now();
    let plan =
        fixture.rows("EXPLAIN SELECT id FROM eol.orders WHERE _partition <> '0042' ORDER BY id").await.join("\n");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(plan.contains("partitions=2999 of 3000, calls") && plan.contains("SortExec"), "{plan}");
    assert_eq!(fixture.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn a_reader_that_stops_ends_what_runs() {
    use futures::StreamExt;
    let fixture = many();
    let prepared = fixture.session.prepare("SELECT id FROM eol.orders").await.expect("a query");
    let mut execution = prepared.execute(Vec::new()).await.expect("a stream");
    assert!(execution.stream.next().await.expect("a batch").is_ok());
    execution.cancel.cancel();
    let end = execution.stream.next().await.expect("an end");
    assert!(tidegate_engine::Error::from(end.expect_err("cancelled")).is_cancelled());
    let calls = fixture.requests().len();
    assert!(calls <= 64, "{calls} calls for one batch");
    tokio::task::yield_now().await;
    assert_eq!(fixture.requests(), Vec::<String>::new());
}
