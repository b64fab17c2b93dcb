//! What was told to users already, and which names of quotas a server may go on using.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tidegate_quota::ScopeKey;

/// Names of quotas that nobody declared, as many as are kept for one connection.
pub(super) const MOST_NAMES: usize = 32;

/// Texts of one kind are told once.
#[derive(Debug, Default)]
pub(super) struct Said {
    kinds: Mutex<HashSet<String>>,
    names: Mutex<HashSet<Arc<str>>>,
    /// Until when it is known of each scope that calls are refused.
    blocks: Mutex<HashMap<ScopeKey, SystemTime>>,
}

impl Said {
    /// Whether nothing of this kind was told yet.
    pub(super) fn is_first(&self, kind: &str) -> bool {
        let mut kinds = lock(&self.kinds);
        !kinds.contains(kind) && kinds.insert(kind.to_owned())
    }

    /// Whether figures under this name are kept.
    pub(super) fn keeps_name(&self, name: &Arc<str>) -> bool {
        let mut names = lock(&self.names);
        names.contains(name) || (names.len() < MOST_NAMES && names.insert(Arc::clone(name)))
    }

    /// Whether a refusal is none of those that were under way when the scope was closed. One that names no time is told
    /// at most once a minute, which is as long as the ledger waits then.
    pub(super) fn is_new_block(&self, scope: &ScopeKey, wait: Option<Duration>, now: SystemTime) -> bool {
        let mut blocks = lock(&self.blocks);
        if blocks.get(scope).is_some_and(|until| now < *until) {
            return false;
        }
        let until = now.checked_add(wait.unwrap_or(Duration::from_secs(60))).unwrap_or(now);
        blocks.insert(scope.clone(), until);
        true
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
