//! UNDO: old values come back, but for rows that somebody has changed since.

use tidegate_engine::ErrorKind;
use tidegate_sim::EffectKind;

use super::support::Shop;

#[tokio::test]
async fn an_update_is_undone_but_for_rows_that_were_changed_since() {
    let shop = Shop::new().await;
    let before: Vec<_> = (1..=5).map(|id| shop.product(id, "Stock")).collect();
    shop.rows("UPDATE shop.products SET stock = 777 WHERE id <= 5").await;
    let id = shop.summary().id;
    shop.sim.change(0, "Products", "3", &serde_json::json!({"Stock": 1})).expect("a product");
    let (counts, error) = shop.run(&format!("UNDO MUTATION '{id}'")).await;
    assert!(counts[0].contains("|undo|done|5|4|0|0|1|0|0|"), "{counts:?}");
    assert_eq!(error.expect("a row was changed since").kind(), ErrorKind::MutationIncomplete);
    let after: Vec<_> = (1..=5).map(|id| shop.product(id, "Stock")).collect();
    assert_eq!([&after[..2], &after[3..]], [&before[..2], &before[3..]]);
    assert_eq!(after[2], 1);
    let skipped = "SELECT key, error IS NOT NULL FROM system.mutation_rows WHERE outcome = 'skipped'";
    assert_eq!(shop.rows(skipped).await, [r#"{"id":3}|true"#]);
    let undone = format!("SELECT undo_of = '{id}' FROM system.mutations WHERE kind = 'undo'");
    assert_eq!(shop.rows(&undone).await, ["true"]);
}

#[tokio::test]
async fn inserts_and_deletes_are_undone() {
    let shop = Shop::new().await;
    shop.rows("INSERT INTO shop.products (id, name, price, stock, discontinued) VALUES (901, 'a', 1, 1, false)").await;
    let inserted = shop.summary().id;
    shop.rows(&format!("UNDO MUTATION '{inserted}'")).await;
    assert_eq!(shop.changed(EffectKind::Delete), [901]);
    let name = shop.product(4, "Name");
    shop.rows("DELETE FROM shop.products WHERE id = 4").await;
    let deleted = shop.summary().id;
    shop.rows(&format!("UNDO MUTATION '{deleted}'")).await;
    assert_eq!(shop.product(4, "Name"), name);
}

#[tokio::test]
async fn an_undo_is_bounded_and_runs_backwards() {
    let shop = Shop::new().await;
    shop.rows("UPDATE shop.products SET stock = 777 WHERE id <= 5 ORDER BY id").await;
    let id = shop.summary().id;
    let counts = shop.rows(&format!("UNDO MUTATION '{id}' LIMIT 2")).await;
    assert!(counts[0].contains("|undo|done|2|2|"), "{counts:?}");
    assert_eq!(shop.changed(EffectKind::Update)[5..], [5, 4]);
    // The next one goes on where it ended, and the last finds nothing left.
    let counts = shop.rows(&format!("UNDO MUTATION '{id}' LIMIT 2")).await;
    assert!(counts[0].contains("|undo|done|2|2|"), "{counts:?}");
    assert_eq!(shop.changed(EffectKind::Update)[7..], [3, 2]);
    shop.rows(&format!("UNDO MUTATION '{id}'")).await;
    let nothing = shop.rows(&format!("UNDO MUTATION '{id}'")).await;
    assert!(nothing[0].contains("|undo|done|0|0|"), "{nothing:?}");
    assert_eq!(shop.changed(EffectKind::Update)[9..], [1]);
    shop.rows("PLAN UPDATE shop.products SET stock = 1 LIMIT 1").await;
    let planned = shop.summary().id;
    assert!(shop.error(&format!("UNDO MUTATION '{planned}'")).await.1.contains("nothing to undo"));
}
