//! Call quotas: what a server counts, how it tells of it, and what it does when there is no room.
//!
//! A quota is a [`Rule`] (how much, in which window), what it counts, who shares it, and the [`Dialect`] in which
//! answers tell of it. Several hold at once: a call must find room in all of them, and is counted in all or in none.
//! Calls are counted when they arrive, before the answer is worked on, in the order in which they arrive.

mod cost;
mod counters;
mod dialect;
mod meter;
mod refusal;

use std::time::Duration;

pub use cost::Cost;
pub use counters::QuotaState;
pub(crate) use counters::{Counters, Entry};
pub use dialect::{Dialect, ResetForm};
pub(crate) use refusal::refusal;

/// One limit of an API.
#[derive(Debug, Clone, PartialEq)]
pub struct Quota {
    /// Name: in the log, and in the headers that name policies.
    pub name: String,
    /// How much, and in which window.
    pub rule: Rule,
    /// What is counted.
    pub counts: Counts,
    /// Whether all divisions share it. Else each has counters of its own.
    pub is_shared: bool,
    /// Whether calls are counted that this very quota refuses, as some servers do. Only windows and logs can.
    pub counts_refused: bool,
    /// How answers tell of it.
    pub dialect: Dialect,
}

/// How much a quota grants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// In windows that begin at multiples of their length since 1970.
    Aligned {
        /// Units per window.
        limit: u64,
        /// Length; at least a millisecond.
        window: Duration,
    },
    /// In windows that begin with the first call after the last one has ended.
    FirstCall {
        /// Units per window.
        limit: u64,
        /// Length; at least a millisecond.
        window: Duration,
    },
    /// In any interval of this length.
    Sliding {
        /// Units per interval.
        limit: u64,
        /// Length; at least a millisecond.
        window: Duration,
    },
    /// In calendar days of a time zone without summer time.
    Day {
        /// Units per day.
        limit: u64,
        /// Minutes that the zone is ahead of UTC; less than a day.
        offset_minutes: i32,
    },
    /// From a bucket that is filled steadily and is full in the beginning.
    Bucket {
        /// Most units that it holds.
        capacity: f64,
        /// Units that are added each second.
        per_second: f64,
    },
    /// Calls in work at once. Always counts calls.
    Concurrent {
        /// Most calls.
        limit: u64,
    },
}

/// What a quota counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Counts {
    /// Calls.
    #[default]
    Calls,
    /// Points, as `Config::cost` sets them.
    Points,
}

/// What an answer looks like that a quota refuses. `Config::quota_retry_after` adds `Retry-After` to each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Throttled {
    /// Status 429.
    #[default]
    TooManyRequests,
    /// Status 403 with `{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": …}` in its body, in an array, as Salesforce
    /// sends it.
    Forbidden,
    /// Status 200 with `{"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}`, as Shopify's
    /// GraphQL sends it.
    Inside,
}

/// Another client of the same account, which calls at a steady rate from the start, whether it is refused or not. Its
/// calls cost a point and take no time; the log does not have them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OtherClient {
    /// Division that it calls; 0 if there are none.
    pub division: u32,
    /// Calls a second; more than 0.
    pub per_second: f64,
}

impl Quota {
    /// A quota of calls for each division that answers do not tell of.
    pub fn new(name: &str, rule: Rule) -> Self {
        Self {
            name: name.to_owned(),
            rule,
            counts: Counts::Calls,
            is_shared: false,
            counts_refused: false,
            dialect: Dialect::Silent,
        }
    }

    /// `limit` calls a minute, announced as `X-RateLimit-Minutely-*`.
    pub fn minute(limit: u64) -> Self {
        let rule = Rule::Aligned { limit, window: Duration::from_secs(60) };
        Self::new("minutely", rule).told(Dialect::classic("X-RateLimit-Minutely", ResetForm::EpochMs))
    }

    /// `limit` calls a day, announced as `X-RateLimit-*`.
    pub fn day(limit: u64) -> Self {
        let rule = Rule::Day { limit, offset_minutes: 0 };
        Self::new("daily", rule).told(Dialect::classic("X-RateLimit", ResetForm::EpochMs))
    }

    /// The same, told in this way.
    #[must_use]
    pub fn told(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// The same of points.
    #[must_use]
    pub fn of_points(mut self) -> Self {
        self.counts = Counts::Points;
        self
    }

    /// The same for all divisions together.
    #[must_use]
    pub fn shared(mut self) -> Self {
        self.is_shared = true;
        self
    }
}
