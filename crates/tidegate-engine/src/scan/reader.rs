//! What all parts of a scan have in common when it runs.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{DataFusionError, Result};
use tidegate_remote::Source;
use tidegate_spec::Table;
use tokio::sync::Semaphore;

use super::ScanContext;
use super::metrics::ScanMetrics;
use super::order::{OrderCheck, OrderKey, Segment};
use super::recheck::Recheck;
use super::stream::ScanRun;
use crate::partitions;

/// A scan that runs: in one part, or in one for each partition.
pub(super) struct Reader {
    /// Of no partition.
    pub(super) source: Source,
    pub(super) scans: Arc<ScanContext>,
    pub(super) table: Arc<Table>,
    /// The requests of each part, one after the other.
    pub(super) segments: Arc<[Segment]>,
    /// Schema of the fetched columns; behind them may stand that with the partition.
    pub(super) fetched: SchemaRef,
    pub(super) recheck: Recheck,
    /// Places of the output's columns among the fetched ones.
    pub(super) output: Vec<usize>,
    /// Whether the API is told how many rows are wanted.
    pub(super) push_fetch: bool,
    /// The order of each part; empty for none.
    pub(super) order: Vec<OrderKey>,
    pub(super) batch_size: usize,
    pub(super) metrics: ScanMetrics,
    /// Held by each part while it asks for a page, where more parts than may do so run at once.
    pub(super) gate: Option<Semaphore>,
}

impl Reader {
    /// A part: the partition with this code, of which `wanted` rows are wanted.
    ///
    /// # Errors
    /// A code that cannot be sent.
    pub(super) fn run(self: &Arc<Self>, code: Option<&str>, wanted: Option<usize>) -> Result<ScanRun> {
        let source = match code {
            Some(code) => {
                partitions::source_of(&self.source, code).map_err(|error| DataFusionError::External(error as _))?
            }
            None => self.source.clone(),
        };
        let order = if self.order.is_empty() { None } else { Some(self.order_check(&source)?) };
        Ok(ScanRun::new(Arc::clone(self), source, wanted, order))
    }

    fn order_check(&self, source: &Source) -> Result<OrderCheck> {
        let partition = source.partition.as_ref().map(|code| format!(", partition {code}")).unwrap_or_default();
        OrderCheck::try_new(format!("{}{partition}", self.place()), &self.fetched, &self.order)
    }

    /// Connection and table.
    pub(super) fn place(&self) -> String {
        format!("{}.{}", self.source.connection, self.table.name)
    }
}
