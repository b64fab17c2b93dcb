//! Literals in the units of the column that they are compared with, and which casts of a column keep its values.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::scalar::ScalarValue;
use tidegate_remote::Scalar;
use tidegate_spec::ColumnType;

/// A literal as a column's value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// The same value.
    Exact(Scalar),
    /// No value of the column equals it; this is the greatest below it.
    Above(Scalar),
    /// It is below every value of the column.
    Below,
    /// No value of the column equals it; where it stands among them is not known.
    Other,
    /// It cannot be said in the column's type.
    Unknown,
}

/// Whole numbers up to here are the same as a float.
const FLOAT32_WHOLE: f64 = 16_777_216.0;
const FLOAT64_WHOLE: f64 = 9_007_199_254_740_992.0;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Whether a cast to `target` keeps values apart and in order. Whole numbers cast to a float do so only below
/// a bound, which [`value`] checks on the literal: beyond it both sides are beyond it.
pub(super) fn preserves(column: &ColumnType, target: &DataType) -> bool {
    if let DataType::Dictionary(_, values) = target {
        return preserves(column, values);
    }
    match column {
        ColumnType::Bool => target == &DataType::Boolean,
        ColumnType::Int16 => whole_fits(16, 5, target),
        ColumnType::Int32 => whole_fits(32, 10, target),
        ColumnType::Int64 => whole_fits(64, 19, target),
        ColumnType::Float32 => matches!(target, DataType::Float32 | DataType::Float64),
        ColumnType::Float64 => target == &DataType::Float64,
        ColumnType::Decimal { scale, .. } => match target {
            DataType::Decimal128(_, to) | DataType::Decimal256(_, to) => to >= scale,
            _ => false,
        },
        ColumnType::Text | ColumnType::Uuid => {
            matches!(target, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        }
        ColumnType::Date => matches!(target, DataType::Date32 | DataType::Timestamp(_, None)),
        ColumnType::Time => matches!(target, DataType::Time64(_)),
        ColumnType::Timestamp { instant, .. } => match target {
            DataType::Timestamp(TimeUnit::Microsecond | TimeUnit::Nanosecond, zone) => {
                *instant || zone.as_deref().is_none_or(|zone| matches!(zone, "UTC" | "+00:00" | "Z"))
            }
            _ => false,
        },
        _ => false,
    }
}

fn whole_fits(bits: u8, digits: i16, target: &DataType) -> bool {
    match target {
        DataType::Int16 => bits <= 16,
        DataType::Int32 => bits <= 32,
        DataType::Int64 | DataType::Float32 | DataType::Float64 => true,
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            i16::from(*precision) - i16::from(*scale) >= digits
        }
        _ => false,
    }
}

/// The literal in the column's type. It is not NULL, and of the type that the column was cast to.
pub(super) fn value(column: &ColumnType, literal: &ScalarValue) -> Value {
    if let ScalarValue::Dictionary(_, value) = literal {
        return self::value(column, value);
    }
    match column {
        ColumnType::Bool => match literal {
            ScalarValue::Boolean(Some(value)) => Value::Exact(Scalar::Bool(*value)),
            _ => Value::Unknown,
        },
        ColumnType::Int16 => whole(literal, i64::from(i16::MIN), i64::from(i16::MAX)),
        ColumnType::Int32 => whole(literal, i64::from(i32::MIN), i64::from(i32::MAX)),
        ColumnType::Int64 => whole(literal, i64::MIN, i64::MAX),
        ColumnType::Float32 => single(literal),
        ColumnType::Float64 => match literal {
            ScalarValue::Float64(Some(value)) if value.is_finite() => Value::Exact(Scalar::Float(*value)),
            _ => Value::Unknown,
        },
        ColumnType::Decimal { .. } => decimal(literal),
        ColumnType::Text => text(literal).map_or(Value::Unknown, Value::Exact),
        ColumnType::Uuid => match text(literal) {
            Some(Scalar::Text(text)) if is_uuid(&text) => Value::Exact(Scalar::Text(text)),
            // Forms without hyphens or in braces may be what the API sends.
            Some(Scalar::Text(text)) if uuid::Uuid::try_parse(&text).is_err() => Value::Other,
            _ => Value::Unknown,
        },
        ColumnType::Date => date(literal),
        ColumnType::Time => match literal {
            ScalarValue::Time64Microsecond(Some(micros)) => Value::Exact(Scalar::Time(*micros)),
            ScalarValue::Time64Nanosecond(Some(nanos)) => split(*nanos, 1_000, |micros| Some(Scalar::Time(micros))),
            _ => Value::Unknown,
        },
        ColumnType::Timestamp { .. } => micros(literal, 1, |micros| Some(Scalar::Timestamp(micros))),
        _ => Value::Unknown,
    }
}

/// Text of any layout.
pub(super) fn text(literal: &ScalarValue) -> Option<Scalar> {
    literal.try_as_str().flatten().map(|text| Scalar::Text(text.to_owned()))
}

