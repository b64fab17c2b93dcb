//! JSON: an array a line for each result, or an object a line for each row.

use std::io::Write;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::json::WriterBuilder;
use datafusion::arrow::json::writer::{JsonArray, LineDelimited, Writer};
use datafusion::arrow::record_batch::RecordBatch;

use super::{RowWriter, Sink, WriteError, renamed};

/// Writes rows as JSON objects. A result that fails midway leaves its array open, so that no reader takes the part
/// for the whole.
pub(crate) struct JsonWriter {
    sink: Sink,
    schema: SchemaRef,
    writer: Kind,
}

enum Kind {
    Array(Writer<Sink, JsonArray>),
    Lines(Writer<Sink, LineDelimited>),
}

impl JsonWriter {
    pub(crate) fn array(sink: Sink, schema: SchemaRef) -> Self {
        let writer = Kind::Array(builder().build(sink.clone()));
        Self { sink, schema, writer }
    }

    pub(crate) fn lines(sink: Sink, schema: SchemaRef) -> Self {
        let writer = Kind::Lines(builder().build(sink.clone()));
        Self { sink, schema, writer }
    }
}

fn builder() -> WriterBuilder {
    WriterBuilder::new().with_explicit_nulls(true)
}

impl RowWriter for JsonWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        let batch = renamed(batch, &self.schema)?;
        match &mut self.writer {
            Kind::Array(writer) => writer.write(&batch)?,
            Kind::Lines(writer) => writer.write(&batch)?,
        }
        Ok(self.sink.flush()?)
    }

    fn finish(mut self: Box<Self>) -> Result<Option<String>, WriteError> {
        if let Kind::Array(writer) = &mut self.writer {
            writer.finish()?;
            self.sink.write_all(b"\n")?;
        }
        self.sink.flush()?;
        Ok(None)
    }
}
