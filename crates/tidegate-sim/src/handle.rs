//! The way of one request: log, faults before the effect, login and quotas at its arrival; then its delay, the shape, and
//! faults after the effect.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use bytes::Bytes;
use http::Response;
use http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::admit::{Admitted, admit};
use crate::config::{Config, Shape};
use crate::data::{Source, mix, sales};
use crate::effect::Effect;
use crate::fault::{RedirectTo, RetryAfter, What};
use crate::log::LoggedRequest;
use crate::net::Knife;
use crate::odata::fail::Fail;
use crate::odata::filter::ast::Dialect;
use crate::odata::{self, Ask};
use crate::quota::Counts;
use crate::reply::Reply;
use crate::server::Inner;
use crate::{caching, encoding, library, plain, rest};

/// Where a `RedirectTo::Moved` leads.
pub(crate) const MOVED: &str = "/_moved";

/// What a test or another program may ask beside the API, without the log, faults or quotas.
pub(crate) fn beside(inner: &Inner, request: &Parts) -> Option<Response<Body>> {
    let json = match (request.method.as_str(), request.uri.path()) {
        ("GET", "/_effects") => inner.store.effects.all().iter().map(Effect::json).collect(),
        ("GET", "/_requests") => serde_json::json!({
            "count": inner.log.len(),
            "refused": inner.log.count(|request| request.refused_by.is_some()),
            "effects": inner.store.effects.len(),
            "bytes": inner.log.bytes(),
            "peak_in_flight": inner.peak.load(Ordering::SeqCst),
        }),
        _ => return None,
    };
    Some(Reply::new(200, "application/json", json.to_string()).send(&[]))
}

/// Whether a request whose client has gone away is worked on to its end: a write is or is not, by seed and number, since
/// both happen to those who are cut off. There is nothing to work on for anybody else.
pub(crate) fn is_finished(inner: &Inner, request: &Parts) -> bool {
    let number = inner.log.len() as u64;
    request.method != http::Method::GET && mix(inner.config.seed ^ mix(number)).is_multiple_of(2)
}

/// Answers one request and completes its log entry.
pub(crate) async fn handle(inner: &Inner, knife: &Knife, request: &Parts, body: &Bytes) -> Response<Body> {
    let path = request.uri.path();
    let query = request.uri.query().unwrap_or("");
    let pairs = pairs(query);
    let ticket = inner.log.arrive(LoggedRequest {
        n: 0,
        method: request.method.clone(),
        path: path.to_owned(),
        query: query.to_owned(),
        pairs: pairs.clone().unwrap_or_default(),
        headers: request.headers.clone(),
        body: body.clone(),
        arrived_us: inner.config.clock.micros(),
        refused_by: None,
        status: None,
        bytes: 0,
        effect: false,
    });
    let faults = strike(inner, ticket.n, request);
    let is_cut = faults.contains(&What::CutBefore);
    let admission = match before(inner, request, &faults) {
        _ if is_cut => Err(Reply::empty(500)),
        Some(reply) => Err(reply),
        None => admit(inner, request, body, ticket),
    };
    wait(inner, ticket.n, &faults).await;
    if is_cut {
        knife.cut();
        return Reply::empty(500).send(&[]);
    }
    let effect = admission.is_ok() && pairs.is_ok();
    let mut reply = match admission {
        Err(reply) => reply,
        Ok(admitted) => effect_of(inner, &Asked { request, body, n: ticket.n, faults: &faults }, admitted, pairs),
    };
    if faults.contains(&What::CutAfter) {
        inner.log.finish(ticket, None, 0, effect);
        knife.cut();
        return Reply::empty(500).send(&[]);
    }
    let fails = faults.iter().find_map(|fault| if let What::FailAfter(code) = fault { Some(*code) } else { None });
    if let Some(code) = fails {
        reply = Reply::new(code, "text/plain", format!("simulated failure {code}"));
    }
    reply.spoil(&faults);
    reply.script_headers(&faults);
    inner.log.finish(ticket, Some(reply.status), reply.body.len() as u64, effect);
    reply.send(&faults)
}

