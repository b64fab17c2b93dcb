//! What all parts of a scan have in common when it runs.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{DataFusionError, Result};
use futures::stream::{self, BoxStream, StreamExt};
use tidegate_remote::Source;
use tidegate_spec::Table;
use tokio::sync::Semaphore;

use super::ScanContext;
use super::failures::bound_last;
use super::metrics::ScanMetrics;
use super::order::{OrderCheck, OrderKey, Segment};
use super::pace::Pace;
use super::recheck::Recheck;
use super::stream::ScanRun;
use crate::partitions;

/// A scan that runs: in one part, or in one for each partition.
pub(super) struct Reader {
    /// Of no partition.
    pub(super) source: Source,
    pub(super) scans: Arc<ScanContext>,
    pub(super) table: Arc<Table>,
    /// The requests of each part.
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
    /// What is done side by side where nothing speaks against it.
    pub(super) pace: Pace,
    /// Whether lists of values are the keys of a join.
    pub(super) by_keys: bool,
    /// Values of the longest list that the server may still be sent: half of one that it refused.
    pub(super) longest: AtomicUsize,
    /// Held by each part while it asks for a page, where more parts than may do so run at once.
    pub(super) gate: Option<Semaphore>,
}

impl Reader {
    /// The rows of a part: the partition with this code, of which `wanted` rows are wanted.
    ///
    /// # Errors
    /// A code that cannot be sent.
    pub(super) fn rows(
        self: &Arc<Self>,
        code: Option<&str>,
        wanted: Option<usize>,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let source = match code {
            Some(code) => {
                partitions::source_of(&self.source, code).map_err(|error| DataFusionError::External(error as _))?
            }
            None => self.source.clone(),
        };
        let order = if self.order.is_empty() { None } else { Some(self.order_check(&source)?) };
        let all = 0..self.segments.len();
        // A reader that wants some rows may have enough of them before the last segment is asked for.
        if self.pace.segments <= 1 || wanted.is_some() || order.is_some() {
            return Ok(ScanRun::new(Arc::clone(self), source, all, wanted, order).into_stream().boxed());
        }
        let reader = Arc::clone(self);
        let one = move |place: usize| {
            let run = ScanRun::new(Arc::clone(&reader), source.clone(), place..place + 1, None, None);
            Box::pin(run.into_stream())
        };
        Ok(bound_last(stream::iter(all).map(one).flatten_unordered(self.pace.segments)).boxed())
    }

    fn order_check(&self, source: &Source) -> Result<OrderCheck> {
        let partition = source.partition.as_ref().map(|code| format!(", partition {code}")).unwrap_or_default();
        OrderCheck::try_new(format!("{}{partition}", self.described()), &self.fetched, &self.order)
    }

    /// Connection and table.
    pub(super) fn place(&self) -> String {
        format!("{}.{}", self.source.connection, self.table.name)
    }

    /// Connection, table and connector, for what a user is told of them.
    pub(super) fn described(&self) -> String {
        let known = self.scans.connections.get(self.source.connection.as_ref());
        let connector = known.map_or("unknown connector", |connection| connection.def.connector.as_str());
        format!("{} ({connector})", self.place())
    }
}
