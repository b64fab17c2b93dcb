//! What a scan operator looks up when it runs: it holds only data itself.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use tidegate_remote::{Source, Tally};
use tidegate_transport::Statement;

use crate::{Connection, Connector};

/// Connections by name, and the statement that pays. Put into the `SessionConfig` of each execution as an
/// extension, found by operators in their `TaskContext`.
#[derive(Debug)]
pub struct ScanContext {
    /// Connections by the name in SQL.
    pub connections: HashMap<String, Arc<Connection>>,
    /// On whose behalf.
    pub principal: Arc<str>,
    /// The statement that pays.
    pub statement: Arc<Statement>,
    /// Where a scan reports what its API did otherwise than it declares.
    pub notices: Notices,
    /// Who is told how many rows there are, for later plans.
    pub tally: Option<Arc<dyn Tally>>,
}

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    /// A filter that was not obeyed.
    Filter,
    /// A list of values that was refused.
    List,
}

/// What a user should know of the scans of one statement: one notice for each table and topic.
pub struct Notices {
    tell: Box<Tell>,
    told: Mutex<BTreeSet<(String, String, Topic)>>,
    lacks_rows: Arc<AtomicBool>,
}

/// Takes a connection's name and a message.
type Tell = dyn Fn(&str, String) + Send + Sync;

impl Notices {
    /// Notices that go to `tell`: the connection's name, and the message.
    pub fn new(tell: impl Fn(&str, String) + Send + Sync + 'static) -> Self {
        Self { tell: Box::new(tell), told: Mutex::default(), lacks_rows: Arc::default() }
    }

    /// Raises `flag` when the result lacks rows of partitions that failed.
    #[must_use]
    pub fn raising(self, flag: Arc<AtomicBool>) -> Self {
        Self { lacks_rows: flag, ..self }
    }

    /// Reports that the result lacks rows, as its user allowed.
    pub(super) fn missing(&self, connection: &str, message: String) {
        self.lacks_rows.store(true, Ordering::Relaxed);
        (self.tell)(connection, message);
    }

    /// Reports, unless something of the kind was reported of this table before.
    pub(super) fn once(&self, connection: &str, table: &str, topic: Topic, message: impl FnOnce() -> String) {
        let is_new = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.insert((connection.to_owned(), table.to_owned(), topic))
        };
        if is_new {
            (self.tell)(connection, message());
        }
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notices(…)")
    }
}

impl ScanContext {
    /// The context of this task.
    ///
    /// # Errors
    /// When the task has none.
    pub fn of(task: &TaskContext) -> Result<Arc<Self>> {
        let context = task.session_config().get_extension::<Self>();
        context.ok_or_else(|| DataFusionError::Internal("a scan was run outside a tidegate session".to_owned()))
    }

    /// What makes the connection's rows be counted here in place of by its API.
    pub(super) fn advice_on_counts(&self, connection: &str) -> &'static str {
        match self.connections.get(connection).map(|connection| &connection.connector) {
            Some(Connector::OData(_)) => "the connection's option totals = 'ignore' counts rows here",
            _ => "SET tidegate.pushdown = false counts rows here",
        }
    }

    /// What makes the connection's rows be grouped here in place of by its API.
    pub(super) fn advice_on_groups(&self, connection: &str) -> &'static str {
        match self.connections.get(connection).map(|connection| &connection.connector) {
            Some(Connector::OData(_)) => "the connection's option apply = 'ignore' groups rows here",
            _ => "SET tidegate.pushdown = false groups rows here",
        }
    }

    /// The source of this connection. What it spends is counted for the statement, and apart.
    ///
    /// # Errors
    /// When the connection was dropped since planning.
    pub fn source(&self, connection: &str) -> Result<Source> {
        let connection = self
            .connections
            .get(connection)
            .ok_or_else(|| DataFusionError::Plan(format!("connection {connection} was dropped")))?;
        let source = connection.source(&self.principal, &Arc::new(self.statement.child()));
        Ok(Source { tally: self.tally.clone(), ..source })
    }
}
