//! Scopes of which the store has nothing. Many servers let nobody store their answers: a scan of thousands of pages then
//! looks once, and not for every page.
//!
//! A statement does not take what another one has found: its first look is its own, so that it sees what any process has
//! stored before it began. What others store while it runs it sees a little later, which may cost a call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::StatementId;

/// How long a statement believes it.
const BELIEVED: Duration = Duration::from_secs(1);

/// What is known of scopes.
#[derive(Debug, Default)]
pub(super) struct Barren(Mutex<HashMap<Arc<str>, Scope>>);

#[derive(Debug, Default)]
struct Scope {
    /// Answers that this process has given to the store.
    puts: u64,
    /// The statement that found nothing, and when, by the clock's elapsed time.
    found: Option<(StatementId, Duration)>,
}

impl Barren {
    /// Whether this statement has found nothing, not long ago.
    pub(super) fn is_known(&self, scope: &str, statement: StatementId, now: Duration) -> bool {
        let scopes = self.lock();
        let found = scopes.get(scope).and_then(|scope| scope.found);
        found.is_some_and(|(by, at)| by == statement && now.saturating_sub(at) < BELIEVED)
    }

    /// How many answers were given to the store: to be asked before the store is.
    pub(super) fn puts(&self, scope: &str) -> u64 {
        self.lock().get(scope).map_or(0, |scope| scope.puts)
    }

    /// The store said so after `puts`; whether that still holds.
    pub(super) fn found(&self, scope: &Arc<str>, statement: StatementId, now: Duration, puts: u64) -> bool {
        let mut scopes = self.lock();
        let scope = scopes.entry(Arc::clone(scope)).or_default();
        let holds = scope.puts == puts;
        if holds {
            scope.found = Some((statement, now));
        }
        holds
    }

    /// The store is about to be given an answer.
    pub(super) fn ends(&self, scope: &Arc<str>) {
        let mut scopes = self.lock();
        let scope = scopes.entry(Arc::clone(scope)).or_default();
        scope.puts += 1;
        scope.found = None;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Scope>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
