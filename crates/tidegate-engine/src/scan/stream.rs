//! A scan that runs: pages in, batches out.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use datafusion::arrow::compute::{is_not_null, is_null};
use datafusion::common::{DataFusionError, Result, exec_err};
use futures::{Stream, StreamExt, stream};
use tidegate_remote::{Error, ErrorKind, Page, PageStream, Place, Source};
use tidegate_transport::Sent;

use super::count::with_advice;
use super::keys::Key;
use super::order::{Nulls, OrderCheck, Segment};
use super::reader::Reader;
use super::recheck::kept;

/// Rows asked for at least where an order is pushed: the check of the order needs neighbours to compare, and a
/// service that ignores `$orderby` must not pass for one that sorts because one row was asked for.
const ORDER_SAMPLE: u64 = 20;

/// Rows asked for at least where a filter is evaluated here of which the API knows nothing: as few rows as are wanted would hardly ever do,
/// and a second call costs more than rows.
const RESIDUAL_SAMPLE: u64 = 1_000;

/// What helps against a service that refuses to leave out rows.
const SKIPS_HERE: &str = "SET tidegate.pushdown = false leaves out rows here";

/// One part of a run of an `ApiScanExec`.
pub(super) struct ScanRun {
    reader: Arc<Reader>,
    /// The part's own.
    source: Source,
    /// Number of segments that were begun.
    begun: usize,
    /// Rows that the reader still wants; `None` for all.
    wanted: Option<usize>,
    order: Option<OrderCheck>,
    progress: Progress,
}

/// Where a run stands.
#[derive(Default)]
struct Progress {
    pages: Option<PageStream>,
    nulls: Option<Nulls>,
    keys: Vec<Key>,
    /// Rows that were not handed on yet.
    ready: Option<RecordBatch>,
}

impl ScanRun {
    pub(super) fn new(reader: Arc<Reader>, source: Source, wanted: Option<usize>, order: Option<OrderCheck>) -> Self {
        Self { reader, source, begun: 0, wanted, order, progress: Progress::default() }
    }

    /// The batches. Nothing is asked for before the first poll, nor after the reader has what it wants.
    pub(super) fn into_stream(self) -> impl Stream<Item = Result<RecordBatch>> + Send {
        stream::try_unfold(self, |mut run| async move { Ok(run.next().await?.map(|batch| (batch, run))) })
    }

