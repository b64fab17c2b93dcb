//! Expressions as SQL that can be read back, for EXPLAIN and messages.
//!
//! DataFusion's own forms lose quotes, casts or parentheses. Only what filters hold is written out here; anything
//! rarer is shown in DataFusion's form.

use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::expr::{InList, Like};
use datafusion::logical_expr::{Between, BinaryExpr, Case, Expr, Operator};
use datafusion::scalar::ScalarValue;

use super::display::quoted;
use crate::sql::quote;
use crate::system::sql_type;

/// Binding of what never needs parentheses around it comes last, that of a whole text first. OR and AND have
/// DataFusion's own, 5 and 10. Parsers differ in how comparisons bind among each other: inside of each other they are
/// put in parentheses.
const ALONE: u8 = 0;
const NOT: u8 = 12;
const WORD: u8 = 18;
const COMPARISON: u8 = 20;
const BESIDE_WORD: u8 = 21;
const ATOM: u8 = u8::MAX;

/// The expression in SQL. Columns stand without their table.
#[must_use]
pub fn sql_text(expr: &Expr) -> String {
    text(expr, ALONE)
}

/// The expression, in parentheses if it binds less tightly than `least`.
fn text(expr: &Expr, least: u8) -> String {
    let (text, binding) = parts(expr);
    if binding < least { format!("({text})") } else { text }
}

/// The expression, and how tightly its outermost part binds.
fn parts(expr: &Expr) -> (String, u8) {
    let beside = |operand: &Expr| text(operand, BESIDE_WORD);
    let word = |text: String| (text, WORD);
    match expr {
        Expr::Alias(alias) => parts(&alias.expr),
        Expr::Column(column) => (quote(&column.name), ATOM),
        Expr::Literal(value, _) => (literal(value), ATOM),
        Expr::BinaryExpr(binary) => comparison(binary),
        Expr::Not(inner) => (format!("NOT {}", text(inner, NOT)), NOT),
        Expr::Negative(inner) => (negated(&text(inner, ATOM)), ATOM),
        Expr::IsNull(inner) => word(format!("{} IS NULL", beside(inner))),
        Expr::IsNotNull(inner) => word(format!("{} IS NOT NULL", beside(inner))),
        Expr::IsTrue(inner) => word(format!("{} IS TRUE", beside(inner))),
        Expr::IsFalse(inner) => word(format!("{} IS FALSE", beside(inner))),
        Expr::IsUnknown(inner) => word(format!("{} IS UNKNOWN", beside(inner))),
        Expr::IsNotTrue(inner) => word(format!("{} IS NOT TRUE", beside(inner))),
        Expr::IsNotFalse(inner) => word(format!("{} IS NOT FALSE", beside(inner))),
        Expr::IsNotUnknown(inner) => word(format!("{} IS NOT UNKNOWN", beside(inner))),
        Expr::Between(Between { expr, negated, low, high }) => {
            word(format!("{} {}BETWEEN {} AND {}", beside(expr), not(*negated), beside(low), beside(high)))
        }
        Expr::InList(InList { expr, list, negated }) => {
            word(format!("{} {}IN ({})", beside(expr), not(*negated), list_text(list)))
        }
        Expr::Like(like) => word(like_text(like, if like.case_insensitive { "ILIKE" } else { "LIKE" })),
        Expr::SimilarTo(like) => word(like_text(like, "SIMILAR TO")),
        Expr::Cast(cast) => (cast_text("CAST", &cast.expr, cast.field.data_type()), ATOM),
        Expr::TryCast(cast) => (cast_text("TRY_CAST", &cast.expr, cast.field.data_type()), ATOM),
        Expr::ScalarFunction(call) => (format!("{}({})", call.name(), list_text(&call.args)), ATOM),
        Expr::Case(case) => (case_text(case), ATOM),
        other => (other.human_display().to_string(), ATOM),
    }
}

fn comparison(binary: &BinaryExpr) -> (String, u8) {
    let BinaryExpr { left, op, right } = binary;
    let binding = binding(*op);
    let operator = if *op == Operator::NotEq { "<>".to_owned() } else { op.to_string() };
    // Operators of one precedence bind to the left: only a chain of the same AND or OR needs no parentheses there.
    let chains = matches!(right.as_ref(), Expr::BinaryExpr(inner) if inner.op == *op)
        && matches!(op, Operator::And | Operator::Or);
    let right = text(right, if chains { binding } else { binding + 1 });
    let left = text(left, if binding == COMPARISON { BESIDE_WORD } else { binding });
    (format!("{left} {operator} {right}"), binding)
}

