//! Queries without a connection: literals, parameters, local tables, views and files.

use datafusion::scalar::ScalarValue;
use tidegate_engine::ErrorKind;

use crate::script::Fixture;

#[tokio::test]
async fn literals_and_parameters() {
    let fixture = Fixture::new();
    assert_eq!(fixture.rows("SELECT 1 + 1, 'x', NULL;").await, ["2|x|"]);
    assert_eq!(
        fixture.rows("SELECT * FROM (VALUES (1, 'a'), (2, NULL)) AS t (n, s) ORDER BY s DESC").await,
        ["1|a", "2|"]
    );
    let prepared =
        fixture.session.prepare("SELECT n FROM (VALUES (1), (2)) AS t (n) WHERE n > $1").await.expect("a query");
    assert_eq!(prepared.params.len(), 1);
    assert_eq!(prepared.params[0].0, "$1");
    let rows = fixture.rows_with("SELECT $1 + 1", vec![ScalarValue::Int64(Some(41))]).await;
    assert_eq!(rows, ["42"]);
    assert_eq!(
        fixture
            .rows("WITH RECURSIVE n AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM n WHERE a < 3) SELECT * FROM n")
            .await,
        ["1", "2", "3"]
    );
    assert_eq!(fixture.rows("SELECT * FROM generate_series(1, 2)").await, ["1", "2"]);
    let missing = fixture.error("SELECT $1 + 1").await;
    assert!(missing.1.contains("1 parameters, 0 were given"), "{}", missing.1);
}

#[tokio::test]
async fn tables_and_views_live_in_main() {
    let fixture = Fixture::erp();
    fixture.rows("CREATE TABLE t AS SELECT 1 AS a").await;
    assert_eq!(fixture.rows("INSERT INTO main.t VALUES (2), (3)").await, ["2"]);
    fixture.rows("CREATE VIEW v AS SELECT a * 10 AS b FROM t").await;
    assert_eq!(fixture.rows("SELECT b FROM v ORDER BY b").await, ["10", "20", "30"]);
    fixture.rows("USE erp").await;
    assert_eq!(fixture.rows("SELECT count(*) FROM t").await, ["3"], "local tables are found after the default schema");
    assert_eq!(fixture.rows("SELECT count(*) FROM v").await, ["3"]);
    fixture.rows("CREATE TABLE u AS SELECT id FROM accounts").await;
    assert_eq!(fixture.rows("SELECT count(*) FROM main.u").await, ["3"]);
    fixture.rows("DROP VIEW v").await;
    assert_eq!(fixture.error("SELECT * FROM v").await.0, ErrorKind::Name);
    let read_only = "SET tidegate.read_only = true";
    fixture.rows(read_only).await;
    assert!(fixture.error("INSERT INTO t VALUES (4)").await.1.contains("read-only"));
}

#[tokio::test]
async fn a_view_follows_its_connection() {
    let fixture = Fixture::erp();
    fixture.rows("CREATE VIEW named AS SELECT name FROM erp.accounts WHERE upper(name) LIKE '%O%'").await;
    assert_eq!(fixture.rows("SELECT * FROM named").await, ["Bolt"]);
    fixture.rows("SET tidegate.on_bad_value = 'null'").await;
    assert_eq!(fixture.rows("SELECT * FROM named").await, ["Bolt"]);
    let itself = "CREATE OR REPLACE VIEW named AS SELECT * FROM named";
    assert!(fixture.error(itself).await.1.contains("defined through itself"));
    fixture.rows("DROP CONNECTION erp").await;
    let (kind, message) = fixture.error("SELECT * FROM named").await;
    assert_eq!(kind, ErrorKind::Name);
    assert!(message.contains("the view named does not hold any more"), "{message}");
}

#[tokio::test]
async fn files_are_written_and_read() {
    let fixture = Fixture::erp();
    for name in ["x.parquet", "x.csv", "x.json"] {
        let copied =
            fixture.rows(&format!("COPY (SELECT 1 AS a, 'one' AS b UNION ALL SELECT 2, 'two') TO '{name}'")).await;
        assert_eq!(copied, ["2"], "{name}");
        assert!(fixture.folder().join(name).is_file(), "{name}");
        assert_eq!(fixture.rows(&format!("SELECT a, b FROM '{name}' ORDER BY a")).await, ["1|one", "2|two"], "{name}");
    }
    let join = "SELECT f.b, a.name FROM 'x.parquet' f JOIN erp.accounts a ON a.id = f.a ORDER BY 1";
    assert_eq!(fixture.rows(join).await, ["one|Acme", "two|Bolt"]);
    fixture.rows("COPY (SELECT 3 AS a, 'three' AS b) TO 'y.csv'").await;
    assert_eq!(fixture.rows("SELECT count(*) FROM '*.csv'").await, ["3"]);
    fixture.rows("USE erp").await;
    assert_eq!(fixture.rows("SELECT a FROM 'y.csv'").await, ["3"]);
    for (sql, expected) in
        [("SELECT * FROM 'missing.parquet'", "there is no file"), ("SELECT * FROM '*.nothing'", "no file matches")]
    {
        let (kind, message) = fixture.error(sql).await;
        assert_eq!(kind, ErrorKind::Local, "{sql}: {message}");
        assert!(message.contains(expected), "{sql}: {message}");
    }
}

#[tokio::test]
async fn errors_speak_plainly() {
    let fixture = Fixture::new();
    let cases = [
        ("SELECT 1 +", ErrorKind::Syntax, "found: EOF"),
        ("SELEC 1", ErrorKind::Syntax, "found: SELEC"),
        ("SELECT 'open", ErrorKind::Syntax, "Unterminated string literal"),
        ("SELECT 1; SELECT 2", ErrorKind::Syntax, "expected the end of the statement"),
        ("", ErrorKind::Syntax, "there is no statement"),
        ("SELECT b FROM (SELECT 1 AS a)", ErrorKind::Name, "column b"),
        ("SELECT nosuchfunction(1)", ErrorKind::Query, "nosuchfunction"),
        ("SELECT 1 / 0", ErrorKind::Query, "Divide by zero"),
        ("SELECT CAST('x' AS INT)", ErrorKind::Query, "'x'"),
    ];
    for (sql, kind, expected) in cases {
        let (found, message) = fixture.error(sql).await;
        assert_eq!(found, kind, "{sql}: {message}");
        assert!(message.contains(expected), "{sql}: {message}");
        for noise in ["Error during planning", "External error", "Arrow error", "Schema error", "ParserError("] {
            assert!(!message.contains(noise), "{sql}: {message}");
        }
    }
}
