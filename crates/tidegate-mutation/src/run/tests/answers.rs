//! What the API says of single rows, and what is found when rows are read.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tidegate_remote::write::Cells;

use super::*;
use crate::fake::{Faults, Random, Stored, cells};
use crate::{Reselect, Reselected};

/// Changes a row behind the mutation's back.
fn meddle(world: &World, id: i64, name: &str, n: i64) {
    let row = Stored { name: name.to_owned(), n, version: 7 };
    world.api.lock().rows.insert(id, row);
}

/// A statement whose WHERE is `name <> 'closed'` and that sets `n` to the id.
#[derive(Debug)]
struct NotClosed(Arc<crate::fake::Api>);

#[async_trait]
impl Reselect for NotClosed {
    async fn reselect(&self, _: Option<&str>, keys: &[Cells]) -> Result<Vec<Reselected>, String> {
        let state = self.0.lock();
        let select = |key: &Cells| {
            let id = key["id"].as_i64().unwrap();
            let row = state.rows.get(&id).filter(|row| row.name != "closed")?;
            Some(Reselected {
                key: key.clone(),
                old: cells(json!({"name": row.name, "n": row.n})),
                new: cells(json!({"name": "new", "n": id})),
                version: Some(format!("v{}", row.version)),
            })
        };
        Ok(keys.iter().filter_map(select).collect())
    }
}

#[tokio::test]
async fn a_stale_row_is_selected_anew_once_if_the_where_still_holds() {
    let mut world = sealed(Style::VERSIONS, WriteKind::Update, 4);
    meddle(&world, 2, "other", 0);
    meddle(&world, 3, "closed", 0);
    world.reselect = Some(Arc::new(NotClosed(Arc::clone(&world.api))));
    assert_eq!(world.run().await.ended, Ended::Done);
    assert_eq!(world.not_applied(), ["2 skipped: changed since it was selected; the WHERE no longer holds"]);
    assert_eq!(world.api.lock().rows[&2].n, 2);
    audit(&world, "stale");
}

#[tokio::test]
async fn a_row_that_is_stale_again_is_skipped() {
    let mut world = sealed(Style::VERSIONS, WriteKind::Update, 2);
    world.api.lock().meddle = Some(|rows| rows.get_mut(&1).unwrap().version += 1);
    world.reselect = Some(Arc::new(NotClosed(Arc::clone(&world.api))));
    world.run().await;
    assert_eq!(world.not_applied(), ["0 skipped: changed again after it was selected anew"]);
    assert_eq!(world.api.lock().calls.len(), 3);
}

#[tokio::test]
async fn without_a_statement_a_stale_row_is_skipped() {
    let mut world = sealed(Style::VERSIONS, WriteKind::Delete, 2);
    meddle(&world, 2, "other", 0);
    world.run().await;
    assert_eq!(world.not_applied(), ["1 skipped: changed since it was selected"]);
}

#[tokio::test]
async fn rows_that_are_gone_are_skipped() {
    for (kind, said) in [(WriteKind::Update, "the row is gone"), (WriteKind::Delete, "the row was deleted already")] {
        let mut world = sealed(Style::PLAIN, kind, 3);
        world.api.lock().rows.remove(&2);
        assert_eq!(world.run().await.ended, Ended::Done);
        assert_eq!(world.not_applied(), [format!("1 skipped: {said}")]);
    }
}

/// What is found is neither what was there nor what was sent: somebody else came between, and nobody knows when.
#[tokio::test]
async fn a_row_with_other_values_is_unknown() {
    let mut world = sealed(Style::PLAIN, WriteKind::Update, 1);
    world.api.lock().faults = Faults { random: Random::new(0), writes: 1_000, reads: 0, delay: 0 };
    world.api.lock().quota = 1;
    world.run().await;
    meddle(&world, 1, "third", 9);
    world.api.lock().quota = 100;
    world.api.lock().faults = Faults::none();
    world.run().await;
    assert_eq!(world.not_applied().len(), 1);
    assert!(world.not_applied()[0].starts_with("0 unknown: n has neither its old nor its new value"));
    assert_eq!(world.api.lock().calls.iter().filter(|call| call.starts_with("PATCH")).count(), 1);
}

/// Cuts the only request of a run, before or after its effect by the seed, and lets so much time pass before the next.
async fn cut_and_wait(style: Style, kind: WriteKind, seed: u64, wait: Duration) -> World {
    let mut world = sealed(style, kind, 1);
    world.api.lock().faults = Faults { random: Random::new(seed), writes: 1_000, reads: 0, delay: 0 };
    world.max_calls = Some(1);
    world.run().await;
    world.api.lock().faults = Faults::none();
    world.max_calls = None;
    world.clock.advance(wait);
    world.run().await;
    audit(&world, &format!("seed {seed}"));
    world
}

#[tokio::test]
async fn a_key_is_used_again_only_while_it_lives() {
    for seed in 0..10 {
        for style in [Style::KEYS, Style::ROW_KEYS] {
            let world = cut_and_wait(style, WriteKind::Insert, seed, Duration::from_secs(21 * 3_600)).await;
            assert_eq!(world.not_applied(), Vec::<String>::new());
            assert_eq!(world.rows()[0].attempts, 2);
            let world = cut_and_wait(style, WriteKind::Insert, seed, Duration::from_secs(24 * 3_600)).await;
            assert!(
                world.not_applied()[0].starts_with("0 unknown: it was sent, and nothing tells whether it was done")
            );
            assert_eq!(world.api.lock().calls.len(), 1);
        }
    }
}

