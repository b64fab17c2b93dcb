//! The API as a run sees it: what it offers for clearing up, requests made and sent, rows read back.
//!
//! Writes run under a part of the statement that its cancellation does not cut: one that is on the wire is waited for. One
//! that has not left yet, since it waits for a quota, is given up.

use std::sync::Arc;
use std::time::Duration;

use tidegate_remote::write::{
    Cells, Composed, Repeatable, RowOutcome, RowWrite, Verdict, Way, Why, can_read_back, has_version, read_rows,
    repeatable, send,
};
use tidegate_remote::{Error as RemoteError, ErrorKind, Source};
use tidegate_spec::{ColumnSource, Per, Table, WriteKind};
use tidegate_transport::{Clock, ErrorKind as TransportKind, Statement};

use crate::{Job, Lane, Row, found};

/// Retries of one request by the transport, where they are safe. What is still open after them is this crate's.
const RETRIES: u64 = 2;

/// How often rows are read again after a failure.
const MAX_READS: u32 = 5;

/// Under which keys requests of a kind are sent, and for how long the API remembers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keying {
    None,
    Request(Duration),
    Row(Duration),
}

pub(crate) fn keying(table: &Table, kind: WriteKind, way: Way) -> Keying {
    match repeatable(table, kind, way) {
        Repeatable::IdempotencyKey { lifetime, per: Per::Request } => Keying::Request(lifetime),
        Repeatable::IdempotencyKey { lifetime, per: Per::Row } => Keying::Row(lifetime),
        Repeatable::IfMatch | Repeatable::ReadBack | Repeatable::No => Keying::None,
    }
}

/// Whether the API compares this row's version before it changes it. Where rows can only be written in batches, these may
/// have no place for it.
pub(crate) fn compares(table: &Table, row: &Row) -> bool {
    let has_single = table.writes.get(row.kind).is_some_and(|write| write.single.is_some());
    row.version.is_some() && has_single && has_version(table, row.kind)
}

/// Whether the row can be read back, with all that tells whether it was changed.
pub(crate) fn can_read(table: &Table, row: &Row) -> bool {
    columns_to_read(table, row).is_some_and(|columns| can_read_back(table, &columns))
}

/// What tells whether the row was changed, if it has a key to be read by.
pub(crate) fn columns_to_read(table: &Table, row: &Row) -> Option<Vec<usize>> {
    let has_key =
        !table.key.is_empty() && table.key.iter().all(|index| row.key.contains_key(&table.columns[*index].name));
    if !has_key {
        return None;
    }
    found::columns(row).map(|name| table.column_index(name)).collect()
}

/// Name of the column that has a row's version, for this kind of write.
pub(crate) fn version_column(table: &Table, kind: WriteKind) -> Option<&str> {
    let version = table.writes.get(kind)?.version.as_ref()?;
    table.columns.get(version.column).map(|column| column.name.as_str())
}

/// Names of the key's columns.
pub(crate) fn key_columns(table: &Table) -> Vec<&str> {
    table.key.iter().filter_map(|index| table.columns.get(*index)).map(|column| column.name.as_str()).collect()
}

/// Why rows could not be read, or sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Halt {
    pub(crate) why: Why,
    pub(crate) said: String,
}

/// Sends a request. Its rows are on disk as about to leave.
pub(crate) async fn deliver(job: &Job, lane: &Lane, composed: Composed, writes: &[RowWrite]) -> Vec<RowOutcome> {
    let paying = Arc::new(job.statement.uncancelled_child(RETRIES));
    let source = source(lane, Arc::clone(&paying));
    let sending = send(&source, &job.table, composed, writes, job.clock.as_ref());
    tokio::pin!(sending);
    tokio::select! {
        biased;
        outcomes = &mut sending => return outcomes,
        () = job.statement.cancellation().cancelled() => {}
    }
    // Each attempt is counted before it leaves, and a request that is not polled does not go on: this one never left.
    if paying.counts().calls == 0 {
        return writes.iter().map(|_| not_sent(Why::Cancelled)).collect();
    }
    sending.await
}

fn not_sent(why: Why) -> RowOutcome {
    RowOutcome { verdict: Verdict::NotSent(why), status: None, message: None, row: Cells::new(), version: None }
}

/// Reads rows by their keys, with these columns; `None` for a row that is not there. What passes by itself is tried again.
pub(crate) async fn read(job: &Job, lane: &Lane, rows: &[&Row], columns: &[usize]) -> Result<Vec<Option<Cells>>, Halt> {
    let keys: Vec<Cells> = rows.iter().map(|row| read_key(&job.table, row)).collect();
    let cancelled = || Halt { why: Why::Cancelled, said: "the statement was cancelled".to_owned() };
    for attempt in 1.. {
        let paying = Arc::new(job.statement.uncancelled_child(RETRIES));
        let source = source(lane, paying);
        let read = tokio::select! {
            read = read_rows(&source, &job.table, &keys, columns) => read,
            () = job.statement.cancellation().cancelled() => return Err(cancelled()),
        };
        match read {
            Ok(read) if read.len() == keys.len() => return Ok(read),
            Ok(_) => return Err(connection("rows that were read back are not those that were asked for".to_owned())),
            Err(error) => match halt(&error) {
                Some(halt) => return Err(halt),
                None if attempt >= MAX_READS => {
                    return Err(connection(format!("rows cannot be read back: {error}")));
                }
                None => {}
            },
        }
        tokio::select! {
            () = job.clock.sleep(pause(attempt)) => {}
            () = job.statement.cancellation().cancelled() => return Err(cancelled()),
        }
    }
    Err(cancelled())
}

/// Wait after so many attempts that told nothing: a second, so that a late effect is seen, doubled each time.
pub(crate) fn pause(attempt: u32) -> Duration {
    Duration::from_secs(1 << attempt.saturating_sub(1).min(4))
}

/// Moment by [`Clock::elapsed`] before which a request that was just sent is not cleared up.
pub(crate) fn not_before(clock: &dyn Clock, repeats: u32) -> Duration {
    clock.elapsed() + pause(repeats + 1)
}

fn source(lane: &Lane, paying: Arc<Statement>) -> Source {
    Source { statement: paying, ..lane.source.clone() }
}

/// A row's key, with what the path to it needs.
fn read_key(table: &Table, row: &Row) -> Cells {
    let mut key = row.key.clone();
    for column in table.columns.iter().filter(|column| column.source == ColumnSource::Request) {
        if let (false, Some(cell)) =
            (key.contains_key(&column.name), row.old.get(&column.name).or_else(|| row.new.get(&column.name)))
        {
            key.insert(column.name.clone(), cell.clone());
        }
    }
    key
}

fn connection(said: String) -> Halt {
    Halt { why: Why::Connection, said }
}

/// Failures that no second attempt helps against.
fn halt(error: &RemoteError) -> Option<Halt> {
    let ErrorKind::Transport(transport) = &error.kind else {
        return error.is_refused_login().then(|| connection(error.to_string()));
    };
    let why = match transport.kind() {
        TransportKind::QuotaExhausted => Why::Quota,
        TransportKind::CallBound => Why::CallBound,
        TransportKind::Cancelled => Why::Cancelled,
        _ => return None,
    };
    Some(Halt { why, said: transport.to_string() })
}