fn strike(inner: &Inner, n: u64, request: &Parts) -> Vec<What> {
    let (method, path) = (request.method.as_str(), request.uri.path());
    let decoded = percent_decode_str(request.uri.query().unwrap_or("")).decode_utf8_lossy();
    let mut script = inner.script.lock().unwrap_or_else(PoisonError::into_inner);
    let random = inner.config.random_faults.as_ref();
    script.strike(n, method, path, &decoded, random, inner.config.seed)
}

/// What the runtime's timer adds to a wait on average: it rounds up to a millisecond, twice (its wheel, and the system call
/// that waits). The latency that is asked for is what a client is to see.
const TIMER: Duration = Duration::from_millis(1);

async fn wait(inner: &Inner, n: u64, faults: &[What]) {
    let extra = faults.iter().map(|f| if let What::Delay(d) = f { *d } else { Duration::ZERO });
    let jitter = inner.config.jitter.as_micros() as u64;
    let jitter = Duration::from_micros(mix(inner.config.seed ^ mix(n)) % (jitter + 1));
    let total = inner.config.latency + jitter + extra.sum::<Duration>();
    if !total.is_zero() {
        tokio::time::sleep(total.saturating_sub(TIMER.min(total / 10))).await;
    }
}

/// The answer of a fault that strikes before the effect.
fn before(inner: &Inner, request: &Parts, faults: &[What]) -> Option<Reply> {
    faults.iter().find_map(|fault| match fault {
        What::Status { code, retry_after } => {
            let reply = Reply::new(*code, "text/plain", format!("simulated failure {code}"));
            Some(match retry_after {
                RetryAfter::None => reply,
                RetryAfter::Seconds(s) => reply.with("Retry-After", s.to_string()),
                RetryAfter::Date(s) => {
                    let at = SystemTime::now() + Duration::from_secs(*s);
                    reply.with("Retry-After", httpdate::fmt_http_date(at))
                }
            })
        }
        What::Redirect { code, to } => {
            let here = request.uri.path_and_query().map_or("/", |p| p.as_str());
            let target = match to {
                RedirectTo::Itself => format!("{}{here}", inner.origin),
                RedirectTo::Moved => format!("{}{MOVED}{here}", inner.origin),
                RedirectTo::Origin(origin) => format!("{}{here}", origin.trim_end_matches('/')),
            };
            Some(Reply::empty(*code).with("Location", target))
        }
        _ => None,
    })
}

/// A request as the shapes see it.
struct Asked<'a> {
    request: &'a Parts,
    body: &'a Bytes,
    /// Number in the log.
    n: u64,
    faults: &'a [What],
}

/// Lets the shape answer, and tells of the quotas.
fn effect_of(
    inner: &Inner,
    asked: &Asked<'_>,
    admitted: Admitted<'_>,
    pairs: Result<Vec<(String, String)>, String>,
) -> Reply {
    let Admitted { division, root, rest, mut headers, mut permit, claim } = admitted;
    let config = &inner.config;
    let mut reply = match pairs {
        Err(message) => refusal(config, &Fail::bad(message)),
        Ok(pairs) => encoded(inner, asked, || shape(inner, asked, (division, &root), rest, &pairs)),
    };
    if let Some(claim) = &claim {
        inner.store.keys.keep(&claim.keyed, &reply);
    }
    let changed_at = inner.store.effects.changed_at(division).max(inner.started_us);
    reply = caching::validate(&config.caching, asked.request, reply, changed_at, config.clock.micros());
    if reply.status == 304 && config.caching.free_304 {
        headers = permit.forgive(division);
    }
    let points = config.cost.actual(reply.body.len());
    permit.end(Some(points));
    let now = config.clock.micros();
    let mut counters = inner.counters();
    let state = counters.points(division, now);
    let told = counters.headers(division, now, Counts::Points);
    drop(counters);
    reply.headers.extend(headers);
    reply.headers.extend(told);
    config.cost.tell(&mut reply, points, state.as_ref());
    reply
}

