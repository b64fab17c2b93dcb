//! What bounds a statement, and what is told of quotas: settings, hints, system tables and REFRESH QUOTAS.

use std::time::Duration;

use tidegate_engine::ErrorKind;
use tidegate_quota::Window;

use crate::metered::{MeteredFixture, calls};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Window = Window::Day(chrono_tz::UTC);

fn three() -> MeteredFixture {
    MeteredFixture::new(
        &["101", "102", "103"],
        vec![calls("daily", 5000, DAY), calls("minutely", 60, Window::FirstCall(MINUTE))],
    )
}

#[tokio::test]
async fn a_statement_that_needs_more_calls_than_it_may_send_sends_none() {
    let fixture = three();
    let cases = [
        ("SELECT * FROM eol.accounts", 3),
        ("SELECT * FROM eol.accounts LIMIT 1", 1),
        ("SELECT name FROM eol.accounts ORDER BY name LIMIT 1", 3),
        ("SELECT * FROM eol.accounts WHERE _partition IN ('101', '103')", 2),
        ("SELECT id FROM eol.accounts UNION ALL SELECT id FROM eol.orders", 6),
        ("SELECT id FROM eol.accounts UNION ALL SELECT id FROM eol.orders LIMIT 1", 1),
        ("SELECT count(*) FROM eol.accounts", 3),
        ("SELECT sum(revenue) FROM eol.accounts", 3),
        ("SELECT name, count(*) FROM eol.accounts GROUP BY name", 3),
        ("SELECT * FROM eol.accounts a JOIN eol.orders o ON o.accountid = a.id", 3),
        ("SELECT * FROM eol.accounts WHERE id = (SELECT max(id) FROM eol.orders)", 3),
        ("COPY (SELECT * FROM eol.accounts) TO 'never.csv'", 3),
        ("CREATE TABLE kept AS SELECT * FROM eol.accounts", 3),
        ("EXPLAIN ANALYZE SELECT * FROM eol.accounts", 3),
    ];
    for (sql, least) in cases {
        fixture.rows(&format!("SET tidegate.max_calls = {}", least - 1)).await;
        let (kind, message) = fixture.error(sql).await;
        assert_eq!(kind, ErrorKind::CallBound, "{sql}: {message}");
        assert!(message.contains(&format!("at least {least} call")), "{sql}: {message}");
        assert!(message.contains("tidegate.max_calls") && message.contains("none was sent"), "{sql}: {message}");
        assert_eq!(fixture.take_requests(), Vec::<String>::new(), "{sql}");
    }
    fixture.rows("SET tidegate.max_calls = 0").await;
    for sql in ["EXPLAIN SELECT * FROM eol.accounts", "SELECT * FROM eol.accounts WHERE false", "SELECT 1"] {
        fixture.rows(sql).await;
    }
    assert_eq!(fixture.rows("SELECT count(*) FROM system.requests").await, ["0"]);
}

#[tokio::test]
async fn no_statement_is_refused_for_calls_that_it_does_not_make() {
    let fixture = three();
    let statements = [
        "SELECT * FROM eol.accounts a JOIN (SELECT * FROM eol.orders WHERE accountid + id < 0) o ON o.accountid = a.id",
        "SELECT * FROM (SELECT * FROM eol.orders WHERE accountid + id < 0) o JOIN eol.accounts a ON o.accountid = a.id",
        "SELECT * FROM eol.accounts a LEFT JOIN eol.orders o ON o.accountid = a.id LIMIT 1",
        "SELECT * FROM eol.accounts a FULL JOIN eol.orders o ON o.accountid = a.id",
        "SELECT * FROM eol.accounts a CROSS JOIN eol.orders o LIMIT 2",
        "SELECT * FROM eol.accounts a JOIN eol.orders o ON o.accountid < a.id",
        "SELECT * FROM eol.accounts WHERE id IN (SELECT accountid FROM eol.orders) LIMIT 1",
        "SELECT * FROM eol.accounts WHERE NOT EXISTS (SELECT 1 FROM eol.orders WHERE accountid = accounts.id)",
        "SELECT * FROM eol.accounts WHERE id > (SELECT min(id) FROM eol.orders) LIMIT 1",
        "SELECT id, sum(id) OVER (ORDER BY id) FROM eol.accounts LIMIT 1",
        "SELECT id, row_number() OVER (PARTITION BY name ORDER BY id) FROM eol.accounts",
        "SELECT DISTINCT name FROM eol.accounts LIMIT 1",
        "SELECT id, count(*) FROM eol.accounts GROUP BY id ORDER BY id LIMIT 1",
        "SELECT id, name FROM eol.accounts ORDER BY id, name LIMIT 1",
        "SELECT _partition, max(id) FROM eol.accounts GROUP BY _partition LIMIT 1",
        "(SELECT id FROM eol.accounts ORDER BY id LIMIT 1) UNION ALL (SELECT id FROM eol.orders LIMIT 1) LIMIT 1",
        "SELECT id FROM eol.accounts INTERSECT SELECT id FROM eol.orders",
        "SELECT id FROM eol.accounts EXCEPT SELECT id FROM eol.orders LIMIT 1",
        "SELECT id FROM eol.accounts LIMIT 0",
        "SELECT id FROM eol.accounts LIMIT 2 OFFSET 5",
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n JOIN eol.orders o ON true WHERE i < 2) SELECT * FROM n",
        "SELECT CASE WHEN 1 < 2 THEN 0 ELSE (SELECT max(id) FROM eol.orders) END",
    ];
    for sql in statements {
        let mut execution = fixture.execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let summary = execution.summary.clone();
        while let Some(batch) = futures::StreamExt::next(&mut execution.stream).await {
            batch.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        fixture.rows(&format!("SET tidegate.max_calls = {}", summary.counts().calls)).await;
        if let Err(error) = fixture.try_rows(sql).await {
            panic!("{sql}: made {} calls, and then: {error}", summary.counts().calls);
        }
        fixture.rows("RESET tidegate.max_calls").await;
    }
}

