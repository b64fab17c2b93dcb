//! Runs against the fake API. `faults` breaks connections and kills runs at random, `ends` ends them early, `answers` has
//! what the API says of single rows, `lanes` has bounds of single lanes and rows, `ahead` how the journal is written.

mod ahead;
mod answers;
mod ends;
mod faults;
mod lanes;

use std::collections::BTreeMap;

use tidegate_spec::WriteKind;
use tidegate_state::RowState;

use super::*;
use crate::fake::{Style, World};

pub(super) const KINDS: [WriteKind; 3] = [WriteKind::Insert, WriteKind::Update, WriteKind::Delete];

pub(super) const STYLES: [Style; 8] = [
    Style::PLAIN,
    Style::BLIND,
    Style::KEYS,
    Style::VERSIONS,
    Style::OWN_ID,
    Style::BATCH,
    Style::ATOMIC,
    Style::ROW_KEYS,
];

/// A world with a sealed mutation of this kind.
pub(super) fn sealed(style: Style, kind: WriteKind, rows: u64) -> World {
    let world = World::new(style, if kind == WriteKind::Insert { 0 } else { rows });
    world.seal(kind, rows);
    world
}

/// Effects by the ordinal of the row that they are of.
fn effects(world: &World) -> BTreeMap<u64, usize> {
    let mut effects = BTreeMap::new();
    for effect in world.api.effects() {
        let id = if effect.kind == WriteKind::Insert { effect.n } else { effect.id };
        *effects.entry(u64::try_from(id - 1).unwrap()).or_default() += 1;
    }
    effects
}

/// No row is done twice, and what the journal says is true.
pub(super) fn audit(world: &World, context: &str) {
    let effects = effects(world);
    for row in world.rows() {
        let done = effects.get(&row.ordinal).copied().unwrap_or(0);
        let allowed = match row.state {
            RowState::Applied | RowState::Accepted => 1..=1,
            RowState::Selected | RowState::Failed | RowState::Skipped => 0..=0,
            RowState::Sent | RowState::Unknown => 0..=1,
        };
        let (state, error) = (row.state.name(), row.error);
        assert!(allowed.contains(&done), "{context}: row {} is {state} ({error:?}), done {done} times", row.ordinal);
    }
}

#[tokio::test]
async fn every_row_is_done_once_in_as_few_requests_as_the_api_allows() {
    for (kind, style) in KINDS.into_iter().flat_map(|kind| STYLES.map(|style| (kind, style))) {
        let context = format!("{kind:?} {style:?}");
        let mut world = sealed(style, kind, 105);
        let report = world.run().await;
        assert_eq!(report.ended, Ended::Done, "{context}: {:?}", world.not_applied());
        assert_eq!(report.counts, Counts { selected: 105, applied: 105, ..Counts::default() }, "{context}");
        audit(&world, &context);
        let calls = world.api.lock().calls.len();
        assert_eq!(calls, if style.batch.is_some() { 11 } else { 105 }, "{context}");
    }
}

#[tokio::test]
async fn requests_are_under_way_together_as_the_policy_says() {
    for (concurrency, in_order, most) in [(8, false, 8), (3, false, 3), (1, false, 1), (8, true, 1)] {
        let mut world = sealed(Style::PLAIN, WriteKind::Update, 60);
        world.policy = crate::Policy { concurrency, in_order, ..world.policy };
        world.api.lock().faults.delay = 50;
        assert_eq!(world.run().await.ended, Ended::Done);
        assert_eq!(world.api.lock().most_under_way, most, "{concurrency} {in_order}");
        let ids: Vec<i64> = world.api.effects().iter().map(|effect| effect.id).collect();
        if in_order {
            assert!(ids.is_sorted(), "{ids:?}");
        }
    }
}
