//! What is kept, as plain data.

use std::time::{Duration, SystemTime};

/// An API's description of itself, with what revalidates it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedMetadata {
    /// The document.
    pub document: String,
    /// `ETag` of the document.
    pub etag: Option<String>,
    /// `Last-Modified` of the document.
    pub last_modified: Option<String>,
    /// When the server last said that it holds.
    pub checked_at: SystemTime,
}

/// The beginning of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementStart {
    /// On whose behalf.
    pub principal: String,
    /// Its text, with secrets blanked.
    pub sql: String,
    /// `query`, `write`, `command`, `explain`.
    pub kind: String,
    /// The session's label.
    pub label: Option<String>,
    /// When.
    pub started_at: SystemTime,
}

/// How a statement ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementEnd {
    /// `done`, `failed`, `cancelled`, or `abandoned` when its rows were not read to the end.
    pub state: String,
    /// Why it failed.
    pub error: Option<String>,
    /// Rows returned.
    pub rows: u64,
    /// HTTP attempts.
    pub calls: u64,
    /// Those that repeated an earlier one.
    pub retries: u64,
    /// Bytes of response bodies.
    pub bytes: u64,
    /// Time spent waiting before retries.
    pub waited: Duration,
    /// Fewest HTTP calls that it was predicted to take; `None` when nothing was predicted.
    pub predicted_low: Option<u64>,
    /// Calls that it was expected to take.
    pub predicted: Option<u64>,
    /// Most calls that it was expected to take; `None` also when no end was known.
    pub predicted_high: Option<u64>,
    /// Answers that took no call.
    pub cache_hits: u64,
    /// Calls that were answered with "still holds".
    pub revalidated: u64,
    /// When.
    pub ended_at: SystemTime,
}

/// A statement as it is kept. `end` is `None` while it runs, or when its process died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementRecord {
    /// Its number.
    pub id: u64,
    /// Process that ran it.
    pub process: u32,
    /// Its beginning.
    pub start: StatementStart,
    /// Its end.
    pub end: Option<StatementEnd>,
}
