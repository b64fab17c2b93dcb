//! What pages of real APIs look like, and which of their members a query asks for.
//!
//! Each shape has a page of [`ROWS`] rows, the columns that are read of it, and how the same columns are read with
//! serde: into structs that borrow from the body, whatever else a row has is skipped.

mod accounts;
mod charges;
mod issues;
mod wide;

use std::borrow::Cow;

use arrow::array::{ArrayRef, TimestampMicrosecondArray};
use arrow::record_batch::RecordBatch;
use arrow_cast::parse::string_to_timestamp_nanos;
use serde::Deserialize;
use serde_json::Value;
use tidegate_spec::{Column, ColumnSource, ColumnType, Envelope, TimestampFormat};

use crate::Result;
use crate::readers::{Reader, structs};

/// Rows of a page.
pub(crate) const ROWS: usize = 100;

/// One kind of page.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) columns: Vec<Column>,
    /// Where the rows stand; the empty path is the body itself.
    pub(crate) rows: &'static [&'static str],
    pub(crate) next: &'static [&'static str],
    /// Readers that are built for this shape alone.
    pub(crate) readers: fn() -> Vec<Reader>,
}

impl Shape {
    pub(crate) fn envelope(&self) -> Envelope {
        let path = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let next = if self.next.is_empty() { Vec::new() } else { vec![path(self.next)] };
        Envelope { rows: vec![path(self.rows)], next, ..Envelope::default() }
    }
}

pub(crate) fn all() -> Vec<Shape> {
    vec![
        Shape {
            name: "issues",
            body: bytes(&issues::page()),
            columns: issues::columns(),
            rows: &[],
            next: &[],
            readers: structs::<issues::Issues>,
        },
        Shape {
            name: "charges",
            body: bytes(&charges::page()),
            columns: charges::columns(),
            rows: &["data"],
            next: &[],
            readers: structs::<charges::Charges>,
        },
        Shape {
            name: "accounts",
            body: bytes(&accounts::page()),
            columns: accounts::columns(),
            rows: &["value"],
            next: &["@odata.nextLink"],
            readers: structs::<accounts::Accounts>,
        },
        Shape {
            name: "wide",
            body: bytes(&wide::page()),
            columns: wide::columns(),
            rows: &["items"],
            next: &[],
            readers: structs::<wide::Wide>,
        },
    ]
}

/// A page as serde reads it: of one shape, with any lifetime.
pub(crate) trait Family {
    type Page<'a>: Deserialize<'a>;

    /// The columns, in their order.
    fn arrays(page: &Self::Page<'_>) -> Result<Vec<ArrayRef>>;
}

/// Text that is copied only where it has escapes.
#[derive(Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl Text<'_> {
    fn of<'t>(text: &'t Option<Text<'_>>) -> Option<&'t str> {
        text.as_ref().map(|text| text.0.as_ref())
    }
}

/// The array of points in time that stand as RFC 3339.
fn instants<'t>(texts: impl Iterator<Item = Option<&'t str>>) -> Result<TimestampMicrosecondArray> {
    let micros = texts.map(|text| text.map(|text| Ok(string_to_timestamp_nanos(text)? / 1_000)).transpose());
    Ok(micros.collect::<Result<TimestampMicrosecondArray>>()?.with_timezone("UTC"))
}

/// Whether two pages hold the same; types may differ in how fine a point in time is.
pub(crate) fn same(ours: &RecordBatch, theirs: &RecordBatch) -> Result<bool> {
    for (ours, theirs) in ours.columns().iter().zip(theirs.columns()) {
        if *ours != arrow_cast::cast(theirs, ours.data_type())? {
            return Ok(false);
        }
    }
    Ok(ours.num_rows() == theirs.num_rows() && ours.num_columns() == theirs.num_columns())
}

/// As it is sent: without white space, which APIs that are asked by programs leave out.
fn bytes(page: &Value) -> Vec<u8> {
    page.to_string().into_bytes()
}

fn column(path: &str, data_type: ColumnType) -> Column {
    Column {
        name: path.replace('.', "_").to_lowercase(),
        path: path.split('.').map(str::to_owned).collect(),
        data_type,
        nullable: true,
        description: None,
        source: ColumnSource::Row,
    }
}

fn instant() -> ColumnType {
    ColumnType::Timestamp { format: TimestampFormat::Iso8601, instant: true }
}
