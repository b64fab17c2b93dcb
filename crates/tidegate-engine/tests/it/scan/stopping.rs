//! When a scan stops asking: a full limit, a cancelled statement, a reader that goes away; and what it counted.

use datafusion::physical_plan::{ExecutionPlan, collect, execute_stream};
use futures::StreamExt;
use tidegate_engine::scan::ApiScanExec;

use super::support::{Fixture, page};

const ROWS: [&str; 3] = [r#"{"id": 1, "amount": 5}"#, r#"{"id": 2, "amount": 7}"#, r#"{"id": 3, "amount": 9}"#];
const MORE: [&str; 3] = [r#"{"id": 4, "amount": 5}"#, r#"{"id": 5, "amount": 7}"#, r#"{"id": 6, "amount": 9}"#];
const NEXT: Option<&str> = Some("Orders?$skiptoken=1");

#[tokio::test]
async fn no_page_is_fetched_that_the_limit_does_not_need() {
    for (limit, calls) in [(0, 0), (2, 1), (3, 1), (4, 2)] {
        let fixture = Fixture::without_pushdown(vec![page(&ROWS, NEXT), page(&MORE, Some("Orders?$skiptoken=2"))]);
        let rows = fixture.rows(&format!("SELECT id FROM orders LIMIT {limit}")).await.expect("rows");
        assert_eq!(fixture.requests().len(), calls, "LIMIT {limit}");
        assert_eq!(rows.lines().filter(|line| line.starts_with("| ") && !line.contains("id")).count(), limit);
    }
}

#[tokio::test]
async fn a_limit_counts_rows_that_pass_the_recheck() {
    let fixture = Fixture::new(vec![page(&ROWS, NEXT), page(&MORE, Some("Orders?$skiptoken=2"))]);
    let rows = fixture.rows("SELECT id FROM orders WHERE id % 2 = 0 LIMIT 2").await.expect("rows");
    assert_eq!(rows, "+----+\n| id |\n+----+\n| 2  |\n| 4  |\n+----+");
    assert_eq!(fixture.requests().len(), 2);
}

#[tokio::test]
async fn a_cancelled_statement_ends_in_flight() {
    let fixture = Fixture::new(vec![page(&ROWS, NEXT)]);
    let plan = fixture.plan("SELECT id FROM orders").await;
    let mut stream = execute_stream(plan, fixture.context().task_ctx()).expect("a stream");
    assert_eq!(stream.next().await.expect("a batch").expect("rows").num_rows(), 3);
    let cancel = fixture.statement.cancellation().clone();
    let (next, ()) = tokio::join!(stream.next(), async { cancel.cancel() });
    let error = next.expect("an end").expect_err("a cancelled statement").to_string();
    assert!(error.contains("cancelled"), "{error}");
    assert!(stream.next().await.is_none());
    assert!(fixture.requests().len() <= 2, "{:?}", fixture.requests());
}

#[tokio::test]
async fn each_operator_counts_what_it_spent() {
    let fixture = Fixture::new(vec![page(&ROWS, NEXT), page(&MORE, None)]);
    let plan = fixture.plan("SELECT id FROM orders WHERE id % 2 = 0").await;
    let scan = find(&plan).expect("a scan");
    collect(plan, fixture.context().task_ctx()).await.expect("rows");
    let metrics = scan.metrics().expect("metrics");
    let figure = |name: &str| metrics.sum_by_name(name).map(|value| value.as_usize());
    assert_eq!(figure("calls"), Some(2));
    assert_eq!(figure("pages"), Some(2));
    assert_eq!(figure("rows_fetched"), Some(6));
    assert_eq!(figure("retries"), Some(0));
    assert_eq!(metrics.output_rows(), Some(3));
    assert_eq!(figure("bytes"), Some(page(&ROWS, NEXT).len() + page(&MORE, None).len()));
    assert_eq!(fixture.statement.counts().calls, 2, "the statement pays for its operators");
}

fn find(plan: &std::sync::Arc<dyn ExecutionPlan>) -> Option<std::sync::Arc<dyn ExecutionPlan>> {
    if plan.downcast_ref::<ApiScanExec>().is_some() {
        return Some(std::sync::Arc::clone(plan));
    }
    plan.children().into_iter().find_map(find)
}
