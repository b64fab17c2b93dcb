//! `tidegate.read_only`: what it refuses, and that a program can turn it on for good.

use tidegate_engine::ErrorKind;

use crate::script::Fixture;

const REFUSED: &[&str] = &[
    "INSERT INTO t VALUES (1)",
    "UPDATE erp.accounts SET name = 'x'",
    "DELETE FROM erp.accounts",
    "INSERT INTO erp.accounts (id) VALUES (1)",
    "COPY (SELECT 1) TO 'out.csv'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO 'out.csv'",
];

#[tokio::test]
async fn nothing_outside_is_changed() {
    let fixture = Fixture::erp();
    fixture.rows("SET tidegate.read_only = true").await;
    fixture.rows("CREATE TABLE t AS SELECT id FROM erp.accounts").await;
    fixture.rows("CREATE VIEW v AS SELECT * FROM t").await;
    assert_eq!(fixture.rows("SELECT count(*) FROM v").await, ["3"]);
    for sql in REFUSED {
        let (kind, message) = fixture.error(sql).await;
        assert_eq!(kind, ErrorKind::Unsupported, "{sql}: {message}");
        assert!(message.contains("read-only"), "{sql}: {message}");
    }
    assert!(!fixture.path("out.csv").exists());
    fixture.rows("SET tidegate.read_only = false").await;
    assert_eq!(fixture.rows("COPY (SELECT 1) TO 'out.csv'").await, ["1"]);
}

#[tokio::test]
async fn a_locked_session_stays_read_only() {
    let fixture = Fixture::erp();
    fixture.session.lock_read_only();
    assert_eq!(fixture.rows("SHOW tidegate.read_only").await, ["tidegate.read_only|true"]);
    for sql in ["SET tidegate.read_only = false", "SET tidegate.read_only = DEFAULT", "RESET tidegate.read_only"] {
        let (kind, message) = fixture.error(sql).await;
        assert_eq!(kind, ErrorKind::Setting, "{sql}");
        assert!(message.contains("opened read-only"), "{sql}: {message}");
    }
    fixture.rows("SET tidegate.read_only = true").await;
    fixture.rows("SET tidegate.label = 'x'").await;
    assert!(fixture.error(REFUSED[4]).await.1.contains("read-only"));
    let other = fixture.engine.session("other");
    other.prepare("SET tidegate.read_only = false").await.expect("another session is its own");
}
