//! What a session is, as its catalog, its system tables and its running statements see it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::catalog::{MAIN, MainSchema};
use crate::partitions::Selection;
use crate::{Connection, Engine, Error, ErrorKind, Result, Settings};

/// Shared by a session and what it has started.
#[derive(Debug)]
pub(crate) struct Shared {
    engine: Engine,
    principal: Arc<str>,
    settings: RwLock<Settings>,
    default_schema: RwLock<String>,
    /// Connections made (`Some`) or dropped (`None`) in this session, over those of the engine.
    overlay: RwLock<BTreeMap<String, Option<Arc<Connection>>>>,
    /// What USE has selected, by connection.
    selections: RwLock<BTreeMap<String, Selection>>,
    main: Arc<MainSchema>,
    /// Inside BEGIN … COMMIT.
    in_transaction: AtomicBool,
    /// Whether `read_only` is on for good.
    read_only_locked: AtomicBool,
    /// `SET datafusion.…` of this session, in their order.
    planner_options: Mutex<Vec<(String, String)>>,
}

impl Shared {
    pub(crate) fn new(engine: Engine, principal: &str) -> Self {
        Self {
            engine,
            principal: Arc::from(principal),
            settings: RwLock::default(),
            default_schema: RwLock::new(MAIN.to_owned()),
            overlay: RwLock::default(),
            selections: RwLock::default(),
            main: Arc::default(),
            in_transaction: AtomicBool::new(false),
            read_only_locked: AtomicBool::new(false),
            planner_options: Mutex::default(),
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn principal(&self) -> &Arc<str> {
        &self.principal
    }

    pub(crate) fn main(&self) -> &Arc<MainSchema> {
        &self.main
    }

    /// The settings as they are now.
    pub(crate) fn settings(&self) -> Settings {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the settings, or leaves them when that fails.
    pub(crate) fn change_settings(&self, change: impl FnOnce(&mut Settings) -> Result<()>) -> Result<()> {
        let mut settings = self.settings.write().unwrap_or_else(PoisonError::into_inner);
        *settings = self.changed(&settings, change)?;
        Ok(())
    }

    /// Whether the settings could be changed so.
    pub(crate) fn check_settings(&self, change: impl FnOnce(&mut Settings) -> Result<()>) -> Result<()> {
        self.changed(&self.settings(), change).map(drop)
    }

    fn changed(&self, settings: &Settings, change: impl FnOnce(&mut Settings) -> Result<()>) -> Result<Settings> {
        let mut changed = settings.clone();
        change(&mut changed)?;
        if self.read_only_locked.load(Ordering::Relaxed) && !changed.read_only {
            let message = "tidegate.read_only cannot be turned off: the session was opened read-only";
            return Err(Error::new(ErrorKind::Setting, message));
        }
        Ok(changed)
    }

    /// Turns `read_only` on for good.
    pub(crate) fn lock_read_only(&self) {
        let mut settings = self.settings.write().unwrap_or_else(PoisonError::into_inner);
        settings.read_only = true;
        self.read_only_locked.store(true, Ordering::Relaxed);
    }

    pub(crate) fn default_schema(&self) -> String {
        self.default_schema.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_default_schema(&self, schema: String) {
        *self.default_schema.write().unwrap_or_else(PoisonError::into_inner) = schema;
    }

    /// The connection that this session sees under a name.
    pub(crate) fn connection(&self, name: &str) -> Option<Arc<Connection>> {
        let overlay = self.overlay.read().unwrap_or_else(PoisonError::into_inner);
        match overlay.get(name) {
            Some(own) => own.clone(),
            None => self.engine.connection(name),
        }
    }

    /// Whether the name is taken. A connection that is there without having been made gives way.
    pub(crate) fn is_taken(&self, name: &str) -> bool {
        match self.overlay.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            Some(own) => own.is_some(),
            None => self.engine.made_connection(name).is_some_and(|connection| !self.is_offered(&connection)),
        }
    }

    fn is_offered(&self, connection: &Connection) -> bool {
        self.engine.parts().connect.offered(&connection.def.name).is_some_and(|offered| offered == connection.def)
    }

    /// All connections that this session sees.
    pub(crate) fn connections(&self) -> BTreeMap<String, Arc<Connection>> {
        self.overlaid(self.engine.connections())
    }

    /// Those of them that a planned statement can ask: resolving its names has opened what it names, and opening the
    /// others would read their manifests for nothing.
    pub(crate) fn opened_connections(&self) -> BTreeMap<String, Arc<Connection>> {
        self.overlaid(self.engine.made())
    }

    /// These connections of the engine with what was made and dropped in this session.
    fn overlaid(&self, mut connections: BTreeMap<String, Arc<Connection>>) -> BTreeMap<String, Arc<Connection>> {
        for (name, own) in self.overlay.read().unwrap_or_else(PoisonError::into_inner).iter() {
            match own {
                Some(connection) => connections.insert(name.clone(), Arc::clone(connection)),
                None => connections.remove(name),
            };
        }
        connections
    }

    /// Makes a connection seen (`Some`) or hidden (`None`) in this session.
    pub(crate) fn set_connection(&self, name: &str, connection: Option<Arc<Connection>>) {
        // What was selected belonged to the connection that had the name.
        self.selections.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        self.overlay.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), connection);
    }

    /// The partitions of a connection that this session's statements run over.
    pub(crate) fn selection(&self, connection: &Connection) -> Selection {
        let selections = self.selections.read().unwrap_or_else(PoisonError::into_inner);
        let chosen = selections.get(&connection.def.name).cloned();
        chosen.unwrap_or_else(|| Selection::of_config(&connection.def))
    }

    /// Whether USE has chosen partitions of this connection.
    pub(crate) fn has_selected(&self, connection: &str) -> bool {
        self.selections.read().unwrap_or_else(PoisonError::into_inner).contains_key(connection)
    }

    /// The same connections, tables and options, but with these partitions of one connection: for going on with a
    /// statement as it was begun, whatever USE has chosen since.
    pub(crate) fn with_partitions(&self, connection: &str, codes: &[String]) -> Self {
        let mut selections = self.selections.read().unwrap_or_else(PoisonError::into_inner).clone();
        if !codes.is_empty() {
            selections.insert(connection.to_owned(), Selection::Only(codes.iter().cloned().collect()));
        }
        Self {
            engine: self.engine.clone(),
            principal: Arc::clone(&self.principal),
            settings: RwLock::new(self.settings()),
            default_schema: RwLock::new(self.default_schema()),
            overlay: RwLock::new(self.overlay.read().unwrap_or_else(PoisonError::into_inner).clone()),
            selections: RwLock::new(selections),
            main: Arc::clone(&self.main),
            in_transaction: AtomicBool::new(false),
            read_only_locked: AtomicBool::new(self.read_only_locked.load(Ordering::Relaxed)),
            planner_options: Mutex::new(self.planner_options()),
        }
    }

    /// Selects partitions of a connection, or takes back what was selected.
    pub(crate) fn select(&self, connection: &str, selection: Option<Selection>) {
        let mut selections = self.selections.write().unwrap_or_else(PoisonError::into_inner);
        match selection {
            Some(selection) => selections.insert(connection.to_owned(), selection),
            None => selections.remove(connection),
        };
    }

    pub(crate) fn in_transaction(&self) -> bool {
        self.in_transaction.load(Ordering::Relaxed)
    }

    pub(crate) fn set_in_transaction(&self, is_in: bool) {
        self.in_transaction.store(is_in, Ordering::Relaxed);
    }

    /// `SET datafusion.…` of this session, in their order.
    pub(crate) fn planner_options(&self) -> Vec<(String, String)> {
        self.planner_options.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets one of DataFusion's options, or takes it back to its default.
    pub(crate) fn set_planner_option(&self, name: &str, value: Option<String>) {
        let mut options = self.planner_options.lock().unwrap_or_else(PoisonError::into_inner);
        options.retain(|(set, _)| set != name);
        options.extend(value.map(|value| (name.to_owned(), value)));
    }
}
