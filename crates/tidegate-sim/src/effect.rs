//! The server's own account of what was really changed, whatever its clients were told.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

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
pub(crate) struct Effects(Mutex<Vec<Effect>>);

impl Effects {
    fn lock(&self) -> MutexGuard<'_, Vec<Effect>> {
        // The list is whole after every operation, so a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers and enters an effect.
    pub(crate) fn add(&self, mut effect: Effect) {
        let mut list = self.lock();
        effect.n = list.len() as u64 + 1;
        list.push(effect);
    }

    pub(crate) fn all(&self) -> Vec<Effect> {
        self.lock().clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }
}
