//! Values that a statement writes, in a form that keeps them as they are written.
//!
//! DataFusion reads `12345678901234567.89` as a double, and `TIMESTAMP '9999-12-31'` in nanoseconds, which end in 2262.
//! A literal that is written into a column is therefore handed on as a text, and read in the column's type here.

use datafusion::sql::sqlparser::ast::{DataType, Expr, UnaryOperator, Value};
use tidegate_spec::ColumnType;

/// The expression, with a literal as a text where its own type could not hold it.
pub(super) fn kept(expr: Expr, data_type: &ColumnType) -> Expr {
    match literal(&expr, data_type) {
        Some(text) => Expr::value(Value::SingleQuotedString(text)),
        None => expr,
    }
}

fn literal(expr: &Expr, data_type: &ColumnType) -> Option<String> {
    match (expr, data_type) {
        (Expr::Nested(inner), data_type) => literal(inner, data_type),
        (Expr::Value(value), ColumnType::Decimal { .. }) => match &value.value {
            Value::Number(number, _) => Some(number.clone()),
            _ => None,
        },
        (Expr::UnaryOp { op: UnaryOperator::Minus, expr }, ColumnType::Decimal { .. }) => {
            let text = literal(expr, data_type)?;
            Some(text.strip_prefix('-').map_or_else(|| format!("-{text}"), str::to_owned))
        }
        (Expr::TypedString(typed), ColumnType::Timestamp { .. }) if is_timestamp(&typed.data_type) => {
            match &typed.value.value {
                Value::SingleQuotedString(text) => Some(text.clone()),
                _ => None,
            }
        }
        _ => None,
    }
}

fn is_timestamp(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(..) | DataType::Datetime(_))
}

/// Whether it is the word DEFAULT.
pub(super) fn is_default(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(ident) => ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default"),
        Expr::Nested(inner) => is_default(inner),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::ast::expr;
    use super::*;

    #[test]
    fn literals_keep_all_that_is_written() {
        let decimal = ColumnType::Decimal { precision: 38, scale: 2 };
        let timestamp = ColumnType::Timestamp { instant: true, format: tidegate_spec::TimestampFormat::Iso8601 };
        for (sql, data_type, expected) in [
            ("12345678901234567.89", &decimal, "'12345678901234567.89'"),
            ("-0.10", &decimal, "'-0.10'"),
            ("(-(2))", &decimal, "'-2'"),
            ("1.5", &ColumnType::Float64, "1.5"),
            ("price * 2", &decimal, "price * 2"),
            ("TIMESTAMP '9999-12-31 00:00:00'", &timestamp, "'9999-12-31 00:00:00'"),
            ("DATE '2024-01-01'", &timestamp, "DATE '2024-01-01'"),
            ("NULL", &decimal, "NULL"),
        ] {
            assert_eq!(kept(expr(sql).expect(sql), data_type).to_string(), expected, "{sql}");
        }
    }

    #[test]
    fn the_word_default_is_no_column() {
        assert!(is_default(&expr("DEFAULT").expect("parses")));
        assert!(!is_default(&expr("\"default\"").expect("parses")));
        assert!(!is_default(&expr("t.default").expect("parses")));
    }
}
