//! Entries of a ledger: bytes under keys, changed several at once, often, by several processes.
//!
//! They have a database of their own beside the state, so that neither waits for the other. A change is a short
//! transaction that takes the write lock at once. Who finds it taken looks again within a fraction of a millisecond.
//! Nothing here knows what keys and values mean.
//!
//! Callers do not pay for checkpoints, which wait for the disk: [`Entries::wants_checkpoint`] tells when one is due, and
//! who owns the entries runs [`Entries::checkpoint`] where nobody waits for it. With SQLite's automatic checkpoints one
//! change in a hundred took some milliseconds longer, and the slowest several times as long (`tidegate-benches ledger`).

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use rusqlite::{CachedStatement, Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior};

use crate::open::{self, Named};
use crate::{Error, Result, waits};

/// Changes of this process after which a checkpoint is due. One change writes a few pages of 4 KiB.
const CHECKPOINT_AFTER: u32 = 500;
/// Pages in the log from which a checkpoint makes writers wait for a moment: those that never pause would let the log
/// grow without end.
const LOG_PAGES: i64 = 8_192;

/// Completes "cannot …".
const CHANGE: &str = "change entries";

/// Entries in the state folder, in `ledger.db`.
#[derive(Debug)]
pub struct Entries {
    folder: PathBuf,
    /// `None` until the first use, and after one that could not open it: the next tries again.
    opened: Mutex<Option<Opened>>,
    /// The same for checkpoints, so that callers do not wait for them.
    checkpointer: Mutex<Option<Opened>>,
    changes: AtomicU32,
    log_pages: i64,
}

/// An open database.
#[derive(Debug)]
struct Opened {
    connection: Connection,
    /// Whether to wait for other processes.
    is_waiting: Arc<AtomicBool>,
}

