//! `column = (SELECT …)`: a subquery's one value as a key that a remote table is asked by.
//!
//! DataFusion evaluates such a subquery beside the plan, and compares with its value row for row: the API is asked for
//! all of them. As a semi join with that one row the value is a key like any other. Both let pass the same rows, also
//! where the value is NULL or there is no row. What is more than one row is an error there and none in a join: only
//! subqueries that cannot have two are taken.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::default_table_source::source_as_provider;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, JoinType, Result};
use datafusion::logical_expr::logical_plan::{FetchType, Filter, TableScan};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Operator};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use crate::scan::ApiTable;

/// Comparisons of a remote table's column with a subquery of one row become semi joins.
///
/// Placed behind the rule that brings filters down to their tables: higher up, a join would keep the key from its table.
#[derive(Debug)]
pub(crate) struct OneValueByKey;

impl OptimizerRule for OneValueByKey {
    fn name(&self) -> &'static str {
        "tidegate_one_value_by_key"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Filter(filter) = plan else { return Ok(Transformed::no(plan)) };
        let is_remote = matches!(filter.input.as_ref(), LogicalPlan::TableScan(scan) if is_remote(scan));
        if !is_remote {
            return Ok(Transformed::no(LogicalPlan::Filter(filter)));
        }
        let schema = Arc::clone(filter.input.schema());
        let has_key_type = |operand: &Expr| operand.get_type(&schema).is_ok_and(|data_type| is_key_type(&data_type));
        let (mut keys, mut others) = (Vec::new(), Vec::new());
        for part in split_conjunction_owned(filter.predicate.clone()) {
            match compared(&part).filter(|(operand, _)| has_key_type(operand)) {
                Some(key) => keys.push(key),
                None => others.push(part),
            }
        }
        if keys.is_empty() {
            return Ok(Transformed::no(LogicalPlan::Filter(filter)));
        }
        let mut plan = Arc::unwrap_or_clone(filter.input);
        if let Some(others) = conjunction(others) {
            plan = LogicalPlan::Filter(Filter::try_new(others, Arc::new(plan))?);
        }
        for (operand, value) in keys {
            plan = semi_join(plan, operand, value, &config.alias_generator().next("__one_value"))?;
        }
        Ok(Transformed::yes(plan))
    }
}

fn is_remote(scan: &TableScan) -> bool {
    source_as_provider(&scan.source).is_ok_and(|provider| provider.downcast_ref::<ApiTable>().is_some())
}

/// A join tells two zeros apart and finds NaN equal to itself, and a comparison does not.
fn is_key_type(data_type: &DataType) -> bool {
    !data_type.is_floating() && !data_type.is_nested()
}

fn semi_join(plan: LogicalPlan, operand: Expr, value: LogicalPlan, alias: &str) -> Result<LogicalPlan> {
    let value = LogicalPlanBuilder::from(value).alias(alias)?.build()?;
    let key = Expr::Column(Column::from(value.schema().qualified_field(0)));
    LogicalPlanBuilder::from(plan)
        .join_with_expr_keys(value, JoinType::LeftSemi, (vec![operand], vec![key]), None)?
        .build()
}

/// What is compared, and the subquery of one row and one column that it is compared with.
fn compared(filter: &Expr) -> Option<(Expr, LogicalPlan)> {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = filter else { return None };
    let (operand, value) = match (value_of(left), value_of(right)) {
        (None, Some(value)) => (left, value),
        (Some(value), None) => (right, value),
        _ => return None,
    };
    (operand.any_column_refs() && !operand.is_volatile()).then(|| (operand.as_ref().clone(), value))
}

/// The subquery that the expression is, with its casts.
fn value_of(expr: &Expr) -> Option<LogicalPlan> {
    match expr {
        Expr::Cast(Cast { expr, field }) => {
            let value = value_of(expr)?;
            let column = Expr::Column(Column::from(value.schema().qualified_field(0)));
            let cast = Expr::Cast(Cast::new_from_field(Box::new(column), Arc::clone(field))).alias("value");
            LogicalPlanBuilder::from(value).project([cast]).ok()?.build().ok()
        }
        Expr::ScalarSubquery(subquery) if subquery.outer_ref_columns.is_empty() => {
            let plan = subquery.subquery.as_ref();
            (plan.schema().fields().len() == 1 && has_one_row(plan)).then(|| plan.clone())
        }
        _ => None,
    }
}

/// Whether the plan has one row at most, whatever its tables hold.
fn has_one_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::Limit(limit) => {
            matches!(limit.get_fetch_type(), Ok(FetchType::Literal(Some(rows))) if rows <= 1)
                || has_one_row(&limit.input)
        }
        LogicalPlan::EmptyRelation(_) => true,
        LogicalPlan::Projection(projection) => has_one_row(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => has_one_row(&alias.input),
        LogicalPlan::Filter(filter) => has_one_row(&filter.input),
        LogicalPlan::Sort(sort) => has_one_row(&sort.input),
        _ => false,
    }
}
