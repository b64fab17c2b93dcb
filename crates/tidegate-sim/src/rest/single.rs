//! Items one by one, and lists of them.

use http::header;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::reply::Reply;

use super::items::{Items, Members, Wrong, wrong};
use super::{Call, answer, id_of, members_of};

/// A page of the rows that pass.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, Wrong> {
    call.knows(&["page", "per_page", "min_stock", "status", "ids", "name", "sort"])?;
    let (page, per_page) = (call.number("page", 1)?.max(1), call.page_size("per_page", 50)?);
    let least = call.number("min_stock", 0)?;
    let (status, name, ids) = (call.parameter("status"), call.parameter("name"), ids(call)?);
    let (table, items) = (call.table(), call.store.items(call.division));
    let items = items.get();
    let first = (page - 1).saturating_mul(per_page);
    // All rows are looked at only where it is not known which are on the page.
    let is_all = least == 0 && ids.is_none() && [status, name, call.parameter("sort")] == [None; 3];
    if is_all && table.count(items) == table.end(items) - 1 {
        let ids = (first + 1)..table.end(items).min(first + per_page + 1);
        let rows: Vec<Members> = ids.filter_map(|id| table.row(items, id)).collect();
        return Ok(answer(200, &json!({ "items": rows, "total": table.count(items) })));
    }
    let all: Box<dyn Iterator<Item = u64>> = match ids {
        Some(ids) => Box::new(ids.into_iter()),
        None => Box::new(1..table.end(items)),
    };
    let same = |row: &Members, column: &str, given: Option<&str>| {
        given.is_none_or(|given| call.is_same(row[column].as_str().unwrap_or(""), given))
    };
    let passes = |row: &Members| {
        same(row, "status", status) && same(row, "name", name) && row["stock"].as_u64().unwrap_or(0) >= least
    };
    let mut rows: Vec<Members> = all.filter_map(|id| table.row(items, id)).filter(passes).collect();
    sort(&mut rows, call.parameter("sort"))?;
    let total = rows.len();
    let rows: Vec<Members> = rows.into_iter().skip(first as usize).take(per_page as usize).collect();
    Ok(answer(200, &json!({ "items": rows, "total": total })))
}

/// By `name` or `stock`, descending with a minus sign before it; equal ones by id.
fn sort(rows: &mut [Members], by: Option<&str>) -> Result<(), Wrong> {
    let Some(by) = by else { return Ok(()) };
    let (column, descending) = by.strip_prefix('-').map_or((by, false), |column| (column, true));
    let key = |row: &Members| (row["stock"].as_u64(), row["name"].as_str().unwrap_or("").to_owned());
    rows.sort_by(|left, right| {
        let (left, right) = (key(left), key(right));
        let order = if column == "stock" { left.0.cmp(&right.0) } else { left.1.cmp(&right.1) };
        if descending { order.reverse() } else { order }
    });
    match column {
        "name" | "stock" => Ok(()),
        _ => Err(wrong("sort takes name and stock, with a minus sign before it for descending")),
    }
}

/// The rows with some ids, as far as they are there, in ascending order.
pub(super) fn query(call: &Call<'_>) -> Result<Reply, Wrong> {
    let Value::Array(ids) = call.json()?["ids"].take() else { return Err(wrong("ids must be a list")) };
    let mut ids = ids.iter().map(id_of).collect::<Result<Vec<u64>, Wrong>>()?;
    ids.sort_unstable();
    ids.dedup();
    call.admits(ids.len(), "ids")?;
    let (table, items) = (call.table(), call.store.items(call.division));
    let rows: Vec<Members> = ids.into_iter().filter_map(|id| table.row(items.get(), id)).collect();
    Ok(answer(200, &json!({ "items": rows })))
}

/// The ids of the parameter, in ascending order.
pub(super) fn ids(call: &Call<'_>) -> Result<Option<Vec<u64>>, Wrong> {
    let Some(text) = call.parameter("ids") else { return Ok(None) };
    let ids = text.split(',').map(|id| id_of(&json!(id)));
    let mut ids = ids.collect::<Result<Vec<u64>, Wrong>>()?;
    ids.sort_unstable();
    ids.dedup();
    call.admits(ids.len(), "ids")?;
    Ok(Some(ids))
}

