//! The server's own account of what was really changed, whatever its clients were told.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::clock::Clock;

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EffectKind {
    /// It was made.
    Insert,
    /// Some of its columns were written, with other values or the same.
    Update,
    /// It was removed.
    Delete,
}

impl EffectKind {
    /// `insert`, `update` or `delete`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// One row that was changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// Number since the start; the first is 1.
    pub n: u64,
    /// Number of the request in the log; 0 for a change that a test made by itself.
    pub request: u64,
    /// Division; 0 if there are none.
    pub division: u32,
    /// Entity set, or collection of the `Rest` shape: `Accounts`, `items`, `streams/a/entries`.
    pub table: String,
    /// What became of the row.
    pub kind: EffectKind,
    /// Its key: values in the order of the key, with commas between them; guids in lower case.
    pub key: String,
    /// What the request wrote, as it wrote it; null for a removal.
    pub values: Value,
    /// Key under which the client asked for it to be done only once, of the request or of the row.
    pub idempotency_key: Option<String>,
}

impl Effect {
    /// As `GET /_effects` shows it.
    pub(crate) fn json(&self) -> Value {
        json!({
            "n": self.n,
            "request": self.request,
            "division": self.division,
            "table": self.table,
            "kind": self.kind.name(),
            "key": self.key,
            "values": self.values,
            "idempotency_key": self.idempotency_key,
        })
    }
}

/// All effects since the start, in the order in which they happened.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    clock: Clock,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    list: Vec<Effect>,
    /// When each division was last changed, in microseconds since 1970.
    changed: BTreeMap<u32, u64>,
}

impl Effects {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, known: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // It is whole after every operation, so a panic elsewhere does not spoil it.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers and enters an effect.
    pub(crate) fn add(&self, mut effect: Effect) {
        let mut known = self.lock();
        effect.n = known.list.len() as u64 + 1;
        known.changed.insert(effect.division, self.clock.micros());
        known.list.push(effect);
    }

    /// When a division was last changed, in microseconds since 1970; 0 if it never was.
    pub(crate) fn changed_at(&self, division: u32) -> u64 {
        self.lock().changed.get(&division).copied().unwrap_or(0)
    }

    pub(crate) fn all(&self) -> Vec<Effect> {
        self.lock().list.clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().list.len()
    }
}
