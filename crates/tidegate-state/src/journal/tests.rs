//! The journal through its public face, on disk and in memory; crashes, other processes, and what can be wrong with it.

use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;

use super::*;
use crate::encode::from_micros;

mod changes;
mod claims;
mod crashes;
mod failures;
mod mutations;
mod processes;
mod prune;

const ID: &str = "01890a5d-ac96-874b-b2a5-3a0f9c2d7e11";

fn at(seconds: i64) -> std::time::SystemTime {
    from_micros(seconds * 1_000_000 + 123_456)
}

fn start(id: &str) -> MutationStart {
    MutationStart {
        id: id.to_owned(),
        principal: "local".to_owned(),
        kind: "update".to_owned(),
        statement: "UPDATE accounts@erp SET name = 'x' LIMIT 100".to_owned(),
        settings: r#"{"on_mutation_error":"stop"}"#.to_owned(),
        connection: "erp".to_owned(),
        table: "accounts".to_owned(),
        origin: "https://erp.example".to_owned(),
        fingerprint: "f00d".to_owned(),
        undo_of: None,
        is_planned: false,
        label: Some("nightly".to_owned()),
        started_at: at(1_000),
    }
}

fn row(ordinal: u64) -> RowStart {
    RowStart {
        ordinal,
        partition: None,
        kind: "update".to_owned(),
        key: Some(format!("{{\"id\":{ordinal}}}")),
        old: Some(r#"{"name":"größer"}"#.to_owned()),
        new: Some(r#"{"name":"x"}"#.to_owned()),
        version: None,
        undoes: None,
    }
}

/// A row of a partition that is named after its ordinal's remainder.
fn row_of(ordinal: u64, partitions: u64) -> RowStart {
    RowStart { partition: Some(format!("p{}", ordinal % partitions)), ..row(ordinal) }
}

/// As it is kept while nothing became of it.
fn kept(start: RowStart) -> RowRecord {
    RowRecord {
        start,
        state: RowState::Selected,
        attempts: 0,
        request: None,
        idempotency_key: None,
        digest: None,
        sent_at: None,
        status: None,
        error: None,
        returned: None,
        ended_at: None,
    }
}

fn sending(ordinal: u64, request: u64) -> RowChange {
    RowChange::Sending { ordinal, request, idempotency_key: None, digest: Some("0f".repeat(32)), sent_at: at(2_000) }
}

fn ended(ordinal: u64, state: RowState) -> RowChange {
    RowChange::Ended {
        ordinal,
        state,
        status: Some(200),
        error: None,
        returned: None,
        key: None,
        version: None,
        ended_at: at(3_000),
    }
}

/// A mutation with so many rows, sealed.
fn sealed(journal: &Journal, id: &str, rows: u64) {
    journal.create(&start(id)).unwrap();
    journal.add_rows(id, &(0..rows).map(row).collect::<Vec<_>>()).unwrap();
    journal.seal(id, at(1_500), false).unwrap();
}

fn counts(journal: &Journal, id: &str) -> RowCounts {
    journal.mutation(id).unwrap().unwrap().counts
}

/// All rows of a mutation.
fn all(journal: &Journal, id: &str) -> Vec<RowRecord> {
    journal.rows(id, None, u32::MAX, None, None).unwrap()
}

/// What was kept of each row's state, counted.
fn counted(rows: &[RowRecord]) -> RowCounts {
    let count = |state| rows.iter().filter(|row| row.state == state).count() as u64;
    RowCounts {
        selected: count(RowState::Selected),
        sent: count(RowState::Sent),
        applied: count(RowState::Applied),
        accepted: count(RowState::Accepted),
        failed: count(RowState::Failed),
        skipped: count(RowState::Skipped),
        unknown: count(RowState::Unknown),
    }
}

/// Runs `check` on a journal in a folder and on one in memory.
fn on_both(check: impl Fn(&Journal)) {
    let folder = TempDir::new().unwrap();
    check(&Journal::in_folder(folder.path()));
    check(&Journal::in_memory());
}

#[track_caller]
fn check_refused<T: std::fmt::Debug>(result: Result<T>, words: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains(words), "'{words}' is missing in: {error}");
}

/// Numbers that look random and are the same for the same seed (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end.max(1)
    }
}

/// A seed of its own for each run, printed so that a failure can be seen again: set `TIDEGATE_TEST_SEED` to it.
fn random() -> Random {
    let given: Option<u64> = std::env::var("TIDEGATE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        now.subsec_nanos().into()
    });
    println!("TIDEGATE_TEST_SEED={seed}");
    Random(seed | 1 << 40)
}
