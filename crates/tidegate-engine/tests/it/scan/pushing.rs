//! What is pushed: the plan shows it, the request carries it, and the rows are those of a query without it.

use super::support::{Fixture, forgiving, page};

const ALL: [&str; 4] = [
    r#"{"id": 1, "region": "EMEA", "amount": 5}"#,
    r#"{"id": 2, "region": "emea", "amount": 7}"#,
    r#"{"id": 3, "region": "APAC", "amount": null}"#,
    r#"{"id": 4, "region": null, "amount": 9}"#,
];

/// Plan, requests and rows of `sql`, whose rows must be the same without pushdown. `answer` is what the API
/// returns for the pushed request.
async fn check(sql: &str, answer: &[&str], scan: &str, request: &str, rows: &str) {
    let pushed = Fixture::new(vec![page(answer, None)]);
    let plan = pushed.explain(sql).await;
    assert!(plan.contains(scan), "{sql}: no {scan} in\n{plan}");
    let got = pushed.rows(sql).await.expect("rows");
    assert_eq!(pushed.requests(), [request], "{sql}");
    assert_eq!(got.trim(), rows.trim(), "{sql}");
    let local = Fixture::without_pushdown(vec![page(&ALL, None)]);
    assert_eq!(local.rows(sql).await.expect("rows"), got, "{sql} without pushdown");
    assert_eq!(local.requests().len(), 1);
    assert!(!local.requests()[0].contains("$filter"), "{:?}", local.requests());
}

#[tokio::test]
async fn exact_filters_leave_nothing_to_recheck() {
    check(
        "SELECT id FROM orders WHERE amount > 5",
        &[ALL[1], ALL[3]],
        "ApiScanExec: crm.orders, endpoint=list, pushed=[amount > 5], residual=[], verified=[amount > 5], \
         columns=[id, amount], order=[]",
        "Orders?$select=id,amount&$filter=amount gt 5&$count=true",
        "+----+\n| id |\n+----+\n| 2  |\n| 4  |\n+----+",
    )
    .await;
}

#[tokio::test]
async fn inexact_filters_are_rechecked() {
    check(
        "SELECT id FROM orders WHERE region = 'EMEA'",
        &[r#"{"id": 1, "region": "EMEA"}"#, r#"{"id": 2, "region": "emea"}"#],
        "pushed=[region = 'EMEA'], residual=[region = 'EMEA'], columns=[id, region]",
        "Orders?$select=id,region&$filter=region eq 'EMEA'&$count=true",
        "+----+\n| id |\n+----+\n| 1  |\n+----+",
    )
    .await;
}

#[tokio::test]
async fn what_is_not_declared_is_not_asked_for() {
    check(
        "SELECT id FROM orders WHERE region <> 'EMEA' AND amount >= 7",
        &[ALL[1], ALL[3]],
        "pushed=[amount >= 7], residual=[region <> 'EMEA'], verified=[amount >= 7]",
        "Orders?$select=id,region,amount&$filter=amount ge 7&$count=true",
        "+----+\n| id |\n+----+\n| 2  |\n+----+",
    )
    .await;
}

#[tokio::test]
async fn local_functions_stay_local() {
    check(
        "SELECT id FROM orders WHERE upper(region) = 'EMEA'",
        &[ALL[0], ALL[1], ALL[2], ALL[3]],
        "pushed=[], residual=[upper(region) = 'EMEA']",
        "Orders?$select=id,region&$count=true",
        "+----+\n| id |\n+----+\n| 1  |\n| 2  |\n+----+",
    )
    .await;
}

#[tokio::test]
async fn rows_that_an_exact_filter_should_have_kept_out_are_left_out_and_told() {
    let fixture = Fixture::new(vec![page(&ALL, None)]);
    let rows = fixture.rows("SELECT id FROM orders WHERE amount > 5 AND id <> 4").await.expect("rows");
    assert_eq!(rows, "+----+\n| id |\n+----+\n| 2  |\n+----+");
    let notices = fixture.notices();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].starts_with("crm: crm.orders (odata): ") && notices[0].contains("amount > 5"), "{notices:?}");
    let honest = Fixture::new(vec![page(&[ALL[1]], None)]);
    honest.rows("SELECT id FROM orders WHERE amount > 5 AND region = 'EMEA'").await.expect("rows");
    assert_eq!(honest.notices(), Vec::<String>::new(), "a residual filter may leave rows out");
}

