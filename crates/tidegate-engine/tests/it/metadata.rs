//! When an API is asked to describe itself, and what happens when it does not answer.

use std::sync::Arc;
use std::time::Duration;

use tidegate_engine::ErrorKind;
use tidegate_state::State;

use crate::script::{Fixture, Mood};

#[tokio::test]
async fn planning_sends_no_data_call_and_a_description_is_asked_for_once() {
    let fixture = Fixture::erp();
    let api = fixture.api("erp");
    let prepared = fixture.session.prepare("SELECT name FROM erp.accounts").await.expect("a query");
    assert_eq!(api.take_requests(), ["erp/$metadata"]);
    prepared.execute(Vec::new()).await.expect("a stream");
    assert_eq!(api.take_requests(), Vec::<String>::new(), "nothing before the stream is polled");
    assert_eq!(fixture.rows("SELECT id FROM erp.accounts").await, ["1", "2", "3"]);
    assert_eq!(api.take_requests(), ["erp/Accounts"]);
    fixture.rows("EXPLAIN SELECT id FROM erp.accounts").await;
    assert_eq!(api.take_requests(), Vec::<String>::new());
}

#[tokio::test]
async fn an_old_description_is_revalidated() {
    let state = Arc::new(State::in_memory());
    let fixture = Fixture::with_state(Arc::clone(&state));
    fixture.add("erp");
    let api = fixture.api("erp");
    fixture.session.prepare("SELECT * FROM erp.accounts").await.expect("a query");
    assert_eq!(api.take_requests(), ["erp/$metadata"]);
    fixture.clock.advance(Duration::from_secs(599));
    fixture.session.prepare("SELECT * FROM erp.orders").await.expect("a query");
    assert_eq!(api.take_requests(), Vec::<String>::new());
    fixture.clock.advance(Duration::from_secs(2));
    fixture.session.prepare("SELECT * FROM erp.orders").await.expect("a query");
    assert_eq!(api.take_requests(), ["erp/$metadata revalidated"]);
    fixture.session.prepare("SELECT * FROM erp.orders").await.expect("a query");
    assert_eq!(api.take_requests(), Vec::<String>::new(), "it holds for another ten minutes");

    let later = Fixture::with_state(state);
    later.add("erp");
    later.clock.advance(Duration::from_secs(601 + 300));
    later.session.prepare("SELECT * FROM erp.accounts").await.expect("a query");
    assert_eq!(later.api("erp").take_requests(), Vec::<String>::new(), "another process finds it in the state folder");
}

#[tokio::test]
async fn two_sessions_wait_for_one_call() {
    let fixture = Fixture::erp();
    let other = fixture.engine.session("other");
    let sql = "SELECT * FROM erp.accounts";
    let (first, second) = tokio::join!(fixture.session.prepare(sql), other.prepare(sql));
    first.expect("a query");
    second.expect("a query");
    assert_eq!(fixture.api("erp").take_requests(), ["erp/$metadata"]);
}

#[tokio::test]
async fn listing_tables_survives_a_dead_connection() {
    let fixture = Fixture::erp();
    fixture.add("crm");
    fixture.api("crm").set(Mood::Down);
    let expected = ["erp|accounts|BASE TABLE", "erp|orders|BASE TABLE"];
    assert_eq!(fixture.rows("SHOW TABLES").await, expected);
    assert_eq!(fixture.rows("SHOW TABLES FROM erp LIKE 'acc%'").await, expected[..1]);
    let columns =
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'erp' AND table_name = 'orders'";
    assert_eq!(fixture.rows(columns).await, ["id", "accountid"]);
    let warnings = fixture.rows("SELECT connection, message FROM system.warnings").await;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("crm|its tables could not be listed"), "{warnings:?}");
    assert!(warnings[0].contains("could not connect"), "{warnings:?}");
    let (kind, message) = fixture.error("SELECT * FROM crm.accounts").await;
    assert_eq!(kind, ErrorKind::Remote);
    assert!(message.starts_with("crm") && message.contains("could not connect"), "{message}");
}

#[tokio::test]
async fn what_was_known_is_listed_while_a_connection_is_down() {
    let fixture = Fixture::erp();
    fixture.rows("SHOW TABLES").await;
    fixture.api("erp").set(Mood::Down);
    fixture.clock.advance(Duration::from_secs(3600));
    assert_eq!(fixture.rows("SHOW TABLES").await.len(), 2);
    assert_eq!(fixture.rows("SELECT * FROM system.warnings").await.len(), 1);
}

#[tokio::test]
async fn a_listing_does_not_wait_for_a_connection_that_never_answers() {
    let fixture = Fixture::erp();
    for name in ["crm", "hrm"] {
        fixture.add(name);
        fixture.api(name).set(Mood::Dead);
    }
    assert_eq!(fixture.rows("SHOW TABLES").await, ["erp|accounts|BASE TABLE", "erp|orders|BASE TABLE"]);
    assert_eq!(fixture.clock.sleeps(), [Duration::from_secs(5); 2], "both at once, five seconds each");
    let warnings = fixture.rows("SELECT connection, message FROM system.warnings ORDER BY 1").await;
    let expected =
        ["crm", "hrm"].map(|name| format!("{name}|its tables could not be listed: no answer within 5 seconds"));
    assert_eq!(warnings, expected);
}

#[tokio::test]
async fn a_description_that_cannot_be_read_is_an_error() {
    let fixture = Fixture::erp();
    fixture.api("erp").set(Mood::Odd);
    let (kind, message) = fixture.error("SELECT * FROM erp.accounts").await;
    assert_eq!(kind, ErrorKind::Remote);
    assert!(
        message.starts_with("erp: the API's description at https://erp.example/odata/ cannot be read"),
        "{message}"
    );
}
