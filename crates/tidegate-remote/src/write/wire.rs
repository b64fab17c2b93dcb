//! From cells to what an API is sent: JSON, or text in a form, URL or header; and to the literals of filters and keys.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::Value as Json;
use serde_json::value::RawValue;
use tidegate_spec::{ColumnType, ODataVersion, TimestampFormat};

use super::node::Node;
use super::{Cell, digits};
use crate::Scalar;

const MILLI: i64 = 1_000;
const SECOND: i64 = 1_000_000;

/// How an API writes values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wire {
    /// The version of OData that it speaks, if it does.
    pub(super) odata: Option<ODataVersion>,
    /// Whether version 4 is sent 64-bit integers and decimals as text, too ([`EXACT`]).
    pub(super) is_exact: bool,
}

/// How a body of OData 4 says that its long numbers are texts (JSON Format 4.01, 3.2). Without it they are numbers, which
/// servers may read as doubles: SAP CAP then stores 9007199254740993 as …992, and tells nobody.
const EXACT: &str = "application/json;IEEE754Compatible=true";

/// Digits that any double keeps.
const DOUBLE_DIGITS: usize = 15;

impl Wire {
    /// For a body with these values: exact if one of them needs it, since not all servers know of that.
    pub(super) fn holding<'c>(self, mut values: impl Iterator<Item = (&'c ColumnType, &'c Cell)>) -> Self {
        let has_long = values.any(|(data_type, cell)| match (data_type, cell) {
            (ColumnType::Int64, Cell::Number(number)) => is_long(&number.to_string()),
            (ColumnType::Decimal { .. }, Cell::String(text)) => is_long(text),
            _ => false,
        });
        Self { is_exact: has_long && self.odata.is_some() && !self.is_old_odata(), ..self }
    }

    /// `Content-Type` of a JSON body.
    pub(super) fn content_type(self) -> &'static str {
        if self.is_exact { EXACT } else { "application/json" }
    }

    fn is_old_odata(self) -> bool {
        self.odata.is_some_and(|version| version < ODataVersion::V4)
    }

    /// The value in a JSON body.
    ///
    /// OData before version 4 writes 64-bit integers and decimals as text (JSON Format of version 2, "primitive types"),
    /// points in time as `/Date(ms)/` in version 2, and bytes in the alphabet that is not safe in URLs.
    ///
    /// # Errors
    /// What is wrong with the value: it is none of its type, or the API's form has no room for it.
    pub(super) fn json(self, data_type: &ColumnType, cell: &Cell) -> Result<Node, String> {
        let as_text = self.is_exact || self.is_old_odata();
        let leaf = |value: Json| Ok(Node::Leaf(value));
        match (data_type, cell) {
            (_, Cell::Null) => leaf(Json::Null),
            (ColumnType::Json, value) => Ok(Node::from(value)),
            (ColumnType::Bool, Cell::Bool(_)) => leaf(cell.clone()),
            (ColumnType::Int64, Cell::Number(number)) if as_text && number.is_i64() => leaf(number.to_string().into()),
            (ColumnType::Int16 | ColumnType::Int32 | ColumnType::Int64, Cell::Number(number)) if number.is_i64() => {
                leaf(cell.clone())
            }
            (ColumnType::Float32 | ColumnType::Float64, Cell::Number(_)) => leaf(cell.clone()),
            (ColumnType::Float32 | ColumnType::Float64, Cell::String(word)) => match self.odata {
                Some(_) => leaf(cell.clone()),
                None => Err(format!("JSON has no number {word}")),
            },
            (ColumnType::Decimal { .. }, Cell::String(text)) => decimal(text, as_text),
            (ColumnType::Text | ColumnType::Uuid, Cell::String(_)) => leaf(cell.clone()),
            (ColumnType::Binary, Cell::String(text)) => self.binary(text),
            (ColumnType::List(items), Cell::Array(cells)) => {
                Ok(Node::List(cells.iter().map(|cell| self.json(items, cell)).collect::<Result<_, _>>()?))
            }
            (ColumnType::Struct(members), Cell::Object(cells)) => {
                let present = members.iter().filter_map(|field| Some((field, cells.get(&field.name)?)));
                let member = |(field, cell): (&tidegate_spec::Field, &Cell)| {
                    Ok((field.api_name.clone(), self.json(&field.data_type, cell)?))
                };
                Ok(Node::Object(present.map(member).collect::<Result<_, String>>()?))
            }
            (_, Cell::String(text)) => self.time(data_type, text),
            _ => Err(wrong(data_type)),
        }
    }

    /// The value as a text, where there is no JSON: never NULL, a list or a struct.
    ///
    /// # Errors
    /// As [`Wire::json`].
    pub(super) fn text(self, data_type: &ColumnType, cell: &Cell) -> Result<String, String> {
        if let (ColumnType::Json, false) = (data_type, cell.is_null()) {
            return Ok(if let Cell::String(text) = cell { text.clone() } else { cell.to_string() });
        }
        match self.json(data_type, cell)? {
            Node::Leaf(Json::String(text)) => Ok(text),
            Node::Leaf(Json::Null) => Err("NULL cannot stand there".to_owned()),
            Node::Leaf(value) => Ok(value.to_string()),
            Node::Digits(digits) => Ok(digits.get().to_owned()),
            Node::List(_) | Node::Object(_) => Err("a list or an object cannot stand there".to_owned()),
        }
    }

    /// OData 4 writes the alphabet that is safe in URLs (JSON Format 4.01, 7.1), all others the common one.
    fn binary(self, text: &str) -> Result<Node, String> {
        if self.odata.is_none_or(|version| version < ODataVersion::V4) {
            return Ok(Node::text(text));
        }
        let bytes = STANDARD.decode(text).map_err(|_| wrong(&ColumnType::Binary))?;
        Ok(Node::text(URL_SAFE.encode(bytes)))
    }

    fn time(self, data_type: &ColumnType, text: &str) -> Result<Node, String> {
        let not_one = || wrong(data_type);
        match data_type {
            ColumnType::Date => {
                let days = digits::days(text).ok_or_else(not_one)?;
                Ok(match self.odata {
                    Some(ODataVersion::V2) => Node::text(format!("/Date({})/", i64::from(days) * 86_400_000)),
                    Some(ODataVersion::V3) => Node::text(format!("{text}T00:00:00")),
                    _ => Node::text(text),
                })
            }
            ColumnType::Time => {
                let micros = digits::time_micros(text).ok_or_else(not_one)?;
                Ok(Node::text(if self.is_old_odata() { duration(micros) } else { short(text, micros) }))
            }
            ColumnType::Timestamp { format, instant } => {
                let micros = digits::timestamp_micros(text).ok_or_else(not_one)?;
                self.timestamp(*format, *instant, micros).ok_or_else(|| {
                    "the API's form of points in time has no such fractions of a second; cut them off with date_trunc"
                        .to_owned()
                })
            }
            _ => Err(not_one()),
        }
    }

    fn timestamp(self, format: TimestampFormat, instant: bool, micros: i64) -> Option<Node> {
        if micros.rem_euclid(grain(format)) != 0 {
            return None;
        }
        Some(match format {
            TimestampFormat::EpochSeconds => Node::Leaf((micros / SECOND).into()),
            TimestampFormat::EpochMillis => Node::Leaf((micros / MILLI).into()),
            TimestampFormat::MicrosoftJson => {
                // In version 2 a DateTimeOffset says its offset.
                let offset = if instant { "+0000" } else { "" };
                Node::text(format!("/Date({}{offset})/", micros / MILLI))
            }
            _ => {
                let local = digits::timestamp(micros, false)?;
                // Version 4 has no local time.
                let zoned = instant || self.odata.is_some_and(|version| version >= ODataVersion::V4);
                Node::text(format!("{}{}", short(&local, micros), if zoned { "Z" } else { "" }))
            }
        })
    }
}

