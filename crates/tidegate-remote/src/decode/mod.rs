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
mod constant;
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
mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use tidegate_spec::{Column as SpecColumn, ColumnSource, EndpointKind, Envelope, Paging, Table};

use crate::{BadValue, ErrorKind, ScanRequest, arrow_types};
use column::{Column, Shape};
pub(crate) use constant::equal;
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
    /// Whether one object is the row.
    single: bool,
    /// Whether what leads to the next page is a token, which may be a number.
    tokens: bool,
    /// Per column its value, where the request says it; such a column has no shape.
    constants: Vec<Option<ArrayRef>>,
    /// Rows of the last page: what builders of the next one make room for.
    rows: AtomicUsize,
}

/// What one body held.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// The rows.
    pub batch: RecordBatch,
    /// The next link or token, as it stands in the body; an empty one is none.
    pub next: Option<String>,
    /// Whether there is a next page, if the body tells it.
    pub more: Option<bool>,
    /// Number of rows over all pages, if the body tells it.
    pub count: Option<u64>,
}

impl Decoder {
    /// A decoder of pages with these columns of the table, in this order, all of them read from the rows. Indices
    /// that the table does not have are left out.
    #[must_use]
    pub fn new(table: &Table, columns: &[usize], envelope: &Envelope, on_bad_value: BadValue) -> Self {
        let columns: Vec<usize> = columns.iter().copied().filter(|&index| index < table.columns.len()).collect();
        let constants = vec![None; columns.len()];
        Self::with_constants(table, &columns, constants, envelope, on_bad_value)
    }

    /// A decoder for what a request is answered with: pages of rows or one object, with these columns. A column
    /// whose value the request says has that value in every row, whatever the rows say.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when the endpoint does not return a column, or the request does not say the value
    /// of one that it has to say.
    pub fn for_request(request: &ScanRequest, columns: &[usize]) -> Result<Self, ErrorKind> {
        let (table, endpoint) = (&request.table, request.endpoint()?);
        let constant = |&index: &usize| {
            let unknown = || ErrorKind::Unsupported(format!("table {} has no column {index}", table.name));
            let column = table.columns.get(index).ok_or_else(unknown)?;
            if column.source == ColumnSource::Request {
                let data_type = arrow_types::data_type(&column.data_type);
                return constant::of_request(request, index, &data_type).map(Some);
            }
            let absent = || format!("endpoint {} does not return column {}", endpoint.name, column.name);
            if endpoint.returns(index) { Ok(None) } else { Err(ErrorKind::Unsupported(absent())) }
        };
        let constants = columns.iter().map(constant).collect::<Result<_, _>>()?;
        Ok(Self {
            single: endpoint.kind == EndpointKind::Get,
            tokens: matches!(endpoint.paging, Paging::Cursor { .. }),
            ..Self::with_constants(table, columns, constants, &endpoint.envelope, request.on_bad_value)
        })
    }

    fn with_constants(
        table: &Table,
        columns: &[usize],
        constants: Vec<Option<ArrayRef>>,
        envelope: &Envelope,
        on_bad_value: BadValue,
    ) -> Self {
        let whole = arrow_types::schema_for(table, on_bad_value);
        let fields: arrow::datatypes::Fields =
            columns.iter().map(|&index| Arc::clone(&whole.fields()[index])).collect();
        let read = || {
            let wanted = columns.iter().map(|&index| &table.columns[index]).zip(&fields).zip(&constants);
            wanted.filter(|(_, constant)| constant.is_none()).map(|(column, _)| column)
        };
        let shape = |(column, field): (&SpecColumn, &Arc<_>)| {
            Shape::new(column.name.clone(), &column.data_type, column.nullable, Arc::clone(field))
        };
        Self {
            shapes: read().map(shape).collect(),
            node: row::Node::new(read().map(|(column, _)| column.path.iter().map(String::as_str))),
            step: envelope::Step::new(envelope),
            envelope: envelope.clone(),
            on_bad_value,
            single: false,
            tokens: false,
            constants,
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
    /// [`ErrorKind::Body`] when it is not JSON, is cut short, is an error by what the envelope says, or has no rows
    /// where it says; [`ErrorKind::BadValue`] when a value does not fit its column.
    pub fn decode(&self, body: &[u8]) -> Result<Decoded, ErrorKind> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let text = std::str::from_utf8(body).map_err(|error| match error.error_len() {
            // Cut within a character.
            None => failure::not_json(&String::from_utf8_lossy(body), scanner::Syntax::Ended),
            Some(_) => failure::not_utf8(body, error.valid_up_to()),
        })?;
        let mut page = Page::new(self, self.rows.load(Ordering::Relaxed));
        page.read(&self.step, text).map_err(|syntax| failure::not_json(text, syntax))?;
        if let Some(refusal) = page.refusal() {
            return Err(failure::refused(text, refusal));
        }
        if page.is_absent() {
            let none = Page::new(self, 0).columns();
            return Ok(Decoded { batch: self.whole(none, 0)?, next: None, more: None, count: None });
        }
        let parts = page.finish()?.ok_or_else(|| failure::no_rows(text, &self.envelope, self.single))?;
        if parts.rows == 0 && !self.single {
            failure::beside_no_rows(text)?;
        }
        let rows = usize::try_from(parts.rows).unwrap_or(usize::MAX);
        self.rows.store(rows, Ordering::Relaxed);
        Ok(Decoded { batch: self.whole(parts.columns, rows)?, next: parts.next, more: parts.more, count: parts.count })
    }

    fn whole(&self, read: Vec<Column<'_, '_>>, rows: usize) -> Result<RecordBatch, ErrorKind> {
        self.batch(read, rows).map_err(|error| ErrorKind::Body(format!("the rows do not make a batch: {error}")))
    }

    fn batch(&self, read: Vec<Column<'_, '_>>, rows: usize) -> Result<RecordBatch, ArrowError> {
        let mut read = read.into_iter();
        let column = |constant: &Option<ArrayRef>| match constant {
            Some(one) => Some(constant::repeated(one, rows)),
            None => read.next().map(Column::finish),
        };
        let arrays = self.constants.iter().filter_map(column).collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
    }
}