#[tokio::test]
async fn the_api_counts() {
    for sql in
        ["SELECT count(*) AS n FROM orders WHERE amount > 5", "SELECT count(id) AS n FROM orders WHERE amount > 5"]
    {
        let pushed = Fixture::new(vec![r#"{"@odata.count": 2, "value": []}"#.to_owned()]);
        let plan = pushed.explain(sql).await;
        assert!(plan.contains("ApiCountExec: crm.orders, endpoint=list, pushed=[amount > 5], calls=1"), "{plan}");
        let rows = pushed.rows(sql).await.expect("a count");
        assert_eq!(rows, "+---+\n| n |\n+---+\n| 2 |\n+---+");
        assert_eq!(pushed.requests().len(), 1);
        let local = Fixture::without_pushdown(vec![page(&ALL, None)]);
        assert_eq!(local.rows(sql).await.expect("a count"), rows);
    }
}

#[tokio::test]
async fn the_api_does_not_count_what_it_cannot_decide() {
    let cases = [
        "SELECT count(*) FROM orders WHERE region = 'EMEA'",
        "SELECT count(region) FROM orders",
        "SELECT count(DISTINCT id) FROM orders",
        "SELECT count(*) FILTER (WHERE region = 'EMEA') FROM orders",
        "SELECT amount, count(*) FROM orders GROUP BY amount",
        "SELECT count(*) FROM (SELECT id FROM orders LIMIT 3)",
    ];
    for sql in cases {
        let plan = Fixture::new(vec![]).explain(sql).await;
        assert!(plan.contains("ApiScanExec") && !plan.contains("ApiCountExec"), "{sql}:\n{plan}");
    }
}

#[tokio::test]
async fn a_contradiction_sends_nothing() {
    for condition in ["1 = 0", "id IN (NULL)", "amount = 1 AND 1 = 0", "id NOT IN (1, NULL)"] {
        let fixture = Fixture::new(vec![]);
        fixture.rows(&format!("SELECT id FROM orders WHERE {condition}")).await.expect("no rows");
        assert_eq!(fixture.requests(), Vec::<String>::new(), "{condition}");
    }
}

#[tokio::test]
async fn a_bad_value_fails_with_its_place() {
    let fixture = Fixture::new(vec![page(&[ALL[0]], Some("Orders?$skiptoken=1")), page(&[r#"{"id": "x"}"#], None)]);
    let error = fixture.rows("SELECT id FROM orders").await.expect_err("a bad value").to_string();
    for part in ["crm.orders", "page 2", "column id", "row 1"] {
        assert!(error.contains(part), "no {part} in {error}");
    }
}

#[tokio::test]
async fn a_bad_value_read_as_null_is_not_left_to_the_api() {
    let fixture =
        Fixture::with(vec![page(&[r#"{"id": 1, "amount": "x"}"#, r#"{"id": 2, "amount": 6}"#], None)], forgiving());
    let rows = fixture.rows("SELECT id, amount FROM orders WHERE amount > 5").await.expect("rows");
    assert_eq!(rows, "+----+--------+\n| id | amount |\n+----+--------+\n| 2  | 6      |\n+----+--------+");
    let nulls = Fixture::with(vec![], forgiving()).explain("SELECT id FROM orders WHERE amount IS NULL").await;
    assert!(nulls.contains("pushed=[], residual=[amount IS NULL]"), "{nulls}");
}
