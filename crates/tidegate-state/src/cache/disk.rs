//! Connections to `cache.db`, and what becomes of a file that is damaged or gone.
//!
//! The file is thrown away when anything is wrong with it, by whichever process finds out first. Every use looks whether the
//! name still stands for the file that was opened, and opens the new one if not. Reads, writes and checkpoints each have
//! a connection: none waits for another of this process.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::written;
use crate::open::{self, Named};
use crate::permissions::{self, FileId};
use crate::{Error, ErrorKind, Result, waits};

/// Bytes that the log is cut down to when it begins anew.
const LOG_BYTES: i64 = 4 * 1024 * 1024;
/// Statements that are kept compiled.
const STATEMENTS: usize = 32;

/// A connection, and the file that it has open.
#[derive(Debug)]
struct Opened {
    connection: Connection,
    file: Option<FileId>,
}

/// One connection. `None` until the first use, and after one that could not open it: the next tries again.
#[derive(Debug, Default)]
pub(super) struct Slot(Mutex<Option<Opened>>);

/// Exclusive use of a connection.
#[derive(Debug)]
pub(super) struct Held<'a> {
    disk: &'a Disk,
    slot: MutexGuard<'a, Option<Opened>>,
}

/// The database.
#[derive(Debug)]
pub(super) struct Disk {
    folder: PathBuf,
    pub(super) reader: Slot,
    pub(super) writer: Slot,
    pub(super) checkpointer: Slot,
    /// The file that this process opened last.
    known: Mutex<Option<FileId>>,
    /// This process had a file that is no more, and with it marks of writes.
    has_lost: AtomicBool,
}

impl Disk {
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            reader: Slot::default(),
            writer: Slot::default(),
            checkpointer: Slot::default(),
            known: Mutex::default(),
            has_lost: AtomicBool::new(false),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(open::CACHE.file)
    }

    /// Waits until nobody else of this process uses the connection.
    pub(super) fn hold<'a>(&'a self, slot: &'a Slot) -> Held<'a> {
        // A panic rolled its transaction back, so that the connection is as good as before.
        Held { disk: self, slot: slot.0.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    fn open(&self) -> Result<Opened> {
        let (mut connection, wrong) = open::disposable(&self.folder, &open::CACHE)?;
        let configured = connection
            .pragma_update(None, "wal_autocheckpoint", 0)
            .and_then(|()| connection.pragma_update(None, "journal_size_limit", LOG_BYTES))
            .and_then(|()| waits::look_often(&mut connection, Arc::new(AtomicBool::new(true))));
        configured.map_err(|source| self.failed("configure the connection", source))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        if let Some(error) = wrong {
            return Err(self.replaced(error.kind()));
        }
        let file = permissions::file_id(&self.path());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let has_another = known.is_some() && *known != file;
        if has_another || self.has_lost.load(Ordering::Relaxed) {
            let failed = |source| Error::io("look at", &self.path(), open::REMEDY, source);
            let made_at = std::fs::metadata(self.path()).and_then(|found| found.modified()).map_err(failed)?;
            written::note_lost(&connection, made_at).map_err(|source| self.failed("note lost marks", source))?;
            self.has_lost.store(false, Ordering::Relaxed);
        }
        known.clone_from(&file);
        Ok(Opened { connection, file })
    }

    /// Throws a damaged file away, unless another process has.
    fn discard(&self, damaged: Option<FileId>, error: Error) -> Error {
        let Some(damaged) = damaged else { return error };
        match open::discard(&self.folder, &open::CACHE, &damaged) {
            Ok(()) => self.replaced(error.kind()),
            Err(error) => error,
        }
    }

    fn replaced(&self, kind: ErrorKind) -> Error {
        self.has_lost.store(true, Ordering::Relaxed);
        let (kind, wrong) = match kind {
            ErrorKind::Newer => (kind, "of another version"),
            _ => (ErrorKind::Corrupt, "damaged"),
        };
        let file = self.path();
        let message = format!(
            "the cache '{}' was {wrong}, and was replaced by an empty one: answers that it held are asked for again; \
             nothing is to be done",
            file.display()
        );
        Error::new(kind, message)
    }

    fn failed(&self, attempt: &str, source: rusqlite::Error) -> Error {
        let file = self.path().display().to_string();
        Error::sqlite(attempt, Named { file: &file, holds: open::CACHE.holds }, source)
    }
}

impl Held<'_> {
    /// Runs `work` on the open database. `attempt` completes "cannot …" in an error. An error of kind
    /// [`ErrorKind::Corrupt`] or [`ErrorKind::Newer`] tells that the file was replaced: the next call finds an empty one.
    pub(super) fn run<T>(
        &mut self,
        attempt: &str,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let now = permissions::file_id(&self.disk.path());
        if self.slot.as_ref().is_some_and(|opened| opened.file != now) {
            *self.slot = None;
        }
        let opened = match &mut *self.slot {
            Some(opened) => opened,
            empty => empty.insert(self.disk.open()?),
        };
        work(&mut opened.connection).map_err(|source| {
            let error = self.disk.failed(attempt, source);
            if !error.is_damage() {
                return error;
            }
            let damaged = self.slot.take().and_then(|opened| opened.file);
            self.disk.discard(damaged, error)
        })
    }
}
