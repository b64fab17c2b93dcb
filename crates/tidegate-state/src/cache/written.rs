//! When each scope was last written to: answers asked for before then must not be used without asking the server.
//!
//! A mark must outlive a power cut, since an answer older than the write may have come to the disk long before it. Waiting
//! for the disk twice for each write would be dear. So the first mark waits, and claims the next minute too (`until`): the
//! marks that follow within it are plain commits, which a killed process does not lose. After a power cut, that is, under
//! another boot of the system, `until` counts as the last write. Where boots are not known, every mark waits for the disk.
//!
//! A database that was thrown away, or removed under a running process, takes its marks with it. Answers that processes hold
//! in their memory may be older: so the new one gets a mark that counts for every scope.

use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::encode::{from_micros, saturate, to_micros};
use crate::open;

/// Scope of the mark that counts for all of them.
const ALL: &str = "";
/// How long the marks after one that is safe on the disk need not be.
const CLAIMED: Duration = Duration::from_secs(60);
/// A mark of a scope without answers is of no use to requests that began longer ago than this.
const KEPT_FOR: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Times in microseconds.
struct Mark {
    at: i64,
    until: i64,
    boot: String,
}

impl Mark {
    fn of(connection: &Connection, scope: &str) -> rusqlite::Result<Option<Self>> {
        let mut query = connection.prepare_cached("SELECT at, until, boot FROM written WHERE scope = ?1")?;
        query.query_row([scope], |row| Ok(Self { at: row.get(0)?, until: row.get(1)?, boot: row.get(2)? })).optional()
    }

    /// The last write that there may have been.
    fn last(&self, boot: &str) -> i64 {
        if self.boot == boot { self.at } else { self.at.max(self.until) }
    }
}

/// Marks the scope as written at this time. `boot` names the boot of the system; empty where that is not known.
pub(super) fn note(connection: &mut Connection, boot: &str, scope: &str, at: SystemTime) -> rusqlite::Result<()> {
    let at = to_micros(at);
    if put(connection, boot, scope, at, true)? {
        return Ok(());
    }
    // Not within a transaction: SQLite refuses it there.
    connection.pragma_update(None, "synchronous", "FULL")?;
    let done = put(connection, boot, scope, at, false);
    connection.pragma_update(None, "synchronous", open::SYNCHRONOUS)?;
    done.map(drop)
}

/// Whether it was done: with `if_claimed` only if an earlier mark claims this time.
fn put(connection: &mut Connection, boot: &str, scope: &str, at: i64, if_claimed: bool) -> rusqlite::Result<bool> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known = Mark::of(&transaction, scope)?;
    let claim = known.as_ref().filter(|mark| !boot.is_empty() && mark.boot == boot && at <= mark.until);
    if if_claimed && claim.is_none() {
        transaction.rollback()?;
        return Ok(false);
    }
    let last = known.as_ref().map_or(at, |mark| mark.last(boot).max(at));
    let until = claim.map_or_else(|| last.saturating_add(saturate(CLAIMED.as_micros())), |mark| mark.until);
    transaction
        .prepare_cached(
            "INSERT INTO written (scope, at, until, boot) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (scope) DO UPDATE SET at = excluded.at, until = excluded.until, boot = excluded.boot",
        )?
        .execute(params![scope, last, until, boot])?;
    if claim.is_none() {
        let oldest = at.saturating_sub(saturate(KEPT_FOR.as_micros()));
        transaction
            .prepare_cached("DELETE FROM written WHERE at < ?1 AND scope NOT IN (SELECT scope FROM answers)")?
            .execute([oldest])?;
    }
    transaction.commit()?;
    Ok(true)
}

/// Marks every scope as written at this time, when the database was made in place of one that had marks.
pub(super) fn note_lost(connection: &Connection, made_at: SystemTime) -> rusqlite::Result<()> {
    let made_at = to_micros(made_at);
    connection
        .prepare_cached("INSERT OR IGNORE INTO written (scope, at, until, boot) VALUES (?1, ?2, ?2, '')")?
        .execute(params![ALL, made_at])?;
    Ok(())
}

/// When the scope was last written to.
pub(super) fn last(connection: &Connection, boot: &str, scope: &str) -> rusqlite::Result<Option<SystemTime>> {
    let marks = [Mark::of(connection, scope)?, Mark::of(connection, ALL)?];
    Ok(marks.into_iter().flatten().map(|mark| mark.last(boot)).max().map(from_micros))
}

/// Names this boot of the system; empty where that is not known.
pub(super) fn this_boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}
