//! What the scans of one statement have learnt of numbers of rows.
//!
//! Kept until the statement has ended: a running one writes nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_remote::{Learnt, Tally};

use super::{Basis, is_list, shape};

/// Filters with their values that are kept of each table and partition: a join may ask with thousands.
const FILTERS: usize = 20;

/// Notes that are kept of a statement.
const NOTES: usize = 5_000;

/// Connection, table, partition (empty for none) and shape.
type Key = (Arc<str>, String, String, String);

/// Connection, table and partition.
type Place = (Arc<str>, String, String);

/// Numbers of rows of one shape.
#[derive(Debug, Clone, Copy)]
struct Sum {
    rows: u64,
    of: u64,
    basis: Basis,
}

/// What was learnt.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    sums: Mutex<HashMap<Key, Sum>>,
    /// How many filters were met of each table and partition.
    filters: Mutex<BTreeMap<Place, usize>>,
}

/// A number of rows, as it is kept when the statement has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) connection: Arc<str>,
    pub(crate) table: String,
    pub(crate) partition: String,
    pub(crate) shape: String,
    pub(crate) rows: u64,
    pub(crate) basis: Basis,
}

impl Notes {
    /// All of them, in the order of their names. Nothing is left.
    pub(crate) fn take(&self) -> Vec<Note> {
        let sums = std::mem::take(&mut *self.sums.lock().unwrap_or_else(PoisonError::into_inner));
        let note = |((connection, table, partition, shape), sum): (Key, Sum)| {
            let rows = sum.rows.div_ceil(sum.of.max(1));
            Note { connection, table, partition, shape, rows, basis: sum.basis }
        };
        let mut notes: Vec<Note> = sums.into_iter().map(note).collect();
        notes.sort_by(|a, b| {
            (&a.connection, &a.table, &a.partition, &a.shape).cmp(&(&b.connection, &b.table, &b.partition, &b.shape))
        });
        notes
    }

    /// Whether one more filter of the table is kept.
    fn has_room(&self, learnt: &Learnt<'_>) -> bool {
        let key = (
            Arc::clone(learnt.connection),
            learnt.request.table.name.clone(),
            learnt.partition.unwrap_or_default().to_owned(),
        );
        let mut filters = self.filters.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = filters.entry(key).or_default();
        *kept += 1;
        *kept <= FILTERS
    }

    fn note(&self, learnt: &Learnt<'_>, shape: String, rows: u64, of: u64, combine: impl Fn(&mut Sum)) {
        let basis = if learnt.is_read { Basis::Scan } else { Basis::Total };
        let table = learnt.request.table.name.clone();
        let partition = learnt.partition.unwrap_or_default().to_owned();
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = sums.len() >= NOTES;
        let key = (Arc::clone(learnt.connection), table, partition, shape);
        match sums.get_mut(&key) {
            Some(sum) => combine(sum),
            None if is_full => {}
            None => {
                sums.insert(key, Sum { rows, of, basis });
            }
        }
    }
}

impl Tally for Notes {
    fn take(&self, learnt: &Learnt<'_>) {
        let request = learnt.request;
        let Ok(endpoint) = request.endpoint() else { return };
        // Rows of keys are as many as there are keys.
        if !is_list(endpoint) {
            return;
        }
        let rows = learnt.rows;
        if request.filter.is_none() || self.has_room(learnt) {
            // What was read last is true, where scans differ.
            self.note(learnt, shape::exact(&request.table, request.filter.as_ref()), rows, 1, |sum| sum.rows = rows);
        }
        if let Some(form) = request.filter.as_ref().and_then(|filter| shape::form(&request.table, filter)) {
            self.note(learnt, form, rows, 1, |sum| {
                sum.rows = sum.rows.saturating_add(rows);
                sum.of += 1;
            });
        }
        if let Some((keys, of)) = request.filter.as_ref().and_then(|filter| shape::of_keys(&request.table, filter)) {
            let rows = rows.saturating_mul(shape::KEYS);
            self.note(learnt, keys, rows, of, |sum| {
                sum.rows = sum.rows.saturating_add(rows);
                sum.of = sum.of.saturating_add(of);
            });
        }
        let pages =
            [(shape::full_page(endpoint), learnt.full_page), (shape::longest_page(endpoint), learnt.longest_page)];
        for (shape, rows) in pages {
            let Some(rows) = rows else { continue };
            self.note(learnt, shape, rows, 1, |sum| sum.rows = sum.rows.max(rows));
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_remote::{BadValue, CompareOp, Predicate, Scalar, ScanRequest};

    use super::*;
    use crate::cost::testing::table;

    fn request(id: Option<i64>) -> ScanRequest {
        let equals = |id| Predicate::Compare { column: 1, op: CompareOp::Eq, value: Scalar::Int(id) };
        ScanRequest {
            table: Arc::new(table()),
            endpoint: 0,
            columns: vec![0],
            filter: id.map(equals),
            sort: Vec::new(),
            fetch: None,
            skip: 0,
            on_bad_value: BadValue::Fail,
        }
    }

    fn learn(notes: &Notes, request: &ScanRequest, rows: u64) {
        let connection = Arc::from("api");
        let learnt = Learnt {
            connection: &connection,
            partition: None,
            request,
            rows,
            is_read: true,
            full_page: None,
            longest_page: Some(rows),
        };
        Tally::take(notes, &learnt);
    }

    #[test]
    fn a_form_has_the_average_of_its_filters() {
        let notes = Notes::default();
        learn(&notes, &request(None), 50);
        learn(&notes, &request(Some(1)), 3);
        learn(&notes, &request(Some(2)), 6);
        let kept: Vec<(String, u64)> = notes.take().into_iter().map(|note| (note.shape, note.rows)).collect();
        let shapes: Vec<&str> = kept.iter().map(|(shape, _)| shape.as_str()).collect();
        assert_eq!(shapes[2..], ["all", "page of list", "~ owner ="]);
        assert_eq!(kept.iter().map(|(_, rows)| *rows).collect::<Vec<_>>()[2..], [50, 50, 5]);
        assert!(notes.take().is_empty());
    }

    #[test]
    fn a_statement_keeps_a_bounded_number_of_filters() {
        let notes = Notes::default();
        (0..1_000).for_each(|id| learn(&notes, &request(Some(id)), 1));
        assert_eq!(notes.take().len(), FILTERS + 2);
    }
}
