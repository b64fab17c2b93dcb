//! A Parquet file. A row group is written when it is full; what was written is no file before its footer.

use std::io::{self, Write};

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::properties::WriterProperties;

use super::{RowWriter, Sink, WriteError, renamed};

/// Bytes of encoded rows that are held before they are written as a row group.
const ROW_GROUP_BYTES: usize = 32 * 1024 * 1024;

/// Writes rows into row groups.
pub(crate) struct ParquetWriter {
    sink: Sink,
    schema: SchemaRef,
    writer: ArrowWriter<Sink>,
}

impl ParquetWriter {
    pub(crate) fn new(sink: Sink, schema: SchemaRef) -> Result<Self, WriteError> {
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        let writer = ArrowWriter::try_new(sink.clone(), schema.clone(), Some(properties))?;
        Ok(Self { sink, schema, writer })
    }
}

impl RowWriter for ParquetWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        self.writer.write(&renamed(batch, &self.schema)?)?;
        if self.writer.in_progress_size() >= ROW_GROUP_BYTES {
            self.writer.flush()?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Option<String>, WriteError> {
        self.writer.finish()?;
        self.sink.flush()?;
        Ok(None)
    }
}

impl From<ParquetError> for WriteError {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(error) => (*error).into(),
                Err(other) => Self::Format(other.to_string()),
            },
            other => Self::Format(other.to_string()),
        }
    }
}
