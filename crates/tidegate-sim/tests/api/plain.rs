//! Plain pages.

use tidegate_sim::{Config, PastEnd, PlainOptions, Shape, Sim};

use super::client::get;

async fn start(past_end: PastEnd) -> Sim {
    let plain = PlainOptions { past_end, totals: true };
    let config = Config { shape: Shape::Plain, rows: 250, page_size: 100, plain, ..Config::default() };
    Sim::start(config).await.unwrap()
}

#[tokio::test]
async fn pages_count_from_one_and_end_as_configured() {
    for (past_end, status, rows) in
        [(PastEnd::Empty, 200, 0), (PastEnd::NotFound, 404, 0), (PastEnd::RepeatLast, 200, 50)]
    {
        let sim = start(past_end).await;
        let page = get(&sim, "things?page=3&per_page=100").await;
        let list = page.json();
        assert_eq!(list.as_array().map(Vec::len), Some(50));
        assert_eq!(list[0]["id"], 201);
        assert_eq!(list[0].as_object().map(serde_json::Map::len), Some(12));
        assert_eq!((page.header("x-total-count"), page.header("x-total-pages")), (Some("250"), Some("3")));
        let size = page.body.len() / 50;
        assert!((450..650).contains(&size), "{size} bytes a row");
        let after = get(&sim, "things?page=4&per_page=100").await;
        assert_eq!(after.status, status);
        assert_eq!(after.json().as_array().map_or(0, Vec::len), rows);
    }
}

#[tokio::test]
async fn parameters_are_checked() {
    let sim = start(PastEnd::Empty).await;
    for (query, status) in [("things?page=0", 422), ("things?per_page=x", 422), ("things?q=1", 422), ("others", 404)] {
        assert_eq!(get(&sim, query).await.status, status, "{query}");
    }
    assert_eq!(get(&sim, "things?per_page=5000").await.json().as_array().map(Vec::len), Some(100));
}
