//! What a user should know of one statement that did not fail for it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::Engine;

/// Most warnings of one statement that are kept for its front end. `system.warnings` has its own bound.
const MOST: usize = 100;

/// Warnings of one statement. They go to `system.warnings`, and to the front end that runs it.
pub(crate) struct Notes {
    engine: Engine,
    principal: Arc<str>,
    warnings: Mutex<Vec<String>>,
    lacks_rows: Arc<AtomicBool>,
}

impl Notes {
    pub(super) fn new(engine: Engine, principal: Arc<str>) -> Self {
        Self { engine, principal, warnings: Mutex::default(), lacks_rows: Arc::default() }
    }

    /// Notes a warning about a connection, once.
    pub(crate) fn warn(&self, connection: &str, message: impl Into<String>) {
        let message = message.into();
        let names_it = message.starts_with(&format!("{connection}.")) || message.starts_with(&format!("{connection}:"));
        let text = if names_it { message.clone() } else { format!("{connection}: {message}") };
        {
            let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
            if warnings.contains(&text) {
                return;
            }
            if warnings.len() < MOST {
                warnings.push(text);
            }
        }
        self.engine.warn_principal(&self.principal, Some(connection), message);
    }

    /// Notes that rows are missing, which the statement was allowed to go on without: it is not complete.
    pub(crate) fn missing(&self, connection: &str, message: impl Into<String>) {
        self.lacks_rows.store(true, Ordering::Relaxed);
        self.warn(connection, message);
    }

    /// Raised when rows are missing.
    pub(super) fn lacks_rows(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.lacks_rows)
    }

    /// Whether rows are missing.
    pub(crate) fn is_partial(&self) -> bool {
        self.lacks_rows.load(Ordering::Relaxed)
    }

    /// The warnings so far, each with its connection's name at its beginning.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notes").field("lacks_rows", &self.lacks_rows).finish_non_exhaustive()
    }
}
