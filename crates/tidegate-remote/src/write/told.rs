//! Rows as answers tell them.

use arrow::record_batch::RecordBatch;
use http::HeaderMap;
use tidegate_spec::{Column, ColumnSource, Envelope, Path, Table, WriteKind};

use super::part::Part;
use super::parts::Context;
use super::{Cell, Cells, RowWrite, rows_of};
use crate::BadValue;
use crate::decode::Decoder;

/// The row that a part of an answer is: each column that it has and that fits. What does not fit is left out, since nobody
/// asked for it.
pub(super) fn row(table: &Table, part: Part<'_>) -> Cells {
    if !part.is_object() {
        return Cells::new();
    }
    let is_told = |column: &Column| column.source != ColumnSource::Request && part.at(&column.path).is_some();
    let told: Vec<usize> = (0..table.columns.len()).filter(|&index| is_told(&table.columns[index])).collect();
    let body = format!("[{}]", part.raw());
    let of = |columns: &[usize]| decoded(table, columns, &body);
    of(&told).unwrap_or_else(|| told.iter().filter_map(|&column| of(&[column])).flatten().collect())
}

fn decoded(table: &Table, columns: &[usize], body: &str) -> Option<Cells> {
    let envelope = Envelope { rows: vec![Path::new()], ..Envelope::default() };
    let decoded = Decoder::new(table, columns, &envelope, BadValue::Fail).decode(body.as_bytes()).ok()?;
    let batch: RecordBatch = decoded.batch;
    let named: Vec<(usize, &Column)> =
        columns.iter().enumerate().map(|(at, &column)| (at, &table.columns[column])).collect();
    rows_of(&batch, &named).ok()?.pop()
}

/// Whether an answer's row is another one than was written.
pub(super) fn is_another(context: &Context<'_>, told: &Cells, row: &RowWrite) -> bool {
    let sent = |name: &str| match context.kind {
        WriteKind::Insert => None,
        WriteKind::Update | WriteKind::Delete => row.key.get(name),
    };
    let keys = context.table.key.iter().filter_map(|&index| context.table.columns.get(index));
    keys.into_iter().any(|column| match (told.get(&column.name), sent(&column.name)) {
        (Some(told), Some(sent)) => !super::is_same(&column.data_type, sent, told),
        _ => false,
    })
}

/// The new version: as the row has it, else as a header does.
pub(super) fn version(context: &Context<'_>, told: &Cells, headers: &HeaderMap) -> Option<String> {
    let version = context.write.version.as_ref()?;
    let column = context.table.columns.get(version.column)?;
    let in_row = told.get(&column.name).and_then(|cell| match cell {
        Cell::Null => None,
        Cell::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    });
    let in_header = || {
        let value = headers.get(version.header.as_deref()?)?;
        value.to_str().ok().map(str::to_owned)
    };
    in_row.or_else(in_header)
}
