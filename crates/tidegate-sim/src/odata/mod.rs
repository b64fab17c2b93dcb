//! The two OData shapes: resource paths, content negotiation and the protocol's errors.

mod apply;
pub(crate) mod fail;
pub(crate) mod filter;
mod keys;
mod metadata;
mod page;
mod query;
mod render;
mod v2;
mod write;

use std::ops::Deref;

use http::{HeaderMap, Method, header};

use crate::config::{Apply, Capability, Config, ETags};
use crate::data::Source;
use crate::data::changes::Data;
use crate::data::sales::SETS;
use crate::data::schema::EntitySet;
use crate::fault::What;
use crate::reply::Reply;
use crate::store::Store;

use fail::Fail;
use filter::ast::Dialect;
pub(crate) use page::Cache;
use query::Query;
pub(crate) use render::plain;
pub(crate) use write::change;

/// One request to a service root.
pub(crate) struct Ask<'a> {
    pub(crate) config: &'a Config,
    pub(crate) source: &'a Source,
    pub(crate) cache: &'a Cache,
    pub(crate) store: &'a Store,
    /// 0 if there are none.
    pub(crate) division: u32,
    /// Number in the log.
    pub(crate) n: u64,
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
    pub(crate) body: &'a [u8],
    pub(crate) faults: &'a [What],
}

/// A request and the rows as they are while it is answered.
pub(crate) struct Call<'a> {
    pub(crate) ask: &'a Ask<'a>,
    pub(crate) data: Data<'a>,
}

impl<'a> Deref for Call<'a> {
    type Target = Ask<'a>;

    fn deref(&self) -> &Ask<'a> {
        self.ask
    }
}

/// Answers a request.
pub(crate) fn serve(ask: &Ask<'_>) -> Reply {
    let reply = answer(ask).unwrap_or_else(|fail| error(ask.dialect, &fail));
    match ask.dialect {
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

fn answer(ask: &Ask<'_>) -> Result<Reply, Fail> {
    if ask.method != Method::GET {
        return write::serve(ask);
    }
    let changes = ask.store.odata(ask.division);
    route(&Call { ask, data: Data { source: ask.source, changes: changes.get() } })
}

fn route(call: &Call<'_>) -> Result<Reply, Fail> {
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
    let (set, rest) = set_of(path)?;
    match rest {
        "" => collection(call, set),
        "/$count" => count(call, set),
        rest if rest.starts_with('(') && rest.ends_with(')') => entity(call, set, &rest[1..rest.len() - 1]),
        rest if rest.starts_with('(') => Err(Fail::unsupported("paths below an entity are not implemented")),
        rest => Err(missing(rest.trim_start_matches('/'))),
    }
}

fn missing(segment: &str) -> Fail {
    Fail::missing(format!("Resource not found for the segment '{segment}'."))
}

/// The entity set that a path begins with, and what follows it.
fn set_of(path: &str) -> Result<(&'static EntitySet, &str), Fail> {
    // Between the parentheses of a key there may be a slash, so they are cut off first.
    let end = path.find(['(', '/']).unwrap_or(path.len());
    let set = SETS.iter().find(|s| s.name == &path[..end]).ok_or_else(|| missing(&path[..end]))?;
    Ok((set, &path[end..]))
}

fn collection(call: &Call<'_>, set: &EntitySet) -> Result<Reply, Fail> {
    let applied = call.pairs.iter().find(|(name, _)| name == "$apply" && call.config.odata.apply != Apply::None);
    if let Some((_, text)) = applied.filter(|_| call.dialect == Dialect::V4) {
        return apply::serve(call, set, text);
    }
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
    let row = call.data.find(set, &values);
    let row = row.ok_or_else(|| Fail::missing(format!("{}({key}) does not exist", set.name)))?;
    Ok(written(call, set, &query, row, 200))
}

/// An entity as the body of an answer.
fn written(call: &Call<'_>, set: &EntitySet, query: &Query, row: u64, status: u16) -> Reply {
    let body = match call.dialect {
        Dialect::V4 => render::entity(call, set, query, row),
        Dialect::V2 => v2::entity(call, set, query, row),
    };
    let reply = Reply::new(status, &content_type(call), body);
    match etag(call, set, row) {
        Some(etag) => reply.with("ETag", etag),
        None => reply,
    }
}

/// The ETag of a row, where the service has them. Rows never share one.
fn etag(call: &Call<'_>, set: &EntitySet, row: u64) -> Option<String> {
    let has_etags = call.config.odata.etags != ETags::None;
    has_etags.then(|| format!("W/\"{row}.{}\"", call.data.version(set, row)))
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
