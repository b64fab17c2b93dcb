//! JSON of groups: entities without an id, whose measures have types of their own (4.0, 4 and example 10).

use crate::data::schema::{EntitySet, Type};
use crate::data::value::Value;
use crate::odata::render::{push, string, value};
use crate::odata::{Call, quotes_numbers};

use super::{Key, Pipeline, measured};

/// `Address/City`.
pub(super) fn path(set: &EntitySet, key: &Key) -> String {
    let column = &set.columns[key.column];
    match (key.field, column.ty) {
        (Some(field), Type::Complex(complex)) => format!("{}/{}", column.name, complex.fields[field].name),
        _ => column.name.to_owned(),
    }
}

/// The body of a page.
pub(super) fn collection(
    call: &Call<'_>,
    set: &EntitySet,
    pipeline: &Pipeline,
    rows: &[Vec<Value>],
    count: Option<u64>,
    next: Option<&str>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(256 + rows.len() * 64);
    let names = pipeline.keys.iter().map(|key| path(set, key));
    let names: Vec<String> = names.chain(pipeline.measures.iter().map(|measure| measure.alias.clone())).collect();
    let (origin, root) = (call.origin, call.root);
    let context = format!("{origin}{root}$metadata#{}({})", set.name, names.join(","));
    push(&mut out, format_args!("{{\"@odata.context\":\"{context}\""));
    if let Some(count) = count {
        push(&mut out, format_args!(",\"@odata.count\":{count}"));
    }
    out.extend_from_slice(b",\"value\":[");
    let quoted = quotes_numbers(call);
    for (index, row) in rows.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"{\"@odata.id\":null" } else { b",{\"@odata.id\":null" });
        group(&mut out, set, pipeline, row, quoted);
        out.push(b'}');
    }
    out.push(b']');
    if let Some(next) = next {
        out.extend_from_slice(b",\"@odata.nextLink\":");
        string(&mut out, next);
    }
    out.push(b'}');
    out
}

fn group(out: &mut Vec<u8>, set: &EntitySet, pipeline: &Pipeline, row: &[Value], quoted: bool) {
    let (keys, measures) = row.split_at(pipeline.keys.len());
    let mut seen: Vec<usize> = Vec::new();
    for (key, cell) in pipeline.keys.iter().zip(keys) {
        let column = &set.columns[key.column];
        let (None, ty) = (key.field, column.ty) else {
            // Fields of one complex column stand in one object.
            if !seen.contains(&key.column) {
                seen.push(key.column);
                nested(out, set, pipeline, keys, key.column, quoted);
            }
            continue;
        };
        push(out, format_args!(",\"{}\":", column.name));
        value(out, ty, cell, None, quoted);
    }
    for (measure, cell) in pipeline.measures.iter().zip(measures) {
        let ty = measured(set, measure);
        let tag = match ty {
            Type::Decimal { .. } => "#Decimal",
            Type::Int64 => "#Int64",
            Type::Double => "#Double",
            _ => "",
        };
        if !tag.is_empty() {
            push(out, format_args!(",\"{}@odata.type\":\"{tag}\"", measure.alias));
        }
        push(out, format_args!(",\"{}\":", measure.alias));
        value(out, ty, &fitted(cell, ty), None, quoted);
    }
}

fn nested(out: &mut Vec<u8>, set: &EntitySet, pipeline: &Pipeline, keys: &[Value], column: usize, quoted: bool) {
    let Type::Complex(complex) = set.columns[column].ty else { return };
    push(out, format_args!(",\"{}\":{{", set.columns[column].name));
    let fields = pipeline.keys.iter().zip(keys).filter(|(key, _)| key.column == column);
    for (index, (key, cell)) in fields.enumerate() {
        let Some(field) = key.field.map(|field| &complex.fields[field]) else { continue };
        push(out, format_args!("{}\"{}\":", if index == 0 { "" } else { "," }, field.name));
        value(out, field.ty, cell, None, quoted);
    }
    out.push(b'}');
}

/// Sums are computed as decimals; the smaller ones are integers.
fn fitted(cell: &Value, ty: Type) -> Value {
    match (cell, ty) {
        (Value::Dec(decimal), Type::Int64) => i64::try_from(decimal.units).map_or(Value::Null, Value::Int),
        _ => cell.clone(),
    }
}