    /// The next batch. Nothing is asked for before it is needed.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.take_ready() {
                return Ok(Some(self.reader.metrics.output(batch)));
            }
            let page = self.next_page().await;
            self.reader.metrics.refresh();
            let Some(page) = page? else { return Ok(None) };
            let compute = self.reader.metrics.compute();
            let _timer = compute.timer();
            let rows = self.process(page)?;
            self.progress.ready = (rows.num_rows() > 0).then_some(rows);
        }
    }

    /// At most a batch of the rows at hand.
    fn take_ready(&mut self) -> Option<RecordBatch> {
        let rows = self.progress.ready.take()?;
        if rows.num_rows() <= self.reader.batch_size {
            return Some(rows);
        }
        self.progress.ready = Some(rows.slice(self.reader.batch_size, rows.num_rows() - self.reader.batch_size));
        Some(rows.slice(0, self.reader.batch_size))
    }

    async fn next_page(&mut self) -> Result<Option<Page>> {
        loop {
            if self.wanted == Some(0) {
                self.stop();
            }
            let Some(pages) = &mut self.progress.pages else {
                let Some(segment) = self.reader.segments.get(self.begun).cloned() else { return Ok(None) };
                self.begin(segment);
                continue;
            };
            let cancellation = self.source.statement.cancellation();
            let turn = async {
                let _turn = match &self.reader.gate {
                    Some(gate) => gate.acquire().await.ok(),
                    None => None,
                };
                pages.next().await
            };
            let page = tokio::select! {
                biased;
                () = cancellation.cancelled() => Some(Err(self.cancelled())),
                page = turn => page,
            };
            match page {
                Some(Ok(page)) => return Ok(Some(page)),
                Some(Err(error)) => {
                    let skips = self.reader.segments.iter().any(|segment| segment.request.skip > 0);
                    self.stop();
                    let error = DataFusionError::External(Box::new(error));
                    return Err(if skips { with_advice(error, SKIPS_HERE).into() } else { error });
                }
                None => self.progress.pages = None,
            }
        }
    }

    fn begin(&mut self, segment: Segment) {
        let Segment { mut request, nulls, keys } = segment;
        self.begun += 1;
        let least = match (self.reader.recheck.unasked, request.sort.is_empty()) {
            (true, _) => RESIDUAL_SAMPLE,
            (false, false) => ORDER_SAMPLE,
            (false, true) => 0,
        };
        request.fetch = self.wanted.filter(|_| self.reader.push_fetch).map(|wanted| least.max(wanted as u64));
        self.progress.nulls = nulls;
        self.progress.keys = keys;
        self.progress.pages = Some(tidegate_remote::scan(self.source.clone(), request));
    }

    /// No further request is sent.
    fn stop(&mut self) {
        self.progress.pages = None;
        self.begun = self.reader.segments.len();
    }

    fn cancelled(&self) -> Error {
        let cause = "the statement was cancelled";
        let kind = tidegate_transport::ErrorKind::Cancelled;
        Error {
            place: Place { connection: self.source.connection.to_string(), ..Place::default() },
            kind: ErrorKind::Transport(tidegate_transport::Error::new(kind, Sent::No, cause)),
        }
    }

    /// What the reader wants of a page.
    fn process(&mut self, page: Page) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(page.batch.num_rows()));
        let mut columns = page.batch.columns().to_vec();
        if columns.len() < self.reader.fetched.fields().len() {
            columns.push(self.partition_column(page.batch.num_rows()));
        }
        let rows = RecordBatch::try_new_with_options(Arc::clone(&self.reader.fetched), columns, &options)?;
        let rows = self.of_segment(rows)?;
        if let Some(order) = &mut self.order {
            order.check(&rows, page.number)?;
        }
        let (rows, breached) = self.reader.recheck.apply(rows)?;
        if let Some(filter) = breached {
            self.breach(&filter)?;
        }
        let mut rows = rows.project(&self.reader.output)?;
        if let Some(wanted) = &mut self.wanted {
            rows = rows.slice(0, rows.num_rows().min(*wanted));
            *wanted -= rows.num_rows();
            if *wanted == 0 {
                self.stop();
            }
        }
        Ok(rows)
    }

    /// The code of the part's partition in each row.
    fn partition_column(&self, rows: usize) -> ArrayRef {
        let code = self.source.partition.as_deref().unwrap_or_default();
        Arc::new(StringArray::from_iter_values(std::iter::repeat_n(code, rows)))
    }

    /// The rows that belong to the segment; another one asks for the others.
    fn of_segment(&self, mut rows: RecordBatch) -> Result<RecordBatch> {
        if let Some(nulls) = self.progress.nulls {
            let column = rows.column(nulls.column);
            let keep = if nulls.is_null { is_null(column)? } else { is_not_null(column)? };
            if nulls.exact && keep.has_false() {
                let name = self.reader.fetched.field(nulls.column).name();
                self.breach(&format!("{name} IS {}NULL", if nulls.is_null { "" } else { "NOT " }))?;
            }
            rows = kept(rows, &keep)?;
        }
        for key in &self.progress.keys {
            let keep = key.matches(&rows)?;
            if key.exact && keep.true_count() < rows.num_rows() {
                self.breach(&format!("the filter on {}", self.reader.fetched.field(key.column).name()))?;
            }
            rows = kept(rows, &keep)?;
        }
        Ok(rows)
    }

    /// Reports a filter that the API declares exact and for which it sent other rows.
    ///
    /// # Errors
    /// Where the API has left out rows at the front: nobody knows how many of them satisfied the filter.
    fn breach(&self, filter: &str) -> Result<()> {
        let (connection, table) = (self.source.connection.as_ref(), self.reader.table.name.as_str());
        if self.reader.segments.iter().any(|segment| segment.request.skip > 0) {
            return exec_err!(
                "{connection}.{table}: the server sent rows that do not satisfy {filter}, although it declares to filter \
                 by that exactly, so that OFFSET would be wrong; SET tidegate.pushdown = false counts the rows here"
            );
        }
        self.reader.scans.notices.once(connection, table, || {
            let known = self.reader.scans.connections.get(connection);
            let connector = known.map_or("unknown connector", |connection| connection.def.connector.as_str());
            let advice = self.reader.scans.advice_on_counts(connection);
            format!(
                "{connection}.{table} ({connector}): the server sent rows that do not satisfy {filter}, although it \
                 declares to filter by that exactly; they were left out. count(*) cannot be checked in this way: {advice}"
            )
        });
        Ok(())
    }
}
