//! Generated rows of a table: the truth that every answer is held against.

mod cell;
mod generate;

use serde_json::{Map, Value as Json, json};
use tidegate_spec::{Column, ColumnSource, ColumnType, Endpoint, Table};

pub(crate) use self::cell::Cell;
pub(crate) use self::generate::{SPREAD, derive, generate, parent, parents};

/// One row, in the table's columns' order.
pub(crate) type Row = Vec<Cell>;

/// How rows are written, apart from what they hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Shape {
    /// Members that no column names, of every JSON type.
    pub(crate) unknown_members: bool,
    /// Column (index) that the rows lack.
    pub(crate) missing: Option<usize>,
    /// Nulls are left out, with the objects that would hold nothing else.
    pub(crate) omit_nulls: bool,
}

/// The row as this endpoint writes it; with `fields` only these top-level members.
pub(crate) fn row_json(
    table: &Table,
    endpoint: &Endpoint,
    (number, row): (usize, &Row),
    shape: &Shape,
    fields: Option<&[String]>,
) -> Json {
    let mut object = json!({});
    for (index, column) in table.columns.iter().enumerate() {
        let is_told = column.source == ColumnSource::Row && endpoint.returns(index) && !is_derived(table, index);
        if !is_told || shape.missing == Some(index) || (shape.omit_nulls && row[index] == Cell::Null) {
            continue;
        }
        set(&mut object, &column.path, row[index].to_json(&column.data_type, number));
    }
    let Json::Object(mut members) = object else { panic!("{}: a row is an object", table.name) };
    if let Some(fields) = fields {
        members.retain(|name, _| fields.contains(name));
    }
    if shape.unknown_members {
        members.extend(unknown_members());
    }
    Json::Object(members)
}

/// Columns whose value is made of others: JSON around the paths of other columns, and second columns of one path.
pub(crate) fn is_derived(table: &Table, index: usize) -> bool {
    let column = &table.columns[index];
    let is_around = || table.columns.iter().any(|other| is_within(other, column));
    let is_second = || table.columns[..index].iter().any(|twin| twin.path == column.path && is_of_row(twin));
    is_of_row(column) && ((column.data_type == ColumnType::Json && is_around()) || is_second())
}

fn is_within(inner: &Column, outer: &Column) -> bool {
    is_of_row(inner) && inner.path.len() > outer.path.len() && inner.path.starts_with(&outer.path)
}

fn is_of_row(column: &Column) -> bool {
    column.source == ColumnSource::Row
}

fn unknown_members() -> Map<String, Json> {
    let nested = json!({"id": "no column", "rows": [1, {"next": "https://other.example/"}], "\u{0}ж": null});
    let members = [
        ("zz_unknown", json!("text with \"quotes\" and \\")),
        ("aa_unknown", json!(12345678901234567890_u64)),
        ("zz_nested", nested),
        ("zz_list", json!([[], {}, [null, 1.5e300]])),
        ("", json!("a member without a name")),
    ];
    members.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}

/// Writes a value at a path, and makes the objects on the way.
pub(crate) fn set(object: &mut Json, path: &[String], value: Json) {
    let Some((first, rest)) = path.split_first() else {
        *object = value;
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    set(&mut object[first.as_str()], rest, value);
}
