//! A ledger in the state folder, shared by all processes that use it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use tidegate_state::Entries;
use tokio::task::spawn_blocking;

use super::{Change, Slot, Store};
use crate::{Error, Result};

/// Keeps the ledger in a database of the state folder. What must wait, for other processes or for the disk, is done on the
/// runtime's threads for blocking work.
#[derive(Debug)]
pub struct FolderStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    entries: Entries,
    is_checkpointing: AtomicBool,
}

impl FolderStore {
    /// The ledger of this state folder; nothing is opened or made before it is used.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        let entries = Entries::in_folder(folder);
        Self { shared: Arc::new(Shared { entries, is_checkpointing: AtomicBool::new(false) }) }
    }

    #[cfg(test)]
    pub(crate) fn wants_checkpoint(&self) -> bool {
        self.shared.entries.wants_checkpoint()
    }

    async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Entries) -> tidegate_state::Result<T> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        match spawn_blocking(move || work(&shared.entries)).await {
            Ok(done) => done.map_err(Error::from),
            Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
            Err(failed) => Err(Error::interrupted().with_source(failed)),
        }
    }

    /// Has a checkpoint made that nobody waits for, if one is due.
    fn checkpoint(&self) {
        if !self.shared.entries.wants_checkpoint() || self.shared.is_checkpointing.swap(true, Ordering::AcqRel) {
            return;
        }
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || {
            // One that fails loses nothing, and is made later; a disk that is full shows in the next change.
            let _ = shared.entries.checkpoint();
            shared.is_checkpointing.store(false, Ordering::Release);
        });
    }
}

/// Runs a change on what was found under its keys, and gives what is to be written, by place.
fn run(keys: &[String], change: &mut Change, found: Vec<Option<Vec<u8>>>) -> Vec<(usize, Option<Vec<u8>>)> {
    let slot = |(key, value): (&String, _)| Slot { key: key.clone(), value, is_changed: false };
    let mut slots: Vec<Slot> = keys.iter().zip(found).map(slot).collect();
    change(&mut slots);
    let changed = slots.into_iter().enumerate().filter(|(_, slot)| slot.is_changed);
    changed.map(|(place, slot)| (place, slot.value)).collect()
}

#[async_trait]
impl Store for FolderStore {
    async fn update(&self, keys: Vec<String>, mut change: Change) -> Result<()> {
        // Handing work to another thread and back costs several times what it takes, unless somebody must be waited for.
        let is_done = self.shared.entries.try_update(&keys, |found| run(&keys, &mut change, found))?;
        if !is_done {
            self.run(move |entries| entries.update(&keys, |found| run(&keys, &mut change, found))).await?;
        }
        self.checkpoint();
        Ok(())
    }

    async fn get(&self, keys: Vec<String>) -> Result<Vec<Option<Vec<u8>>>> {
        self.run(move |entries| entries.get(&keys)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>> {
        let prefix = prefix.to_owned();
        self.run(move |entries| entries.list(&prefix)).await
    }
}
