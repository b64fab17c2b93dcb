//! An Arrow IPC stream, a message for each batch as it arrives.

use std::io::Write;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::ipc::writer::StreamWriter;
use datafusion::arrow::record_batch::RecordBatch;

use super::{RowWriter, Sink, WriteError, renamed};

/// Writes the schema at once, then the batches.
pub(crate) struct IpcWriter {
    sink: Sink,
    schema: SchemaRef,
    writer: StreamWriter<Sink>,
}

impl IpcWriter {
    pub(crate) fn new(sink: Sink, schema: SchemaRef) -> Result<Self, WriteError> {
        let writer = StreamWriter::try_new(sink.clone(), &schema)?;
        Ok(Self { sink, schema, writer })
    }
}

impl RowWriter for IpcWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        Ok(self.writer.write(&renamed(batch, &self.schema)?)?)
    }

    fn finish(mut self: Box<Self>) -> Result<Option<String>, WriteError> {
        self.writer.finish()?;
        self.sink.flush()?;
        Ok(None)
    }
}
