//! Changes that wait to be written: answers of many calls go to the disk in one transaction.
//!
//! A change is seen by readers of this process from the moment it is queued until it is committed. Others see it then.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use super::{CacheKey, CacheLabel, CachedAnswer};
use crate::Error;

/// What becomes of one key.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Put(Arc<(CacheLabel, CachedAnswer)>),
    Remove,
}

impl Change {
    fn bytes(&self) -> usize {
        match self {
            Self::Put(put) => put.1.bytes(),
            Self::Remove => 0,
        }
    }
}

/// Uses of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Uses {
    pub(super) last: SystemTime,
    pub(super) count: u64,
}

/// Changes that are written together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) changes: HashMap<CacheKey, Change>,
    pub(super) uses: HashMap<CacheKey, Uses>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.uses.is_empty()
    }

    /// Bytes of its answers.
    pub(super) fn bytes(&self) -> u64 {
        self.changes.values().map(|change| change.bytes() as u64).sum()
    }
}

/// What is known of a key before the disk is asked.
#[derive(Debug)]
pub(super) enum Known {
    Answer(Arc<(CacheLabel, CachedAnswer)>),
    Removed,
    Nothing,
}

/// All that waits.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Batch,
    /// Bytes of the answers in `waiting`.
    bytes: usize,
    /// What is being written now.
    writing: Option<Arc<Batch>>,
    /// Why answers were lost that somebody wrote in the background.
    failure: Option<Error>,
    /// No more is written in the background.
    pub(super) is_closed: bool,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Queues a change in place of an earlier one of the same key.
    pub(super) fn push(&mut self, key: CacheKey, change: Change) {
        self.bytes += change.bytes();
        if let Some(replaced) = self.waiting.changes.insert(key, change) {
            self.bytes -= replaced.bytes();
        }
    }

    pub(super) fn push_use(&mut self, key: CacheKey, at: SystemTime) {
        let uses = self.waiting.uses.entry(key).or_insert(Uses { last: at, count: 0 });
        uses.last = uses.last.max(at);
        uses.count += 1;
    }

    pub(super) fn known(&self, key: &CacheKey) -> Known {
        let batches = [Some(&self.waiting), self.writing.as_deref()];
        match batches.into_iter().flatten().find_map(|batch| batch.changes.get(key)) {
            Some(Change::Put(put)) => Known::Answer(Arc::clone(put)),
            Some(Change::Remove) => Known::Removed,
            None => Known::Nothing,
        }
    }

    /// Whether an answer of this scope is queued, or being written.
    pub(super) fn holds_any(&self, scope: &str) -> bool {
        let batches = [Some(&self.waiting), self.writing.as_deref()];
        let is_of = |change: &Change| matches!(change, Change::Put(put) if put.0.scope == scope);
        batches.into_iter().flatten().any(|batch| batch.changes.values().any(is_of))
    }

    /// Takes all that waits; it is still known until [`Queue::written`]. One caller at a time.
    pub(super) fn take(&mut self) -> Option<Arc<Batch>> {
        if self.is_empty() {
            return None;
        }
        self.bytes = 0;
        let batch = Arc::new(std::mem::take(&mut self.waiting));
        self.writing = Some(Arc::clone(&batch));
        Some(batch)
    }

    /// What was taken is on the disk, or lost.
    pub(super) fn written(&mut self) {
        self.writing = None;
    }

    /// Forgets answers of this scope, or all.
    pub(super) fn forget(&mut self, scope: Option<&str>) {
        let mut freed = 0;
        self.waiting.changes.retain(|_, change| match change {
            Change::Put(put) if scope.is_none_or(|scope| put.0.scope == scope) => {
                freed += put.1.bytes();
                false
            }
            _ => true,
        });
        self.bytes -= freed;
    }

    pub(super) fn fail(&mut self, error: Error) {
        self.failure.get_or_insert(error);
    }

    /// The failure that nobody was told of yet.
    pub(super) fn take_failure(&mut self) -> Option<Error> {
        self.failure.take()
    }
}
