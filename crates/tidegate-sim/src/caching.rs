//! Validators and freshness of answers to GET, as RFC 9110 (8.8, 13.1) and RFC 9111 (5.2) have them.
//!
//! What the shapes say of themselves (an `ETag` of a row, of `$metadata`) stays as it is; this adds what is configured.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::request::Parts;
use http::{HeaderMap, Method, header};

use crate::config::Caching;
use crate::reply::Reply;

/// The answer with its validators, or 304 for a client that has it already. Times are microseconds since 1970.
pub(crate) fn validate(caching: &Caching, request: &Parts, reply: Reply, changed_at: u64, now: u64) -> Reply {
    if !caching.is_on() || request.method != Method::GET || reply.status != 200 {
        return reply;
    }
    let mut reply = reply;
    if caching.etag && told(&reply, "ETag").is_none() {
        let etag = etag(&reply.body);
        reply = reply.with("ETag", etag);
    }
    if caching.last_modified {
        reply = reply.with("Last-Modified", date(changed_at));
    }
    if let Some(control) = &caching.control {
        reply = reply.with("Cache-Control", control);
    }
    // A date by another clock than the configured one would make answers look old or young.
    reply = reply.with("Date", date(now));
    let is_known = (caching.etag || caching.last_modified) && is_known(&request.headers, &reply, changed_at);
    if is_known {
        reply.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("Content-Type"));
        reply = Reply { status: 304, body: Vec::new(), ..reply };
    }
    reply
}

fn told<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    let found = reply.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

/// A strong one: answers share it when they are the same to the last byte.
fn etag(body: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    format!("\"{:016x}\"", hasher.finish())
}

fn time(micros: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(micros)
}

fn date(micros: u64) -> String {
    httpdate::fmt_http_date(time(micros))
}

/// Whether the client's conditions say that it has this answer. `If-Modified-Since` counts only without
/// `If-None-Match`, and by whole seconds.
fn is_known(headers: &HeaderMap, reply: &Reply, changed_at: u64) -> bool {
    let mut tags = headers.get_all(header::IF_NONE_MATCH).iter().peekable();
    if tags.peek().is_some() {
        let Some(own) = told(reply, "ETag").map(opaque) else { return false };
        let text = tags.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",");
        return text.split(',').map(str::trim).any(|tag| tag == "*" || opaque(tag) == own);
    }
    let since = headers.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
    let since = since.and_then(|text| httpdate::parse_http_date(text).ok());
    let seconds = changed_at / 1_000_000 * 1_000_000;
    since.is_some_and(|since| told(reply, "Last-Modified").is_some() && time(seconds) <= since)
}

/// A tag as weak comparison sees it.
fn opaque(tag: &str) -> &str {
    tag.trim_start_matches("W/")
}
