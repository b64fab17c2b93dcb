//! A named limit of an API, as data.

use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;

/// One limit that an API sets. Several usually hold for one call.
#[derive(Debug, Clone, PartialEq)]
pub struct Quota {
    /// Name, unique within its scope: `daily`, `minutely`, `search`.
    pub name: Arc<str>,
    /// What is counted.
    pub unit: Unit,
    /// How much of it.
    pub limit: Limit,
    /// Whether the server's responses tell of it. Until they have, what is left is not known, however much of it was
    /// counted here.
    pub is_reported: bool,
}

/// What a quota counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Unit {
    /// HTTP attempts.
    #[default]
    Calls,
    /// Points: a call costs as many as the server says, or as it is expected to.
    Points,
    /// Answers that are errors. A call under way may become one.
    Errors,
    /// Requests for tokens; other calls spend none of it.
    TokenRequests,
}

/// How much of a unit an API grants.
#[derive(Debug, Clone, PartialEq)]
pub enum Limit {
    /// So many in each window.
    Window {
        /// How many; `None` when only the server's figures tell.
        limit: Option<u64>,
        /// When a window begins and ends, as long as the server does not say otherwise.
        window: Window,
    },
    /// A bucket that holds `capacity` and is filled at a steady rate (token bucket; a leaky bucket is the same seen from
    /// the other side).
    Bucket {
        /// Most that it holds, in units.
        capacity: f64,
        /// Units that are added each second.
        per_second: f64,
    },
    /// So many calls at once.
    Concurrent {
        /// Most calls under way.
        limit: u64,
    },
}

/// When a window begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// Any interval of this length. It keeps within fixed windows too, wherever they begin, and so it is what is assumed
    /// of a window of which nothing but the length is known.
    Sliding(Duration),
    /// Begins with the first call after the last one has ended.
    FirstCall(Duration),
    /// Begins at multiples of its length since 1970 (UTC).
    Aligned(Duration),
    /// A calendar day in this time zone.
    Day(Tz),
    /// A calendar month in this time zone.
    Month(Tz),
}

impl Window {
    /// How long it is; a month counts as 30 days. For telling a daily quota from an hourly one.
    #[must_use]
    pub fn length(self) -> Duration {
        const DAY: u64 = 24 * 60 * 60;
        match self {
            Self::Sliding(length) | Self::FirstCall(length) | Self::Aligned(length) => length,
            Self::Day(_) => Duration::from_secs(DAY),
            Self::Month(_) => Duration::from_secs(30 * DAY),
        }
    }
}
