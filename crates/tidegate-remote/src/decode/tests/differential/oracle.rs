//! What a body holds, found with serde_json alone and as naively as can be.
//!
//! serde_json walks the document: it hands out the members and elements as text. What a column makes of that text is
//! said here a second time, with other means than the decoder's: strings of digits, chrono, the standard library.

use std::fmt;

use chrono::{DateTime, NaiveDate};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use tidegate_spec::ColumnType::{self, *};
use tidegate_spec::{Column, TimestampFormat};

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Bool(bool),
    /// Integers, decimals in units of their scale, microseconds.
    Whole(i128),
    Float(f64),
    Text(String),
    /// Items of a list, members of a struct.
    Many(Vec<Cell>),
}

/// What is to be made of a body.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// It is no JSON.
    NotJson,
    /// It is JSON, but has no rows where they are expected, twice, or some that are no objects.
    NoPage,
    /// Its rows where bad values become NULL, and the first bad value: its row, from 1, and its column.
    Rows(Vec<Vec<Cell>>, Option<(u64, String)>),
}

type Members<'a> = Vec<(&'a RawValue, &'a RawValue)>;

pub(super) fn judge(body: &[u8], columns: &[Column]) -> Verdict {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    // serde_json does not look into strings that it passes over.
    let Ok(text) = std::str::from_utf8(body) else { return Verdict::NotJson };
    if serde_json::from_str::<IgnoredAny>(text).is_err() {
        return Verdict::NotJson;
    }
    let lists = members(text)
        .unwrap_or_default()
        .into_iter()
        .filter(|(name, _)| string(name.get()).as_deref() == Some("value"));
    let lists: Vec<_> = lists.filter_map(|(_, value)| elements(value.get())).collect();
    let [rows] = lists.as_slice() else { return Verdict::NoPage };
    let mut first_bad = None;
    let mut cells = Vec::new();
    for (row, number) in rows.iter().zip(1..) {
        let Some(members) = members(row.get()) else { return Verdict::NoPage };
        let mut bad = Vec::new();
        cells.push(columns.iter().map(|column| cell(column, &members, &mut bad)).collect());
        first_bad = first_bad.or_else(|| Some((number, bad.into_iter().next()?)));
    }
    Verdict::Rows(cells, first_bad)
}

/// How deep arrays and objects are nested, in a body that is JSON.
pub(super) fn depth(body: &[u8]) -> usize {
    let (mut depth, mut most, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for &byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        most = most.max(depth);
    }
    most
}

/// `bad` gets the names of the columns that have bad values.
fn cell(column: &Column, row: &Members<'_>, bad: &mut Vec<String>) -> Cell {
    let [outer @ .., name] = column.path.as_slice() else { return Cell::Null };
    let mut inner = Some(row.clone());
    for name in outer {
        let Some(value) = inner.as_ref().and_then(|row| last(row, name)) else { return Cell::Null };
        inner = members(value);
        if inner.is_none() {
            if value != "null" {
                bad.push(column.name.clone());
            }
            return Cell::Null;
        }
    }
    read(&column.name, &column.data_type, inner.as_ref().and_then(|row| last(row, name)), bad)
}

fn read(name: &str, data_type: &ColumnType, value: Option<&str>, bad: &mut Vec<String>) -> Cell {
    let Some(value) = value.filter(|value| *value != "null") else { return Cell::Null };
    let cell = match data_type {
        Text => string(value).or_else(|| scalar(value)).map(Cell::Text),
        Int64 => digits(value)
            .and_then(|text| whole(&text, 0))
            .filter(|value| i64::try_from(*value).is_ok())
            .map(Cell::Whole),
        Decimal { precision, scale } => {
            let value = digits(value).and_then(|text| whole(&text, i64::from(*scale)));
            value.filter(|value| value.unsigned_abs() < 10_u128.pow(u32::from(*precision))).map(Cell::Whole)
        }
        Float64 => float(value).map(Cell::Float),
        Bool => value.parse().ok().map(Cell::Bool),
        Timestamp { format: TimestampFormat::EpochMillis, .. } => {
            let value =
                digits(value).and_then(|text| whole(&text, 12)).filter(|value| value.unsigned_abs() < 10_u128.pow(38));
            let micros = value.map(|value| value.div_euclid(1_000_000_000));
            micros.filter(|micros| i64::try_from(*micros).is_ok()).map(Cell::Whole)
        }
        Timestamp { .. } => string(value).and_then(|text| instant(&text)).map(|micros| Cell::Whole(micros.into())),
        Json => Some(Cell::Text(compact(value))),
        List(items) => list(value).map(|values| {
            let name = format!("{name}[]");
            Cell::Many(values.into_iter().map(|value| read(&name, items, Some(value.get()), bad)).collect())
        }),
        Struct(fields) => members(value).map(|row| {
            let member = |field: &tidegate_spec::Field, bad: &mut Vec<String>| {
                read(&format!("{name}.{}", field.name), &field.data_type, last(&row, &field.api_name), bad)
            };
            Cell::Many(fields.iter().map(|field| member(field, bad)).collect())
        }),
        _ => None,
    };
    cell.unwrap_or_else(|| {
        bad.push(name.to_owned());
        Cell::Null
    })
}

/// The elements of an array, or of the last array `results` within an object.
fn list(value: &str) -> Option<Vec<&RawValue>> {
    elements(value).or_else(|| {
        let results = members(value)?.into_iter().filter(|(name, _)| name.get() == "\"results\"");
        results.filter_map(|(_, value)| elements(value.get())).next_back()
    })
}

