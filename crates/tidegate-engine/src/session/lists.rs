//! Lists of values on one column, kept apart while DataFusion simplifies expressions.
//!
//! DataFusion 55 puts `x IN (…) AND x IN (…)` and its like together as sets, and loses what is not in them: `x IN ()` is
//! false to it even where `x` is NULL, a NULL in a list is one more value, and so is a column: rows are lost
//! (`a IN (b) AND a IN (1)`, always false) or come too many (`x NOT IN (1) OR x NOT IN (2)`, always true). It does so
//! inside of one step alone. Around that step, lists on a column that has several in an expression stand in a function
//! that it does not look through; each list by itself is still simplified. What two lists leave of each other is found
//! out by [`crate::pushdown`], where NULL has its place.

use std::sync::{Arc, LazyLock};

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::split_binary;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, LogicalPlan, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

/// Puts lists that DataFusion may join into [`Sealed`]. Stands before the simplification of expressions.
#[derive(Debug)]
pub(super) struct Apart;

impl OptimizerRule for Apart {
    fn name(&self) -> &'static str {
        "tidegate_lists_apart"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        rewritten(plan, |expr| Ok(!listed_often(expr)?.is_empty()), apart)
    }
}

/// Takes them out again. Stands behind it.
#[derive(Debug)]
pub(super) struct AsWritten;

impl OptimizerRule for AsWritten {
    fn name(&self) -> &'static str {
        "tidegate_lists_as_written"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        rewritten(plan, |expr| expr.exists(|part| Ok(is_sealed(part))), as_written)
    }
}

/// The plan with its expressions changed, and their names as they were, if one of them is `concerned`.
fn rewritten(
    plan: LogicalPlan,
    concerned: impl Fn(&Expr) -> Result<bool>,
    change: fn(Expr) -> Result<Transformed<Expr>>,
) -> Result<Transformed<LogicalPlan>> {
    if !has_any(&plan, concerned)? {
        return Ok(Transformed::no(plan));
    }
    let names = NamePreserver::new(&plan);
    let named = |expr: Expr| {
        let name = names.save(&expr);
        Ok(change(expr)?.update_data(|expr| name.restore(expr)))
    };
    plan.map_expressions(|expr| match expr {
        // A grouping set has no name; each of its members has.
        Expr::GroupingSet(_) => expr.map_children(named),
        _ => named(expr),
    })
}

/// Whether one of the plan's expressions is `concerned`. Most plans have none, and are left without a copy.
pub(super) fn has_any(plan: &LogicalPlan, concerned: impl Fn(&Expr) -> Result<bool>) -> Result<bool> {
    let mut has = false;
    plan.apply_expressions(|expr| {
        has = concerned(expr)?;
        Ok(if has { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(has)
}

/// Seals lists and equalities of columns that have lists enough to be joined.
pub(crate) fn apart(expr: Expr) -> Result<Transformed<Expr>> {
    let several: Vec<Expr> = listed_often(&expr)?.into_iter().cloned().collect();
    if several.is_empty() {
        return Ok(Transformed::no(expr));
    }
    expr.transform_up(|expr| {
        let is_one = operand(&expr).is_some_and(|operand| several.contains(operand));
        Ok(if is_one { Transformed::yes(SEALED.call(vec![expr])) } else { Transformed::no(expr) })
    })
}

/// Opens what [`apart`] has sealed.
pub(crate) fn as_written(expr: Expr) -> Result<Transformed<Expr>> {
    expr.transform_up(|expr| match expr {
        Expr::ScalarFunction(mut call) if call.func.inner().is::<Sealed>() && call.args.len() == 1 => {
            Ok(Transformed::yes(call.args.swap_remove(0)))
        }
        other => Ok(Transformed::no(other)),
    })
}

fn is_sealed(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if call.func.inner().is::<Sealed>())
}

/// What the expression has lists enough of to be joined.
fn listed_often(expr: &Expr) -> Result<Vec<&Expr>> {
    let mut weights = Weights::default();
    weights.of(expr)?;
    Ok(weights.0.into_iter().filter(|(_, weight)| *weight >= 2 * LIST).map(|(operand, _)| operand).collect())
}

/// What a list weighs. An equality weighs half: two that OR joins become a list.
const LIST: usize = 2;

/// How many lists an expression has, or may come to have, by what they are lists of.
#[derive(Default)]
struct Weights<'e>(Vec<(&'e Expr, usize)>);

impl<'e> Weights<'e> {
    fn of(&mut self, expr: &'e Expr) -> Result<()> {
        let mut equalities = Self::default();
        for part in split_binary(expr, Operator::Or) {
            match (part, operand(part)) {
                (Expr::InList(_), Some(operand)) => self.add(operand, LIST),
                (_, Some(operand)) => equalities.add(operand, 1),
                _ => {}
            }
            part.apply_children(|child| self.of(child).map(|()| TreeNodeRecursion::Continue))?;
        }
        for (operand, equal) in equalities.0 {
            self.add(operand, equal.min(LIST));
        }
        Ok(())
    }

    fn add(&mut self, operand: &'e Expr, weight: usize) {
        match self.0.iter_mut().find(|(known, _)| *known == operand) {
            Some((_, sum)) => *sum += weight,
            None => self.0.push((operand, weight)),
        }
    }
}

/// What a list, or an equality with a constant, is of. Casts of it may go as the expression is simplified.
fn operand(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::InList(list) => Some(without_casts(&list.expr)),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            match (left.any_column_refs(), right.any_column_refs()) {
                (true, false) => Some(without_casts(left)),
                (false, true) => Some(without_casts(right)),
                _ => None,
            }
        }
        _ => None,
    }
}

fn without_casts(mut expr: &Expr) -> &Expr {
    loop {
        expr = match expr {
            Expr::Cast(cast) => &cast.expr,
            Expr::TryCast(cast) => &cast.expr,
            Expr::Alias(alias) => &alias.expr,
            other => return other,
        }
    }
}

/// Its argument, as it is. It stands in no plan that is run.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Sealed {
    signature: Signature,
}

static SEALED: LazyLock<ScalarUDF> =
    LazyLock::new(|| ScalarUDF::from(Sealed { signature: Signature::any(1, Volatility::Immutable) }));

impl ScalarUDFImpl for Sealed {
    fn name(&self) -> &'static str {
        "tidegate_list"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match args.arg_fields {
            [argument] => Ok(Arc::clone(argument)),
            other => internal_err!("{} takes one argument, not {}", self.name(), other.len()),
        }
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.pop() {
            Some(argument) => Ok(argument),
            None => internal_err!("{} takes one argument", self.name()),
        }
    }
}