/// Whether a double may lose digits of this number.
fn is_long(digits: &str) -> bool {
    let whole = if digits.contains('.') { digits.trim_end_matches('0') } else { digits };
    let significant = whole.trim_start_matches(['-', '0', '.']);
    significant.bytes().filter(u8::is_ascii_digit).count() > DOUBLE_DIGITS
}

/// What a form of points in time counts in, in microseconds.
fn grain(format: TimestampFormat) -> i64 {
    match format {
        TimestampFormat::EpochSeconds => SECOND,
        TimestampFormat::EpochMillis | TimestampFormat::MicrosoftJson => MILLI,
        _ => 1,
    }
}

/// The text with as few digits of its fraction of six as can be, in groups of three: some services take no `.000`.
fn short(text: &str, micros: i64) -> String {
    let drop = match micros.rem_euclid(SECOND) {
        0 => 7,
        fraction if fraction % MILLI == 0 => 3,
        _ => 0,
    };
    text[..text.len().saturating_sub(drop)].to_owned()
}

fn duration(micros: i64) -> String {
    let seconds = micros / SECOND;
    let clock = format!("PT{}H{}M{}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    match micros % SECOND {
        0 => format!("{clock}S"),
        fraction => format!("{clock}.{fraction:06}S"),
    }
}

