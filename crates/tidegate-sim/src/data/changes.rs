//! What was written over the generated rows. A row that nobody has written costs nothing.
//!
//! Rows have numbers. Generated ones are numbered from 0; rows that are made follow them, and take what their request
//! does not give from the generator as well.

use std::collections::{BTreeMap, HashMap};

use super::Source;
use super::schema::{EntitySet, Type};
use super::value::{Value, guid_text};

/// Columns and their new values.
pub(crate) type Cells = Vec<(usize, Value)>;

/// What was written to the sets of one division.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    sets: BTreeMap<usize, SetChanges>,
    /// Number of writes, by which cached results are told apart.
    writes: u64,
}

#[derive(Debug, Default)]
struct SetChanges {
    rows: HashMap<u64, Written>,
    /// Rows that were made, by their key, whoever chose it.
    made: HashMap<String, u64>,
    /// Numbers that were given to rows that were made.
    numbers: u64,
    /// Rows that were generated and are removed.
    removed: u64,
}

#[derive(Debug, Clone, Default)]
struct Written {
    is_removed: bool,
    cells: BTreeMap<usize, Value>,
    version: u64,
}

/// The rows of one division as they are now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Data<'a> {
    pub(crate) source: &'a Source,
    pub(crate) changes: Option<&'a Changes>,
}

impl Data<'_> {
    /// Value of a column in a row.
    pub(crate) fn value(&self, set: &EntitySet, row: u64, column: usize) -> Value {
        let written = self.written(set, row).and_then(|written| written.cells.get(&column));
        written.map_or_else(|| (set.value)(self.source, row, column), Value::clone)
    }

    /// Rows have numbers below this. Not all of them need be there.
    pub(crate) fn end(&self, set: &EntitySet) -> u64 {
        set.rows(self.source) + self.set(set).map_or(0, |changes| changes.numbers)
    }

    pub(crate) fn has(&self, set: &EntitySet, row: u64) -> bool {
        self.written(set, row).map_or(row < set.rows(self.source), |written| !written.is_removed)
    }

    /// Whether all numbers below the end have a row.
    pub(crate) fn is_whole(&self, set: &EntitySet) -> bool {
        self.end(set) == self.count(set)
    }

    /// Number of rows that are there.
    pub(crate) fn count(&self, set: &EntitySet) -> u64 {
        let changes = self.set(set).map_or((0, 0), |changes| (changes.removed, changes.made.len() as u64));
        set.rows(self.source) - changes.0 + changes.1
    }

    /// The row with these key values.
    pub(crate) fn find(&self, set: &EntitySet, key: &[Value]) -> Option<u64> {
        let made = self.set(set).filter(|changes| !changes.made.is_empty());
        let made = made.and_then(|changes| changes.made.get(&text(key)).copied());
        // A key that the generator would give to a row that was made is that row's only if it took it.
        let generated =
            || (set.find)(self.source, key).filter(|row| *row < set.rows(self.source) && self.has(set, *row));
        made.or_else(generated)
    }

    /// How often a row was written.
    pub(crate) fn version(&self, set: &EntitySet, row: u64) -> u64 {
        self.written(set, row).map_or(0, |written| written.version)
    }

    pub(crate) fn key(&self, set: &EntitySet, row: u64) -> Vec<Value> {
        set.key.iter().map(|column| self.value(set, row, *column)).collect()
    }

    /// Number of writes so far.
    pub(crate) fn writes(&self) -> u64 {
        self.changes.map_or(0, |changes| changes.writes)
    }

    fn set(&self, set: &EntitySet) -> Option<&SetChanges> {
        self.changes?.sets.get(&set.id)
    }

    fn written(&self, set: &EntitySet, row: u64) -> Option<&Written> {
        self.set(set)?.rows.get(&row)
    }
}

impl Changes {
    /// Writes these columns of a row that is there.
    pub(crate) fn update(&mut self, set: &EntitySet, row: u64, cells: Cells) {
        self.writes += 1;
        let written = self.sets.entry(set.id).or_default().rows.entry(row).or_default();
        written.version += 1;
        written.cells.extend(cells);
    }

