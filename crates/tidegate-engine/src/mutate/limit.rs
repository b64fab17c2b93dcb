//! LIMIT: an expression without columns, evaluated before any row is selected.

use datafusion::arrow::array::Array;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_plan::collect;
use datafusion::scalar::ScalarValue;

use crate::{Error, ErrorKind, Result};

/// Whether it can be evaluated without reading anything, now.
pub(super) fn is_constant(plan: &LogicalPlan) -> Result<bool> {
    let mut is_constant = true;
    plan.apply_with_subqueries(|plan| {
        is_constant &= !matches!(plan, LogicalPlan::TableScan(_));
        plan.apply_expressions(|expr| {
            is_constant &= !expr.exists(|expr| Ok(matches!(expr, Expr::Placeholder(_))))?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(if is_constant { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    })?;
    Ok(is_constant)
}

/// The number of rows.
///
/// # Errors
/// Whatever is no number of rows: a bound is never guessed.
pub(super) async fn read(state: &SessionState, plan: &LogicalPlan) -> Result<u64> {
    let physical = state.create_physical_plan(plan).await?;
    let batches = collect(physical, state.task_ctx()).await?;
    let mut values = batches.iter().filter(|batch| batch.num_rows() > 0).flat_map(|batch| batch.columns().first());
    let value = match values.next() {
        Some(column) if column.len() == 1 => ScalarValue::try_from_array(column, 0)?,
        _ => return Err(Error::new(ErrorKind::Query, "LIMIT is no single number")),
    };
    rows(&value)
}

/// A whole number from 0, of whatever type.
fn rows(value: &ScalarValue) -> Result<u64> {
    let wrong = |why: &str| {
        let message = format!("LIMIT is {value}: {why}; write a whole number from 0, or an expression that is one");
        Error::new(ErrorKind::Query, message)
    };
    if value.is_null() {
        return Err(wrong("it bounds nothing"));
    }
    let data_type = value.data_type();
    if !data_type.is_numeric() {
        return Err(wrong("it is no number"));
    }
    let text = value.to_string();
    let (whole, behind) = text.split_once('.').unwrap_or((&text, ""));
    if behind.bytes().any(|digit| digit != b'0') {
        return Err(wrong("it is not whole"));
    }
    whole.parse().map_err(|_| wrong("it is no number of rows"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_a_whole_number_from_zero() {
        for (value, expected) in [
            (ScalarValue::from(5_i64), Ok(5)),
            (ScalarValue::from(0_i32), Ok(0)),
            (ScalarValue::from(u64::MAX), Ok(u64::MAX)),
            (ScalarValue::from(10.0), Ok(10)),
            (ScalarValue::Decimal128(Some(1200), 6, 2), Ok(12)),
            (ScalarValue::Decimal128(Some(1250), 6, 2), Err("it is not whole")),
            (ScalarValue::from(2.5), Err("it is not whole")),
            (ScalarValue::from(-1_i64), Err("no number of rows")),
            (ScalarValue::from(f64::NAN), Err("no number of rows")),
            (ScalarValue::Int64(None), Err("it bounds nothing")),
            (ScalarValue::from("5"), Err("it is no number")),
            (ScalarValue::from(true), Err("it is no number")),
        ] {
            match (rows(&value), expected) {
                (Ok(rows), Ok(expected)) => assert_eq!(rows, expected, "{value}"),
                (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{value}: {error}"),
                (found, _) => panic!("{value}: {found:?}"),
            }
        }
    }
}
