//! How details are lifted above each operator. One that is not known here has all of its columns below it.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr, conjunction, split_conjunction};
use datafusion::physical_expr_common::physical_expr::is_volatile;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{ChildrenPropertiesMode, ExecutionPlan, ReplaceChildrenOptions};

use super::DetailExec;
use super::joins;
use super::lifted::{Expr, Lifted, Part, Pending, column, renumbered};

/// The plan without the details that can be asked for above it; `may_stop` when what reads it may end early.
pub(super) fn lift(plan: &Arc<dyn ExecutionPlan>, may_stop: bool) -> Result<Part> {
    if let Some(detail) = plan.downcast_ref::<DetailExec>() {
        return self::detail(plan, detail, may_stop);
    }
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        return self::projection(plan, projection, may_stop);
    }
    if let Some(filter) = plan.downcast_ref::<FilterExec>().filter(|filter| filter.fetch().is_none()) {
        return self::filter(plan, filter, may_stop);
    }
    if let Some(sort) = plan.downcast_ref::<SortExec>() {
        return self::sort(plan, sort);
    }
    if plan.downcast_ref::<GlobalLimitExec>().is_some() || plan.downcast_ref::<LocalLimitExec>().is_some() {
        return same_columns(plan, true);
    }
    if plan.downcast_ref::<CooperativeExec>().is_some() || plan.downcast_ref::<CoalescePartitionsExec>().is_some() {
        return same_columns(plan, may_stop || plan.fetch().is_some());
    }
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        return joins::hash(plan, join, may_stop);
    }
    if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() {
        return joins::nested_loop(plan, join, may_stop);
    }
    if let Some(join) = plan.downcast_ref::<CrossJoinExec>() {
        return joins::cross(plan, join, may_stop);
    }
    unknown(plan, may_stop)
}

/// An operator that is not known here.
fn unknown(plan: &Arc<dyn ExecutionPlan>, may_stop: bool) -> Result<Part> {
    let children = plan.children().into_iter();
    let children = children.map(|child| lift(child, may_stop)?.closed(may_stop)).collect::<Result<Vec<_>>>()?;
    with_children(plan, children).map(Part::Whole)
}

/// The operator over other children that have the same schemas.
pub(super) fn with_children(
    plan: &Arc<dyn ExecutionPlan>,
    children: Vec<Arc<dyn ExecutionPlan>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let is_same = children.iter().zip(plan.children()).all(|(new, old)| Arc::ptr_eq(new, old));
    if is_same {
        return Ok(Arc::clone(plan));
    }
    Arc::clone(plan).replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
}

/// A detail becomes pending.
fn detail(plan: &Arc<dyn ExecutionPlan>, detail: &DetailExec, may_stop: bool) -> Result<Part> {
    let below = lift(detail.input(), may_stop)?;
    if !detail.ask().lifts() {
        let (ask, from_row) = (Arc::clone(detail.ask()), detail.from_row().clone());
        let input = below.closed(may_stop)?;
        return Ok(Part::Whole(Arc::new(DetailExec::try_new(input, ask, from_row, may_stop)?)));
    }
    let mut lifted = below.opened();
    let taken: Vec<usize> = detail.from_row().places().collect();
    lifted.fix(&taken, may_stop)?;
    let place = |of: usize| lifted.columns[of].downcast_ref::<Column>().map_or(of, Column::index);
    let pending = Pending { ask: Arc::clone(detail.ask()), from_row: detail.from_row().map(place) };
    let first = lifted.names().len();
    lifted.pending.push(pending);
    let names = lifted.names();
    lifted.columns.extend((first..names.len()).map(|place| Arc::new(Column::new(&names[place], place)) as Expr));
    lifted.schema = plan.schema();
    Ok(Part::Lifted(lifted))
}

