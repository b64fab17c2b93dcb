//! Runs that end before all is done: bounds, quotas, failures, the user.

use std::sync::Arc;

use super::*;
use crate::OnError;
use crate::fake::{Faults, Random};

/// Makes the API refuse rows with these ordinals.
fn bad(world: &World, kind: WriteKind, rows: u64, bad: &[u64]) {
    let row = |ordinal| {
        let mut row = world.row(kind, ordinal);
        if bad.contains(&ordinal) {
            row.new.insert("name".to_owned(), "bad".into());
        }
        row
    };
    world.seal_rows((0..rows).map(row));
}

#[tokio::test]
async fn failures_beyond_those_allowed_end_it() {
    let check = async |on_error, expected: Counts, ended: &str| {
        let mut world = World::new(Style::PLAIN, 30);
        world.policy = crate::Policy { on_error, concurrency: 1, ..world.policy };
        bad(&world, WriteKind::Update, 30, &[3, 5, 7, 9]);
        let report = world.run().await;
        assert_eq!(report.counts, expected, "{on_error:?}");
        let said = match report.ended {
            Ended::Failures(said) => said,
            other => format!("{other:?}"),
        };
        assert_eq!(said, ended);
        audit(&world, ended);
        world
    };
    let counts = |applied, failed, left| Counts { selected: 30, applied, failed, left, ..Counts::default() };
    check(
        OnError::Stop,
        counts(3, 1, 26),
        "1 row failed; the first: the server answered 400 Bad Request: the name is bad",
    )
    .await;
    let more = "3 rows failed, more than the 2 that on_mutation_error allows; \
                the first: the server answered 400 Bad Request: the name is bad";
    check(OnError::Continue(2), counts(5, 3, 22), more).await;
    let mut world = check(OnError::Continue(5), counts(26, 4, 0), "Done").await;
    // What has failed is tried again, and failures of earlier runs do not count.
    let report = world.run().await;
    assert_eq!((report.counts, report.ended), (counts(26, 4, 0), Ended::Done));
    assert_eq!(world.api.lock().calls.len(), 34);
}

#[tokio::test]
async fn one_bad_row_of_a_batch_fails_alone() {
    let check = async |style, calls, before: &str| {
        let mut world = World::new(style, 30);
        bad(&world, WriteKind::Update, 30, &[4, 27]);
        let report = world.run().await;
        assert_eq!(report.ended, Ended::Done);
        let bad = [4, 27].map(|row| format!("{row} failed: {before}the name is bad"));
        assert_eq!(world.not_applied(), bad);
        assert_eq!(world.api.lock().calls.len(), calls, "{style:?}");
        audit(&world, "one bad row");
    };
    check(Style::BATCH, 3, "").await;
    // Of each ten with a bad row: 5 and 5, of the bad five 3 and 2, of these each alone, or 2 and 1.
    let whole = "the server answered 400 Bad Request: ";
    check(Style::ATOMIC, 3 + 6 + 7, whole).await;
    check(Style { single: false, ..Style::ATOMIC }, 3 + 6 + 6, whole).await;
}

#[tokio::test]
async fn a_bound_of_calls_is_not_passed() {
    for max_calls in [0, 1, 7, 30] {
        let mut world = sealed(Style::PLAIN, WriteKind::Update, 30);
        world.max_calls = Some(max_calls);
        world.api.lock().faults = Faults { random: Random::new(max_calls), writes: 300, reads: 100, delay: 100 };
        let report = world.run().await;
        assert!(world.api.lock().calls.len() as u64 <= max_calls);
        assert_eq!(report.ended, Ended::Stopped("max_calls is reached".to_owned()));
        assert!(report.counts.left + report.counts.unknown > 0);
        audit(&world, &format!("max_calls {max_calls}"));
        world.max_calls = None;
        while !world.not_applied().is_empty() {
            world.run().await;
        }
        audit(&world, &format!("max_calls {max_calls}, resumed"));
    }
}

