//! Keeps the database within its bound, and gives space back to the file system.
//!
//! What is counted are the pages in use, so that labels and indexes count too. Before answers are written, those that
//! were not used for longest go, in the same transaction: the new ones take their pages, and the file does not grow. Pages
//! that stay free beyond the bound, or after everything was cleared, are cut off the file in small transactions.

use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::encode::{saturate, unsigned};

/// An answer that was not used for this long goes, whether or not there is room.
const UNUSED: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Answers that go for their age in one transaction.
const AGED: i64 = 200;
/// Part of the bound that is freed beyond what is needed, so that not every transaction has to free some.
const SPARE: u64 = 64;
/// Pages given back in one transaction.
const PAGES: i64 = 2_048;
/// Pages in the log from which a checkpoint makes writers wait for a moment: those that never pause would let the log
/// grow without end.
const LOG_PAGES: i64 = 4_096;

/// Removes answers until `incoming` bytes fit under `bound`, and those that nobody used for long before `now`.
pub(super) fn make(transaction: &Transaction<'_>, incoming: u64, bound: u64, now: i64) -> rusqlite::Result<()> {
    let oldest = now.saturating_sub(saturate(UNUSED.as_micros()));
    let aged = transaction
        .prepare_cached("SELECT id FROM answers WHERE used_at < ?1 ORDER BY used_at LIMIT ?2")?
        .query_map(params![oldest, AGED], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<i64>>>()?;
    remove(transaction, &aged)?;
    let wanted = used(transaction)?.saturating_add(incoming);
    if wanted <= bound {
        return Ok(());
    }
    let goal = wanted - bound + bound / SPARE;
    let mut least_used = transaction.prepare_cached("SELECT id, bytes FROM answers ORDER BY used_at, id")?;
    let mut rows = least_used.query([])?;
    let (mut ids, mut freed) = (Vec::new(), 0_u64);
    while freed < goal
        && let Some(row) = rows.next()?
    {
        ids.push(row.get(0)?);
        freed = freed.saturating_add(unsigned(row.get(1)?));
    }
    drop(rows);
    remove(transaction, &ids)
}

/// Removes these answers.
pub(super) fn remove(transaction: &Transaction<'_>, ids: &[i64]) -> rusqlite::Result<()> {
    let mut body = transaction.prepare_cached("DELETE FROM bodies WHERE id = ?1")?;
    let mut answer = transaction.prepare_cached("DELETE FROM answers WHERE id = ?1")?;
    for id in ids {
        body.execute([id])?;
        answer.execute([id])?;
    }
    Ok(())
}

/// Gives free pages back for as long as the file is larger than `bound`.
pub(super) fn give_back(connection: &mut Connection, bound: u64) -> rusqlite::Result<()> {
    let mut free = number(connection, "freelist_count")?;
    while free > 0 {
        let size = number(connection, "page_size")?.max(1);
        let beyond = number(connection, "page_count")? - saturate(bound) / size;
        if beyond <= 0 {
            return Ok(());
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let pages = beyond.min(PAGES);
        let mut vacuum = transaction.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
        let mut freed = vacuum.query([])?;
        while freed.next()?.is_some() {}
        drop(freed);
        drop(vacuum);
        transaction.commit()?;
        let left = number(connection, "freelist_count")?;
        if left >= free {
            return Ok(());
        }
        free = left;
    }
    Ok(())
}

/// Moves what was written from the log into the database, so that the log can begin anew. Waits for the disk; others can
/// read and write meanwhile, unless the log has grown too long.
pub(super) fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    let log: i64 = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))?;
    if log > LOG_PAGES { cut_log(connection) } else { Ok(()) }
}

/// The same, and leaves the log empty, unless somebody reads for long.
pub(super) fn cut_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Bytes of the pages in use.
fn used(connection: &Connection) -> rusqlite::Result<u64> {
    let pages = number(connection, "page_count")? - number(connection, "freelist_count")?;
    Ok(unsigned(pages.saturating_mul(number(connection, "page_size")?)))
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}