/// What a projection computes of the rows alone is computed before; the rest when it is needed.
fn projection(plan: &Arc<dyn ExecutionPlan>, projection: &ProjectionExec, may_stop: bool) -> Result<Part> {
    let mut lifted = match lift(projection.input(), may_stop)? {
        Part::Lifted(lifted) => lifted,
        Part::Whole(input) => return with_children(plan, vec![input]).map(Part::Whole),
    };
    let exprs: Vec<Expr> = projection.expr().iter().map(|one| Arc::clone(&one.expr)).collect();
    // What differs each time it is computed is computed once.
    let volatile: Vec<Expr> = exprs.iter().filter(|expr| is_volatile(expr)).cloned().collect();
    lifted.plain(&volatile, may_stop)?;
    let mut resolved = exprs.iter().map(|expr| lifted.resolved(expr)).collect::<Result<Vec<_>>>()?;
    let is_computed = |expr: &Expr| {
        expr.downcast_ref::<Column>().is_none() && expr.downcast_ref::<Literal>().is_none() && lifted.is_plain(expr)
    };
    let computed: Vec<usize> = (0..resolved.len()).filter(|&place| is_computed(&resolved[place])).collect();
    let schema = plan.schema();
    let width = lifted.width();
    let named = computed.iter().map(|&place| (Arc::clone(&resolved[place]), schema.field(place).name().clone()));
    let added = lifted.compute(named.collect())?;
    let (count, names) = (added.len(), lifted.names());
    for expr in &mut resolved {
        *expr = renumbered(expr, |place| if place < width { place } else { place + count }, &names)?;
    }
    for (place, column) in computed.into_iter().zip(added) {
        resolved[place] = column;
    }
    (lifted.columns, lifted.schema) = (resolved, schema);
    Ok(Part::Lifted(lifted))
}

/// Conditions on the rows alone come first, then the details of the others, then these.
fn filter(plan: &Arc<dyn ExecutionPlan>, filter: &FilterExec, may_stop: bool) -> Result<Part> {
    let mut lifted = match lift(filter.input(), may_stop)? {
        Part::Lifted(lifted) => lifted,
        Part::Whole(input) => return with_children(plan, vec![input]).map(Part::Whole),
    };
    let conditions: Vec<Expr> = split_conjunction(filter.predicate()).into_iter().cloned().collect();
    let mut late = Vec::new();
    let mut early = Vec::new();
    for condition in conditions {
        let resolved = lifted.resolved(&condition)?;
        if lifted.is_plain(&resolved) { early.push(resolved) } else { late.push(condition) }
    }
    let selectivity = filter.default_selectivity();
    let over = |input: Arc<dyn ExecutionPlan>, conditions: Vec<Expr>| -> Result<Arc<dyn ExecutionPlan>> {
        let filter = FilterExecBuilder::new(conjunction(conditions), input);
        Ok(Arc::new(filter.with_default_selectivity(selectivity).build()?))
    };
    if !early.is_empty() {
        lifted.plan = over(lifted.plan, early)?;
    }
    if !late.is_empty() {
        let late = lifted.plain(&late, may_stop)?;
        lifted.plan = over(lifted.plan, late)?;
    }
    if let Some(kept) = filter.projection() {
        lifted.columns = kept.iter().filter_map(|&place| lifted.columns.get(place)).cloned().collect();
    }
    lifted.schema = plan.schema();
    Ok(Part::Lifted(lifted))
}

/// A sort reads all rows: details that it does not sort by are asked for behind it.
fn sort(plan: &Arc<dyn ExecutionPlan>, sort: &SortExec) -> Result<Part> {
    let mut lifted = match lift(sort.input(), false)? {
        Part::Lifted(lifted) => lifted,
        Part::Whole(input) => return with_children(plan, vec![input]).map(Part::Whole),
    };
    let exprs: Vec<Expr> = sort.expr().iter().map(|key| Arc::clone(&key.expr)).collect();
    let exprs = lifted.plain(&exprs, false)?;
    let keys = exprs.into_iter().zip(sort.expr()).map(|(expr, key)| PhysicalSortExpr::new(expr, key.options));
    let Some(keys) = LexOrdering::new(keys) else { return Ok(Part::Lifted(lifted)) };
    let sorted = SortExec::new(keys, lifted.plan).with_preserve_partitioning(sort.preserve_partitioning());
    lifted.plan = Arc::new(sorted.with_fetch(sort.fetch()));
    Ok(Part::Lifted(lifted))
}

/// An operator that reads no column and hands all of them on.
fn same_columns(plan: &Arc<dyn ExecutionPlan>, may_stop: bool) -> Result<Part> {
    let Some(input) = plan.children().into_iter().next() else { return Ok(Part::Whole(Arc::clone(plan))) };
    Ok(match lift(input, may_stop)? {
        Part::Whole(input) => Part::Whole(with_children(plan, vec![input])?),
        Part::Lifted(lifted) => {
            let plan = with_children(plan, vec![Arc::clone(&lifted.plan)])?;
            Part::Lifted(Lifted { plan, ..lifted })
        }
    })
}

/// The columns of a plan, each as an expression.
pub(super) fn columns_of(plan: &Arc<dyn ExecutionPlan>) -> Vec<Expr> {
    let schema = plan.schema();
    (0..schema.fields().len()).map(|place| column(&schema, place)).collect()
}