fn binding(op: Operator) -> u8 {
    match op {
        Operator::Or | Operator::And => op.precedence(),
        op => op.precedence().clamp(COMPARISON, ATOM - 1),
    }
}

/// Two signs in a row would begin a comment.
fn negated(operand: &str) -> String {
    if operand.starts_with('-') { format!("-({operand})") } else { format!("-{operand}") }
}

fn list_text(items: &[Expr]) -> String {
    items.iter().map(sql_text).collect::<Vec<_>>().join(", ")
}

fn not(negated: bool) -> &'static str {
    if negated { "NOT " } else { "" }
}

fn like_text(like: &Like, operator: &str) -> String {
    let operands = [&like.expr, &like.pattern].map(|operand| text(operand, BESIDE_WORD));
    let escape = like.escape_char.map(|escape| format!(" ESCAPE {}", quoted(&escape.to_string()))).unwrap_or_default();
    format!("{} {}{operator} {}{escape}", operands[0], not(like.negated), operands[1])
}

fn cast_text(function: &str, operand: &Expr, target: &DataType) -> String {
    format!("{function}({} AS {})", sql_text(operand), sql_type(target))
}

fn case_text(case: &Case) -> String {
    let operand = case.expr.iter().map(|operand| format!(" {}", sql_text(operand)));
    let branches =
        case.when_then_expr.iter().map(|(when, then)| format!(" WHEN {} THEN {}", sql_text(when), sql_text(then)));
    let rest = case.else_expr.iter().map(|rest| format!(" ELSE {}", sql_text(rest)));
    format!("CASE{} END", operand.chain(branches).chain(rest).collect::<String>())
}

/// Numbers, truth and NULL as they are, anything else in quotes.
fn literal(value: &ScalarValue) -> String {
    let data_type = value.data_type();
    if value.is_null() {
        return "NULL".to_owned();
    }
    let is_bare = data_type.is_numeric() || data_type == DataType::Boolean;
    match value.cast_to(&DataType::Utf8) {
        Ok(ScalarValue::Utf8(Some(text))) if is_bare => text,
        Ok(ScalarValue::Utf8(Some(text))) => quoted(&text),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::{Field, Schema};
    use datafusion::common::DFSchema;
    use datafusion::prelude::SessionContext;

    use super::*;

    /// The text is `expected`, and reads back as the same expression.
    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let fields = [("a", DataType::Utf8), ("n", DataType::Int64), ("d", DataType::Date32), ("f", DataType::Boolean)];
        let fields = fields.map(|(name, data_type)| Field::new(name, data_type, true));
        let schema = DFSchema::try_from(Schema::new(fields.to_vec())).expect("a schema");
        let context = SessionContext::new();
        let expr = context.parse_sql_expr(sql, &schema).expect("an expression");
        let shown = sql_text(&expr);
        assert_eq!(shown, expected, "{sql}");
        assert_eq!(context.parse_sql_expr(&shown, &schema).expect("an expression"), expr, "{shown}");
    }

    #[test]
    fn expressions_read_back_as_they_were() {
        for same in [
            "a = 'O''Brien'",
            "a <> 'x' AND n > 2",
            "(a = 'x' OR n = 1) AND n <> 3",
            "a = 'x' AND n = 1 OR f",
            "upper(a) = 'X'",
            "a IN ('x', 'y') OR n NOT IN (1, 2)",
            "a LIKE 'x%' AND a NOT LIKE '%y'",
            "a IS NULL OR (n = 1) IS NOT TRUE",
            "NOT (a = 'x' AND f)",
            "NOT a = 'x'",
            "n - (n - 1) = 1",
            "(n + 1) * 2 = 4",
            "n BETWEEN 1 AND 2 + 3",
            "CAST(n AS integer) = 1",
            "CASE WHEN n = 1 THEN 'x' ELSE 'y' END = a",
            "a ILIKE 'x'",
            "n = NULL",
        ] {
            check(same, same);
        }
        check("((a = 'x')) AND (n = 1)", "a = 'x' AND n = 1");
        check("n % 2 != 0", "n % 2 <> 0");
    }

    #[test]
    fn values_stand_in_quotes_unless_they_are_numbers() {
        let cases = [
            (ScalarValue::Date32(Some(19_723)), "'2024-01-01'"),
            (ScalarValue::Int16(Some(-5)), "-5"),
            (ScalarValue::Decimal128(Some(-150), 5, 2), "-1.50"),
            (ScalarValue::Boolean(Some(true)), "true"),
            (ScalarValue::Utf8(None), "NULL"),
            (ScalarValue::TimestampMicrosecond(Some(0), None), "'1970-01-01T00:00:00'"),
        ];
        for (value, expected) in cases {
            assert_eq!(literal(&value), expected);
        }
    }
}
