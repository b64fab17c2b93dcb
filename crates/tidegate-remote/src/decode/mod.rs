//! JSON pages straight into Arrow builders.
//!
//! One pass over the body, no document tree: the envelope is walked, rows go into column builders, members
//! that nobody asked for are skipped, and the next link and count are picked up on the way.
//!
//! ```text
//! body -> scanner (JSON grammar, slices) -> page (envelope) -> row (a slot per column) -> column (Arrow builder)
//! ```
//!
//! What a value may look like is decided per type, generously where the meaning is plain (a number as a string
//! of digits, a number or boolean in a text column, which keeps its JSON text) and never by guessing: what would lose
//! digits, overflow or be of another kind is a bad value. NULL or a missing member in a column that the API
//! declares as always present is a bad value too. Of a member that stands twice in a row the last one counts.

mod binary;
mod column;
mod decimal;
mod envelope;
mod failure;
mod leaf;
mod page;
mod row;
mod scanner;
mod temporal;
#[cfg(test)]
mod tests;
mod value;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use tidegate_spec::{Column as SpecColumn, Envelope, Table};

use crate::{BadValue, ErrorKind, arrow_types};
use column::{Column, Shape};
use page::Page;

/// Decodes pages of one scan; keeps what pages have in common.
#[derive(Debug)]
pub struct Decoder {
    schema: SchemaRef,
    shapes: Vec<Shape>,
    node: row::Node,
    step: envelope::Step,
    envelope: Envelope,
    on_bad_value: BadValue,
    /// Rows of the last page: what builders of the next one make room for.
    rows: AtomicUsize,
}

/// What one body held.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// The rows.
    pub batch: RecordBatch,
    /// The next link, as it stands in the body; an empty one is none.
    pub next: Option<String>,
    /// Number of rows over all pages, if the body tells it.
    pub count: Option<u64>,
}

impl Decoder {
    /// A decoder for these columns of the table, in this order. Indices that the table does not have are left out.
    #[must_use]
    pub fn new(table: &Table, columns: &[usize], envelope: &Envelope, on_bad_value: BadValue) -> Self {
        let whole = arrow_types::schema_for(table, on_bad_value);
        let columns: Vec<usize> = columns.iter().copied().filter(|&index| index < table.columns.len()).collect();
        let wanted = || columns.iter().map(|&index| &table.columns[index]);
        let fields: arrow::datatypes::Fields =
            columns.iter().map(|&index| Arc::clone(&whole.fields()[index])).collect();
        let shape = |(column, field): (&SpecColumn, &Arc<_>)| {
            Shape::new(column.name.clone(), &column.data_type, column.nullable, Arc::clone(field))
        };
        Self {
            shapes: wanted().zip(&fields).map(shape).collect(),
            node: row::Node::new(wanted().map(|column| column.path.iter().map(String::as_str))),
            step: envelope::Step::new(envelope),
            envelope: envelope.clone(),
            on_bad_value,
            rows: AtomicUsize::new(0),
            schema: Arc::new(arrow::datatypes::Schema::new(fields)),
        }
    }

    /// Schema of its batches.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Decodes one body.
    ///
    /// # Errors
    /// [`ErrorKind::Body`] when it is not JSON, is cut short, or has no rows where the envelope says;
    /// [`ErrorKind::BadValue`] when a value does not fit its column.
    pub fn decode(&self, body: &[u8]) -> Result<Decoded, ErrorKind> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let text = std::str::from_utf8(body).map_err(|error| match error.error_len() {
            // Cut within a character.
            None => failure::not_json(&String::from_utf8_lossy(body), scanner::Syntax::Ended),
            Some(_) => failure::not_utf8(body, error.valid_up_to()),
        })?;
        let mut page = Page::new(self, self.rows.load(Ordering::Relaxed));
        page.read(&self.step, text).map_err(|syntax| failure::not_json(text, syntax))?;
        let parts = page.finish()?.ok_or_else(|| failure::no_rows(text, &self.envelope))?;
        let rows = usize::try_from(parts.rows).unwrap_or(usize::MAX);
        self.rows.store(rows, Ordering::Relaxed);
        let arrays = parts.columns.into_iter().map(Column::finish).collect::<Result<Vec<_>, _>>();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = arrays
            .and_then(|arrays| RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options))
            .map_err(|error| ErrorKind::Body(format!("the rows do not make a batch: {error}")))?;
        Ok(Decoded { batch, next: parts.next, count: parts.count })
    }
}
