//! LIMIT and OFFSET: which rows are asked for, and how many pages.

use tidegate_engine::Settings;
use tidegate_spec::{End, PageSize, Paging, PastEnd, Place, Table};

use super::support::{Fixture, orders, page};

/// Rows with these ids.
fn rows(ids: std::ops::RangeInclusive<i64>) -> Vec<String> {
    ids.map(|id| format!(r#"{{"id": {id}, "region": "EMEA", "amount": {id}}}"#)).collect()
}

fn answer(ids: std::ops::RangeInclusive<i64>) -> String {
    let rows = rows(ids);
    page(&rows.iter().map(String::as_str).collect::<Vec<_>>(), None)
}

/// The requests of a query, whose rows must be those without pushdown.
async fn check(table: Table, sql: &str, answers: Vec<String>, requests: &[&str]) {
    let pushed = Fixture::over(table.clone(), answers, Settings::default());
    let plan = pushed.explain(sql).await;
    let found = pushed.rows(sql).await.expect("rows");
    assert_eq!(pushed.requests(), requests, "{sql}:\n{plan}");
    let settings = Settings { pushdown: false, ..Settings::default() };
    let local = Fixture::over(table, vec![answer(1..=120)], settings);
    assert_eq!(found, local.rows(sql).await.expect("rows"), "{sql}:\n{plan}");
}

/// Orders whose rows are counted off, in pages of 40.
fn counted_off(past: PastEnd) -> Table {
    let mut table = orders();
    let endpoint = &mut table.endpoints[0];
    let at = |name: &str| Place::Query(name.to_owned());
    endpoint.paging = Paging::Offset { place: at("offset"), end: End { past, ..End::default() } };
    endpoint.page_size = Some(PageSize { place: Some(at("limit")), max: 40 });
    endpoint.window = None;
    table
}

#[tokio::test]
async fn the_api_leaves_out_rows_at_the_front() {
    check(
        orders(),
        "SELECT id FROM orders ORDER BY id LIMIT 3 OFFSET 60",
        vec![answer(61..=80)],
        &["Orders?$select=id&$orderby=id&$skip=60&$top=20"],
    )
    .await;
    check(
        orders(),
        "SELECT id + 1 AS next FROM orders WHERE amount > 10 LIMIT 30 OFFSET 60",
        vec![answer(71..=100)],
        &["Orders?$select=id,amount&$filter=amount gt 10&$skip=60&$top=30"],
    )
    .await;
    check(
        orders(),
        "SELECT id FROM (SELECT id FROM orders LIMIT 95) LIMIT 10 OFFSET 90",
        vec![answer(91..=95)],
        &["Orders?$select=id&$skip=90&$top=5"],
    )
    .await;
    check(
        orders(),
        "SELECT id FROM orders WHERE amount > 0 ORDER BY amount DESC LIMIT 2 OFFSET 118",
        vec![page(&rows(1..=2).iter().rev().map(String::as_str).collect::<Vec<_>>(), None)],
        &["Orders?$select=id,amount&$filter=amount gt 0&$orderby=amount desc&$skip=118&$top=20"],
    )
    .await;
}

#[tokio::test]
async fn pages_behind_go_on_from_there() {
    let select = "Orders?$select=id&offset=50&limit=40";
    check(
        counted_off(PastEnd::Empty),
        "SELECT id FROM orders LIMIT 45 OFFSET 50",
        vec![answer(51..=90), answer(91..=120)],
        &[select, "Orders?$select=id&offset=90&limit=40"],
    )
    .await;
    check(
        orders(),
        "SELECT id FROM orders LIMIT 5 OFFSET 200",
        vec![page(&[], None)],
        &["Orders?$select=id&$skip=200&$top=5"],
    )
    .await;
}

#[tokio::test]
async fn rows_that_come_with_one_call_are_left_out_here() {
    check(orders(), "SELECT id FROM orders LIMIT 10 OFFSET 20", vec![answer(1..=30)], &["Orders?$select=id&$top=30"])
        .await;
    check(
        counted_off(PastEnd::Empty),
        "SELECT id FROM orders LIMIT 10 OFFSET 30",
        vec![answer(1..=40)],
        &["Orders?$select=id&limit=40"],
    )
    .await;
}

#[tokio::test]
async fn an_offset_that_may_mean_other_rows_is_taken_here() {
    let ceiling = |mut table: Table| {
        table.endpoints[0].ceiling = Some(tidegate_spec::Ceiling { rows: 1_000, slice_by: None });
        table
    };
    let numbered = |mut table: Table| {
        let place = Place::Query("page".to_owned());
        table.endpoints[0].paging = Paging::Page { place, first: 1, end: End::default() };
        table
    };
    let without_key = |mut table: Table| {
        table.key.clear();
        table
    };
    let plain = "SELECT id FROM orders LIMIT 10 OFFSET 90";
    let cases = [
        (orders(), "SELECT id FROM orders WHERE region = 'EMEA' LIMIT 10 OFFSET 90"),
        (orders(), "SELECT id FROM orders ORDER BY amount LIMIT 10 OFFSET 90"),
        (orders(), "SELECT id FROM orders ORDER BY region LIMIT 10 OFFSET 90"),
        (orders(), "SELECT id FROM orders UNION ALL SELECT id FROM orders LIMIT 10 OFFSET 90"),
        (ceiling(orders()), plain),
        (numbered(counted_off(PastEnd::Empty)), plain),
        (without_key(orders()), plain),
        (counted_off(PastEnd::Refused), plain),
        (counted_off(PastEnd::Repeated), plain),
    ];
    for (table, sql) in cases {
        let plan = Fixture::over(table, vec![], Settings::default()).explain(sql).await;
        assert!(!plan.contains(", skip="), "{sql}:\n{plan}");
    }
    let plan = Fixture::without_pushdown(vec![]).explain(plain).await;
    assert!(plan.contains("GlobalLimitExec: skip=90"), "{plan}");
}

#[tokio::test]
async fn a_server_that_filters_wrongly_cannot_be_skipped_through() {
    let fixture = Fixture::new(vec![answer(1..=10)]);
    let error = fixture.rows("SELECT id FROM orders WHERE amount > 5 LIMIT 10 OFFSET 90").await;
    let error = error.expect_err("rows that do not match").to_string();
    assert!(error.contains("amount > 5") && error.contains("OFFSET would be wrong"), "{error}");
}

#[tokio::test]
async fn a_refusal_says_how_rows_are_left_out_here() {
    let answers = vec![r#"{"error": {"message": "skip is not supported"}}"#.to_owned()];
    let fixture = Fixture::with_status(http::StatusCode::BAD_REQUEST, orders(), answers, Settings::default());
    let error = fixture.rows("SELECT id FROM orders LIMIT 10 OFFSET 90").await.expect_err("refused").to_string();
    for part in ["skip is not supported", "SET tidegate.pushdown = false leaves out rows here"] {
        assert!(error.contains(part), "no {part} in {error}");
    }
}

#[tokio::test]
async fn a_page_is_as_long_as_the_limit_needs() {
    let cases = [
        (orders(), "SELECT id FROM orders LIMIT 7", "Orders?$select=id&$top=7"),
        (
            orders(),
            "SELECT id FROM orders WHERE amount > 0 LIMIT 7",
            "Orders?$select=id,amount&$filter=amount gt 0&$top=7",
        ),
        (orders(), "SELECT id FROM orders ORDER BY id LIMIT 7", "Orders?$select=id&$orderby=id&$top=20"),
        (orders(), "SELECT id FROM orders ORDER BY id LIMIT 70", "Orders?$select=id&$orderby=id&$top=70"),
        // Seven rows would hardly hold seven that pass: one call for many is cheaper than two.
        (orders(), "SELECT id FROM orders WHERE id % 2 = 0 LIMIT 7", "Orders?$select=id&$top=1000"),
        // Nearly all rows pass where the API has filtered by more.
        (
            orders(),
            "SELECT id FROM orders WHERE region = 'EMEA' LIMIT 7",
            "Orders?$select=id,region&$filter=region eq 'EMEA'&$top=7",
        ),
        (counted_off(PastEnd::Empty), "SELECT id FROM orders LIMIT 7", "Orders?$select=id&limit=20"),
        (counted_off(PastEnd::Empty), "SELECT id FROM orders LIMIT 30", "Orders?$select=id&limit=30"),
        (counted_off(PastEnd::Empty), "SELECT id FROM orders WHERE id % 2 = 0 LIMIT 7", "Orders?$select=id&limit=40"),
        // Without an order that the API keeps all rows are needed.
        (orders(), "SELECT id FROM orders ORDER BY region LIMIT 7", "Orders?$select=id,region&$count=true"),
    ];
    for (table, sql, request) in cases {
        let fixture = Fixture::over(table, vec![answer(1..=40)], Settings::default());
        let found = fixture.rows(sql).await.expect("rows");
        let wanted: usize = sql.rsplit(' ').next().and_then(|limit| limit.parse().ok()).expect("a limit");
        assert_eq!(found.lines().count(), 4 + wanted.min(40), "{sql}: {found}");
        assert_eq!(fixture.requests(), [request], "{sql}");
    }
}
