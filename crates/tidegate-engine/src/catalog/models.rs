//! What APIs say of themselves, shared by all sessions.
//!
//! What a manifest says is there when its connection is opened ([`super::manifests`]): the rest is about APIs that are
//! asked. A description lives in memory once parsed, and in the state folder as it was sent. One that was checked
//! within `metadata_max_age` is taken as it is; an older one is revalidated in one call. Two statements that want
//! the same description wait for one call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tidegate_remote::Source;
use tidegate_remote::discover::{Description, odata_metadata};
use tidegate_spec::{Model, Table, odata};
use tidegate_state::CachedMetadata;

use super::manifests::Manifests;
use crate::session::Run;
use crate::{Connection, Connector, Engine, Error, ErrorKind, Result, partitions};

/// Partitions that are asked for a description, one after the other, before it is given up.
const ASKED: usize = 3;

/// A parsed description.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Its tables, in the API's order.
    pub(crate) tables: Arc<[Arc<Table>]>,
}

impl Known {
    pub(super) fn new(tables: Vec<Table>) -> Self {
        Self { tables: tables.into_iter().map(Arc::new).collect() }
    }

    /// The table with this SQL name.
    pub(crate) fn table(&self, name: &str) -> Option<&Arc<Table>> {
        self.tables.iter().find(|table| table.name == name)
    }
}

/// A description that a server gave.
#[derive(Debug, Clone)]
struct Fetched {
    known: Arc<Known>,
    /// When the server last said that it holds.
    checked_at: SystemTime,
    /// What revalidates it; the document itself is not kept in memory.
    validators: Description,
}

impl Fetched {
    /// A clock that was set back makes it old rather than eternal.
    fn is_fresh(&self, now: SystemTime, max_age: Duration) -> bool {
        now.duration_since(self.checked_at).is_ok_and(|age| age <= max_age)
    }
}

/// Descriptions by connection.
#[derive(Debug, Default)]
pub(crate) struct Models {
    entries: Mutex<HashMap<String, Arc<Entry>>>,
    manifests: Manifests,
}

#[derive(Debug, Default)]
struct Entry {
    flight: tokio::sync::Mutex<()>,
    fetched: RwLock<Option<Arc<Fetched>>>,
}

impl Entry {
    fn fetched(&self) -> Option<Arc<Fetched>> {
        self.fetched.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, fetched: Fetched) -> Arc<Fetched> {
        let fetched = Arc::new(fetched);
        *self.fetched.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&fetched));
        fetched
    }

    /// What this process has, or else what the state folder has.
    fn fetched_or_cached(
        &self,
        engine: &Engine,
        connection: &Connection,
        options: &odata::Options,
    ) -> Option<Arc<Fetched>> {
        self.fetched().or_else(|| cached(engine, connection, options).map(|fetched| self.keep(fetched)))
    }
}

impl Models {
    /// The description as far as it is known in this process, however old.
    pub(crate) fn known(&self, connection: &Connection) -> Option<Arc<Known>> {
        match &connection.connector {
            Connector::Manifest(model) => Some(self.manifests.known(model)),
            Connector::OData(options) => {
                self.entry(connection, options).fetched().map(|fetched| Arc::clone(&fetched.known))
            }
        }
    }

    /// The same, looking into the state folder too. Sends nothing.
    pub(crate) fn known_or_cached(&self, engine: &Engine, connection: &Connection) -> Option<Arc<Known>> {
        match &connection.connector {
            Connector::Manifest(model) => Some(self.manifests.known(model)),
            Connector::OData(options) => {
                let fetched = self.entry(connection, options).fetched_or_cached(engine, connection, options);
                fetched.map(|fetched| Arc::clone(&fetched.known))
            }
        }
    }

    /// The description, not older than the session's `metadata_max_age`. The call, if one is needed, is paid for
    /// by the statement of `run`. A manifest needs none.
    ///
    /// # Errors
    /// When the API does not answer with a description that can be read.
    pub(crate) async fn resolve(&self, connection: &Connection, run: &Run) -> Result<Arc<Known>> {
        match &connection.connector {
            Connector::Manifest(model) => {
                for note in self.manifests.untold_notes(model) {
                    run.engine().warn(Some(&connection.def.name), note);
                }
                Ok(self.manifests.known(model))
            }
            Connector::OData(options) => self.resolve_odata(connection, options, run).await,
        }
    }

