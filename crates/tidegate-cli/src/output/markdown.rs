//! A Markdown table, as GitHub and most renderers read it.

use std::borrow::Cow;
use std::io::Write;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;

use super::{RowWriter, Sink, WriteError, cells};
use crate::messages::without_controls;

/// Writes the header at once, then a line a row.
pub(crate) struct MarkdownWriter {
    sink: Sink,
    /// Lines that are being made.
    lines: Vec<u8>,
    /// The value that is being made.
    value: Vec<u8>,
}

impl MarkdownWriter {
    pub(crate) fn new(mut sink: Sink, schema: &SchemaRef) -> Result<Self, WriteError> {
        let mut lines = Vec::from("|");
        schema.fields().iter().for_each(|field| cell(&mut lines, &escaped(field.name())));
        lines.extend_from_slice(b"\n|");
        for field in schema.fields() {
            cell(&mut lines, if cells::is_number(field.data_type()) { "---:" } else { "---" });
        }
        lines.push(b'\n');
        sink.write_all(&lines)?;
        Ok(Self { sink, lines, value: Vec::new() })
    }
}

impl RowWriter for MarkdownWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        let schema = batch.schema_ref();
        let mut columns = cells::columns(schema.fields(), batch)?;
        self.lines.clear();
        for row in 0..batch.num_rows() {
            self.lines.push(b'|');
            for column in &mut columns {
                let text = if column.is_null(row) { "" } else { column.text(row, &mut self.value)? };
                cell(&mut self.lines, &escaped(text));
            }
            self.lines.push(b'\n');
            self.sink.write_full(&mut self.lines)?;
        }
        Ok(self.sink.write_all(&self.lines)?)
    }

    fn finish(mut self: Box<Self>) -> Result<Option<String>, WriteError> {
        self.sink.write_all(b"\n")?;
        self.sink.flush()?;
        Ok(None)
    }
}

/// A row is one line, and `|` ends a cell.
fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['\\', '|', '\r', '\n']) {
        return without_controls(text);
    }
    let text = text.replace('\\', "\\\\").replace('|', "\\|").replace("\r\n", "<br>").replace(['\n', '\r'], "<br>");
    without_controls(&text).into_owned().into()
}

fn cell(lines: &mut Vec<u8>, text: &str) {
    lines.push(b' ');
    lines.extend_from_slice(text.as_bytes());
    lines.extend_from_slice(b" |");
}
