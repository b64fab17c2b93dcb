//! Small batches made large ones, for operators that pay for each batch.
//!
//! A page has a hundred rows where a batch may have thousands: a sort begins a run for each batch, and an aggregate or a
//! join looks at each anew. What is there at once becomes one batch. What is not there is not waited for, so that no row
//! comes later than it would.

use std::pin::Pin;
use std::task::{Context, Poll};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream};
use futures::{Stream, StreamExt};

/// Bytes above which a batch is large enough, however few its rows are.
const BYTES: usize = 1024 * 1024;

/// The rows of a stream, in its order, in fewer batches. Its reader reads to the end: one batch may be asked for before the
/// one in front of it is read.
pub(super) struct Combined {
    /// `None` once it has ended.
    rows: Option<SendableRecordBatchStream>,
    schema: SchemaRef,
    /// Most rows of a batch.
    most: usize,
    held: Vec<RecordBatch>,
    held_rows: usize,
    held_bytes: usize,
    /// What comes behind the rows that are held: what did not fit, or an error.
    behind: Option<Result<RecordBatch>>,
}

impl Combined {
    /// In batches of up to `most` rows, unless the stream has larger ones.
    pub(super) fn new(rows: SendableRecordBatchStream, most: usize) -> Self {
        let schema = rows.schema();
        Self { rows: Some(rows), schema, most, held: Vec::new(), held_rows: 0, held_bytes: 0, behind: None }
    }

    /// Holds the rows, unless there would be too many; then they come behind.
    fn hold(&mut self, batch: RecordBatch) {
        if !self.held.is_empty() && self.held_rows + batch.num_rows() > self.most {
            self.behind = Some(Ok(batch));
            return;
        }
        self.held_rows += batch.num_rows();
        self.held_bytes += batch.get_array_memory_size();
        self.held.push(batch);
    }

    fn is_full(&self) -> bool {
        self.behind.is_some() || self.held_rows >= self.most || self.held_bytes >= BYTES
    }

    /// The rows that are held, as one batch.
    fn release(&mut self) -> Result<RecordBatch> {
        (self.held_rows, self.held_bytes) = (0, 0);
        match self.held.len() {
            1 => Ok(self.held.remove(0)),
            _ => {
                let combined = concat_batches(&self.schema, &self.held)?;
                self.held.clear();
                Ok(combined)
            }
        }
    }
}

impl Stream for Combined {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        match this.behind.take() {
            Some(Ok(batch)) => this.hold(batch),
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            None => {}
        }
        while !this.is_full() {
            let Some(rows) = &mut this.rows else { break };
            match rows.poll_next_unpin(context) {
                Poll::Ready(Some(Ok(batch))) => this.hold(batch),
                Poll::Ready(Some(Err(error))) => this.behind = Some(Err(error)),
                Poll::Ready(None) => this.rows = None,
                Poll::Pending if this.held.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        if !this.held.is_empty() {
            return Poll::Ready(Some(this.release()));
        }
        Poll::Ready(this.behind.take())
    }
}

impl RecordBatchStream for Combined {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array};
    use datafusion::arrow::datatypes::Int64Type;
    use datafusion::common::exec_datafusion_err;
    use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
    use futures::stream;

    use super::*;

    /// What a stream does when it is polled.
    #[derive(Clone, Copy)]
    enum Step {
        /// A batch of so many rows.
        Rows(usize),
        Waits,
        Fails,
    }
    use Step::{Fails, Rows, Waits};

    fn batch(first: usize, rows: usize) -> RecordBatch {
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values((first..first + rows).map(|value| value as i64)));
        RecordBatch::try_from_iter([("value", values)]).unwrap()
    }

    fn stream_of(steps: &[Step]) -> SendableRecordBatchStream {
        let mut steps: std::vec::IntoIter<Step> = Vec::from(steps).into_iter();
        let mut first = 0;
        let rows = stream::poll_fn(move |context| match steps.next() {
            Some(Rows(rows)) => {
                first += rows;
                Poll::Ready(Some(Ok(batch(first - rows, rows))))
            }
            Some(Waits) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Fails) => Poll::Ready(Some(Err(exec_datafusion_err!("broken")))),
            None => Poll::Ready(None),
        });
        Box::pin(RecordBatchStreamAdapter::new(batch(0, 0).schema(), rows))
    }

    #[tokio::test]
    async fn what_is_there_is_one_batch_and_nothing_is_waited_for() {
        let cases: &[(&[Step], &[usize], bool)] = &[
            (&[], &[], true),
            (&[Rows(3)], &[3], true),
            (&[Rows(3), Rows(4), Rows(2)], &[9], true),
            (&[Rows(3), Waits, Rows(4), Rows(1), Waits], &[3, 5], true),
            (&[Waits, Rows(3), Rows(7), Rows(1), Rows(1)], &[10, 2], true),
            // A batch is not divided.
            (&[Rows(3), Rows(8), Rows(1)], &[3, 9], true),
            (&[Rows(3), Rows(25), Rows(1)], &[3, 25, 1], true),
            // What came before a failure is handed on before.
            (&[Rows(3), Rows(4), Fails], &[7], false),
            (&[Rows(9), Rows(4), Fails], &[9, 4], false),
            (&[Fails], &[], false),
        ];
        for (number, (steps, expected, is_whole)) in cases.iter().enumerate() {
            let mut combined = Combined::new(stream_of(steps), 10);
            let (mut sizes, mut rows, mut ended_well) = (Vec::new(), Vec::new(), true);
            while let Some(next) = combined.next().await {
                match next {
                    Ok(batch) => {
                        sizes.push(batch.num_rows());
                        rows.extend(batch.column(0).as_primitive::<Int64Type>().values().to_vec());
                    }
                    Err(_) => ended_well = false,
                }
            }
            assert_eq!((sizes.as_slice(), ended_well), (*expected, *is_whole), "case {number}");
            assert_eq!(rows, (0..expected.iter().sum::<usize>() as i64).collect::<Vec<_>>(), "case {number}: in order");
        }
    }

    #[tokio::test]
    async fn a_batch_is_large_enough_by_its_bytes() {
        let wide = 100_000;
        let mut combined = Combined::new(stream_of(&[Rows(wide), Rows(wide), Rows(wide)]), usize::MAX);
        assert_eq!(combined.next().await.unwrap().unwrap().num_rows(), 2 * wide);
    }
}
