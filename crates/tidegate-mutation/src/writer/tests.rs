//! The writer over a store that waits and fails on demand, and over a journal on disk.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use futures::future::{join, join_all};
use tempfile::TempDir;
use tidegate_state::{MutationStart, RowRecord, RowStart, RowState};
use tidegate_transport::{SystemClock, TestClock};
use tokio::task::yield_now;

use super::*;

const ID: &str = "01890a5d-ac96-874b-b2a5-3a0f9c2d7e11";

fn sending(ordinal: u64) -> RowChange {
    let sent_at = SystemTime::UNIX_EPOCH;
    RowChange::Sending { ordinal, request: ordinal, idempotency_key: None, digest: None, sent_at }
}

fn applied(ordinal: u64) -> RowChange {
    RowChange::Ended {
        ordinal,
        state: RowState::Applied,
        status: Some(200),
        error: None,
        returned: None,
        key: None,
        version: None,
        ended_at: SystemTime::UNIX_EPOCH,
    }
}

/// Remembers what it was to write, and does it when told how it goes.
#[derive(Debug)]
struct Script {
    asked: Mutex<Vec<Vec<RowChange>>>,
    begun: Sender<()>,
    goes: Mutex<Receiver<bool>>,
}

/// The other end of a script: what was begun, and how it goes.
struct Director {
    script: Arc<Script>,
    begun: Receiver<()>,
    goes: Sender<bool>,
}

