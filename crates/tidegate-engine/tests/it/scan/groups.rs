//! GROUP BY and DISTINCT as a service computes them.

use tidegate_engine::Settings;
use tidegate_spec::Aggregate::{Count, Max, Min, Sum};
use tidegate_spec::{AggregateLanguage, Aggregation, Column, ColumnSource, ColumnType, Table};

use super::support::{Fixture, column, forgiving, orders, page};

const ID: usize = 0;
const REGION: usize = 1;
const AMOUNT: usize = 2;
const PRICE: usize = 3;

/// Orders of a service that groups by the columns `amount`, and `region` if it tells texts apart.
fn grouped(change: impl FnOnce(&mut Aggregation)) -> Table {
    let mut table = orders();
    let price: Column = column("price", ColumnType::Decimal { precision: 9, scale: 2 }, false, ColumnSource::Row);
    table.columns.push(price);
    let values = vec![Count, Sum(ID), Sum(AMOUNT), Sum(PRICE), Min(ID), Max(ID), Min(AMOUNT), Max(AMOUNT), Min(PRICE)];
    let mut aggregation =
        Aggregation { language: AggregateLanguage::Apply, groups: vec![REGION, AMOUNT], values, filters: true };
    change(&mut aggregation);
    table.endpoints[0].aggregate = Some(aggregation);
    table
}

const ALL: [&str; 5] = [
    r#"{"id": 1, "region": "EMEA", "amount": 5, "price": 1.25}"#,
    r#"{"id": 2, "region": "EMEA", "amount": 7, "price": 2}"#,
    r#"{"id": 3, "region": null, "amount": null, "price": 3}"#,
    r#"{"id": 4, "region": "APAC", "amount": 9, "price": "4.5"}"#,
    r#"{"id": 5, "region": "APAC", "amount": 9, "price": 0}"#,
];

/// Rows beside those without pushdown, and the one request.
async fn check(sql: &str, groups: &[&str], apply: &str) {
    let pushed = Fixture::over(grouped(|_| {}), vec![page(groups, None)], Settings::default());
    let plan = pushed.explain(sql).await;
    let rows = pushed.rows(sql).await.expect("rows");
    assert_eq!(pushed.requests(), [format!("Orders?$apply={apply}")], "{sql}:\n{plan}");
    let settings = Settings { pushdown: false, ..Settings::default() };
    let local = Fixture::over(grouped(|_| {}), vec![page(&ALL, None)], settings);
    assert_eq!(rows, local.rows(sql).await.expect("rows"), "{sql}:\n{plan}");
}

#[tokio::test]
async fn groups_are_computed_by_the_service() {
    check(
        "SELECT region, count(*) AS n, sum(amount) AS s, min(id) AS a, max(id) AS b FROM orders GROUP BY region ORDER BY 1",
        &[
            r#"{"region": "APAC", "agg0": 2, "agg1": 18, "agg2": 9, "agg3": 4, "agg4": 5}"#,
            r#"{"region": "EMEA", "agg0": 2, "agg1": 12, "agg2": 5, "agg3": 1, "agg4": 2}"#,
            // A service may send 0 for the sum of nothing.
            r#"{"region": null, "agg0": 1, "agg1": 0, "agg2": null, "agg3": 3, "agg4": 3}"#,
        ],
        "groupby((region),aggregate($count as agg0,amount with sum as agg1,amount with min as agg2,id with min as agg3,\
         id with max as agg4))",
    )
    .await;
}

