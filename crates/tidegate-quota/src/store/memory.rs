//! A ledger that ends with the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Change, Slot, Store};
use crate::Result;

/// Keeps the ledger in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<BTreeMap<String, Vec<u8>>>);

impl MemoryStore {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn update(&self, keys: Vec<String>, mut change: Change) -> Result<()> {
        let mut entries = self.entries();
        let slot = |key: String| Slot { value: entries.get(&key).cloned(), key, is_changed: false };
        let mut slots: Vec<Slot> = keys.into_iter().map(slot).collect();
        change(&mut slots);
        for slot in slots.into_iter().filter(|slot| slot.is_changed) {
            match slot.value {
                Some(value) => entries.insert(slot.key, value),
                None => entries.remove(&slot.key),
            };
        }
        Ok(())
    }

    async fn get(&self, keys: Vec<String>) -> Result<Vec<Option<Vec<u8>>>> {
        let entries = self.entries();
        Ok(keys.iter().map(|key| entries.get(key).cloned()).collect())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>> {
        let entries = self.entries();
        let from = entries.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix));
        Ok(from.map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}
