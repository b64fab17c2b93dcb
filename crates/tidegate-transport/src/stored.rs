//! Where answers are kept beyond memory: the traits that whoever has a state folder implements.
//!
//! A store is opaque to what it holds: what an answer may be used for is the cache layer's to say. A store that fails
//! costs calls and never a statement.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;

/// Names what is stored: a SHA-256.
pub type CacheKey = [u8; 32];

/// An answer as a store keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// Status and headers, in a form of the cache layer's own.
    pub meta: Vec<u8>,
    /// The body, decompressed.
    pub body: Bytes,
    /// When it was asked for. Times of one process never go back.
    pub asked_at: SystemTime,
    /// When it was received, or the server last said that it still holds.
    pub stored_at: SystemTime,
}

/// Shows no content: rows of an API have no place in logs.
impl Debug for StoredAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredAnswer")
            .field("bytes", &(self.meta.len() + self.body.len()))
            .field("asked_at", &self.asked_at)
            .field("stored_at", &self.stored_at)
            .finish_non_exhaustive()
    }
}

/// What may be shown of a stored answer, and what it is found by when a connection's answers are thrown away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheLabel {
    /// The connection's fingerprint.
    pub scope: Arc<str>,
    /// Connection, as named in SQL.
    pub connection: Arc<str>,
    /// On whose behalf it was asked for.
    pub principal: Arc<str>,
    /// Table, as named in SQL.
    pub table: Option<Arc<str>>,
    /// URL with secrets blanked.
    pub url: String,
    /// HTTP status.
    pub status: u16,
    /// Until when it may be used without asking; `None` where the server said nothing of it.
    pub fresh_until: Option<SystemTime>,
}

/// Why a store could not be used: a sentence that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

/// Answers that outlive the process and are shared by all that use one state folder.
#[async_trait]
pub trait CacheStore: Send + Sync + Debug {
    /// The answer under this key. Finding it counts as a use.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn get(&self, key: &CacheKey) -> Result<Option<StoredAnswer>, StoreError>;

    /// Whether it has any answer with this scope in its label: asked once, where there may be thousands of keys to look for.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn holds_any(&self, scope: &str) -> Result<bool, StoreError>;

    /// Stores an answer, in place of another under the same key.
    ///
    /// # Errors
    /// When the store cannot be written.
    async fn put(&self, key: &CacheKey, label: CacheLabel, answer: StoredAnswer) -> Result<(), StoreError>;

    /// Forgets what is stored under this key.
    ///
    /// # Errors
    /// When the store cannot be written.
    async fn remove(&self, key: &CacheKey) -> Result<(), StoreError>;

    /// Marks the scope as written at this moment. The latest mark of a scope stays.
    ///
    /// # Errors
    /// When the store cannot be written.
    async fn note_write(&self, scope: &str, at: SystemTime) -> Result<(), StoreError>;

    /// When the scope was last written, by any process.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn written(&self, scope: &str) -> Result<Option<SystemTime>, StoreError>;
}

/// Keeps pages that statements have paid for, until the statement has ended well.
#[async_trait]
pub trait PageKeeper: Send + Sync + Debug {
    /// Opens what is kept under a name, for one run. `None` while another run, of this or another process, has it open:
    /// this one then keeps nothing and takes nothing.
    ///
    /// # Errors
    /// When it cannot be opened.
    async fn begin(&self, name: &CacheKey) -> Result<Option<Arc<dyn KeptRun>>, StoreError>;
}

/// One run of a statement, as far as its pages are kept. Dropped before [`KeptRun::finish`], it has not ended well.
#[async_trait]
pub trait KeptRun: Send + Sync + Debug {
    /// The page that an earlier run has kept under this digest; never one of this run.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn kept(&self, digest: &CacheKey) -> Result<Option<StoredAnswer>, StoreError>;

    /// Keeps a page for a later run.
    ///
    /// # Errors
    /// When it cannot be written.
    async fn keep(&self, digest: &CacheKey, page: StoredAnswer) -> Result<(), StoreError>;

    /// Ends the run: another one may open what is kept. All of it is thrown away when the statement `ended_well`. From
    /// then on nothing is found and nothing kept.
    fn finish(&self, ended_well: bool);
}
