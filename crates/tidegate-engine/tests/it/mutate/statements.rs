//! Statements end to end: what they select is what is changed, and nothing else.

use tidegate_sim::{Config, EffectKind};

use super::support::Shop;

#[tokio::test]
async fn a_where_that_the_api_cannot_evaluate_changes_only_what_matches() {
    let shop = Shop::new().await;
    let expected =
        shop.rows("SELECT id FROM shop.products WHERE length(name) % 3 = 1 AND id % 7 = 3 ORDER BY id").await;
    assert!(!expected.is_empty());
    shop.rows("UPDATE shop.products SET stock = 7 WHERE length(name) % 3 = 1 AND id % 7 = 3").await;
    let mut changed = shop.changed(EffectKind::Update);
    changed.sort_unstable();
    assert_eq!(changed.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn values_come_from_other_tables() {
    let shop = Shop::new().await;
    shop.rows("CREATE TABLE main.staging AS SELECT * FROM (VALUES (3, 30), (5, 50), (5, 50), (900, 1)) AS s (id, n)")
        .await;
    shop.rows("UPDATE shop.products p SET stock = s.n FROM main.staging s WHERE p.id = s.id LIMIT 2").await;
    assert_eq!((shop.product(3, "Stock"), shop.product(5, "Stock")), (30.into(), 50.into()));
    let mut changed = shop.changed(EffectKind::Update);
    changed.sort_unstable();
    assert_eq!(changed, [3, 5]);
    shop.rows("DELETE FROM shop.products p USING main.staging s WHERE p.id = s.id AND s.n = 30").await;
    assert_eq!(shop.changed(EffectKind::Delete), [3]);
}

#[tokio::test]
async fn a_merge_changes_removes_and_makes_rows() {
    let shop = Shop::new().await;
    let sql = "MERGE INTO shop.products t USING (VALUES (1, 'one', 5), (2, 'two', 0), (7001, 'new', 9)) AS s (id, name, n) \
               ON t.id = s.id WHEN MATCHED AND s.n = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET stock = s.n \
               WHEN NOT MATCHED THEN INSERT (id, name, stock, price, discontinued) VALUES (s.id, s.name, s.n, 1.50, false)";
    let counts = shop.rows(sql).await;
    assert!(counts[0].contains("|merge|done|3|3|0|0|0|0|0|"), "{counts:?}");
    assert_eq!(shop.changed(EffectKind::Update), [1]);
    assert_eq!(shop.changed(EffectKind::Delete), [2]);
    assert_eq!((shop.product(1, "Stock"), shop.product(7001, "Name")), (5.into(), "new".into()));
    assert_eq!(shop.changed(EffectKind::Insert), [7001]);
    let counts = shop.rows(&format!("{} LIMIT 1", sql.replace("7001", "7002"))).await;
    assert!(counts[0].contains("|merge|done|1|1|0|0|0|0|0|"), "{counts:?}");
}

#[tokio::test]
async fn a_bound_holds_over_all_partitions() {
    let shop = Shop::with(Config { divisions: 3, ..Config::default() }, Vec::new()).await;
    let (_, error) = shop.run("UPDATE shop.products SET stock = 7 LIMIT 10").await;
    assert!(error.expect("nobody chose").to_string().contains("reaches 3 partitions"));
    assert_eq!(shop.writes(), 0);
    shop.rows("USE all@shop").await;
    let rows = shop.rows("UPDATE shop.products SET stock = 7 LIMIT 10 RETURNING _partition, _outcome").await;
    let of = |code: &str| rows.iter().filter(|row| row.starts_with(code)).count();
    assert_eq!((rows.len(), of("1|applied"), of("2|applied"), of("3|applied")), (10, 4, 3, 3), "{rows:?}");
    assert_eq!(shop.changed(EffectKind::Update).len(), 10);
    shop.rows("UPDATE shop.products SET stock = 8 LIMIT 2 PER PARTITION").await;
    assert_eq!(shop.changed(EffectKind::Update).len(), 16);
    shop.rows("DELETE FROM shop.products WHERE _partition = '2' AND id <= 3").await;
    assert_eq!(shop.changed(EffectKind::Delete).len(), 3);
}
