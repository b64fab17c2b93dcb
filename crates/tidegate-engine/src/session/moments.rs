//! Moments that tell more than the columns they are compared with.
//!
//! DataFusion compares `at < TIMESTAMP '… .0000001'` in nanoseconds, and then takes the cast of the column away by cutting
//! the literal off at the column's microseconds: `at < '….000000'` has not the row of that very microsecond. The literal
//! stands between two values of the column, so that a comparison with the lower of them says the same. Here it is put in
//! place before DataFusion simplifies. The column is not left cast: nanoseconds reach from 1677 to 2262 only.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, binary_expr, lit};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use datafusion::scalar::ScalarValue;

use super::lists::has_any;

/// Compares columns with the moments that they can have. Stands before the simplification of expressions.
#[derive(Debug)]
pub(super) struct FineMoments;

impl OptimizerRule for FineMoments {
    fn name(&self) -> &'static str {
        "tidegate_fine_moments"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        if !has_any(&plan, |expr| expr.exists(|part| Ok(nanoseconds(part).is_some())))? {
            return Ok(Transformed::no(plan));
        }
        let schema = match &plan {
            LogicalPlan::TableScan(scan) => {
                DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?
            }
            plan => merge_schema(&plan.inputs()),
        };
        let schema = Arc::new(schema);
        let constants = SimplifyContext::builder()
            .with_schema(Arc::clone(&schema))
            .with_config_options(config.options())
            .with_query_execution_start_time(config.query_execution_start_time())
            .build();
        let moments = Moments { schema: &schema, constants: ExprSimplifier::new(constants) };
        let names = NamePreserver::new(&plan);
        let named = |expr: Expr| {
            let name = names.save(&expr);
            Ok(moments.rewritten(expr)?.update_data(|expr| name.restore(expr)))
        };
        plan.map_expressions(|expr| match expr {
            // A grouping set has no name; each of its members has.
            Expr::GroupingSet(_) => expr.map_children(named),
            _ => named(expr),
        })
    }
}

pub(crate) struct Moments<'s> {
    pub(crate) schema: &'s DFSchema,
    /// Evaluates what has no columns.
    pub(crate) constants: ExprSimplifier,
}

