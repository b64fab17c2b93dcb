//! What ends a mutation early: its user, a quota, a reader that goes away.

use std::time::Duration;

use futures::StreamExt;
use tidegate_engine::{ErrorKind, MutationEnd, MutationPhase};
use tidegate_quota::Window;
use tidegate_sim::{Config, EffectKind};

use super::support::Shop;
use crate::metered::calls;

#[tokio::test]
async fn a_quota_that_is_spent_stops_it_as_asked() {
    let hourly = calls("hourly", 12, Window::FirstCall(Duration::from_secs(3_600)));
    let shop = Shop::with(Config::default(), vec![hourly]).await;
    shop.rows("SET tidegate.on_quota_exhausted = 'stop'").await;
    let (rows, error) = shop.run("UPDATE shop.products SET stock = 7 WHERE id <= 20").await;
    let error = error.expect("a quota was spent");
    assert_eq!(error.kind(), ErrorKind::MutationStopped, "{error}");
    assert!(error.to_string().contains("hourly") && error.to_string().contains("RESUME MUTATION"), "{error}");
    assert!(rows[0].contains("|stopped|20|"), "{rows:?}");
    assert!(shop.summary().is_stopped());
    let (id, done) = (shop.summary().id, shop.changed(EffectKind::Update).len());
    assert!(done > 0 && done < 20, "{done}");
    // Nothing is left: not even the rows can be selected.
    let error = shop.error("UPDATE shop.products SET stock = 8 WHERE id <= 20").await;
    assert_eq!(error.0, ErrorKind::MutationStopped, "{}", error.1);
    assert!(error.1.contains("nothing was sent"), "{}", error.1);
    let states = "SELECT state FROM system.mutations ORDER BY started_at, state DESC";
    assert_eq!(shop.rows(states).await, ["stopped", "failed"]);
    shop.clock.advance(Duration::from_secs(3_700));
    let (counts, error) = shop.run(&format!("RESUME MUTATION '{id}'")).await;
    assert!(counts[0].contains("|20|"), "{counts:?}: {error:?}");
    shop.rows("SET tidegate.on_quota_exhausted = 'wait'").await;
    shop.rows("SET tidegate.max_wait = '2h'").await;
    let (counts, error) = shop.run(&format!("RESUME MUTATION '{id}'")).await;
    assert!(counts[0].contains("|done|20|20|0|0|0|0|0|"), "{counts:?}: {error:?}");
    assert_eq!(shop.changed(EffectKind::Update).len(), 20);
}

#[tokio::test]
async fn a_quota_that_is_spent_fails_it_as_asked() {
    let hourly = calls("hourly", 12, Window::FirstCall(Duration::from_secs(3_600)));
    let shop = Shop::with(Config::default(), vec![hourly]).await;
    shop.rows("SET tidegate.on_quota_exhausted = 'fail'").await;
    let (_, error) = shop.run("UPDATE shop.products SET stock = 7 WHERE id <= 20").await;
    let error = error.expect("a quota was spent");
    assert_eq!(error.kind(), ErrorKind::QuotaExhausted, "{error}");
    assert!(!shop.summary().is_stopped());
}

#[tokio::test]
async fn its_user_ends_it_and_it_can_be_gone_on_with() {
    let shop = Shop::new().await;
    shop.rows("SET tidegate.write_concurrency = 1").await;
    let prepared = shop.session.prepare("UPDATE shop.products SET stock = 7 WHERE id <= 20").await.expect("a mutation");
    let mut execution = prepared.execute(Vec::new()).await.expect("it starts");
    while shop.changed(EffectKind::Update).is_empty() {
        tokio::task::yield_now().await;
    }
    execution.cancel.cancel();
    let mut error = None;
    while let Some(batch) = execution.stream.next().await {
        error = batch.err().map(tidegate_engine::Error::from).or(error);
    }
    let error = error.expect("it was cancelled");
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    let summary = execution.summary.mutation().expect("a mutation");
    assert_eq!(summary.phase, MutationPhase::Ended(MutationEnd::Cancelled));
    let done = shop.changed(EffectKind::Update).len();
    assert!(done < 20 && summary.counts.applied == done as u64, "{done}: {summary:?}");
    let counts = shop.rows(&format!("RESUME MUTATION '{}'", summary.id)).await;
    assert!(counts[0].contains("|done|20|20|"), "{counts:?}");
    assert_eq!(shop.changed(EffectKind::Update).len(), 20);
}

#[tokio::test]
async fn it_goes_on_when_nobody_reads_its_rows() {
    let shop = Shop::new().await;
    let prepared = shop.session.prepare("UPDATE shop.products SET stock = 7 WHERE id <= 20").await.expect("a mutation");
    let execution = prepared.execute(Vec::new()).await.expect("it starts");
    let summary = execution.summary.clone();
    drop(execution);
    while !matches!(summary.mutation().expect("a mutation").phase, MutationPhase::Ended(_)) {
        tokio::task::yield_now().await;
    }
    assert!(summary.mutation().expect("a mutation").is_complete());
    assert_eq!(shop.changed(EffectKind::Update).len(), 20);
    let state = "SELECT state, rows FROM system.statements WHERE kind = 'mutation'";
    assert_eq!(shop.rows(state).await, ["done|20"]);
}

#[tokio::test]
async fn a_reserve_of_a_quota_that_is_not_there_is_refused() {
    let hourly = calls("hourly", 100, Window::FirstCall(Duration::from_secs(3_600)));
    let shop = Shop::with(Config::default(), vec![hourly]).await;
    shop.rows("SET tidegate.quota_reserve = 'hourli=50'").await;
    let error = shop.error("UPDATE shop.products SET stock = 7 WHERE id <= 3").await;
    assert!(error.1.contains("quota_reserve names hourli") && error.1.contains("there are: hourly"), "{}", error.1);
    assert!(shop.changed(EffectKind::Update).is_empty());
    shop.rows("SET tidegate.quota_reserve = 'hourly=50'").await;
    shop.rows("UPDATE shop.products SET stock = 7 WHERE id <= 3").await;
    assert_eq!(shop.changed(EffectKind::Update).len(), 3);
}
