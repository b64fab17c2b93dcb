//! A scan that runs: pages in, batches out.

use std::collections::VecDeque;
use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::{is_not_null, is_null};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{DataFusionError, Result};
use futures::{Stream, StreamExt, stream};
use tidegate_remote::{Error, ErrorKind, Page, PageStream, Place, Source};
use tidegate_spec::Table;
use tidegate_transport::Sent;

use super::ScanContext;
use super::keys::Key;
use super::metrics::ScanMetrics;
use super::order::{Nulls, OrderCheck, Segment};
use super::recheck::{Recheck, kept};

/// Rows asked for at least where an order is pushed: the check of the order needs neighbours to compare, and a
/// service that ignores `$orderby` must not pass for one that sorts because one row was asked for.
const ORDER_SAMPLE: u64 = 20;

/// A run of an `ApiScanExec`.
pub(super) struct ScanRun {
    pub(super) source: Source,
    pub(super) scans: Arc<ScanContext>,
    pub(super) table: Arc<Table>,
    /// Segments that were not begun.
    pub(super) segments: VecDeque<Segment>,
    /// Schema of the fetched columns.
    pub(super) fetched: SchemaRef,
    pub(super) recheck: Recheck,
    /// Places of the output's columns among the fetched ones.
    pub(super) output: Vec<usize>,
    /// Rows that the reader still wants; `None` for all.
    pub(super) wanted: Option<usize>,
    /// Whether the API is told how many rows are wanted.
    pub(super) push_fetch: bool,
    pub(super) order: Option<OrderCheck>,
    pub(super) batch_size: usize,
    pub(super) metrics: ScanMetrics,
    pub(super) progress: Progress,
}

/// Where a run stands.
#[derive(Default)]
pub(super) struct Progress {
    pages: Option<PageStream>,
    nulls: Option<Nulls>,
    keys: Vec<Key>,
    /// Rows that were not handed on yet.
    ready: Option<RecordBatch>,
}

impl ScanRun {
    /// The batches. Nothing is asked for before the first poll, nor after the reader has what it wants.
    pub(super) fn into_stream(self) -> impl Stream<Item = Result<RecordBatch>> + Send {
        stream::try_unfold(self, |mut run| async move { Ok(run.next().await?.map(|batch| (batch, run))) })
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.take_ready() {
                return Ok(Some(self.metrics.output(batch)));
            }
            let page = self.next_page().await;
            self.metrics.refresh();
            let Some(page) = page? else { return Ok(None) };
            let compute = self.metrics.compute();
            let _timer = compute.timer();
            let rows = self.process(page)?;
            self.progress.ready = (rows.num_rows() > 0).then_some(rows);
        }
    }

    /// At most a batch of the rows at hand.
    fn take_ready(&mut self) -> Option<RecordBatch> {
        let rows = self.progress.ready.take()?;
        if rows.num_rows() <= self.batch_size {
            return Some(rows);
        }
        self.progress.ready = Some(rows.slice(self.batch_size, rows.num_rows() - self.batch_size));
        Some(rows.slice(0, self.batch_size))
    }

    async fn next_page(&mut self) -> Result<Option<Page>> {
        loop {
            if self.wanted == Some(0) {
                self.stop();
            }
            let Some(pages) = &mut self.progress.pages else {
                let Some(segment) = self.segments.pop_front() else { return Ok(None) };
                self.begin(segment);
                continue;
            };
            let cancellation = self.source.statement.cancellation();
            let page = tokio::select! {
                biased;
                () = cancellation.cancelled() => Some(Err(self.cancelled())),
                page = pages.next() => page,
            };
            match page {
                Some(Ok(page)) => return Ok(Some(page)),
                Some(Err(error)) => {
                    self.stop();
                    return Err(DataFusionError::External(Box::new(error)));
                }
                None => self.progress.pages = None,
            }
        }
    }

    fn begin(&mut self, segment: Segment) {
        let Segment { mut request, nulls, keys } = segment;
        let least = if request.sort.is_empty() { 0 } else { ORDER_SAMPLE };
        request.fetch = self.wanted.filter(|_| self.push_fetch).map(|wanted| least.max(wanted as u64));
        self.progress.nulls = nulls;
        self.progress.keys = keys;
        self.progress.pages = Some(tidegate_remote::scan(self.source.clone(), request));
    }

    /// No further request is sent.
    fn stop(&mut self) {
        self.progress.pages = None;
        self.segments.clear();
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
        let columns = page.batch.columns().to_vec();
        let rows = RecordBatch::try_new_with_options(Arc::clone(&self.fetched), columns, &options)?;
        let rows = self.of_segment(rows)?;
        if let Some(order) = &mut self.order {
            order.check(&rows, page.number)?;
        }
        let (rows, breached) = self.recheck.apply(rows)?;
        if let Some(filter) = breached {
            self.breach(&filter);
        }
        let mut rows = rows.project(&self.output)?;
        if let Some(wanted) = &mut self.wanted {
            rows = rows.slice(0, rows.num_rows().min(*wanted));
            *wanted -= rows.num_rows();
            if *wanted == 0 {
                self.stop();
            }
        }
        Ok(rows)
    }

    /// The rows that belong to the segment; another one asks for the others.
    fn of_segment(&self, mut rows: RecordBatch) -> Result<RecordBatch> {
        if let Some(nulls) = self.progress.nulls {
            let column = rows.column(nulls.column);
            let keep = if nulls.is_null { is_null(column)? } else { is_not_null(column)? };
            if nulls.exact && keep.has_false() {
                let name = self.fetched.field(nulls.column).name();
                self.breach(&format!("{name} IS {}NULL", if nulls.is_null { "" } else { "NOT " }));
            }
            rows = kept(rows, &keep)?;
        }
        for key in &self.progress.keys {
            let keep = key.matches(&rows)?;
            if key.exact && keep.true_count() < rows.num_rows() {
                self.breach(&format!("the filter on {}", self.fetched.field(key.column).name()));
            }
            rows = kept(rows, &keep)?;
        }
        Ok(rows)
    }

    /// Reports a filter that the API declares exact and for which it sent other rows.
    fn breach(&self, filter: &str) {
        let (connection, table) = (self.source.connection.as_ref(), self.table.name.as_str());
        self.scans.notices.once(connection, table, || {
            let known = self.scans.connections.get(connection);
            let connector = known.map_or("unknown connector", |connection| connection.def.connector.as_str());
            let advice = self.scans.advice_on_counts(connection);
            format!(
                "{connection}.{table} ({connector}): the server sent rows that do not satisfy {filter}, although it \
                 declares to filter by that exactly; they were left out. count(*) cannot be checked in this way: {advice}"
            )
        });
    }
}
