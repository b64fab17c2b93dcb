//! Columns that no row carries: those whose value is what the request asked for.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int16Array, Int32Array,
    Int64Array, StringArray, Time64NanosecondArray, TimestampMicrosecondArray, UInt32Array,
};
use arrow::compute::take;
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;

use crate::{CompareOp, ErrorKind, Predicate, Scalar, ScanRequest};

/// The value that every row has in this column, as an array of one.
///
/// # Errors
/// When the request does not ask for one value of the column, or for one that the column cannot hold.
pub(super) fn of_request(request: &ScanRequest, column: usize, data_type: &DataType) -> Result<ArrayRef, ErrorKind> {
    let name = request.table.columns.get(column).map_or("?", |column| column.name.as_str());
    let value = request.filter.as_ref().and_then(|filter| equal(filter, column)).ok_or_else(|| {
        ErrorKind::Unsupported(format!(
            "column {name} has the value that the request asks for, and it asks for none: add a condition {name} = …"
        ))
    })?;
    array(value, data_type)
        .ok_or_else(|| ErrorKind::Unsupported(format!("column {name} is {data_type}, which cannot hold {value:?}")))
}

/// The array with its one value repeated.
pub(super) fn repeated(one: &ArrayRef, rows: usize) -> Result<ArrayRef, ArrowError> {
    take(one, &UInt32Array::from(vec![0; rows]), None)
}

/// The value for which the filter asks in this column alone. A member of an OR asks for no one value.
pub(crate) fn equal(filter: &Predicate, wanted: usize) -> Option<&Scalar> {
    match filter {
        Predicate::And(parts) => parts.iter().find_map(|part| equal(part, wanted)),
        Predicate::Compare { column, op: CompareOp::Eq, value } if *column == wanted => Some(value),
        Predicate::In { column, values, negated: false } if *column == wanted => match values.as_slice() {
            [value] => Some(value),
            _ => None,
        },
        _ => None,
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a literal of a single-precision column is rounded as SQL does")]
fn array(value: &Scalar, data_type: &DataType) -> Option<ArrayRef> {
    Some(match (data_type, value) {
        (DataType::Boolean, Scalar::Bool(value)) => Arc::new(BooleanArray::from(vec![*value])),
        (DataType::Int16, Scalar::Int(value)) => Arc::new(Int16Array::from(vec![i16::try_from(*value).ok()?])),
        (DataType::Int32, Scalar::Int(value)) => Arc::new(Int32Array::from(vec![i32::try_from(*value).ok()?])),
        (DataType::Int64, Scalar::Int(value)) => Arc::new(Int64Array::from(vec![*value])),
        (DataType::Float32, Scalar::Float(value)) => Arc::new(Float32Array::from(vec![*value as f32])),
        (DataType::Float64, Scalar::Float(value)) => Arc::new(Float64Array::from(vec![*value])),
        (DataType::Decimal128(precision, scale), Scalar::Decimal { value, scale: digits }) => {
            let value = rescaled(*value, *digits, *scale)?;
            Arc::new(Decimal128Array::from(vec![value]).with_precision_and_scale(*precision, *scale).ok()?)
        }
        (DataType::Date32, Scalar::Date(days)) => Arc::new(Date32Array::from(vec![*days])),
        (DataType::Time64(TimeUnit::Nanosecond), Scalar::Time(micros)) => {
            Arc::new(Time64NanosecondArray::from(vec![micros.checked_mul(1_000)?]))
        }
        (DataType::Timestamp(TimeUnit::Microsecond, zone), Scalar::Timestamp(micros)) => {
            Arc::new(TimestampMicrosecondArray::from(vec![*micros]).with_timezone_opt(zone.clone()))
        }
        (DataType::Utf8, Scalar::Text(text)) => Arc::new(StringArray::from(vec![text.as_str()])),
        _ => return None,
    })
}

/// The same number with another scale; `None` where that would lose digits.
fn rescaled(value: i128, from: i8, to: i8) -> Option<i128> {
    let shift = i32::from(to) - i32::from(from);
    let factor = 10_i128.checked_pow(shift.unsigned_abs())?;
    if shift >= 0 { value.checked_mul(factor) } else { (value % factor == 0).then_some(value / factor) }
}
