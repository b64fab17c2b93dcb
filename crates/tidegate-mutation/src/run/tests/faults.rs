//! Connections that break and processes that die, at random moments.

use super::*;
use crate::fake::{Faults, Random};

/// Whether something can tell of every row of this kind whether it was done.
fn is_exact(style: Style, kind: WriteKind) -> bool {
    let by_reading = style.readable && (kind != WriteKind::Insert || style.own_id);
    // What is removed by its own request has no body that could hold a row's key.
    style.keys.is_some() || by_reading
}

/// Runs with faults and kills until nothing changes any more; at most once for all, and exactly once where something tells.
async fn check(style: Style, kind: WriteKind, seed: u64, kills: u64, in_order: bool) {
    let context = format!("seed {seed}: {kind:?} {style:?} in order {in_order}");
    let rows = 40;
    let mut random = Random::new(seed);
    let mut world = sealed(style, kind, rows);
    world.policy.in_order = in_order;
    world.api.lock().faults = Faults { random: Random::new(seed ^ 0xFA), writes: 200, reads: 100, delay: 400 };
    for _ in 0..kills {
        let turns = random.below(400);
        if world.run_for(turns).await {
            break;
        }
        audit(&world, &context);
    }
    for _ in 0..12 {
        world.run().await;
        audit(&world, &context);
        if world.not_applied().is_empty() {
            break;
        }
    }
    let rest = world.not_applied();
    if is_exact(style, kind) {
        assert!(rest.is_empty(), "{context}: {rest:?}");
    } else {
        let is_known = |line: &String| line.contains(" unknown: ");
        assert!(rest.iter().all(is_known), "{context}: {rest:?}");
    }
}

async fn check_all(seeds: u64, kills: u64) {
    for seed in 0..seeds {
        for (kind, style) in KINDS.into_iter().flat_map(|kind| STYLES.map(|style| (kind, style))) {
            check(style, kind, seed, kills, seed % 4 == 3).await;
        }
    }
}

#[tokio::test]
async fn broken_connections_do_nothing_twice() {
    check_all(4, 0).await;
}

#[tokio::test]
async fn killed_at_any_moment_it_goes_on_and_does_nothing_twice() {
    check_all(6, 6).await;
}
