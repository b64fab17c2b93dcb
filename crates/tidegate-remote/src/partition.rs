//! Where a partition's code stands in requests: `{partition}` in the base URL, and in an endpoint's path, constants
//! and body.
//!
//! A code is data of a user or of an API. It cannot lead elsewhere: in a path it is one segment that is neither empty
//! nor `.` or `..`, in a query one value, in a header one line, in a body text within a text. In a host it has no
//! place: credentials would go where a code says.

use std::sync::Arc;

use serde_json::Value as Json;
use tidegate_spec::{Endpoint, Place, Table};
use url::Url;

use crate::odata::url::encode;
use crate::render::path;
use crate::{ErrorKind, ScanRequest, Source};

/// What stands for a partition's code in templates.
const TEMPLATE: &str = "{partition}";
/// The same as URLs write it in a path.
const ENCODED: &str = "%7Bpartition%7D";
/// Whether requests below the base need a partition.
#[must_use]
pub fn in_base(base: &Url) -> bool {
    is_in(base.path()) || base.query().is_some_and(is_in)
}

/// Whether requests to the endpoint need a partition, whatever its base.
#[must_use]
pub fn in_endpoint(endpoint: &Endpoint) -> bool {
    is_in(&endpoint.path)
        || endpoint.constants.iter().any(|(_, text)| text.contains(TEMPLATE))
        || endpoint.body.as_ref().is_some_and(in_body)
}

/// Whether a text would be taken to have a partition's code in it.
pub(crate) fn has_template(text: &str) -> bool {
    text.contains(TEMPLATE)
}

fn is_in(text: &str) -> bool {
    text.contains(TEMPLATE) || text.to_ascii_uppercase().contains(&ENCODED.to_ascii_uppercase())
}

fn in_body(body: &Json) -> bool {
    match body {
        Json::String(text) => text.contains(TEMPLATE),
        Json::Array(items) => items.iter().any(in_body),
        Json::Object(members) => members.values().any(in_body),
        _ => false,
    }
}

impl Source {
    /// The same source for one partition: its code stands in the base, in what is asked for, and in errors.
    ///
    /// # Errors
    /// A code that cannot stand where the base has it.
    pub fn with_partition(&self, code: &str) -> Result<Self, ErrorKind> {
        if code.is_empty() || code.chars().any(char::is_control) || is_in(code) {
            return Err(bad(code, "a code is a text of one line"));
        }
        let base = in_base(&self.base).then(|| filled_base(&self.base, code)).transpose()?;
        let base = base.unwrap_or_else(|| self.base.clone());
        Ok(Self { base, partition: Some(Arc::from(code)), ..self.clone() })
    }
}

fn filled_base(base: &Url, code: &str) -> Result<Url, ErrorKind> {
    let mut filled = base.clone();
    filled.set_path(&filled_path(base.path(), code)?);
    let query = base.query().map(|query| replace(query, &encode(code)));
    filled.set_query(query.as_deref());
    Ok(filled)
}

fn filled_path(template: &str, code: &str) -> Result<String, ErrorKind> {
    let segments = template.split('/').map(|segment| {
        let filled = replace(segment, &path::encode(code));
        let leads_away = filled != segment && (path::is_dots(&filled) || code.split(['/', '\\']).any(path::is_dots));
        if leads_away { Err(bad(code, "it would lead to another path")) } else { Ok(filled) }
    });
    Ok(segments.collect::<Result<Vec<_>, _>>()?.join("/"))
}

/// The text with `code`, which is encoded for its place, in place of each placeholder.
fn replace(text: &str, code: &str) -> String {
    let (upper, lower) = (ENCODED, ENCODED.replace("%7B", "%7b").replace("%7D", "%7d"));
    text.replace(TEMPLATE, code).replace(upper, code).replace(&lower, code)
}

fn bad(code: &str, why: &str) -> ErrorKind {
    ErrorKind::Unsupported(format!("the code {code:?} of a partition cannot be sent: {why}"))
}

/// The request as it is made for the source's partition.
///
/// # Errors
/// A request that needs a partition where the source has none, and a code that cannot stand where it has to.
pub(crate) fn for_source(source: &Source, request: ScanRequest) -> Result<ScanRequest, ErrorKind> {
    check_base(source)?;
    let endpoint = request.endpoint()?;
    if !in_endpoint(endpoint) {
        return Ok(request);
    }
    let Some(code) = &source.partition else {
        return Err(needed(&format!("endpoint {} of {}", endpoint.name, request.table.name)));
    };
    let endpoint = filled_endpoint(endpoint, code)?;
    let mut table = Table::clone(&request.table);
    if let Some(place) = table.endpoints.get_mut(request.endpoint) {
        *place = endpoint;
    }
    Ok(ScanRequest { table: Arc::new(table), ..request })
}

/// Refuses a base that still has the placeholder.
pub(crate) fn check_base(source: &Source) -> Result<(), ErrorKind> {
    if in_base(&source.base) { Err(needed("the connection's url")) } else { Ok(()) }
}

fn needed(what: &str) -> ErrorKind {
    ErrorKind::Unsupported(format!(
        "{what} has {TEMPLATE} in it, and nothing says which: give the connection its `partitions`"
    ))
}

fn filled_endpoint(endpoint: &Endpoint, code: &str) -> Result<Endpoint, ErrorKind> {
    let constant = |(place, text): &(Place, String)| (place.clone(), text.replace(TEMPLATE, code));
    Ok(Endpoint {
        path: filled_path_and_query(&endpoint.path, code)?,
        constants: endpoint.constants.iter().map(constant).collect(),
        body: endpoint.body.as_ref().map(|body| filled_body(body, code)),
        ..endpoint.clone()
    })
}

fn filled_path_and_query(template: &str, code: &str) -> Result<String, ErrorKind> {
    let (path, query) = template.split_once('?').map_or((template, None), |(path, query)| (path, Some(query)));
    let mut filled = filled_path(path, code)?;
    if let Some(query) = query {
        filled = format!("{filled}?{}", replace(query, &path::encode(code)));
    }
    Ok(filled)
}

/// A path relative to the base with the code in it; `what` says whose path it is.
pub(crate) fn filled_relative(
    template: &str,
    code: Option<&str>,
    what: impl Fn() -> String,
) -> Result<String, ErrorKind> {
    if !is_in(template) {
        return Ok(template.to_owned());
    }
    filled_path_and_query(template, code.ok_or_else(|| needed(&what()))?)
}

/// A text with the code in it; `what` says whose text it is.
pub(crate) fn filled_text(text: &str, code: Option<&str>, what: impl Fn() -> String) -> Result<String, ErrorKind> {
    if !text.contains(TEMPLATE) {
        return Ok(text.to_owned());
    }
    Ok(text.replace(TEMPLATE, code.ok_or_else(|| needed(&what()))?))
}

/// A document with the code in its texts; `what` says whose it is.
pub(crate) fn filled_document(body: &Json, code: Option<&str>, what: impl Fn() -> String) -> Result<Json, ErrorKind> {
    if !in_body(body) {
        return Ok(body.clone());
    }
    Ok(filled_body(body, code.ok_or_else(|| needed(&what()))?))
}

fn filled_body(body: &Json, code: &str) -> Json {
    match body {
        Json::String(text) => Json::String(text.replace(TEMPLATE, code)),
        Json::Array(items) => items.iter().map(|item| filled_body(item, code)).collect(),
        Json::Object(members) => members.iter().map(|(name, value)| (name.clone(), filled_body(value, code))).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests;
