//! The operator that lets an API count: `SELECT count(*)` in one call for each request, sent when it runs.

mod predict;

use std::fmt::{self, Formatter};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::{StreamExt, stream};
use tidegate_remote::{ScanRequest, Source};

use super::exec::{fmt_reach, fmt_request, fmt_requests};
use super::failures::{Failures, Tolerance};
use super::fanout::AT_ONCE;
use super::metrics::ScanMetrics;
use super::pace::Pace;
use super::{ApiScanExec, ScanContext};
use crate::{ErrorKind, Reach, Settings, partitions};

/// One row, in which every column is the number of rows that match the requests' filters.
#[derive(Debug, Clone)]
pub struct ApiCountExec {
    connection: Arc<str>,
    /// What all requests have in common, for show.
    common: ScanRequest,
    /// No row belongs to two of them.
    requests: Arc<[ScanRequest]>,
    /// The partitions that are counted in; `None` where there are none.
    reach: Option<Reach>,
    /// Whether the count has to come from the server now.
    fresh: bool,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl ApiCountExec {
    /// Counts the rows of `scan`; the columns of `schema` are all `Int64`.
    pub(super) fn new(scan: &ApiScanExec, schema: SchemaRef) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        Self {
            connection: Arc::clone(scan.connection()),
            common: scan.common().clone(),
            requests: scan.requests().cloned().collect(),
            reach: scan.reach().cloned(),
            fresh: scan.asking().is_strict,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl ApiCountExec {
    /// Connection, as named in SQL.
    pub(crate) fn connection(&self) -> &Arc<str> {
        &self.connection
    }
}

/// What a run has at hand.
struct Counting {
    source: Source,
    requests: Arc<[ScanRequest]>,
    /// How many of them in one partition.
    at_once: usize,
    metrics: ScanMetrics,
}

impl Counting {
    /// Rows that match the requests together, in the partition with this code.
    async fn count(&self, code: Option<&str>) -> std::result::Result<u64, tidegate_remote::Error> {
        let source = match code {
            Some(code) => partitions::source_of(&self.source, code).map_err(|error| *error)?,
            None => self.source.clone(),
        };
        let (requests, at_once) = (Arc::clone(&self.requests), self.at_once);
        let count = |place: usize| {
            let (source, request) = (source.clone(), requests.get(place).cloned());
            async move {
                match request {
                    Some(request) => tidegate_remote::count(source, request).await,
                    None => Ok(0),
                }
            }
        };
        let mut counts = std::pin::pin!(stream::iter((0..requests.len()).map(count)).buffer_unordered(at_once));
        let mut rows = 0_u64;
        while let Some(counted) = counts.next().await {
            self.metrics.refresh();
            rows = rows.saturating_add(counted?);
        }
        Ok(rows)
    }

    /// The same over these partitions.
    async fn count_all(&self, failures: &Failures, codes: &[Arc<str>]) -> Result<u64> {
        let count = |place: usize| {
            let code = codes.get(place).map(AsRef::as_ref);
            async move { (place, self.count(code).await) }
        };
        let mut counts = std::pin::pin!(stream::iter((0..codes.len()).map(count)).buffer_unordered(AT_ONCE));
        let mut rows = 0_u64;
        while let Some((place, counted)) = counts.next().await {
            match counted {
                Ok(counted) => rows = rows.saturating_add(counted),
                Err(error) => failures.take(place, 0, DataFusionError::External(Box::new(error)))?,
            }
        }
        failures.finish()?;
        Ok(rows)
    }
}

/// A service that refuses to count or to group although it declares to can still be read.
pub(super) fn with_advice(error: DataFusionError, advice: &str) -> crate::Error {
    let is_refused = |error: &tidegate_remote::Error| match &error.kind {
        tidegate_remote::ErrorKind::Status { status, .. } => matches!(status.as_u16(), 400 | 501),
        _ => false,
    };
    let error = crate::Error::from(error);
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref());
    if !source.is_some_and(is_refused) {
        return error;
    }
    crate::Error::new(ErrorKind::Remote, format!("{error}; {advice}")).with_source(error)
}

/// The one row.
fn row(schema: SchemaRef, place: &str, counted: u64) -> Result<RecordBatch> {
    let rows = i64::try_from(counted).map_err(|_| {
        DataFusionError::Execution(format!("{place}: the server counts {counted} rows, which is no number of rows"))
    })?;
    let column: ArrayRef = Arc::new(Int64Array::from(vec![rows]));
    let columns = schema.fields().iter().map(|_| Arc::clone(&column)).collect();
    Ok(RecordBatch::try_new(schema, columns)?)
}

impl DisplayAs for ApiCountExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        if matches!(format, DisplayFormatType::Default | DisplayFormatType::Verbose) {
            f.write_str("ApiCountExec: ")?;
        }
        fmt_request(f, &self.connection, &self.common)?;
        fmt_requests(f, self.requests.len())?;
        fmt_reach(f, self.reach.as_ref())?;
        let partitions = self.reach.as_ref().map_or(1, |reach| reach.codes().len());
        write!(f, ", calls={}", self.requests.len() * partitions)
    }
}

impl ExecutionPlan for ApiCountExec {
    fn name(&self) -> &str {
        Self::static_name()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn replace_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let scans = ScanContext::of(&context)?;
        let source = Source { fresh: self.fresh, ..scans.source(&self.connection)? };
        let metrics = ScanMetrics::new(&self.metrics, partition, Arc::clone(&source.statement));
        let partitions = self.reach.as_ref().map_or(1, |reach| reach.codes().len());
        let at_once = Pace::of(partitions, self.requests.len()).segments;
        let counting = Counting { source, requests: Arc::clone(&self.requests), at_once, metrics };
        let settings = context.session_config().get_extension::<Settings>().unwrap_or_default();
        let tolerance = Tolerance::AtTheEnd.under(settings.partial_results);
        let (reach, table, schema) = (self.reach.clone(), self.common.table.name.clone(), self.schema());
        let place = format!("{}.{table}", self.connection);
        let connection = Arc::clone(&self.connection);
        let rows = stream::once(async move {
            let advice = scans.advice_on_counts(&connection);
            let counted = match &reach {
                Some(reach) => {
                    let codes: Arc<[Arc<str>]> = reach.codes().into();
                    let failures = Failures::new(Arc::clone(&scans), &connection, &table, codes, tolerance);
                    counting.count_all(&failures, reach.codes()).await
                }
                None => counting.count(None).await.map_err(|error| DataFusionError::External(Box::new(error))),
            };
            let counted = counted.map_err(|error| with_advice(error, advice))?;
            Ok(counting.metrics.output(row(schema, &place, counted)?))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), Box::pin(rows))))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
