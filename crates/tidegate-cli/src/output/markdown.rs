//! A Markdown table, as GitHub and most renderers read it.

use std::io::Write;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;

use super::{RowWriter, Sink, WriteError, cells};
use crate::messages::without_controls;

/// Writes the header at once, then a line a row.
pub(crate) struct MarkdownWriter {
    sink: Sink,
}

impl MarkdownWriter {
    pub(crate) fn new(mut sink: Sink, schema: &SchemaRef) -> Result<Self, WriteError> {
        let names = schema.fields().iter().map(|field| escaped(field.name()));
        sink.write_all(line(names).as_bytes())?;
        let rules = schema.fields().iter().map(|field| {
            let rule = if cells::is_number(field.data_type()) { "---:" } else { "---" };
            rule.to_owned()
        });
        sink.write_all(line(rules).as_bytes())?;
        Ok(Self { sink })
    }
}

impl RowWriter for MarkdownWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        for row in cells::rows(batch)? {
            let cells = row.iter().map(|cell| cell.as_deref().map_or_else(String::new, escaped));
            self.sink.write_all(line(cells).as_bytes())?;
        }
        Ok(self.sink.flush()?)
    }

    fn finish(mut self: Box<Self>) -> Result<Option<String>, WriteError> {
        self.sink.write_all(b"\n")?;
        self.sink.flush()?;
        Ok(None)
    }
}

/// A row is one line, and `|` ends a cell.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('|', "\\|").replace("\r\n", "<br>").replace(['\n', '\r'], "<br>");
    without_controls(&text).into_owned()
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let mut line = "|".to_owned();
    for cell in cells {
        line.push(' ');
        line.push_str(&cell);
        line.push_str(" |");
    }
    line.push('\n');
    line
}
