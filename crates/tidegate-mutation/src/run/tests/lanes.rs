//! Bounds that hold for one lane, or for one row, while the others go on.

use super::*;
use crate::book::Book;
use crate::brake::Brake;
use crate::fake::{Faults, Random};
use crate::load::{Page, load};

/// How often this row was sent.
fn sent(world: &World, id: i64) -> usize {
    let path = format!("PATCH /items/{id}");
    world.api.lock().calls.iter().filter(|call| **call == path).count()
}

#[tokio::test]
async fn a_lane_asks_for_nothing_once_its_quota_has_ended() {
    for (concurrency, quota) in [(1, 0), (1, 2), (4, 6)] {
        let mut world = sealed(Style::PLAIN, WriteKind::Update, 60);
        world.policy.concurrency = concurrency;
        world.api.lock().quota = quota;
        world.api.lock().faults.delay = 50;
        let report = world.run().await;
        assert_eq!((report.counts.applied, report.counts.left), (quota, 60 - quota));
        let state = world.api.lock();
        assert_eq!(state.calls.len() as u64, quota);
        // Those that were begun before the first was kept back.
        assert!((1..=concurrency as u64).contains(&state.kept_back), "{concurrency} {quota}: {}", state.kept_back);
    }
}

#[tokio::test]
async fn a_quota_ends_its_lane_and_the_others_finish() {
    let mut world = World::new(Style::PLAIN, 30);
    let (short, wide) = (world.add_partition("12"), world.add_partition("13"));
    let row = |ordinal| {
        let partition = [None, Some("12"), Some("13")][ordinal as usize % 3].map(str::to_owned);
        crate::Row { partition, ..world.row(WriteKind::Update, ordinal) }
    };
    world.seal_rows((0..30).map(row));
    world.policy.concurrency = 1;
    short.lock().quota = 4;
    let report = world.run().await;
    assert_eq!(report.ended, Ended::Stopped("daily: 0 of 100 left".to_owned()));
    assert_eq!((report.counts.applied, report.counts.left), (24, 6));
    let calls = |api: &crate::fake::Api| {
        let state = api.lock();
        (state.calls.len(), state.kept_back)
    };
    assert_eq!((calls(&world.api), calls(&short), calls(&wide)), ((10, 0), (4, 1), (10, 0)));
    short.lock().quota = 100;
    assert_eq!(world.run().await.ended, Ended::Done);
    assert_eq!((calls(&world.api), calls(&short), calls(&wide)), ((10, 0), (10, 1), (10, 0)));
}

#[tokio::test]
async fn a_row_that_never_tells_is_sent_a_bounded_number_of_times() {
    let said = "the connection broke";
    let failed = format!("6 failed: sent 6 times, and not done: {said}");
    let unknown = format!("6 unknown: it was sent, and nothing tells whether it was done: {said}");
    for (style, expected) in [(Style::PLAIN, &failed), (Style::VERSIONS, &failed), (Style::KEYS, &unknown)] {
        let mut world = sealed(style, WriteKind::Update, 40);
        world.api.lock().doomed = Some(7);
        let report = world.run().await;
        assert_eq!(report.ended, Ended::Done, "{style:?}");
        assert_eq!(world.not_applied(), std::slice::from_ref(expected), "{style:?}");
        assert_eq!(sent(&world, 7), 1 + crate::clear::MAX_REPEATS as usize, "{style:?}");
        assert_eq!(sent(&world, 8), 1, "{style:?}");
    }
}

/// A row of an earlier request may stand on a later page, and be sent again before that page is loaded.
#[tokio::test]
async fn a_request_of_this_run_is_not_taken_for_one_of_an_earlier_run() {
    let mut world = sealed(Style::BATCH, WriteKind::Update, 10);
    world.api.lock().faults = Faults { random: Random::new(0), writes: 1_000, reads: 0, delay: 0 };
    world.max_calls = Some(1);
    world.run().await;
    let (job, writer) = (world.job(), world.writer().await);
    for (earlier, requests) in [(1, 1), (0, 0)] {
        let (book, brake) = (Book::new(&writer), Brake::new(job.policy.on_error));
        let run = Run { brake, job: &job, book, numbers: AtomicU64::new(1), earlier };
        let loaded = load(&run, &job.lanes[0], Page::first()).await.unwrap();
        assert_eq!(loaded.doubted.len(), requests, "{earlier}");
    }
}

/// APIs remember refusals: what was refused under a key is sent under another one, in this run and in the next.
#[tokio::test]
async fn a_key_that_was_refused_is_not_used_again() {
    let style = Style { keys: Some(tidegate_spec::Per::Request), ..Style::ATOMIC };
    let mut world = World::new(style, 10);
    let row = |ordinal| {
        let mut row = world.row(WriteKind::Update, ordinal);
        if ordinal == 3 {
            row.new.insert("name".to_owned(), "bad".into());
        }
        row
    };
    world.seal_rows((0..10).map(row));
    world.run().await;
    let first = world.rows()[3].idempotency_key.clone();
    world.run().await;
    let second = world.rows()[3].idempotency_key.clone();
    assert!(first.is_some() && second.is_some() && first != second, "{first:?} {second:?}");
}
