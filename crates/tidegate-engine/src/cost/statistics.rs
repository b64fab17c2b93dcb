//! Numbers of rows of all connections, for planning: what the state folder has, and what statements of this process
//! have learnt since.
//!
//! They belong to a connection's fingerprint: another credential may see other rows.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::{Known, Note, Seen, TableRows, shape};

/// Shapes that are kept of a table.
const SHAPES: usize = 200;

/// By table.
type Tables = HashMap<String, Arc<TableRows>>;

/// Numbers of rows by the connection's fingerprint. Shared by all sessions.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    connections: Mutex<HashMap<String, Tables>>,
}

/// What a plan is made with: found as an extension of its configuration.
#[derive(Debug)]
pub(crate) struct Knowledge {
    statistics: Arc<Statistics>,
    now: SystemTime,
}

impl Statistics {
    /// What is known of a table.
    fn table(&self, fingerprint: &str, table: &str) -> Arc<TableRows> {
        let connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.get(fingerprint).and_then(|tables| tables.get(table)).cloned().unwrap_or_default()
    }

    /// Takes what a statement has learnt at `now` of connections with these fingerprints, by name.
    pub(crate) fn learn(&self, fingerprints: &BTreeMap<Arc<str>, String>, notes: Vec<Note>, now: SystemTime) {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        for note in notes {
            let Some(fingerprint) = fingerprints.get(&note.connection) else { continue };
            let tables = connections.entry(fingerprint.clone()).or_default();
            let rows = Arc::make_mut(tables.entry(note.table).or_default());
            let before = rows.seen(&note.shape, Some(&note.partition)).filter(|(_, is_own)| *is_own);
            let number = match before {
                // Filters with other values find other numbers of rows: none of them is the right one.
                Some((before, _)) if shape::is_form(&note.shape) => before.rows.midpoint(note.rows),
                _ => note.rows,
            };
            rows.keep(&note.shape, &note.partition, Seen { rows: number, basis: note.basis, at: now });
            rows.keep_within(SHAPES);
        }
    }
}

impl Knowledge {
    /// What is known at this time.
    pub(crate) fn new(statistics: Arc<Statistics>, now: SystemTime) -> Self {
        Self { statistics, now }
    }

    /// What is known of a table of the connection with this fingerprint.
    pub(crate) fn of(&self, fingerprint: &str, table: &str) -> Known {
        Known::new(self.statistics.table(fingerprint, table), self.now)
    }
}
