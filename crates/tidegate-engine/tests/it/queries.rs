//! Whole queries over the simulated API: the rows are the same with pushdown and without, and pushdown never costs
//! more calls.

use datafusion::scalar::ScalarValue;
use tidegate_sim::ODataOptions;

use crate::sim::SimFixture;

/// Queries, and the calls that each takes with pushdown. Rows are compared as sets unless the query orders them.
pub(crate) const QUERIES: &[(&str, usize)] = &[
    // Filters.
    ("SELECT code FROM sim.accounts WHERE employees > 500 AND active", 2),
    ("SELECT code FROM sim.accounts WHERE region = 'EMEA' OR employees IS NULL", 1),
    ("SELECT code FROM sim.accounts WHERE NOT (employees BETWEEN 100 AND 900)", 2),
    ("SELECT code FROM sim.accounts WHERE revenue > 1000.505 AND name LIKE '%a%'", 1),
    ("SELECT code FROM sim.accounts WHERE createdat >= TIMESTAMP '2020-01-01' AND since < DATE '2022-01-01'", 1),
    ("SELECT code FROM sim.accounts WHERE CASE WHEN active THEN employees ELSE priority END > 50", 3),
    ("SELECT code FROM sim.accounts WHERE coalesce(employees, 0) = 0", 3),
    ("SELECT id FROM sim.nulls WHERE money >= 9999999999999.99", 1),
    ("SELECT id FROM sim.nulls WHERE money IN (9999999999999.99, -0.01) OR money BETWEEN -1.5 AND 2.25", 2),
    ("SELECT id FROM sim.nulls WHERE ratio > 2.5 OR ratio < -1e300", 3),
    ("SELECT id FROM sim.nulls WHERE medium > 2.5 AND large <> 1.5", 1),
    ("SELECT id FROM sim.nulls WHERE small = 40000 OR small < -40000 OR medium IN (3000000000, -3000000000)", 0),
    ("SELECT id FROM sim.nulls WHERE small < 40000 AND medium <> -3000000000", 1),
    ("SELECT id FROM sim.nulls WHERE medium > 5 AND medium IS NULL", 0),
    ("SELECT id FROM sim.nulls WHERE day < TIMESTAMP '2024-02-29T12:00:00'", 2),
    ("SELECT id FROM sim.nulls WHERE TIMESTAMP '2024-02-29 12:00:00.5' < day", 1),
    ("SELECT id FROM sim.nulls WHERE moment > TIMESTAMP '1500-01-01 00:00:00.000001'", 2),
    ("SELECT id FROM sim.nulls WHERE day BETWEEN TIMESTAMP '1500-01-01' AND TIMESTAMP '2500-01-01 12:00:00'", 2),
    ("SELECT id FROM sim.nulls WHERE moment BETWEEN TIMESTAMP '1500-01-01' AND TIMESTAMP '2500-01-01 12:00:00'", 2),
    // Order and limit.
    ("SELECT code FROM sim.accounts ORDER BY sequence LIMIT 5", 1),
    ("SELECT code FROM sim.accounts ORDER BY sequence LIMIT 5 OFFSET 3", 1),
    ("SELECT code, employees FROM sim.accounts ORDER BY employees DESC, sequence LIMIT 5", 1),
    ("SELECT code FROM sim.accounts ORDER BY name, sequence LIMIT 5", 3),
    ("SELECT DISTINCT region FROM sim.accounts ORDER BY region", 3),
    // Aggregates.
    ("SELECT count(*) FROM sim.accounts", 1),
    ("SELECT count(*) FROM sim.accounts WHERE employees > 500", 1),
    ("SELECT count(*), sum(employees), avg(revenue), min(code) FROM sim.accounts WHERE active", 2),
    ("SELECT region, count(*) AS n FROM sim.accounts GROUP BY region HAVING count(*) > 5 ORDER BY n, region", 3),
    ("SELECT status, kind, max(revenue) FROM sim.accounts WHERE employees > 100 GROUP BY ROLLUP (status, kind)", 3),
    ("SELECT count(DISTINCT region) FILTER (WHERE active) FROM sim.accounts", 3),
    // Window functions.
    ("SELECT code, rank() OVER (PARTITION BY region ORDER BY revenue DESC, code) FROM sim.accounts", 3),
    ("SELECT code, sum(employees) OVER (ORDER BY sequence ROWS 2 PRECEDING) AS s FROM sim.accounts ORDER BY code", 3),
    (
        "SELECT * FROM (SELECT region, code, row_number() OVER (PARTITION BY region ORDER BY sequence) AS n \
         FROM sim.accounts) WHERE n <= 2 ORDER BY region, n",
        3,
    ),
    // Joins.
    ("SELECT a.code, o.id FROM sim.accounts a JOIN sim.orders o ON o.accountid = a.id WHERE a.employees > 500", 8),
    (
        "SELECT a.code, o.id FROM sim.accounts a JOIN sim.orders o ON o.accountid = a.id \
         WHERE upper(a.region) = 'EMEA' AND o.total % 2 > 1 AND a.active AND o.total > 50",
        4,
    ),
    ("SELECT a.code, o.id FROM sim.accounts a LEFT JOIN sim.orders o ON o.accountid = a.id AND o.total > 500", 8),
    ("SELECT count(*) FROM sim.accounts a FULL JOIN sim.contacts c ON c.accountid = a.id WHERE a.id IS NULL", 6),
    ("SELECT x.code FROM sim.accounts x JOIN sim.accounts y ON x.sequence = y.sequence + 1 WHERE y.active", 5),
    ("SELECT x.code FROM sim.accounts x, sim.accounts y WHERE x.employees > y.employees AND y.code = 'nobody'", 4),
    (
        "SELECT a.region, sum(l.quantity * l.price) FROM sim.accounts a JOIN sim.orders o ON o.accountid = a.id \
         JOIN sim.orderlines l ON l.orderid = o.id WHERE o.status <> 'Open' GROUP BY a.region",
        18,
    ),
    // Subqueries.
    ("SELECT code FROM sim.accounts WHERE id IN (SELECT accountid FROM sim.orders WHERE total > 900)", 8),
    ("SELECT code FROM sim.accounts WHERE id NOT IN (SELECT accountid FROM sim.orders WHERE total > 900)", 8),
    (
        "SELECT code FROM sim.accounts a WHERE EXISTS (SELECT 1 FROM sim.orders o WHERE o.accountid = a.id AND o.paid)",
        6,
    ),
    (
        "SELECT code FROM sim.accounts a WHERE NOT EXISTS (SELECT 1 FROM sim.orders o WHERE o.accountid = a.id AND o.paid)",
        6,
    ),
    ("SELECT code FROM sim.accounts WHERE employees = (SELECT max(employees) FROM sim.accounts)", 2),
    (
        "SELECT code, (SELECT count(*) FROM sim.orders o WHERE o.accountid = a.id) AS n FROM sim.accounts a ORDER BY code",
        8,
    ),
    // CTEs, views, sets.
    ("WITH big AS (SELECT * FROM sim.accounts WHERE employees > 500) SELECT count(*) FROM big WHERE active", 1),
    (
        "WITH t AS (SELECT region, employees FROM sim.accounts) SELECT * FROM t x JOIN t y ON x.employees = y.employees",
        6,
    ),
    ("SELECT code FROM active_accounts WHERE employees > 500", 2),
    ("SELECT region, count(*) FROM active_accounts GROUP BY region ORDER BY region", 2),
    ("SELECT code FROM sim.accounts WHERE active UNION SELECT code FROM sim.accounts WHERE employees > 500", 5),
    ("SELECT code FROM sim.accounts EXCEPT SELECT code FROM sim.accounts WHERE active", 5),
    ("SELECT status FROM sim.accounts INTERSECT SELECT status FROM sim.orders", 8),
    // Nested values, and a local table beside.
    ("SELECT code, unnest(tags) FROM sim.accounts WHERE employees > 500", 3),
    ("SELECT a.code, t.n FROM sim.accounts a JOIN (VALUES (1), (2)) AS t (n) ON a.priority = t.n", 1),
    ("SELECT id FROM sim.nulls WHERE (\"text\" IS DISTINCT FROM 'x') AND medium IS NOT NULL", 2),
    // Values that no row has, since they are none of the column's type.
    ("SELECT count(*) FROM sim.accounts WHERE id = 'nope'", 0),
    ("SELECT code FROM sim.accounts WHERE id IN ('nope', 'neither')", 0),
];