#[tokio::test]
async fn a_quota_stops_it_and_another_day_goes_on() {
    for style in STYLES.into_iter().filter(|style| *style != Style::BLIND) {
        let mut world = sealed(style, WriteKind::Update, 30);
        world.api.lock().quota = 2;
        let report = world.run().await;
        assert_eq!(report.ended, Ended::Stopped("daily: 0 of 100 left".to_owned()), "{style:?}");
        assert_eq!(report.counts.applied + report.counts.left, 30, "{style:?}");
        world.api.lock().quota = 100;
        assert_eq!(world.run().await.ended, Ended::Done, "{style:?}");
        audit(&world, "quota");
    }
}

/// A repeat that has no room says nothing of the request before it.
#[tokio::test]
async fn a_row_in_doubt_stays_so_when_its_quota_ends() {
    for style in [Style::KEYS, Style::VERSIONS, Style::PLAIN, Style::ROW_KEYS] {
        for seed in 0..20 {
            let context = format!("seed {seed}: {style:?}");
            let mut world = sealed(style, WriteKind::Update, 10);
            world.api.lock().faults = Faults { random: Random::new(seed), writes: 600, reads: 300, delay: 20 };
            for quota in [3, 5, 2, 6] {
                world.api.lock().quota = quota;
                world.run().await;
                audit(&world, &context);
            }
            world.api.lock().faults.writes = 0;
            world.api.lock().quota = 1_000;
            world.run().await;
            audit(&world, &context);
            assert_eq!(world.not_applied(), Vec::<String>::new(), "{context}");
        }
    }
}

#[tokio::test]
async fn the_user_ends_it_after_the_writes_under_way() {
    for seed in 0..30 {
        let mut world = sealed(Style::PLAIN, WriteKind::Update, 40);
        world.api.lock().faults = Faults { random: Random::new(seed), writes: 0, reads: 0, delay: 300 };
        let api = Arc::clone(&world.api);
        let cancel = async |world: &World| {
            while (api.lock().calls.len() as u64) < seed {
                tokio::task::yield_now().await;
            }
            world.statement.cancellation().cancel();
            api.lock().calls.len()
        };
        let (report, sent) = world.run_beside(cancel).await;
        assert_eq!(report.ended, Ended::Cancelled, "seed {seed}");
        // Those that were on the wire have ended, and no other was sent.
        assert_eq!(report.counts.applied as usize, sent, "seed {seed}");
        assert_eq!(world.api.lock().calls.len(), sent, "seed {seed}");
        assert_eq!(report.counts.left as usize, 40 - sent, "seed {seed}");
        audit(&world, "cancelled");
    }
}

#[tokio::test]
async fn a_server_that_only_fails_is_given_up() {
    let mut world = sealed(Style::PLAIN, WriteKind::Update, 500);
    world.api.lock().faults = Faults { random: Random::new(1), writes: 1_000, reads: 0, delay: 0 };
    let report = world.run().await;
    let Ended::Connection(said) = report.ended else { panic!("{:?}", report.ended) };
    assert!(said.starts_with("20 requests in a row got no answer that tells what became of them"), "{said}");
    assert!(world.api.lock().calls.len() < 60);
    audit(&world, "given up");
}

#[tokio::test]
async fn rows_of_a_partition_that_is_not_at_hand_are_left() {
    let mut world = World::new(Style::PLAIN, 3);
    let elsewhere = |ordinal| crate::Row { partition: Some("12".to_owned()), ..world.row(WriteKind::Update, ordinal) };
    let rows: Vec<_> = [world.row(WriteKind::Update, 0), elsewhere(1), elsewhere(2)].into_iter().collect();
    world.seal_rows(rows);
    let report = world.run().await;
    assert_eq!(report.ended, Ended::Stopped("2 rows are in partitions that are not at hand".to_owned()));
    assert_eq!((report.counts.applied, report.counts.left), (1, 2));
}
