//! Where the ledger is kept: bytes under keys, changed several at once.
//!
//! That is all that the ledger asks of a store, so that Postgres or Redis can follow. A change is a function from what
//! was read to what is written: a store that locks runs it once, one that compares and swaps may run it again.

mod folder;
mod memory;

use async_trait::async_trait;

pub use self::folder::FolderStore;
pub use self::memory::MemoryStore;
use crate::Result;

/// One entry during a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Its key.
    pub key: String,
    /// What is there, or is to be there; `None` for nothing.
    pub value: Option<Vec<u8>>,
    /// Whether `value` is to be written. Left alone, nothing is.
    pub is_changed: bool,
}

/// Turns what was read into what is written. May be run several times; what the last run decided holds.
pub type Change = Box<dyn FnMut(&mut [Slot]) + Send>;

/// Keeps the ledger.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    /// Reads these entries, runs `change` on them in the order of `keys`, and writes what it changed: all of it or
    /// nothing, and as if nobody else did anything meanwhile.
    ///
    /// # Errors
    /// When that cannot be done; then nothing was written.
    async fn update(&self, keys: Vec<String>, change: Change) -> Result<()>;

    /// Reads these entries, in the order of `keys`, as they are together at one time.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn get(&self, keys: Vec<String>) -> Result<Vec<Option<Vec<u8>>>>;

    /// All entries whose keys begin with `prefix`, by key.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn list(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>>;
}