impl Store for Script {
    fn commit(&self, _: &str, changes: &[RowChange]) -> tidegate_state::Result<()> {
        lock(&self.asked).push(changes.to_vec());
        self.begun.send(()).unwrap();
        match lock(&self.goes).recv().unwrap() {
            true => Ok(()),
            // Any error will do: there is no such mutation.
            false => Journal::in_memory().commit("none", changes),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Director {
    fn new() -> (Self, Writer, Arc<TestClock>) {
        let (begun, was_begun) = channel();
        let (goes, how) = channel();
        let script = Arc::new(Script { asked: Mutex::default(), begun, goes: Mutex::new(how) });
        let journal = Arc::new(Journal::in_memory());
        let clock = Arc::new(TestClock::new(SystemTime::UNIX_EPOCH));
        let claim = journal.claim(ID).unwrap();
        let writer = Writer::over(script.clone(), journal, claim, clock.clone());
        (Self { script, begun: was_begun, goes }, writer, clock)
    }

    /// Waits until a commit was begun.
    async fn begun(&self) {
        while self.begun.try_recv().is_err() {
            yield_now().await;
        }
    }

    fn goes(&self, well: bool) {
        self.goes.send(well).unwrap();
    }

    fn asked(&self) -> Vec<Vec<RowChange>> {
        lock(&self.script.asked).clone()
    }
}

/// A journal with a sealed mutation of so many rows.
fn journal(folder: Option<&TempDir>, rows: u64) -> Arc<Journal> {
    let journal = folder.map_or_else(Journal::in_memory, |folder| Journal::in_folder(folder.path()));
    let text = String::new;
    let start = MutationStart {
        id: ID.to_owned(),
        principal: text(),
        kind: text(),
        statement: text(),
        settings: text(),
        connection: text(),
        table: text(),
        origin: text(),
        fingerprint: text(),
        undo_of: None,
        is_planned: false,
        label: None,
        started_at: SystemTime::UNIX_EPOCH,
    };
    let row = |ordinal| RowStart {
        ordinal,
        partition: None,
        kind: text(),
        key: None,
        old: None,
        new: None,
        version: None,
        undoes: None,
    };
    journal.create(&start).unwrap();
    journal.add_rows(ID, &(0..rows).map(row).collect::<Vec<_>>()).unwrap();
    journal.seal(ID, SystemTime::UNIX_EPOCH, false).unwrap();
    Arc::new(journal)
}

fn rows(journal: &Journal, state: RowState) -> Vec<RowRecord> {
    journal.rows(ID, None, u32::MAX, Some(&[state]), None).unwrap()
}

/// Waits until nobody claims the mutation.
async fn released(journal: &Journal) {
    while journal.is_claimed(ID).unwrap() {
        yield_now().await;
    }
}

#[tokio::test]
async fn callers_that_come_while_one_is_written_share_the_next_commit() {
    let (director, writer, _) = Director::new();
    let first = writer.commit(vec![sending(0)]);
    let others = async {
        director.begun().await;
        let all = join_all((1..=100).map(|ordinal| writer.commit(vec![sending(ordinal)])));
        let go_on = async {
            yield_now().await;
            director.goes(true);
            director.begun().await;
            director.goes(true);
        };
        join(all, go_on).await.0
    };
    let (first, others) = join(first, others).await;
    first.unwrap();
    assert!(others.iter().all(Result::is_ok));
    let wanted: Vec<_> = (1..=100).map(sending).collect();
    assert_eq!(director.asked(), [vec![sending(0)], wanted]);
}

#[tokio::test]
async fn a_failure_reaches_all_who_wait_and_all_who_come_later() {
    let (director, writer, _) = Director::new();
    writer.note(vec![applied(7)]);
    let waiting = join_all((0..3).map(|ordinal| writer.commit(vec![sending(ordinal)])));
    let fails = async {
        director.begun().await;
        director.goes(false);
    };
    for result in join(waiting, fails).await.0 {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), Some(ErrorKind::Refused));
        assert!(error.to_string().contains("there is no mutation"), "{error}");
    }
    writer.note(vec![applied(8), sending(9)]);
    assert!(writer.commit(vec![sending(4), applied(5)]).await.is_err());
    assert_eq!(director.asked().len(), 1, "it is not tried for what may not be sent");

    // What is known of rows that were sent is worth another try.
    let (flushed, ()) = join(writer.flush(), async {
        director.begun().await;
        director.goes(true);
    })
    .await;
    flushed.unwrap();
    assert_eq!(director.asked()[1], [applied(7), applied(8), applied(5)]);
    assert!(writer.commit(vec![sending(6)]).await.is_err(), "nothing more is sent");
    assert_eq!(director.asked().len(), 2);
    writer.close().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_written_is_tried_again_when_the_writer_goes() {
    let (director, writer, _) = Director::new();
    writer.note(vec![applied(1)]);
    let (flushed, ()) = join(writer.flush(), async {
        director.begun().await;
        director.goes(false);
    })
    .await;
    assert!(flushed.is_err());
    director.goes(true);
    drop(writer);
    director.begun().await;
    assert_eq!(director.asked(), [vec![applied(1)], vec![applied(1)]]);
}

#[tokio::test]
async fn notes_ride_with_a_commit_or_are_written_in_time() {
    let (director, writer, clock) = Director::new();
    writer.note(vec![applied(1)]);
    writer.note(vec![applied(2)]);
    director.goes(true);
    writer.commit(vec![sending(3)]).await.unwrap();
    assert_eq!(director.asked(), [vec![applied(1), applied(2), sending(3)]]);
    assert_eq!(clock.elapsed(), Duration::ZERO);

    director.begun().await;
    writer.note(vec![applied(3)]);
    director.goes(true);
    director.begun().await;
    assert_eq!(director.asked()[1], [applied(3)]);
    assert_eq!(clock.elapsed(), NOTES_WAIT);
    writer.flush().await.unwrap();
    writer.commit(Vec::new()).await.unwrap();
    assert_eq!(director.asked().len(), 2, "nothing was left to write");
}

#[tokio::test]
async fn later_notes_do_not_put_off_the_first() {
    let (director, writer, clock) = Director::new();
    writer.note(vec![applied(1)]);
    yield_now().await;
    clock.advance(NOTES_WAIT * 9 / 10);
    writer.note(vec![applied(2)]);
    director.goes(true);
    director.begun().await;
    assert_eq!(director.asked(), [vec![applied(1), applied(2)]]);
    assert_eq!(clock.elapsed(), NOTES_WAIT);
}

#[tokio::test]
async fn a_claim_is_given_up_after_the_last_write() {
    let journal = journal(None, 3);
    let clock = Arc::new(TestClock::new(SystemTime::UNIX_EPOCH));
    let writer = || Writer::new(journal.clone(), journal.claim(ID).unwrap(), clock.clone());

    let closed = writer();
    assert_eq!((closed.mutation(), closed.journal().is_durable()), (ID, false));
    closed.note(vec![applied(0)]);
    closed.close().await.unwrap();
    assert!(!journal.is_claimed(ID).unwrap());
    assert_eq!(rows(&journal, RowState::Applied).len(), 1);

    let dropped = writer();
    dropped.note(vec![applied(1)]);
    drop(dropped);
    released(&journal).await;
    assert_eq!(rows(&journal, RowState::Applied).len(), 2);

    let given_up = writer();
    let mut commit = Box::pin(given_up.commit(vec![sending(2)]));
    assert!(futures::poll!(&mut commit).is_pending());
    drop(commit);
    drop(given_up);
    released(&journal).await;
    assert_eq!(rows(&journal, RowState::Sent).len(), 1, "what was handed over is written");
}

#[test]
fn a_writer_whose_runtime_has_ended_says_so() {
    let journal = journal(None, 2);
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let first = runtime();
    let make = async { Writer::new(journal.clone(), journal.claim(ID).unwrap(), Arc::<SystemClock>::default()) };
    let writer = first.block_on(make);
    first.block_on(writer.commit(vec![sending(0)])).unwrap();
    drop(first);
    writer.note(vec![applied(0)]);
    for result in [runtime().block_on(writer.commit(vec![sending(1)])), runtime().block_on(writer.close())] {
        let error = result.unwrap_err();
        assert!(error.kind().is_none() && error.to_string().contains("the program is ending"), "{error}");
    }
    assert!(!journal.is_claimed(ID).unwrap());
    assert_eq!(rows(&journal, RowState::Sent).len(), 1);
}

/// Each task is a row: it is sent once that is on the disk, and is applied.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_rows_pass_through_a_journal_on_disk() {
    const ROWS: u64 = 400;
    let folder = TempDir::new().unwrap();
    let journal = journal(Some(&folder), ROWS);
    let writer = Writer::new(journal.clone(), journal.claim(ID).unwrap(), Arc::<SystemClock>::default());
    let row = |ordinal: u64| {
        let (writer, journal) = (&writer, &journal);
        async move {
            writer.commit(vec![sending(ordinal)]).await.unwrap();
            let found = journal.rows(ID, ordinal.checked_sub(1), 1, None, None).unwrap().remove(0);
            assert_eq!((found.start.ordinal, found.state), (ordinal, RowState::Sent), "it is on disk before it leaves");
            writer.note(vec![applied(ordinal)]);
        }
    };
    join_all((0..ROWS).map(row)).await;
    writer.close().await.unwrap();
    assert_eq!(rows(&journal, RowState::Applied).len() as u64, ROWS);
    assert_eq!(journal.mutation(ID).unwrap().unwrap().counts.applied, ROWS);
}
