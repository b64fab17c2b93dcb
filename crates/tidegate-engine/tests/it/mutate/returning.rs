//! RETURNING: expressions over the rows as they are now, and what became of each.

use serde_json::json;
use tidegate_engine::ErrorKind;
use tidegate_sim::{Config, Unwanted};

use super::support::Shop;

#[tokio::test]
async fn rows_come_in_their_order_with_what_became_of_them() {
    let refused = Unwanted { table: "Products".to_owned(), column: "Stock".to_owned(), value: json!(102), status: 422 };
    let shop = Shop::with(Config { unwanted: vec![refused], ..Config::default() }, Vec::new()).await;
    let sql = "UPDATE shop.products SET stock = 100 + id WHERE id <= 3 ORDER BY id DESC \
               RETURNING id, stock * 2 AS twice, _outcome, _status IS NULL AS unanswered, _error IS NOT NULL AS why";
    let before = shop.product(2, "Stock").as_i64().expect("a number");
    let (rows, error) = shop.run(sql).await;
    assert_eq!(
        rows,
        [
            "3|206|applied|false|false".to_owned(),
            format!("2|{}|failed|false|true", before * 2),
            "1|202|applied|false|false".to_owned(),
        ]
    );
    assert_eq!(error.expect("a row failed").kind(), ErrorKind::MutationIncomplete);
}

#[tokio::test]
async fn a_star_is_the_table_and_inserts_return_their_keys() {
    let shop = Shop::new().await;
    let columns = shop.rows("SELECT * FROM shop.products LIMIT 1").await[0].split('|').count();
    let rows = shop.rows("DELETE FROM shop.products WHERE id = 5 RETURNING *").await;
    assert_eq!(rows[0].split('|').count(), columns);
    assert!(rows[0].starts_with("5|"), "{rows:?}");
    let sql = "INSERT INTO shop.products (id, name, price, stock, discontinued) \
               SELECT id + 1000, 'new', 1.5, 2, false FROM shop.products WHERE id < 3 RETURNING id, name, price, _outcome";
    assert_eq!(shop.rows(sql).await, ["1001|new|1.50|applied", "1002|new|1.50|applied"]);
}

#[tokio::test]
async fn what_is_no_expression_over_a_row_is_refused() {
    let shop = Shop::new().await;
    for (returning, part) in [
        ("count(*)", "no aggregates"),
        ("nope", "there is no column"),
        ("(SELECT max(id) FROM shop.products)", "products"),
        ("$1", "no parameters"),
    ] {
        let sql = format!("UPDATE shop.products SET stock = 7 LIMIT 1 RETURNING {returning}");
        let (_, message) = shop.error(&sql).await;
        assert!(message.contains(part), "{returning}: {message}");
    }
    assert_eq!(shop.writes(), 0);
}
