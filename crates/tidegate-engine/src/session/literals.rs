//! Literals beside columns of a type that they are not read in.
//!
//! **Numbers beside decimals.** //! DataFusion reads `9999999999999.99` as a double, and compares it with a decimal column in DECIMAL(30, 15), where
//! that double is 9999999999999.990234375: rows that hold the number as written are lost. The text of a literal of
//! up to 15 digits can be had back from its double (IEEE 754, `DBL_DIG`), so that the literal becomes the decimal
//! that was written. Reading all literals as decimals instead would cast double columns to DECIMAL(30, 15), which
//! cannot hold many of their values.
//!
//! **Timestamps beside dates and timestamps.** DataFusion reads `TIMESTAMP '…'` in nanoseconds, which reach from 1677
//! to 2262, and casts the column to them: a column that holds the year 1 or 9999 then fails the query. Columns are in
//! microseconds, and so the literal is read.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Between, BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, Operator};
use datafusion::optimizer::AnalyzerRule;
use datafusion::scalar::ScalarValue;

/// Digits that a double keeps of every decimal number.
const DIGITS: usize = 15;

/// Reads literals in the type of what they are compared with. Stands before the coercion of types.
#[derive(Debug)]
pub(super) struct WrittenLiterals;

impl AnalyzerRule for WrittenLiterals {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| {
            let schema = merge_schema(&plan.inputs());
            let names = NamePreserver::new(&plan);
            plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let rewritten = expr.transform_up(|expr| Ok(rewrite(expr, &schema)))?;
                Ok(rewritten.update_data(|expr| name.restore(expr)))
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "tidegate_written_literals"
    }
}

fn rewrite(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let type_of = |expr: &Expr| expr.get_type(schema).unwrap_or(DataType::Null);
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if compares(op) => {
            let (left, right) = if is_written(&right) {
                let data_type = type_of(&left);
                beside(*left, *right, &data_type)
            } else if is_written(&left) {
                let data_type = type_of(&right);
                let (right, left) = beside(*right, *left, &data_type);
                (left, right)
            } else {
                (*left, *right)
            };
            Transformed::yes(Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) }))
        }
        Expr::Between(Between { expr, negated, low, high }) => {
            let data_type = type_of(&expr);
            let (first, low) = beside(expr.as_ref().clone(), *low, &data_type);
            let (second, high) = beside(expr.as_ref().clone(), *high, &data_type);
            // The operand stands there once: it is cast only if both bounds ask for that.
            let expr = if first == second { Box::new(first) } else { expr };
            Transformed::yes(Expr::Between(Between { expr, negated, low: Box::new(low), high: Box::new(high) }))
        }
        Expr::InList(list) if is_decimal(&type_of(&list.expr)) => {
            let items = list.list.into_iter().map(decimal).collect();
            Transformed::yes(Expr::InList(InList { list: items, ..list }))
        }
        other => Transformed::no(other),
    }
}

fn is_decimal(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(..) | DataType::Decimal256(..))
}

/// Whether it stands in the statement as a number or a TIMESTAMP.
fn is_written(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(..) => true,
        Expr::Negative(inner) => is_written(inner),
        Expr::Cast(cast) => matches!(cast.expr.as_ref(), Expr::Literal(..)),
        _ => false,
    }
}

/// An operand of this type, and the literal that it is compared with.
fn beside(operand: Expr, literal: Expr, data_type: &DataType) -> (Expr, Expr) {
    match data_type {
        data_type if is_decimal(data_type) => (operand, decimal(literal)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => (operand, micros(&literal).unwrap_or(literal)),
        DataType::Date32 => match micros(&literal) {
            Some(literal) => {
                let moment = DataType::Timestamp(TimeUnit::Microsecond, None);
                (Expr::Cast(Cast::new(Box::new(operand), moment)), literal)
            }
            None => (operand, literal),
        },
        _ => (operand, literal),
    }
}

/// `TIMESTAMP '…'` in microseconds, if it tells no more than these.
fn micros(literal: &Expr) -> Option<Expr> {
    let Expr::Cast(cast) = literal else { return None };
    let Expr::Literal(text, _) = cast.expr.as_ref() else { return None };
    let text = text.try_as_str().flatten()?;
    let DataType::Timestamp(TimeUnit::Nanosecond, zone) = cast.field.data_type() else { return None };
    let fraction = text.rsplit_once('.').map_or("", |(_, fraction)| fraction);
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    let target = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
    (digits <= 6).then(|| Expr::Cast(Cast::new(cast.expr.clone(), target)))
}

fn compares(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// A double literal as the decimal that was written; anything else, or one of more digits, as it is.
fn decimal(expr: Expr) -> Expr {
    match &expr {
        Expr::Literal(ScalarValue::Float64(Some(value)), metadata) => match as_written(*value) {
            Some(literal) => Expr::Literal(literal, metadata.clone()),
            None => expr,
        },
        Expr::Negative(inner) => match decimal(inner.as_ref().clone()) {
            negated @ Expr::Literal(ScalarValue::Decimal128(..), _) => Expr::Negative(Box::new(negated)),
            _ => expr,
        },
        _ => expr,
    }
}

fn as_written(value: f64) -> Option<ScalarValue> {
    // Rust writes the shortest text that reads back as the same double, and never an exponent.
    let text = value.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches(['-', '0']).len();
    if significant > DIGITS || fraction.len() > DIGITS {
        return None;
    }
    let precision = u8::try_from(significant.max(fraction.len() + 1)).ok()?;
    Some(ScalarValue::Decimal128(Some(digits.parse().ok()?), precision, i8::try_from(fraction.len()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_of_up_to_fifteen_digits_are_had_back() {
        let cases = [
            (9_999_999_999_999.99, Some((999_999_999_999_999, 15, 2))),
            (1.5, Some((15, 2, 1))),
            (-0.001, Some((-1, 4, 3))),
            (0.1, Some((1, 2, 1))),
            (0.0, Some((0, 1, 0))),
            (1e14, Some((100_000_000_000_000, 15, 0))),
            (1e20, None),
            (1e-20, None),
            (0.1 + 0.2, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ];
        for (value, expected) in cases {
            let expected =
                expected.map(|(value, precision, scale)| ScalarValue::Decimal128(Some(value), precision, scale));
            assert_eq!(as_written(value), expected, "{value}");
        }
    }
}
