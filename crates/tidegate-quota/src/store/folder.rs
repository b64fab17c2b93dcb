//! A ledger in the state folder, shared by all processes that use it.

use std::path::Path;

use async_trait::async_trait;

use super::{Change, Store};
use crate::{Error, Result};

/// Keeps the ledger in a database of the state folder.
#[derive(Debug)]
pub struct FolderStore {}

impl FolderStore {
    /// The ledger of this state folder; nothing is opened or made before it is used.
    #[must_use]
    pub fn in_folder(_folder: &Path) -> Self {
        Self {}
    }
}

#[async_trait]
impl Store for FolderStore {
    async fn update(&self, _keys: Vec<String>, _change: Change) -> Result<()> {
        Err(Error::new("the ledger on disk is not built yet"))
    }

    async fn get(&self, _keys: Vec<String>) -> Result<Vec<Option<Vec<u8>>>> {
        Err(Error::new("the ledger on disk is not built yet"))
    }

    async fn list(&self, _prefix: &str) -> Result<Vec<(String, Vec<u8>)>> {
        Err(Error::new("the ledger on disk is not built yet"))
    }
}
