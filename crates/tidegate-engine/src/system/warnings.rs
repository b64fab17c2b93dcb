//! What a user should know and no statement failed for: a ring of this process, shown as `system.warnings`.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// Warnings kept; older ones go first.
const CAPACITY: usize = 1000;

/// One warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Warning {
    /// When it was last noted.
    pub(crate) at: SystemTime,
    /// Connection that it is about.
    pub(crate) connection: Option<String>,
    /// What happened.
    pub(crate) message: String,
}

/// Warnings of this process, oldest first. One that comes again moves to the end in place of standing twice.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    ring: Mutex<VecDeque<Warning>>,
}

impl Warnings {
    /// Adds one.
    pub(crate) fn push(&self, at: SystemTime, connection: Option<&str>, message: String) {
        let warning = Warning { at, connection: connection.map(str::to_owned), message };
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.retain(|old| (&old.connection, &old.message) != (&warning.connection, &warning.message));
        if ring.len() == CAPACITY {
            ring.pop_front();
        }
        ring.push_back(warning);
    }

    /// All, oldest first.
    pub(crate) fn snapshot(&self) -> Vec<Warning> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
