//! A plan as text: what stands in its last column is already laid out, and a frame or a cut would spoil it.

use std::io::Write;

use datafusion::arrow::record_batch::RecordBatch;

use super::{RowWriter, Sink, WriteError, cells};
use crate::messages::without_controls;

/// Writes the last column as it is, under the others as a heading.
pub(crate) struct PlanWriter {
    sink: Sink,
}

impl PlanWriter {
    pub(crate) fn new(sink: Sink) -> Self {
        Self { sink }
    }
}

impl RowWriter for PlanWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        let schema = batch.schema_ref();
        let mut columns = cells::columns(schema.fields(), batch)?;
        let mut value = Vec::new();
        for row in 0..batch.num_rows() {
            let mut cells = Vec::with_capacity(columns.len());
            for column in columns.iter_mut().filter(|column| !column.is_null(row)) {
                cells.push(column.text(row, &mut value)?.to_owned());
            }
            let plan = cells.pop().unwrap_or_default();
            if !cells.is_empty() {
                writeln!(self.sink, "{}:", without_controls(&cells.join(" ")))?;
            }
            writeln!(self.sink, "{}", without_controls(plan.trim_end()))?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Option<String>, WriteError> {
        self.sink.flush()?;
        Ok(None)
    }
}