#[tokio::test]
async fn a_statement_is_stopped_at_its_bound() {
    let fixture = MeteredFixture::new(&[], Vec::new());
    fixture.page();
    assert_eq!(fixture.rows("SELECT /*+ max_calls(2) */ id FROM eol.accounts").await, ["1", "2", "3", "4"]);
    let (kind, message) = fixture.error("SELECT /*+ max_calls(1) */ id FROM eol.accounts").await;
    assert_eq!(kind, ErrorKind::CallBound, "{message}");
    assert!(message.contains("tidegate.max_calls"), "{message}");
    assert_eq!(fixture.take_requests().len(), 3);
}

#[tokio::test]
async fn a_hint_holds_over_set_for_one_statement() {
    let fixture = three();
    fixture.rows("SET tidegate.max_calls = 2").await;
    assert_eq!(fixture.rows("SELECT /*+ max_calls(3) label('night') */ id FROM eol.accounts").await.len(), 9);
    assert_eq!(fixture.error("SELECT id FROM eol.accounts").await.0, ErrorKind::CallBound);
    assert_eq!(fixture.rows("SELECT /*+ max_calls(none) */ id FROM eol.accounts").await.len(), 9);
    assert_eq!(fixture.rows("SHOW tidegate.max_calls").await, ["tidegate.max_calls|2"]);
    let labels = "SELECT count(*) FROM system.statements WHERE label = 'night'";
    assert_eq!(fixture.rows(labels).await, ["1"]);
    let cases = [
        ("SELECT /*+ max_cals(3) */ 1", "did you mean max_calls?"),
        ("SELECT /*+ xyz(3) */ 1", "there is no hint xyz; there are: http_cache, "),
        ("SELECT /*+ read_only(true) */ 1", "read_only holds for a session"),
        ("SELECT /*+ on_bad_value('null') */ 1", "on_bad_value holds for a session"),
        ("SELECT /*+ max_calls(many) */ 1", "tidegate.max_calls is a number of calls, or none, not 'many'"),
        ("SELECT /*+ quota_reserve('daily') */ 1", "such as 'daily=500, minutely=5'"),
        ("SELECT 1 /*+ max_calls(3) */", "directly after its verb"),
    ];
    for (sql, expected) in cases {
        let (_, message) = fixture.error(sql).await;
        assert!(message.contains(expected), "{sql}: {message}");
    }
}

