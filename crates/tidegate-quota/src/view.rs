//! Counters as they are shown.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::{ScopeKey, Unit};

/// A scope as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct ScopeView {
    /// Which.
    pub key: ScopeKey,
    /// Its quotas, by name: declared ones and those that the server told of.
    pub meters: Vec<MeterView>,
    /// Calls under way, in all processes.
    pub in_flight: u64,
    /// Calls that wait, in all processes.
    pub waiting: u64,
    /// Calls that the server refused, ever.
    pub refused: u64,
    /// Until when no call is sent, because the server refused one.
    pub blocked_until: Option<SystemTime>,
    /// When the last call was granted.
    pub last_call: Option<SystemTime>,
}

/// A quota as it is now. What is not known is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct MeterView {
    /// Its name.
    pub name: Arc<str>,
    /// What it counts.
    pub unit: Unit,
    /// Units in a window, in the bucket, or calls at once.
    pub limit: Option<u64>,
    /// Units spent in the window that is open, calls under way included.
    pub used: Option<u64>,
    /// Units left: the limit less those.
    pub remaining: Option<u64>,
    /// When the window ends, or the bucket is full; for a sliding window, when the oldest units come back.
    pub resets_at: Option<SystemTime>,
    /// Length of the window; `None` for buckets and concurrency.
    pub window: Option<Duration>,
    /// Where the figures come from.
    pub source: Source,
    /// Calls under way that come out of it.
    pub in_flight: u64,
    /// Calls that wait for it.
    pub waiting: u64,
    /// Calls that the server refused in its name, ever.
    pub refused: u64,
    /// When the server last told of it.
    pub observed_at: Option<SystemTime>,
}

/// Where the figures of a quota come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The limit is declared; the rest was counted here.
    Declared,
    /// The server told of it.
    Observed,
    /// The limit is declared, and the server told how much is left.
    Both,
}

impl Source {
    /// As system tables write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Observed => "observed",
            Self::Both => "both",
        }
    }
}
