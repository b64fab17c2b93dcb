//! Aggregates without groups: what the API counts, and the first rows in an order.

use tidegate_engine::Settings;
use tidegate_spec::Table;

use super::support::{Fixture, forgiving, orders, page};

/// Rows that a service without pushdown would send.
const ALL: [&str; 4] = [
    r#"{"id": 1, "region": "EMEA", "amount": 5}"#,
    r#"{"id": 2, "region": "emea", "amount": 7}"#,
    r#"{"id": 3, "region": null, "amount": null}"#,
    r#"{"id": 4, "region": "APAC", "amount": 9}"#,
];

fn counted(rows: u64) -> String {
    format!(r#"{{"@odata.count": {rows}, "value": []}}"#)
}

fn one(amount: &str) -> String {
    page(&[&format!(r#"{{"id": 1, "amount": {amount}}}"#)], None)
}

/// Rows beside those without pushdown, and the requests, in any order. Answers of several requests are told apart by
/// their order in the query.
async fn check(sql: &str, answers: &[String], requests: &[&str]) {
    let pushed = Fixture::new(answers.to_vec());
    let plan = pushed.explain(sql).await;
    let rows = pushed.rows(sql).await.expect("a row");
    assert_eq!(pushed.requests(), requests, "{sql}:\n{plan}");
    let local = Fixture::without_pushdown(vec![page(&ALL, None)]);
    assert_eq!(rows, local.rows(sql).await.expect("a row"), "{sql}:\n{plan}");
}

const LEAST: &str = "Orders?$select=amount,id&$filter=amount ne null&$orderby=amount&$top=20";
const GREATEST: &str = "Orders?$select=amount,id&$filter=amount ne null&$orderby=amount desc&$top=20";

#[tokio::test]
async fn the_least_and_the_greatest_value_are_first_in_an_order() {
    check("SELECT min(amount) AS n FROM orders", &[one("5")], &[LEAST]).await;
    check("SELECT max(amount) AS n FROM orders", &[one("9")], &[GREATEST]).await;
    check(
        "SELECT min(id) AS n FROM orders",
        &[page(&[r#"{"id": 1}"#], None)],
        &["Orders?$select=id&$orderby=id&$top=20"],
    )
    .await;
    check("SELECT max(amount) - min(amount) AS n, min(amount) FROM orders", &[one("9"), one("5")], &[GREATEST, LEAST])
        .await;
    check(
        "SELECT min(o.amount) AS n FROM (SELECT amount, id AS x FROM orders WHERE id < 3) o",
        &[one("5")],
        &["Orders?$select=amount,id&$filter=id lt 3 and amount ne null&$orderby=amount&$top=20"],
    )
    .await;
}

#[tokio::test]
async fn nothing_has_no_least_value() {
    let fixture = Fixture::new(vec![page(&[], None), counted(0), page(&[], None)]);
    let rows = fixture.rows("SELECT min(amount) AS a, count(*) AS n, max(amount) AS b FROM orders WHERE id > 9").await;
    assert_eq!(rows.expect("a row"), "+---+---+---+\n| a | n | b |\n+---+---+---+\n|   | 0 |   |\n+---+---+---+");
    assert_eq!(fixture.requests().len(), 3);
}

#[tokio::test]
async fn a_service_that_does_not_sort_has_no_least_value() {
    let fixture = Fixture::new(vec![page(&[r#"{"id": 1, "amount": 7}"#, r#"{"id": 2, "amount": 5}"#], None)]);
    let error = fixture.rows("SELECT min(amount) FROM orders").await.expect_err("no order").to_string();
    assert!(error.contains("does not sort by amount"), "{error}");
}

#[tokio::test]
async fn counts_of_several_kinds_are_a_call_each() {
    check(
        "SELECT count(amount) AS n FROM orders",
        &[counted(3)],
        &["Orders?$filter=amount ne null&$count=true&$top=0"],
    )
    .await;
    check(
        "SELECT count(*) AS n, count(amount) AS a, count(*) FILTER (WHERE amount > 5) AS f, count(id) AS i FROM orders",
        &[counted(4), counted(3), counted(2)],
        &[
            "Orders?$count=true&$top=0",
            "Orders?$filter=amount ne null&$count=true&$top=0",
            "Orders?$filter=amount gt 5&$count=true&$top=0",
        ],
    )
    .await;
    check(
        "SELECT count(*) FILTER (WHERE amount IN (5, 7)) AS f, min(amount) FILTER (WHERE id > 1) AS m FROM orders",
        &[counted(2), page(&[r#"{"id": 2, "amount": 7}"#], None)],
        &[
            "Orders?$filter=amount eq 5 or amount eq 7&$count=true&$top=0",
            "Orders?$select=amount,id&$filter=id gt 1 and amount ne null&$orderby=amount&$top=20",
        ],
    )
    .await;
}

#[tokio::test]
async fn parts_of_a_union_are_counted_apart() {
    let sql = "SELECT count(*) AS n FROM (SELECT id FROM orders WHERE amount > 5 UNION ALL SELECT id FROM orders \
               UNION ALL SELECT x FROM (VALUES (1), (2)) AS t(x))";
    let pushed = Fixture::new(vec![counted(2), counted(4)]);
    let rows = pushed.rows(sql).await.expect("a row");
    assert_eq!(rows, "+---+\n| n |\n+---+\n| 8 |\n+---+");
    assert_eq!(pushed.requests(), ["Orders?$filter=amount gt 5&$count=true&$top=0", "Orders?$count=true&$top=0"]);
    let local = Fixture::without_pushdown(vec![page(&ALL, None), page(&ALL, None)]);
    assert_eq!(local.rows(sql).await.expect("a row"), rows);
}

#[tokio::test]
async fn what_the_api_cannot_decide_is_read() {
    let cases = [
        "SELECT min(region) FROM orders",
        "SELECT min(amount) FROM orders WHERE region = 'EMEA'",
        "SELECT min(amount + 1) FROM orders",
        "SELECT min(amount) FROM (SELECT amount FROM orders LIMIT 3)",
        "SELECT min(amount), sum(amount) FROM orders",
        "SELECT count(region) FROM orders",
        "SELECT count(*) FILTER (WHERE region = 'EMEA') FROM orders",
        "SELECT avg(amount) FROM orders",
        "SELECT region, min(amount) FROM orders GROUP BY region",
    ];
    for sql in cases {
        let plan = Fixture::new(vec![]).explain(sql).await;
        assert!(plan.contains("ApiScanExec") && !plan.contains("OneRowExec"), "{sql}:\n{plan}");
        assert!(!plan.contains("ApiGroupsExec"), "{sql}:\n{plan}");
    }
}

#[tokio::test]
async fn bad_values_are_computed_with_here() {
    for sql in ["SELECT min(amount) FROM orders", "SELECT count(amount) FROM orders"] {
        let plan = Fixture::with(vec![], forgiving()).explain(sql).await;
        assert!(!plan.contains("OneRowExec"), "{sql}:\n{plan}");
    }
}

#[tokio::test]
async fn a_table_of_one_call_is_read() {
    let mut table: Table = orders();
    table.endpoints[0].paging = tidegate_spec::Paging::Single;
    let plan = Fixture::over(table, vec![], Settings::default()).explain("SELECT min(amount) FROM orders").await;
    assert!(!plan.contains("OneRowExec"), "{plan}");
}

#[tokio::test]
async fn more_counts_than_pages_are_made_of_the_rows() {
    let counts = |number: usize| {
        let counts: Vec<_> = (0..number).map(|n| format!("count(*) FILTER (WHERE amount = {n})")).collect();
        format!("SELECT {} FROM orders", counts.join(", "))
    };
    // A table of which nothing is known is taken to have ten pages.
    for (number, is_counted) in [(10, true), (11, false)] {
        let plan = Fixture::new(vec![]).explain(&counts(number)).await;
        assert_eq!(plan.contains("OneRowExec"), is_counted, "{plan}");
    }
}
