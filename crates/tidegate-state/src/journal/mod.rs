//! The journal of mutations, in `journal.db` of the state folder: what a mutation is going to change, row by row, and
//! what became of it.
//!
//! What is written here is on the disk when the call returns, through a power cut too (`synchronous = FULL`): each call
//! waits for the disk once, and whoever has many changes hands them over together. A call that fails has changed
//! nothing. It guards what must never happen, whoever asks for it: a row is sent only once its mutation is sealed, and
//! what was done stays done. Reads have a connection of their own, and never wait for the disk behind a write.
//!
//! Who runs a mutation holds a [`Claim`]; nothing here checks that the writer of a change is the holder.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::open::{self, Named};
use crate::{Error, ErrorKind, Result, waits};

mod changes;
mod claims;
mod codes;
mod mutations;
mod prune;
mod records;
mod rows;
mod undone;

pub use claims::Claim;
pub use records::{
    MutationRecord, MutationStart, MutationState, Pruned, RowChange, RowCounts, RowRecord, RowStart, RowState,
};

/// Statements that are kept compiled: all that are used while a mutation runs.
const STATEMENTS: usize = 32;

/// The journal of a state folder, or one that ends with the process. Every call blocks.
#[derive(Debug)]
pub struct Journal {
    /// `None` for one that ends with the process.
    folder: Option<PathBuf>,
    /// `None` until the first use, and after one that could not open it: the next tries again.
    writer: Mutex<Option<Connection>>,
    /// The same for reads. Without a folder, the writer serves them: a database in memory has one connection.
    reader: Mutex<Option<Connection>>,
    /// Mutations that this process claimed, without a folder.
    claimed: Arc<Mutex<HashSet<String>>>,
}

/// Why a piece of work ended without its result.
#[derive(Debug)]
enum Stop {
    Sqlite(rusqlite::Error),
    /// It does not fit what is kept; a sentence.
    Refused(String),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Journal {
    /// The journal of this state folder; nothing is opened or made before it is used.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self { folder: Some(folder.to_owned()), ..Self::in_memory() }
    }

    /// A journal that ends with the process: none of its mutations can be resumed by another one.
    #[must_use]
    pub fn in_memory() -> Self {
        Self { folder: None, writer: Mutex::new(None), reader: Mutex::new(None), claimed: Arc::default() }
    }

    /// Whether it outlives the process.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        self.folder.is_some()
    }

    /// Runs `work` in a transaction that takes the write lock at once; what it wrote is on the disk when this returns.
    /// `attempt` completes "cannot …".
    fn write<T>(&self, attempt: &str, work: impl FnOnce(&Transaction<'_>) -> Result<T, Stop>) -> Result<T> {
        self.with(&self.writer, attempt, |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })
    }

    /// Runs `work` on what is committed now.
    fn read<T>(&self, attempt: &str, work: impl FnOnce(&Connection) -> Result<T, Stop>) -> Result<T> {
        let slot = if self.is_durable() { &self.reader } else { &self.writer };
        self.with(slot, attempt, |connection| work(connection))
    }

    fn with<T>(
        &self,
        slot: &Mutex<Option<Connection>>,
        attempt: &str,
        work: impl FnOnce(&mut Connection) -> Result<T, Stop>,
    ) -> Result<T> {
        // A panic in `work` rolled its transaction back, so that the connection is as good as before.
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match &mut *slot {
            // SQLite goes on writing into a file that was removed, where nobody would find it again.
            Some(_) if self.is_gone() => return Err(self.gone(attempt)),
            Some(connection) => connection,
            empty => empty.insert(self.open()?),
        };
        work(connection).map_err(|stop| match stop {
            Stop::Sqlite(source) => self.failed(attempt, source),
            Stop::Refused(sentence) => Error::new(ErrorKind::Refused, sentence),
        })
    }

    fn open(&self) -> Result<Connection> {
        let mut connection = match &self.folder {
            Some(folder) => open::folder(folder, &open::JOURNAL)?,
            None => open::memory(crate::IN_MEMORY, &open::JOURNAL)?,
        };
        // macOS keeps what was synchronized in the drive's own memory unless it is told not to.
        let configured = connection
            .pragma_update(None, "synchronous", "FULL")
            .and_then(|()| connection.pragma_update(None, "fullfsync", true))
            .and_then(|()| waits::look_often(&mut connection, Arc::new(AtomicBool::new(true))));
        configured.map_err(|source| self.failed("configure the connection", source))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    }

    fn is_gone(&self) -> bool {
        self.folder.as_ref().is_some_and(|folder| !folder.join(open::JOURNAL.file).exists())
    }

    fn gone(&self, attempt: &str) -> Error {
        let file = self.folder.as_ref().map(|folder| folder.join(open::JOURNAL.file)).unwrap_or_default();
        let file = file.display();
        let message = format!(
            "cannot {attempt}: '{file}' was removed while it was used; what it held is lost, and nothing more is sent: look \
             at the API for what was done"
        );
        Error::new(ErrorKind::Folder, message)
    }

    fn failed(&self, attempt: &str, source: rusqlite::Error) -> Error {
        let file = match &self.folder {
            Some(folder) => folder.join(open::JOURNAL.file).display().to_string(),
            None => crate::IN_MEMORY.to_owned(),
        };
        Error::sqlite(attempt, Named { file: &file, holds: open::JOURNAL.holds }, source)
    }
}

#[cfg(test)]
mod tests;
