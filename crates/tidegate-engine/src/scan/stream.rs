//! A scan that runs: pages in, batches out.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use datafusion::arrow::compute::{is_not_null, is_null};
use datafusion::common::{DataFusionError, Result, exec_err};
use futures::{Stream, StreamExt, stream};
use tidegate_remote::{Error, ErrorKind, Page, PageStream, Place, Source};
use tidegate_transport::Sent;

use super::context::Topic;
use super::count::with_advice;
use super::halving::{self, List};
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
    /// Segments that were not begun.
    left: Range<usize>,
    /// Parts of a segment that the server did not take whole; they come before.
    parts: VecDeque<Segment>,
    /// Rows that the reader still wants; `None` for all.
    wanted: Option<usize>,
    order: Option<OrderCheck>,
    progress: Progress,
}

/// Where a run stands.
#[derive(Default)]
struct Progress {
    pages: Option<PageStream>,
    /// What was asked for, until a page of it came, if it could be divided.
    asked: Option<(Segment, List)>,
    nulls: Option<Nulls>,
    keys: Vec<Key>,
    /// Rows that were not handed on yet.
    ready: Option<RecordBatch>,
}

impl ScanRun {
    /// A run over these segments of the reader's.
    pub(super) fn new(
        reader: Arc<Reader>,
        source: Source,
        segments: Range<usize>,
        wanted: Option<usize>,
        order: Option<OrderCheck>,
    ) -> Self {
        Self { reader, source, left: segments, parts: VecDeque::new(), wanted, order, progress: Progress::default() }
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
                let Some(segment) = self.next_segment() else { return Ok(None) };
                if segment.partition.is_none() || segment.partition.as_deref() == self.source.partition.as_deref() {
                    self.begin(segment);
                }
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
                Some(Ok(page)) => {
                    self.progress.asked = None;
                    return Ok(Some(page));
                }
                Some(Err(error)) if self.divide(&error) => self.progress.pages = None,
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

    /// What is asked for next, with no longer a list than the server takes as far as that is known.
    fn next_segment(&mut self) -> Option<Segment> {
        let part = self.parts.pop_front();
        let segment = part.or_else(|| self.left.next().and_then(|next| self.reader.segments.get(next).cloned()))?;
        let most = self.reader.longest.load(Ordering::Relaxed);
        let Some(list) = self.list(&segment).filter(|list| list.values > most) else { return Some(segment) };
        let mut parts = halving::divided(&segment, list, most).into_iter();
        let first = parts.next();
        for part in parts.rev() {
            self.parts.push_front(part);
        }
        first
    }

    /// The list by which the segment can be divided. Parts are in no order among each other, and rows in front of others
    /// could not be left out of each.
    fn list(&self, segment: &Segment) -> Option<List> {
        if self.order.is_some() || segment.request.skip > 0 { None } else { halving::longest(segment) }
    }

    fn begin(&mut self, segment: Segment) {
        self.progress.asked = self.list(&segment).map(|list| (segment.clone(), list));
        let Segment { mut request, nulls, keys, .. } = segment;
        let least = match (self.reader.recheck.unasked, request.sort.is_empty()) {
            (true, _) => RESIDUAL_SAMPLE,
            (false, false) => ORDER_SAMPLE,
            (false, true) => 0,
        };
        let wanted = self.wanted.map(|wanted| wanted as u64);
        request.fetch = wanted.filter(|_| self.reader.push_fetch).map(|wanted| least.max(wanted));
        // Nothing goes past the rows that are wanted.
        let ahead = if request.fetch == wanted { self.reader.pace.ahead } else { 0 };
        self.progress.nulls = nulls;
        self.progress.keys = keys;
        self.progress.pages = Some(tidegate_remote::scan_ahead(self.source.clone(), request, ahead));
    }

    /// Puts parts of what was asked for in its place, if the server may have refused it for its length.
    fn divide(&mut self, error: &Error) -> bool {
        let Some((segment, list)) = self.progress.asked.take() else { return false };
        if !halving::is_refusal(error, self.reader.by_keys || halving::is_divided(&segment, list)) {
            return false;
        }
        // Another request may have learned of the length meanwhile.
        let most = self.reader.longest.load(Ordering::Relaxed);
        let most = if list.values > most { most } else { list.values.div_ceil(2) };
        self.reader.longest.fetch_min(most, Ordering::Relaxed);
        for part in halving::divided(&segment, list, most).into_iter().rev() {
            self.parts.push_front(part);
        }
        self.refused(list, most, error);
        true
    }

    /// No further request is sent.
    fn stop(&mut self) {
        self.progress.pages = None;
        self.parts.clear();
        self.left = 0..0;
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
            self.breach(&filter.text(), &filter.operators())?;
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
                let operator = if nulls.is_null { "IS NULL" } else { "IS NOT NULL" };
                self.breach(&format!("{name} {operator}"), &format!("column {name}, operator {operator}"))?;
            }
            rows = kept(rows, &keep)?;
        }
        for key in &self.progress.keys {
            let keep = key.matches(&rows)?;
            if key.exact && keep.true_count() < rows.num_rows() {
                let name = self.reader.fetched.field(key.column).name();
                let operator = if key.values.len() == 1 { "=" } else { "IN" };
                self.breach(&format!("the filter on {name}"), &format!("column {name}, operator {operator}"))?;
            }
            rows = kept(rows, &keep)?;
        }
        Ok(rows)
    }

    /// Reports a filter that the API declares exact and for which it sent other rows.
    ///
    /// # Errors
    /// Where the API has left out rows at the front: nobody knows how many of them satisfied the filter.
    fn breach(&self, filter: &str, operators: &str) -> Result<()> {
        if self.reader.segments.iter().any(|segment| segment.request.skip > 0) {
            return exec_err!(
                "{}: the server sent rows that do not satisfy {filter} ({operators}), although it declares to filter by \
                 that exactly, so that OFFSET would be wrong; {SKIPS_HERE}",
                self.reader.described()
            );
        }
        let connection = self.source.connection.as_ref();
        self.notice(Topic::Filter, |place| {
            let advice = self.reader.scans.advice_on_counts(connection);
            format!(
                "{place}: the server sent rows that do not satisfy {filter} ({operators}), although it declares to \
                 filter by that exactly; they were left out. count(*) cannot be checked in this way: {advice}"
            )
        });
        Ok(())
    }

    /// Reports a list that the server did not take.
    fn refused(&self, list: List, most: usize, error: &Error) {
        let column = self.reader.table.columns.get(list.column).map_or("?", |column| column.name.as_str());
        self.notice(Topic::List, |place| {
            format!(
                "{place}: the server refused {} values of {column} in one request ({}); they are asked for {most} at a \
                 time or fewer. A declaration of how many it takes saves the calls that were refused",
                list.values, error.kind
            )
        });
    }

    /// Tells once for the table: where, with the connector, and what.
    fn notice(&self, topic: Topic, message: impl FnOnce(&str) -> String) {
        let (connection, table) = (self.source.connection.as_ref(), self.reader.table.name.as_str());
        let notices = &self.reader.scans.notices;
        notices.once(connection, table, topic, || message(&self.reader.described()));
    }
}
