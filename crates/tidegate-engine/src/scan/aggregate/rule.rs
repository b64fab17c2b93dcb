//! Puts what an API computes in place of partial aggregates.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::union::UnionExec;
use tidegate_remote::{ScanRequest, aggregate};
use tidegate_spec::{EndpointKind, Paging};

use super::super::{ApiCountExec, ApiScanExec};
use super::groups::{ApiGroupsExec, Requests};
use super::shape::{Kind, Shape};
use super::single::one_row;
use super::states::States;

/// Aggregates over scans whose rows the API alone decides become questions to the API, where it can answer.
#[derive(Debug)]
pub(in super::super) struct AggregateByApi;

impl PhysicalOptimizerRule for AggregateByApi {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_down(|plan| {
            Ok(match replaced(&plan)? {
                Some(replaced) => Transformed::yes(replaced),
                None => Transformed::no(plan),
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "tidegate_aggregate_by_api"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn replaced(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(aggregate) = plan.downcast_ref::<AggregateExec>() else { return Ok(None) };
    match aggregate.mode() {
        AggregateMode::Partial => partial(aggregate),
        AggregateMode::Single | AggregateMode::SinglePartitioned => whole(aggregate),
        _ => Ok(None),
    }
}

/// An aggregate made in one step, as one that merges states.
fn whole(aggregate: &AggregateExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let partial_aggregate = of_input(aggregate, Arc::clone(aggregate.input()))?;
    let Some(states) = partial(&partial_aggregate)? else { return Ok(None) };
    let merged = AggregateExec::try_new(
        AggregateMode::Final,
        aggregate.group_expr().as_final(),
        aggregate.aggr_expr().to_vec(),
        vec![None; aggregate.aggr_expr().len()],
        states,
        aggregate.input_schema(),
    )?;
    Ok((merged.schema() == aggregate.schema()).then(|| Arc::new(merged) as Arc<dyn ExecutionPlan>))
}

/// The first half of the aggregate, over this input.
fn of_input(aggregate: &AggregateExec, input: Arc<dyn ExecutionPlan>) -> Result<AggregateExec> {
    AggregateExec::try_new(
        AggregateMode::Partial,
        aggregate.group_expr().clone(),
        aggregate.aggr_expr().to_vec(),
        aggregate.filter_expr().to_vec(),
        input,
        aggregate.input_schema(),
    )
}

/// What returns the states of a partial aggregate in place of it.
fn partial(aggregate: &AggregateExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(union) = aggregate.input().downcast_ref::<UnionExec>() {
        return of_parts(aggregate, union);
    }
    let schema = aggregate.schema();
    Ok(Shape::of(aggregate).and_then(|shape| answered(&shape, &schema)))
}

/// States of each part of a union, which are merged with those of the others anyway.
fn of_parts(aggregate: &AggregateExec, union: &UnionExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let mut is_any = false;
    let mut parts: Vec<Arc<dyn ExecutionPlan>> = Vec::with_capacity(union.inputs().len());
    for input in union.inputs() {
        let part = of_input(aggregate, Arc::clone(input))?;
        parts.push(match partial(&part)? {
            Some(states) if states.schema() == aggregate.schema() => {
                is_any = true;
                states
            }
            _ => Arc::new(part),
        });
    }
    is_any.then(|| UnionExec::try_new(parts)).transpose()
}

/// The cheapest way for the API to answer; `None` when it cannot.
fn answered(shape: &Shape<'_>, schema: &SchemaRef) -> Option<Arc<dyn ExecutionPlan>> {
    let scan = shape.scan;
    let plain_counts = shape.values.iter().all(|value| value.kind == Kind::Rows && value.filter.is_none());
    if shape.groups.is_empty() && plain_counts && !shape.values.is_empty() && scan.is_countable() {
        return Some(Arc::new(ApiCountExec::new(scan, Arc::clone(schema))));
    }
    // What is read with one call is computed here.
    if is_one_call(scan) {
        return None;
    }
    let grouped = by_groups(shape, schema);
    if !shape.groups.is_empty() {
        return grouped;
    }
    match (one_row(shape, schema), grouped) {
        // A first row shows that it is in order, and a count is what more services take.
        (Some((row, 1)), _) | (Some((row, _)), None) => Some(row),
        (_, grouped) => grouped,
    }
}

/// The groups by one request for them, or by counts in partitions.
fn by_groups(shape: &Shape<'_>, schema: &SchemaRef) -> Option<Arc<dyn ExecutionPlan>> {
    let scan = shape.scan;
    let states = States::of(shape, schema)?;
    let requests: Arc<[ScanRequest]> = if states.are_counts() && scan.is_countable() {
        let requests = scan.requests().cloned().collect();
        return Some(groups(scan, Requests::Counts(requests), states, schema));
    } else {
        if !scan.is_decided_by_api() || is_by_key(scan, &states) {
            return None;
        }
        let ask = |request: &ScanRequest| aggregate::groups(request, &states.by, &states.values).ok();
        scan.requests().map(ask).collect::<Option<Vec<_>>>()?.into()
    };
    Some(groups(scan, Requests::Groups(requests), states, schema))
}

fn groups(scan: &ApiScanExec, requests: Requests, states: States, schema: &SchemaRef) -> Arc<dyn ExecutionPlan> {
    Arc::new(ApiGroupsExec::new(scan, requests, states, Arc::clone(schema)))
}

/// Whether the scan is one call by what its endpoint declares.
fn is_one_call(scan: &ApiScanExec) -> bool {
    let endpoint = scan.common().table.endpoints.get(scan.common().endpoint);
    let is_one_page = endpoint.is_some_and(|endpoint| {
        endpoint.paging == Paging::Single || matches!(endpoint.kind, EndpointKind::Get | EndpointKind::GetMany)
    });
    is_one_page && scan.reach().is_none() && scan.requests().count() == 1
}

/// Whether each row is a group of its own: as many groups as rows would come.
fn is_by_key(scan: &ApiScanExec, states: &States) -> bool {
    let key = &scan.common().table.key;
    !key.is_empty() && key.iter().all(|column| states.by.contains(column))
}
