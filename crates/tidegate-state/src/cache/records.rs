//! Stored answers as plain data.

use std::time::SystemTime;

/// Key of a stored answer: a digest of all that the answer depends on, so that it tells nobody anything.
pub type CacheKey = [u8; 32];

/// An answer as it is stored. What `meta` and `body` hold is the caller's business.
#[derive(Clone, PartialEq, Eq)]
pub struct CachedAnswer {
    /// Status, headers and whatever else judges whether the answer may be used.
    pub meta: Vec<u8>,
    /// The body.
    pub body: Vec<u8>,
    /// When its request was sent. A write that came later makes it doubtful: see
    /// [`CacheDb::written`](crate::CacheDb::written).
    pub asked_at: SystemTime,
    /// When it was received, or last found to hold still.
    pub stored_at: SystemTime,
}

impl CachedAnswer {
    /// Bytes of `meta` and `body`.
    pub(super) fn bytes(&self) -> usize {
        self.meta.len() + self.body.len()
    }
}

/// Shows no content: rows of an API have no place in logs.
impl std::fmt::Debug for CachedAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CachedAnswer")
            .field("bytes", &self.bytes())
            .field("asked_at", &self.asked_at)
            .field("stored_at", &self.stored_at)
            .finish_non_exhaustive()
    }
}

/// What a stored answer is, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheLabel {
    /// Whose writes make it doubtful: the fingerprint of its connection.
    pub scope: String,
    /// The connection's name.
    pub connection: String,
    /// On whose behalf it was asked.
    pub principal: String,
    /// The table that it was asked for.
    pub table: Option<String>,
    /// Its URL, with secrets blanked.
    pub url: String,
    /// Until when the server says that it holds.
    pub fresh_until: Option<SystemTime>,
}

/// A stored answer without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheLine {
    /// What it is.
    pub label: CacheLabel,
    /// Bytes of its headers and body as they were received.
    pub bytes: u64,
    /// When its request was sent.
    pub asked_at: SystemTime,
    /// When it was received, or last found to hold still.
    pub stored_at: SystemTime,
    /// When it was last used; when it was stored, if it never was.
    pub used_at: SystemTime,
    /// How often it was used.
    pub hits: u64,
}
