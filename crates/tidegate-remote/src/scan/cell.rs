//! One value of a page: as a literal for a filter, and as text for a request.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    Time64NanosecondType, TimestampMicrosecondType,
};
use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta};
use tidegate_spec::{ColumnType, TimestampFormat};

use crate::Scalar;

/// The value in this row; `None` for NULL and for types that no literal has.
pub(crate) fn scalar(array: &ArrayRef, row: usize) -> Option<Scalar> {
    if row >= array.len() || array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Boolean => Scalar::Bool(array.as_boolean().value(row)),
        DataType::Int16 => Scalar::Int(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => Scalar::Int(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Scalar::Int(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => Scalar::Float(array.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => Scalar::Float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, scale) => {
            Scalar::Decimal { value: array.as_primitive::<Decimal128Type>().value(row), scale: *scale }
        }
        DataType::Utf8 => Scalar::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::Date32 => Scalar::Date(array.as_primitive::<Date32Type>().value(row)),
        // Times of day are read to the microsecond.
        DataType::Time64(_) => Scalar::Time(array.as_primitive::<Time64NanosecondType>().value(row) / 1_000),
        DataType::Timestamp(..) => Scalar::Timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row)),
        _ => return None,
    })
}

/// The value as the API writes values of this column; `None` for what it has no one form for.
pub(crate) fn text(value: &Scalar, data_type: &ColumnType) -> Option<String> {
    match value {
        Scalar::Bool(value) => Some(value.to_string()),
        Scalar::Int(value) => Some(value.to_string()),
        Scalar::Decimal { value, scale } => fixed(*value, u32::from(scale.unsigned_abs())),
        Scalar::Text(text) => Some(text.clone()),
        Scalar::Date(days) => {
            let date = NaiveDate::from_ymd_opt(1970, 1, 1)?.checked_add_signed(TimeDelta::days(i64::from(*days)))?;
            Some(date.to_string())
        }
        Scalar::Timestamp(micros) => match data_type {
            ColumnType::Timestamp { format: TimestampFormat::EpochSeconds, .. } => fixed((*micros).into(), 6),
            ColumnType::Timestamp { format: TimestampFormat::EpochMillis, .. } => fixed((*micros).into(), 3),
            ColumnType::Timestamp { instant, .. } => {
                let text = DateTime::from_timestamp_micros(*micros)?.to_rfc3339_opts(SecondsFormat::AutoSi, true);
                Some(if *instant { text } else { text.trim_end_matches('Z').to_owned() })
            }
            _ => None,
        },
        Scalar::Float(_) | Scalar::Time(_) => None,
    }
}

/// `value / 10^scale` without zeros at its end.
fn fixed(value: i128, scale: u32) -> Option<String> {
    let factor = 10_u128.checked_pow(scale)?;
    let sign = if value < 0 { "-" } else { "" };
    let (whole, part) = (value.unsigned_abs() / factor, value.unsigned_abs() % factor);
    let part = format!("{part:0width$}", width = scale as usize);
    let part = part.trim_end_matches('0');
    Some(if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_their_columns_are() {
        let time = |format, instant| ColumnType::Timestamp { format, instant };
        let (iso, seconds, millis) =
            (TimestampFormat::Iso8601, TimestampFormat::EpochSeconds, TimestampFormat::EpochMillis);
        let decimal = |value, scale| Scalar::Decimal { value, scale };
        for (value, data_type, expected) in [
            (Scalar::Int(-5), ColumnType::Int64, Some("-5")),
            (Scalar::Text("a b".to_owned()), ColumnType::Text, Some("a b")),
            (Scalar::Bool(true), ColumnType::Bool, Some("true")),
            (decimal(-12_340, 3), ColumnType::Decimal { precision: 9, scale: 3 }, Some("-12.34")),
            (decimal(7, 3), ColumnType::Decimal { precision: 9, scale: 3 }, Some("0.007")),
            (decimal(7, 0), ColumnType::Decimal { precision: 9, scale: 0 }, Some("7")),
            (Scalar::Date(19_876), ColumnType::Date, Some("2024-06-02")),
            (Scalar::Timestamp(1_700_000_000_000_000), time(iso, true), Some("2023-11-14T22:13:20Z")),
            (Scalar::Timestamp(1_700_000_000_120_000), time(iso, false), Some("2023-11-14T22:13:20.120")),
            (Scalar::Timestamp(1_700_000_000_500_000), time(seconds, true), Some("1700000000.5")),
            (Scalar::Timestamp(1_700_000_000_000_000), time(seconds, true), Some("1700000000")),
            (Scalar::Timestamp(1_700_000_000_001_000), time(millis, true), Some("1700000000001")),
            (Scalar::Float(0.1), ColumnType::Float64, None),
        ] {
            assert_eq!(text(&value, &data_type).as_deref(), expected, "{value:?}");
        }
    }
}
