//! Verbose JSON of OData 2.0: `d.results`, `d.__next`, `/Date(ms)/`, decimals and 64-bit integers
//! as strings, doubles as numbers. The version has neither dates, enumerations nor collections:
//! dates are `Edm.DateTime`, enumerations are `Edm.Int32`, collections are left out.

use crate::data::civil::{DAY, SECOND};
use crate::data::schema::{Column, EntitySet, Type};
use crate::data::value::{Value, guid_text};
use crate::plain::wrong;

use super::page::Page;
use super::query::Query;
use super::render::{double, each, push, qualified, string};
use super::{Call, etag};

pub(crate) fn collection(call: &Call<'_>, set: &EntitySet, query: &Query, page: &Page) -> Vec<u8> {
    let mut out = Vec::with_capacity(256 + page.rows.len() * 640);
    out.extend_from_slice(b"{\"d\":{\"results\":[");
    for (i, row) in page.rows.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        object(&mut out, call, set, query, *row);
    }
    out.push(b']');
    if let Some(count) = page.count {
        push(&mut out, format_args!(",\"__count\":\"{count}\""));
    }
    if let Some(next) = &page.next {
        out.extend_from_slice(b",\"__next\":");
        string(&mut out, next);
    }
    out.extend_from_slice(b"}}");
    out
}

pub(crate) fn entity(call: &Call<'_>, set: &EntitySet, query: &Query, row: u64) -> Vec<u8> {
    let mut out = b"{\"d\":".to_vec();
    object(&mut out, call, set, query, row);
    out.push(b'}');
    out
}

/// Whether this version can express the column at all.
pub(crate) fn has(column: &Column) -> bool {
    !matches!(column.ty, Type::Strings)
}

fn object(out: &mut Vec<u8>, call: &Call<'_>, set: &EntitySet, query: &Query, row: u64) {
    let uri = format!("{}{}{}({})", call.origin, call.root, set.name, key(call, set, row));
    let ty = qualified(set.type_name);
    push(out, format_args!("{{\"__metadata\":{{\"uri\":\"{uri}\",\"type\":\"{ty}\""));
    if let Some(etag) = etag(call, set, row) {
        out.extend_from_slice(b",\"etag\":");
        string(out, &etag);
    }
    out.push(b'}');
    each(set, query, |_, column, _| {
        let c = &set.columns[column];
        if !has(c) {
            return;
        }
        push(out, format_args!(",\"{}\":", c.name));
        match wrong(call.faults, row, c.name) {
            Some(json) => out.extend_from_slice(json.as_bytes()),
            None => value(out, c, &call.data.value(set, row, column)),
        }
    });
    out.push(b'}');
}

/// The key of a row as it stands in a URL.
pub(crate) fn key(call: &Call<'_>, set: &EntitySet, row: u64) -> String {
    let one = |column: &usize| {
        let literal = literal(&set.columns[*column], &call.data.value(set, row, *column));
        if set.key.len() == 1 { literal } else { format!("{}={literal}", set.columns[*column].name) }
    };
    set.key.iter().map(one).collect::<Vec<_>>().join(",")
}

/// A key value as it stands in a URL.
fn literal(column: &Column, value: &Value) -> String {
    match (value, column.ty) {
        (Value::Guid(g), _) => format!("guid'{}'", guid_text(*g)),
        (Value::Int(n), Type::Int64) => format!("{n}L"),
        (Value::Int(n), _) => n.to_string(),
        // Keys are guids and integers in every set.
        _ => String::new(),
    }
}

fn value(out: &mut Vec<u8>, column: &Column, cell: &Value) {
    match (cell, column.ty) {
        (Value::Null, _) => out.extend_from_slice(b"null"),
        (Value::Str(s), _) => string(out, s),
        (Value::Int(n), Type::Int64) => push(out, format_args!("\"{n}\"")),
        (Value::Int(n) | Value::Enum(n), _) => push(out, format_args!("{n}")),
        (Value::Dec(d), _) => push(out, format_args!("\"{d}\"")),
        (Value::Double(d), _) => double(out, *d),
        (Value::Bool(b), _) => push(out, format_args!("{b}")),
        // The escaped slash belongs to the format: it tells a date from a string that looks alike.
        (Value::Date(d), _) => push(out, format_args!("\"\\/Date({})\\/\"", i128::from(*d) * (DAY / 1_000_000))),
        (Value::Stamp(s), _) => push(out, format_args!("\"\\/Date({})\\/\"", s.div_euclid(1_000_000))),
        (Value::Time(t), _) => push(out, format_args!("\"{}\"", duration(*t))),
        (Value::Guid(g), _) => push(out, format_args!("\"{}\"", guid_text(*g))),
        (Value::Complex(values), Type::Complex(c)) => {
            push(out, format_args!("{{\"__metadata\":{{\"type\":\"{}\"}}", qualified(c.name)));
            for (field, cell) in c.fields.iter().zip(values) {
                push(out, format_args!(",\"{}\":", field.name));
                value(out, field, cell);
            }
            out.push(b'}');
        }
        // `has` leaves collections out, and complex cells stand in complex columns only.
        (Value::List(_) | Value::Complex(_), _) => out.extend_from_slice(b"null"),
    }
}

/// `PT9H30M0.25S`.
fn duration(nanos: i128) -> String {
    let s = nanos / SECOND;
    let ms = nanos % SECOND / 1_000_000;
    let fraction = if ms == 0 { String::new() } else { format!(".{ms:03}") };
    format!("PT{}H{}M{}{fraction}S", s / 3600, s / 60 % 60, s % 60)
}
