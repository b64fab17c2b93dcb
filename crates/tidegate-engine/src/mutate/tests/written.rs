//! The SELECT that is made of each statement.

use super::super::plan::selecting;
use super::support::Fixture;

#[track_caller]
fn same(sql: &str, found: &str, expected: &str) {
    assert_eq!(found, expected, "{sql}");
}

async fn check(sql: &str, expected: &str) {
    let fixture = Fixture::new();
    let statement = Fixture::statement(sql);
    let target = fixture.target(&statement).await;
    let selecting = selecting(&target, &statement, &[]).unwrap_or_else(|error| panic!("{sql}: {error}"));
    same(sql, &selecting.query.to_string(), expected);
    assert!(fixture.api.take_requests().is_empty(), "{sql}: planning sends nothing");
}

#[tokio::test]
async fn an_update_selects_key_version_old_and_new_values() {
    check(
        "UPDATE crm.accounts SET status = 'C' WHERE status = 'P' ORDER BY amount DESC LIMIT 3",
        r#"SELECT crm.accounts."id" AS "__key_id", crm.accounts."etag" AS "__old_etag", crm.accounts."status" AS "__old_status", 'C' AS "__new_status" FROM crm.accounts WHERE status = 'P' ORDER BY amount DESC"#,
    )
    .await;
    check(
        "UPDATE x..accounts@crm a SET (amount, name) = (12.10, s.n) FROM (SELECT 1 AS i, 'x' AS n) s WHERE a.id = s.i",
        r#"SELECT a."id" AS "__key_id", a."etag" AS "__old_etag", a."amount" AS "__old_amount", a."name" AS "__old_name", '12.10' AS "__new_amount", s.n AS "__new_name" FROM crm.accounts a, (SELECT 1 AS i, 'x' AS n) s WHERE a.id = s.i"#,
    )
    .await;
    check(
        "UPDATE erp.accounts SET quantity = quantity + 1 WHERE _partition = '2'",
        r#"SELECT erp.accounts."id" AS "__key_id", erp.accounts."_partition" AS "__partition", erp.accounts."etag" AS "__old_etag", erp.accounts."quantity" AS "__old_quantity", quantity + 1 AS "__new_quantity" FROM erp.accounts WHERE _partition = '2'"#,
    )
    .await;
}

#[tokio::test]
async fn a_delete_selects_all_that_an_insert_could_bring_back() {
    check(
        "DELETE FROM crm.accounts AS a USING (VALUES (1)) AS s (i) WHERE a.id = s.i LIMIT 5",
        r#"SELECT a."id" AS "__key_id", a."name" AS "__old_name", a."status" AS "__old_status", a."amount" AS "__old_amount", a."quantity" AS "__old_quantity" FROM crm.accounts AS a, (VALUES (1)) AS s (i) WHERE a.id = s.i"#,
    )
    .await;
}

#[tokio::test]
async fn an_insert_runs_its_query() {
    check(
        "INSERT INTO crm.accounts (name, amount) SELECT n, 1.50 FROM s ORDER BY n LIMIT 2",
        "SELECT n, '1.50' FROM s ORDER BY n",
    )
    .await;
    check(
        "INSERT INTO crm.accounts (name, status) VALUES ('a', DEFAULT), ('b', NULL)",
        "VALUES ('a', NULL, false), ('b', NULL, true)",
    )
    .await;
}

#[tokio::test]
async fn a_merge_joins_its_source_with_its_target() {
    check(
        "MERGE INTO crm.accounts t USING s ON t.id = s.i \
         WHEN MATCHED AND s.gone THEN DELETE WHEN MATCHED THEN UPDATE SET status = s.v \
         WHEN NOT MATCHED THEN INSERT (name) VALUES (s.v) LIMIT 9",
        r#"SELECT t."id" AS "__key_id", t."name" AS "__old_name", t."status" AS "__old_status", t."amount" AS "__old_amount", t."quantity" AS "__old_quantity", t."etag" AS "__old_etag", CASE WHEN (t."id" IS NOT NULL) THEN s.v END AS "__new_1_status", CASE WHEN (t."id" IS NULL) THEN s.v END AS "__new_2_name", CASE WHEN (t."id" IS NOT NULL) AND (s.gone) THEN 0 WHEN (t."id" IS NOT NULL) THEN 1 WHEN (t."id" IS NULL) THEN 2 END AS "__action" FROM s LEFT OUTER JOIN crm.accounts t ON t.id = s.i WHERE ((t."id" IS NOT NULL) AND (s.gone)) OR ((t."id" IS NOT NULL)) OR ((t."id" IS NULL))"#,
    )
    .await;
    check(
        "MERGE INTO crm.accounts t USING s ON t.id = s.i WHEN NOT MATCHED BY SOURCE THEN UPDATE SET status = 'X'",
        r#"SELECT t."id" AS "__key_id", t."etag" AS "__old_etag", t."status" AS "__old_status", CASE WHEN (t."id" IS NOT NULL) AND (s."__there" IS NULL) THEN 'X' END AS "__new_0_status", CASE WHEN (t."id" IS NOT NULL) AND (s."__there" IS NULL) THEN 0 END AS "__action" FROM (SELECT *, true AS "__there" FROM s) AS s FULL JOIN crm.accounts t ON t.id = s.i WHERE ((t."id" IS NOT NULL) AND (s."__there" IS NULL))"#,
    )
    .await;
}
