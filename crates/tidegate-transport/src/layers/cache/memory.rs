//! Answers in this process's memory: bounded in bytes, those used longest ago go first.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::answer::Answer;
use crate::CacheKey;

/// Answers in memory.
#[derive(Debug)]
pub(super) struct Memory {
    bound: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    answers: HashMap<CacheKey, Entry>,
    /// Keys by their last use.
    order: BTreeMap<u64, CacheKey>,
    uses: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    answer: Arc<Answer>,
    scope: Arc<str>,
    weight: usize,
    used: u64,
}

impl Memory {
    /// Holds at most `bound` bytes.
    pub(super) fn new(bound: usize) -> Self {
        Self { bound, held: Mutex::default() }
    }

    pub(super) fn get(&self, key: &CacheKey) -> Option<Arc<Answer>> {
        let held = &mut *self.lock();
        held.uses += 1;
        let entry = held.answers.get_mut(key)?;
        held.order.remove(&entry.used);
        entry.used = held.uses;
        held.order.insert(entry.used, *key);
        Some(Arc::clone(&entry.answer))
    }

    /// Stores an answer. One above a quarter of the bound would drive out too many others.
    pub(super) fn put(&self, key: &CacheKey, scope: &Arc<str>, answer: &Arc<Answer>) {
        let weight = answer.weight();
        let held = &mut *self.lock();
        held.remove(key);
        if weight > self.bound / 4 {
            return;
        }
        held.uses += 1;
        let used = held.uses;
        held.order.insert(used, *key);
        held.answers.insert(*key, Entry { answer: Arc::clone(answer), scope: Arc::clone(scope), weight, used });
        held.bytes += weight;
        while held.bytes > self.bound {
            let Some((_, oldest)) = held.order.first_key_value() else { return };
            let oldest = *oldest;
            held.remove(&oldest);
        }
    }

    pub(super) fn remove(&self, key: &CacheKey) {
        self.lock().remove(key);
    }

    /// Forgets the answers of a scope, or all.
    pub(super) fn clear(&self, scope: Option<&str>) {
        let held = &mut *self.lock();
        let is_gone = |entry: &Entry| scope.is_none_or(|scope| *entry.scope == *scope);
        let gone: Vec<CacheKey> =
            held.answers.iter().filter(|(_, entry)| is_gone(entry)).map(|(key, _)| *key).collect();
        gone.iter().for_each(|key| held.remove(key));
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn remove(&mut self, key: &CacheKey) {
        if let Some(entry) = self.answers.remove(key) {
            self.order.remove(&entry.used);
            self.bytes -= entry.weight;
        }
    }
}
