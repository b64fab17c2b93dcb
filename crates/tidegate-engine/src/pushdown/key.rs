//! Values of a join's key as a column of the other table has them.
//!
//! The same casts and literals count as in a filter `CAST(column) = literal`: what is not the same value for the column
//! is told apart from what cannot be said of it.

use datafusion::arrow::datatypes::DataType;
use datafusion::scalar::ScalarValue;
use tidegate_remote::Scalar;
use tidegate_spec::ColumnType;

use super::literal::{self, Value};

/// What a value is for a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum KeyValue {
    /// This value of the column, and no other, equals it.
    Is(Scalar),
    /// No value of the column equals it.
    Never,
    /// It cannot be said in the column's type: a row may equal it.
    Unsayable,
}

/// What the value, which is not NULL and of the type that the column is compared in, is for the column.
pub(crate) fn key_value(column: &ColumnType, value: &ScalarValue) -> KeyValue {
    match literal::value(column, value) {
        Value::Exact(value) => KeyValue::Is(value),
        Value::Above(_) | Value::Below => KeyValue::Never,
        Value::Unknown => KeyValue::Unsayable,
    }
}

/// Whether a column that is cast to `target` equals a value just where the column itself does.
pub(crate) fn keeps_values(column: &ColumnType, target: &DataType) -> bool {
    literal::preserves(column, target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_of_the_column_or_none() {
        let text = |text: &str| ScalarValue::Utf8(Some(text.to_owned()));
        let cases = [
            (ColumnType::Int32, ScalarValue::Int64(Some(7)), KeyValue::Is(Scalar::Int(7))),
            (ColumnType::Int32, ScalarValue::Int64(Some(i64::MAX)), KeyValue::Never),
            (ColumnType::Int32, ScalarValue::Int64(Some(i64::MIN)), KeyValue::Never),
            (ColumnType::Int64, ScalarValue::Float64(Some(1.5)), KeyValue::Never),
            (ColumnType::Int64, ScalarValue::Float64(Some(f64::NAN)), KeyValue::Unsayable),
            (ColumnType::Text, text("a"), KeyValue::Is(Scalar::Text("a".to_owned()))),
            (ColumnType::Uuid, text("a"), KeyValue::Unsayable),
        ];
        for (column, value, expected) in cases {
            assert_eq!(key_value(&column, &value), expected, "{value:?} as {column:?}");
        }
    }

    #[test]
    fn a_cast_that_makes_two_values_one_does_not_keep_them() {
        let cases = [
            (ColumnType::Int32, DataType::Int64, true),
            (ColumnType::Text, DataType::Utf8View, true),
            (ColumnType::Text, DataType::Int64, false),
            (ColumnType::Int64, DataType::Utf8, false),
            (ColumnType::Float64, DataType::Float32, false),
        ];
        for (column, target, expected) in cases {
            assert_eq!(keeps_values(&column, &target), expected, "{column:?} as {target}");
        }
    }
}