    async fn resolve_odata(&self, connection: &Connection, options: &odata::Options, run: &Run) -> Result<Arc<Known>> {
        let engine = run.engine();
        let entry = self.entry(connection, options);
        let _one_at_a_time = entry.flight.lock().await;
        let fetched = entry.fetched_or_cached(engine, connection, options);
        let now = engine.parts().clock.now();
        if let Some(fetched) = &fetched
            && fetched.is_fresh(now, run.settings().metadata_max_age)
        {
            return Ok(Arc::clone(&fetched.known));
        }
        let validators = fetched.as_ref().map(|fetched| &fetched.validators);
        let answer = described(&describing(connection, run).await?, validators).await?;
        let now = engine.parts().clock.now();
        let newest = match (answer, fetched) {
            (Some(description), _) => read(engine, connection, options, description, now)?,
            (None, Some(fetched)) => {
                let kept = engine.parts().state.touch_metadata(&connection.fingerprint, now);
                warn_of_state(engine, kept);
                Fetched { checked_at: now, ..Fetched::clone(&fetched) }
            }
            (None, None) => {
                let name = &connection.def.name;
                let message = format!("{name}: the server says that a description holds which it never sent");
                return Err(Error::new(ErrorKind::Remote, message));
            }
        };
        Ok(Arc::clone(&entry.keep(newest).known))
    }

    fn entry(&self, connection: &Connection, options: &odata::Options) -> Arc<Entry> {
        // The same document reads differently under other options.
        let key = format!("{} {options:?}", connection.fingerprint);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(entries.entry(key).or_default())
    }
}

/// Who may be asked for a description: where each partition has an address of its own the first selected ones, since
/// it is the same for all.
async fn describing(connection: &Connection, run: &Run) -> Result<Vec<Source>> {
    let source = connection.source(run.principal(), &run.statement()?);
    if !partitions::base_needs_partition(connection) {
        return Ok(vec![source]);
    }
    let all = partitions::resolve(connection, run).await?;
    let mut codes = run.shared().selection(connection).codes(&connection.def.name, &all)?;
    if codes.is_empty() {
        codes = all.iter().map(|partition| Arc::from(partition.code.as_str())).collect();
    }
    let sources =
        codes.iter().take(ASKED).map(|code| partitions::source_of(&source, code).map_err(|error| Error::from(*error)));
    sources.collect()
}

/// Asks for the description. A partition that refuses, or is not there, leaves it to the next one to tell.
async fn described(sources: &[Source], validators: Option<&Description>) -> Result<Option<Description>> {
    let mut first = None;
    for source in sources {
        match odata_metadata(source, validators).await {
            Err(error) if matches!(error.kind, tidegate_remote::ErrorKind::Status { .. }) => {
                first.get_or_insert(error);
            }
            answer => return Ok(answer?),
        }
    }
    match first {
        Some(error) => Err(error.into()),
        None => Err(Error::new(ErrorKind::Name, "the connection has no partition whose API could be described")),
    }
}

/// Parses and keeps what the server sent.
fn read(
    engine: &Engine,
    connection: &Connection,
    options: &odata::Options,
    description: Description,
    now: SystemTime,
) -> Result<Fetched> {
    let name = &connection.def.name;
    let model = odata::parse(&description.document, options).map_err(|error| {
        let message = format!("{name}: the API's description at {} cannot be read: {error}", connection.base);
        Error::new(ErrorKind::Remote, message).with_source(error)
    })?;
    let Description { document, etag, last_modified } = description;
    let metadata =
        CachedMetadata { document, etag: etag.clone(), last_modified: last_modified.clone(), checked_at: now };
    warn_of_state(engine, engine.parts().state.put_metadata(&connection.fingerprint, &metadata));
    Ok(fetched(engine, connection, model, now, etag, last_modified))
}

/// What the state folder has. A document that cannot be read any more is as good as none: it is fetched anew.
fn cached(engine: &Engine, connection: &Connection, options: &odata::Options) -> Option<Fetched> {
    let metadata = match engine.parts().state.metadata(&connection.fingerprint) {
        Ok(metadata) => metadata?,
        Err(error) => {
            warn_of_state(engine, Err(error));
            return None;
        }
    };
    let model = odata::parse(&metadata.document, options).ok()?;
    let CachedMetadata { etag, last_modified, checked_at, .. } = metadata;
    Some(fetched(engine, connection, model, checked_at, etag, last_modified))
}

fn fetched(
    engine: &Engine,
    connection: &Connection,
    model: Model,
    checked_at: SystemTime,
    etag: Option<String>,
    last_modified: Option<String>,
) -> Fetched {
    for note in model.notes {
        engine.warn(Some(&connection.def.name), note);
    }
    Fetched {
        known: Arc::new(Known::new(model.tables)),
        checked_at,
        validators: Description { document: String::new(), etag, last_modified },
    }
}

/// The state folder makes later statements cheaper; this one does not fail for it.
fn warn_of_state(engine: &Engine, result: tidegate_state::Result<()>) {
    if let Err(error) = result {
        engine.warn(None, format!("a description could not be cached: {error}"));
    }
}
