//! What sessions share: connections, descriptions of APIs, state, the request log and memory.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use tidegate_quota::Ledger;
use tidegate_state::{CacheDb, Journal, State};
use tidegate_transport::{Clock, RequestLog};

use crate::catalog::{Models, check_new_name};
use crate::cost::{Knowledge, Statistics};
use crate::partitions::Lists;
use crate::system::Warnings;
use crate::{Connect, Connection, ConnectionDef, Result, Session};

/// Most memory that sorts, joins and aggregates of all sessions together may hold before they spill to disk, in
/// bytes. Pages of a scan are not counted in it: of those there is one at a time.
pub const DEFAULT_MEMORY_LIMIT: usize = 512 * 1024 * 1024;

/// What an engine is made of.
#[derive(Debug)]
pub struct EngineParts {
    /// Opens connections.
    pub connect: Arc<dyn Connect>,
    /// What lasts.
    pub state: Arc<State>,
    /// What mutations are going to change, and what became of it.
    pub journal: Arc<Journal>,
    /// Answers in the state folder; `None` for a state that ends with the process.
    pub cache: Option<Arc<CacheDb>>,
    /// Requests of this process; the same log that the connections' layers write to.
    pub requests: Arc<RequestLog>,
    /// What was spent; the same ledger that the connections' layers book in.
    pub ledger: Arc<Ledger>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Folder that relative paths of local files start from.
    pub working_dir: std::path::PathBuf,
}

/// Shared by all sessions of a process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    parts: EngineParts,
    memory_limit: usize,
    connections: RwLock<BTreeMap<String, Arc<Connection>>>,
    models: Models,
    partitions: Lists,
    warnings: Warnings,
    statistics: Statistics,
    runtime: OnceLock<Arc<RuntimeEnv>>,
    has_mutated: AtomicBool,
}

impl Engine {
    /// An engine without connections, with [`DEFAULT_MEMORY_LIMIT`].
    #[must_use]
    pub fn new(parts: EngineParts) -> Self {
        Self::with_memory_limit(parts, DEFAULT_MEMORY_LIMIT)
    }

    /// An engine whose sorts, joins and aggregates spill to disk above `bytes` in all.
    #[must_use]
    pub fn with_memory_limit(parts: EngineParts, bytes: usize) -> Self {
        Self {
            inner: Arc::new(Inner {
                parts,
                memory_limit: bytes,
                connections: RwLock::default(),
                models: Models::default(),
                partitions: Lists::default(),
                warnings: Warnings::default(),
                statistics: Statistics::default(),
                runtime: OnceLock::new(),
                has_mutated: AtomicBool::new(false),
            }),
        }
    }

    /// Adds a connection that every session sees, also those that are open already.
    ///
    /// # Errors
    /// Those of [`Connect::open`], and a name that is taken or reserved.
    pub fn add_connection(&self, def: &ConnectionDef) -> Result<()> {
        // Names without quotes are read in lower case: two that differ in nothing else would be one.
        let is_taken = self.made().keys().any(|known| known.eq_ignore_ascii_case(&def.name));
        check_new_name(&def.name, is_taken)?;
        let connection = Arc::new(self.inner.parts.connect.open(def)?);
        let mut connections = self.inner.connections.write().unwrap_or_else(PoisonError::into_inner);
        connections.insert(def.name.clone(), connection);
        Ok(())
    }

    /// Opens a session for `principal`.
    #[must_use]
    pub fn session(&self, principal: &str) -> Session {
        Session::new(self.clone(), principal)
    }

    /// The connection that every session sees under this name, be it one that is there without having been made.
    #[must_use]
    pub fn connection(&self, name: &str) -> Option<Arc<Connection>> {
        self.made_connection(name).or_else(|| self.open_offered(name))
    }

    /// The connection that was made under this name, or was used before.
    pub(crate) fn made_connection(&self, name: &str) -> Option<Arc<Connection>> {
        self.inner.connections.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Names of the connections that every session sees, sorted.
    #[must_use]
    pub fn connection_names(&self) -> Vec<String> {
        self.connections().into_keys().collect()
    }

    /// All connections that every session sees.
    pub(crate) fn connections(&self) -> BTreeMap<String, Arc<Connection>> {
        for name in self.parts().connect.offered_names() {
            if self.made_connection(&name).is_none() {
                self.open_offered(&name);
            }
        }
        self.made()
    }

    /// The connections that were made, and those that were there without it and have been used. Opens none.
    pub(crate) fn made(&self) -> BTreeMap<String, Arc<Connection>> {
        self.inner.connections.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens a connection that is there without having been made. One that cannot be opened is as good as none, with
    /// a warning.
    fn open_offered(&self, name: &str) -> Option<Arc<Connection>> {
        let def = self.parts().connect.offered(name)?;
        match self.parts().connect.open(&def) {
            Ok(connection) => {
                let mut connections = self.inner.connections.write().unwrap_or_else(PoisonError::into_inner);
                Some(Arc::clone(connections.entry(def.name).or_insert_with(|| Arc::new(connection))))
            }
            Err(error) => {
                self.warn(Some(name), error.to_string());
                None
            }
        }
    }

    pub(crate) fn parts(&self) -> &EngineParts {
        &self.inner.parts
    }

    pub(crate) fn models(&self) -> &Models {
        &self.inner.models
    }

    pub(crate) fn partition_lists(&self) -> &Lists {
        &self.inner.partitions
    }

    /// True for the first mutation of the process.
    pub(crate) fn begins_mutations(&self) -> bool {
        !self.inner.has_mutated.swap(true, Ordering::Relaxed)
    }

    /// Numbers of rows that were seen.
    pub(crate) fn statistics(&self) -> &Statistics {
        &self.inner.statistics
    }

    /// What is known of numbers of rows now, for a plan.
    pub(crate) fn knowledge(&self) -> Knowledge {
        Knowledge::new(self.clone(), self.parts().clock.now())
    }

    pub(crate) fn warnings(&self) -> &Warnings {
        &self.inner.warnings
    }

    /// Notes something for `system.warnings`.
    pub fn warn(&self, connection: Option<&str>, message: impl Into<String>) {
        self.warnings().push(self.parts().clock.now(), None, connection, message.into());
    }

    /// Notes as [`Self::warn`] does, as long as the engine lives: for its layers, which must not keep it alive.
    pub fn warner(&self) -> impl Fn(Option<&str>, String) + Send + Sync + 'static {
        let inner = Arc::downgrade(&self.inner);
        move |connection, message| {
            if let Some(inner) = inner.upgrade() {
                Self { inner }.warn(connection, message);
            }
        }
    }

    /// Notes something that only this principal's sessions show: its statements' text may stand in it.
    pub(crate) fn warn_principal(&self, principal: &str, connection: Option<&str>, message: impl Into<String>) {
        self.warnings().push(self.parts().clock.now(), Some(principal), connection, message.into());
    }

    /// The runtime of all sessions: one pool of memory, one set of temporary files.
    ///
    /// # Errors
    /// When no folder for temporary files can be had.
    pub(crate) fn runtime(&self) -> Result<Arc<RuntimeEnv>> {
        if let Some(runtime) = self.inner.runtime.get() {
            return Ok(Arc::clone(runtime));
        }
        let pool = Arc::new(FairSpillPool::new(self.inner.memory_limit));
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc()?;
        Ok(Arc::clone(self.inner.runtime.get_or_init(|| runtime)))
    }
}
