//! A bound is a bound: exactly so many rows are changed, whatever happens on the way.

use serde_json::json;
use tidegate_engine::ErrorKind;
use tidegate_sim::{Config, EffectKind, Fault, Match, Unwanted, What};

use super::support::Shop;

#[tokio::test]
async fn exactly_as_many_rows_as_asked_for() {
    let shop = Shop::new().await;
    let counts = shop.rows("UPDATE shop.products SET stock = 7 WHERE id > 3 ORDER BY id LIMIT 10").await;
    let [row] = counts.as_slice() else { panic!("{counts:?}") };
    assert!(row.contains("|update|done|10|10|0|0|0|0|0|"), "{row}");
    assert_eq!(shop.changed(EffectKind::Update), (4..14).collect::<Vec<_>>());
    assert_eq!(shop.product(4, "Stock"), 7);
    assert!(shop.summary().is_complete());
}

#[tokio::test]
async fn nothing_selected_is_nothing_sent() {
    let shop = Shop::new().await;
    for sql in [
        "UPDATE shop.products SET stock = 7 LIMIT 0",
        "UPDATE shop.products SET stock = 7 WHERE 1 = 0",
        "UPDATE shop.products SET stock = 7 WHERE id = 1 AND id = 2",
        "DELETE FROM shop.products WHERE id IN (SELECT id FROM shop.products WHERE id < 0)",
        "DELETE FROM shop.products LIMIT 5 - 5",
    ] {
        let counts = shop.rows(sql).await;
        assert!(counts[0].contains("|done|0|0|0|0|0|0|0|"), "{sql}: {counts:?}");
    }
    assert_eq!(shop.writes(), 0);
}

#[tokio::test]
async fn faults_on_the_way_change_no_row_twice() {
    let fault = |nth: u64, what| Fault::new(Match::Writes, what).skip(nth).times(1);
    let config = Config {
        faults: vec![fault(2, What::CutBefore), fault(9, What::CutAfter), fault(12, What::FailAfter(502))],
        ..Config::default()
    };
    let shop = Shop::with(config, Vec::new()).await;
    let counts = shop.rows("UPDATE shop.products SET stock = stock + 1 LIMIT 20").await;
    assert!(counts[0].contains("|done|20|20|0|0|0|0|0|"), "{counts:?}");
    let mut changed = shop.changed(EffectKind::Update);
    changed.sort_unstable();
    changed.dedup();
    assert_eq!(changed.len(), 20);
}

#[tokio::test]
async fn more_failures_than_allowed_end_it() {
    let refused = |value| Unwanted { table: "Products".to_owned(), column: "Stock".to_owned(), value, status: 422 };
    let shop = Shop::with(Config { unwanted: vec![refused(json!(7))], ..Config::default() }, Vec::new()).await;
    shop.rows("SET tidegate.write_concurrency = 1").await;
    shop.rows("SET tidegate.on_mutation_error = 'continue(2)'").await;
    let (rows, error) = shop.run("UPDATE shop.products SET stock = 7 LIMIT 10").await;
    let error = error.expect("rows failed");
    assert_eq!(error.kind(), ErrorKind::MutationIncomplete, "{error}");
    assert!(error.to_string().contains("3 failed") && error.to_string().contains("RESUME MUTATION"), "{error}");
    assert!(rows[0].contains("|stopped|10|0|0|3|0|0|7|"), "{rows:?}");
    assert_eq!(shop.writes(), 3);
    shop.rows("SET tidegate.on_mutation_error = 'continue'").await;
    let (_, error) = shop.run("UPDATE shop.products SET stock = 7 LIMIT 10").await;
    assert!(error.expect("rows failed").to_string().contains("10 failed"));
}

#[tokio::test]
async fn a_bound_on_calls_stops_it_and_resume_goes_on() {
    let shop = Shop::new().await;
    shop.rows("SELECT id FROM shop.products").await;
    shop.rows("SET tidegate.max_calls = 8").await;
    let (rows, error) = shop.run("UPDATE shop.products SET stock = 7 LIMIT 10").await;
    let error = error.expect("a bound was reached");
    assert_eq!(error.kind(), ErrorKind::MutationStopped, "{error}");
    assert!(shop.summary().is_stopped());
    assert!(rows[0].contains("|stopped|10|"), "{rows:?}");
    let id = shop.summary().id;
    shop.rows("SET tidegate.max_calls = DEFAULT").await;
    let counts = shop.rows(&format!("RESUME /*+ max_calls(100) */ MUTATION '{id}'")).await;
    assert!(counts[0].contains("|done|10|10|0|0|0|0|0|"), "{counts:?}");
    assert_eq!(shop.changed(EffectKind::Update).len(), 10);
}
