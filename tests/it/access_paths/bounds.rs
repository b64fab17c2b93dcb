//! `SET tidegate.max_calls = 5` on what needs 200: none is sent where that can be known, and five where it cannot.

use std::collections::BTreeMap;

use tidegate::{ConnectionDef, Session};
use tidegate_sim::{Config, Shape, Sim};
use tidegate_tests::run::run;

use super::{calls, fixture, session};

/// A statement is refused under a bound of 5 calls; how many were sent, and why it says it was.
async fn refused(sim: &Sim, session: &Session, sql: &str) -> (usize, String) {
    calls(sim);
    run(session, "SET tidegate.max_calls = 5").await.unwrap();
    let error = run(session, sql).await.err().unwrap_or_else(|| panic!("{sql} is not refused")).to_string();
    run(session, "SET tidegate.max_calls = 1000").await.unwrap();
    (calls(sim), error)
}

/// A message names the bound, how many calls it would be, and what to do.
#[track_caller]
fn assert_told(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[tokio::test]
async fn keys_that_take_a_call_each_are_counted_before() {
    let sim = Sim::start(Config { shape: Shape::Rest, rows: 500, ..Config::default() }).await.unwrap();
    let session = session(&sim, ConnectionDef::new("erp", &fixture("access"), BTreeMap::new()));
    let keys: Vec<String> = (1..=200).map(|key| key.to_string()).collect();
    let sql = format!("SELECT name FROM erp.keyed_items WHERE id IN ({})", keys.join(", "));
    let (sent, error) = refused(&sim, &session, &sql).await;
    assert_eq!(sent, 0, "{error}");
    assert_told(&error, &["max_calls", "5", "200"]);
    assert_eq!((run(&session, &sql).await.unwrap().rows().len(), calls(&sim)), (200, 200), "it would have been 200");
}

/// 2,000 rows in pages of 10. Whoever has seen lately how many there are, and how long pages are, sends nothing in vain.
/// How many rows there are says nothing of the calls before a page was seen.
#[tokio::test]
async fn totals_that_are_known_are_enough() {
    for (known, least) in [("SELECT count(*) FROM erp.accounts", 5), ("SELECT sum(priority) FROM erp.accounts", 0)] {
        let sim = Sim::start(Config { rows: 2_000, page_size: 10, ..Config::default() }).await.unwrap();
        let session = session(&sim, ConnectionDef::odata("erp", ""));
        run(&session, known).await.unwrap();
        let (sent, error) = refused(&sim, &session, "SELECT sum(priority) FROM erp.accounts").await;
        assert_eq!(sent, least, "after {known}: {error}");
        assert_told(&error, &["max_calls", "5", "accounts"]);
    }
}

/// The same where pages are told by number, and the list tells its total: 40,000 rows in pages of 200.
#[tokio::test]
async fn totals_of_lists_are_enough() {
    let sim =
        Sim::start(Config { shape: Shape::Rest, rows: 40_000, page_size: 200, ..Config::default() }).await.unwrap();
    let session = session(&sim, ConnectionDef::new("erp", &fixture("access"), BTreeMap::new()));
    run(&session, "SELECT count(*) FROM erp.items").await.unwrap();
    run(&session, "SELECT name FROM erp.items LIMIT 1").await.unwrap();
    let (sent, error) = refused(&sim, &session, "SELECT sum(stock) FROM erp.items").await;
    assert_eq!(sent, 0, "{error}");
    assert_told(&error, &["max_calls", "items"]);
}

/// A list that tells no total and was never read: five pages, and then the end.
#[tokio::test]
async fn what_nobody_can_know_takes_five() {
    const MANIFEST: &str = "connector: things\nurl: http://127.0.0.1/\ntables:\n  things:\n    key: id\n    columns: { id: int, \
                            quantity: int! }\n    list: { path: things, paging: { page: page }, page_size: { parameter: \
                            per_page, max: 10 } }\n";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("things.yaml");
    std::fs::write(&file, MANIFEST).unwrap();
    let sim =
        Sim::start(Config { shape: Shape::Plain, rows: 2_000, page_size: 10, ..Config::default() }).await.unwrap();
    let session = session(&sim, ConnectionDef::new("erp", file.to_str().unwrap(), BTreeMap::new()));
    let (sent, error) = refused(&sim, &session, "SELECT sum(quantity) FROM erp.things").await;
    assert_eq!(sent, 5, "{error}");
    assert_told(&error, &["max_calls", "5"]);
    // What fits the bound is not refused.
    run(&session, "SET tidegate.max_calls = 5").await.unwrap();
    assert_eq!(run(&session, "SELECT id FROM erp.things LIMIT 50").await.unwrap().rows().len(), 50);
    assert_eq!(calls(&sim), 5);
}

/// Lookups whose number shows only when the keys are known: the list of keys is sent, and nothing that goes beyond.
#[tokio::test]
async fn lookups_keep_the_bound_too() {
    let sim = Sim::start(Config { shape: Shape::Rest, rows: 500, ..Config::default() }).await.unwrap();
    let session = session(&sim, ConnectionDef::new("erp", &fixture("access"), BTreeMap::new()));
    let sql = "SELECT s.code, count(*) FROM erp.sites s JOIN erp.bins b ON b.site = s.code GROUP BY 1";
    let (sent, error) = refused(&sim, &session, sql).await;
    assert!(sent <= 5, "{sent}: {error}");
    assert_told(&error, &["max_calls", "5"]);
    assert_eq!((run(&session, sql).await.unwrap().rows().len(), calls(&sim)), (12, 13));
}
