//! Connections, settings, USE, transactions, DESCRIBE and SHOW.

use tidegate_engine::{ErrorKind, StatementKind};

use crate::script::Fixture;

#[tokio::test]
async fn a_connection_is_made_used_and_dropped_in_its_own_session() {
    let fixture = Fixture::new();
    let create = "CREATE CONNECTION erp USING odata OPTIONS (url 'https://erp.example/odata/', token 's3cret')";
    fixture.rows(create).await;
    assert_eq!(fixture.rows("SELECT name, url FROM system.connections").await, ["erp|https://erp.example/odata/"]);
    let other = fixture.engine.session("other");
    assert!(other.prepare("SELECT * FROM erp.accounts").await.is_err(), "the connection is the session's own");
    let taken = fixture.error(create).await;
    assert_eq!(taken.0, ErrorKind::Connection);
    assert!(taken.1.contains("there is a connection erp already"), "{}", taken.1);
    fixture.rows(&create.replace("CONNECTION erp", "CONNECTION IF NOT EXISTS erp")).await;
    fixture.rows(&create.replace("CREATE", "CREATE OR REPLACE")).await;
    fixture.rows("DROP CONNECTION erp").await;
    assert_eq!(fixture.rows("SELECT * FROM system.connections").await, Vec::<String>::new());
    fixture.rows("DROP CONNECTION IF EXISTS erp").await;
    assert_eq!(fixture.error("DROP CONNECTION erp").await.0, ErrorKind::Name);
}

#[tokio::test]
async fn preparing_changes_nothing() {
    let fixture = Fixture::erp();
    for sql in [
        "CREATE CONNECTION crm USING odata OPTIONS (url 'https://crm.example/')",
        "DROP CONNECTION erp",
        "SET tidegate.label = 'x'",
        "CREATE TABLE t AS SELECT 1 AS a",
        "COPY (SELECT 1) TO 'out.csv'",
        "EXPLAIN COPY (SELECT 1) TO 'out.csv'",
    ] {
        fixture.session.prepare(sql).await.expect(sql);
    }
    assert_eq!(fixture.rows("EXPLAIN COPY (SELECT 1) TO 'out.csv'").await.len(), 3);
    assert_eq!(fixture.rows("SELECT name FROM system.connections").await, ["erp"]);
    assert_eq!(fixture.rows("SHOW tidegate.label").await, ["tidegate.label|"]);
    assert_eq!(fixture.error("SELECT * FROM t").await.0, ErrorKind::Name);
    assert!(!fixture.path("out.csv").exists());
}

#[tokio::test]
async fn settings_are_set_shown_and_reset() {
    let fixture = Fixture::new();
    let cases = [
        ("SET tidegate.label = 'nightly'", "tidegate.label", "nightly"),
        ("SET tidegate.pushdown = off", "tidegate.pushdown", "false"),
        ("SET tidegate.pushdown TO true", "tidegate.pushdown", "true"),
        ("SET TIDEGATE.On_Bad_Value = 'null'", "tidegate.on_bad_value", "null"),
        ("SET tidegate.metadata_max_age = '90s'", "tidegate.metadata_max_age", "90s"),
        ("SET tidegate.metadata_max_age = '2h'", "tidegate.metadata_max_age", "2h"),
        ("SET tidegate.retry_budget = 3", "tidegate.retry_budget", "3"),
        ("RESET tidegate.retry_budget", "tidegate.retry_budget", "20"),
        ("SET tidegate.read_only = 1", "tidegate.read_only", "true"),
        ("SET tidegate.read_only = DEFAULT", "tidegate.read_only", "false"),
        ("SET datafusion.execution.batch_size = 100", "datafusion.execution.batch_size", "100"),
    ];
    for (set, name, value) in cases {
        assert_eq!(fixture.session.prepare(set).await.expect(set).kind, StatementKind::Command);
        fixture.rows(set).await;
        assert_eq!(fixture.rows(&format!("SHOW {name}")).await, [format!("{name}|{value}")], "{set}");
    }
    assert!(fixture.rows("SHOW ALL").await.len() >= 6);
    let errors = [
        ("SET tidegate.pushdwn = off", "did you mean tidegate.pushdown?"),
        ("SHOW tidegate.lable", "did you mean tidegate.label?"),
        ("SET tidegate.pushdown = maybe", "is true or false, not 'maybe'"),
        ("SET work_mem = 1", "the names of settings begin with tidegate."),
        ("SET datafusion.execution.batch_size = 'x'", "datafusion.execution.batch_size cannot be 'x'"),
        ("SET datafusion.catalog.default_schema = 'x'", "cannot be changed"),
    ];
    for (sql, expected) in errors {
        let (kind, message) = fixture.error(sql).await;
        assert_eq!(kind, ErrorKind::Setting, "{sql}: {message}");
        assert!(message.contains(expected), "{sql}: {message}");
    }
}

