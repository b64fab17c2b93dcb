//! A value of the Entity Data Model, without its wire form.

use super::decimal::Decimal;

/// One value. Integers of all widths share a variant; the column knows the width.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Str(String),
    Int(i64),
    Dec(Decimal),
    Double(f64),
    Bool(bool),
    /// Days since 1970-01-01.
    Date(i64),
    /// Nanoseconds since midnight.
    Time(i128),
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    Stamp(i128),
    Guid(u128),
    /// The member's value.
    Enum(i64),
    /// In the order of the type's fields.
    Complex(Vec<Value>),
    /// A collection of strings.
    List(Vec<String>),
}

impl Value {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}

/// `8-4-4-4-12` in lower case.
pub(crate) fn guid_text(guid: u128) -> String {
    let h = format!("{guid:032x}");
    format!("{}-{}-{}-{}-{}", &h[..8], &h[8..12], &h[12..16], &h[16..20], &h[20..])
}

/// The opposite of [`guid_text`]; takes either case.
pub(crate) fn parse_guid(text: &str) -> Option<u128> {
    let b = text.as_bytes();
    if b.len() != 36 {
        return None;
    }
    let mut out = 0u128;
    for (i, c) in b.iter().enumerate() {
        if matches!(i, 8 | 13 | 18 | 23) {
            if *c != b'-' {
                return None;
            }
            continue;
        }
        out = out << 4 | u128::from((*c as char).to_digit(16)?);
    }
    Some(out)
}
