//! The rows of a statement on their way out: counted, cancellable, and recorded at their end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream};
use futures::{Stream, StreamExt};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::Run;
use crate::Error;

/// Wraps the stream of a plan. It ends once: at the last row, at the first error, or when the statement is
/// cancelled; dropped before, the statement is abandoned. An error is an [`Error`] of ours inside a DataFusionError.
pub(super) struct StatementStream {
    schema: SchemaRef,
    /// `None` once it has ended, so that what it holds is let go at once.
    inner: Option<SendableRecordBatchStream>,
    cancelled: Pin<Box<WaitForCancellationFutureOwned>>,
    run: Arc<Run>,
    rows: u64,
}

impl StatementStream {
    pub(super) fn new(
        inner: SendableRecordBatchStream,
        cancelled: WaitForCancellationFutureOwned,
        run: Arc<Run>,
    ) -> Self {
        Self { schema: inner.schema(), inner: Some(inner), cancelled: Box::pin(cancelled), run, rows: 0 }
    }

    fn fail(&mut self, error: Error) -> Poll<Option<Result<RecordBatch>>> {
        self.inner = None;
        self.run.failed(&error, self.rows);
        Poll::Ready(Some(Err(error.into())))
    }
}

impl Stream for StatementStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(inner) = this.inner.as_mut() else { return Poll::Ready(None) };
        if this.cancelled.as_mut().poll(context).is_ready() {
            return this.fail(Error::cancelled());
        }
        match futures::ready!(inner.poll_next_unpin(context)) {
            Some(Ok(batch)) => {
                this.rows += u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
                Poll::Ready(Some(Ok(batch)))
            }
            Some(Err(error)) => this.fail(Error::from(error)),
            None => {
                this.inner = None;
                this.run.done(this.rows);
                Poll::Ready(None)
            }
        }
    }
}

impl RecordBatchStream for StatementStream {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl Drop for StatementStream {
    fn drop(&mut self) {
        if self.inner.take().is_some() {
            self.run.abandoned(self.rows);
        }
    }
}
