//! A remote table that cannot be asked for with the filters that the query gives it.
//!
//! It stands in the plan while it is made: the keys of a join may be the filter that its endpoints need. What is left of
//! it when the plan is ready is an error.

use std::fmt::{self, Formatter};
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
    ReplaceChildrenOptions,
};

use super::asking::Asking;
use crate::{Error, ErrorKind};

/// A table that lacks a filter.
#[derive(Debug)]
pub(crate) struct UnaskedExec {
    asking: Arc<Asking>,
    fetch: Option<usize>,
    /// What is wrong, for the user.
    message: String,
    properties: Arc<PlanProperties>,
}

impl UnaskedExec {
    /// The table of `asking`, of which `fetch` rows are wanted, and why it cannot be read.
    pub(super) fn try_new(asking: Arc<Asking>, fetch: Option<usize>, error: Error) -> Result<Self> {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(asking.output_schema()?),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self { asking, fetch, message: error.to_string(), properties: Arc::new(properties) })
    }

    /// What the query wants.
    pub(crate) fn asking(&self) -> &Arc<Asking> {
        &self.asking
    }

    fn refusal(&self) -> DataFusionError {
        Error::new(ErrorKind::Query, self.message.clone()).into()
    }
}

impl DisplayAs for UnaskedExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "UnaskedExec: {}.{}", self.asking.connection, self.asking.table.name)?;
        self.fetch.map_or(Ok(()), |fetch| write!(f, ", fetch={fetch}"))
    }
}

impl ExecutionPlan for UnaskedExec {
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

    fn execute(&self, _partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        Err(self.refusal())
    }
}

/// Refuses a plan with a table in it that cannot be asked.
#[derive(Debug)]
pub(super) struct AllAsked;

impl PhysicalOptimizerRule for AllAsked {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        check(&plan)?;
        Ok(plan)
    }

    fn name(&self) -> &'static str {
        "tidegate_all_asked"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn check(plan: &Arc<dyn ExecutionPlan>) -> Result<()> {
    if let Some(unasked) = plan.downcast_ref::<UnaskedExec>() {
        return Err(unasked.refusal());
    }
    plan.children().into_iter().try_for_each(check)
}
