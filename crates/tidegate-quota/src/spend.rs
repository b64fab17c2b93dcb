//! What was spent, by day and purpose: the books that outlive windows.

use std::sync::Arc;

/// What a call's cost is booked on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpendKey {
    /// On whose behalf.
    pub principal: Arc<str>,
    /// Connection, as named in SQL.
    pub connection: Arc<str>,
    /// Partition, if it has any.
    pub partition: Option<Arc<str>>,
    /// Table, if the call was for one.
    pub table: Option<Arc<str>>,
    /// Label of the session.
    pub label: Option<Arc<str>>,
}

/// What was spent on one key in one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spend {
    /// Day (UTC), in days since 1970.
    pub day: i64,
    /// On what.
    pub key: SpendKey,
    /// HTTP attempts.
    pub calls: u64,
    /// Points: of each call the most that one of its quotas counted for it, which is 1 where none counts points.
    pub points: u64,
}
