//! Rows of a request that stands for some values of a column, such as one parent of several.
//!
//! A server that folds case sends one row for `'a'` and for `'A'`: each request keeps only the rows of its own values, so
//! that no row comes twice.

use datafusion::arrow::array::{BooleanArray, RecordBatch};
use datafusion::arrow::compute::kernels::cmp::eq;
use datafusion::arrow::compute::or;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result};
use datafusion::scalar::ScalarValue;
use serde::{Deserialize, Serialize};
use tidegate_remote::Scalar;

/// Values of one column that a request stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Key {
    /// Place among the fetched columns.
    pub(super) column: usize,
    /// The values; one row has one of them.
    pub(super) values: Vec<Scalar>,
    /// Whether the API declares to return no other rows.
    pub(super) exact: bool,
}

impl Key {
    /// Which rows have one of the values. NULL is none.
    pub(super) fn matches(&self, rows: &RecordBatch) -> Result<BooleanArray> {
        let column = rows.column(self.column);
        let mut matches = BooleanArray::from(vec![false; rows.num_rows()]);
        for value in &self.values {
            let Some(value) = typed(value, column.data_type())? else { continue };
            matches = or(&matches, &eq(column, &value.to_scalar()?)?)?;
        }
        Ok(matches)
    }
}

/// The value in the column's type; `None` for a decimal that has more digits than it, which no row equals.
fn typed(value: &Scalar, data_type: &DataType) -> Result<Option<ScalarValue>> {
    let value = match value {
        Scalar::Bool(value) => ScalarValue::Boolean(Some(*value)),
        Scalar::Int(value) => ScalarValue::Int64(Some(*value)),
        Scalar::Float(value) => ScalarValue::Float64(Some(*value)),
        Scalar::Decimal { value, scale } => return Ok(decimal(*value, *scale, data_type)),
        Scalar::Text(value) => ScalarValue::Utf8(Some(value.clone())),
        Scalar::Date(days) => ScalarValue::Date32(Some(*days)),
        Scalar::Time(micros) => {
            let nanos = micros
                .checked_mul(1_000)
                .ok_or_else(|| DataFusionError::Internal(format!("{micros} microseconds are no time of day")))?;
            ScalarValue::Time64Nanosecond(Some(nanos))
        }
        Scalar::Timestamp(micros) => {
            let zone = match data_type {
                DataType::Timestamp(_, zone) => zone.clone(),
                _ => None,
            };
            ScalarValue::TimestampMicrosecond(Some(*micros), zone)
        }
    };
    if &value.data_type() == data_type { Ok(Some(value)) } else { value.cast_to(data_type).map(Some) }
}

/// The same number in a decimal type. A cast would round it.
fn decimal(value: i128, scale: i8, data_type: &DataType) -> Option<ScalarValue> {
    let DataType::Decimal128(precision, to) = *data_type else { return None };
    let difference = i16::from(to) - i16::from(scale);
    let unit = 10_i128.checked_pow(difference.unsigned_abs().into())?;
    let value = if difference >= 0 { value.checked_mul(unit)? } else { (value % unit == 0).then_some(value / unit)? };
    let limit = 10_u128.checked_pow(precision.into())?;
    (value.unsigned_abs() < limit).then_some(ScalarValue::Decimal128(Some(value), precision, to))
}

#[cfg(test)]
mod tests {
    use tidegate_remote::arrow_types;
    use tidegate_spec::{ColumnType, TimestampFormat};

    use super::*;

    #[test]
    fn values_are_found_in_columns_of_every_type() {
        let at = |instant| ColumnType::Timestamp { format: TimestampFormat::Iso8601, instant };
        let cases = [
            (ColumnType::Bool, Scalar::Bool(true), Scalar::Bool(false)),
            (ColumnType::Int16, Scalar::Int(7), Scalar::Int(8)),
            (ColumnType::Int64, Scalar::Int(7), Scalar::Int(8)),
            (ColumnType::Float32, Scalar::Float(0.5), Scalar::Float(0.25)),
            (ColumnType::Decimal { precision: 9, scale: 2 }, decimal(15, 1), decimal(151, 2)),
            (ColumnType::Text, Scalar::Text("a".to_owned()), Scalar::Text("A".to_owned())),
            (ColumnType::Date, Scalar::Date(1), Scalar::Date(2)),
            (ColumnType::Time, Scalar::Time(1), Scalar::Time(2)),
            (at(true), Scalar::Timestamp(1), Scalar::Timestamp(2)),
            (at(false), Scalar::Timestamp(1), Scalar::Timestamp(2)),
        ];
        for (column, wanted, other) in cases {
            let data_type = arrow_types::data_type(&column);
            let null = ScalarValue::try_from(&data_type).expect("a type with NULL");
            let typed = |value| typed(value, &data_type).expect("a value").expect("fits");
            let array = ScalarValue::iter_to_array([typed(&wanted), typed(&other), null]).expect("one type");
            let rows = RecordBatch::try_from_iter_with_nullable([("x", array, true)]).expect("a column");
            let key = Key { column: 0, values: vec![wanted], exact: true };
            let matches: Vec<bool> =
                key.matches(&rows).expect("comparable").iter().map(|is| is == Some(true)).collect();
            assert_eq!(matches, [true, false, false], "{column:?}");
        }
    }

    #[test]
    fn a_decimal_of_more_digits_than_the_column_has_equals_no_row() {
        let column = ScalarValue::Decimal128(Some(123), 9, 2).to_array_of_size(1).expect("a value");
        let rows = RecordBatch::try_from_iter([("x", column)]).expect("a column");
        let cases = [
            (decimal(123, 2), true),
            (decimal(12_300, 4), true),
            (decimal(1_234, 3), false),
            (decimal(1_229, 3), false),
            (decimal(10_i128.pow(12), 0), false),
            (decimal(i128::MAX, 0), false),
        ];
        for (value, expected) in cases {
            let key = Key { column: 0, values: vec![value.clone()], exact: true };
            assert_eq!(key.matches(&rows).expect("comparable").value(0), expected, "{value:?}");
        }
    }

    fn decimal(value: i128, scale: i8) -> Scalar {
        Scalar::Decimal { value, scale }
    }
}
