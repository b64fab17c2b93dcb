//! Literal values as OData writes them, before percent-encoding.
//!
//! Version 4 writes bare values; versions 2 and 3 mark most types (`datetime'…'`, `guid'…'`, `5L`, `1.5m`),
//! and compare values of differently marked types as an error or by conversion. So a literal is written for
//! the type of the column that it is compared with.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Timelike};
use tidegate_spec::{ColumnType, ODataVersion};

use super::is_before_v4;
use crate::Scalar;

const MICROS: i64 = 1_000_000;

/// The literal for a value compared with a column of this type; `None` when the language has none for it.
pub(crate) fn literal(version: ODataVersion, column: &ColumnType, value: &Scalar) -> Option<String> {
    let old = is_before_v4(version);
    Some(match (column, value) {
        (ColumnType::Bool, Scalar::Bool(value)) => value.to_string(),
        (ColumnType::Int64, Scalar::Int(value)) if old => format!("{value}L"),
        (ColumnType::Int16 | ColumnType::Int32 | ColumnType::Int64, Scalar::Int(value)) => value.to_string(),
        (ColumnType::Float32, Scalar::Float(value)) => marked(single(*value)?, "f", old),
        (ColumnType::Float64, Scalar::Float(value)) => double(*value)?,
        (ColumnType::Decimal { .. }, Scalar::Decimal { value, scale }) => marked(decimal(*value, *scale)?, "m", old),
        (ColumnType::Text, Scalar::Text(text)) => quoted(text),
        (ColumnType::Uuid, Scalar::Text(text)) if is_uuid(text) => typed("guid", text.clone(), old),
        (ColumnType::Date, Scalar::Date(days)) => date(*days, old)?,
        (ColumnType::Time, Scalar::Time(micros)) => time(*micros, old)?,
        (ColumnType::Timestamp { instant, .. }, Scalar::Timestamp(micros)) => timestamp(*micros, *instant, old)?,
        _ => return None,
    })
}

/// Whether the text has the form of a UUID: 32 digits in five groups. Anything else would stand in the filter as
/// syntax, since UUIDs are written without quotes.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Text in single quotes; a quote within is doubled.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn marked(digits: String, suffix: &str, old: bool) -> String {
    if old { digits + suffix } else { digits }
}

fn typed(prefix: &str, text: String, old: bool) -> String {
    if old { format!("{prefix}'{text}'") } else { text }
}

/// The shortest digits that read back as the same number. A negative exponent is written out as zeros: SAP CAP
/// answers 400 to `2.5e-9`, and every service reads `0.0000000025`.
fn double(value: f64) -> Option<String> {
    value.is_finite().then(|| if value.abs() >= 1e21 { format!("{value:e}") } else { format!("{value}") })
}

fn single(value: f64) -> Option<String> {
    #[allow(clippy::cast_possible_truncation, reason = "the column itself has only single precision")]
    let value = value as f32;
    value.is_finite().then(|| if value.abs() >= 1e21 { format!("{value:e}") } else { format!("{value}") })
}

fn decimal(value: i128, scale: i8) -> Option<String> {
    let sign = if value < 0 { "-" } else { "" };
    let digits = value.unsigned_abs().to_string();
    let Ok(scale) = usize::try_from(scale) else {
        let zeros = "0".repeat(usize::from(scale.unsigned_abs()));
        return Some(if value == 0 { digits } else { format!("{sign}{digits}{zeros}") });
    };
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at_checked(padded.len() - scale)?;
    let fraction = fraction.trim_end_matches('0');
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

/// Version 2 has no dates without a time of day.
fn date(days: i32, old: bool) -> Option<String> {
    let date = NaiveDate::from_epoch_days(days).filter(|date| is_four_digits(date.year()))?;
    let text = date.format("%Y-%m-%d").to_string();
    Some(if old { format!("datetime'{text}T00:00:00'") } else { text })
}

/// A fraction is written only where there is one: SAP CAP answers 400 to `12:00:00.000`.
fn time(micros: i64, old: bool) -> Option<String> {
    let seconds = u32::try_from(micros.div_euclid(MICROS)).ok()?;
    let fraction = fraction(micros.rem_euclid(MICROS));
    let time = NaiveTime::from_num_seconds_from_midnight_opt(seconds, 0)?;
    Some(if old {
        format!("time'PT{}H{}M{}{fraction}S'", time.hour(), time.minute(), time.second())
    } else {
        format!("{}{fraction}", time.format("%H:%M:%S"))
    })
}

fn timestamp(micros: i64, instant: bool, old: bool) -> Option<String> {
    let time = DateTime::from_timestamp_micros(micros).filter(|time| is_four_digits(time.year()))?;
    let text = format!("{}{}", time.format("%Y-%m-%dT%H:%M:%S"), fraction(micros.rem_euclid(MICROS)));
    Some(match (old, instant) {
        (false, _) => format!("{text}Z"),
        (true, true) => format!("datetimeoffset'{text}Z'"),
        (true, false) => format!("datetime'{text}'"),
    })
}

fn fraction(micros: i64) -> String {
    match micros {
        0 => String::new(),
        _ if micros % 1000 == 0 => format!(".{:03}", micros / 1000),
        _ => format!(".{micros:06}"),
    }
}

/// Other years have no form that all services read.
fn is_four_digits(year: i32) -> bool {
    (1..=9999).contains(&year)
}

#[cfg(test)]
mod tests;