pub(crate) async fn fixture() -> SimFixture {
    let fixture = SimFixture::new(ODataOptions::default()).await;
    fixture.rows("CREATE VIEW active_accounts AS SELECT code, region, employees FROM sim.accounts WHERE active").await;
    fixture
}

#[tokio::test]
async fn rows_are_those_of_the_same_query_without_pushdown() {
    let fixture = fixture().await;
    let mut wrong = Vec::new();
    for (sql, calls) in QUERIES {
        // It tells how many rows there are: what takes fewer calls is a guess before.
        let (local, whole) = run(&fixture, sql, false).await;
        let (pushed, requests) = run(&fixture, sql, true).await;
        assert_eq!(pushed, local, "{sql}");
        let (asked, whole) = (requests.len(), whole.len());
        assert!(asked <= whole, "{sql}: {asked} calls, {whole} without pushdown: {requests:#?}");
        if asked != *calls {
            wrong.push(format!("{asked} calls and not {calls} ({} rows): {sql}", pushed.len()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(fixture.rows("SELECT message FROM system.warnings").await, Vec::<String>::new());
}

async fn run(fixture: &SimFixture, sql: &str, pushdown: bool) -> (Vec<String>, Vec<String>) {
    fixture.rows(&format!("SET tidegate.pushdown = {pushdown}")).await;
    fixture.session.prepare(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    fixture.take_requests();
    let mut rows = fixture.rows(sql).await;
    if !sql.contains("ORDER BY") || sql.contains("OVER") {
        rows.sort();
    }
    (rows, fixture.take_requests())
}

#[tokio::test]
async fn a_number_beside_a_decimal_column_is_what_was_written() {
    let fixture = fixture().await;
    let written = fixture.rows("SELECT count(*) FROM sim.nulls WHERE money::text = '9999999999999.99'").await;
    assert_ne!(written, ["0"]);
    for pushdown in [true, false] {
        fixture.rows(&format!("SET tidegate.pushdown = {pushdown}")).await;
        for sql in [
            "SELECT count(*) FROM sim.nulls WHERE money >= 9999999999999.99",
            "SELECT count(*) FROM sim.nulls WHERE 9999999999999.99 = money",
            "SELECT count(*) FROM sim.nulls WHERE money IN (9999999999999.99, 0.001)",
            "SELECT count(*) FROM sim.nulls WHERE -money <= -9999999999999.99",
        ] {
            assert_eq!(fixture.rows(sql).await, written, "{sql}");
        }
    }
}

/// A key that can be no value of the column is asked for nowhere, and does not make the others cost a scan.
#[tokio::test]
async fn keys_that_no_row_can_have_take_no_calls() {
    let fixture = fixture().await;
    let id = fixture.rows("SELECT id FROM sim.accounts LIMIT 1").await.remove(0);
    let joined = |values: &str, kind: &str| {
        format!("SELECT count(*), count(a.id) FROM (VALUES {values}) AS t (v) {kind} JOIN sim.accounts a ON a.id = t.v")
    };
    for (sql, rows, calls) in [
        (joined("('nope'), ('neither')", ""), "0|0", 0),
        (joined("('nope'), ('neither')", "LEFT"), "2|0", 0),
        (joined(&format!("('nope'), ('{id}')"), "LEFT"), "2|1", 1),
    ] {
        fixture.session.prepare(&sql).await.expect("a query");
        fixture.take_requests();
        assert_eq!(fixture.rows(&sql).await, [rows], "{sql}");
        assert_eq!(fixture.take_requests().len(), calls, "{sql}");
    }
}

#[tokio::test]
async fn parameters_are_pushed() {
    let fixture = fixture().await;
    let cases = [
        ("SELECT code FROM sim.accounts WHERE employees > $1", vec![ScalarValue::Int32(Some(500))], "employees gt 500"),
        (
            "SELECT code FROM sim.accounts WHERE region = $1 AND employees BETWEEN $2 AND $3",
            vec![
                ScalarValue::Utf8(Some("EMEA".to_owned())),
                ScalarValue::Int64(Some(10)),
                ScalarValue::Int64(Some(900)),
            ],
            "Region eq 'EMEA'",
        ),
    ];
    for (sql, params, filter) in cases {
        fixture.rows("SET tidegate.pushdown = true").await;
        fixture.session.prepare(sql).await.expect("a query");
        fixture.take_requests();
        let mut pushed = fixture.try_rows_with(sql, params.clone()).await.expect("rows");
        let requests = fixture.take_requests();
        assert!(requests[0].to_lowercase().contains(&filter.to_lowercase()), "{sql}: {requests:?}");
        fixture.rows("SET tidegate.pushdown = false").await;
        let mut local = fixture.try_rows_with(sql, params).await.expect("rows");
        pushed.sort();
        local.sort();
        assert_eq!(pushed, local, "{sql}");
        assert!(!pushed.is_empty(), "{sql}");
    }
}

#[tokio::test]
async fn a_limit_over_a_union_asks_for_its_parts_in_sequence() {
    let fixture = fixture().await;
    let cases = [
        ("SELECT id FROM sim.accounts UNION ALL SELECT id FROM sim.contacts LIMIT 5", 5, 1),
        ("SELECT id FROM sim.accounts WHERE employees < 0 UNION ALL SELECT id FROM sim.contacts LIMIT 5", 5, 2),
        ("SELECT * FROM (SELECT id FROM sim.accounts UNION ALL SELECT id FROM sim.contacts) LIMIT 5 OFFSET 58", 5, 4),
        ("SELECT count(*) FROM sim.accounts UNION ALL SELECT count(*) FROM sim.contacts LIMIT 1", 1, 1),
        ("SELECT max(sequence) FROM sim.accounts UNION ALL SELECT min(sequence) FROM sim.accounts LIMIT 1", 1, 1),
        (
            "SELECT a.code FROM (VALUES (1), (2)) AS t (n) JOIN sim.accounts a ON a.priority = t.n
             UNION ALL SELECT a.code FROM (VALUES (3)) AS t (n) JOIN sim.accounts a ON a.priority = t.n LIMIT 1",
            1,
            1,
        ),
    ];
    for (sql, rows, calls) in cases {
        fixture.session.prepare(sql).await.expect("a query");
        fixture.take_requests();
        assert_eq!(fixture.rows(sql).await.len(), rows, "{sql}");
        let requests = fixture.take_requests();
        assert_eq!(requests.len(), calls, "{sql}: {requests:?}");
    }
}
