//! Mutations as they are written: what is read off them, and what is refused.

use super::super::{Parsed, parse};
use super::*;

fn parsed(sql: &str) -> Result<Option<MutationStatement>> {
    Ok(match parse(sql)? {
        Parsed::Mutation { statement, .. } => Some(*statement),
        _ => None,
    })
}

#[track_caller]
fn check(sql: &str, expected: &str) {
    let statement = parsed(sql).unwrap_or_else(|error| panic!("{sql}: {error}")).expect(sql);
    let mut text = format!("{} {}", statement.kind(), statement.target());
    let mut add = |word: &str, value: Option<String>| {
        text.extend(value.map(|value| format!(" {word} {value}")));
    };
    add("as", statement.target_alias().map(ToString::to_string));
    add("with", statement.with.as_ref().map(ToString::to_string));
    add("limit", statement.limit.as_ref().map(ToString::to_string));
    add("per", statement.is_per_partition().then(|| "partition".to_owned()));
    let items = |items: &[SelectItem]| items.iter().map(ToString::to_string).collect::<Vec<_>>().join("|");
    add("returning", statement.returning().map(items));
    add("in", statement.has_order().then(|| "order".to_owned()));
    add("is", statement.is_unbounded().then(|| "unbounded".to_owned()));
    assert_eq!(text, expected, "{sql}");
}

#[test]
fn mutations_as_they_are_written() {
    for (sql, expected) in [
        ("UPDATE crm.t SET a = 1", "UPDATE crm.t is unbounded"),
        ("update x..t@crm a set b = 1 limit 2;", "UPDATE crm.t as a limit 2"),
        ("UPDATE /*+ max_calls(3) */ crm.t SET a = 1 WHERE b = 2", "UPDATE crm.t"),
        (
            "UPDATE crm.t SET a = 1 WHERE b = 2 ORDER BY c LIMIT 5 * 2 PER PARTITION RETURNING a, _outcome AS o",
            "UPDATE crm.t limit 5 * 2 per partition returning a|_outcome AS o in order",
        ),
        ("DELETE FROM crm.t RETURNING * ORDER BY a LIMIT 1", "DELETE crm.t limit 1 returning * in order"),
        ("DELETE FROM crm.t AS x USING s WHERE x.a = s.a", "DELETE crm.t as x"),
        ("UPDATE crm.t SET a = U&'b' LIMIT 2", "UPDATE crm.t limit 2"),
        ("UPDATE crm.t SET a = 1 WHERE b = true LIMIT ~2", "UPDATE crm.t limit ~2"),
        ("INSERT INTO crm.t (a) VALUES (1), (2) LIMIT 1 RETURNING id", "INSERT crm.t limit 1 returning id"),
        ("INSERT INTO crm.t (a) SELECT b FROM s ORDER BY b LIMIT 3", "INSERT crm.t limit 3 in order"),
        (
            "MERGE INTO crm.t AS a USING s ON a.id = s.id WHEN MATCHED THEN DELETE LIMIT 4 RETURNING id",
            "MERGE crm.t as a limit 4 returning id",
        ),
        (
            "WITH s AS (SELECT 1 AS i) DELETE FROM crm.t WHERE id IN (SELECT i FROM s) LIMIT 1",
            "DELETE crm.t with WITH s AS (SELECT 1 AS i) limit 1",
        ),
    ] {
        check(sql, expected);
    }
}

#[test]
fn other_statements_are_none() {
    for sql in ["SELECT 1", "WITH a AS (SELECT 1) SELECT * FROM a", "SET tidegate.label = 'update'", "SHOW TABLES"] {
        assert!(parsed(sql).expect(sql).is_none(), "{sql}");
    }
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    for (sql, part) in [
        ("UPDATE t JOIN u ON t.a = u.a SET b = 1", "join others in FROM"),
        ("DELETE FROM t, u", "join others in USING"),
        ("UPDATE t SET a = 1 LIMIT 5 6", "found: 6 at Line: 1, Column: 28"),
        ("UPDATE t SET a = 1 RETURNING", "something must stand behind RETURNING"),
        ("UPDATE t SET a = 1 LIMIT 5 PER", "found: PER"),
        ("DELETE t SET a", "found: SET"),
        ("DELETE FROM t TABLESAMPLE BERNOULLI (10)", "only a table can be changed, not t TABLESAMPLE"),
        ("UPDATE t PARTITION (p1) SET a = 1", "p1"),
        ("UPDATE t AS x (i) SET a = 1", "only a table can be changed"),
    ] {
        let error = parsed(sql).expect_err(sql).to_string();
        assert!(error.contains(part), "{sql}: {error}");
    }
}

#[test]
fn a_limit_goes_back_into_a_query_of_datafusion() {
    for (sql, expected) in [
        ("INSERT INTO t SELECT a FROM s LIMIT 5", "INSERT INTO t SELECT a FROM s LIMIT 5"),
        ("INSERT INTO t SELECT a FROM s OFFSET 2", "INSERT INTO t SELECT a FROM s OFFSET 2"),
        ("INSERT INTO t SELECT a FROM s LIMIT 5 OFFSET 2", "INSERT INTO t SELECT a FROM s LIMIT 5 OFFSET 2"),
    ] {
        let statement = parsed(sql).expect(sql).expect(sql).into_datafusion().expect(sql);
        assert_eq!(statement.to_string(), expected);
    }
    let error = parsed("INSERT INTO t SELECT 1 RETURNING a").expect("parses").expect("one").into_datafusion();
    assert!(error.expect_err("no RETURNING").to_string().contains("RETURNING is not offered for local tables"));
}
