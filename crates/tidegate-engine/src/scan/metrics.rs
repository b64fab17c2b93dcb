//! What one operator spent, as EXPLAIN ANALYZE shows it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use datafusion::arrow::array::RecordBatch;
use datafusion::physical_plan::metrics::{
    BaselineMetrics, Count, ExecutionPlanMetricsSet, MetricBuilder, RecordOutput, Time,
};
use tidegate_transport::{Statement, StatementCounts};

/// Figures of one run, which its parts share. Calls and bytes come from a part of the statement that only this operator
/// spends.
#[derive(Clone)]
pub(crate) struct ScanMetrics {
    baseline: BaselineMetrics,
    calls: Count,
    retries: Count,
    pages: Count,
    bytes: Count,
    rows_fetched: Count,
    time_to_first_row: Time,
    started: Arc<Mutex<Option<Instant>>>,
    statement: Arc<Statement>,
    shown: Arc<Mutex<StatementCounts>>,
}

impl ScanMetrics {
    pub(crate) fn new(set: &ExecutionPlanMetricsSet, partition: usize, statement: Arc<Statement>) -> Self {
        let counter = |name: &'static str| MetricBuilder::new(set).counter(name, partition);
        Self {
            baseline: BaselineMetrics::new(set, partition),
            calls: counter("calls"),
            retries: counter("retries"),
            pages: counter("pages"),
            bytes: counter("bytes"),
            rows_fetched: counter("rows_fetched"),
            time_to_first_row: MetricBuilder::new(set).subset_time("time_to_first_row", partition),
            started: Arc::new(Mutex::new(Some(Instant::now()))),
            statement,
            shown: Arc::default(),
        }
    }

    /// Time spent computing; waiting for the API is not part of it.
    pub(crate) fn compute(&self) -> Time {
        self.baseline.elapsed_compute().clone()
    }

    pub(crate) fn output(&self, batch: RecordBatch) -> RecordBatch {
        if let Some(started) = self.started.lock().unwrap_or_else(PoisonError::into_inner).take() {
            self.time_to_first_row.add_elapsed(started);
        }
        batch.record_output(&self.baseline)
    }

    /// Brings the counters up to what the statement has counted.
    pub(crate) fn refresh(&self) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.statement.counts();
        let add = |count: &Count, now: u64, before: u64| {
            count.add(usize::try_from(now.saturating_sub(before)).unwrap_or(usize::MAX));
        };
        add(&self.calls, now.calls, shown.calls);
        add(&self.retries, now.retries, shown.retries);
        add(&self.pages, now.pages, shown.pages);
        add(&self.bytes, now.bytes, shown.bytes);
        add(&self.rows_fetched, now.rows, shown.rows);
        *shown = now;
    }
}

impl Drop for ScanMetrics {
    /// A reader that stops early has spent calls too.
    fn drop(&mut self) {
        self.refresh();
    }
}