impl Moments<'_> {
    /// The expression with each comparison of a column with a finer moment replaced.
    pub(crate) fn rewritten(&self, expr: Expr) -> Result<Transformed<Expr>> {
        expr.transform_up(|expr| {
            let replaced = match &expr {
                Expr::BinaryExpr(BinaryExpr { left, op, right }) => match self.compared(left, *op, right)? {
                    None => op.swap().map_or(Ok(None), |op| self.compared(right, op, left))?,
                    found => found,
                },
                Expr::Between(between) => self.between(between)?,
                Expr::InList(list) => self.listed(list)?,
                _ => None,
            };
            Ok(match replaced {
                Some(replaced) => Transformed::yes(replaced),
                None => Transformed::no(expr),
            })
        })
    }

    /// `operand op moment`, if the moment is finer than the operand.
    fn compared(&self, operand: &Expr, op: Operator, moment: &Expr) -> Result<Option<Expr>> {
        let Some((column, data_type)) = self.coarse(operand) else { return Ok(None) };
        let Some(floor) = self.floor(moment, &data_type)? else { return Ok(None) };
        let column = || column.clone();
        Ok(match op {
            Operator::Lt | Operator::LtEq => Some(binary_expr(column(), Operator::LtEq, floor)),
            Operator::Gt | Operator::GtEq => Some(binary_expr(column(), Operator::Gt, floor)),
            Operator::Eq => Some(no_value(column(), false)),
            Operator::NotEq => Some(no_value(column(), true)),
            Operator::IsDistinctFrom => Some(lit(true)),
            Operator::IsNotDistinctFrom => Some(lit(false)),
            _ => None,
        })
    }

    /// As two comparisons, if one of the bounds is finer.
    fn between(&self, between: &Between) -> Result<Option<Expr>> {
        let Between { expr, negated, low, high } = between;
        let bounds = if *negated { [Operator::Lt, Operator::Gt] } else { [Operator::GtEq, Operator::LtEq] };
        let first = self.compared(expr, bounds[0], low)?;
        let second = self.compared(expr, bounds[1], high)?;
        if first.is_none() && second.is_none() {
            return Ok(None);
        }
        let [low, high] = [(first, bounds[0], low), (second, bounds[1], high)]
            .map(|(coarse, op, bound)| coarse.unwrap_or_else(|| binary_expr((**expr).clone(), op, (**bound).clone())));
        Ok(Some(if *negated { low.or(high) } else { low.and(high) }))
    }

    /// The list without the moments that no row has.
    fn listed(&self, list: &InList) -> Result<Option<Expr>> {
        let Some((column, data_type)) = self.coarse(&list.expr) else { return Ok(None) };
        let mut possible = Vec::with_capacity(list.list.len());
        for item in &list.list {
            if self.floor(item, &data_type)?.is_none() {
                possible.push(item.clone());
            }
        }
        if possible.len() == list.list.len() {
            return Ok(None);
        }
        Ok(Some(if possible.is_empty() {
            no_value(column.clone(), list.negated)
        } else {
            (*list.expr).clone().in_list(possible, list.negated)
        }))
    }

    /// What is cast to nanoseconds, and its own type.
    fn coarse<'e>(&self, operand: &'e Expr) -> Option<(&'e Expr, DataType)> {
        let (inner, target) = nanoseconds(operand)?;
        let own = inner.get_type(self.schema).ok()?;
        match &own {
            // A cast into a time zone or out of it moves the clock.
            DataType::Timestamp(_, zone) if zone.is_some() == target && inner.any_column_refs() => Some((inner, own)),
            _ => None,
        }
    }

    /// The last moment of this type before `moment`; `None` if that is one itself, or is not known.
    fn floor(&self, moment: &Expr, data_type: &DataType) -> Result<Option<Expr>> {
        if moment.any_column_refs() || moment.is_volatile() {
            return Ok(None);
        }
        let Expr::Literal(ScalarValue::TimestampNanosecond(Some(nanos), _), _) =
            self.constants.simplify(moment.clone())?
        else {
            return Ok(None);
        };
        let floor = |unit: i64| (nanos.rem_euclid(unit) != 0).then(|| Some(nanos.div_euclid(unit)));
        let literal = match data_type {
            DataType::Timestamp(TimeUnit::Second, zone) => {
                floor(1_000_000_000).map(|value| ScalarValue::TimestampSecond(value, zone.clone()))
            }
            DataType::Timestamp(TimeUnit::Millisecond, zone) => {
                floor(1_000_000).map(|value| ScalarValue::TimestampMillisecond(value, zone.clone()))
            }
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                floor(1_000).map(|value| ScalarValue::TimestampMicrosecond(value, zone.clone()))
            }
            _ => None,
        };
        Ok(literal.map(lit))
    }
}

/// What is cast to nanoseconds, and whether to those of a time zone.
fn nanoseconds(operand: &Expr) -> Option<(&Expr, bool)> {
    let (inner, target) = match operand {
        Expr::Cast(cast) => (cast.expr.as_ref(), cast.field.data_type()),
        Expr::TryCast(cast) => (cast.expr.as_ref(), cast.field.data_type()),
        _ => return None,
    };
    match target {
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => Some((inner, zone.is_some())),
        _ => None,
    }
}

/// The truth of an equality that no value meets, or of its opposite: NULL where the operand is.
fn no_value(operand: Expr, negated: bool) -> Expr {
    let unknown = lit(ScalarValue::Boolean(None));
    if negated { operand.is_not_null().or(unknown) } else { operand.is_null().and(unknown) }
}
