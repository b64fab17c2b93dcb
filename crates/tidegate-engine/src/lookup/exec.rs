//! The operator of a lookup join.

use std::fmt::{self, Formatter};
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, InputDistributionRequirements,
    Partitioning, PhysicalExpr, PlanProperties, ReplaceChildrenOptions,
};

use super::join::Join;
use super::metrics::{LookupMetrics, together};
use super::run::Run;
use super::side::Side;

/// Joins its input with a remote table that is asked for the input's keys, or read whole where that takes fewer calls.
///
/// The table is none of its inputs: what is asked of it is known when the keys are.
#[derive(Debug, Clone)]
pub(crate) struct LookupJoinExec {
    pub(super) join: Join,
    pub(super) side: Side,
    pub(super) fetch: Option<usize>,
    /// Whether its reader surely takes all of its rows, so that requests may be under way before their turn.
    pub(super) to_end: bool,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
    /// Of the table's scans.
    pub(super) scans: ExecutionPlanMetricsSet,
}

impl LookupJoinExec {
    pub(super) fn new(join: Join, side: Side) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(join.schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            fetch: join.planned().fetch(),
            to_end: false,
            join,
            side,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
            scans: ExecutionPlanMetricsSet::new(),
        }
    }

    /// The connection of the table that is looked up, as named in SQL.
    pub(crate) fn connection(&self) -> &Arc<str> {
        self.side.asking().connection()
    }

    /// The same for a reader that surely reads to its end.
    pub(crate) fn to_end(&self) -> Self {
        Self { to_end: self.fetch.is_none(), ..self.clone() }
    }

    /// The side that is read whole.
    pub(crate) fn driving(&self) -> &Arc<dyn ExecutionPlan> {
        self.join.driving()
    }
}

impl DisplayAs for LookupJoinExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        if matches!(format, DisplayFormatType::Default | DisplayFormatType::Verbose) {
            f.write_str("LookupJoinExec: ")?;
        }
        self.join.fmt(f)?;
        let asking = self.side.asking();
        let (connection, table) = (asking.connection(), &asking.table().name);
        write!(f, ", lookup={connection}.{table}, keys=[{}]", self.side.key_names().join(", "))?;
        write!(f, ", filters=[{}]", asking.filters_text())?;
        if let Some(fetch) = self.fetch {
            write!(f, ", fetch={fetch}")?;
        }
        match self.side.scan() {
            Some(_) => f.write_str(", decides at run time: lookups or a scan"),
            None => f.write_str(", always lookups"),
        }
    }
}

impl ExecutionPlan for LookupJoinExec {
    fn name(&self) -> &str {
        Self::static_name()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::SinglePartition])
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![self.join.driving()]
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(driving) = children.pop() else { return Ok(self) };
        let join = self.join.driven_by(driving)?;
        Ok(Arc::new(Self { fetch: self.fetch, to_end: self.to_end, ..Self::new(join, self.side.clone()) }))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.join.planned().apply_expressions(f)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let metrics = LookupMetrics::new(&self.metrics, partition);
        let run = Run::try_new(self.clone(), context, metrics)?;
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), run.into_stream())))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(together(&self.metrics, &self.scans))
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        let tighter = limit.map(|limit| self.fetch.map_or(limit, |fetch| fetch.min(limit)));
        Some(Arc::new(Self { fetch: tighter, ..Self::new(self.join.clone(), self.side.clone()) }))
    }

    fn fetch(&self) -> Option<usize> {
        self.fetch
    }
}
