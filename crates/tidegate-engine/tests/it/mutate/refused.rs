//! What a session, a connection or a block of statements does not allow, and EXPLAIN, which changes nothing.

use tidegate_engine::{ErrorKind, StatementKind};
use tidegate_sim::{Config, EffectKind};

use super::support::{Shop, TOKEN};

#[tokio::test]
async fn sessions_and_connections_refuse_changes() {
    let shop = Shop::new().await;
    let check = async |sql: &str, part: &str| {
        let (kind, message) = shop.error(sql).await;
        assert_eq!(kind, ErrorKind::Unsupported, "{sql}: {message}");
        assert!(message.contains(part), "{sql}: {message}");
    };
    check("UPDATE locked.products SET stock = 7 LIMIT 1", "writes = true").await;
    check("DELETE FROM locked.products", "writes = true").await;
    shop.rows("BEGIN").await;
    check("UPDATE shop.products SET stock = 7 LIMIT 1", "inside BEGIN").await;
    check("PLAN UPDATE shop.products SET stock = 7 LIMIT 1", "inside BEGIN").await;
    shop.rows("COMMIT").await;
    shop.rows("UPDATE shop.products SET stock = 7 LIMIT 1").await;
    let id = shop.summary().id;
    shop.rows("SET tidegate.read_only = true").await;
    for sql in [
        "UPDATE shop.products SET stock = 7 LIMIT 1".to_owned(),
        "DELETE FROM shop.products LIMIT 1".to_owned(),
        "INSERT INTO shop.products (name) VALUES ('x')".to_owned(),
        format!("UNDO MUTATION '{id}'"),
        format!("RESUME MUTATION '{id}'"),
    ] {
        check(&sql, "SET tidegate.read_only = false").await;
    }
    assert_eq!(shop.changed(EffectKind::Update).len(), 1);
}

#[tokio::test]
async fn a_shell_is_told_what_changes_everything() {
    let shop = Shop::new().await;
    let cases = [
        ("UPDATE shop.products SET stock = 7", true),
        ("DELETE FROM shop.products", true),
        ("UPDATE shop.products SET stock = 7 WHERE true", false),
        ("DELETE FROM shop.products LIMIT 5", false),
        ("INSERT INTO shop.products (name) SELECT name FROM shop.products", false),
        ("PLAN UPDATE shop.products SET stock = 7", false),
        ("EXPLAIN UPDATE shop.products SET stock = 7", false),
    ];
    for (sql, expected) in cases {
        let prepared = shop.session.prepare(sql).await.expect(sql);
        assert_eq!(prepared.is_unbounded, expected, "{sql}");
        let kind = if sql.starts_with("EXPLAIN") { StatementKind::Explain } else { StatementKind::Mutation };
        assert_eq!(prepared.kind, kind, "{sql}");
    }
    assert_eq!(shop.writes(), 0);
}

#[tokio::test]
async fn explain_sends_nothing_and_journals_nothing() {
    let shop = Shop::new().await;
    shop.rows("SELECT id FROM shop.products LIMIT 1").await;
    shop.sim.clear_requests();
    let lines = shop.rows("EXPLAIN UPDATE shop.products SET stock = 7 WHERE id < 5 LIMIT 3").await.join("\n");
    for part in [
        "UPDATE of shop.products",
        "ApiScan",
        "writes: UPDATE of stock",
        "PATCH",
        "a request for each row",
        "rows: at most 3",
    ] {
        assert!(lines.contains(part), "{part}: {lines}");
    }
    assert!(shop.sim.requests().is_empty());
    assert!(shop.error("EXPLAIN ANALYZE DELETE FROM shop.products").await.1.contains("EXPLAIN (select_rows)"));
    assert!(shop.sim.requests().is_empty());
    let lines = shop.rows("EXPLAIN (select_rows) UPDATE shop.products SET stock = 7 WHERE id < 5 LIMIT 3").await;
    let lines = lines.join("\n");
    for part in ["rows: 3 selected", "calls for writing: 3", "request 3:", "\"Stock\":7", "Products(1)"] {
        assert!(lines.contains(part), "{part}: {lines}");
    }
    assert!(!lines.contains(TOKEN), "{lines}");
    assert_eq!(shop.writes(), 0);
    assert_eq!(shop.rows("SELECT count(*) FROM system.mutations").await, ["0"]);
}

#[tokio::test]
async fn what_can_be_written_is_listed() {
    let shop = Shop::new().await;
    // A listing waits for a description only so long, and this clock does not wait.
    shop.rows("SELECT id FROM shop.products LIMIT 1").await;
    let sql = "SELECT kind, method, path, required_filters FROM system.endpoints \
               WHERE connection = 'shop' AND table_name = 'products' AND kind IN ('insert', 'update', 'delete') ORDER BY kind";
    let rows = shop.rows(sql).await;
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(rows[0].starts_with("delete|DELETE|Products"), "{rows:?}");
    assert!(rows[1].starts_with("insert|POST|Products"), "{rows:?}");
    assert!(rows[2].starts_with("update|PATCH|Products"), "{rows:?}");
}

#[tokio::test]
async fn secrets_stand_nowhere() {
    let shop = Shop::new().await;
    shop.rows("UPDATE shop.products SET stock = 7 LIMIT 3").await;
    for entry in std::fs::read_dir(shop.folder()).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let bytes = std::fs::read(&path).expect("a file");
            let is_there = bytes.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes());
            assert!(!is_there, "{}", path.display());
        }
    }
}

#[tokio::test]
async fn several_partitions_are_reached_when_that_is_said() {
    let shop = Shop::with(Config { divisions: 3, ..Config::default() }, Vec::new()).await;
    let (_, message) = shop.error("UPDATE shop.products SET stock = 7 LIMIT 6").await;
    assert!(message.contains("USE"), "{message}");
    shop.rows("USE all@shop").await;
    let counts = shop.rows("UPDATE shop.products SET stock = 7 LIMIT 6").await;
    assert!(counts[0].contains("|done|6|6|"), "{counts:?}");
    let mut divisions: Vec<u32> = shop.sim.effects().iter().map(|effect| effect.division).collect();
    divisions.sort_unstable();
    assert_eq!(divisions, [1, 1, 2, 2, 3, 3]);
}