/// The answer in the form that the client takes, or one that was kept.
fn encoded(inner: &Inner, asked: &Asked<'_>, make: impl FnOnce() -> Reply) -> Reply {
    let config = &inner.config;
    let is_compressed = config.gzip && encoding::takes_gzip(&asked.request.headers);
    let make = || if is_compressed { encoding::compress(make()) } else { make() };
    // Things never change; what a fault did to one is no answer to keep.
    let is_kept = config.plain.prepared && config.shape == Shape::Plain && asked.faults.is_empty();
    match asked.request.uri.path_and_query() {
        Some(target) if is_kept => inner.prepared.get(target.as_str(), is_compressed, make),
        _ => make(),
    }
}

/// The generated rows of a division.
pub(crate) fn source(config: &Config, division: u32) -> Source {
    let seed = if division == 0 { config.seed } else { mix(config.seed ^ u64::from(division)) };
    Source { seed, sizes: sales::sizes(config.rows, &config.sizes) }
}

fn shape(
    inner: &Inner,
    asked: &Asked<'_>,
    (division, root): (u32, &str),
    rest: &str,
    pairs: &[(String, String)],
) -> Reply {
    let (config, request) = (&inner.config, asked.request);
    let source = source(config, division);
    let dialect = match config.shape {
        Shape::Plain | Shape::Library => {
            if !matches!(request.method, http::Method::GET | http::Method::HEAD) {
                return Reply::empty(405).with("Allow", "GET, HEAD");
            }
            if config.shape == Shape::Library {
                return library::serve(config, &source, rest, pairs);
            }
            return plain::serve(config, &source, &format!("/{rest}"), pairs, asked.faults);
        }
        Shape::Rest => {
            return rest::serve(&rest::Call {
                config,
                source: &source,
                store: &inner.store,
                division,
                n: asked.n,
                method: &request.method,
                path: &percent_decode_str(rest).decode_utf8_lossy(),
                pairs,
                headers: &request.headers,
                body: asked.body,
            });
        }
        Shape::ODataV2 => Dialect::V2,
        Shape::ODataV4 => Dialect::V4,
    };
    let Ok(path) = percent_decode_str(rest).decode_utf8() else {
        return refusal(config, &Fail::bad("the path is not UTF-8"));
    };
    odata::serve(&Ask {
        config,
        source: &source,
        cache: &inner.cache,
        store: &inner.store,
        division,
        n: asked.n,
        dialect,
        origin: &inner.origin,
        root,
        method: &request.method,
        path: &path,
        pairs,
        headers: &request.headers,
        body: asked.body,
        faults: asked.faults,
    })
}

pub(crate) fn refusal(config: &Config, fail: &Fail) -> Reply {
    match config.shape {
        Shape::ODataV2 => odata::error(Dialect::V2, fail),
        Shape::ODataV4 => odata::error(Dialect::V4, fail),
        Shape::Rest => {
            let body = serde_json::json!({ "error": { "message": fail.message } });
            Reply::new(fail.status, "application/json", body.to_string())
        }
        Shape::Plain | Shape::Library => {
            let body = serde_json::json!({ "message": fail.message });
            Reply::new(fail.status, "application/json", body.to_string())
        }
    }
}

/// Splits and decodes a query. A plus sign is a plus sign; characters that RFC 3986 does not allow
/// unencoded are an error.
pub(crate) fn pairs(query: &str) -> Result<Vec<(String, String)>, String> {
    if query.is_empty() {
        return Ok(Vec::new());
    }
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&b);
    if let Some(bad) = query.bytes().find(|b| !legal(*b)) {
        return Err(format!("the character {:?} must be percent-encoded in a query", bad as char));
    }
    query
        .split('&')
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

fn decode(text: &str) -> Result<String, String> {
    let whole = text
        .match_indices('%')
        .all(|(i, _)| text.as_bytes().get(i + 1..i + 3).is_some_and(|h| h.iter().all(u8::is_ascii_hexdigit)));
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.ok().filter(|_| whole).map(|s| s.into_owned()).ok_or_else(|| "broken percent-encoding".to_owned())
}
