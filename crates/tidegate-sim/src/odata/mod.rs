//! The two OData shapes: resource paths, content negotiation and the protocol's errors.
//!
//! Read only: another method than GET is refused with 405.

pub(crate) mod fail;
pub(crate) mod filter;
mod keys;
mod metadata;
mod page;
mod query;
mod render;
mod v2;

use http::{HeaderMap, Method, header};

use crate::config::{Capability, Config};
use crate::data::Source;
use crate::data::sales::SETS;
use crate::data::schema::EntitySet;
use crate::fault::What;
use crate::reply::Reply;

use fail::Fail;
use filter::ast::Dialect;
pub(crate) use page::Cache;
use query::Query;

/// One request to a service root.
pub(crate) struct Call<'a> {
    pub(crate) config: &'a Config,
    pub(crate) source: &'a Source,
    pub(crate) cache: &'a Cache,
    pub(crate) dialect: Dialect,
    /// `http://127.0.0.1:port`.
    pub(crate) origin: &'a str,
    /// Path of the service root, with a slash at its end.
    pub(crate) root: &'a str,
    pub(crate) method: &'a Method,
    /// Path below the root, percent-decoded.
    pub(crate) path: &'a str,
    pub(crate) pairs: &'a [(String, String)],
    pub(crate) headers: &'a HeaderMap,
    pub(crate) faults: &'a [What],
}

/// Answers a request.
pub(crate) fn serve(call: &Call<'_>) -> Reply {
    let reply = route(call).unwrap_or_else(|fail| error(call.dialect, &fail));
    match call.dialect {
        Dialect::V4 => reply.with("OData-Version", "4.0"),
        Dialect::V2 => reply.with("DataServiceVersion", "2.0"),
    }
}

/// An error in the protocol's form.
pub(crate) fn error(dialect: Dialect, fail: &Fail) -> Reply {
    let message = match dialect {
        Dialect::V4 => serde_json::json!(fail.message),
        Dialect::V2 => serde_json::json!({ "lang": "en-US", "value": fail.message }),
    };
    let body = serde_json::json!({ "error": { "code": fail.code, "message": message } });
    let reply = Reply::new(fail.status, "application/json", body.to_string());
    if fail.status == 405 { reply.with("Allow", "GET") } else { reply }
}

fn route(call: &Call<'_>) -> Result<Reply, Fail> {
    if call.method != Method::GET {
        return Err(Fail::new(405, "MethodNotAllowed", format!("{} is not allowed", call.method)));
    }
    match call.path {
        "" => {
            negotiate(call, "json")?;
            Ok(metadata::service_document(call))
        }
        "$metadata" => {
            negotiate(call, "xml")?;
            Ok(metadata::metadata(call))
        }
        path => resource(call, path),
    }
}

fn resource(call: &Call<'_>, path: &str) -> Result<Reply, Fail> {
    let missing = |name: &str| Fail::missing(format!("Resource not found for the segment '{name}'."));
    // Between the parentheses of a key there may be a slash, so they are cut off first.
    let end = path.find(['(', '/']).unwrap_or(path.len());
    let set = SETS.iter().find(|s| s.name == &path[..end]).ok_or_else(|| missing(&path[..end]))?;
    match &path[end..] {
        "" => collection(call, set),
        "/$count" => count(call, set),
        rest if rest.starts_with('(') && rest.ends_with(')') => entity(call, set, &rest[1..rest.len() - 1]),
        rest if rest.starts_with('(') => Err(Fail::unsupported("paths below an entity are not implemented")),
        rest => Err(missing(rest.trim_start_matches('/'))),
    }
}

fn collection(call: &Call<'_>, set: &EntitySet) -> Result<Reply, Fail> {
    let query = Query::parse(call, set, query::COLLECTION)?;
    negotiate(call, "json")?;
    let page = page::select(call, set, &query);
    let body = match call.dialect {
        Dialect::V4 => render::collection(call, set, &query, &page),
        Dialect::V2 => v2::collection(call, set, &query, &page),
    };
    let reply = Reply::new(200, &content_type(call), body);
    Ok(match query.preferred {
        Some(n) => reply.with("Preference-Applied", format!("odata.maxpagesize={n}")),
        None => reply,
    })
}

fn count(call: &Call<'_>, set: &EntitySet) -> Result<Reply, Fail> {
    if call.config.odata.refuse.contains(&Capability::Count) {
        return Err(refusal(call, "/$count"));
    }
    let query = Query::parse(call, set, query::COUNT)?;
    let total = page::total(call, set, &query);
    Ok(Reply::new(200, "text/plain", total.to_string()))
}

fn entity(call: &Call<'_>, set: &EntitySet, key: &str) -> Result<Reply, Fail> {
    let query = Query::parse(call, set, query::ENTITY)?;
    negotiate(call, "json")?;
    let values = keys::parse(key, set, call.dialect)?;
    let row = (set.find)(call.source, &values).filter(|row| *row < set.rows(call.source));
    let row = row.ok_or_else(|| Fail::missing(format!("{}({key}) does not exist", set.name)))?;
    let body = match call.dialect {
        Dialect::V4 => render::entity(call, set, &query, row),
        Dialect::V2 => v2::entity(call, set, &query, row),
    };
    Ok(Reply::new(200, &content_type(call), body))
}

/// The answer of a service that lacks something.
pub(crate) fn refusal(call: &Call<'_>, what: &str) -> Fail {
    let status = call.config.odata.refuse_status;
    Fail::new(status, "NotImplemented", format!("{what} is not supported by this service"))
}

fn accept<'a>(call: &'a Call<'_>) -> &'a str {
    // A header that is not ASCII cannot name a media type.
    call.headers.get(header::ACCEPT).map_or("", |v| v.to_str().unwrap_or("unreadable"))
}

/// Whether 64-bit integers and decimals are written as strings.
pub(crate) fn quotes_numbers(call: &Call<'_>) -> bool {
    let wish = |text: &str| text.to_ascii_lowercase().contains("ieee754compatible=true");
    let format = call.pairs.iter().find(|(n, _)| n == "$format");
    call.config.odata.numbers_as_strings || format.map_or(wish(accept(call)), |(_, v)| wish(v))
}

fn content_type(call: &Call<'_>) -> String {
    match call.dialect {
        Dialect::V2 => "application/json;odata=verbose;charset=utf-8".to_owned(),
        Dialect::V4 => {
            let flag = if quotes_numbers(call) { "true" } else { "false" };
            format!("application/json;odata.metadata=minimal;IEEE754Compatible={flag};charset=utf-8")
        }
    }
}

/// Refuses what the client would not read. `$format` wins over `Accept`.
fn negotiate(call: &Call<'_>, kind: &str) -> Result<(), Fail> {
    let format = call.pairs.iter().find(|(n, _)| n == "$format").map(|(_, v)| v.as_str());
    let wish = format.unwrap_or_else(|| accept(call)).to_ascii_lowercase();
    let anything = wish.is_empty() || wish.contains("*/*") || wish.contains("application/*");
    // OData 2.0 is Atom unless the client asks for JSON by name.
    let atom = call.dialect == Dialect::V2 && kind == "json" && !call.path.is_empty();
    if wish.contains(kind) || (anything && !atom) {
        return Ok(());
    }
    let hint = if atom { "; ask for JSON with Accept: application/json or $format=json" } else { "" };
    Err(Fail::new(406, "NotAcceptable", format!("only {kind} is served here, not '{wish}'{hint}")))
}
