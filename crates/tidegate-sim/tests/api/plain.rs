//! Plain pages.

use std::io::Read;

use flate2::read::GzDecoder;
use tidegate_sim::{Config, Fault, Match, PastEnd, PlainOptions, Shape, Sim, What};

use super::client::{get, send};

async fn start(past_end: PastEnd) -> Sim {
    let plain = PlainOptions { past_end, totals: true, ..PlainOptions::default() };
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

#[tokio::test]
async fn a_feed_has_the_same_rows_behind_a_cursor() {
    let sim = start(PastEnd::Empty).await;
    let pages = [get(&sim, "things?page=1").await, get(&sim, "things?page=2").await, get(&sim, "things?page=3").await];
    let mut target = "feed?limit=100".to_owned();
    for (at, page) in pages.iter().enumerate() {
        let feed = get(&sim, &target).await.json();
        assert_eq!(feed["items"], page.json());
        assert_eq!(feed["next"].is_string(), at < 2);
        target = format!("feed?limit=100&cursor={}", feed["next"].as_str().unwrap_or_default());
    }
    for query in ["feed?cursor=100", "feed?cursor=after-fa", "feed?limit=0", "feed?page=1"] {
        assert_eq!(get(&sim, query).await.status, 422, "{query}");
    }
}

#[tokio::test]
async fn things_have_as_many_fields_as_asked_for() {
    let plain = PlainOptions { fields: 200, ..PlainOptions::default() };
    let sim = Sim::start(Config { shape: Shape::Plain, rows: 3, plain, ..Config::default() }).await.unwrap();
    let list = get(&sim, "things").await.json();
    let thing = list[2].as_object().unwrap();
    assert_eq!(thing.len(), 200);
    assert!(
        thing["description"].is_string() && thing["field_013"].is_null() && thing["field_200"].is_array(),
        "{thing:?}"
    );
}

#[tokio::test]
async fn bodies_are_compressed_for_those_who_take_it_and_kept_if_asked_for() {
    for prepared in [false, true] {
        let plain = PlainOptions { prepared, ..PlainOptions::default() };
        let config = Config { shape: Shape::Plain, rows: 200, gzip: true, plain, ..Config::default() };
        let sim = Sim::start(config).await.unwrap();
        let as_is = get(&sim, "things?page=2").await;
        assert_eq!(as_is.header("content-encoding"), None);
        for _ in 0..2 {
            for (accept, is_compressed) in
                [("br, gzip;q=0.5", true), ("GZIP", true), ("gzip;q=0", false), ("br", false)]
            {
                let answer = send(&sim, "GET", "/things?page=2", &[&format!("Accept-Encoding: {accept}")]).await;
                assert_eq!(answer.header("content-encoding"), is_compressed.then_some("gzip"), "{accept}");
                let mut body = Vec::new();
                match is_compressed {
                    true => drop(GzDecoder::new(answer.body.as_slice()).read_to_end(&mut body).unwrap()),
                    false => body = answer.body,
                }
                assert!(body == as_is.body, "{accept}");
            }
        }
        // What a fault did is not kept.
        let wrong = What::WrongValue { row: 100, column: "quantity".to_owned(), json: "{}".to_owned() };
        sim.faults(vec![Fault::new(Match::Any, wrong).times(1)]);
        for is_wrong in [true, false] {
            assert_eq!(get(&sim, "things?page=2").await.json()[0]["quantity"].is_object(), is_wrong);
        }
    }
}
