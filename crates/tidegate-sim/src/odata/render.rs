//! JSON of OData 4.0 with minimal metadata.

use std::io::Write;

use crate::data::changes::Data;
use crate::data::civil;
use crate::data::sales::NAMESPACE;
use crate::data::schema::{EntitySet, Type};
use crate::data::value::{Value, guid_text};
use crate::plain::wrong;

use super::page::Page;
use super::query::{Pick, Query};
use super::{Call, etag, quotes_numbers};

pub(crate) fn collection(call: &Call<'_>, set: &EntitySet, query: &Query, page: &Page) -> Vec<u8> {
    let mut out = Vec::with_capacity(256 + page.rows.len() * 512);
    push(&mut out, format_args!("{{\"@odata.context\":\"{}\"", context(call, set, query, "")));
    if let Some(count) = page.count {
        push(&mut out, format_args!(",\"@odata.count\":{count}"));
    }
    out.extend_from_slice(b",\"value\":[");
    let quoted = quotes_numbers(call);
    for (i, row) in page.rows.iter().enumerate() {
        out.extend_from_slice(if i == 0 { b"{" } else { b",{" });
        members(&mut out, call, set, query, *row, quoted);
        out.push(b'}');
    }
    out.push(b']');
    if let Some(next) = &page.next {
        out.extend_from_slice(b",\"@odata.nextLink\":");
        string(&mut out, next);
    }
    out.push(b'}');
    out
}

pub(crate) fn entity(call: &Call<'_>, set: &EntitySet, query: &Query, row: u64) -> Vec<u8> {
    let mut out = Vec::new();
    push(&mut out, format_args!("{{\"@odata.context\":\"{}\",", context(call, set, query, "/$entity")));
    members(&mut out, call, set, query, row, quotes_numbers(call));
    out.push(b'}');
    out
}

/// `…/$metadata#Accounts(Id,Name)`.
fn context(call: &Call<'_>, set: &EntitySet, query: &Query, suffix: &str) -> String {
    let names: Vec<String> = query
        .select
        .iter()
        .flat_map(|pick| {
            let column = &set.columns[pick.column];
            match (&pick.fields, column.ty) {
                (Some(fields), Type::Complex(c)) => {
                    fields.iter().map(|f| format!("{}/{}", column.name, c.fields[*f].name)).collect()
                }
                _ => vec![column.name.to_owned()],
            }
        })
        .collect();
    let list = if names.is_empty() { String::new() } else { format!("({})", names.join(",")) };
    format!("{}{}$metadata#{}{list}{suffix}", call.origin, call.root, set.name)
}

fn members(out: &mut Vec<u8>, call: &Call<'_>, set: &EntitySet, query: &Query, row: u64, quoted: bool) {
    if let Some(etag) = etag(call, set, row) {
        out.extend_from_slice(b"\"@odata.etag\":");
        string(out, &etag);
        out.push(b',');
    }
    each(set, query, |i, column, pick| {
        let c = &set.columns[column];
        push(out, format_args!("{}\"{}\":", if i == 0 { "" } else { "," }, c.name));
        if let Some(json) = wrong(call.faults, row, c.name) {
            out.extend_from_slice(json.as_bytes());
            return;
        }
        let cell = call.data.value(set, row, column);
        value(out, c.ty, &cell, pick.and_then(|p| p.fields.as_deref()), quoted);
    });
}

/// A row with all its columns and nothing else; 64-bit integers and decimals are strings.
pub(crate) fn plain(data: Data<'_>, set: &EntitySet, row: u64) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, column) in set.columns.iter().enumerate() {
        push(&mut out, format_args!("{}\"{}\":", if index == 0 { "{" } else { "," }, column.name));
        value(&mut out, column.ty, &data.value(set, row, index), None, true);
    }
    out.push(b'}');
    out
}

/// Calls `f` with ordinal, column and selection of every column to send.
pub(crate) fn each(set: &EntitySet, query: &Query, mut f: impl FnMut(usize, usize, Option<&Pick>)) {
    if query.select.is_empty() {
        (0..set.columns.len()).for_each(|c| f(c, c, None));
    } else {
        query.select.iter().enumerate().for_each(|(i, pick)| f(i, pick.column, Some(pick)));
    }
}

pub(crate) fn value(out: &mut Vec<u8>, ty: Type, cell: &Value, fields: Option<&[usize]>, quoted: bool) {
    match (cell, ty) {
        (Value::Null, _) => out.extend_from_slice(b"null"),
        (Value::Str(s), _) => string(out, s),
        (Value::Int(n), Type::Int64) if quoted => push(out, format_args!("\"{n}\"")),
        (Value::Int(n), _) => push(out, format_args!("{n}")),
        (Value::Dec(d), _) if quoted => push(out, format_args!("\"{d}\"")),
        (Value::Dec(d), _) => push(out, format_args!("{d}")),
        (Value::Double(d), _) => double(out, *d),
        (Value::Bool(b), _) => push(out, format_args!("{b}")),
        (Value::Date(d), _) => push(out, format_args!("\"{}\"", civil::date_text(*d))),
        (Value::Time(t), _) => push(out, format_args!("\"{}\"", civil::time_text(*t))),
        (Value::Stamp(s), _) => push(out, format_args!("\"{}\"", civil::stamp_text(*s))),
        (Value::Guid(g), _) => push(out, format_args!("\"{}\"", guid_text(*g))),
        (Value::Enum(n), Type::Enum(e)) => {
            // Values come from the member list, so the index is within it.
            push(out, format_args!("\"{}\"", e.members[*n as usize]));
        }
        (Value::Enum(n), _) => push(out, format_args!("{n}")),
        (Value::List(items), _) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                string(out, item);
            }
            out.push(b']');
        }
        (Value::Complex(values), ty) => complex(out, ty, values, fields, quoted),
    }
}

fn complex(out: &mut Vec<u8>, ty: Type, values: &[Value], fields: Option<&[usize]>, quoted: bool) {
    let Type::Complex(c) = ty else { return };
    out.push(b'{');
    let mut first = true;
    for (i, (field, cell)) in c.fields.iter().zip(values).enumerate() {
        if fields.is_some_and(|f| !f.contains(&i)) {
            continue;
        }
        push(out, format_args!("{}\"{}\":", if first { "" } else { "," }, field.name));
        value(out, field.ty, cell, None, quoted);
        first = false;
    }
    out.push(b'}');
}

/// Shortest text that reads back as the same double; JSON has no infinities, so they are strings.
pub(crate) fn double(out: &mut Vec<u8>, d: f64) {
    if d.is_finite() {
        // A finite number serialises, and writing to a Vec cannot fail.
        let _ = serde_json::to_writer(out, &d);
    } else {
        let name = if d.is_nan() {
            "NaN"
        } else if d > 0.0 {
            "INF"
        } else {
            "-INF"
        };
        push(out, format_args!("\"{name}\""));
    }
}

pub(crate) fn string(out: &mut Vec<u8>, s: &str) {
    // A string serialises, and writing to a Vec cannot fail.
    let _ = serde_json::to_writer(out, s);
}

pub(crate) fn push(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = out.write_fmt(text);
}

/// `Sales.Account`.
pub(crate) fn qualified(name: &str) -> String {
    format!("{NAMESPACE}.{name}")
}
