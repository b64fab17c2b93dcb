//! ORDER BY: what the API sorts, where NULL stands, and what happens when it sorts wrongly.

use super::support::{Fixture, page};

fn row(id: i64, amount: &str) -> String {
    format!(r#"{{"id": {id}, "amount": {amount}}}"#)
}

fn ids(table: &str) -> Vec<&str> {
    table.lines().skip(3).filter_map(|line| line.split('|').nth(1)).map(str::trim).collect()
}

#[tokio::test]
async fn a_limit_that_values_fill_is_one_call() {
    let (first, second) = (row(4, "9"), row(2, "7"));
    let fixture = Fixture::new(vec![page(&[&first, &second], None)]);
    let sql = "SELECT id, amount FROM orders ORDER BY amount DESC LIMIT 2";
    let plan = fixture.explain(sql).await;
    assert!(!plan.contains("SortExec"), "{plan}");
    assert!(plan.contains("order=[amount DESC NULLS LAST], fetch=2"), "{plan}");
    assert_eq!(ids(&fixture.rows(sql).await.expect("rows")), ["4", "2"]);
    let requests = fixture.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert!(requests[0].contains("$orderby=amount desc") && requests[0].ends_with("$top=20"), "{requests:?}");
}

#[tokio::test]
async fn null_rows_are_asked_for_last() {
    let (low, high, none) = (row(1, "5"), row(2, "7"), row(3, "null"));
    let fixture = Fixture::new(vec![page(&[&low, &high], None), page(&[&none], None)]);
    let sql = "SELECT id, amount FROM orders ORDER BY amount LIMIT 3";
    assert_eq!(ids(&fixture.rows(sql).await.expect("rows")), ["1", "2", "3"]);
    let requests = fixture.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert!(requests[0].contains("amount ne null") && requests[1].contains("amount eq null"), "{requests:?}");
    assert!(requests[0].ends_with("$top=20") && requests[1].ends_with("$top=1"), "{requests:?}");
}

#[tokio::test]
async fn nulls_first_are_asked_for_first() {
    let (low, none) = (row(1, "5"), row(3, "null"));
    let fixture = Fixture::new(vec![page(&[&none], None), page(&[&low], None)]);
    let sql = "SELECT id, amount FROM orders ORDER BY amount NULLS FIRST LIMIT 2";
    assert_eq!(ids(&fixture.rows(sql).await.expect("rows")), ["3", "1"]);
}

#[tokio::test]
async fn a_filter_on_the_key_leaves_no_nulls_to_ask_for() {
    let low = row(1, "5");
    let fixture = Fixture::new(vec![page(&[&low], None)]);
    let sql = "SELECT id, amount FROM orders WHERE amount > 3 ORDER BY amount LIMIT 5";
    assert_eq!(ids(&fixture.rows(sql).await.expect("rows")), ["1"]);
    assert_eq!(fixture.requests().len(), 1);
}

#[tokio::test]
async fn a_broken_promise_is_an_error() {
    let rows = [row(2, "7"), row(1, "5")];
    let next = Some("Orders?$skiptoken=1");
    let cases = [vec![page(&[&rows[0], &rows[1]], None)], vec![page(&[&rows[0]], next), page(&[&rows[1]], None)]];
    for answers in cases {
        let fixture = Fixture::new(answers);
        let error = fixture.rows("SELECT id, amount FROM orders WHERE amount > 0 ORDER BY amount").await;
        let error = error.expect_err("rows in a wrong order").to_string();
        for part in ["crm.orders (odata), page", "sort by amount", "SET tidegate.pushdown = false"] {
            assert!(error.contains(part), "no {part} in {error}");
        }
    }
}

#[tokio::test]
async fn an_order_that_is_not_declared_is_made_here() {
    let cases = [
        "SELECT id FROM orders ORDER BY region LIMIT 2",
        "SELECT id FROM orders ORDER BY id + 1 LIMIT 2",
        "SELECT id FROM orders ORDER BY id, amount LIMIT 2",
        "SELECT * FROM (SELECT id FROM orders LIMIT 5) ORDER BY id",
    ];
    for sql in cases {
        let plan = Fixture::new(vec![]).explain(sql).await;
        assert!(plan.contains("SortExec") && plan.contains("order=[]"), "{sql}:\n{plan}");
    }
    let plan = Fixture::without_pushdown(vec![]).explain("SELECT id FROM orders ORDER BY id LIMIT 2").await;
    assert!(plan.contains("SortExec"), "{plan}");
}
