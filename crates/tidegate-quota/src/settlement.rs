//! What became of a call.

use std::sync::Arc;
use std::time::Duration;

/// What became of a granted call.
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    /// Whether it reached the server.
    pub fate: Fate,
    /// Whether it is an error for the quotas that count errors.
    pub is_error: bool,
    /// Whether the server was in trouble (5xx, no answer in time): fewer calls are sent at once for a while.
    pub is_overload: bool,
    /// Points that it really cost; `None` for those that were expected.
    pub points: Option<u64>,
    /// Quotas that it spends nothing of, whatever was expected: the place of the scope in [`Call::scopes`](crate::Call),
    /// and the name. What the server's figures say goes before it.
    pub free: Vec<(usize, Arc<str>)>,
    /// The server's figures.
    pub observations: Vec<Observation>,
    /// The server refused it as one too many.
    pub throttled: Option<Throttling>,
}

/// Whether a call reached the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Surely not: what was granted is given back.
    NotSent,
    /// It was answered.
    Answered,
    /// Nobody knows. It counts as spent, and may still arrive.
    Lost,
}

/// What a response says of one quota. Absent figures are `None`, never a guess.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Which of the call's scopes, by its place in [`Call::scopes`](crate::Call).
    pub scope: usize,
    /// Name of the quota. One that is not declared is kept from now on.
    pub quota: Arc<str>,
    /// Units that the window or bucket has.
    pub limit: Option<u64>,
    /// Units that are left.
    pub remaining: Option<u64>,
    /// Units that were spent.
    pub used: Option<u64>,
    /// Time from the response's arrival to the end of the window, as late as it may be: who rounded a time down is given
    /// the benefit of the doubt by the reader of the header, not here.
    pub resets_in: Option<Duration>,
    /// Length of the window, where the response tells.
    pub window: Option<Duration>,
    /// Units a second that a bucket is filled with, where the response tells.
    pub per_second: Option<f64>,
}

/// A refusal by the server: no call of the scope is sent before its time, by anybody.
#[derive(Debug, Clone, PartialEq)]
pub struct Throttling {
    /// Which of the call's scopes.
    pub scope: usize,
    /// The quota that it names, if any.
    pub quota: Option<Arc<str>>,
    /// How long the server asks to wait; `None` lets the ledger choose, longer each time in a row.
    pub wait: Option<Duration>,
}

impl Settlement {
    /// An answer that says nothing of quotas.
    #[must_use]
    pub fn answered() -> Self {
        Self::of(Fate::Answered)
    }

    /// Nothing is known but its fate.
    #[must_use]
    pub fn of(fate: Fate) -> Self {
        Self {
            fate,
            is_error: false,
            is_overload: false,
            points: None,
            free: Vec::new(),
            observations: Vec::new(),
            throttled: None,
        }
    }
}
