//! A run of the operator: rows in, the same rows with a detail's columns out, in their order.
//!
//! What is asked is asked once: answers are remembered by what was taken from the row, and accounted for in the memory
//! pool. A batch's rows leave as soon as those before them have their answers.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::interleave_record_batch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::MemoryReservation;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, Stream, StreamExt, stream};
use tidegate_remote::{Error, ErrorKind, Place, Source};
use tidegate_transport::Sent;

use super::ask::DetailAsk;
use super::exec::FromRow;
use crate::partitions;
use crate::scan::ScanMetrics;

/// Calls under way at once. Quotas and the limits of the API are kept further down.
const AT_ONCE: usize = 8;

/// What the answer to a question was.
type Answered = (OwnedRow, std::result::Result<RecordBatch, Error>);

/// A run.
pub(super) struct DetailRun {
    ask: Arc<DetailAsk>,
    from_row: FromRow,
    input: SendableRecordBatchStream,
    source: Source,
    schema: SchemaRef,
    /// Whether rows that are not wanted any more must not be asked for in numbers.
    may_stop: bool,
    /// What is taken from a row as one value.
    keys: RowConverter,
    answers: HashMap<OwnedRow, RecordBatch>,
    /// For rows with nothing to ask for.
    nulls: RecordBatch,
    current: Option<Current>,
    asked: FuturesUnordered<BoxFuture<'static, Answered>>,
    memory: MemoryReservation,
    metrics: ScanMetrics,
}

/// The rows at hand.
struct Current {
    rows: RecordBatch,
    /// What each row asks; `None` for nothing.
    keys: Vec<Option<OwnedRow>>,
    /// The columns that questions are made of.
    parameters: Vec<ArrayRef>,
    /// Rows whose questions are still to be asked, in their order.
    to_ask: VecDeque<usize>,
    /// Rows that were handed on.
    done: usize,
}

impl DetailRun {
    pub(super) fn try_new(
        (ask, from_row): (Arc<DetailAsk>, FromRow),
        input: SendableRecordBatchStream,
        source: Source,
        (schema, may_stop): (SchemaRef, bool),
        (memory, metrics): (MemoryReservation, ScanMetrics),
    ) -> Result<Self> {
        let rows = input.schema();
        let fields = from_row.places().map(|place| SortField::new(rows.field(place).data_type().clone()));
        let nulls = ask.request().nulls().map_err(|kind| DataFusionError::Internal(kind.to_string()))?;
        Ok(Self {
            keys: RowConverter::new(fields.collect())?,
            ask,
            from_row,
            input,
            source,
            schema,
            may_stop,
            answers: HashMap::new(),
            nulls,
            current: None,
            asked: FuturesUnordered::new(),
            memory,
            metrics,
        })
    }

