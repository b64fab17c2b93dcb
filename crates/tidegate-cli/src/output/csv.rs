//! Comma-separated values as in RFC 4180, with line ends as on Unix.
//!
//! Arrow's own writer serves other needs: it cannot tell NULL from an empty text, and refuses nested values.

use std::io::Write;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;

use super::{RowWriter, Sink, WriteError, cells};

/// Writes the header at once, then a line a row.
pub(crate) struct CsvWriter {
    sink: Sink,
    /// Lines that are being made.
    lines: Vec<u8>,
    /// The value that is being made.
    value: String,
}

impl CsvWriter {
    pub(crate) fn new(mut sink: Sink, schema: &SchemaRef) -> Result<Self, WriteError> {
        let mut lines = Vec::new();
        for (at, field) in schema.fields().iter().enumerate() {
            separate(&mut lines, at);
            push(&mut lines, field.name());
        }
        lines.push(b'\n');
        sink.write_all(&lines)?;
        Ok(Self { sink, lines, value: String::new() })
    }
}

impl RowWriter for CsvWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        let schema = batch.schema_ref();
        let mut columns = cells::columns(schema.fields(), batch)?;
        self.lines.clear();
        for row in 0..batch.num_rows() {
            for (at, column) in columns.iter_mut().enumerate() {
                separate(&mut self.lines, at);
                if column.is_null(row) {
                    continue;
                }
                let is_free = column.is_free();
                let text = column.text(row, &mut self.value)?;
                if is_free { push(&mut self.lines, text) } else { self.lines.extend_from_slice(text.as_bytes()) }
            }
            self.lines.push(b'\n');
            self.sink.write_full(&mut self.lines)?;
        }
        Ok(self.sink.write_all(&self.lines)?)
    }

    fn finish(mut self: Box<Self>) -> Result<Option<String>, WriteError> {
        self.sink.flush()?;
        Ok(None)
    }
}

fn separate(lines: &mut Vec<u8>, at: usize) {
    if at > 0 {
        lines.push(b',');
    }
}

/// An empty text is told from NULL, and what would end a value is put in quotes.
fn push(lines: &mut Vec<u8>, text: &str) {
    if !text.is_empty() && !text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        return lines.extend_from_slice(text.as_bytes());
    }
    lines.push(b'"');
    for (at, part) in text.split('"').enumerate() {
        if at > 0 {
            lines.extend_from_slice(b"\"\"");
        }
        lines.extend_from_slice(part.as_bytes());
    }
    lines.push(b'"');
}
