//! The operator that adds columns which take a call for each row. It holds only data.

use std::fmt::{self, Formatter};
use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::coop::cooperative;
use datafusion::physical_plan::execution_plan::CardinalityEffect;
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PhysicalExpr,
    PlanProperties, ReplaceChildrenOptions,
};
use tidegate_remote::Source;

use super::ask::DetailAsk;
use super::stream::DetailRun;
use crate::scan::{ScanContext, ScanMetrics};

/// Adds a detail's columns behind those of its input: a call for each row, once for rows that ask the same. Rows keep
/// their order.
#[derive(Debug, Clone)]
pub(crate) struct DetailExec {
    input: Arc<dyn ExecutionPlan>,
    ask: Arc<DetailAsk>,
    from_row: FromRow,
    /// Whether what reads it may end early: it then asks for few rows ahead.
    may_stop: bool,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// Places in the input of what a question takes from the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FromRow {
    /// Parameters, in their order.
    pub(crate) parameters: Vec<usize>,
    /// The code of the row's partition; `None` where there are no partitions.
    pub(crate) partition: Option<usize>,
}

impl FromRow {
    /// The same where each place is another one.
    pub(super) fn map(&self, place: impl Fn(usize) -> usize) -> Self {
        Self {
            parameters: self.parameters.iter().map(|&parameter| place(parameter)).collect(),
            partition: self.partition.map(&place),
        }
    }

    /// All of them.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.parameters.iter().copied().chain(self.partition)
    }
}

impl DetailExec {
    /// The rows of `input` with the columns of `ask` behind them.
    ///
    /// # Errors
    /// An input whose properties do not fit its schema.
    pub(crate) fn try_new(
        input: Arc<dyn ExecutionPlan>,
        ask: Arc<DetailAsk>,
        from_row: FromRow,
        may_stop: bool,
    ) -> Result<Self> {
        let schema = input.schema();
        let fields = schema.fields().iter().chain(ask.schema().fields());
        let fields: Vec<Arc<Field>> = fields.map(Arc::clone).collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
        let equivalence = EquivalenceProperties::new(schema).extend(input.equivalence_properties().clone())?;
        let properties = PlanProperties::new(
            equivalence,
            input.output_partitioning().clone(),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        let (properties, metrics) = (Arc::new(properties), ExecutionPlanMetricsSet::new());
        Ok(Self { input, ask, from_row, may_stop, properties, metrics })
    }

    /// The rows without the detail's columns.
    pub(crate) fn input(&self) -> &Arc<dyn ExecutionPlan> {
        &self.input
    }

    /// What is asked for a row.
    pub(crate) fn ask(&self) -> &Arc<DetailAsk> {
        &self.ask
    }

    pub(super) fn from_row(&self) -> &FromRow {
        &self.from_row
    }
}

impl DisplayAs for DetailExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        if matches!(format, DisplayFormatType::Default | DisplayFormatType::Verbose) {
            f.write_str("DetailExec: ")?;
        }
        let (by, columns): (Vec<&str>, Vec<&str>) =
            (self.ask.parameter_names().collect(), self.ask.column_names().collect());
        write!(
            f,
            "{}.{}, endpoint={}, by=[{}], columns=[{}], calls=1 a row",
            self.ask.connection(),
            self.ask.table(),
            self.ask.endpoint(),
            by.join(", "),
            columns.join(", ")
        )
    }
}

impl ExecutionPlan for DetailExec {
    fn name(&self) -> &str {
        Self::static_name()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.pop() else { return Ok(self) };
        Ok(Arc::new(Self::try_new(input, Arc::clone(&self.ask), self.from_row.clone(), self.may_stop)?))
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
        let source = Source { fresh: self.ask.fresh(), ..scans.source(self.ask.connection())? };
        let what = format!("details of {}.{}", self.ask.connection(), self.ask.table());
        let memory = MemoryConsumer::new(what).register(context.memory_pool());
        let metrics = ScanMetrics::new(&self.metrics, partition, Arc::clone(&source.statement));
        let input = self.input.execute(partition, context)?;
        let run = DetailRun::try_new(
            (Arc::clone(&self.ask), self.from_row.clone()),
            input,
            source,
            (self.schema(), self.may_stop),
            (memory, metrics),
        )?;
        Ok(Box::pin(cooperative(RecordBatchStreamAdapter::new(self.schema(), Box::pin(run.into_stream())))))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }
}
