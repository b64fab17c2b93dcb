//! Idempotency keys: under one of them a request is done once, and answered in the same way as often as it comes
//! (draft-ietf-httpapi-idempotency-key-header-07).

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::request::Parts;

use crate::reply::Reply;

/// Requests by division and key.
#[derive(Debug, Default)]
pub(crate) struct Keys(Mutex<HashMap<(u32, String), Kept>>);

#[derive(Debug)]
struct Kept {
    /// Of method, target and body.
    hash: u64,
    /// Microseconds since 1970.
    at: u64,
    /// `None` while it is worked on.
    reply: Option<Reply>,
}

/// A request with its key.
#[derive(Debug, Clone)]
pub(crate) struct Keyed {
    pub(crate) key: String,
    division: u32,
    hash: u64,
}

impl Keyed {
    /// `None` if it has no key.
    pub(crate) fn new(division: u32, request: &Parts, body: &[u8]) -> Option<Self> {
        let key = request.headers.get("idempotency-key")?.to_str().ok()?.trim_matches('"').to_owned();
        let mut hasher = DefaultHasher::new();
        (request.method.as_str(), request.uri.to_string(), body).hash(&mut hasher);
        Some(Self { key, division, hash: hasher.finish() })
    }
}

/// What there is to do with a request.
pub(crate) enum Arrived {
    /// It is the first one: its answer is to be kept with [`Keys::keep`], or it is to be forgotten.
    First,
    /// It was answered.
    Again(Reply),
    /// The first one is being worked on.
    Busy,
    /// There was another request under this key.
    Other,
}

impl Keys {
    fn lock(&self) -> MutexGuard<'_, HashMap<(u32, String), Kept>> {
        // Entries are whole after every operation, so a panic elsewhere does not spoil them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn arrive(&self, keyed: &Keyed, now: u64, lifetime: Duration) -> Arrived {
        let mut kept = self.lock();
        let slot = (keyed.division, keyed.key.clone());
        let known = kept.get(&slot).filter(|known| now < known.at.saturating_add(lifetime.as_micros() as u64));
        match known {
            Some(known) if known.hash != keyed.hash => Arrived::Other,
            Some(Kept { reply: Some(reply), .. }) => Arrived::Again(reply.clone()),
            Some(_) => Arrived::Busy,
            None => {
                kept.insert(slot, Kept { hash: keyed.hash, at: now, reply: None });
                Arrived::First
            }
        }
    }

    pub(crate) fn keep(&self, keyed: &Keyed, reply: &Reply) {
        if let Some(kept) = self.lock().get_mut(&(keyed.division, keyed.key.clone())) {
            kept.reply = Some(reply.clone());
        }
    }

    /// The request was not done.
    pub(crate) fn forget(&self, keyed: &Keyed) {
        let mut kept = self.lock();
        let slot = (keyed.division, keyed.key.clone());
        if kept.get(&slot).is_some_and(|kept| kept.reply.is_none()) {
            kept.remove(&slot);
        }
    }
}
