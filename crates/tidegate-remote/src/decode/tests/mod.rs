//! What the tests of decoding share.

mod bodies;
mod differential;
mod random;
mod values;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use tidegate_spec::{Column, ColumnType, Envelope, Path, Table};

use super::{Decoded, Decoder};
use crate::{BadValue, ErrorKind};

pub(super) fn path(text: &str) -> Path {
    text.split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// A column whose SQL name is its path with `_`; a name that ends in `!` is declared NOT NULL.
pub(super) fn column(name: &str, data_type: ColumnType) -> Column {
    let (name, nullable) = name.strip_suffix('!').map_or((name, true), |name| (name, false));
    Column {
        name: name.replace('.', "_"),
        path: path(name),
        data_type,
        nullable,
        description: None,
        source: tidegate_spec::ColumnSource::Row,
    }
}

pub(super) fn table(columns: Vec<Column>) -> Table {
    let (name, api_name) = ("t".to_owned(), "T".to_owned());
    Table {
        name,
        api_name,
        description: None,
        columns,
        key: Vec::new(),
        endpoints: Vec::new(),
        details: Vec::new(),
        writes: tidegate_spec::Writes::default(),
    }
}

/// OData V4's and V2's envelopes in one.
pub(super) fn envelope() -> Envelope {
    let paths = |texts: &[&str]| texts.iter().map(|text| path(text)).collect();
    Envelope {
        rows: paths(&["value", "d.results", "d"]),
        next: vec![vec!["@odata.nextLink".to_owned()], path("d.__next")],
        count: paths(&["d.__count", "total"]),
        ..Envelope::default()
    }
}

/// Decodes all columns.
pub(super) fn decode(
    columns: Vec<Column>,
    envelope: &Envelope,
    bad: BadValue,
    body: &[u8],
) -> Result<Decoded, ErrorKind> {
    let wanted: Vec<usize> = (0..columns.len()).collect();
    let decoder = Decoder::new(&table(columns), &wanted, envelope, bad);
    let decoded = decoder.decode(body)?;
    assert_eq!(&decoded.batch.schema(), decoder.schema());
    Ok(decoded)
}

/// Each row as its values, joined by ` | `.
pub(super) fn rows(decoded: &Decoded) -> Vec<String> {
    let options = FormatOptions::new().with_null("NULL");
    let arrays: Vec<ArrayRef> = decoded.batch.columns().iter().map(with_offset).collect();
    let columns: Vec<_> = arrays.iter().map(|array| ArrayFormatter::try_new(array, &options).unwrap()).collect();
    let row = |row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join(" | ");
    (0..decoded.batch.num_rows()).map(row).collect()
}

/// Arrow prints zones by name only with a database of them, offsets always.
fn with_offset(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) => {
            assert_eq!(zone.as_ref(), "UTC");
            Arc::new(array.as_primitive::<TimestampMicrosecondType>().clone().with_timezone("+00:00"))
        }
        _ => Arc::clone(array),
    }
}