#[tokio::test]
async fn a_key_is_not_used_for_another_request() {
    let mut world = sealed(Style::KEYS, WriteKind::Insert, 1);
    world.api.lock().faults = Faults { random: Random::new(0), writes: 1_000, reads: 0, delay: 0 };
    world.max_calls = Some(1);
    world.run().await;
    world.max_calls = None;
    world.api.lock().faults = Faults::none();
    // The API is described in another way by now.
    let mut table = tidegate_spec::Table::clone(&world.table);
    let constant = (tidegate_spec::Place::Body(vec!["source".to_owned()]), "import".to_owned());
    table.writes.insert.as_mut().unwrap().single.as_mut().unwrap().constants.push(constant);
    world.table = Arc::new(table);
    world.run().await;
    assert_eq!(world.api.lock().calls.len(), 1);
    assert!(world.not_applied()[0].starts_with("0 unknown: "), "{:?}", world.not_applied());
}

#[tokio::test]
async fn rows_that_changed_since_they_were_planned_are_skipped() {
    for style in [Style::PLAIN, Style::BATCH, Style::VERSIONS] {
        let mut world = sealed(style, WriteKind::Update, 30);
        world.verify = true;
        meddle(&world, 2, "other", 0);
        meddle(&world, 30, "old", 5);
        world.api.lock().rows.remove(&7);
        world.run().await;
        let expected = if style.versions {
            [
                "1 skipped: changed since it was selected",
                "6 skipped: the row is gone",
                "29 skipped: changed since it was selected",
            ]
        } else {
            [
                "1 skipped: changed since it was selected: name is \"other\"",
                "6 skipped: the row is gone",
                "29 skipped: changed since it was selected: n is 5",
            ]
        };
        assert_eq!(world.not_applied(), expected, "{style:?}");
        let reads = world.api.lock().calls.iter().filter(|call| call.starts_with("GET")).count();
        assert_eq!(reads, usize::from(!style.versions));
        audit(&world, "verified");
    }
}

#[tokio::test]
async fn an_old_selection_is_selected_anew_before_it_is_sent() {
    let mut world = sealed(Style::PLAIN, WriteKind::Update, 5);
    world.verify = true;
    world.reselect = Some(Arc::new(NotClosed(Arc::clone(&world.api))));
    meddle(&world, 3, "closed", 0);
    meddle(&world, 4, "other", 0);
    world.run().await;
    assert_eq!(world.not_applied(), ["2 skipped: the WHERE no longer holds"]);
    assert_eq!(world.rows()[3].old, cells(json!({"name": "other", "n": 0})));
}

/// It was sent, and nobody did it; since then the WHERE has ceased to hold.
#[tokio::test]
async fn a_doubtful_row_of_an_old_selection_is_selected_anew_before_it_is_sent_again() {
    let mut world = sealed(Style::PLAIN, WriteKind::Update, 2);
    world.api.lock().doomed = Some(1);
    world.max_calls = Some(1);
    world.policy.concurrency = 1;
    world.run().await;
    world.api.lock().doomed = None;
    world.max_calls = None;
    world.verify = true;
    world.reselect = Some(Arc::new(Nothing));
    world.run().await;
    assert_eq!(world.api.effects(), []);
    assert!(world.not_applied()[0].ends_with("the WHERE no longer holds"), "{:?}", world.not_applied());
}

/// A statement whose WHERE holds for no row any more.
#[derive(Debug)]
struct Nothing;

#[async_trait]
impl Reselect for Nothing {
    async fn reselect(&self, _: Option<&str>, _: &[Cells]) -> Result<Vec<Reselected>, String> {
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn an_insert_is_not_sent_over_a_row_that_is_there() {
    let mut world = sealed(Style::OWN_ID, WriteKind::Insert, 3);
    world.verify = true;
    meddle(&world, 2, "other", 0);
    world.run().await;
    assert_eq!(world.not_applied(), ["1 skipped: a row with this key is there"]);
}

/// The key that the API made is kept: UNDO needs it.
#[tokio::test]
async fn keys_that_the_api_makes_are_kept() {
    for style in [Style::PLAIN, Style::BATCH] {
        let mut world = sealed(style, WriteKind::Insert, 12);
        world.run().await;
        let made: Vec<i64> = world.rows().iter().map(|row| row.key["id"].as_i64().unwrap()).collect();
        assert_eq!(made.len(), 12);
        for (row, id) in world.rows().iter().zip(made) {
            assert_eq!(world.api.lock().rows[&id].n, i64::try_from(row.ordinal).unwrap() + 1);
        }
    }
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_cut() {
    let mut world = sealed(Style::BATCH, WriteKind::Update, 20);
    let mut table = tidegate_spec::Table::clone(&world.table);
    table.writes.update.as_mut().unwrap().batch.as_mut().unwrap().max_bytes = Some(250);
    world.table = Arc::new(table);
    assert_eq!(world.run().await.ended, Ended::Done);
    audit(&world, "cut");
    // Ten rows take some 330 bytes, five take half of it.
    assert_eq!(world.api.lock().calls.len(), 4);
}
