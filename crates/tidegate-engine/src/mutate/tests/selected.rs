//! What statements select: rows with keys, old and new values.

use datafusion::scalar::ScalarValue;

use super::support::{Fixture, line};

async fn check(sql: &str, expected: &[&str]) {
    assert_eq!(Fixture::new().lines(sql).await, expected, "{sql}");
}

/// What must select nothing, and must not even ask.
#[tokio::test]
async fn nothing_is_selected_where_nothing_is_meant() {
    for (sql, calls) in [
        ("UPDATE crm.accounts SET status = 'X' LIMIT 0", 0),
        ("UPDATE crm.accounts SET status = 'X' WHERE status = 'P' LIMIT 5 - 5", 0),
        ("DELETE FROM crm.accounts WHERE 1 = 0", 0),
        ("DELETE FROM crm.accounts LIMIT 0", 0),
        ("UPDATE crm.accounts SET status = 'X' WHERE false AND status = 'P'", 0),
        ("UPDATE crm.accounts SET status = 'X' WHERE status = 'P' AND status = 'C'", 0),
        ("DELETE FROM crm.accounts WHERE id > 5 AND id < 3", 1),
        ("DELETE FROM crm.accounts WHERE id IN (SELECT 1 WHERE false)", 1),
        ("DELETE FROM crm.accounts WHERE id IN (SELECT i FROM (VALUES (77)) AS s (i))", 1),
        ("DELETE FROM crm.accounts WHERE status = NULL", 0),
        ("INSERT INTO crm.accounts (name) SELECT 'a' WHERE 1 = 0", 0),
        ("INSERT INTO crm.accounts (name) VALUES ('a') LIMIT 0", 0),
    ] {
        let fixture = Fixture::new();
        assert_eq!(fixture.lines(sql).await, Vec::<String>::new(), "{sql}");
        let requests = fixture.api.take_requests();
        assert!(requests.len() <= calls, "{sql}: {requests:?}");
    }
}

