//! Marks the scans whose reader surely reads to their end, so that requests may be under way before their turn.
//!
//! Of those, the ones whose rows a sort, an aggregate or a join takes hand them on in large batches. Rows that go to the user as
//! they are do not gain by it.
//!
//! A scan below an operator that may stop early, or that is not known here, asks for one page after the other: a page that
//! nobody reads must not have been asked for. What the user does with the result is not known; whoever drops it early has
//! paid for what was under way.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, ExecutionPlan, ExecutionPlanProperties, InputOrderMode, ReplaceChildrenOptions,
};

use super::ApiScanExec;
use crate::lookup::LookupJoinExec;

/// The rule; its place is behind all that move limits.
#[derive(Debug)]
pub(super) struct ReadToEnd;

impl PhysicalOptimizerRule for ReadToEnd {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(marked(&plan, Reading { to_end: true, pays_for_batches: false })?.unwrap_or(plan))
    }

    fn name(&self) -> &'static str {
        "tidegate_read_to_end"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// What is known of who reads an operator.
#[derive(Debug, Clone, Copy)]
struct Reading {
    /// Whether it takes all rows that there are.
    to_end: bool,
    /// Whether it does something for each batch.
    pays_for_batches: bool,
}

/// The plan with its scans marked; `None` when there is nothing to mark.
fn marked(plan: &Arc<dyn ExecutionPlan>, reading: Reading) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Reading { to_end, pays_for_batches } = reading;
    if let Some(scan) = plan.downcast_ref::<ApiScanExec>() {
        let combining = |scan: ApiScanExec| if pays_for_batches { scan.combining() } else { scan };
        return Ok(to_end.then(|| Arc::new(combining(scan.to_end())) as Arc<dyn ExecutionPlan>));
    }
    if let Some(join) = plan.downcast_ref::<LookupJoinExec>().filter(|_| to_end && plan.fetch().is_none()) {
        let driving = marked(join.driving(), Reading { to_end: true, pays_for_batches: false })?;
        let join: Arc<dyn ExecutionPlan> = Arc::new(join.to_end());
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
        return driving
            .map_or(Ok(Arc::clone(&join)), |driving| Arc::clone(&join).replace_children(vec![driving], options))
            .map(Some);
    }
    let mut is_changed = false;
    let mut children = Vec::with_capacity(plan.children().len());
    for (place, child) in plan.children().into_iter().enumerate() {
        let to_end = reads_to_end(plan, place, to_end);
        let pays_for_batches = pays_for_batches || PAYING.contains(&plan.name());
        let changed = marked(child, Reading { to_end, pays_for_batches })?;
        is_changed |= changed.is_some();
        children.push(changed.unwrap_or_else(|| Arc::clone(child)));
    }
    if !is_changed {
        return Ok(None);
    }
    // A scan that is marked has the properties that it had.
    let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
    Arc::clone(plan).replace_children(children, options).map(Some)
}

/// Operators that hand on what they read, and stop when their reader does.
const AS_THEIR_READER: &[&str] = &[
    "AggregateExec",
    "BoundedWindowAggExec",
    "BufferExec",
    "CoalesceBatchesExec",
    "CoalescePartitionsExec",
    "CooperativeExec",
    "DetailExec",
    "FilterExec",
    "InterleaveExec",
    "OutputRequirementExec",
    "ProjectionExec",
    "RepartitionExec",
    "SequenceExec",
    "SortPreservingMergeExec",
    "UnionExec",
    "UnnestExec",
    "WindowAggExec",
];

/// Operators that do something for each batch that they read.
const PAYING: &[&str] = &[
    "AggregateExec",
    "BoundedWindowAggExec",
    "CrossJoinExec",
    "HashJoinExec",
    "NestedLoopJoinExec",
    "SortExec",
    "SortMergeJoinExec",
    "WindowAggExec",
];

/// Whether the operator reads the input at this place to its end, when its own reader does so or not.
fn reads_to_end(plan: &Arc<dyn ExecutionPlan>, place: usize, to_end: bool) -> bool {
    if let Some(sort) = plan.downcast_ref::<SortExec>() {
        // The first rows of an input that is partly sorted may be enough.
        return sort.fetch().is_none() || sort.input().output_ordering().is_none();
    }
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        let is_whole = !matches!(aggregate.mode(), AggregateMode::Partial)
            && matches!(aggregate.input_order_mode(), InputOrderMode::Linear);
        return aggregate.limit_options().is_none() && (is_whole || to_end);
    }
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        // The left side is the one that is kept. A NULL on the other side may end a join that minds NULL.
        return place == 0 || (to_end && !join.null_aware && join.fetch().is_none());
    }
    match plan.name() {
        "DataSinkExec" => true,
        "NestedLoopJoinExec" | "CrossJoinExec" => place == 0,
        name => AS_THEIR_READER.contains(&name) && to_end && plan.fetch().is_none(),
    }
}
