//! Builds an engine: state, time, recorder, connections.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use tidegate_engine::EngineParts;
use tidegate_quota::{FolderStore, Ledger, MemoryStore, Store, TestClock};
use tidegate_state::{CacheDb, Journal, PageKeeper, State};
use tidegate_transport::{Clock, Http, HttpCache, HttpOptions, Jitter, Replay, RequestLog, SystemClock, Transport};

use crate::cache::{FolderAnswers, FolderPages};
use crate::connect::{Layers, Network, Warner, warning};
use crate::connector::Registry;
use crate::environment::Environment;
use crate::failure::local;
use crate::oauth::{OAuthParts, Renewals, TokenMetering};
use crate::{ConnectionDef, Engine, Result};

/// Requests that `system.requests` remembers.
const REQUEST_LOG_CAPACITY: usize = 10_000;

/// Where state is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum StateLocation {
    /// In memory: it ends with the process.
    #[default]
    Memory,
    /// In this folder, made when first used.
    Folder(PathBuf),
}

/// Builds an [`Engine`].
#[derive(Debug)]
pub struct Builder {
    state: StateLocation,
    clock: Arc<dyn Clock>,
    jitter: Jitter,
    environment: Environment,
    network: Option<Arc<dyn Transport>>,
    tape: Option<Tape>,
    connections: Vec<ConnectionDef>,
    working_dir: Option<PathBuf>,
    connector_folder: Option<PathBuf>,
}

#[derive(Debug)]
enum Tape {
    Record(PathBuf),
    Replay(PathBuf),
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            state: StateLocation::default(),
            clock: Arc::new(SystemClock::default()),
            jitter: Jitter::from_entropy(),
            environment: Environment::process(),
            network: None,
            tape: None,
            connections: Vec::new(),
            working_dir: None,
            connector_folder: None,
        }
    }
}

impl Builder {
    /// Where state is kept; in memory by default.
    #[must_use]
    pub fn state(mut self, location: StateLocation) -> Self {
        self.state = location;
        self
    }

    /// The clock to wait on.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes backoff repeatable.
    #[must_use]
    pub fn jitter_seed(mut self, seed: u64) -> Self {
        self.jitter = Jitter::seeded(seed);
        self
    }

    /// Looks variables up here in place of the process's environment.
    #[must_use]
    pub fn environment(mut self, lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.environment = Environment::new(lookup);
        self
    }

    /// Keeps every exchange in this file, without secrets. Of this and [`Builder::replay`] the last one holds.
    #[must_use]
    pub fn record(mut self, file: impl Into<PathBuf>) -> Self {
        self.tape = Some(Tape::Record(file.into()));
        self
    }

    /// Answers from this recording, without a network.
    #[must_use]
    pub fn replay(mut self, file: impl Into<PathBuf>) -> Self {
        self.tape = Some(Tape::Replay(file.into()));
        self
    }

    /// Sends requests here in place of HTTP: for tests and for proxies of one's own. It stands innermost, so it
    /// sees credentials. What it answers can be recorded; a replay does without it.
    #[must_use]
    pub fn network(mut self, transport: Arc<dyn Transport>) -> Self {
        self.network = Some(transport);
        self
    }

    /// Adds a connection.
    #[must_use]
    pub fn connection(mut self, def: ConnectionDef) -> Self {
        self.connections.push(def);
        self
    }

    /// Adds connections, such as those of a configuration file.
    #[must_use]
    pub fn connections(mut self, defs: impl IntoIterator<Item = ConnectionDef>) -> Self {
        self.connections.extend(defs);
        self
    }

