//! The history of statements, for `system.statements`.

use std::time::Duration;

use rusqlite::{Row, Transaction, params};

use crate::encode::{from_micros, saturate, to_micros, unsigned};
use crate::{Result, State, StatementEnd, StatementRecord, StatementStart};

/// How many statements are kept at most; older ones go when a new one begins.
pub(crate) const KEPT: i64 = 10_000;
/// How long a statement is kept at most, measured at the beginning of a newer one.
pub(crate) const KEPT_FOR: Duration = Duration::from_secs(90 * 24 * 60 * 60);

impl State {
    /// Keeps the beginning of a statement and numbers it; ids grow and are never given twice.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn begin_statement(&self, start: &StatementStart) -> Result<u64> {
        self.write("keep a statement", |transaction| insert(transaction, start))
    }

    /// Keeps how a statement ended. The first end stands: one that was kept already, or whose statement was
    /// pruned meanwhile, is left alone.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn end_statement(&self, id: u64, end: &StatementEnd) -> Result<()> {
        self.write("keep the end of a statement", |transaction| update(transaction, id, end))
    }

    /// The newest statements, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn statements(&self, limit: u32) -> Result<Vec<StatementRecord>> {
        self.run("read the history of statements", |connection| {
            let mut query = connection.prepare_cached(
                "SELECT id, process, principal, sql, kind, label, started_at,
                        state, error, rows, calls, retries, bytes, waited, ended_at,
                        predicted_low, predicted, predicted_high, cache_hits, revalidated
                 FROM statements ORDER BY id DESC LIMIT ?1",
            )?;
            query.query_map([limit], record)?.collect()
        })
    }
}

/// The beginning of a statement; returns its number. What is too old goes.
pub(crate) fn insert(transaction: &Transaction<'_>, start: &StatementStart) -> rusqlite::Result<u64> {
    let started_at = to_micros(start.started_at);
    transaction.execute(
        "INSERT INTO statements (process, principal, sql, kind, label, started_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![std::process::id(), start.principal, start.sql, start.kind, start.label, started_at],
    )?;
    let id = transaction.last_insert_rowid();
    let oldest = started_at.saturating_sub(saturate(KEPT_FOR.as_micros()));
    transaction.execute("DELETE FROM statements WHERE id <= ?1", [id - KEPT])?;
    transaction.execute("DELETE FROM statements WHERE started_at < ?1", [oldest])?;
    Ok(unsigned(id))
}

/// The end of a statement that has none yet.
pub(crate) fn update(transaction: &Transaction<'_>, id: u64, end: &StatementEnd) -> rusqlite::Result<()> {
    transaction.execute(
        "UPDATE statements
         SET state = ?2, error = ?3, rows = ?4, calls = ?5, retries = ?6, bytes = ?7, waited = ?8, ended_at = ?9,
             predicted_low = ?10, predicted = ?11, predicted_high = ?12, cache_hits = ?13, revalidated = ?14
         WHERE id = ?1 AND ended_at IS NULL",
        params![
            saturate(id),
            end.state,
            end.error,
            saturate(end.rows),
            saturate(end.calls),
            saturate(end.retries),
            saturate(end.bytes),
            saturate(end.waited.as_micros()),
            to_micros(end.ended_at),
            end.predicted_low.map(saturate),
            end.predicted.map(saturate),
            end.predicted_high.map(saturate),
            saturate(end.cache_hits),
            saturate(end.revalidated),
        ],
    )?;
    Ok(())
}

fn record(row: &Row<'_>) -> rusqlite::Result<StatementRecord> {
    let end = match row.get::<_, Option<i64>>("ended_at")? {
        None => None,
        Some(ended_at) => Some(StatementEnd {
            state: row.get("state")?,
            error: row.get("error")?,
            rows: unsigned(row.get("rows")?),
            calls: unsigned(row.get("calls")?),
            retries: unsigned(row.get("retries")?),
            bytes: unsigned(row.get("bytes")?),
            waited: Duration::from_micros(unsigned(row.get("waited")?)),
            predicted_low: row.get::<_, Option<i64>>("predicted_low")?.map(unsigned),
            predicted: row.get::<_, Option<i64>>("predicted")?.map(unsigned),
            predicted_high: row.get::<_, Option<i64>>("predicted_high")?.map(unsigned),
            cache_hits: unsigned(row.get("cache_hits")?),
            revalidated: unsigned(row.get("revalidated")?),
            ended_at: from_micros(ended_at),
        }),
    };
    Ok(StatementRecord {
        id: unsigned(row.get("id")?),
        process: row.get("process")?,
        start: StatementStart {
            principal: row.get("principal")?,
            sql: row.get("sql")?,
            kind: row.get("kind")?,
            label: row.get("label")?,
            started_at: from_micros(row.get("started_at")?),
        },
        end,
    })
}