    /// The batches. Nothing is asked for before the first poll.
    pub(super) fn into_stream(self) -> impl Stream<Item = Result<RecordBatch>> + Send {
        stream::try_unfold(self, |mut run| async move { Ok(run.next().await?.map(|batch| (batch, run))) })
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let Some(current) = &mut self.current else {
                let Some(rows) = self.input.next().await.transpose()? else { return Ok(None) };
                self.current = (rows.num_rows() > 0).then(|| self.begun(rows)).transpose()?;
                continue;
            };
            let is_ready = |key: &Option<OwnedRow>| key.as_ref().is_none_or(|key| self.answers.contains_key(key));
            let ready = current.keys[current.done..].iter().take_while(|key| is_ready(key)).count();
            if ready > 0 {
                let batch = self.handed_on(ready)?;
                return Ok(Some(self.metrics.output(batch)));
            }
            self.ask_ahead()?;
            self.await_answer().await?;
        }
    }

    /// Rows to be answered.
    fn begun(&mut self, rows: RecordBatch) -> Result<Current> {
        let column = |place: usize| Arc::clone(rows.column(place));
        let columns: Vec<ArrayRef> = self.from_row.places().map(column).collect();
        let converted = self.keys.convert_columns(&columns)?;
        let is_asked = |row: usize| columns.iter().all(|column| !column.is_null(row));
        let keys: Vec<Option<OwnedRow>> =
            (0..rows.num_rows()).map(|row| is_asked(row).then(|| converted.row(row).owned())).collect();
        let mut seen: HashSet<&OwnedRow> = HashSet::new();
        let is_new = |key: &OwnedRow| !self.answers.contains_key(key);
        let to_ask = keys.iter().enumerate().filter_map(|(row, key)| {
            let key = key.as_ref().filter(|key| is_new(key))?;
            seen.insert(key).then_some(row)
        });
        let to_ask = to_ask.collect();
        let parameters = self.from_row.parameters.iter().map(|&place| column(place)).collect();
        Ok(Current { rows, keys, parameters, to_ask, done: 0 })
    }

    /// The next `ready` rows, all of which are answered.
    fn handed_on(&mut self, ready: usize) -> Result<RecordBatch> {
        let compute = self.metrics.compute();
        let _timer = compute.timer();
        let Some(current) = &mut self.current else { return Ok(RecordBatch::new_empty(Arc::clone(&self.schema))) };
        let keys = &current.keys[current.done..current.done + ready];
        let answer = |key: &Option<OwnedRow>| key.as_ref().and_then(|key| self.answers.get(key)).unwrap_or(&self.nulls);
        let answers: Vec<&RecordBatch> = keys.iter().map(answer).collect();
        let places: Vec<(usize, usize)> = (0..answers.len()).map(|place| (place, 0)).collect();
        let added = interleave_record_batch(&answers, &places)?;
        let rows = current.rows.slice(current.done, ready);
        current.done += ready;
        if current.done == current.rows.num_rows() {
            self.current = None;
        }
        let columns = rows.columns().iter().chain(added.columns()).map(Arc::clone).collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    /// Asks for the next rows, as many as may be under way. One whose reader may stop begins with one, and has one more
    /// under way with each answer: what is asked in vain is no more than was asked with reason.
    fn ask_ahead(&mut self) -> Result<()> {
        let most = if self.may_stop { AT_ONCE.min(self.answers.len() + 1) } else { AT_ONCE };
        let Some(current) = &mut self.current else { return Ok(()) };
        while self.asked.len() < most {
            let Some(row) = current.to_ask.pop_front() else { break };
            let Some(key) = current.keys[row].clone() else { continue };
            let values = self.ask.request().key(&current.parameters, row);
            let values = values.map_err(|kind| failed(&self.source, kind))?.unwrap_or_default();
            let source = self.from_row.partition.map(|place| {
                let code = current.rows.column(place).as_string::<i32>().value(row);
                partitions::source_of(&self.source, code).map_err(|error| DataFusionError::External(error as _))
            });
            let source = source.transpose()?.unwrap_or_else(|| self.source.clone());
            let ask = Arc::clone(&self.ask);
            self.asked.push(async move { (key, ask.request().read(&source, &values).await) }.boxed());
        }
        Ok(())
    }

    async fn await_answer(&mut self) -> Result<()> {
        let cancellation = self.source.statement.cancellation();
        let answered = tokio::select! {
            biased;
            () = cancellation.cancelled() => return Err(failed(&self.source, cancelled())),
            answered = self.asked.next() => answered,
        };
        self.metrics.refresh();
        let Some((key, answer)) = answered else {
            return Err(DataFusionError::Internal("a row waits for an answer that nobody asked for".to_owned()));
        };
        let answer = answer.map_err(|error| DataFusionError::External(Box::new(error)))?;
        self.memory.try_grow(answer.get_array_memory_size() + key.as_ref().len())?;
        self.answers.insert(key, answer);
        Ok(())
    }
}

fn cancelled() -> ErrorKind {
    let kind = tidegate_transport::ErrorKind::Cancelled;
    tidegate_transport::Error::new(kind, Sent::No, "the statement was cancelled").into()
}

fn failed(source: &Source, kind: ErrorKind) -> DataFusionError {
    let place = Place { connection: source.connection.to_string(), ..Place::default() };
    DataFusionError::External(Box::new(Error { place, kind }))
}
