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
}

impl CsvWriter {
    pub(crate) fn new(mut sink: Sink, schema: &SchemaRef) -> Result<Self, WriteError> {
        let names = schema.fields().iter().map(|field| Some(field.name().as_str()));
        sink.write_all(line(names).as_bytes())?;
        Ok(Self { sink })
    }
}

impl RowWriter for CsvWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        for row in cells::rows(batch)? {
            self.sink.write_all(line(row.iter().map(Option::as_deref)).as_bytes())?;
        }
        Ok(self.sink.flush()?)
    }

    fn finish(mut self: Box<Self>) -> Result<Option<String>, WriteError> {
        self.sink.flush()?;
        Ok(None)
    }
}

fn line<'a>(cells: impl Iterator<Item = Option<&'a str>>) -> String {
    let mut line = String::new();
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            line.push(',');
        }
        match cell {
            None => {}
            Some(text) if text.is_empty() || text.contains([',', '"', '\n', '\r']) => {
                line.push('"');
                line.push_str(&text.replace('"', "\"\""));
                line.push('"');
            }
            Some(text) => line.push_str(text),
        }
    }
    line.push('\n');
    line
}