fn id(text: &str) -> Result<u64, Wrong> {
    text.parse().map_err(|_| Wrong { status: 404, message: format!("there is no item {text}") })
}

fn shown(status: u16, row: Members) -> Reply {
    let etag = format!("\"{}\"", row["version"].as_str().unwrap_or_default());
    answer(status, &Value::Object(row)).with("ETag", etag)
}

/// One row.
pub(super) fn get(call: &Call<'_>, text: &str) -> Result<Reply, Wrong> {
    let row = call.table().row(call.store.items(call.division).get(), id(text)?);
    let row = row.ok_or_else(|| Wrong { status: 404, message: format!("there is no item {text}") })?;
    Ok(shown(200, row))
}

/// Members of a body: JSON, or a form, in which all is text and an empty one is null.
fn members(call: &Call<'_>) -> Result<Members, Wrong> {
    if !call.content_type().starts_with("application/x-www-form-urlencoded") {
        return members_of(call.json()?);
    }
    let text = String::from_utf8_lossy(call.body).replace('+', " ");
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut members = Members::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name), decode(value));
        let value = match (name.as_str(), value.parse::<u64>()) {
            (_, _) if value.is_empty() => Value::Null,
            ("stock", Ok(number)) => json!(number),
            _ => json!(value),
        };
        match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
            Some((outer, inner)) => {
                let outer = members.entry(outer).or_insert_with(|| json!({}));
                outer[inner] = value;
            }
            None => drop(members.insert(name, value)),
        }
    }
    Ok(members)
}

/// Makes a row.
pub(super) fn insert(call: &Call<'_>) -> Result<Reply, Wrong> {
    let members = members(call)?;
    let (id, row) = call.store.write_items(call.division, |items| call.make(items, &members, None))?;
    Ok(shown(201, row).with("Location", format!("items/{id}")))
}

/// Changes a row, or replaces it.
pub(super) fn update(call: &Call<'_>, text: &str) -> Result<Reply, Wrong> {
    let (id, members) = (id(text)?, members(call)?);
    let row = call.store.write_items(call.division, |items| {
        is_current(call, items, id)?;
        call.write(items, id, &members, call.method == http::Method::PUT)
    })?;
    Ok(shown(200, row))
}

/// Removes a row.
pub(super) fn delete(call: &Call<'_>, text: &str) -> Result<Reply, Wrong> {
    let id = id(text)?;
    call.store.write_items(call.division, |items| {
        is_current(call, items, id)?;
        call.remove(items, id)
    })?;
    Ok(Reply::empty(204))
}

/// Changes a row; a refusal is a success with an error inside.
pub(super) fn soft(call: &Call<'_>, text: &str) -> Reply {
    let written = id(text).and_then(|id| {
        let members = members(call)?;
        call.store.write_items(call.division, |items| call.write(items, id, &members, false))
    });
    match written {
        Ok(row) => answer(200, &json!({ "ok": true, "item": row })),
        Err(wrong) => answer(200, &json!({ "ok": false, "error": wrong.message })),
    }
}

fn is_current(call: &Call<'_>, items: &Items, id: u64) -> Result<(), Wrong> {
    let Some(row) = call.table().row(Some(items), id) else { return Ok(()) };
    let given = call.headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let version = row["version"].as_str().unwrap_or_default();
    match given {
        Some(given) if given != "*" && given.trim_matches('"') != version => {
            Err(Wrong { status: 412, message: format!("item {id} has been changed by somebody else") })
        }
        _ => Ok(()),
    }
}

/// Changes a row as another client would, or removes it.
pub(crate) fn change(call: &Call<'_>, text: &str, values: Option<Value>) -> Result<(), String> {
    let done = id(text).and_then(|id| {
        let members = values.map(members_of).transpose()?;
        call.store.write_items(call.division, |items| match &members {
            Some(members) => call.write(items, id, members, false).map(drop),
            None => call.remove(items, id),
        })
    });
    done.map_err(|wrong| wrong.message)
}