    /// Removes a row that is there.
    pub(crate) fn remove(&mut self, source: &Source, set: &EntitySet, row: u64) {
        self.writes += 1;
        let key = text(&Data { source, changes: Some(self) }.key(set, row));
        let changes = self.sets.entry(set.id).or_default();
        match row < set.rows(source) {
            true => changes.removed += 1,
            false => drop(changes.made.remove(&key)),
        }
        changes.rows.insert(row, Written { is_removed: true, ..Written::default() });
    }

    /// Makes a row with these columns, and returns its number; `None` if there is one with its key.
    pub(crate) fn insert(&mut self, source: &Source, set: &EntitySet, cells: Cells) -> Option<u64> {
        let cells: BTreeMap<usize, Value> = cells.into_iter().collect();
        let is_chosen = set.key.iter().all(|column| cells.contains_key(column));
        let data = Data { source, changes: Some(self) };
        let mut row = data.end(set);
        let key = |row: u64| -> Vec<Value> {
            set.key.iter().map(|c| cells.get(c).cloned().unwrap_or_else(|| (set.value)(source, row, *c))).collect()
        };
        while data.find(set, &key(row)).is_some() {
            if is_chosen {
                return None;
            }
            row += 1;
        }
        let key = text(&key(row));
        self.writes += 1;
        let changes = self.sets.entry(set.id).or_default();
        changes.numbers = row + 1 - set.rows(source);
        changes.made.insert(key, row);
        changes.rows.insert(row, Written { cells, ..Written::default() });
        Some(row)
    }
}

/// Key values in one text. Keys are guids, integers and texts in every set.
pub(crate) fn text(key: &[Value]) -> String {
    let parts = key.iter().map(|value| match value {
        Value::Guid(guid) => guid_text(*guid),
        Value::Int(number) => number.to_string(),
        Value::Str(text) => text.clone(),
        _ => String::new(),
    });
    parts.collect::<Vec<_>>().join(",")
}

/// The values of such a text.
pub(crate) fn parse_key(set: &EntitySet, text: &str) -> Option<Vec<Value>> {
    let parts: Vec<&str> = text.split(',').collect();
    if parts.len() != set.key.len() {
        return None;
    }
    let one = |(column, text): (&usize, &&str)| match set.columns[*column].ty {
        Type::Guid => super::value::parse_guid(text).map(Value::Guid),
        Type::Str(_) => Some(Value::Str((*text).to_owned())),
        _ => text.parse().ok().map(Value::Int),
    };
    set.key.iter().zip(&parts).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::sales::{SETS, sizes};

    #[test]
    fn rows_come_and_go_by_their_keys() {
        let source = Source { seed: 1, sizes: sizes(1_000, &BTreeMap::new()) };
        let products = SETS.iter().find(|set| set.name == "Products").unwrap();
        let mut changes = Changes::default();
        let with_key = |id: i64| vec![(0, Value::Int(id)), (1, Value::Str("new".to_owned()))];
        let find = |changes: &Changes, id: i64| {
            Data { source: &source, changes: Some(changes) }.find(products, &[Value::Int(id)])
        };
        assert_eq!(changes.insert(&source, products, with_key(7)), None, "there is one");
        assert_eq!(changes.insert(&source, products, with_key(22)), Some(20), "the key of the next but one");
        assert_eq!(changes.insert(&source, products, Vec::new()), Some(22), "21 would have the same key again");
        assert_eq!((find(&changes, 21), find(&changes, 22), find(&changes, 23)), (None, Some(20), Some(22)));

        changes.remove(&source, products, 6);
        changes.remove(&source, products, 20);
        assert_eq!((find(&changes, 7), find(&changes, 22)), (None, None));
        let data = Data { source: &source, changes: Some(&changes) };
        assert_eq!((data.count(products), data.end(products), data.is_whole(products)), (20, 23, false));
        assert_eq!(changes.insert(&source, products, with_key(7)), Some(23), "made again");
        changes.update(products, 23, vec![(3, Value::Int(5))]);
        let data = Data { source: &source, changes: Some(&changes) };
        assert_eq!((find(&changes, 7), data.version(products, 23)), (Some(23), 1));
        assert!(matches!(data.value(products, 23, 3), Value::Int(5)));
    }
}
