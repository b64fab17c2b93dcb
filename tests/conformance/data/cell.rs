//! One value of a generated table, and its forms: JSON as the API writes it, text as results are shown, SQL literal,
//! and back from the text of a request. Written apart from the product's own code, so that both can be held together.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value as Json, json};
use tidegate_spec::{ColumnType, TimeForm, TimestampFormat};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Unscaled, with the column's scale.
    Decimal(i128),
    Text(String),
    Date(NaiveDate),
    Time(NaiveTime),
    /// UTC, or the clock's reading where the column is local.
    Timestamp(NaiveDateTime),
    Binary(Vec<u8>),
    Json(Json),
    List(Vec<Cell>),
    Struct(Vec<Cell>),
}

impl Cell {
    /// As the API writes it. `number` is the row's: forms of the same value alternate over the rows.
    pub(crate) fn to_json(&self, data_type: &ColumnType, number: usize) -> Json {
        match (self, data_type) {
            (Self::Null, _) => Json::Null,
            (Self::Bool(value), _) => json!(value),
            (Self::Int(value), ColumnType::Int64) if value.unsigned_abs() > 1 << 53 && number.is_multiple_of(2) => {
                json!(value.to_string())
            }
            (Self::Int(value), _) => json!(value),
            (Self::Float(value), ColumnType::Float32) => json!(*value as f32),
            (Self::Float(value), _) => json!(value),
            (Self::Decimal(value), ColumnType::Decimal { scale, .. }) => json!(decimal_text(*value, *scale)),
            (Self::Text(value), _) => json!(value),
            (Self::Date(value), _) => json!(value.to_string()),
            (Self::Time(value), _) => json!(format!("{value:?}")),
            (Self::Timestamp(value), ColumnType::Timestamp { format, instant }) => {
                timestamp_json(*value, *format, *instant, number)
            }
            (Self::Binary(value), _) => json!(BASE64.encode(value)),
            (Self::Json(value), _) => value.clone(),
            (Self::List(items), ColumnType::List(item)) => {
                items.iter().map(|cell| cell.to_json(item, number)).collect()
            }
            (Self::Struct(cells), ColumnType::Struct(fields)) => {
                let members = fields.iter().zip(cells);
                members.map(|(field, cell)| (field.api_name.clone(), cell.to_json(&field.data_type, number))).collect()
            }
            (cell, data_type) => panic!("{cell:?} in a column of {data_type:?}"),
        }
    }

