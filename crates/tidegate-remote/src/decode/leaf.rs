//! What a leaf takes: from one JSON value to one entry of an Arrow builder.

use arrow::array::{ArrowPrimitiveType, PrimitiveBuilder, StringBuilder};

use super::column::{Context, Store};
use super::scanner::Raw;
use super::value::{Value, compact};
use super::{binary, decimal, temporal};

impl Store<'_, '_> {
    /// False when the value does not fit; nothing is appended then.
    pub(super) fn push_leaf(&mut self, raw: Raw<'_>, context: &mut Context) -> bool {
        if let Self::Json(builder) = self {
            builder.append_value(compact(raw.text, &mut context.text));
            return true;
        }
        let value = Value::read(raw, &mut context.text);
        match self {
            Self::Bool(builder) => {
                let Value::Bool(value) = value else { return false };
                builder.append_value(value);
                true
            }
            Self::Int16(builder) => {
                put(builder, value.digits().and_then(decimal::integer).and_then(|value| value.try_into().ok()))
            }
            Self::Int32(builder) => {
                put(builder, value.digits().and_then(decimal::integer).and_then(|value| value.try_into().ok()))
            }
            Self::Int64(builder) => put(builder, value.digits().and_then(decimal::integer)),
            Self::Float32(builder) => put(builder, float(value)),
            Self::Float64(builder) => put(builder, float(value)),
            Self::Decimal { builder, precision, scale } => {
                put(builder, value.digits().and_then(|digits| decimal::parse(digits, *precision, *scale)))
            }
            // Services are seen to send one identifier now as 12 and now as "12".
            Self::Text(builder) => match value {
                Value::Text(text) | Value::Number(text) => put_text(builder, text),
                Value::Bool(_) => put_text(builder, raw.text),
                _ => false,
            },
            Self::Uuid(builder) => value.text().is_some_and(|text| put_text(builder, text)),
            Self::Date(builder) => put(builder, value.text().and_then(temporal::date)),
            Self::Time(builder) => put(builder, value.text().and_then(temporal::time).map(|micros| micros * 1_000)),
            Self::Timestamp { builder, format, instant } => put(builder, temporal::timestamp(value, *format, *instant)),
            Self::Binary(builder) => {
                let fits = value.text().is_some_and(|text| binary::decode(text, &mut context.bytes));
                if fits {
                    builder.append_value(&context.bytes);
                }
                fits
            }
            Self::Json(_) | Self::List { .. } | Self::Struct { .. } => false,
        }
    }
}

fn put<T: ArrowPrimitiveType>(builder: &mut PrimitiveBuilder<T>, value: Option<T::Native>) -> bool {
    if let Some(value) = value {
        builder.append_value(value);
    }
    value.is_some()
}

fn put_text(builder: &mut StringBuilder, text: &str) -> bool {
    builder.append_value(text);
    true
}

/// A floating-point number; `INF`, `-INF` and `NaN` are OData's words, the longer ones JavaScript's and .NET's.
fn float<T: std::str::FromStr + Into<f64> + Copy>(value: Value<'_>) -> Option<T> {
    let text = value.digits()?;
    let word = match text {
        "INF" | "Infinity" => "inf",
        "-INF" | "-Infinity" => "-inf",
        "NaN" => "NaN",
        _ => {
            // Rust reads words, too, which have been judged above.
            let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
            let digits = matches!(value, Value::Number(_)) || text.bytes().all(is_digit);
            let number: T = digits.then(|| text.parse().ok())??;
            return number.into().is_finite().then_some(number);
        }
    };
    text_is_word(value).then(|| word.parse().ok())?
}

fn text_is_word(value: Value<'_>) -> bool {
    matches!(value, Value::Text(_))
}
