//! What DataFusion's operators make of the rows and calls of their inputs.
//!
//! Which of them are surely read is taken from how they run in the pinned version: an operator that is not named here
//! may read nothing at all. Numbers of rows behind filters, joins and groups are rough: calls depend on them only below
//! a limit.

use std::sync::Arc;

use datafusion::common::JoinType;
use datafusion::common::stats::Precision;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, InputOrderMode};

use super::predict::predict as predicted;
use super::{Ask, Costs, Estimate, Predicted, Until};

/// Of so many rows one is expected to satisfy a filter of which nothing is known.
pub(crate) const FILTERED: u64 = 4;

/// Of so many rows one is expected to begin a group.
const GROUPED: u64 = 10;

/// Operators that ask their one input for rows as soon as they are asked.
const ALWAYS_READ: &[&str] = &[
    "AggregateExec",
    "BoundedWindowAggExec",
    "BufferExec",
    "CoalesceBatchesExec",
    "CoalescePartitionsExec",
    "CooperativeExec",
    "DataSinkExec",
    "FilterExec",
    "GlobalLimitExec",
    "LocalLimitExec",
    "OutputRequirementExec",
    "ProjectionExec",
    "RepartitionExec",
    "SequenceExec",
    "SortExec",
    "SortExec(TopK)",
    "SortPreservingMergeExec",
    "UnnestExec",
    "WindowAggExec",
];

pub(super) fn predict(plan: &Arc<dyn ExecutionPlan>, costs: &Costs) -> Predicted {
    let children = plan.children();
    match (plan.name(), children.as_slice()) {
        ("UnionExec" | "InterleaveExec", _) => union(&children, costs),
        // Both the subqueries and what they are for are read.
        ("ScalarSubqueryExec", [main, subqueries @ ..]) => {
            let main = predicted(main, costs);
            let whole = costs.reading(Until::End);
            let asks = subqueries.iter().flat_map(|subquery| predicted(subquery, &whole).asks);
            Predicted { rows: main.rows, asks: main.asks.into_iter().chain(asks).collect() }
        }
        ("HashJoinExec" | "NestedLoopJoinExec" | "CrossJoinExec", [left, right]) => join(plan, left, right, costs),
        (name, [input]) if ALWAYS_READ.contains(&name) => {
            let input = predicted(input, &input_costs(plan, costs));
            Predicted { rows: rows(plan, input.rows), asks: input.asks }
        }
        (_, []) => Predicted { rows: told_rows(plan), asks: Vec::new() },
        (_, inputs) => {
            let inputs: Vec<Predicted> =
                inputs.iter().map(|input| predicted(input, &costs.reading(Until::Perhaps))).collect();
            let rows = inputs.iter().map(|input| input.rows.expected).max().unwrap_or(0);
            let asks = inputs.into_iter().flat_map(|input| input.asks).map(perhaps);
            Predicted { rows: Estimate::about(rows), asks: asks.collect() }
        }
    }
}

/// The ask of something that may not be read at all.
fn perhaps(ask: Ask) -> Ask {
    Ask { calls: ask.calls.perhaps(), rows: ask.rows.perhaps(), ..ask }
}

/// The ask of something that is expected not to be read.
fn unlikely(ask: Ask) -> Ask {
    let none = |estimate: Estimate| Estimate { low: 0, expected: 0, high: estimate.high };
    Ask { calls: none(ask.calls), rows: none(ask.rows), ..ask }
}

/// How far the input of an operator that always reads it is read.
fn input_costs(plan: &Arc<dyn ExecutionPlan>, costs: &Costs) -> Costs {
    let until = costs.until;
    if let Some(sort) = plan.downcast_ref::<SortExec>() {
        // The first rows of an input that is partly sorted may be enough.
        let may_stop = sort.fetch().is_some() && sort.input().output_ordering().is_some();
        let until = if may_stop { Until::Perhaps } else { Until::End };
        return Costs { sorts_first: sort.fetch().is_some(), ..costs.reading(until) };
    }
    let until = if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        let is_whole = !matches!(aggregate.mode(), AggregateMode::Partial)
            && matches!(aggregate.input_order_mode(), InputOrderMode::Linear)
            && aggregate.limit_options().is_none();
        let may_stop = !is_whole && (until.may_stop() || aggregate.limit_options().is_some());
        if may_stop { Until::Perhaps } else { Until::End }
    } else {
        match plan.name() {
            "DataSinkExec" => Until::End,
            "GlobalLimitExec" => {
                let skip = plan.downcast_ref::<GlobalLimitExec>().map_or(0, GlobalLimitExec::skip) as u64;
                limited(plan, until).map_or(Until::Perhaps, |rows| Until::Rows(rows.saturating_add(skip)))
            }
            "LocalLimitExec" => limited(plan, until).map_or(Until::Perhaps, Until::Rows),
            "FilterExec" | "UnnestExec" | "BoundedWindowAggExec" | "WindowAggExec" => {
                limited(plan, until).map_or(until.of_others(), |_| Until::Perhaps)
            }
            _ => limited(plan, until).map_or(until, Until::Rows),
        }
    };
    let sorts_first = costs.sorts_first && plan.downcast_ref::<AggregateExec>().is_none();
    Costs { sorts_first, ..costs.reading(until) }
}

/// Rows after which the operator, or its reader, ends.
fn limited(plan: &Arc<dyn ExecutionPlan>, until: Until) -> Option<u64> {
    let until = plan.fetch().map_or(until, |fetch| until.at_most(fetch as u64));
    match until {
        Until::Rows(rows) => Some(rows),
        Until::End | Until::Perhaps => None,
    }
}

