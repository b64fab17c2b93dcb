//! Rows that APIs were seen to have, for predicting what a statement takes.
//!
//! What a shape stands for is the caller's business: here it is a text.

use std::time::{Duration, SystemTime};

use rusqlite::{Row, Transaction, params};

use crate::encode::{from_micros, saturate, to_micros, unsigned};
use crate::{Result, State};

/// Observations kept of one table; the oldest go.
const KEPT: i64 = 200;
/// An observation that was not made again for this long goes when another is kept.
const KEPT_FOR: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// How many rows answered one shape of question, seen once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowsSeen {
    /// The connection's fingerprint.
    pub fingerprint: String,
    /// The table's name.
    pub table: String,
    /// Code of the partition; empty where there are none.
    pub partition: String,
    /// What was asked for.
    pub shape: String,
    /// How many rows there were.
    pub rows: u64,
    /// How that is known.
    pub basis: RowsBasis,
    /// When it was seen.
    pub at: SystemTime,
}

/// How a number of rows is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowsBasis {
    /// All of them were read.
    Scan,
    /// The API told their total.
    Total,
}

impl RowsBasis {
    fn name(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Total => "total",
        }
    }

    /// The inverse; `None` for what another version wrote.
    fn named(name: &str) -> Option<Self> {
        [Self::Scan, Self::Total].into_iter().find(|basis| basis.name() == name)
    }
}

impl State {
    /// Keeps what was seen, in place of what was seen before of the same shape on the same basis. Older observations of
    /// it do not replace newer ones.
    ///
    /// # Errors
    /// When the folder cannot be used; then nothing is kept.
    pub fn note_rows(&self, seen: &[RowsSeen]) -> Result<()> {
        let Some(newest) = seen.iter().map(|seen| to_micros(seen.at)).max() else { return Ok(()) };
        self.write("keep how many rows there are", |transaction| {
            for seen in seen {
                note(transaction, seen)?;
            }
            let mut tables: Vec<_> = seen.iter().map(|seen| (&seen.fingerprint, &seen.table)).collect();
            tables.sort_unstable();
            tables.dedup();
            for (fingerprint, table) in tables {
                prune(transaction, fingerprint, table)?;
            }
            let oldest = newest.saturating_sub(saturate(KEPT_FOR.as_micros()));
            transaction.execute("DELETE FROM rows_seen WHERE at < ?1", [oldest])?;
            Ok(())
        })
    }

    /// What was seen of the connection with this fingerprint, newest first.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn rows_seen(&self, fingerprint: &str) -> Result<Vec<RowsSeen>> {
        self.run("read how many rows there are", |connection| {
            let mut query = connection.prepare_cached(
                "SELECT table_name, partition, shape, basis, rows, at FROM rows_seen
                 WHERE fingerprint = ?1 ORDER BY at DESC, table_name, partition, shape, basis",
            )?;
            let seen = query.query_map([fingerprint], |row| record(fingerprint, row))?;
            seen.filter_map(Result::transpose).collect()
        })
    }
}

fn note(transaction: &Transaction<'_>, seen: &RowsSeen) -> rusqlite::Result<()> {
    let mut put = transaction.prepare_cached(
        "INSERT INTO rows_seen (fingerprint, table_name, partition, shape, basis, rows, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO UPDATE SET rows = excluded.rows, at = excluded.at WHERE excluded.at >= at",
    )?;
    put.execute(params![
        seen.fingerprint,
        seen.table,
        seen.partition,
        seen.shape,
        seen.basis.name(),
        saturate(seen.rows),
        to_micros(seen.at)
    ])?;
    Ok(())
}

/// Keeps the newest observations of a table.
fn prune(transaction: &Transaction<'_>, fingerprint: &str, table: &str) -> rusqlite::Result<()> {
    let mut oldest = transaction.prepare_cached(
        "DELETE FROM rows_seen
         WHERE fingerprint = ?1 AND table_name = ?2 AND (partition, shape, basis) IN (
             SELECT partition, shape, basis FROM rows_seen WHERE fingerprint = ?1 AND table_name = ?2
             ORDER BY at DESC, partition, shape, basis LIMIT -1 OFFSET ?3)",
    )?;
    oldest.execute(params![fingerprint, table, KEPT]).map(drop)
}

fn record(fingerprint: &str, row: &Row<'_>) -> rusqlite::Result<Option<RowsSeen>> {
    let Some(basis) = RowsBasis::named(&row.get::<_, String>("basis")?) else { return Ok(None) };
    Ok(Some(RowsSeen {
        fingerprint: fingerprint.to_owned(),
        table: row.get("table_name")?,
        partition: row.get("partition")?,
        shape: row.get("shape")?,
        rows: unsigned(row.get("rows")?),
        basis,
        at: from_micros(row.get("at")?),
    }))
}
