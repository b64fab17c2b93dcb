//! Numbers of rows of all connections, for planning: what the state folder has, and what statements of this process
//! have learnt since.
//!
//! They belong to a connection's fingerprint: another credential may see other rows.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tidegate_state::{RowsBasis, RowsSeen, State};

use super::{Basis, Known, Note, Seen, TableRows, shape};
use crate::{Engine, Result};

/// Shapes that are kept of a table.
const SHAPES: usize = 200;

/// By table.
type Tables = HashMap<String, Arc<TableRows>>;

/// Partitions of which numbers of one shape are kept; of more their average is.
const PARTITIONS: usize = 40;

/// Numbers of rows by the connection's fingerprint. Shared by all sessions.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    /// Those of a connection are read from the state folder when they are first asked for.
    connections: Mutex<HashMap<String, Tables>>,
}

/// What a plan is made with: found as an extension of its configuration.
#[derive(Debug)]
pub(crate) struct Knowledge {
    engine: Engine,
    now: SystemTime,
}

impl Statistics {
    /// What is known of a table.
    fn table(&self, state: &State, fingerprint: &str, table: &str) -> Result<Arc<TableRows>> {
        self.with(state, fingerprint, |tables| tables.get(table).cloned().unwrap_or_default())
    }

    fn with<T>(&self, state: &State, fingerprint: &str, work: impl FnOnce(&mut Tables) -> T) -> Result<T> {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tables) = connections.get_mut(fingerprint) {
            return Ok(work(tables));
        }
        let read = state.rows_seen(fingerprint);
        let tables = connections.entry(fingerprint.to_owned()).or_default();
        // If that fails it is not tried again: what this process learns is enough to go on.
        for seen in read? {
            let rows = Arc::make_mut(tables.entry(seen.table).or_default());
            rows.keep(&seen.shape, &seen.partition, Seen { rows: seen.rows, basis: basis(seen.basis), at: seen.at });
        }
        Ok(work(tables))
    }

    /// Takes what a statement has learnt at `now` of connections with these fingerprints, by name, and keeps it.
    ///
    /// # Errors
    /// When the state folder cannot be read or written; this process knows it all the same.
    pub(crate) fn learn(
        &self,
        state: &State,
        fingerprints: &BTreeMap<Arc<str>, String>,
        notes: Vec<Note>,
        now: SystemTime,
    ) -> Result<()> {
        let mut kept = Vec::new();
        for note in few_partitions(notes) {
            let Some(fingerprint) = fingerprints.get(&note.connection) else { continue };
            let rows = self.with(state, fingerprint, |tables| {
                let rows = Arc::make_mut(tables.entry(note.table.clone()).or_default());
                let before = rows.seen(&note.shape, Some(&note.partition)).filter(|(_, is_own)| *is_own);
                let number = match before {
                    // Filters with other values find other numbers of rows: none of them is the right one.
                    Some((before, _)) if shape::is_form(&note.shape) => before.rows.midpoint(note.rows),
                    _ => note.rows,
                };
                rows.keep(&note.shape, &note.partition, Seen { rows: number, basis: note.basis, at: now });
                rows.keep_within(SHAPES);
                number
            })?;
            kept.push(RowsSeen {
                fingerprint: fingerprint.clone(),
                table: note.table,
                partition: note.partition,
                shape: note.shape,
                rows,
                basis: if note.basis == Basis::Total { RowsBasis::Total } else { RowsBasis::Scan },
                at: now,
            });
        }
        Ok(state.note_rows(&kept)?)
    }
}

fn basis(basis: RowsBasis) -> Basis {
    match basis {
        RowsBasis::Total => Basis::Total,
        RowsBasis::Scan => Basis::Scan,
    }
}

/// The notes, in the order of their names; those of one shape in more than [`PARTITIONS`] become their average.
fn few_partitions(notes: Vec<Note>) -> Vec<Note> {
    let mut by_shape: BTreeMap<(Arc<str>, String, String), Vec<Note>> = BTreeMap::new();
    for note in notes {
        let key = (Arc::clone(&note.connection), note.table.clone(), note.shape.clone());
        by_shape.entry(key).or_default().push(note);
    }
    let few = |notes: Vec<Note>| match notes.first() {
        Some(first) if notes.len() > PARTITIONS => {
            let sum = notes.iter().fold(0_u64, |sum, note| sum.saturating_add(note.rows));
            vec![Note { partition: String::new(), rows: sum.div_ceil(notes.len() as u64), ..first.clone() }]
        }
        _ => notes,
    };
    by_shape.into_values().flat_map(few).collect()
}

impl Knowledge {
    /// What is known at this time.
    pub(crate) fn new(engine: Engine, now: SystemTime) -> Self {
        Self { engine, now }
    }

    /// What is known of a table of the connection with this fingerprint.
    pub(crate) fn of(&self, fingerprint: &str, table: &str) -> Known {
        let found = self.engine.statistics().table(&self.engine.parts().state, fingerprint, table);
        let rows = found.unwrap_or_else(|error| {
            self.engine.warn(None, format!("what is known of numbers of rows could not be read: {error}"));
            Arc::default()
        });
        Known::new(rows, self.now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn note(partition: &str, shape: &str, rows: u64) -> Note {
        let (connection, table) = (Arc::from("api"), "repos".to_owned());
        let (partition, shape) = (partition.to_owned(), shape.to_owned());
        Note { connection, table, partition, shape, rows, basis: Basis::Scan }
    }

    fn learn(statistics: &Statistics, state: &State, notes: Vec<Note>, at: u64) {
        let fingerprints = BTreeMap::from([(Arc::from("api"), "print".to_owned())]);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(at);
        statistics.learn(state, &fingerprints, notes, now).expect("a state in memory");
    }

    fn rows(statistics: &Statistics, state: &State, shape: &str, partition: &str) -> Option<(u64, bool)> {
        let table = statistics.table(state, "print", "repos").expect("a state in memory");
        table.seen(shape, Some(partition)).map(|(seen, is_own)| (seen.rows, is_own))
    }

    #[test]
    fn what_was_learnt_is_known_here_and_to_the_next_process() {
        let state = State::in_memory();
        let first = Statistics::default();
        learn(&first, &state, vec![note("1", "all", 10), note("2", "all", 30), note("1", "~ owner =", 8)], 1);
        learn(&first, &state, vec![note("1", "all", 12), note("1", "~ owner =", 4)], 2);
        for statistics in [&first, &Statistics::default()] {
            let known = |shape, partition| rows(statistics, &state, shape, partition);
            assert_eq!(known("all", "1"), Some((12, true)));
            assert_eq!(known("all", "3"), Some((21, false)));
            assert_eq!(known("~ owner =", "1"), Some((6, true)));
            assert_eq!(known("other", "1"), None);
        }
    }

    #[test]
    fn of_many_partitions_the_average_is_kept() {
        let (state, statistics) = (State::in_memory(), Statistics::default());
        let notes = (0..=PARTITIONS as u64).map(|number| note(&number.to_string(), "all", number * 2));
        learn(&statistics, &state, notes.collect(), 1);
        assert_eq!(rows(&statistics, &state, "all", "7"), Some((40, false)));
        assert_eq!(state.rows_seen("print").expect("a state in memory").len(), 1);
    }
}
