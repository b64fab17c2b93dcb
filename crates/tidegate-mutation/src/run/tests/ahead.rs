//! How far the journal is ahead of the wire, and how many rows one commit of it takes.

use super::*;
use crate::Policy;
use crate::fake::{Faults, Random};

/// Rows that one page of the journal holds, so that no commit is small because the next page is not there yet.
const ROWS: u64 = 60;

/// Runs with answers that come at random times. Rows of each commit before requests left, and most that were open at once.
async fn check(style: Style, kind: WriteKind, policy: Policy, seed: u64) -> (Vec<usize>, u64) {
    let context = format!("{kind:?} {style:?} {policy:?}");
    let mut world = sealed(style, kind, ROWS);
    world.policy = policy;
    world.api.lock().faults = Faults { random: Random::new(seed), writes: 0, reads: 0, delay: 100 };
    assert_eq!(world.run().await.ended, Ended::Done, "{context}");
    audit(&world, &context);
    let most = if policy.in_order { 1 } else { policy.concurrency };
    assert!(world.api.lock().most_under_way <= most, "{context}");
    let commits = world.watch.before_leaving();
    let open = commits.iter().map(|commit| commit.open).max().unwrap_or(0);
    (commits.iter().map(|commit| commit.leaving).collect(), open)
}

#[tokio::test]
async fn one_group_is_written_ahead_of_the_wire_and_no_more() {
    for (style, kind) in [
        (Style::PLAIN, WriteKind::Update),
        (Style::PLAIN, WriteKind::Delete),
        (Style::VERSIONS, WriteKind::Update),
        (Style::KEYS, WriteKind::Insert),
        (Style::OWN_ID, WriteKind::Insert),
    ] {
        for concurrency in [1, 3, 8] {
            for seed in 0..5 {
                let policy = Policy { on_error: crate::OnError::Stop, concurrency, in_order: false };
                let (_, open) = check(style, kind, policy, seed).await;
                assert_eq!(open, 2 * concurrency as u64, "{kind:?} {style:?} {concurrency} seed {seed}");
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_written_ahead_that_could_not_be_cleared_up_or_has_an_order() {
    let cases = [
        (Style::PLAIN, WriteKind::Insert, false, 8),
        (Style::BLIND, WriteKind::Insert, false, 8),
        (Style::BLIND, WriteKind::Update, false, 8),
        (Style::BLIND, WriteKind::Delete, false, 8),
        (Style::PLAIN, WriteKind::Update, true, 1),
        (Style::KEYS, WriteKind::Insert, true, 1),
    ];
    for (style, kind, in_order, most) in cases {
        for seed in 0..5 {
            let policy = Policy { on_error: crate::OnError::Stop, concurrency: 8, in_order };
            let (_, open) = check(style, kind, policy, seed).await;
            assert_eq!(open, most, "{kind:?} {style:?} seed {seed}");
        }
    }
}

/// Each commit waits for the disk: one takes at least half of what is ahead, however the answers come.
#[tokio::test]
async fn rows_share_commits_whenever_their_answers_come() {
    for (concurrency, least) in [(8, 4), (16, 8)] {
        for seed in 0..10 {
            let policy = Policy { on_error: crate::OnError::Stop, concurrency, in_order: false };
            let (commits, _) = check(Style::PLAIN, WriteKind::Update, policy, seed).await;
            let (_, full) = commits.split_last().unwrap();
            assert!(full.iter().all(|rows| *rows >= least), "{concurrency} seed {seed}: {commits:?}");
        }
    }
}
