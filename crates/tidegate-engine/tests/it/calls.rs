//! What statements are predicted to take: EXPLAIN CALLS, `Prepared::predict`, and the bound that follows from what was
//! seen.

use std::time::Duration;

use futures::StreamExt;
use tidegate_engine::{ErrorKind, Prediction};
use tidegate_quota::Window;
use tidegate_sim::ODataOptions;

use crate::metered::{MeteredFixture, calls};
use crate::queries::{self, QUERIES};
use crate::script::Fixture;
use crate::sim::SimFixture;

const DAY: Window = Window::Day(chrono_tz::UTC);

/// Queries beside those of [`QUERIES`].
const MORE: &[&str] = &[
    "SELECT * FROM sim.accounts",
    "SELECT * FROM sim.accounts LIMIT 40",
    "SELECT a.code FROM sim.accounts a JOIN sim.accounts b ON b.id = a.id WHERE a.active",
    "SELECT code FROM sim.accounts WHERE employees > (SELECT avg(employees) FROM sim.accounts)",
    "SELECT code FROM sim.accounts UNION ALL SELECT code FROM sim.accounts WHERE active",
    "SELECT region, count(*) FROM sim.accounts GROUP BY region ORDER BY 2 DESC LIMIT 3",
    "SELECT code, row_number() OVER (ORDER BY code) FROM sim.accounts",
];

