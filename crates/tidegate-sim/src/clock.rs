//! Time as the quotas see it: the system's, or one that a test moves by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A source of wall-clock time.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The system's clock.
    #[default]
    System,
    /// A clock that stands still until it is moved.
    Manual(ManualClock),
}

/// A clock under the control of a test; clones share one time.
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock at the given time since 1970, in milliseconds.
    pub fn at(epoch_ms: u64) -> Self {
        Self(Arc::new(AtomicU64::new(epoch_ms)))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_millis() as u64, Ordering::SeqCst);
    }
}

impl Clock {
    /// Microseconds since 1970.
    pub(crate) fn micros(&self) -> u64 {
        match self {
            Clock::Manual(ManualClock(ms)) => ms.load(Ordering::SeqCst) * 1_000,
            // A system clock before 1970 counts as 1970.
            Clock::System => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64,
        }
    }
}
