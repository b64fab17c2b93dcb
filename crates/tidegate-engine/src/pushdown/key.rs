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
        Value::Exact(Scalar::Decimal { value, scale }) if !has_room(column, value, scale) => KeyValue::Never,
        Value::Exact(value) => KeyValue::Is(value),
        Value::Above(_) | Value::Below | Value::Other => KeyValue::Never,
        Value::Unknown => KeyValue::Unsayable,
    }
}

/// Whether a decimal column has such digits: it holds no more of them behind the point than its scale, nor before it
/// than are left of its precision. The value has no zeros at its end.
fn has_room(column: &ColumnType, value: i128, scale: i8) -> bool {
    let ColumnType::Decimal { precision, scale: most } = column else { return true };
    let missing = u32::try_from(i16::from(*most) - i16::from(scale)).ok();
    let unscaled = missing.and_then(|missing| value.unsigned_abs().checked_mul(10_u128.checked_pow(missing)?));
    unscaled.is_some_and(|unscaled| 10_u128.checked_pow(u32::from(*precision)).is_none_or(|limit| unscaled < limit))
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
        let amount = || ColumnType::Decimal { precision: 9, scale: 2 };
        let decimal = |value: i128, scale| ScalarValue::Decimal128(Some(value), 38, scale);
        let cases = [
            (ColumnType::Int32, ScalarValue::Int64(Some(7)), KeyValue::Is(Scalar::Int(7))),
            (ColumnType::Int32, ScalarValue::Int64(Some(i64::MAX)), KeyValue::Never),
            (ColumnType::Int32, ScalarValue::Int64(Some(i64::MIN)), KeyValue::Never),
            (ColumnType::Int64, ScalarValue::Float64(Some(1.5)), KeyValue::Never),
            (ColumnType::Int64, ScalarValue::Float64(Some(f64::NAN)), KeyValue::Unsayable),
            (ColumnType::Text, text("a"), KeyValue::Is(Scalar::Text("a".to_owned()))),
            (ColumnType::Uuid, text("a"), KeyValue::Never),
            (ColumnType::Uuid, text("b18a02f4000040008000000000000001"), KeyValue::Unsayable),
            (amount(), decimal(150, 3), KeyValue::Is(Scalar::Decimal { value: 15, scale: 2 })),
            (amount(), decimal(1_234, 3), KeyValue::Never),
            (amount(), decimal(999_999_999, 2), KeyValue::Is(Scalar::Decimal { value: 999_999_999, scale: 2 })),
            (amount(), decimal(-1_000_000_000, 2), KeyValue::Never),
            (amount(), decimal(10_i128.pow(12), 0), KeyValue::Never),
            (amount(), decimal(0, 6), KeyValue::Is(Scalar::Decimal { value: 0, scale: 0 })),
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