/// Rows of an operator with one input that has so many.
fn rows(plan: &Arc<dyn ExecutionPlan>, input: Estimate) -> Estimate {
    let own = if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        if aggregate.group_expr().is_empty() {
            Estimate::exact(1)
        } else {
            Estimate { low: input.low.min(1), expected: input.expected.div_ceil(GROUPED), high: input.high }
        }
    } else if plan.downcast_ref::<FilterExec>().is_some() {
        Estimate { low: 0, expected: input.expected.div_ceil(FILTERED), high: input.high }
    } else if let Some(limit) = plan.downcast_ref::<GlobalLimitExec>() {
        let skip = limit.skip() as u64;
        input.map(|rows| rows.saturating_sub(skip))
    } else {
        match plan.name() {
            "DataSinkExec" => Estimate::exact(1),
            "UnnestExec" => Estimate::about(input.expected),
            _ => input,
        }
    };
    plan.fetch().map_or(own, |fetch| own.at_most(fetch as u64))
}

/// All of the parts, or as many as are enough where the reader may stop: which those are is known only to who reads
/// them one after the other.
fn union(children: &[&Arc<dyn ExecutionPlan>], costs: &Costs) -> Predicted {
    let parts: Vec<Predicted> = children.iter().map(|child| predicted(child, costs)).collect();
    let rows = parts.iter().map(|part| part.rows).sum();
    if !costs.until.may_stop() {
        return Predicted { rows, asks: parts.into_iter().flat_map(|part| part.asks).collect() };
    }
    let least = parts.iter().enumerate().min_by_key(|(_, part)| part.calls().low).map(|(place, _)| place);
    let (mut read, mut asks) = (0_u64, Vec::new());
    for (place, part) in parts.into_iter().enumerate() {
        let is_enough = matches!(costs.until, Until::Rows(wanted) if read >= wanted);
        read = read.saturating_add(part.rows.expected);
        asks.extend(part.asks.into_iter().map(|ask| {
            let low = if Some(place) == least { ask.calls.low } else { 0 };
            let ask = if is_enough { unlikely(ask) } else { perhaps(ask) };
            Ask { calls: Estimate { low, expected: ask.calls.expected.max(low), ..ask.calls }, ..ask }
        }));
    }
    Predicted { rows, asks }
}

/// The left side is read whole first; whether the right side is may depend on it.
fn join(
    plan: &Arc<dyn ExecutionPlan>,
    left: &Arc<dyn ExecutionPlan>,
    right: &Arc<dyn ExecutionPlan>,
    costs: &Costs,
) -> Predicted {
    let left = predicted(left, &costs.reading(Until::End));
    let right = predicted(right, &costs.reading(costs.until.of_others()));
    let rows = joined(join_type(plan), left.rows, right.rows);
    let right = right.asks.into_iter().map(perhaps);
    Predicted { rows, asks: left.asks.into_iter().chain(right).collect() }
}

/// The type of a join; `None` for a cross join.
fn join_type(plan: &Arc<dyn ExecutionPlan>) -> Option<JoinType> {
    let hashed = plan.downcast_ref::<HashJoinExec>().map(HashJoinExec::join_type);
    hashed.or_else(|| plan.downcast_ref::<NestedLoopJoinExec>().map(NestedLoopJoinExec::join_type)).copied()
}

/// Rows of a join: of keys and their references most often as many as there are references.
pub(crate) fn joined(kind: Option<JoinType>, left: Estimate, right: Estimate) -> Estimate {
    let product = left.high.saturating_mul(right.high);
    let more = left.expected.max(right.expected);
    match kind {
        None => Estimate {
            low: left.low.saturating_mul(right.low),
            expected: left.expected.saturating_mul(right.expected),
            high: product,
        },
        Some(JoinType::Inner) => {
            let expected = if left.expected == 0 || right.expected == 0 { 0 } else { more };
            Estimate { low: 0, expected, high: product }
        }
        Some(JoinType::Left) => Estimate { low: left.low, expected: more, high: u64::MAX },
        Some(JoinType::Right) => Estimate { low: right.low, expected: more, high: u64::MAX },
        Some(JoinType::Full) => Estimate { low: left.low.max(right.low), expected: more, high: u64::MAX },
        Some(JoinType::LeftSemi) => left.at_most(left.expected.min(right.expected)).up_to(left.high),
        Some(JoinType::RightSemi) => right.at_most(left.expected.min(right.expected)).up_to(right.high),
        Some(JoinType::LeftAnti) => left.perhaps(),
        Some(JoinType::RightAnti) => right.perhaps(),
        Some(JoinType::LeftMark) => left,
        Some(JoinType::RightMark) => right,
    }
}

/// What an operator without inputs says of its rows.
fn told_rows(plan: &Arc<dyn ExecutionPlan>) -> Estimate {
    match plan.name() {
        "EmptyExec" => return Estimate::ZERO,
        "PlaceholderRowExec" => return Estimate::exact(1),
        _ => {}
    }
    let told = plan.statistics_from_inputs(&[], &StatisticsArgs::new()).map(|statistics| statistics.num_rows);
    match told {
        Ok(Precision::Exact(rows)) => Estimate::exact(rows as u64),
        Ok(Precision::Inexact(rows)) => Estimate::about(rows as u64),
        Ok(Precision::Absent) | Err(_) => Estimate::about(1_000),
    }
}
