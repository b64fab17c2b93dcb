//! What a lookup join did, as EXPLAIN ANALYZE shows it.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::physical_plan::metrics::{
    BaselineMetrics, Count, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet, RecordOutput,
};

/// Figures of the looked up table's scans that are this operator's, too. Rows and times are not: it has its own.
const OF_SCANS: [&str; 5] = ["calls", "retries", "pages", "bytes", "rows_fetched"];

/// Figures of one run.
pub(super) struct LookupMetrics {
    baseline: BaselineMetrics,
    /// Distinct keys of the driving side.
    pub(super) keys: Count,
    /// Requests that were made for them.
    pub(super) lookups: Count,
    /// Whether the table was read whole.
    pub(super) scans: Count,
}

impl LookupMetrics {
    pub(super) fn new(set: &ExecutionPlanMetricsSet, partition: usize) -> Self {
        let counter = |name: &'static str| MetricBuilder::new(set).counter(name, partition);
        Self {
            baseline: BaselineMetrics::new(set, partition),
            keys: counter("keys"),
            lookups: counter("lookups"),
            scans: counter("scans"),
        }
    }

    pub(super) fn output(&self, batch: RecordBatch) -> RecordBatch {
        batch.record_output(&self.baseline)
    }
}

/// The operator's own figures with those of its scans.
pub(super) fn together(own: &ExecutionPlanMetricsSet, scans: &ExecutionPlanMetricsSet) -> MetricsSet {
    let mut all = own.clone_inner();
    let scans = scans.clone_inner();
    for metric in scans.iter().filter(|metric| OF_SCANS.contains(&metric.value().name())) {
        all.push(Arc::clone(metric));
    }
    all
}
