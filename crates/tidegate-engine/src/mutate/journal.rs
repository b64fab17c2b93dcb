//! The journal as mutations of a session use it: off the async threads, and what is kept to go on with one later.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tidegate_state::{Claim, Journal, MutationRecord, MutationStart};

use crate::session::Run;
use crate::{Connection, Engine, Error, ErrorKind, Result};

/// How long mutations are kept that have ended.
const KEPT_FOR: Duration = Duration::from_secs(30 * 86_400);

/// Most bytes of the journal: the oldest mutations that have ended go first.
const MOST_BYTES: u64 = 1_000_000_000;

/// What is kept beside a mutation's rows, to go on with it in another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// What bare names meant.
    pub(crate) default_schema: String,
    /// Codes of the partitions that it reached; none for a table without partitions.
    pub(crate) partitions: Vec<String>,
    /// Settings that differed from their defaults.
    pub(crate) settings: BTreeMap<String, String>,
    /// Whether its text alone says what it selects: it had no parameters, and nothing of it was blanked as a secret.
    pub(crate) is_whole: bool,
    /// Whether rows are sent in their order.
    pub(crate) in_order: bool,
}

impl Kept {
    /// As it stands in the journal.
    ///
    /// # Errors
    /// It was written by a program of another version, or by none.
    pub(crate) fn of(record: &MutationRecord) -> Result<Self> {
        serde_json::from_str(&record.start.settings).map_err(|error| {
            let message = format!("the journal's settings of mutation {} cannot be read: {error}", record.start.id);
            Error::new(ErrorKind::Local, message).with_source(error)
        })
    }

    fn text(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::new(ErrorKind::Local, error.to_string()).with_source(error))
    }
}

/// Runs work that waits for the disk where that holds nobody up.
///
/// # Errors
/// Those of the journal.
pub(crate) async fn blocking<T: Send + 'static>(
    journal: &Arc<Journal>,
    work: impl FnOnce(&Journal) -> tidegate_state::Result<T> + Send + 'static,
) -> Result<T> {
    let journal = Arc::clone(journal);
    match tokio::task::spawn_blocking(move || work(&journal)).await {
        Ok(done) => Ok(done?),
        Err(error) => {
            Err(Error::new(ErrorKind::Local, "the journal could not be used: its thread ended").with_source(error))
        }
    }
}

/// Which table of which connection a mutation changes, and why.
#[derive(Debug)]
pub(crate) struct Beginning<'a> {
    /// `update`, `delete`, `insert`, `merge` or `undo`.
    pub(crate) kind: &'a str,
    /// Where.
    pub(crate) connection: &'a Connection,
    /// What, as named in SQL.
    pub(crate) table: &'a str,
    /// What is needed to go on with it.
    pub(crate) kept: &'a Kept,
    /// The mutation that this one undoes.
    pub(crate) undo_of: Option<String>,
    /// Whether its rows wait for APPLY.
    pub(crate) is_planned: bool,
}

/// Claims an id and writes the beginning of a mutation under it.
///
/// # Errors
/// Those of the journal.
pub(crate) async fn begin(run: &Run, beginning: Beginning<'_>) -> Result<Claim> {
    let engine = run.engine();
    if engine.begins_mutations() {
        prune(engine).await;
        if !engine.parts().journal.is_durable() {
            let message = "its mutations are journalled in memory: no other process can resume or undo them";
            run.notes().warn(&beginning.connection.def.name, message);
        }
    }
    let start = MutationStart {
        id: uuid::Uuid::new_v4().to_string(),
        principal: run.principal().to_string(),
        kind: beginning.kind.to_owned(),
        statement: run.sql().to_owned(),
        settings: beginning.kept.text()?,
        connection: beginning.connection.def.name.clone(),
        table: beginning.table.to_owned(),
        origin: origin(beginning.connection),
        fingerprint: beginning.connection.fingerprint.clone(),
        undo_of: beginning.undo_of,
        is_planned: beginning.is_planned,
        label: run.settings().label.clone(),
        started_at: engine.parts().clock.now(),
    };
    blocking(&engine.parts().journal, move |journal| {
        // Claimed first: nobody finds it without its owner.
        let claim = journal.claim(&start.id)?;
        journal.create(&start)?;
        Ok(claim)
    })
    .await
}

/// Origin of a connection, as the journal keeps it.
pub(crate) fn origin(connection: &Connection) -> String {
    connection.base.origin().ascii_serialization()
}

/// Removes old mutations. A journal that is not pruned is only larger.
async fn prune(engine: &Engine) {
    let parts = engine.parts();
    let Some(before) = parts.clock.now().checked_sub(KEPT_FOR) else { return };
    if let Err(error) = blocking(&parts.journal, move |journal| journal.prune(before, MOST_BYTES)).await {
        engine.warn(None, format!("old mutations could not be removed from the journal: {error}"));
    }
}

/// The mutation of this principal with this id, or with the only id that begins so.
///
/// # Errors
/// There is none, or several ids begin so.
pub(crate) async fn find(engine: &Engine, principal: &str, id: &str) -> Result<MutationRecord> {
    let prefix = id.to_owned();
    let found = blocking(&engine.parts().journal, move |journal| {
        let ids = journal.find(&prefix)?;
        ids.iter().map(|id| journal.mutation(id)).collect::<tidegate_state::Result<Vec<_>>>()
    })
    .await?;
    let mut own: Vec<MutationRecord> =
        found.into_iter().flatten().filter(|record| record.start.principal == principal).collect();
    match (own.pop(), own.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(last), false) => {
            let ids: Vec<&str> = own.iter().chain([&last]).map(|record| record.start.id.as_str()).collect();
            let message = format!("several mutations begin with '{id}': {}", crate::error::listed(&ids));
            Err(Error::new(ErrorKind::Name, message))
        }
        (None, _) => {
            let message =
                format!("there is no mutation '{id}'; SELECT * FROM system.mutations lists those that there are");
            Err(Error::new(ErrorKind::Name, message))
        }
    }
}
