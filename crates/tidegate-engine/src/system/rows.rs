//! Rows of plain values as Arrow batches: system tables are small, so rows are the simpler form.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
    new_null_array,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::Result;

/// Type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// Signed integer of 64 bits.
    Int,
    /// `true` or `false`.
    Bool,
    /// Milliseconds, with a fraction.
    Millis,
    /// Point in time, UTC.
    Time,
    /// Calendar day.
    Day,
    /// Amount of money.
    Money,
}

/// One value. NULL fits every column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Text(String),
    Int(i64),
    Bool(bool),
    Millis(f64),
    Time(i64),
    /// Days since 1970.
    Day(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<u16> for Value {
    fn from(value: u16) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<std::time::Duration> for Value {
    fn from(value: std::time::Duration) -> Self {
        Self::Millis(value.as_secs_f64() * 1000.0)
    }
}

impl From<SystemTime> for Value {
    fn from(value: SystemTime) -> Self {
        let micros = match value.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
        };
        Self::Time(micros)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The schema of these columns.
pub(crate) fn schema(columns: &[(&str, Kind)]) -> SchemaRef {
    let field = |(name, kind): &(&str, Kind)| {
        let data_type = match kind {
            Kind::Text => DataType::Utf8,
            Kind::Int => DataType::Int64,
            Kind::Bool => DataType::Boolean,
            Kind::Millis => DataType::Float64,
            Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Kind::Day => DataType::Date32,
            Kind::Money => DataType::Decimal128(18, 6),
        };
        Field::new(*name, data_type, true)
    };
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

/// Rows as one batch. A value of another type than its column's is NULL; the tests of every table see that.
pub(crate) fn batch(schema: &SchemaRef, rows: &[Vec<Value>]) -> Result<RecordBatch> {
    let columns = schema.fields().iter().enumerate().map(|(at, field)| column(field.data_type(), rows, at)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

fn column(data_type: &DataType, rows: &[Vec<Value>], at: usize) -> ArrayRef {
    let values = rows.iter().map(|row| row.get(at).unwrap_or(&Value::Null));
    match data_type {
        DataType::Int64 => Arc::new(Int64Array::from_iter(values.map(|value| match value {
            Value::Int(value) => Some(*value),
            _ => None,
        }))),
        DataType::Boolean => Arc::new(BooleanArray::from_iter(values.map(|value| match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        }))),
        DataType::Float64 => Arc::new(Float64Array::from_iter(values.map(|value| match value {
            Value::Millis(value) => Some(*value),
            _ => None,
        }))),
        DataType::Date32 => Arc::new(Date32Array::from_iter(values.map(|value| match value {
            Value::Day(day) => i32::try_from(*day).ok(),
            _ => None,
        }))),
        DataType::Decimal128(..) => new_null_array(data_type, rows.len()),
        DataType::Timestamp(..) => {
            let array = TimestampMicrosecondArray::from_iter(values.map(|value| match value {
                Value::Time(value) => Some(*value),
                _ => None,
            }));
            Arc::new(array.with_timezone("UTC"))
        }
        _ => Arc::new(StringArray::from_iter(values.map(|value| match value {
            Value::Text(value) => Some(value.as_str()),
            _ => None,
        }))),
    }
}
