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
    /// A value that is being put in quotes.
    value: Vec<u8>,
}

impl CsvWriter {
    pub(crate) fn new(mut sink: Sink, schema: &SchemaRef) -> Result<Self, WriteError> {
        let (mut lines, mut value) = (Vec::new(), Vec::new());
        for (at, field) in schema.fields().iter().enumerate() {
            separate(&mut lines, at);
            let begin = lines.len();
            lines.extend_from_slice(field.name().as_bytes());
            quote(&mut lines, begin, &mut value);
        }
        lines.push(b'\n');
        sink.write_all(&lines)?;
        Ok(Self { sink, lines, value })
    }
}

impl RowWriter for CsvWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        let schema = batch.schema_ref();
        let columns = cells::columns(schema.fields(), batch)?.into_iter();
        let mut columns: Vec<_> = columns.map(|column| (column.may_have(is_marked), column)).collect();
        self.lines.clear();
        for row in 0..batch.num_rows() {
            for (at, (may_be_marked, column)) in columns.iter_mut().enumerate() {
                separate(&mut self.lines, at);
                if column.is_null(row) {
                    continue;
                }
                let begin = self.lines.len();
                column.append(row, &mut self.lines)?;
                if *may_be_marked || self.lines.len() == begin {
                    quote(&mut self.lines, begin, &mut self.value);
                }
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

/// What would end a value.
fn is_marked(byte: u8) -> bool {
    matches!(byte, b',' | b'"' | b'\n' | b'\r')
}

/// Puts the value that begins there in quotes, if need be: an empty text is told from NULL.
fn quote(lines: &mut Vec<u8>, begin: usize, scratch: &mut Vec<u8>) {
    let value = &lines[begin..];
    if !value.is_empty() && !value.iter().copied().any(is_marked) {
        return;
    }
    scratch.clear();
    scratch.extend_from_slice(value);
    lines.truncate(begin);
    lines.push(b'"');
    for byte in scratch {
        if *byte == b'"' {
            lines.push(b'"');
        }
        lines.push(*byte);
    }
    lines.push(b'"');
}