    /// As [`tidegate_tests::run::Outcome::rows`] shows it.
    pub(crate) fn shown(&self, data_type: &ColumnType) -> String {
        match (self, data_type) {
            (Self::Null, _) => "NULL".to_owned(),
            (Self::Timestamp(value), ColumnType::Timestamp { instant: true, .. }) => {
                value.and_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true)
            }
            (Self::Timestamp(value), _) => format!("{value:?}"),
            (Self::Time(value), _) => format!("{value:?}"),
            (Self::Float(value), ColumnType::Float32) => format!("{:?}", *value as f32),
            (Self::Float(value), _) => format!("{value:?}"),
            (Self::Binary(value), _) => value.iter().map(|byte| format!("{byte:02x}")).collect(),
            (Self::List(items), ColumnType::List(item)) => {
                let items: Vec<_> = items.iter().map(|cell| cell.shown(item)).collect();
                format!("[{}]", items.join(", "))
            }
            (Self::Struct(cells), ColumnType::Struct(fields)) => {
                let members = fields.iter().zip(cells);
                let members: Vec<_> =
                    members.map(|(field, cell)| format!("{}: {}", field.name, cell.shown(&field.data_type))).collect();
                format!("{{{}}}", members.join(", "))
            }
            (Self::Json(value), _) => value.to_string(),
            (cell, data_type) => cell.plain(data_type).unwrap_or_else(|| panic!("{cell:?} in {data_type:?}")),
        }
    }

    /// As an SQL literal; `None` for what has none that filters would be pushed with.
    pub(crate) fn sql(&self, data_type: &ColumnType) -> Option<String> {
        Some(match (self, data_type) {
            (Self::Text(value), _) => format!("'{}'", value.replace('\'', "''")),
            (Self::Date(value), _) => format!("DATE '{value}'"),
            (Self::Time(value), _) => format!("TIME '{value:?}'"),
            (Self::Timestamp(value), ColumnType::Timestamp { instant, .. }) => {
                format!("TIMESTAMP '{value:?}{}'", if *instant { "Z" } else { "" })
            }
            (cell, data_type) => cell.plain(data_type)?,
        })
    }

    /// Reads what stands in a request for a value of this column.
    pub(crate) fn parse(text: &str, data_type: &ColumnType, time: Option<TimeForm>) -> Option<Self> {
        Some(match data_type {
            ColumnType::Bool => Self::Bool(text.parse().ok()?),
            ColumnType::Int16 | ColumnType::Int32 | ColumnType::Int64 => Self::Int(text.parse().ok()?),
            ColumnType::Float32 | ColumnType::Float64 => Self::Float(text.parse().ok()?),
            ColumnType::Decimal { scale, .. } => Self::Decimal(parse_decimal(text, *scale)?),
            ColumnType::Text | ColumnType::Uuid => Self::Text(text.to_owned()),
            ColumnType::Date => Self::Date(text.parse().ok()?),
            ColumnType::Time => Self::Time(text.parse().ok()?),
            ColumnType::Timestamp { format, instant } => {
                Self::Timestamp(parse_timestamp(text, *format, *instant, time)?)
            }
            _ => return None,
        })
    }

    /// How it compares in SQL; `None` with a null or between kinds.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b),
            (Self::Decimal(a), Self::Decimal(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Date(a), Self::Date(b)) => Some(a.cmp(b)),
            (Self::Time(a), Self::Time(b)) => Some(a.cmp(b)),
            (Self::Timestamp(a), Self::Timestamp(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    fn plain(&self, data_type: &ColumnType) -> Option<String> {
        match (self, data_type) {
            (Self::Bool(value), _) => Some(value.to_string()),
            (Self::Int(value), _) => Some(value.to_string()),
            (Self::Float(value), _) => Some(format!("{value:?}")),
            (Self::Decimal(value), ColumnType::Decimal { scale, .. }) => Some(decimal_text(*value, *scale)),
            (Self::Text(value), _) => Some(value.clone()),
            (Self::Date(value), _) => Some(value.to_string()),
            _ => None,
        }
    }
}

fn decimal_text(value: i128, scale: i8) -> String {
    let scale = usize::try_from(scale).expect("scales are not negative");
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

fn parse_decimal(text: &str, scale: i8) -> Option<i128> {
    let scale = usize::try_from(scale).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = format!("{fraction:0<scale$}");
    if fraction.len() > scale && fraction[scale..].bytes().any(|digit| digit != b'0') {
        return None;
    }
    format!("{whole}{}", &fraction[..scale]).parse().ok()
}

fn timestamp_json(value: NaiveDateTime, format: TimestampFormat, instant: bool, number: usize) -> Json {
    match format {
        TimestampFormat::EpochSeconds => json!(value.and_utc().timestamp()),
        TimestampFormat::EpochMillis => json!(value.and_utc().timestamp_millis()),
        TimestampFormat::MicrosoftJson => json!(format!("/Date({})/", value.and_utc().timestamp_millis())),
        _ if !instant => json!(format!("{value:?}")),
        // The same instant, as a server elsewhere writes it.
        _ if number % 3 == 1 => json!(format!("{:?}+02:00", value + TimeDelta::hours(2))),
        _ => json!(value.and_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true)),
    }
}

fn parse_timestamp(
    text: &str,
    format: TimestampFormat,
    instant: bool,
    time: Option<TimeForm>,
) -> Option<NaiveDateTime> {
    let seconds = || Some(DateTime::<Utc>::from_timestamp(text.parse().ok()?, 0)?.naive_utc());
    let millis = |text: &str| Some(DateTime::<Utc>::from_timestamp_millis(text.parse().ok()?)?.naive_utc());
    let iso = || match DateTime::parse_from_rfc3339(text) {
        Ok(value) => instant.then(|| value.naive_utc()),
        Err(_) => (!instant).then(|| text.parse().ok()).flatten(),
    };
    match (time, format) {
        (Some(TimeForm::Date), _) => Some(text.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN)),
        (Some(TimeForm::EpochSeconds), _) | (None, TimestampFormat::EpochSeconds) => seconds(),
        (Some(TimeForm::EpochMillis), _) | (None, TimestampFormat::EpochMillis) => millis(text),
        (Some(TimeForm::Seconds), _) if text.contains('.') => None,
        (None, TimestampFormat::MicrosoftJson) => millis(text.strip_prefix("/Date(")?.strip_suffix(")/")?),
        _ => iso(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_back_as_they_were_written() {
        let decimal = ColumnType::Decimal { precision: 9, scale: 2 };
        let timestamp = |format| ColumnType::Timestamp { format, instant: true };
        let at = |text: &str| Cell::Timestamp(text.parse().unwrap());
        for (text, data_type, time, cell) in [
            ("-0.05", decimal.clone(), None, Cell::Decimal(-5)),
            ("12", decimal, None, Cell::Decimal(1200)),
            ("2024-05-31T10:00:00Z", timestamp(TimestampFormat::Iso8601), None, at("2024-05-31T10:00:00")),
            ("2024-05-31", timestamp(TimestampFormat::Iso8601), Some(TimeForm::Date), at("2024-05-31T00:00:00")),
            ("1717149600", timestamp(TimestampFormat::EpochSeconds), None, at("2024-05-31T10:00:00")),
            ("/Date(1717149600000)/", timestamp(TimestampFormat::MicrosoftJson), None, at("2024-05-31T10:00:00")),
        ] {
            assert_eq!(Cell::parse(text, &data_type, time), Some(cell), "{text}");
        }
        assert_eq!(Cell::parse("a", &ColumnType::Int64, None), None);
        let shown = Cell::Decimal(-5).shown(&ColumnType::Decimal { precision: 9, scale: 2 });
        assert_eq!(shown, "-0.05");
    }
}