/// Anything else would be refused by a service whose column is a GUID.
fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

fn whole(literal: &ScalarValue, least: i64, most: i64) -> Value {
    let within = |value: i64| (least..=most).contains(&value).then_some(Scalar::Int(value));
    let value = match literal {
        ScalarValue::Int16(Some(value)) => i64::from(*value),
        ScalarValue::Int32(Some(value)) => i64::from(*value),
        ScalarValue::Int64(Some(value)) => *value,
        ScalarValue::Decimal128(Some(value), _, scale) => return whole_decimal(*value, *scale, within),
        ScalarValue::Float32(Some(value)) => return whole_float(f64::from(*value), FLOAT32_WHOLE, within),
        ScalarValue::Float64(Some(value)) => return whole_float(*value, FLOAT64_WHOLE, within),
        _ => return Value::Unknown,
    };
    if value < least {
        Value::Below
    } else if value > most {
        Value::Above(Scalar::Int(most))
    } else {
        Value::Exact(Scalar::Int(value))
    }
}

fn whole_decimal(value: i128, scale: i8, within: impl Fn(i64) -> Option<Scalar>) -> Value {
    let Some(unit) = u32::try_from(scale).ok().and_then(|scale| 10_i128.checked_pow(scale)) else {
        return Value::Unknown;
    };
    let Some(floor) = i64::try_from(value.div_euclid(unit)).ok().and_then(within) else { return Value::Unknown };
    if value.rem_euclid(unit) == 0 { Value::Exact(floor) } else { Value::Above(floor) }
}

#[allow(clippy::cast_possible_truncation, reason = "the value was checked to be a whole number below 2^53")]
fn whole_float(value: f64, bound: f64, within: impl Fn(i64) -> Option<Scalar>) -> Value {
    if !value.is_finite() || value.abs() >= bound {
        return Value::Unknown;
    }
    let Some(floor) = within(value.floor() as i64) else { return Value::Unknown };
    // Minus zero is below every zero for the local evaluation, and no whole number.
    if value.fract() == 0.0 && !(value == 0.0 && value.is_sign_negative()) {
        Value::Exact(floor)
    } else if value == 0.0 {
        Value::Unknown
    } else {
        Value::Above(floor)
    }
}

/// A double between two singles is compared with the lower of them.
#[allow(clippy::cast_possible_truncation, reason = "rounding to single precision is what is asked for")]
fn single(literal: &ScalarValue) -> Value {
    let wanted = match literal {
        ScalarValue::Float32(Some(value)) => f64::from(*value),
        ScalarValue::Float64(Some(value)) => *value,
        _ => return Value::Unknown,
    };
    let nearest = wanted as f32;
    let floor = if f64::from(nearest) > wanted { nearest.next_down() } else { nearest };
    if !floor.is_finite() || !wanted.is_finite() {
        Value::Unknown
    } else if f64::from(floor) == wanted {
        Value::Exact(Scalar::Float(wanted))
    } else {
        Value::Above(Scalar::Float(f64::from(floor)))
    }
}

/// Without the zeros that a common type has put behind it.
fn decimal(literal: &ScalarValue) -> Value {
    let ScalarValue::Decimal128(Some(value), _, scale) = literal else { return Value::Unknown };
    let (mut value, mut scale) = (*value, *scale);
    while scale > 0 && value % 10 == 0 {
        value /= 10;
        scale -= 1;
    }
    if scale < 0 { Value::Unknown } else { Value::Exact(Scalar::Decimal { value, scale }) }
}

fn date(literal: &ScalarValue) -> Value {
    match literal {
        ScalarValue::Date32(Some(days)) => Value::Exact(Scalar::Date(*days)),
        _ => micros(literal, MICROS_PER_DAY, |days| i32::try_from(days).ok().map(Scalar::Date)),
    }
}

/// A point in time, in units of `unit` microseconds.
fn micros(literal: &ScalarValue, unit: i64, make: impl Fn(i64) -> Option<Scalar>) -> Value {
    let (value, per_unit, factor) = match literal {
        ScalarValue::TimestampSecond(Some(value), _) => (value, unit, 1_000_000),
        ScalarValue::TimestampMillisecond(Some(value), _) => (value, unit, 1_000),
        ScalarValue::TimestampMicrosecond(Some(value), _) => (value, unit, 1),
        ScalarValue::TimestampNanosecond(Some(value), _) => (value, unit * 1_000, 1),
        _ => return Value::Unknown,
    };
    value.checked_mul(factor).map_or(Value::Unknown, |value| split(value, per_unit, make))
}

fn split(value: i64, unit: i64, make: impl Fn(i64) -> Option<Scalar>) -> Value {
    match make(value.div_euclid(unit)) {
        Some(floor) if value.rem_euclid(unit) == 0 => Value::Exact(floor),
        Some(floor) => Value::Above(floor),
        None => Value::Unknown,
    }
}