impl Entries {
    /// The entries of this state folder; nothing is opened or made before they are used.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            opened: Mutex::new(None),
            checkpointer: Mutex::new(None),
            changes: AtomicU32::new(0),
            log_pages: LOG_PAGES,
        }
    }

    /// Reads the entries of `keys` and writes those that `change` gives, by their place in `keys`; `None` removes one.
    /// All of it happens or nothing, as if nobody else did anything meanwhile.
    ///
    /// # Errors
    /// When the folder cannot be used; then nothing was written.
    pub fn update<F>(&self, keys: &[String], change: F) -> Result<()>
    where
        F: FnOnce(Vec<Option<Vec<u8>>>) -> Vec<(usize, Option<Vec<u8>>)>,
    {
        self.run(&self.opened, CHANGE, |opened| {
            let transaction = opened.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            self.finish(transaction, keys, change)
        })
    }

    /// The same, unless somebody must be waited for: another thread or process, or the disk for opening the database. Tells
    /// whether it was done. What is written goes to the system's memory, so that this takes some microseconds.
    ///
    /// # Errors
    /// As [`Entries::update`].
    pub fn try_update<F>(&self, keys: &[String], change: F) -> Result<bool>
    where
        F: FnOnce(Vec<Option<Vec<u8>>>) -> Vec<(usize, Option<Vec<u8>>)>,
    {
        let mut slot = match self.opened.try_lock() {
            Ok(slot) => slot,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(false),
        };
        let Some(opened) = &mut *slot else { return Ok(false) };
        opened.is_waiting.store(false, Ordering::Relaxed);
        let begun = opened.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        opened.is_waiting.store(true, Ordering::Relaxed);
        match begun {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(false),
            begun => begun
                .and_then(|transaction| self.finish(transaction, keys, change))
                .map(|()| true)
                .map_err(|source| self.failed(CHANGE, source)),
        }
    }

    /// Does an update in a transaction that may write.
    fn finish<F>(&self, transaction: Transaction<'_>, keys: &[String], change: F) -> rusqlite::Result<()>
    where
        F: FnOnce(Vec<Option<Vec<u8>>>) -> Vec<(usize, Option<Vec<u8>>)>,
    {
        let writes = change(read(&transaction, keys)?);
        if writes.is_empty() {
            return transaction.rollback();
        }
        write(&transaction, keys, writes)?;
        transaction.commit()?;
        self.changes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// The entries of `keys`, in their order, as they are together at one time.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn get(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>> {
        self.run(&self.opened, "read entries", |opened| {
            let transaction = opened.connection.transaction()?;
            read(&transaction, keys)
        })
    }

    /// All entries whose keys begin with `prefix`, by key.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn list(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>> {
        self.run(&self.opened, "list entries", |opened| {
            let mut query = opened
                .connection
                .prepare_cached("SELECT key, value FROM entries WHERE key >= ?1 AND key < ?2 ORDER BY key")?;
            // Keys are compared by their bytes, and no text has a character above this one.
            let end = format!("{prefix}{}", char::MAX);
            query.query_map([prefix, &end], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
    }

    /// Whether enough was written since the last checkpoint of this process for another one.
    #[must_use]
    pub fn wants_checkpoint(&self) -> bool {
        self.changes.load(Ordering::Relaxed) >= CHECKPOINT_AFTER
    }

    /// Moves what was written from the log into the database, so that the log can begin anew. Waits for the disk;
    /// others can read and change entries meanwhile.
    ///
    /// # Errors
    /// When the folder cannot be used. Nothing is lost, and the next checkpoint does it.
    pub fn checkpoint(&self) -> Result<()> {
        self.changes.store(0, Ordering::Relaxed);
        self.run(&self.checkpointer, "move entries from the log", |opened| {
            let connection = &opened.connection;
            let run =
                |mode: &str| connection.query_row(mode, [], |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)));
            let (log, moved) = run("PRAGMA wal_checkpoint(PASSIVE)")?;
            if log > self.log_pages {
                // The second moves the few pages that came meanwhile, while writers wait.
                run("PRAGMA wal_checkpoint(PASSIVE)")?;
                run("PRAGMA wal_checkpoint(RESTART)")?;
            } else if log > moved {
                return Ok(());
            }
            // The first write to a log that begins anew waits for the disk. So it is made here, and changes nothing.
            let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
            connection.pragma_update(None, "user_version", version)
        })
    }

    /// Runs `work` on an open database. `attempt` completes "cannot …" in an error.
    fn run<T>(
        &self,
        slot: &Mutex<Option<Opened>>,
        attempt: &str,
        work: impl FnOnce(&mut Opened) -> rusqlite::Result<T>,
    ) -> Result<T> {
        // A panic in `work` rolled its transaction back, so that the connection is as good as before.
        let mut slot: MutexGuard<'_, _> = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = match &mut *slot {
            Some(opened) => opened,
            empty => {
                let connection = open::folder(&self.folder, &open::LEDGER)?;
                empty.insert(Opened::new(connection).map_err(|source| self.failed(attempt, source))?)
            }
        };
        work(opened).map_err(|source| self.failed(attempt, source))
    }

    fn failed(&self, attempt: &str, source: rusqlite::Error) -> Error {
        let file = self.folder.join(open::LEDGER.file).display().to_string();
        Error::sqlite(attempt, Named { file: &file, holds: open::LEDGER.holds }, source)
    }
}

impl Opened {
    /// Replaces SQLite's waits for another process, and keeps checkpoints out of commits.
    fn new(mut connection: Connection) -> rusqlite::Result<Self> {
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        let is_waiting = Arc::new(AtomicBool::new(true));
        waits::look_often(&mut connection, Arc::clone(&is_waiting))?;
        Ok(Self { connection, is_waiting })
    }
}

fn read(transaction: &Transaction<'_>, keys: &[String]) -> rusqlite::Result<Vec<Option<Vec<u8>>>> {
    let mut query = transaction.prepare_cached("SELECT value FROM entries WHERE key = ?1")?;
    keys.iter().map(|key| query.query_row([key], |row| row.get(0)).optional()).collect()
}

fn write(
    transaction: &Transaction<'_>,
    keys: &[String],
    writes: Vec<(usize, Option<Vec<u8>>)>,
) -> rusqlite::Result<()> {
    let mut put: CachedStatement<'_> = transaction.prepare_cached(
        "INSERT INTO entries (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )?;
    for (place, value) in writes {
        let Some(key) = keys.get(place) else { continue };
        match value {
            Some(value) => put.execute((key, value))?,
            None => transaction.prepare_cached("DELETE FROM entries WHERE key = ?1")?.execute([key])?,
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests;