#[tokio::test]
async fn filters_go_along_and_the_rest_is_done_here() {
    check(
        "SELECT amount, count(id) AS n FROM orders WHERE amount > 5 GROUP BY amount HAVING count(*) > 1 ORDER BY n LIMIT 3",
        &[r#"{"amount": 7, "agg0": 1}"#, r#"{"amount": 9, "agg0": 2}"#],
        "filter(amount gt 5)/groupby((amount),aggregate($count as agg0))",
    )
    .await;
    check(
        "SELECT amount, avg(amount) AS m, sum(price) AS p, avg(price) AS q FROM orders WHERE amount > 0 GROUP BY amount \
         ORDER BY 1",
        &[
            r#"{"amount": 5, "agg0": 1, "agg1": 5, "agg2": 1.25}"#,
            r#"{"amount": 7, "agg0": 1, "agg1": 7, "agg2": 2}"#,
            r#"{"amount": 9, "agg0": 2, "agg1": 18, "agg2": "4.5"}"#,
        ],
        "filter(amount gt 0)/groupby((amount),aggregate($count as agg0,amount with sum as agg1,price with sum as agg2))",
    )
    .await;
}

#[tokio::test]
async fn distinct_values_are_groups() {
    let regions = [r#"{"region": "EMEA"}"#, r#"{"region": null}"#, r#"{"region": "APAC"}"#];
    for sql in [
        "SELECT DISTINCT region FROM orders ORDER BY region",
        "SELECT region FROM orders GROUP BY region ORDER BY region DESC",
        "SELECT count(DISTINCT region) AS n FROM orders",
    ] {
        check(sql, &regions, "groupby((region))").await;
    }
    check(
        "SELECT DISTINCT region, amount FROM orders ORDER BY 1, 2",
        &[
            r#"{"region": "EMEA", "amount": 5}"#,
            r#"{"region": "EMEA", "amount": 7}"#,
            r#"{"region": null, "amount": null}"#,
            r#"{"region": "APAC", "amount": 9}"#,
        ],
        "groupby((region,amount))",
    )
    .await;
}

#[tokio::test]
async fn one_group_is_one_row_whatever_the_service_sends_for_nothing() {
    check(
        "SELECT sum(amount) AS s, count(*) AS n, min(amount) AS a FROM orders",
        &[r#"{"agg0": 5, "agg1": 30, "agg2": 5}"#],
        "aggregate($count as agg0,amount with sum as agg1,amount with min as agg2)",
    )
    .await;
    for answer in
        [vec![], vec![r#"{"agg0": 0, "agg1": 0, "agg2": null, "agg3": 0}"#], vec![r#"{"agg0": 0, "agg1": null}"#]]
    {
        let fixture = Fixture::over(grouped(|_| {}), vec![page(&answer, None)], Settings::default());
        let rows =
            fixture.rows("SELECT sum(amount) AS s, sum(price) AS p, count(*) AS n FROM orders WHERE id > 9").await;
        let expected = "+---+---+---+\n| s | p | n |\n+---+---+---+\n|   |   | 0 |\n+---+---+---+";
        assert_eq!(rows.expect("a row"), expected, "{answer:?}");
    }
}

#[tokio::test]
async fn groups_that_sql_does_not_tell_apart_become_one() {
    let groups = [r#"{"amount": 5, "agg0": 1}"#, r#"{"amount": 7, "agg0": 0}"#, r#"{"amount": 5, "agg0": 2}"#];
    let fixture = Fixture::over(grouped(|_| {}), vec![page(&groups, None)], Settings::default());
    let rows = fixture.rows("SELECT amount, count(*) AS n FROM orders GROUP BY amount").await.expect("rows");
    assert_eq!(rows, "+--------+---+\n| amount | n |\n+--------+---+\n| 5      | 3 |\n+--------+---+");
}

#[tokio::test]
async fn pages_of_groups_are_followed() {
    let first = page(&[r#"{"region": "EMEA", "agg0": 2}"#], Some("Orders?$skiptoken=1"));
    let second = page(&[r#"{"region": "APAC", "agg0": 1}"#], None);
    let fixture = Fixture::over(grouped(|_| {}), vec![first, second], Settings::default());
    let sql = "SELECT region, count(*) AS n FROM orders GROUP BY region ORDER BY 1";
    let rows = fixture.rows(sql).await.expect("rows");
    assert_eq!(rows, "+--------+---+\n| region | n |\n+--------+---+\n| APAC   | 1 |\n| EMEA   | 2 |\n+--------+---+");
    assert_eq!(fixture.requests().len(), 2);
}

#[tokio::test]
async fn what_is_not_exact_is_computed_here() {
    let no = |change: fn(&mut Aggregation)| grouped(change);
    let cases = [
        (no(|_| {}), "SELECT id, count(*) FROM orders GROUP BY id"),
        (no(|_| {}), "SELECT amount % 2, count(*) FROM orders GROUP BY 1"),
        (no(|_| {}), "SELECT amount, count(*) FROM orders WHERE region = 'EMEA' GROUP BY amount"),
        (no(|_| {}), "SELECT amount, count(region) FROM orders GROUP BY amount"),
        (no(|_| {}), "SELECT region, avg(amount) FROM orders GROUP BY region"),
        (no(|_| {}), "SELECT region, sum(amount + 1) FROM orders GROUP BY region"),
        (no(|_| {}), "SELECT region, sum(DISTINCT amount), count(*) FROM orders GROUP BY region"),
        (no(|_| {}), "SELECT region, count(*) FILTER (WHERE amount > 1) FROM orders GROUP BY region"),
        (no(|_| {}), "SELECT region, amount, count(*) FROM orders GROUP BY ROLLUP (region, amount)"),
        (no(|_| {}), "SELECT region, array_agg(id) FROM orders GROUP BY region"),
        (no(|_| {}), "SELECT region, count(*) FROM (SELECT region FROM orders LIMIT 3) GROUP BY region"),
        (no(|_| {}), "SELECT sum(CAST(amount AS DOUBLE)) FROM orders"),
        (no(|one| one.groups = vec![AMOUNT]), "SELECT region, count(*) FROM orders GROUP BY region"),
        (no(|one| one.filters = false), "SELECT region, count(*) FROM orders WHERE amount > 1 GROUP BY region"),
        (no(|one| one.values = vec![Count, Sum(AMOUNT)]), "SELECT region, sum(amount) FROM orders GROUP BY region"),
        (no(|one| one.values = vec![Sum(AMOUNT)]), "SELECT region, count(*) FROM orders GROUP BY region"),
    ];
    for (table, sql) in cases {
        let plan = Fixture::over(table, vec![], Settings::default()).explain(sql).await;
        assert!(plan.contains("ApiScanExec") && !plan.contains("ApiGroupsExec"), "{sql}:\n{plan}");
    }
    let sql = "SELECT region, sum(amount) FROM orders GROUP BY region";
    for settings in [forgiving(), Settings { pushdown: false, ..Settings::default() }] {
        let plan = Fixture::over(grouped(|_| {}), vec![], settings).explain(sql).await;
        assert!(!plan.contains("ApiGroupsExec"), "{plan}");
    }
}

#[tokio::test]
async fn what_is_asked_is_shown() {
    let fixture = Fixture::over(grouped(|_| {}), vec![], Settings::default());
    let plan = fixture.explain("SELECT region, sum(amount) FROM orders WHERE id > 3 GROUP BY region").await;
    let shown = "ApiGroupsExec: crm.orders, endpoint=list, pushed=[id > 3], groups=[region], values=[count(*), \
                 sum(amount), min(amount)], calls=1 a page of groups";
    assert!(plan.contains(shown), "{plan}");
}

#[tokio::test]
async fn rows_in_place_of_groups_are_an_error() {
    for (sql, answer, expected) in [
        (
            "SELECT region, max(amount) FROM orders GROUP BY region",
            ALL.as_slice(),
            "the answer has no count(*): the server seems to ignore that groups were asked for; the connection's option \
             apply = 'ignore' groups rows here",
        ),
        (
            "SELECT sum(amount), count(*) FROM orders",
            &[r#"{"agg0": 1, "agg1": 2, "agg2": 2}"#, r#"{"agg0": 1, "agg1": 2, "agg2": 2}"#],
            "2 groups where one was asked for",
        ),
    ] {
        let fixture = Fixture::over(grouped(|_| {}), vec![page(answer, None)], Settings::default());
        let error = fixture.rows(sql).await.expect_err("no groups").to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_says_how_rows_are_grouped_here() {
    for status in [http::StatusCode::BAD_REQUEST, http::StatusCode::NOT_IMPLEMENTED] {
        let answers = vec![r#"{"error": {"message": "groupby is not supported"}}"#.to_owned()];
        let fixture = Fixture::with_status(status, grouped(|_| {}), answers, Settings::default());
        let error = fixture.rows("SELECT DISTINCT region FROM orders").await.expect_err("refused").to_string();
        for part in ["groupby is not supported", "apply = 'ignore' groups rows here"] {
            assert!(error.contains(part), "no {part} in {error}");
        }
        assert_eq!(fixture.requests().len(), 1, "no request is repeated behind the user's back");
    }
}

/// Sales of an API with a report of its own, `summary`, which must be asked for a shop.
fn sales() -> Table {
    let text = "connector: crm\nurl: https://crm.example/api/\ntables:\n  sales:\n    key: id\n    columns:\n      \
                id: int!\n      shop: { from: request }\n      status: text\n      total: decimal(10,2)\n    list:\n      \
                path: shops/{shop}/sales\n      rows: sales\n      paging: { page: page }\n      \
                page_size: { max: 2 }\n      \
                filters: { status: { '=': { parameter: status, exact: true } } }\n      aggregate:\n        path: shops/{shop}/summary\n        \
                rows: groups\n        group_by: { in: by, columns: [status] }\n        count: n\n        \
                sum: { total: total.sum }\n        min: { total: total.min }\n";
    let manifest = tidegate_spec::Manifest::parse(text, "sales.yaml").unwrap_or_else(|all| panic!("{}", all[0]));
    manifest.compile(&Default::default()).expect("no options").tables.remove(0)
}

#[tokio::test]
async fn a_declared_request_makes_the_groups() {
    let groups = r#"{"groups": [{"status": "paid", "n": 2, "total": {"sum": "3.50", "min": 1.25}},
                                {"status": null, "n": 1, "total": {"sum": 0, "min": null}}]}"#;
    let rows = |shop: &str| {
        let first =
            r#"{"sales": [{"id": 1, "status": "paid", "total": 1.25}, {"id": 2, "status": "paid", "total": 2.25}]}"#;
        let second = r#"{"sales": [{"id": 3, "status": null, "total": null}]}"#;
        assert_eq!(shop, "a");
        vec![first.to_owned(), second.to_owned()]
    };
    let sql =
        "SELECT status, sum(total) AS total, count(*) AS n FROM sales WHERE shop = 'a' GROUP BY status ORDER BY 1";
    let pushed = Fixture::over(sales(), vec![groups.to_owned()], Settings::default());
    let found = pushed.rows(sql).await.expect("rows");
    assert_eq!(pushed.requests(), ["shops/a/summary?by=status"]);
    let local = Fixture::over(sales(), rows("a"), Settings { pushdown: false, ..Settings::default() });
    assert_eq!(found, local.rows(sql).await.expect("rows"));

    let sql = "SELECT sum(total) AS total FROM sales WHERE shop IN ('a', 'b') AND status = 'paid'";
    let answer = |sum: &str| format!(r#"{{"groups": {{"n": 1, "total": {{"sum": {sum}, "min": 1}}}}}}"#);
    let pushed = Fixture::over(sales(), vec![answer("1.5"), answer("2")], Settings::default());
    let found = pushed.rows(sql).await.expect("rows");
    assert_eq!(found, "+-------+\n| total |\n+-------+\n| 3.50  |\n+-------+");
    assert_eq!(pushed.requests(), ["shops/a/summary?status=paid", "shops/b/summary?status=paid"]);
}
