//! What a call comes out of.

use std::fmt;
use std::sync::Arc;

use crate::{Quota, SpendKey};

/// Who shares counters: opaque text, made of provider, origin, a fingerprint of the credential, and, where the counters
/// are a connection's or a partition's own, their names. Never a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeKey(pub Arc<str>);

impl fmt::Display for ScopeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One scope that a call is counted in.
#[derive(Debug, Clone, PartialEq)]
pub struct ScopeUse {
    /// Which.
    pub key: ScopeKey,
    /// The declared quotas of the scope that the call comes out of. What the server told of without its being declared
    /// is in the ledger, and holds for every call of the scope.
    pub quotas: Vec<Arc<Quota>>,
    /// Whether the number of calls at once is adapted here to errors and latency: in one scope of a call.
    pub is_paced: bool,
}

/// A call that is to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Scopes that it is counted in; all must grant it.
    pub scopes: Vec<ScopeUse>,
    /// Points that it is expected to cost; 1 where nothing is known.
    pub points: u64,
    /// Whether it asks for a token: it then comes out of [`Unit::TokenRequests`](crate::Unit) and nothing else.
    pub is_token_request: bool,
    /// What must be left over, by name of the quota, in units.
    pub reserve: Arc<[(String, u64)]>,
    /// Who goes first when several wait.
    pub priority: Priority,
    /// What its cost is booked on.
    pub spend: Option<SpendKey>,
}

impl Call {
    /// Units that must be left over of this quota. One with counters for each endpoint (`errors@issues.list`) is reserved
    /// by its own name, or by that of all of them (`errors`).
    #[must_use]
    pub fn reserved(&self, quota: &str) -> u64 {
        let of = |wanted: &str| self.reserve.iter().find(|(name, _)| name == wanted).map(|(_, units)| *units);
        of(quota).or_else(|| of(quota.split_once('@')?.0)).unwrap_or(0)
    }
}

/// Who is served first among those that wait for one quota. Within a priority: who came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// After all others.
    Low,
    /// As most are.
    #[default]
    Normal,
    /// Before all others.
    High,
}