/// Runs a query to its end; the calls that it took.
async fn run(fixture: &SimFixture, sql: &str) -> u64 {
    let mut execution = fixture.session.prepare(sql).await.expect(sql).execute(Vec::new()).await.expect(sql);
    while let Some(batch) = execution.stream.next().await {
        batch.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    execution.summary.counts().calls
}

async fn predict(fixture: &SimFixture, sql: &str) -> Prediction {
    let prepared = fixture.session.prepare(sql).await.expect(sql);
    prepared.predict(&[]).await.expect(sql).unwrap_or_else(|| panic!("{sql}: nothing is predicted"))
}

#[tokio::test]
async fn what_was_run_before_is_predicted_within_a_factor_of_two() {
    let fixture = queries::fixture().await;
    let queries = QUERIES.iter().map(|(sql, _)| *sql).chain(MORE.iter().copied());
    let mut wrong = Vec::new();
    for sql in queries {
        run(&fixture, sql).await;
        fixture.take_requests();
        let predicted = predict(&fixture, sql).await.predicted.calls();
        assert_eq!(fixture.take_requests(), Vec::<String>::new(), "{sql}: predicting sends nothing");
        let taken = run(&fixture, sql).await;
        let is_near = taken <= predicted.expected * 2 && predicted.expected <= taken * 2;
        let is_within = predicted.low <= taken && taken <= predicted.high;
        if !is_near || !is_within {
            wrong.push(format!("{sql}: predicted {predicted}, taken {taken}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_another_filter_has_found_is_a_first_guess() {
    let fixture = SimFixture::new(ODataOptions::default()).await;
    assert_eq!(predict(&fixture, "SELECT * FROM sim.accounts").await.predicted.calls().to_string(), "1/10/?");
    run(&fixture, "SELECT * FROM sim.accounts").await;
    for (sql, expected) in [
        ("SELECT * FROM sim.accounts", "2/3/?"),
        ("SELECT * FROM sim.accounts LIMIT 5", "1/1/?"),
        ("SELECT * FROM sim.accounts WHERE region = 'EMEA'", "1/1/?"),
        ("SELECT * FROM sim.accounts WHERE employees > 3", "1/2/?"),
        ("SELECT * FROM sim.accounts WHERE employees > 3 LIMIT 1", "1/1/?"),
        ("SELECT count(*) FROM sim.accounts WHERE employees > 3", "1"),
        ("SELECT * FROM sim.accounts WHERE false", "0"),
    ] {
        assert_eq!(predict(&fixture, sql).await.predicted.calls().to_string(), expected, "{sql}");
    }
}

#[tokio::test]
async fn a_query_that_needed_more_calls_yesterday_is_not_begun() {
    let fixture = SimFixture::new(ODataOptions::default()).await;
    run(&fixture, "SELECT * FROM sim.accounts").await;
    fixture.take_requests();
    fixture.rows("SET tidegate.max_calls = 1").await;
    let error = fixture.try_rows("SELECT * FROM sim.accounts").await.expect_err("it needs three calls");
    assert_eq!(error.kind(), ErrorKind::CallBound);
    let message = error.to_string();
    for part in ["about 3 calls, at least 2", "sim.accounts has about 60 rows (earlier scan", "none was sent"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(fixture.take_requests(), Vec::<String>::new());
    // What another filter has found is no ground to refuse a query.
    fixture.rows("SELECT * FROM sim.accounts WHERE employees >= 0").await;
    fixture.rows("SELECT * FROM sim.accounts LIMIT 5").await;
}

/// How long pages are is a guess until some were seen: what rests on it is expected, and not sure.
#[tokio::test]
async fn a_count_alone_is_no_ground_to_refuse_a_query() {
    let all = "SELECT id FROM sim.accounts";
    let fixture = SimFixture::sized(6_000, 1_000).await;
    fixture.rows("SELECT count(*) FROM sim.accounts").await;
    assert_eq!(predict(&fixture, all).await.predicted.calls().to_string(), "1/12/?");
    fixture.rows("SET tidegate.max_calls = 6").await;
    assert_eq!(fixture.rows(all).await.len(), 6_000);
    assert_eq!(predict(&fixture, all).await.predicted.calls().to_string(), "3/6/?");
}

#[tokio::test]
async fn what_was_predicted_is_kept_beside_what_happened() {
    let fixture = SimFixture::new(ODataOptions::default()).await;
    for _ in 0..2 {
        fixture.rows("SELECT code FROM sim.accounts").await;
    }
    fixture.rows("CREATE TABLE kept AS SELECT code FROM sim.accounts").await;
    let kept = "SELECT kind, predicted_low, predicted, predicted_high, calls FROM system.statements
                WHERE sql LIKE '%sim.accounts' ORDER BY statement_id";
    assert_eq!(fixture.rows(kept).await, ["query|1|10||4", "query|2|3||3", "command|2|3||3"]);
}

#[tokio::test]
async fn explain_calls_shows_asks_and_their_sum() {
    let quotas = || vec![calls("daily", 5000, DAY), calls("minutely", 8, Window::FirstCall(Duration::from_secs(60)))];
    let fixture = MeteredFixture::new(&["101", "102"], quotas());
    fixture.rows("CREATE VIEW names AS SELECT name FROM eol.accounts WHERE id > 1").await;
    let cases: &[(&str, &[&str])] = &[
        (
            "SELECT name FROM eol.accounts WHERE id > 1 AND id + 1 < 9",
            &[
                "eol|accounts|list|scan|id > 1|CAST(id AS bigint) + 1 < 9|2|2|10||950|default|minutely (101)|8|0s",
                "|||total||||2|10||238|default|minutely (101)|8|0s|",
            ],
        ),
        (
            "SELECT /*+ max_calls(1) */ count(*) FROM eol.accounts",
            &[
                "eol|accounts|list|count|||2|2|2|2|0|exact|minutely (101)|8|0s|",
                "|||total||||2|2|2|1|exact|minutely (101)|8|0s|",
            ],
        ),
        ("SELECT * FROM names", &["eol|accounts|list|scan|id > 1||2|2|10||950|default", "|||total||||2|10"]),
        ("CREATE TABLE kept AS SELECT * FROM eol.orders", &["eol|orders|list|scan|||2|2|20|", "|||total||||2|20"]),
        ("SELECT 1", &["|||total||||0|0|0|1|exact||||"]),
        ("SELECT * FROM eol.accounts WHERE false", &["|||total||||0|0|0|0|exact||||"]),
        (
            "SELECT * FROM eol.accounts a JOIN eol.orders o ON o.accountid = a.id",
            &["eol|orders|list|scan|||2|2|20|", "eol|accounts|list|scan|||2|0|20|", "|||total||||2|40|"],
        ),
    ];
    for (sql, expected) in cases {
        let rows = fixture.rows(&format!("EXPLAIN CALLS {sql}")).await;
        assert_eq!(rows.len(), expected.len(), "{sql}: {rows:#?}");
        for (row, expected) in rows.iter().zip(*expected) {
            assert!(row.starts_with(expected), "{sql}\n{row}\n{expected}");
        }
    }
    let advice = [
        ("SELECT name FROM eol.accounts WHERE id + 1 < 9", "the API takes other filters on these columns: id (=, "),
        ("SELECT name FROM eol.accounts", "a filter on one of these would be pushed: id ("),
        ("SELECT name FROM eol.accounts", "; a LIMIT would stop"),
        ("SELECT name FROM eol.accounts ORDER BY name LIMIT 5", "ordered by id or revenue the API could return"),
    ];
    for (sql, expected) in advice {
        let advised = fixture.rows(&format!("EXPLAIN CALLS {sql}")).await.join("\n");
        assert!(advised.contains(expected), "{sql}: {advised}");
    }
    assert_eq!(fixture.take_requests(), Vec::<String>::new());
    for sql in ["EXPLAIN CALLS", "EXPLAIN CALLS EXPLAIN SELECT 1", "EXPLAIN CALLS SET tidegate.label = 'x'"] {
        assert_eq!(fixture.error(sql).await.0, ErrorKind::Syntax, "{sql}");
    }
}

#[tokio::test]
async fn a_program_is_told_when_to_ask() {
    let fixture = MeteredFixture::new(&["101"], vec![calls("daily", 120, DAY)]);
    let cases = [
        ("auto", "SELECT * FROM eol.accounts", None),
        (
            "auto",
            "SELECT * FROM eol.accounts a JOIN eol.orders o ON a.id = o.id",
            Some("120 are left of the quota daily"),
        ),
        ("9", "SELECT * FROM eol.accounts", Some("10 calls, and tidegate.confirm_calls is 9")),
        ("9", "EXPLAIN ANALYZE SELECT * FROM eol.accounts", Some("10 calls")),
        ("9", "CREATE TABLE t AS SELECT * FROM eol.accounts", Some("10 calls")),
        ("off", "SELECT * FROM eol.accounts a JOIN eol.orders o ON a.id = o.id", None),
    ];
    for (setting, sql, expected) in cases {
        fixture.rows(&format!("SET tidegate.confirm_calls = '{setting}'")).await;
        let predicted = fixture.session.prepare(sql).await.expect(sql).predict(&[]).await.expect(sql).expect(sql);
        let reason = predicted.should_confirm();
        let is_as_expected = match expected {
            Some(part) => reason.as_ref().is_some_and(|reason| reason.contains(part)),
            None => reason.is_none(),
        };
        assert!(is_as_expected, "{setting} {sql}: {reason:?}");
    }
    for sql in [
        "SET tidegate.label = 'x'",
        "SHOW TABLES",
        "EXPLAIN SELECT * FROM eol.accounts",
        "CREATE VIEW v AS SELECT * FROM eol.accounts",
    ] {
        let predicted = fixture.session.prepare(sql).await.expect(sql).predict(&[]).await.expect(sql);
        assert!(predicted.is_none_or(|predicted| predicted.predicted.asks.is_empty()), "{sql}");
    }
}

#[tokio::test]
async fn local_tables_take_no_calls() {
    let fixture = Fixture::new();
    fixture.rows("CREATE TABLE t AS SELECT 1 AS a").await;
    for sql in ["SELECT * FROM t", "INSERT INTO t VALUES (2)", "COPY t TO 'never.csv'"] {
        let rows = fixture.rows(&format!("EXPLAIN CALLS {sql}")).await;
        assert_eq!(rows, ["|||total||||0|0|0|1|exact||||"], "{sql}");
    }
    assert!(!fixture.path("never.csv").exists());
    assert_eq!(fixture.rows("SELECT * FROM t").await, ["1"]);
}