#[tokio::test]
async fn an_exhausted_quota_is_one_error_that_says_what_to_do() {
    let fixture = MeteredFixture::new(&[], vec![calls("daily", 2, DAY)]);
    fixture.rows("SET tidegate.on_quota_exhausted = 'stop'").await;
    for _ in 0..2 {
        fixture.rows("SELECT id FROM eol.accounts").await;
    }
    let (kind, message) = fixture.error("SELECT id FROM eol.accounts").await;
    assert_eq!(kind, ErrorKind::QuotaExhausted, "{message}");
    for part in ["eol", "daily", "2023-11-15"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    fixture.rows("SET tidegate.on_quota_exhausted = 'wait'").await;
    let (kind, message) = fixture.error("SELECT id FROM eol.accounts").await;
    assert!(kind == ErrorKind::QuotaExhausted && message.contains("max_wait"), "{message}");
    fixture.rows("SET tidegate.max_wait = '1d'").await;
    assert_eq!(fixture.rows("SELECT id FROM eol.accounts").await.len(), 3);
    let waited = "SELECT waited_milliseconds > 3600000 FROM system.statements WHERE state = 'done' AND calls = 1 \
                  ORDER BY statement_id DESC LIMIT 1";
    assert_eq!(fixture.rows(waited).await, ["true"]);
    assert_eq!(fixture.rows("SELECT count(*) FROM system.requests WHERE quota_wait > 3600000").await, ["1"]);
}

#[tokio::test]
async fn partitions_show_what_is_left_of_their_quotas() {
    let fixture = three();
    fixture.rows("SELECT id FROM eol.accounts WHERE _partition = '102'").await;
    fixture.rows("USE 101, 102@eol").await;
    let all = "SELECT * EXCLUDE (last_call_utc, minutely_reset_date_utc, daily_reset_date_utc) FROM system.partitions ORDER BY code";
    let expected = [
        "books|eol|101|Office 101|true|5000|0|5000|||||60|0|60|0|0",
        "books|eol|102|Office 102|true|5000|1|4999|||||60|1|59|0|0",
        "books|eol|103|Office 103|false|5000|0|5000|||||60|0|60|0|0",
    ];
    assert_eq!(fixture.rows(all).await, expected);
    let script = "SELECT code, name, daily_remaining, minutely_remaining FROM SystemPartitions@DataDictionary \
                  WHERE is_selected AND daily_remaining > 500 ORDER BY 1";
    assert_eq!(fixture.rows(script).await, ["101|Office 101|5000|60", "102|Office 102|4999|59"]);
    let times = "SELECT daily_reset_date_utc, last_call_utc FROM system.partitions WHERE code = '102'";
    assert_eq!(fixture.rows(times).await, ["2023-11-15T00:00:00Z|2023-11-14T22:13:20Z"]);
}

#[tokio::test]
async fn quotas_show_every_counter() {
    let fixture = MeteredFixture::new(&[], vec![calls("minutely", 60, Window::FirstCall(MINUTE))]);
    let quotas = "SELECT connection, partition, name, unit, \"window\", quota_limit, used, remaining, source, in_flight, \
                  waiting, refused FROM system.quotas";
    fixture.rows("SELECT id FROM eol.accounts").await;
    assert_eq!(fixture.rows("SELECT code, name, is_selected FROM system.partitions").await, ["||true"]);
    // One declared for partitions, of which the connection has none, counts nothing.
    assert_eq!(fixture.rows(quotas).await, Vec::<String>::new());
    let partitioned = three();
    partitioned.rows("SELECT id FROM eol.accounts WHERE _partition = '103'").await;
    let rows = partitioned.rows(&format!("{quotas} WHERE name = 'daily' ORDER BY partition")).await;
    let expected = [
        "eol|101|daily|calls|1d|5000|0|5000|declared|0|0|0",
        "eol|102|daily|calls|1d|5000|0|5000|declared|0|0|0",
        "eol|103|daily|calls|1d|5000|1|4999|declared|0|0|0",
    ];
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn thousands_of_partitions_are_shown_by_one_look_into_the_ledger() {
    let codes: Vec<String> = (0..5000).map(|code| code.to_string()).collect();
    let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
    let fixture = MeteredFixture::new(&codes, vec![calls("daily", 5000, DAY)]);
    fixture.rows("SELECT id FROM eol.accounts WHERE _partition IN ('7', '4711')").await;
    let spent = "SELECT code FROM system.partitions WHERE daily_used = 1 ORDER BY code";
    assert_eq!(fixture.rows(spent).await, ["4711", "7"]);
    assert_eq!(fixture.rows("SELECT count(*), sum(remaining) FROM system.quotas").await, ["5000|24999998"]);
}

#[tokio::test]
async fn spend_is_booked_by_day_partition_table_and_label() {
    let fixture = three();
    fixture.rows("SELECT /*+ label('night') */ id FROM eol.accounts").await;
    fixture.rows("SELECT id FROM eol.orders WHERE _partition = '101'").await;
    let spend = "SELECT * FROM system.spend ORDER BY partition, label";
    let expected = [
        "2023-11-14|eol|101|accounts|night|1|1|",
        "2023-11-14|eol|101|orders||1|1|",
        "2023-11-14|eol|102|accounts|night|1|1|",
        "2023-11-14|eol|103|accounts|night|1|1|",
    ];
    assert_eq!(fixture.rows(spend).await, expected);
    let other = fixture.engine.session("other");
    let execution = other.prepare(spend).await.expect("a query").execute(Vec::new()).await.expect("a stream");
    assert_eq!(crate::script::drain(execution).await.expect("rows"), Vec::<String>::new());
}

#[tokio::test]
async fn refresh_spends_a_call_where_figures_are_unknown_or_old() {
    let fixture = MeteredFixture::new(&["101", "102"], Vec::new());
    fixture.answer_with(&[("x-ratelimit-limit", "60"), ("x-ratelimit-remaining", "59"), ("x-ratelimit-reset", "3600")]);
    fixture.rows("SELECT id FROM eol.accounts WHERE _partition = '101'").await;
    fixture.take_requests();
    let refreshed = fixture.rows("REFRESH QUOTAS eol").await;
    assert_eq!(refreshed, ["eol|101|0|known already", "eol|102|1|asked"]);
    assert_eq!(fixture.take_requests(), ["102 Accounts"]);
    fixture.clock.advance(Duration::from_secs(61));
    assert_eq!(fixture.rows("REFRESH QUOTAS").await, ["eol|101|1|asked", "eol|102|1|asked"]);
    assert_eq!(fixture.rows("REFRESH QUOTAS").await, ["eol|101|0|known already", "eol|102|0|known already"]);
    fixture.clock.advance(Duration::from_secs(61));
    fixture.rows("USE 102@eol").await;
    fixture.take_requests();
    assert_eq!(fixture.rows("REFRESH QUOTAS eol").await, ["eol|102|1|asked"]);
    let (kind, message) = fixture.error("REFRESH QUOTAS elo").await;
    assert!(kind == ErrorKind::Name && message.contains("did you mean eol?"), "{message}");
}

#[tokio::test]
async fn refresh_obeys_bounds_and_names_what_failed() {
    let fixture = MeteredFixture::new(&["101", "102", "103"], Vec::new());
    fixture.break_partition("102");
    let (kind, message) = fixture.error("REFRESH QUOTAS eol").await;
    assert_eq!(kind, ErrorKind::Remote, "{message}");
    assert!(message.contains("1 of 3") && message.contains("102") && message.contains("403"), "{message}");
    assert_eq!(fixture.take_requests().len(), 3);
    let told = fixture.rows("REFRESH /*+ partial_results(warn) */ QUOTAS eol").await;
    let nothing = "1|asked; the answer tells nothing of quotas";
    assert_eq!(told, [format!("eol|101|{nothing}"), format!("eol|103|{nothing}")]);
    let warnings = fixture.rows("SELECT message FROM system.warnings").await.join("\n");
    assert!(warnings.contains("could not be refreshed") && warnings.contains("tell nothing of quotas"), "{warnings}");
    fixture.take_requests();
    let (kind, message) = fixture.error("REFRESH /*+ max_calls(2) */ QUOTAS eol").await;
    assert!(kind == ErrorKind::CallBound && message.contains("at least 3 calls"), "{message}");
    assert_eq!(fixture.take_requests(), Vec::<String>::new());
    let counted = three();
    let nothing = ["101", "102", "103"].map(|code| format!("eol|{code}|0|counted here"));
    assert_eq!(counted.rows("REFRESH QUOTAS").await, nothing);
}

#[tokio::test]
async fn a_reserve_of_an_unknown_quota_is_warned_of() {
    let fixture = three();
    fixture.rows("SET tidegate.quota_reserve = 'daily=10, dialy=5'").await;
    let mut execution = fixture.execute("SELECT id FROM eol.accounts").await.expect("a stream");
    let summary = execution.summary.clone();
    while let Some(batch) = futures::StreamExt::next(&mut execution.stream).await {
        batch.expect("rows");
    }
    let expected = "eol: quota_reserve names dialy, which is no quota of it; there are: daily, minutely";
    assert_eq!(summary.warnings(), [expected]);
    assert_eq!(fixture.rows("SELECT count(*) FROM system.warnings WHERE connection = 'eol'").await, ["1"]);
}

#[tokio::test]
async fn a_partial_result_is_not_complete_and_says_so() {
    let fixture = three();
    fixture.break_partition("102");
    let mut execution =
        fixture.execute("SELECT /*+ partial_results(warn) */ id FROM eol.accounts").await.expect("a stream");
    let summary = execution.summary.clone();
    let mut rows = 0;
    while let Some(batch) = futures::StreamExt::next(&mut execution.stream).await {
        rows += batch.expect("rows").num_rows();
    }
    assert_eq!(rows, 6);
    let warnings = summary.warnings().join("\n");
    assert!(warnings.contains("102") && warnings.contains("403"), "{warnings}");
    let statement = "SELECT state, complete FROM system.statements WHERE sql LIKE 'SELECT /*+%'";
    assert_eq!(fixture.rows(statement).await, ["partial|false"]);
}

#[tokio::test]
async fn what_is_left_shows_while_a_statement_runs() {
    let fixture = three();
    let mut execution = fixture.execute("SELECT id FROM eol.accounts").await.expect("a stream");
    let summary = execution.summary.clone();
    while let Some(batch) = futures::StreamExt::next(&mut execution.stream).await {
        batch.expect("rows");
    }
    let left = summary.left().expect("a quota");
    assert_eq!((left.quota.as_ref(), left.remaining, left.limit), ("minutely", 59, 60));
    assert!(summary.waiting().is_empty());
}
