//! What a row that was read back says about the request that may have changed it.

use tidegate_remote::write::{self, Cell, Cells};
use tidegate_spec::{Table, WriteKind};

use crate::Row;

/// What a row that was read back says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is as the mutation wants it.
    Done,
    /// It is as it was before.
    NotDone,
    /// Neither: somebody else has changed it. The sentence says how.
    Neither(String),
}

/// Columns that have to be read to tell.
pub(crate) fn columns(row: &Row) -> impl Iterator<Item = &str> {
    let cells = if row.kind == WriteKind::Delete { &row.key } else { &row.new };
    cells.keys().map(String::as_str)
}

/// What `now` says about `row`; `None`: there is no row with its key.
pub(crate) fn look(table: &Table, row: &Row, now: Option<&Cells>) -> Found {
    match (row.kind, now) {
        (WriteKind::Delete, None) => Found::Done,
        (WriteKind::Delete, Some(_)) | (WriteKind::Insert, None) => Found::NotDone,
        (WriteKind::Update, None) => Found::Neither("the row is gone".to_owned()),
        (WriteKind::Insert, Some(now)) => match different(table, &row.new, now) {
            None => Found::Done,
            Some(column) => Found::Neither(format!("a row with this key is there, with another {column}")),
        },
        (WriteKind::Update, Some(now)) => updated(table, row, now),
    }
}

fn updated(table: &Table, row: &Row, now: &Cells) -> Found {
    let Some(column) = different(table, &row.new, now) else { return Found::Done };
    let is_as_before = |(name, new): (&String, &Cell)| {
        let old = row.old.get(name);
        old.is_some_and(|old| {
            is_same(table, name, old, new) || now.get(name).is_some_and(|now| is_same(table, name, old, now))
        })
    };
    if row.new.iter().all(is_as_before) {
        Found::NotDone
    } else {
        Found::Neither(format!("{column} has neither its old nor its new value"))
    }
}

/// The first column of `wanted` that has another value, or none, in `now`.
pub(crate) fn different<'a>(table: &Table, wanted: &'a Cells, now: &Cells) -> Option<&'a str> {
    let is_there = |name: &str, cell: &Cell| now.get(name).is_some_and(|now| is_same(table, name, cell, now));
    wanted.iter().find(|(name, cell)| !is_there(name, cell)).map(|(name, _)| name.as_str())
}

fn is_same(table: &Table, name: &str, written: &Cell, read: &Cell) -> bool {
    let column = table.column_index(name).map(|index| &table.columns[index]);
    column.map_or(written == read, |column| write::is_same(&column.data_type, written, read))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn table() -> Table {
        serde_json::from_value(json!({
            "name": "t", "api_name": "t", "description": null, "columns": [], "key": [], "endpoints": [],
            "writes": {"insert": null, "update": null, "delete": null}
        }))
        .unwrap()
    }

    fn cells(value: &serde_json::Value) -> Cells {
        serde_json::from_value(value.clone()).unwrap()
    }

    #[test]
    fn a_row_that_was_read_back_tells_whether_it_was_changed() {
        let gone = || Found::Neither("the row is gone".to_owned());
        let neither = |column: &str| Found::Neither(format!("{column} has neither its old nor its new value"));
        let other = |column: &str| Found::Neither(format!("a row with this key is there, with another {column}"));
        let old = json!({"a": 1, "b": "x", "c": null});
        let new = json!({"a": 2, "b": "x"});
        let cases = [
            (WriteKind::Update, json!(null), gone()),
            (WriteKind::Update, json!({"a": 2, "b": "x"}), Found::Done),
            (WriteKind::Update, json!({"a": 2, "b": "x", "c": 9}), Found::Done),
            (WriteKind::Update, json!({"a": 1, "b": "x"}), Found::NotDone),
            // Another has changed what the statement sets to the value that it had.
            (WriteKind::Update, json!({"a": 1, "b": "y"}), Found::NotDone),
            (WriteKind::Update, json!({"a": 3, "b": "x"}), neither("a")),
            (WriteKind::Update, json!({"b": "x"}), neither("a")),
            (WriteKind::Update, json!({"a": null, "b": "x"}), neither("a")),
            (WriteKind::Insert, json!(null), Found::NotDone),
            (WriteKind::Insert, json!({"a": 2, "b": "x", "d": 1}), Found::Done),
            (WriteKind::Insert, json!({"a": 2, "b": "y"}), other("b")),
            (WriteKind::Insert, json!({"a": 2}), other("b")),
            (WriteKind::Delete, json!(null), Found::Done),
            (WriteKind::Delete, json!({"a": 1}), Found::NotDone),
        ];
        for (kind, now, expected) in cases {
            let row = Row { old: cells(&old), new: cells(&new), ..Row::selected(0, None, kind) };
            let now = (!now.is_null()).then(|| cells(&now));
            assert_eq!(look(&table(), &row, now.as_ref()), expected, "{kind:?} {now:?}");
        }
    }

    #[test]
    fn without_old_values_a_row_is_never_called_unchanged() {
        let row = Row { new: cells(&json!({"a": 2})), ..Row::selected(0, None, WriteKind::Update) };
        assert_eq!(
            look(&table(), &row, Some(&cells(&json!({})))),
            Found::Neither("a has neither its old nor its new value".into())
        );
    }
}
