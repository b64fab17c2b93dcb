//! The request for one row.

use tidegate_spec::{Idempotency, Per, Place, Single, WriteBody, WriteMethod};

use super::node::Node;
use super::parts::{Context, Parts};
use super::{RowWrite, fields, path};
use crate::{ErrorKind, partition};

/// The parts of the request for this row. `key` is the key under which the API does it once.
pub(super) fn parts(
    context: &Context<'_>,
    single: &Single,
    row: &RowWrite,
    key: Option<&str>,
) -> Result<Parts, ErrorKind> {
    let mut parts = Parts { path: path::filled(context, &single.path, row)?, ..Parts::default() };
    if let (Some(version), true) = (single.odata_key, context.kind != tidegate_spec::WriteKind::Insert) {
        parts.path.push_str(&path::odata_key(context.table, version, row)?);
    }
    let at = body(context, &mut parts, &single.body)?;
    parts.say_constants(context, &single.constants)?;
    if let Some(at) = &at {
        let fields = fields::of_row(context, row, &single.path, parts.is_form)?;
        let body = parts.body.get_or_insert_with(Node::object);
        for (path, node) in fields {
            body.put(&joined(at, &path), node)?;
        }
    }
    if let Some((place, text, node)) = fields::version(context, row)? {
        parts.say(&within(place, at.as_deref()), &text, node)?;
    }
    if let Some(declared) = &single.idempotency {
        let of_row = declared.per == Per::Row;
        let key = if of_row { Some(row.row_key.as_str()) } else { key };
        say_key(&mut parts, declared, key, if of_row { at.as_deref() } else { None })?;
    }
    Ok(parts)
}

/// Begins the body; the place of the row in it, or `None` when the request has none.
pub(super) fn body(
    context: &Context<'_>,
    parts: &mut Parts,
    declared: &WriteBody,
) -> Result<Option<Vec<String>>, ErrorKind> {
    Ok(match declared {
        WriteBody::None => None,
        WriteBody::Json { at, template } => {
            parts.body = Some(document(context, template.as_ref())?);
            Some(at.clone())
        }
        WriteBody::Form => {
            parts.body = Some(Node::object());
            parts.is_form = true;
            Some(Vec::new())
        }
    })
}

/// A template of the description as the beginning of a body.
pub(super) fn document(context: &Context<'_>, template: Option<&serde_json::Value>) -> Result<Node, ErrorKind> {
    let name = || format!("{} of table {}", context.kind.sql(), context.table.name);
    let filled = template.map(|template| partition::filled_document(template, context.code, name)).transpose()?;
    Ok(filled.as_ref().map_or_else(Node::object, Node::from))
}

/// Says the key under which the API does it once; `at` is where a row stands for a key that is its member.
pub(super) fn say_key(
    parts: &mut Parts,
    declared: &Idempotency,
    key: Option<&str>,
    at: Option<&[String]>,
) -> Result<(), ErrorKind> {
    let Some(key) = key.filter(|key| !key.is_empty()) else { return Ok(()) };
    let text = written_key(declared, key);
    parts.say(&within(&declared.place, at), &text, Node::text(text.as_str()))
}

/// The key as it is written.
pub(super) fn written_key(declared: &Idempotency, key: &str) -> String {
    if declared.quoted { format!("\"{key}\"") } else { key.to_owned() }
}

/// A place in a row that stands somewhere in the body.
fn within(place: &Place, at: Option<&[String]>) -> Place {
    match (place, at) {
        (Place::Body(path), Some(at)) => Place::Body(joined(at, path)),
        _ => place.clone(),
    }
}

pub(super) fn joined(at: &[String], path: &[String]) -> Vec<String> {
    at.iter().chain(path).cloned().collect()
}

pub(super) fn method(method: WriteMethod) -> http::Method {
    match method {
        WriteMethod::Post => http::Method::POST,
        WriteMethod::Put => http::Method::PUT,
        WriteMethod::Patch => http::Method::PATCH,
        WriteMethod::Delete => http::Method::DELETE,
    }
}
