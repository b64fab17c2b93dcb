//! A set of what was there before, in bounded memory.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Hashes kept: 8 bytes each. When they are used up they start afresh, and a circle is noticed one round later.
pub(super) const MAX_KEPT: usize = 100_000;

/// Values that were there before, by their hashes.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen(HashSet<u64>);

impl Seen {
    /// Remembers the value; false when it was there already.
    pub(super) fn is_new<T: Hash + ?Sized>(&mut self, value: &T) -> bool {
        let value = hash(value);
        if self.0.contains(&value) {
            return false;
        }
        if self.0.len() >= MAX_KEPT {
            self.0.clear();
        }
        self.0.insert(value)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The value's hash.
pub(super) fn hash<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
