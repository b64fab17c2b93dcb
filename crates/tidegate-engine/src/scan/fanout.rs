//! A scan of several partitions: one after the other, all at once, or merged by an order.
//!
//! It is one partition to DataFusion. A part that was not begun costs nothing but its code, so that thousands of them
//! cost no more than their calls.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::LexOrdering;
use datafusion::physical_plan::coop::cooperative;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet};
use datafusion::physical_plan::sorts::streaming_merge::StreamingMergeBuilder;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, stream};

use super::failures::{Failures, bound_last};
use super::reader::Reader;

/// Partitions that are read at once. Their quotas and concurrency limits are kept further down.
pub(super) const AT_ONCE: usize = 32;

/// A scan of these partitions.
#[derive(Clone)]
pub(super) struct Fanout {
    pub(super) reader: Arc<Reader>,
    pub(super) failures: Arc<Failures>,
    pub(super) codes: Arc<[Arc<str>]>,
}

/// One partition of it.
struct Part {
    fanout: Fanout,
    /// Which of the codes.
    place: usize,
    wanted: Option<usize>,
    run: Option<BoxStream<'static, Result<RecordBatch>>>,
    rows: usize,
}

/// Partitions in their order.
struct Sequence {
    fanout: Fanout,
    next: usize,
    current: Option<Part>,
    wanted: usize,
}

impl Fanout {
    fn part(&self, place: usize, wanted: Option<usize>) -> Part {
        Part { fanout: self.clone(), place, wanted, run: None, rows: 0 }
    }

    /// `wanted` rows, of the first partitions that have them; no further one is asked.
    pub(super) fn in_sequence(self, wanted: usize) -> impl Stream<Item = Result<RecordBatch>> + Send {
        let sequence = Sequence { fanout: self, next: 0, current: None, wanted };
        stream::try_unfold(
            sequence,
            |mut sequence| async move { Ok(sequence.next().await?.map(|batch| (batch, sequence))) },
        )
    }

    /// All rows, as they arrive.
    pub(super) fn at_once(self) -> impl Stream<Item = Result<RecordBatch>> + Send {
        let failures = Arc::clone(&self.failures);
        let parts = stream::iter(0..self.codes.len())
            .map(move |place| Box::pin(self.part(place, None).into_stream()))
            .flatten_unordered(AT_ONCE);
        bound_last(parts).chain(end(failures))
    }

    /// Rows in this order, in which each partition returns its own; the first `fetch` of them.
    pub(super) fn merged(
        self,
        order: &LexOrdering,
        fetch: Option<usize>,
        schema: &SchemaRef,
        task: &TaskContext,
    ) -> Result<SendableRecordBatchStream> {
        let failures = Arc::clone(&self.failures);
        let part = |place: usize| -> SendableRecordBatchStream {
            let rows = Box::pin(self.part(place, fetch).into_stream());
            Box::pin(cooperative(RecordBatchStreamAdapter::new(Arc::clone(schema), rows)))
        };
        let memory = MemoryConsumer::new(format!("partitions of {}", self.reader.place())).register(task.memory_pool());
        let rows = StreamingMergeBuilder::new()
            .with_streams((0..self.codes.len()).map(part).collect())
            .with_schema(Arc::clone(schema))
            .with_expressions(order)
            // Rows are counted where they come from.
            .with_metrics(BaselineMetrics::new(&ExecutionPlanMetricsSet::new(), 0))
            .with_batch_size(self.reader.batch_size)
            .with_fetch(fetch)
            .with_reservation(memory)
            .build()?;
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(schema), rows.chain(end(failures)))))
    }
}

/// After the last row: an error if partitions have failed.
fn end(failures: Arc<Failures>) -> impl Stream<Item = Result<RecordBatch>> + Send {
    stream::once(async move { failures.finish() }).filter_map(|end| async move { end.err().map(Err) })
}

impl Part {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        match self.try_next().await {
            Ok(batch) => {
                self.rows += batch.as_ref().map_or(0, RecordBatch::num_rows);
                Ok(batch)
            }
            Err(error) => self.fanout.failures.take(self.place, self.rows, error).map(|()| None),
        }
    }

    async fn try_next(&mut self) -> Result<Option<RecordBatch>> {
        let run = match &mut self.run {
            Some(run) => run,
            None => {
                let code = self.fanout.codes.get(self.place).map(AsRef::as_ref);
                self.run.insert(self.fanout.reader.rows(code, self.wanted)?)
            }
        };
        run.next().await.transpose()
    }

    fn into_stream(self) -> impl Stream<Item = Result<RecordBatch>> + Send {
        stream::try_unfold(self, |mut part| async move { Ok(part.next().await?.map(|batch| (batch, part))) })
    }
}

impl Sequence {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let Some(part) = &mut self.current else {
                if self.wanted == 0 || self.next == self.fanout.codes.len() {
                    return self.fanout.failures.finish().map(|()| None);
                }
                self.current = Some(self.fanout.part(self.next, Some(self.wanted)));
                self.next += 1;
                continue;
            };
            match part.next().await? {
                Some(batch) => {
                    self.wanted -= batch.num_rows().min(self.wanted);
                    return Ok(Some(batch));
                }
                None => self.current = None,
            }
        }
    }
}