/// A decimal without the zeros at its end: some services take no more digits than they keep.
fn decimal(text: &str, as_text: bool) -> Result<Node, String> {
    let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    let is_number = !short.is_empty() && short.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-'));
    let digits = is_number.then(|| RawValue::from_string(short.to_owned()).ok()).flatten();
    match digits {
        Some(digits) if as_text => Ok(Node::text(digits.get())),
        Some(digits) => Ok(Node::Digits(digits)),
        None => Err(format!("{text:?} is no decimal number")),
    }
}

fn wrong(data_type: &ColumnType) -> String {
    let arrow = crate::arrow_types::data_type(data_type);
    format!("the value is none of {arrow}")
}

/// The cell as the API can hold it: a point in time loses what its form has no digits for, towards the past.
#[must_use]
pub fn storable(data_type: &ColumnType, cell: Cell) -> Cell {
    let ColumnType::Timestamp { format, instant } = data_type else { return cell };
    let cut = |text: &str| {
        let micros = digits::timestamp_micros(text)?;
        digits::timestamp(digits::cut(micros, grain(*format)), *instant)
    };
    cell.as_str().and_then(cut).map_or(cell, Cell::String)
}

/// Whether a value that is read is the one that was written: equal, or a point in time of which the API keeps only
/// milliseconds, or seconds.
#[must_use]
pub fn is_same(data_type: &ColumnType, written: &Cell, read: &Cell) -> bool {
    if written == read {
        return true;
    }
    let (Some(written), Some(read)) = (written.as_str(), read.as_str()) else { return false };
    let micros = |text: &str| match data_type {
        ColumnType::Timestamp { .. } => digits::timestamp_micros(text),
        ColumnType::Time => digits::time_micros(text),
        _ => None,
    };
    match (micros(written), micros(read)) {
        (Some(written), Some(read)) => [1, MILLI, SECOND].iter().any(|grain| digits::cut(written, *grain) == read),
        _ => matches!(data_type, ColumnType::Uuid) && written.eq_ignore_ascii_case(read),
    }
}

/// The value as a literal; `None` for NULL and what has none.
pub(super) fn scalar(data_type: &ColumnType, cell: &Cell) -> Option<Scalar> {
    Some(match (data_type, cell) {
        (ColumnType::Bool, Cell::Bool(value)) => Scalar::Bool(*value),
        (ColumnType::Int16 | ColumnType::Int32 | ColumnType::Int64, value) => Scalar::Int(value.as_i64()?),
        (ColumnType::Float32 | ColumnType::Float64, value) => Scalar::Float(value.as_f64()?),
        (ColumnType::Decimal { scale, .. }, Cell::String(text)) => {
            let value: String = text.chars().filter(|&digit| digit != '.').collect();
            Scalar::Decimal { value: value.parse().ok()?, scale: *scale }
        }
        (ColumnType::Text | ColumnType::Uuid, Cell::String(text)) => Scalar::Text(text.clone()),
        (ColumnType::Date, Cell::String(text)) => Scalar::Date(digits::days(text)?),
        (ColumnType::Time, Cell::String(text)) => Scalar::Time(digits::time_micros(text)?),
        (ColumnType::Timestamp { .. }, Cell::String(text)) => Scalar::Timestamp(digits::timestamp_micros(text)?),
        _ => return None,
    })
}