#[tokio::test]
async fn an_update_has_old_and_new_values() {
    check(
        "UPDATE crm.accounts SET status = 'X' WHERE status = 'C'",
        &[r#"update id=5 -> status="X" was status="C" if v5"#, r#"update id=6 -> status="X" was status="C" if v6"#],
    )
    .await;
    check(
        "UPDATE crm.accounts SET name = upper(name) || 'x', quantity = length(upper(name) || 'x') ORDER BY id DESC LIMIT 1",
        &[r#"update id=6 -> name="N6x" quantity=3 was name="n6" quantity=6 if v6"#],
    )
    .await;
    check(
        "UPDATE crm.accounts SET amount = 1234567890123456789.105, created = TIMESTAMP '9999-12-31 00:00:00', name = 7 \
         WHERE id = 1",
        &[r#"update id=1 -> amount="1234567890123456789.11" created="9999-12-31T00:00:00.000000Z" name="7" was amount="1.50" created=null name="n1" if v1"#],
    )
    .await;
    check(
        "UPDATE crm.accounts SET amount = amount * 1.1, quantity = NULL WHERE id = 2",
        &[r#"update id=2 -> amount="2.75" quantity=null was amount="2.50" quantity=2 if v2"#],
    )
    .await;
}

#[tokio::test]
async fn values_come_from_joins_and_subqueries() {
    check(
        "UPDATE crm.accounts SET name = s.n FROM (VALUES (2, 'b'), (4, 'd'), (9, 'z')) AS s (i, n) WHERE accounts.id = s.i \
         ORDER BY accounts.id",
        &[r#"update id=2 -> name="b" was name="n2" if v2"#, r#"update id=4 -> name="d" was name="n4" if v4"#],
    )
    .await;
    check(
        "UPDATE crm.accounts a SET quantity = (SELECT max(b.quantity) FROM crm.accounts b) WHERE a.id = 1",
        &["update id=1 -> quantity=6 was quantity=1 if v1"],
    )
    .await;
    check("WITH s AS (SELECT 3 AS i) DELETE FROM crm.accounts WHERE id IN (SELECT i FROM s)", &["delete id=3"]).await;
}

#[tokio::test]
async fn a_row_that_comes_twice_is_changed_once() {
    let twice = "FROM (VALUES (2, 'b'), (2, 'b'), (4, 'b')) AS s (i, n) WHERE a.id = s.i";
    check(
        &format!("UPDATE crm.accounts a SET name = s.n {twice} ORDER BY a.id LIMIT 2"),
        &[r#"update id=2 -> name="b" was name="n2" if v2"#, r#"update id=4 -> name="b" was name="n4" if v4"#],
    )
    .await;
    check("DELETE FROM crm.accounts a USING (VALUES (2), (2)) AS s (i) WHERE a.id = s.i", &["delete id=2"]).await;
    let fixture = Fixture::new();
    for limit in ["", " LIMIT 1"] {
        let sql = "UPDATE crm.accounts a SET name = s.n FROM (VALUES (2, 'b'), (2, 'c')) AS s (i, n) WHERE a.id = s.i";
        let error = fixture.error(&format!("{sql}{limit}")).await;
        assert!(error.contains("crm.accounts: the row with the key id=2 comes twice"), "{error}");
    }
}

#[tokio::test]
async fn absent_columns_are_not_null() {
    check(
        "INSERT INTO crm.accounts (name, status) VALUES ('a', NULL), ('b', 'P')",
        &[r#"insert -> name="a" status=null"#, r#"insert -> name="b" status="P""#],
    )
    .await;
    check(
        "INSERT INTO crm.accounts (name, status, quantity) VALUES ('a', DEFAULT, 1), ('b', NULL, DEFAULT)",
        &[r#"insert -> name="a" quantity=1"#, r#"insert -> name="b" status=null"#],
    )
    .await;
    check(
        "INSERT INTO crm.accounts (id, name) SELECT id + 100, name FROM crm.accounts ORDER BY id LIMIT 2",
        &[r#"insert id=101 -> id=101 name="n1""#, r#"insert id=102 -> id=102 name="n2""#],
    )
    .await;
}

#[tokio::test]
async fn a_merge_takes_the_first_clause_that_applies() {
    let source = "(VALUES (1, 'a', true), (2, 'b', false), (70, 'z', false)) AS s (i, n, gone)";
    check(
        &format!(
            "MERGE INTO crm.accounts t USING {source} ON t.id = s.i WHEN MATCHED AND s.gone THEN DELETE \
             WHEN MATCHED THEN UPDATE SET name = s.n WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.i, s.n)"
        ),
        &["delete id=1", r#"update id=2 -> name="b" was name="n2" if v2"#, r#"insert id=70 -> id=70 name="z""#],
    )
    .await;
    check(
        &format!(
            "MERGE INTO crm.accounts t USING {source} ON t.id = s.i \
             WHEN NOT MATCHED BY SOURCE AND t.status = 'C' THEN DELETE WHEN NOT MATCHED THEN INSERT (name) VALUES (s.n)"
        ),
        &["delete id=5", "delete id=6", r#"insert -> name="z""#],
    )
    .await;
    let rows = Fixture::new()
        .lines(&format!("MERGE INTO crm.accounts t USING {source} ON t.id = s.i WHEN MATCHED THEN DELETE LIMIT 1"))
        .await;
    assert_eq!(rows.len(), 1);
}

#[tokio::test]
async fn parameters_stand_for_values_and_bounds() {
    let fixture = Fixture::new();
    let sql = "UPDATE crm.accounts SET status = $1 WHERE status = 'P' ORDER BY id LIMIT $2";
    let selection = fixture.plan(sql).await.unwrap();
    let names: Vec<String> = selection.params().unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["$1", "$2"]);
    let rows = fixture.selected(sql, vec![ScalarValue::from("X"), ScalarValue::from(2_i64)]).await.unwrap();
    let lines: Vec<String> = rows.iter().map(line).collect();
    assert_eq!(
        lines,
        [r#"update id=1 -> status="X" was status="P" if v1"#, r#"update id=2 -> status="X" was status="P" if v2"#]
    );
    assert!(fixture.selected(sql, vec![ScalarValue::from("X"), ScalarValue::from(-2_i64)]).await.is_err());
}

#[tokio::test]
async fn rows_are_selected_anew_by_their_keys() {
    let fixture = Fixture::new();
    let selection =
        fixture.plan("UPDATE crm.accounts SET quantity = quantity + 1 WHERE status = 'P' LIMIT 1").await.unwrap();
    let again = selection.reselect(fixture.state()).expect("an UPDATE can");
    let key = |id: u64| tidegate_remote::write::Cells::from([("id".to_owned(), id.into())]);
    let rows = again.reselect(None, &[key(4), key(5), key(99)]).await.unwrap();
    let found: Vec<_> = rows.iter().map(|row| (row.key["id"].to_string(), row.new["quantity"].to_string())).collect();
    assert_eq!(found, [("4".to_owned(), "5".to_owned())], "5 has another status, and 99 is not there");
    assert!(
        fixture.plan("INSERT INTO crm.accounts (name) VALUES ('a')").await.unwrap().reselect(fixture.state()).is_none()
    );
}
