//! What the ledger answers to a call that is to be sent.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::ScopeKey;
pub use crate::ledger::Grant;

/// The answer to [`Ledger::acquire`](crate::Ledger::acquire).
#[derive(Debug)]
pub enum Answer {
    /// The call may be sent now.
    Granted(Grant),
    /// It may not.
    Refused(Refusal),
}

/// Why a call may not be sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// Not yet.
    Wait(Wait),
    /// Not ever.
    Never(Never),
}

/// A quota that has no room now.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// Its name; that of the scope's own pacing is `concurrency`, and `throttled` that of a refusal by the server which
    /// names no quota.
    pub quota: Arc<str>,
    /// Where it is counted.
    pub scope: ScopeKey,
    /// Time until it may have room; `None` when that depends on calls under way.
    pub after: Option<Duration>,
    /// The same on the wall clock.
    pub until: Option<SystemTime>,
    /// Why there is no room.
    pub because: Because,
}

/// Why a quota has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Because {
    /// It is spent.
    Spent,
    /// What is left was asked to be left over.
    Reserve,
    /// The server refused a call and named a time, or none.
    Blocked,
    /// As many calls are under way as may be.
    Concurrency,
    /// Others came first.
    Queue,
}

/// A quota that can never have room for the call.
#[derive(Debug, Clone, PartialEq)]
pub struct Never {
    /// Its name.
    pub quota: Arc<str>,
    /// Where it is counted.
    pub scope: ScopeKey,
    /// Its limit, in units, less what must be left over.
    pub limit: u64,
    /// What the call needs.
    pub needs: u64,
}