fn elements(text: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(text).ok().filter(|_| text.starts_with('['))
}

fn members(text: &str) -> Option<Members<'_>> {
    struct Object<'a>(Members<'a>);
    impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct All;
            impl<'de> Visitor<'de> for All {
                type Value = Object<'de>;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                    let mut members = Vec::new();
                    while let Some(member) = map.next_entry()? {
                        members.push(member);
                    }
                    Ok(Object(members))
                }
            }
            deserializer.deserialize_map(All)
        }
    }
    serde_json::from_str::<Object<'_>>(text).ok().map(|object| object.0)
}

/// Of a member that stands twice the last one counts.
fn last<'a>(members: &Members<'a>, wanted: &str) -> Option<&'a str> {
    let is_it = |name: &RawValue| string(name.get()).is_some_and(|name| name == wanted);
    members.iter().rev().find(|(name, _)| is_it(name)).map(|(_, value)| value.get())
}

/// None also for half of a surrogate pair.
fn string(text: &str) -> Option<String> {
    serde_json::from_str(text).ok()
}

/// The text of a number or a boolean.
fn scalar(text: &str) -> Option<String> {
    (!text.starts_with(['"', '[', '{'])).then(|| text.to_owned())
}

fn digits(text: &str) -> Option<String> {
    string(text).or_else(|| scalar(text).filter(|text| !matches!(text.as_str(), "true" | "false")))
}

/// The number in units of `10^-scale`, where it has no digits behind them; as text, never by arithmetic on it.
fn whole(text: &str, scale: i64) -> Option<i128> {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |text| (-1, text));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if whole.len() + fraction.len() == 0
        || !is_digits(whole)
        || !is_digits(fraction)
        || plain.is_empty()
        || !is_digits(plain)
    {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    // An exponent without room in 64 bits leaves no digits within any column.
    let exponent: i64 = exponent.parse().ok()?;
    let behind = digits.len() - digits.trim_end_matches('0').len();
    let zeros = exponent.checked_add(scale)?.checked_add(behind as i64)?.checked_sub(fraction.len() as i64)?;
    let zeros = usize::try_from(zeros).ok().filter(|zeros| *zeros <= 38)?;
    let number: i128 = format!("{significant}{}", "0".repeat(zeros)).parse().ok()?;
    Some(sign * number)
}

fn float(text: &str) -> Option<f64> {
    let Some(quoted) = string(text) else {
        let near: f64 = serde_json::from_str(text).ok()?;
        let nearest: f64 = text.parse().ok()?;
        assert!(near.to_bits().abs_diff(nearest.to_bits()) <= 4, "{text} is {near} to serde_json");
        return Some(nearest);
    };
    match quoted.as_str() {
        "INF" | "Infinity" => Some(f64::INFINITY),
        "-INF" | "-Infinity" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        _ if quoted.contains(|letter: char| letter.is_alphabetic() && !matches!(letter, 'e' | 'E')) => None,
        _ => quoted.parse().ok().filter(|number: &f64| number.is_finite()),
    }
}

/// Microseconds since 1970 of `YYYY-MM-DD` with or without a clock, which may lack its seconds and its offset.
fn instant(text: &str) -> Option<i64> {
    // chrono takes months of one digit, and no year of five: the form is judged here, and what is left calculated there.
    let shape: String = text.chars().map(|letter| if letter.is_ascii_digit() { '9' } else { letter }).collect();
    let year = shape.find("-99-99").filter(|end| matches!(shape[..*end].trim_start_matches('-').len(), 4..=6))?;
    if !["", "-"].contains(&shape[..year].trim_end_matches('9')) {
        return None;
    }
    // The calendar is the same again after 400 years.
    let (number, rest) = (text[..year].parse::<i32>().ok()?, &shape[year + 6..]);
    let date = NaiveDate::parse_from_str(&format!("{}{}", 2_000 + number.rem_euclid(400), &text[year..year + 6]), "%F")
        .ok()?;
    let days = i64::from(number.div_euclid(400) - 5) * 146_097;
    let micros = |clock: &str| {
        let local = DateTime::parse_from_rfc3339(&format!("{date}T{clock}")).ok()?;
        local.timestamp_micros().checked_add(days.checked_mul(86_400_000_000)?)
    };
    if rest.is_empty() {
        return micros("00:00:00Z");
    }
    let clock = rest.strip_prefix(['T', 't', ' '])?;
    let behind = clock.strip_prefix("99:99")?;
    let offset = match behind.strip_prefix(":99") {
        Some(behind) if behind.starts_with(".9") => behind[1..].trim_start_matches('9'),
        Some(behind) => behind,
        None => behind,
    };
    let (sent, offset_sent) = text[year + 7..].split_at(clock.len() - offset.len());
    let zone = match offset {
        "" | "Z" | "z" => "Z".to_owned(),
        "+99" | "-99" => format!("{offset_sent}:00"),
        "+9999" | "-9999" => format!("{}:{}", &offset_sent[..3], &offset_sent[3..]),
        "+99:99" | "-99:99" => offset_sent.to_owned(),
        _ => return None,
    };
    let seconds = if sent.len() == 5 { ":00" } else { "" };
    // chrono knows leap seconds.
    if sent[5..].starts_with(":60") { None } else { micros(&format!("{sent}{seconds}{zone}")) }
}

fn compact(text: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let keep = |letter: &char| {
        let outside = !quoted;
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        !outside || !matches!(letter, ' ' | '\n' | '\r' | '\t')
    };
    text.chars().filter(keep).collect()
}
