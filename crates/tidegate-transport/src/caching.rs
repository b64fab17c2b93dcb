//! What of earlier answers a statement may use, and what became of a request because of it.

use std::sync::Arc;
use std::time::Duration;

/// How a statement deals with answers that were paid for before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caching {
    /// Whether answers are looked up and stored at all.
    pub is_on: bool,
    /// Whether those in this process's memory are.
    pub memory: bool,
    /// Whether those in the state folder are.
    pub disk: bool,
    /// Whether a request that was answered in the statement is not sent again by it.
    pub once: bool,
    /// How long after it was received an answer may be used although it is fresh no more, or was never said to be.
    pub max_staleness: Duration,
    /// How long after it was received an answer may stand in for a request that failed.
    pub stale_if_error: Duration,
    /// Names the statement among its repetitions: pages that it has paid for are kept under this name until it ends
    /// well, and a repetition takes them. `None` keeps nothing.
    pub resumes: Option<Arc<str>>,
}

impl Caching {
    /// Nothing that was answered before is used, and nothing is stored.
    pub const OFF: Self = Self {
        is_on: false,
        memory: false,
        disk: false,
        once: false,
        max_staleness: Duration::ZERO,
        stale_if_error: Duration::ZERO,
        resumes: None,
    };
}

impl Default for Caching {
    fn default() -> Self {
        Self::OFF
    }
}

/// Where an answer came from, for those that the cache had to do with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CacheOutcome {
    /// From the server: nothing was stored that could be used.
    Miss,
    /// From the store, at no call.
    Hit,
    /// From the store, after the server said that it still holds: a call with status 304.
    Revalidated,
    /// From the store, because the server could not be asked.
    StaleIfError,
    /// From an equal request that was under way, at no call.
    Shared,
    /// A page that an earlier run of the statement has paid for, at no call.
    Kept,
}

impl CacheOutcome {
    /// As `system.requests` shows it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Miss => "miss",
            Self::Hit => "hit",
            Self::Revalidated => "revalidated",
            Self::StaleIfError => "stale_if_error",
            Self::Shared => "shared",
            Self::Kept => "kept",
        }
    }
}
