//! What a mutation is predicted to take.

use super::support::Shop;

#[tokio::test]
async fn reading_and_writing_are_predicted() {
    let shop = Shop::new().await;
    // Read to its end once, so that the number of rows is known.
    shop.rows("SELECT * FROM shop.products").await;
    let cases: &[(&str, &[&str])] = &[
        (
            "UPDATE shop.products SET stock = 7 WHERE id IN (1, 2)",
            &["shop|products|list|scan|id IN (1, 2)|||1|1|3|2|exact", "shop|products|update|write||||0|2|2|2|exact"],
        ),
        (
            "DELETE FROM shop.products ORDER BY id LIMIT 10",
            &["shop|products|list|scan||||1|1||10|earlier scan", "shop|products|delete|write||||0|10|10|10|"],
        ),
        (
            "INSERT INTO shop.products (id, name) VALUES (101, 'x'), (102, 'y')",
            &["shop|products|insert|write||||0|2|2|2|exact"],
        ),
    ];
    let before = shop.sim.requests().len();
    for (sql, expected) in cases {
        let rows = shop.rows(&format!("EXPLAIN CALLS {sql}")).await;
        assert_eq!(rows.len(), expected.len() + 1, "{sql}: {rows:#?}");
        for (row, expected) in rows.iter().zip(*expected) {
            assert!(row.starts_with(expected), "{sql}\n{row}\n{expected}");
        }
        assert!(rows.last().is_some_and(|row| row.starts_with("|||total|")), "{sql}: {rows:#?}");
    }
    assert_eq!(shop.sim.requests().len(), before);
    assert!(shop.error("EXPLAIN CALLS PLAN DELETE FROM shop.products").await.1.contains("EXPLAIN CALLS"));
}

#[tokio::test]
async fn what_a_mutation_was_predicted_to_take_is_kept() {
    let shop = Shop::new().await;
    shop.rows("SELECT id FROM shop.products LIMIT 1").await;
    shop.rows("UPDATE shop.products SET stock = 7 WHERE id IN (1, 2)").await;
    let kept = "SELECT predicted_low, predicted, predicted_high, calls FROM system.statements WHERE kind = 'mutation'";
    assert_eq!(shop.rows(kept).await, ["1|3|5|3"]);
}
