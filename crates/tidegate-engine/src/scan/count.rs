//! The operator that lets an API count: `SELECT count(*)` in one call for each request, sent when it runs.

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
use futures::stream;
use tidegate_remote::{ScanRequest, Source};

use super::exec::{fmt_request, fmt_requests};
use super::metrics::ScanMetrics;
use super::{ApiScanExec, ScanContext};
use crate::ErrorKind;

/// One row, in which every column is the number of rows that match the requests' filters.
#[derive(Debug, Clone)]
pub struct ApiCountExec {
    connection: Arc<str>,
    /// What all requests have in common, for show.
    common: ScanRequest,
    /// No row belongs to two of them.
    requests: Arc<[ScanRequest]>,
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
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

async fn count(
    source: Source,
    requests: Arc<[ScanRequest]>,
    schema: SchemaRef,
    mut metrics: ScanMetrics,
    advice: &'static str,
) -> Result<RecordBatch> {
    let mut rows = 0_i64;
    for request in requests.iter() {
        let counted = tidegate_remote::count(source.clone(), request.clone()).await;
        metrics.refresh();
        let counted = counted.map_err(|error| with_advice(error, advice))?;
        rows = i64::try_from(counted).ok().and_then(|counted| rows.checked_add(counted)).ok_or_else(|| {
            let place = format!("{}.{}", source.connection, request.table.name);
            DataFusionError::Execution(format!("{place}: the server counts {counted} rows, which is no number of rows"))
        })?;
    }
    let column: ArrayRef = Arc::new(Int64Array::from(vec![rows]));
    let columns = schema.fields().iter().map(|_| Arc::clone(&column)).collect();
    Ok(metrics.output(RecordBatch::try_new(schema, columns)?))
}

/// A service that refuses to count although it declares to can still be read.
fn with_advice(error: tidegate_remote::Error, advice: &str) -> crate::Error {
    let refused = match &error.kind {
        tidegate_remote::ErrorKind::Status { status, .. } => matches!(status.as_u16(), 400 | 501),
        _ => false,
    };
    let error = crate::Error::from(error);
    if !refused {
        return error;
    }
    crate::Error::new(ErrorKind::Remote, format!("{error}; {advice}")).with_source(error)
}

impl DisplayAs for ApiCountExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        if matches!(format, DisplayFormatType::Default | DisplayFormatType::Verbose) {
            f.write_str("ApiCountExec: ")?;
        }
        fmt_request(f, &self.connection, &self.common)?;
        fmt_requests(f, self.requests.len())?;
        write!(f, ", calls={}", self.requests.len())
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
        let source = scans.source(&self.connection)?;
        let metrics = ScanMetrics::new(&self.metrics, partition, Arc::clone(&source.statement));
        let rows =
            count(source, Arc::clone(&self.requests), self.schema(), metrics, scans.advice_on_counts(&self.connection));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), Box::pin(stream::once(rows)))))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