    /// Folder that relative paths of local files start from; the current one by default.
    #[must_use]
    pub fn working_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.working_dir = Some(folder.into());
        self
    }

    /// Folder of the user's own connectors: `NAME.yaml` there is the connector NAME. None by default.
    #[must_use]
    pub fn connector_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.connector_folder = Some(folder.into());
        self
    }

    /// Builds the engine. Sends nothing, and opens no state before it is used.
    ///
    /// # Errors
    /// A connection's options (see [`Engine::add_connection`]), a recording that cannot be opened.
    pub fn build(self) -> Result<Engine> {
        let state = Arc::new(match &self.state {
            StateLocation::Memory => State::in_memory(),
            StateLocation::Folder(folder) => State::in_folder(folder),
        });
        let journal = Arc::new(match &self.state {
            StateLocation::Memory => Journal::in_memory(),
            StateLocation::Folder(folder) => Journal::in_folder(folder),
        });
        let store: Arc<dyn Store> = match &self.state {
            StateLocation::Memory => Arc::<MemoryStore>::default(),
            StateLocation::Folder(folder) => Arc::new(FolderStore::in_folder(folder)),
        };
        let cache = match &self.state {
            StateLocation::Memory => None,
            StateLocation::Folder(folder) => Some(Arc::new(CacheDb::in_folder(folder))),
        };
        let requests = Arc::new(RequestLog::new(REQUEST_LOG_CAPACITY));
        let live = self.network.unwrap_or_else(|| Arc::new(Http::new(HttpOptions::default())));
        let network = match self.tape {
            None => Network::live(live),
            Some(Tape::Record(file)) => Network::recorded(live, &file)?,
            Some(Tape::Replay(file)) => Network::replayed(Arc::new(Replay::open(&file).map_err(local)?)),
        };
        // A replay spends nothing, and what it waits for has passed.
        let ledger = Arc::new(if network.is_replay() {
            Ledger::new(Arc::<MemoryStore>::default(), Arc::new(TestClock::new(self.clock.now())))
        } else {
            Ledger::new(store, Arc::clone(&self.clock))
        });
        let working_dir = self.working_dir.map_or_else(std::env::current_dir, Ok).map_err(local)?;
        let connectors = Arc::new(Registry::new(self.environment, working_dir.clone(), self.connector_folder));
        let jitter = Arc::new(self.jitter);
        let warner = Arc::<OnceLock<Box<Warner>>>::default();
        let mut answers = HttpCache::new(Arc::clone(&self.clock), Arc::clone(&requests)).warning(warning(&warner));
        if let (Some(db), StateLocation::Folder(folder)) = (&cache, &self.state) {
            let (db, keeper) = (Arc::clone(db), PageKeeper::in_folder(folder));
            answers = answers
                .storing(Arc::new(FolderAnswers { db, clock: Arc::clone(&self.clock) }))
                .keeping(Arc::new(FolderPages { keeper, clock: Arc::clone(&self.clock) }));
        }
        let oauth = OAuthParts {
            network: network.inner(),
            requests: Arc::clone(&requests),
            state: Arc::clone(&state),
            clock: Arc::clone(&self.clock),
            jitter: Arc::clone(&jitter),
            renewals: Renewals::default(),
            metering: TokenMetering::default(),
        };
        let layers = Arc::new(Layers {
            network,
            requests: Arc::clone(&requests),
            ledger: Arc::clone(&ledger),
            warner,
            cache: Arc::new(answers),
            clock: Arc::clone(&self.clock),
            jitter,
            connectors: Arc::clone(&connectors),
            oauth: oauth.clone(),
            failed: Mutex::default(),
        });
        let inner = tidegate_engine::Engine::new(EngineParts {
            connect: Arc::clone(&layers) as Arc<dyn tidegate_engine::Connect>,
            state: Arc::clone(&state),
            journal,
            cache: cache.clone(),
            requests,
            ledger: Arc::clone(&ledger),
            clock: Arc::clone(&self.clock),
            working_dir,
        });
        layers.warner.get_or_init(|| Box::new(inner.warner()));
        for def in &self.connections {
            inner.add_connection(def)?;
        }
        Ok(Engine { inner, state, clock: self.clock, connectors, layers, oauth, ledger, answers: cache })
    }
}
