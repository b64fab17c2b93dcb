//! EXPLAIN shows the physical plan, and only ANALYZE runs it.

use crate::script::Fixture;

#[tokio::test]
async fn explain_shows_what_is_pushed_and_sends_nothing() {
    let fixture = Fixture::erp();
    fixture.rows("SHOW TABLES").await;
    fixture.api("erp").take_requests();
    let plan = fixture.rows("EXPLAIN SELECT name FROM erp.accounts WHERE id > 1 LIMIT 5").await.join("\n");
    assert!(plan.contains("ApiScanExec") && plan.contains("pushed="), "{plan}");
    let verbose = fixture.rows("EXPLAIN VERBOSE SELECT name FROM erp.accounts").await;
    assert_eq!(verbose[0], "logical plan");
    let tree = fixture.rows("EXPLAIN FORMAT TREE SELECT 1").await.join("\n");
    assert!(tree.contains('┌'), "{tree}");
    assert!(fixture.error("EXPLAIN FORMAT graphviz SELECT 1").await.1.contains("not offered"));
    assert_eq!(fixture.api("erp").take_requests(), Vec::<String>::new());
}

#[tokio::test]
async fn analyze_runs_and_counts() {
    let fixture = Fixture::erp();
    fixture.rows("SHOW TABLES").await;
    fixture.api("erp").take_requests();
    let plan = fixture.rows("EXPLAIN ANALYZE SELECT name FROM erp.accounts").await;
    assert_eq!(fixture.api("erp").take_requests(), ["erp/Accounts"]);
    assert!(plan.last().expect("a line").starts_with("rows=3 calls=1"), "{plan:?}");
}

#[tokio::test]
async fn explaining_a_definition_defines_nothing() {
    let fixture = Fixture::erp();
    let plan = fixture.rows("EXPLAIN CREATE TABLE t AS SELECT name FROM erp.accounts").await.join("\n");
    assert!(plan.contains("ApiScanExec"), "{plan}");
    assert!(fixture.error("SELECT * FROM t").await.1.contains("there is no table main.t"));
}
