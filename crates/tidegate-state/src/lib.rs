//! The state folder: cached metadata, statement history, trusted files and tokens in one SQLite database ([`State`]),
//! entries that several processes change often in another ([`Entries`]), mutations, row by row, in a third
//! ([`Journal`]), answers that may be used again in a fourth ([`CacheDb`]), and files of pages that statements which did
//! not end well have paid for ([`PageKeeper`]).
//!
//! One owner of what lasts. The folder is 0700 and its files 0600; network file systems are refused, since
//! SQLite's locks do not hold there. The schema has a version and migrations. Nothing here knows HTTP or SQL
//! engines, or reads the clock. A database is opened when it is first used; several processes may use one
//! folder at once. Calls block for as long as the disk does, and at most 10 seconds for another
//! process.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

mod cache;
mod encode;
mod entries;
mod error;
mod filesystem;
mod held;
mod journal;
mod kept;
mod metadata;
mod migrations;
mod open;
mod permissions;
mod records;
mod statements;
mod statistics;
mod tokens;
mod trust;
mod waits;

pub use cache::{CacheDb, CacheKey, CacheLabel, CacheLine, CachedAnswer, DEFAULT_CACHE_BYTES};
pub use entries::Entries;
pub use error::{Error, ErrorKind};
pub use held::HeldStatement;
pub use journal::{
    Claim, Journal, MutationRecord, MutationStart, MutationState, Pruned, RowChange, RowCounts, RowRecord, RowStart,
    RowState,
};
pub use kept::{KeptPage, KeptRun, PageKeeper};
pub use records::{CachedMetadata, StatementEnd, StatementRecord, StatementStart};
pub use statistics::{RowsBasis, RowsSeen};
pub use tokens::{LeaseAnswer, StoredToken, TokenLease};

use open::Named;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Name in errors of a state that ends with the process.
const IN_MEMORY: &str = ":memory:";

/// A state folder, or a state that ends with the process.
#[derive(Debug)]
pub struct State {
    /// `None` for one that ends with the process.
    folder: Option<PathBuf>,
    slot: Mutex<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    /// `None` until the first use, and after one that could not open it: the next tries again.
    connection: Option<Connection>,
    /// Statements that are kept with the next use.
    held: Vec<HeldStatement>,
}

impl State {
    /// State in this folder; nothing is opened or made before it is used.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self { folder: Some(folder.to_owned()), slot: Mutex::default() }
    }

    /// State that ends with the process.
    #[must_use]
    pub fn in_memory() -> Self {
        Self { folder: None, slot: Mutex::default() }
    }

    /// Whether it outlives the process.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        self.folder.is_some()
    }

    /// Runs `work` on the open database. `attempt` completes "cannot …" in an error.
    fn run<T>(&self, attempt: &str, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T> {
        let mut slot = self.lock();
        let Slot { connection, held } = &mut *slot;
        let connection = match connection {
            Some(connection) => connection,
            empty => empty.insert(self.open()?),
        };
        let failed =
            |attempt, source| Error::sqlite(attempt, Named { file: &self.name(), holds: open::STATE.holds }, source);
        held::keep(connection, held).map_err(|source| failed("keep a statement", source))?;
        work(connection).map_err(|source| failed(attempt, source))
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        // A panic in somebody's work rolled its transaction back, so that the connection is as good as before.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` in a transaction that takes the write lock at once: one that begins by reading cannot wait for
    /// another process when it comes to writing.
    fn write<T>(&self, attempt: &str, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T> {
        self.run(attempt, |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })
    }

    /// The same, and what was written outlives a power cut once this returns.
    fn write_durably<T>(&self, attempt: &str, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T> {
        self.run(attempt, |connection| {
            connection.pragma_update(None, "synchronous", "FULL")?;
            let done = connection.transaction_with_behavior(TransactionBehavior::Immediate).and_then(|transaction| {
                let value = work(&transaction)?;
                transaction.commit()?;
                Ok(value)
            });
            connection.pragma_update(None, "synchronous", open::SYNCHRONOUS)?;
            done
        })
    }

    fn open(&self) -> Result<Connection> {
        match &self.folder {
            Some(folder) => open::folder(folder, &open::STATE),
            None => open::memory(IN_MEMORY, &open::STATE),
        }
    }

    /// Name of the database in errors.
    fn name(&self) -> String {
        match &self.folder {
            Some(folder) => folder.join(open::STATE.file).display().to_string(),
            None => IN_MEMORY.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
