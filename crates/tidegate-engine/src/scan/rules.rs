//! Physical optimizer rules for scans of remote tables, and their place among DataFusion's.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;

use super::aggregate::AggregateByApi;
use super::offset::OffsetByApi;
use super::sequence::SequenceExec;
use super::to_end::ReadToEnd;
use super::unasked::AllAsked;
use super::{ApiCountExec, ApiGroupsExec, ApiScanExec, OneRowExec};
use crate::detail::{DetailExec, DetailsLast};
use crate::lookup::{LookupJoinExec, LookupJoins};

type Rules = Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>>;

/// DataFusion's rules with those of this module put in.
///
/// Details are lifted first, so that all others see scans. A count is taken over right after DataFusion has tried its
/// statistics: later rules put operators between the halves of an aggregate. Lookup joins take the place of hash joins
/// right after DataFusion has chosen these. Parts under a limit are put in sequence at the very end, when limits stand
/// where they are going to stay; and so it is found out which scans are read to their ends.
#[must_use]
pub fn optimizer_rules(mut rules: Rules) -> Rules {
    let place = rules.iter().position(|rule| rule.name() == "aggregate_statistics").map_or(0, |place| place + 1);
    rules.insert(place, Arc::new(AggregateByApi));
    rules.insert(place, Arc::new(CountByApi));
    let place = rules.iter().position(|rule| rule.name() == "join_selection").map_or(0, |place| place + 1);
    rules.insert(place, Arc::new(LookupJoins));
    rules.insert(0, Arc::new(DetailsLast));
    rules.push(Arc::new(OffsetByApi));
    rules.push(Arc::new(PartsInSequence));
    rules.push(Arc::new(ManyPartitionsSortedHere));
    rules.push(Arc::new(AllAsked));
    rules.push(Arc::new(ReadToEnd));
    rules
}

/// `count(*)` over a scan whose rows the API alone decides becomes a question to the API.
#[derive(Debug)]
struct CountByApi;

impl PhysicalOptimizerRule for CountByApi {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_down(|plan| {
            Ok(match counted(&plan) {
                Some(scan) => Transformed::yes(Arc::new(ApiCountExec::new(scan, plan.schema()))),
                None => Transformed::no(plan),
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "tidegate_count_by_api"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Parts of a union that a limit may not need are read one after the other if an API stands behind one of them.
#[derive(Debug)]
struct PartsInSequence;

impl PhysicalOptimizerRule for PartsInSequence {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_down(|plan| {
            let coalesce = plan.downcast_ref::<CoalescePartitionsExec>();
            let sequence = match coalesce {
                Some(coalesce) if plan.exists(|part| Ok(asks(part)))? => SequenceExec::replacing(coalesce),
                _ => None,
            };
            Ok(match sequence {
                Some(sequence) => Transformed::yes(Arc::new(sequence) as Arc<dyn ExecutionPlan>),
                None => Transformed::no(plan),
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "tidegate_parts_in_sequence"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether the operator asks an API for something. What a lookup join looks up is not below it.
fn asks(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.downcast_ref::<ApiScanExec>().is_some()
        || plan.downcast_ref::<ApiCountExec>().is_some()
        || plan.downcast_ref::<ApiGroupsExec>().is_some()
        || plan.downcast_ref::<OneRowExec>().is_some()
        || plan.downcast_ref::<LookupJoinExec>().is_some()
        || plan.downcast_ref::<DetailExec>().is_some()
}

/// An order over many partitions that are read whole is made here, where rows can be spilled to disk.
#[derive(Debug)]
struct ManyPartitionsSortedHere;

impl PhysicalOptimizerRule for ManyPartitionsSortedHere {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let sorted = plan.downcast_ref::<ApiScanExec>().and_then(ApiScanExec::sorted_elsewhere);
            Ok(match sorted {
                Some((order, scan)) => {
                    Transformed::yes(Arc::new(SortExec::new(order, Arc::new(scan))) as Arc<dyn ExecutionPlan>)
                }
                None => Transformed::no(plan),
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "tidegate_many_partitions_sorted_here"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The scan whose rows `plan` counts, and does nothing else.
fn counted(plan: &Arc<dyn ExecutionPlan>) -> Option<&ApiScanExec> {
    let top = plan.downcast_ref::<AggregateExec>()?;
    let raw = match top.mode() {
        AggregateMode::Single | AggregateMode::SinglePartitioned => top,
        AggregateMode::Final => through_coalesce(top.input()).downcast_ref::<AggregateExec>()?,
        _ => return None,
    };
    let one_group = |aggregate: &AggregateExec| aggregate.group_expr().is_empty();
    let all_rows = raw.filter_expr().iter().all(Option::is_none);
    let input = raw.input();
    let counts = |function: &Arc<AggregateFunctionExpr>| is_row_count(function, input);
    let numbers = plan.schema().fields().iter().all(|field| field.data_type() == &DataType::Int64);
    if !(one_group(top) && one_group(raw) && all_rows && numbers) || raw.aggr_expr().is_empty() {
        return None;
    }
    let scan = through_projections(input).downcast_ref::<ApiScanExec>()?;
    (raw.aggr_expr().iter().all(counts) && scan.is_countable()).then_some(scan)
}

/// `count(1)`, or `count` of a column that is never NULL.
fn is_row_count(function: &AggregateFunctionExpr, input: &Arc<dyn ExecutionPlan>) -> bool {
    let schema = input.schema();
    function.fun().name() == "count"
        && !function.is_distinct()
        && function.expressions().iter().all(|argument| {
            let plain = argument.downcast_ref::<Column>().is_some() || argument.downcast_ref::<Literal>().is_some();
            plain && argument.nullable(&schema).is_ok_and(|nullable| !nullable)
        })
}

fn through_coalesce(plan: &Arc<dyn ExecutionPlan>) -> &Arc<dyn ExecutionPlan> {
    plan.downcast_ref::<CoalescePartitionsExec>().map_or(plan, CoalescePartitionsExec::input)
}

/// A projection changes no number of rows.
fn through_projections(mut plan: &Arc<dyn ExecutionPlan>) -> &Arc<dyn ExecutionPlan> {
    while let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        plan = projection.input();
    }
    plan
}
