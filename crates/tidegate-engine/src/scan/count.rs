//! The operator that lets an API count: `SELECT count(*)` in one call, sent when it runs.

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

use super::ScanContext;
use super::exec::fmt_request;
use super::metrics::ScanMetrics;
use crate::ErrorKind;

/// One row, in which every column is the number of rows that match the request's filter.
#[derive(Debug, Clone)]
pub struct ApiCountExec {
    connection: Arc<str>,
    request: ScanRequest,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl ApiCountExec {
    /// Counts the rows of `request`; the columns of `schema` are all `Int64`.
    pub(super) fn new(connection: Arc<str>, request: ScanRequest, schema: SchemaRef) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        Self { connection, request, properties: Arc::new(properties), metrics: ExecutionPlanMetricsSet::new() }
    }
}

async fn count(
    source: Source,
    request: ScanRequest,
    schema: SchemaRef,
    mut metrics: ScanMetrics,
) -> Result<RecordBatch> {
    let place = format!("{}.{}", source.connection, request.table.name);
    let counted = tidegate_remote::count(source, request).await;
    metrics.refresh();
    let rows = counted.map_err(with_advice)?;
    let rows = i64::try_from(rows).map_err(|_| {
        DataFusionError::Execution(format!("{place}: the server counts {rows} rows, which is no number of rows"))
    })?;
    let column: ArrayRef = Arc::new(Int64Array::from(vec![rows]));
    let columns = schema.fields().iter().map(|_| Arc::clone(&column)).collect();
    Ok(metrics.output(RecordBatch::try_new(schema, columns)?))
}

/// A service that refuses to count although it declares to can still be read.
fn with_advice(error: tidegate_remote::Error) -> crate::Error {
    let refused = match &error.kind {
        tidegate_remote::ErrorKind::Status { status, .. } => matches!(status.as_u16(), 400 | 501),
        _ => false,
    };
    let error = crate::Error::from(error);
    if !refused {
        return error;
    }
    let advice = "the connection's option totals = 'ignore' counts rows here for all its tables";
    crate::Error::new(ErrorKind::Remote, format!("{error}; {advice}")).with_source(error)
}

impl DisplayAs for ApiCountExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        if matches!(format, DisplayFormatType::Default | DisplayFormatType::Verbose) {
            f.write_str("ApiCountExec: ")?;
        }
        fmt_request(f, &self.connection, &self.request)?;
        f.write_str(", calls=1")
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
        let source = ScanContext::of(&context)?.source(&self.connection)?;
        let metrics = ScanMetrics::new(&self.metrics, partition, Arc::clone(&source.statement));
        let rows = count(source, self.request.clone(), self.schema(), metrics);
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), Box::pin(stream::once(rows)))))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
