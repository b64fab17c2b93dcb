//! Aggregates over partitions: what each of them is asked for, and how its answers become one.

use super::support::Divided;

/// The second division has no orders.
const DIVISIONS: &[(&str, &[i64])] = &[("101", &[1, 3, 5]), ("102", &[]), ("103", &[4, 8])];

/// Rows beside those without pushdown, and the requests in the order of their text.
async fn check(sql: &str, expected: &[&str], requests: &[&str]) {
    let fixture = Divided::new(DIVISIONS);
    let rows = fixture.rows(sql).await;
    let mut asked = fixture.requests();
    asked.sort();
    assert_eq!((rows, asked), (owned(expected), owned(requests)), "{sql}");
    fixture.rows("SET tidegate.pushdown = false").await;
    assert_eq!(fixture.rows(sql).await, expected, "{sql}");
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn rows_of_each_partition_are_a_count_each() {
    const COUNTS: &[&str] =
        &["101/orders?$count=true&$top=0", "102/orders?$count=true&$top=0", "103/orders?$count=true&$top=0"];
    check("SELECT _partition, count(*) FROM eol.orders GROUP BY _partition ORDER BY 1", &["101|3", "103|2"], COUNTS)
        .await;
    check(
        "SELECT _partition, count(id) AS n FROM eol.orders GROUP BY 1 HAVING count(*) > 2 ORDER BY n",
        &["101|3"],
        COUNTS,
    )
    .await;
    check("SELECT count(*) FROM eol.orders", &["5"], COUNTS).await;
    check(
        "SELECT _partition, count(*) FROM eol.orders WHERE _partition <> '103' AND id = 3 GROUP BY 1",
        &["101|1"],
        &["101/orders?$filter=id eq 3&$count=true&$top=0", "102/orders?$filter=id eq 3&$count=true&$top=0"],
    )
    .await;
}

#[tokio::test]
async fn the_least_value_is_that_of_all_partitions() {
    check(
        "SELECT min(id), max(id) FROM eol.orders",
        &["1|8"],
        &[
            "101/orders?$orderby=id desc&$top=20",
            "101/orders?$orderby=id&$top=20",
            "102/orders?$orderby=id desc&$top=20",
            "102/orders?$orderby=id&$top=20",
            "103/orders?$orderby=id desc&$top=20",
            "103/orders?$orderby=id&$top=20",
        ],
    )
    .await;
    check("SELECT min(id) FROM eol.orders WHERE _partition = '102'", &[""], &["102/orders?$orderby=id&$top=20"]).await;
}

#[tokio::test]
async fn a_partition_that_fails_is_told_of() {
    let fixture = Divided::new(DIVISIONS);
    fixture.fail("103", 403, 1);
    let sql = "SELECT _partition, count(*) FROM eol.orders GROUP BY _partition";
    let (_, error) = fixture.error(sql).await;
    assert!(error.contains("103"), "{error}");
    fixture.rows("SET tidegate.partial_results = 'warn'").await;
    assert_eq!(fixture.rows(sql).await, ["101|3"]);
    let warnings = fixture.warnings().await;
    assert!(warnings.iter().any(|warning| warning.contains("103")), "{warnings:?}");
}
