//! A condition of a physical plan as the logical expression that it was made of, so that an API can be asked for it.
//!
//! The plan has kept no logical form of an aggregate's FILTER. What is not known here is not converted: the aggregate
//! is then computed over all rows.

use std::sync::Arc;

use datafusion::logical_expr::expr::{InList, Like};
use datafusion::logical_expr::{BinaryExpr, Expr, cast};
use datafusion::physical_expr::expressions::{
    self, CastExpr, Column, InListExpr, IsNotNullExpr, IsNullExpr, LikeExpr, Literal, NotExpr,
};
use datafusion::physical_plan::PhysicalExpr;

/// The expression, with what `column` makes of each column; `None` when it has a part that is not known here.
pub(super) fn logical(expr: &Arc<dyn PhysicalExpr>, column: &impl Fn(&Column) -> Option<Expr>) -> Option<Expr> {
    let inner = |expr: &Arc<dyn PhysicalExpr>| logical(expr, column);
    let boxed = |expr: &Arc<dyn PhysicalExpr>| logical(expr, column).map(Box::new);
    if let Some(named) = expr.downcast_ref::<Column>() {
        return column(named);
    }
    if let Some(literal) = expr.downcast_ref::<Literal>() {
        return Some(Expr::Literal(literal.value().clone(), None));
    }
    if let Some(binary) = expr.downcast_ref::<expressions::BinaryExpr>() {
        let (left, right) = (boxed(binary.left())?, boxed(binary.right())?);
        return Some(Expr::BinaryExpr(BinaryExpr { left, op: *binary.op(), right }));
    }
    if let Some(not) = expr.downcast_ref::<NotExpr>() {
        return Some(Expr::Not(boxed(not.arg())?));
    }
    if let Some(is_null) = expr.downcast_ref::<IsNullExpr>() {
        return Some(Expr::IsNull(boxed(is_null.arg())?));
    }
    if let Some(is_not_null) = expr.downcast_ref::<IsNotNullExpr>() {
        return Some(Expr::IsNotNull(boxed(is_not_null.arg())?));
    }
    if let Some(list) = expr.downcast_ref::<InListExpr>() {
        let values = list.list().iter().map(inner).collect::<Option<Vec<_>>>()?;
        return Some(Expr::InList(InList { expr: boxed(list.expr())?, list: values, negated: list.negated() }));
    }
    if let Some(like) = expr.downcast_ref::<LikeExpr>() {
        let (text, pattern) = (boxed(like.expr())?, boxed(like.pattern())?);
        return Some(Expr::Like(Like::new(like.negated(), text, pattern, None, like.case_insensitive())));
    }
    if let Some(wrapped) = expr.downcast_ref::<CastExpr>() {
        return Some(cast(inner(wrapped.expr())?, wrapped.cast_type().clone()));
    }
    None
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use datafusion::common::{DFSchema, Result};
    use datafusion::logical_expr::execution_props::ExecutionProps;
    use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
    use datafusion::logical_expr::{col, lit};
    use datafusion::physical_expr::create_physical_expr;

    use super::*;

    #[test]
    fn conditions_come_back_as_they_were() -> Result<()> {
        let fields = vec![Field::new("n", DataType::Int64, true), Field::new("s", DataType::Utf8, true)];
        let schema = DFSchema::try_from(Schema::new(fields))?;
        let conditions = [
            col("n").gt(lit(5_i64)).and(col("s").is_not_null()),
            col("n").in_list(vec![lit(1_i64), lit(2_i64)], true),
            Expr::Not(Box::new(col("s").like(lit("a%")).or(col("n").is_null()))),
            cast(col("n"), DataType::Utf8).eq(col("s")),
        ];
        for condition in conditions {
            let (props, planning) = (ExecutionProps::new(), PhysicalPlanningContext::default());
            let physical = create_physical_expr(&condition, &schema, &props, &planning)?;
            assert_eq!(logical(&physical, &|column| Some(col(column.name()))), Some(condition));
        }
        Ok(())
    }
}
