//! What is refused, before anything is sent, and what the message says.

use super::support::Fixture;

async fn check(sql: &str, parts: &[&str]) {
    let fixture = Fixture::new();
    let error = fixture.error(sql).await;
    for part in parts {
        assert!(error.contains(part), "{sql}: {error}");
    }
}

/// The same, and nothing was read either.
async fn check_at_once(sql: &str, parts: &[&str]) {
    let fixture = Fixture::new();
    let error = fixture.plan(sql).await.expect_err(sql).to_string();
    for part in parts {
        assert!(error.contains(part), "{sql}: {error}");
    }
    assert!(fixture.api.take_requests().is_empty(), "{sql}");
}

#[tokio::test]
async fn what_a_table_does_not_offer() {
    for (sql, parts) in [
        ("UPDATE closed.accounts SET name = 'x'", &["the connection closed allows no changes", "writes = true"][..]),
        ("UPDATE crm.views SET name = 'x'", &["UPDATE of crm.views is not offered", "can only be read"]),
        ("DELETE FROM crm.events", &["DELETE of crm.events is not offered", "it takes INSERT"]),
        ("UPDATE crm.accounts SET id = 7", &["crm.accounts.id is part of the key"]),
        (
            "UPDATE crm.accounts SET etag = 'x'",
            &["crm.accounts.etag cannot be written by UPDATE", "name, status, amount"],
        ),
        ("UPDATE crm.accounts SET nmae = 'x'", &["there is no column nmae", "did you mean name?"]),
        ("UPDATE crm.accounts SET name = 'x', name = 'y'", &["SET names name twice"]),
        ("UPDATE crm.accounts SET name = DEFAULT", &["does not tell its defaults"]),
        ("UPDATE crm.accounts SET (name, status) = ('x', 'y', 'z')", &["takes as many values"]),
        ("UPDATE crm.acounts SET name = 'x'", &["did you mean crm.accounts?"]),
        ("UPDATE crm.accounts SET name = 'x' WHERE nmae = 1", &["did you mean name?"]),
        ("UPDATE main.t SET name = 'x'", &["it is a local table"]),
        ("UPDATE crm.accounts SET created = true", &["created is timestamp, and the value is boolean"]),
        ("UPDATE crm.accounts SET name = 'x' ORDER BY 1", &["not by a position"]),
        ("UPDATE crm.accounts SET name = 'x' LIMIT nmae", &["there is no column nmae"]),
        ("UPDATE crm.accounts SET name = 'x' LIMIT 2 PER PARTITION", &["crm.accounts has no partitions"]),
        ("INSERT INTO crm.accounts VALUES ('a')", &["needs the names of its columns", "name, status"]),
        ("INSERT INTO crm.accounts (status) VALUES ('a')", &["name"]),
        ("INSERT INTO crm.accounts (name, created) VALUES ('a', now())", &["created cannot be written by INSERT"]),
        ("INSERT INTO crm.accounts (name, name) VALUES ('a', 'b')", &["named twice"]),
        ("INSERT INTO crm.accounts (name) VALUES ('a', 'b')", &["names one column, and row 1 of VALUES has 2"]),
        ("INSERT INTO crm.accounts (name, status) SELECT 'a'", &["names 2 columns, and the query returns 1"]),
        ("INSERT INTO crm.accounts (name) VALUES (DEFAULT)", &["name has no DEFAULT"]),
        ("INSERT INTO crm.accounts (name) VALUES ('a') ON CONFLICT DO NOTHING", &["MERGE"]),
        (
            "MERGE INTO crm.accounts t USING (SELECT 1 AS i) s ON t.id = s.i WHEN NOT MATCHED THEN INSERT (status) VALUES (1)",
            &["name"],
        ),
        (
            "WITH accounts AS (SELECT 1 AS id) DELETE FROM crm.accounts WHERE id IN (SELECT id FROM accounts)",
            &["choose another name"],
        ),
    ] {
        check_at_once(sql, parts).await;
    }
}

#[tokio::test]
async fn values_that_do_not_fit() {
    for (sql, parts) in [
        (
            "UPDATE crm.accounts SET quantity = name WHERE id = 1",
            &["crm.accounts: quantity cannot be 'n1', which is no int"][..],
        ),
        ("UPDATE crm.accounts SET quantity = quantity / 2.0 WHERE id = 1", &["0.5, which is no whole number"]),
        ("UPDATE crm.accounts SET name = NULL WHERE id = 1", &["name cannot be NULL", "id=1"]),
        ("UPDATE crm.accounts SET name = nullif(name, 'n3')", &["name cannot be NULL", "id=3"]),
        ("INSERT INTO crm.accounts (id, name) VALUES (1, 'a'), (1, 'b')", &["id=1 would be inserted twice"]),
        ("UPDATE crm.accounts SET name = 'x' LIMIT -1", &["LIMIT is -1"]),
        ("UPDATE crm.accounts SET name = 'x' LIMIT NULL", &["LIMIT is NULL"]),
        ("UPDATE crm.accounts SET name = 'x' LIMIT 2.5", &["LIMIT is 2.5: it is not whole"]),
        ("UPDATE crm.notes SET name = 'x'", &["may lag behind writes", "search"]),
    ] {
        check(sql, parts).await;
    }
}

#[tokio::test]
async fn several_partitions_are_only_changed_by_who_says_so() {
    for (sql, part) in [
        ("UPDATE erp.accounts SET name = 'x'", "reaches 4 partitions, and nothing says that it should"),
        ("DELETE FROM erp.accounts WHERE id = 1 LIMIT 2", "USE all@erp"),
        ("INSERT INTO erp.accounts (name) VALUES ('x')", "name the column _partition"),
        ("INSERT INTO erp.accounts (name) VALUES ('x') LIMIT 1 PER PARTITION", "PER PARTITION is not offered here"),
    ] {
        check_at_once(sql, &[part]).await;
    }
    for (sql, part) in [
        (
            "INSERT INTO erp.accounts (name, _partition) VALUES ('x', '7')",
            "7 is none of the partitions that are selected",
        ),
        ("INSERT INTO erp.accounts (name, _partition) VALUES ('x', NULL)", "_partition is NULL"),
    ] {
        check(sql, &[part]).await;
    }
}
