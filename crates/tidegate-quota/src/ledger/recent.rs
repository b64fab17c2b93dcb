//! Records as they were last seen, so that they need not be read again: to tell what is left after a call, and to save
//! decoding what nobody else has changed.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::batch::{Known, KnownScopes, Settled};
use crate::scope::{self, Now, ScopeRecord};
use crate::{Call, MeterView};

/// Scopes from which those without calls under way are forgotten.
const MANY: usize = 256;

/// Records of scopes that were used lately.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<HashMap<Arc<str>, Seen>>);

#[derive(Debug)]
struct Seen {
    known: Known,
    /// With what was settled since, and is not written yet.
    with_left: Arc<ScopeRecord>,
}

impl Recent {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of these scopes.
    pub(crate) fn known(&self, scopes: &[Arc<str>]) -> KnownScopes {
        let seen = self.lock();
        let known = scopes.iter().filter_map(|key| Some((Arc::clone(key), seen.get(key)?.known.clone())));
        known.collect()
    }

    /// Keeps what was read or written last. When there is much of it, only what `needed` names stays.
    pub(crate) fn keep(&self, known: KnownScopes, needed: impl FnOnce() -> HashSet<Arc<str>>) {
        let mut seen = self.lock();
        for (key, known) in known {
            let with_left = Arc::clone(&known.record);
            seen.insert(key, Seen { known, with_left });
        }
        if seen.len() > MANY {
            let needed = needed();
            if needed.len() < seen.len() / 2 {
                seen.retain(|key, _| needed.contains(key));
            }
        }
    }

    /// Settles a call in what is known here. `None` when its scopes are not known, else whether others may wait for what
    /// it gives back, and the quotas as they then are.
    pub(crate) fn settle(&self, settled: &Settled) -> Option<(bool, Vec<MeterView>)> {
        let Settled { call, lease, at, settlement, .. } = settled;
        let mut seen = self.lock();
        let records: Option<Vec<_>> =
            call.scopes.iter().map(|scope| Some((*seen.get(&scope.key.0)?.with_left).clone())).collect();
        let mut records = records?;
        scope::settle(*at, &mut records, call, *lease, settlement);
        let is_urgent = scope::is_urgent(*at, &records, call);
        let views = call.scopes.iter().zip(&records).flat_map(|(scope, record)| scope::view(*at, record, scope).meters);
        let views = views.collect();
        for (scope, record) in call.scopes.iter().zip(records) {
            if let Some(seen) = seen.get_mut(&scope.key.0) {
                seen.with_left = Arc::new(record);
            }
        }
        Some((is_urgent, views))
    }

    /// The quotas of a call's scopes, as they were last seen.
    pub(crate) fn views(&self, now: Now, call: &Call) -> Vec<MeterView> {
        let seen = self.lock();
        let known = call.scopes.iter().filter_map(|scope| Some((scope, seen.get(&scope.key.0)?)));
        known.flat_map(|(scope, seen)| scope::view(now, &seen.with_left, scope).meters).collect()
    }
}
