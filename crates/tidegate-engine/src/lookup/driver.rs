//! The driving side as it is read.

use std::collections::VecDeque;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::Result;
use datafusion::execution::SendableRecordBatchStream;
use futures::{Stream, StreamExt, stream};

/// Rows of the driving side.
pub(super) struct Driver {
    input: Option<SendableRecordBatchStream>,
    /// Rows that were read and given back.
    rest: VecDeque<RecordBatch>,
}

impl Driver {
    pub(super) fn new(input: SendableRecordBatchStream) -> Self {
        Self { input: Some(input), rest: VecDeque::new() }
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// What the side fails for.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        if let Some(batch) = self.rest.pop_front() {
            return Ok(Some(batch));
        }
        let Some(input) = &mut self.input else { return Ok(None) };
        let batch = input.next().await.transpose()?;
        if batch.is_none() {
            self.input = None;
        }
        Ok(batch)
    }

    /// Takes rows back that are to come next.
    pub(super) fn put_back(&mut self, batch: RecordBatch) {
        if batch.num_rows() > 0 {
            self.rest.push_front(batch);
        }
    }

    /// The rows that are left, as they come.
    pub(super) fn into_stream(self) -> impl Stream<Item = Result<RecordBatch>> + Send {
        stream::iter(self.rest).map(Ok).chain(stream::iter(self.input).flatten())
    }
}
