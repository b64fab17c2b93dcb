//! Rows that were looked up, kept for driving rows that come later: no key is asked for twice.

use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, stream};

/// The rows, and the memory that they take.
#[derive(Clone)]
pub(super) struct Found {
    rows: Arc<Mutex<Vec<RecordBatch>>>,
    memory: Arc<MemoryReservation>,
}

impl Found {
    pub(super) fn new(memory: MemoryReservation) -> Self {
        Self { rows: Arc::default(), memory: Arc::new(memory) }
    }

    /// The rows that are kept, and behind them those of `more`, which are kept as they come.
    pub(super) fn with(&self, schema: SchemaRef, more: SendableRecordBatchStream) -> SendableRecordBatchStream {
        let found = self.clone();
        let kept = self.rows.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let more = more.map(move |batch| found.keep(batch?));
        Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(kept).map(Ok).chain(more)))
    }

    fn keep(&self, batch: RecordBatch) -> Result<RecordBatch> {
        self.memory.try_grow(batch.get_array_memory_size())?;
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).push(batch.clone());
        Ok(batch)
    }
}
