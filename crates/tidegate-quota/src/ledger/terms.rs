//! How long things last: leases, places in the queue, pauses.

use std::time::Duration;

/// The ledger's own durations. Tests shorten them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// How long a grant lasts that is not renewed: after that, its holder counts as dead.
    pub(crate) lease: Duration,
    /// Age at which a lease is renewed.
    pub(crate) renew_after: Duration,
    /// How long a place in the queue lasts after its owner last tried.
    pub(crate) ticket: Duration,
    /// How long a settlement that nobody waits for may stay in memory.
    pub(crate) linger: Duration,
    /// First and longest pause of who waits for other processes and does not know how long.
    pub(crate) poll: (Duration, Duration),
    /// How often who knows how long to wait looks again: time that others give back shows, and so does the time that a
    /// machine has slept.
    pub(crate) look: Duration,
    /// Longest wait for calls under way, whatever the patience.
    pub(crate) stuck: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            renew_after: Duration::from_secs(10),
            ticket: Duration::from_secs(2),
            linger: Duration::from_millis(20),
            poll: (Duration::from_millis(5), Duration::from_millis(50)),
            look: Duration::from_secs(60),
            stuck: Duration::from_secs(600),
        }
    }
}
