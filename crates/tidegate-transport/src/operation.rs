//! What a request is for: carried with it so that no layer has to guess.

use std::sync::Arc;
use std::time::Duration;

use crate::{CacheOutcome, Statement};

/// Default cap of a collected body, in bytes after decompression.
pub const DEFAULT_BODY_CAP: u64 = 64 * 1024 * 1024;

/// Describes one request to the layers.
#[derive(Debug, Clone)]
pub struct Operation {
    /// On whose behalf.
    pub principal: Arc<str>,
    /// Connection, as named in SQL.
    pub connection: Arc<str>,
    /// Partition of the connection, if it has any.
    pub partition: Option<Arc<str>>,
    /// Table, as named in SQL.
    pub table: Option<Arc<str>>,
    /// Endpoint of the table, or `$metadata` and the like.
    pub endpoint: Arc<str>,
    /// What it is for.
    pub purpose: Purpose,
    /// Whether it may be sent again when it is not known what became of it.
    pub repeat: Repeat,
    /// Page number from 1, for those that have pages.
    pub page: Option<u64>,
    /// Which attempt of the same request this is, from 1; set by the retry layer.
    pub attempt: u32,
    /// How long this attempt waited for its quotas; set by the quota layer.
    pub quota_wait: Duration,
    /// What becomes of the response body.
    pub body: BodyMode,
    /// Whether its answer may be kept for a repetition of a statement that fails: it is whole by itself, or the paging
    /// that it belongs to keeps its place when rows come and go.
    pub keeps: bool,
    /// Whether a stored answer may be used as it is, as far as its headers and the statement allow. If not, it may after
    /// the server has said that it still holds.
    pub reuse: bool,
    /// Whether its answer has to come from the server now, whatever the statement may use.
    pub fresh: bool,
    /// What the cache had to do with it; set by the cache layer.
    pub cache: Option<CacheOutcome>,
    /// The statement that pays for it.
    pub statement: Arc<Statement>,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The API's description of itself.
    Metadata,
    /// Rows or counts.
    Read,
    /// A change.
    Write,
    /// A token to sign other requests with.
    Token,
}

/// Whether a request may be repeated after a failure that leaves open whether the server acted on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Repeat {
    /// It changes nothing, or the same thing however often it is sent.
    Safe,
    /// It may change something each time: repeated only when it surely was not sent.
    Unsafe,
}

/// What becomes of a response body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyMode {
    /// Collected whole before `send` returns, and refused above `cap` bytes.
    Collect {
        /// Most bytes after decompression.
        cap: u64,
    },
    /// Handed on as it arrives; a cut body is then the reader's to notice.
    Stream,
}

impl Default for BodyMode {
    fn default() -> Self {
        Self::Collect { cap: DEFAULT_BODY_CAP }
    }
}
