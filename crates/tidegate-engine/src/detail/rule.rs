//! The physical optimizer rule that has details asked for as late as can be.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;

use super::DetailExec;
use super::operators::lift;

/// Lifts details above the operators that do not need their columns. It is the first rule: the scans that are left below
/// are then what all other rules look for.
#[derive(Debug)]
pub(crate) struct DetailsLast;

impl PhysicalOptimizerRule for DetailsLast {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        if has_details(&plan) { lift(&plan, false)?.closed(false) } else { Ok(plan) }
    }

    fn name(&self) -> &'static str {
        "tidegate_details_last"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn has_details(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.downcast_ref::<DetailExec>().is_some() || plan.children().into_iter().any(has_details)
}
