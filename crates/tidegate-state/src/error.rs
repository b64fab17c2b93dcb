//! Why the state folder cannot be used.

use std::path::Path;

use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_SHORT_READ;

use crate::open::Named;

/// An error of the state folder: what was wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What kind of trouble it is, for callers that go on without the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The folder cannot be made, read, written or locked as it must be.
    Folder,
    /// The database is damaged, or another program's.
    Corrupt,
    /// A newer Tidegate wrote the database.
    Newer,
    /// The disk, or the quota on it, is full.
    Full,
    /// Another process held the database for longer than 10 seconds.
    Busy,
    /// The mutation is being run, by another process or by this one.
    Claimed,
    /// What was asked does not fit what is kept: there is no such mutation, or it has come too far for that.
    Refused,
    /// Anything else that SQLite reports.
    Database,
}

impl Error {
    /// What kind of trouble it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Whether a database that may be lost had better be made anew: all but what its surroundings are to blame for. A
    /// damaged one may count as read-only, lack a table, or hold values of other types.
    pub(crate) fn is_damage(&self) -> bool {
        let sqlite = self.source.as_ref().and_then(|source| source.downcast_ref::<rusqlite::Error>());
        match self.kind {
            ErrorKind::Corrupt | ErrorKind::Newer | ErrorKind::Database => true,
            ErrorKind::Folder => sqlite.and_then(rusqlite::Error::sqlite_error_code) == Some(ErrorCode::ReadOnly),
            ErrorKind::Full | ErrorKind::Busy | ErrorKind::Claimed | ErrorKind::Refused => false,
        }
    }

    /// `attempt` completes "cannot …".
    pub(crate) fn io(attempt: &str, path: &Path, remedy: &str, source: std::io::Error) -> Self {
        let kind = match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::Full,
            _ => ErrorKind::Folder,
        };
        let message = format!("cannot {attempt} '{}': {source}; {remedy}", path.display());
        Self { kind, message, source: Some(Box::new(source)) }
    }

    /// `attempt` completes "cannot …".
    pub(crate) fn sqlite(attempt: &str, named: Named<'_>, source: rusqlite::Error) -> Self {
        let (kind, cause) = explain(&source, named.holds);
        let message = format!("cannot {attempt} in the state database '{}': {cause}", named.file);
        Self { kind, message, source: Some(Box::new(source)) }
    }
}

/// What a failure of SQLite means for the person who reads it, and what to do.
fn explain(source: &rusqlite::Error, holds: &str) -> (ErrorKind, String) {
    // A file that was cut within a page can be read up to there: SQLite takes it for a failure of the disk.
    let is_cut = source.sqlite_error().is_some_and(|error| error.extended_code == SQLITE_IOERR_SHORT_READ);
    match source.sqlite_error_code() {
        code if is_cut || matches!(code, Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)) => (
            ErrorKind::Corrupt,
            format!(
                "the file is damaged; move it away together with the files beside it that begin with its name, and a \
                 new one is made (it holds {holds})"
            ),
        ),
        Some(ErrorCode::DiskFull) => {
            (ErrorKind::Full, "the disk is full; free some space, or choose another folder with --state".to_owned())
        }
        Some(ErrorCode::ReadOnly) => (
            ErrorKind::Folder,
            "it cannot be written; make the folder and its files writable for you, or choose another with --state"
                .to_owned(),
        ),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => (
            ErrorKind::Folder,
            format!("{source}; the folder and its files must belong to you, or choose another with --state"),
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (ErrorKind::Busy, "another process holds it; wait for it or end it, then try again".to_owned())
        }
        Some(ErrorCode::SystemIoFailure) => (
            ErrorKind::Folder,
            format!("{source}; look after the disk, or choose a folder on another one with --state"),
        ),
        _ => (ErrorKind::Database, source.to_string()),
    }
}