#[tokio::test]
async fn a_block_holds_nothing_that_could_be_rolled_back() {
    let fixture = Fixture::new();
    fixture.rows("CREATE TABLE t AS SELECT 1 AS a").await;
    fixture.rows("BEGIN ISOLATION LEVEL SERIALIZABLE").await;
    assert_eq!(fixture.rows("SELECT a FROM t").await, ["1"]);
    for sql in ["INSERT INTO t VALUES (2)", "CREATE TABLE u AS SELECT 1", "DROP TABLE t", "COPY t TO 'x.csv'", "BEGIN"]
    {
        assert_eq!(fixture.error(sql).await.0, ErrorKind::Unsupported, "{sql}");
    }
    fixture.rows("ROLLBACK").await;
    assert_eq!(fixture.rows("INSERT INTO t VALUES (2)").await, ["1"]);
}

#[tokio::test]
async fn what_is_not_offered_says_so() {
    let fixture = Fixture::erp();
    let cases = [
        ("UPDATE erp.accounts SET name = 'x' WHERE id = 1 LIMIT 1", "the connection erp allows no changes"),
        ("DELETE FROM erp.accounts LIMIT 0", "the connection erp allows no changes"),
        ("EXPLAIN DELETE FROM erp.accounts", "set writes = true"),
        ("INSERT INTO erp.accounts (id) VALUES (1)", "INSERT of erp.accounts is refused"),
        ("INSERT INTO accounts@erp (id) VALUES (1)", "INSERT of erp.accounts is refused"),
        ("PLAN INSERT INTO main.x SELECT 1", "PLAN is not offered for local tables"),
        ("PLAN SELECT 1", "after PLAN"),
        ("CREATE TABLE erp.x AS SELECT 1", "only be made and dropped in main"),
        ("DROP TABLE erp.accounts", "only be made and dropped in main"),
        ("CREATE SCHEMA x", "CREATE SCHEMA is not offered"),
        ("SELECT 1 INTO x", "is not offered"),
        ("USE all@erp", "has no partitions to choose"),
        ("USE 123, 456@erp", "has no partitions to choose"),
        ("SELECT * FROM 'https://example.com/x.parquet'", "only local files"),
        ("COPY (SELECT 1) TO 's3://bucket/x.parquet'", "only local files"),
        ("PREPARE p AS SELECT 1", "is not offered"),
        ("SHOW TABLES FROM nope", "there is no connection nope; there are: erp"),
        ("COPY (SELECT 1) TO 'nowhere/x.csv'", "there is no folder"),
        ("COPY (SELECT 1) TO 'x.foo'", ".parquet, .csv, .json and .arrow can be written"),
    ];
    for (sql, expected) in cases {
        let (_, message) = fixture.error(sql).await;
        assert!(message.contains(expected), "{sql}: {message}");
    }
    assert_eq!(fixture.api("erp").take_requests(), Vec::<String>::new());
}

#[tokio::test]
async fn describe_shows_columns() {
    let fixture = Fixture::erp();
    let expected = ["id|integer|false", "name|text|true", "revenue|decimal(15, 2)|true"];
    for sql in ["DESCRIBE erp.accounts", "DESC accounts@erp", "SHOW COLUMNS FROM erp.accounts"] {
        assert_eq!(fixture.rows(sql).await, expected, "{sql}");
    }
    fixture.rows("CREATE VIEW v AS SELECT 1 AS a").await;
    assert_eq!(fixture.rows("DESCRIBE v").await, ["a|bigint|false"]);
}
