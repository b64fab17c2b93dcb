//! Filters evaluated over what an API has sent: those that it left to do, and those that it claims to have done.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::{BooleanArray, RecordBatch};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::common::cast::as_boolean_array;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, Operator};
use datafusion::physical_expr::create_physical_expr;
use datafusion::physical_plan::PhysicalExpr;

use crate::pushdown::sql_text;

/// The filters of one scan, over its fetched columns. All must be TRUE of a row.
#[derive(Debug, Clone)]
pub(super) struct Recheck {
    /// What the API was not asked for, or does not decide exactly.
    pub(super) residual: Option<Filter>,
    /// Whether a part of that is not asked of it, not even more widely: then few rows may pass.
    pub(super) unasked: bool,
    /// What the API declares to have decided exactly. Evaluating it costs little; trusting a service that
    /// ignores a filter costs the result.
    pub(super) verified: Vec<Filter>,
}

/// A filter to be evaluated here.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    physical: Arc<dyn PhysicalExpr>,
    /// The same as it is shown.
    logical: Expr,
}

impl Filter {
    /// The filter over columns that are named by `schema`.
    pub(super) fn new(filter: Expr, schema: &DFSchema) -> Result<Self> {
        // What depends on the moment was replaced by its value when the statement was planned.
        let (props, planning) = (ExecutionProps::new(), PhysicalPlanningContext::default());
        Ok(Self { physical: create_physical_expr(&filter, schema, &props, &planning)?, logical: filter })
    }

    /// The filter as SQL.
    pub(super) fn text(&self) -> String {
        sql_text(&self.logical)
    }

    /// Its columns, and the operators that it applies to them.
    pub(super) fn operators(&self) -> String {
        let mut found: Vec<String> = Vec::new();
        let each = |expr: &Expr| {
            if let Some(operator) = operator(expr) {
                let mut columns: Vec<&str> = expr.column_refs().iter().map(|column| column.name()).collect();
                columns.sort_unstable();
                let one = format!("column {}, operator {operator}", columns.join(" and "));
                if !columns.is_empty() && !found.contains(&one) {
                    found.push(one);
                }
            }
            Ok(TreeNodeRecursion::Continue)
        };
        // The closure returns no error.
        self.logical.apply(each).ok();
        found.join("; ")
    }
}

/// The operator of a comparison.
fn operator(expr: &Expr) -> Option<String> {
    let not = |negated: bool, operator: &str| format!("{}{operator}", if negated { "NOT " } else { "" });
    match expr {
        Expr::BinaryExpr(binary) if !matches!(binary.op, Operator::And | Operator::Or) => Some(binary.op.to_string()),
        Expr::InList(list) => Some(not(list.negated, "IN")),
        Expr::Like(like) => Some(not(like.negated, if like.case_insensitive { "ILIKE" } else { "LIKE" })),
        Expr::Between(between) => Some(not(between.negated, "BETWEEN")),
        Expr::IsNull(_) => Some("IS NULL".to_owned()),
        Expr::IsNotNull(_) => Some("IS NOT NULL".to_owned()),
        Expr::ScalarFunction(function) => Some(function.name().to_owned()),
        _ => None,
    }
}

impl Recheck {
    /// All filters.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Arc<dyn PhysicalExpr>> {
        self.residual.iter().chain(&self.verified).map(|filter| &filter.physical)
    }

    /// Names of the columns that the residual filter reads.
    pub(super) fn residual_columns(&self) -> BTreeSet<String> {
        let columns = self.residual.iter().flat_map(|filter| filter.logical.column_refs());
        columns.map(|column| column.name.clone()).collect()
    }

    /// The residual filter as SQL.
    pub(super) fn residual_text(&self) -> String {
        self.residual.as_ref().map(|filter| sql_text(&filter.logical)).unwrap_or_default()
    }

    /// The verified filters as SQL.
    pub(super) fn verified_text(&self) -> String {
        let all = conjunction(self.verified.iter().map(|filter| filter.logical.clone()));
        all.map(|all| sql_text(&all)).unwrap_or_default()
    }

    /// The rows that satisfy all filters, and the first verified one that some row did not satisfy.
    pub(super) fn apply(&self, mut rows: RecordBatch) -> Result<(RecordBatch, Option<&Filter>)> {
        let mut breached = None;
        for filter in &self.verified {
            // A filter may be beyond what is computed here, such as a date of the year 1 beside a timestamp in
            // nanoseconds. The API could decide it, and there is no more reason to doubt that than to fail.
            let Ok(satisfying) = satisfying(&rows, filter) else { continue };
            if satisfying.num_rows() < rows.num_rows() && breached.is_none() {
                breached = Some(filter);
            }
            rows = satisfying;
        }
        if let Some(residual) = &self.residual {
            rows = satisfying(&rows, residual)?;
        }
        Ok((rows, breached))
    }
}

fn satisfying(rows: &RecordBatch, filter: &Filter) -> Result<RecordBatch> {
    let passes = filter.physical.evaluate(rows)?.into_array(rows.num_rows())?;
    kept(rows.clone(), as_boolean_array(&passes)?)
}

/// Rows for which `keep` is TRUE.
pub(super) fn kept(rows: RecordBatch, keep: &BooleanArray) -> Result<RecordBatch> {
    if keep.true_count() == rows.num_rows() { Ok(rows) } else { Ok(filter_record_batch(&rows, keep)?) }
}
