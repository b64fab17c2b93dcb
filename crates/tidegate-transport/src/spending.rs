//! What a statement may spend, and what is left while it does.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tidegate_quota::Priority;

/// The bounds of one statement, as its session's settings give them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spending {
    /// Most HTTP attempts, retries included; `None` for no bound.
    pub max_calls: Option<u64>,
    /// What must be left over, by name of the quota, in units, in each partition.
    pub reserve: Arc<[(String, u64)]>,
    /// What happens when a quota has no room.
    pub on_exhausted: OnExhausted,
    /// Longest wait for a quota.
    pub max_wait: Duration,
    /// Who goes first when several wait.
    pub priority: Priority,
    /// Label that the cost is booked on.
    pub label: Option<Arc<str>>,
}

/// What happens when a quota has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnExhausted {
    /// Wait for it, at most as long as [`Spending::max_wait`]; then as `Stop`.
    #[default]
    Wait,
    /// A mutation ends, a SELECT fails. Waiting for calls under way, and for blocks of less than a second, is no
    /// exhaustion.
    Stop,
    /// Both fail.
    Fail,
}

impl Default for Spending {
    fn default() -> Self {
        Self {
            max_calls: None,
            reserve: Arc::new([]),
            on_exhausted: OnExhausted::default(),
            max_wait: Duration::from_secs(120),
            priority: Priority::default(),
            label: None,
        }
    }
}

/// What is left of the tightest quota that a statement has come across: the one with the smallest share left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Connection, as named in SQL.
    pub connection: Arc<str>,
    /// Partition, if it has any.
    pub partition: Option<Arc<str>>,
    /// Name of the quota.
    pub quota: Arc<str>,
    /// Units left.
    pub remaining: u64,
    /// Units in all.
    pub limit: u64,
    /// When the window ends.
    pub resets_at: Option<SystemTime>,
}

/// What a statement waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Connection, as named in SQL.
    pub connection: Arc<str>,
    /// Partition, if it has any.
    pub partition: Option<Arc<str>>,
    /// Name of the quota.
    pub quota: Arc<str>,
    /// Until when, if that is known.
    pub until: Option<SystemTime>,
}
