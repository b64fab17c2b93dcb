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
    /// Whose statement it is about; everybody's when nobody's.
    pub(crate) principal: Option<String>,
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
    pub(crate) fn push(&self, at: SystemTime, principal: Option<&str>, connection: Option<&str>, message: String) {
        let [principal, connection] = [principal, connection].map(|name| name.map(str::to_owned));
        let warning = Warning { at, principal, connection, message };
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.retain(|old| Warning { at, ..old.clone() } != warning);
        if ring.len() == CAPACITY {
            ring.pop_front();
        }
        ring.push_back(warning);
    }

    /// All that this principal may see, oldest first.
    pub(crate) fn snapshot(&self, principal: &str) -> Vec<Warning> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let is_shown = |warning: &&Warning| warning.principal.as_deref().is_none_or(|whose| whose == principal);
        ring.iter().filter(is_shown).cloned().collect()
    }
}
