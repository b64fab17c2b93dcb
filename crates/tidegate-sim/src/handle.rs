//! The way of one request: log, faults before the effect, login and quotas at its arrival; then its delay, the shape, and
//! faults after the effect.

use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderMap, Response, header};
use percent_encoding::percent_decode_str;

use crate::config::{Auth, Config, Shape};
use crate::data::{Source, mix, sales};
use crate::fault::{RedirectTo, RetryAfter, What};
use crate::log::{LoggedRequest, Ticket};
use crate::net::Knife;
use crate::odata::fail::Fail;
use crate::odata::filter::ast::Dialect;
use crate::odata::{self, Call};
use crate::quota::{self, Counts, Entry};
use crate::reply::Reply;
use crate::server::{Inner, root};
use crate::{library, plain};

/// Where a `RedirectTo::Moved` leads.
const MOVED: &str = "/_moved";

/// Answers one request and completes its log entry.
pub(crate) async fn handle(inner: &Inner, knife: &Knife, request: &Parts) -> Response<Body> {
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
        arrived_us: inner.config.clock.micros(),
        refused_by: None,
        status: None,
        bytes: 0,
        effect: false,
    });
    let faults = strike(inner, ticket.n, path, query);
    let is_cut = faults.contains(&What::CutBefore);
    let admission = match before(inner, request, &faults) {
        _ if is_cut => Err(Reply::empty(500)),
        Some(reply) => Err(reply),
        None => admit(inner, request, ticket),
    };
    wait(inner, ticket.n, &faults).await;
    if is_cut {
        knife.cut();
        return Reply::empty(500).send(&[]);
    }
    let effect = admission.is_ok() && pairs.is_ok();
    let mut reply = match admission {
        Err(reply) => reply,
        Ok(admitted) => effect_of(inner, request, admitted, pairs, &faults),
    };
    if faults.contains(&What::CutAfter) {
        inner.log.finish(ticket, None, 0, effect);
        knife.cut();
        return Reply::empty(500).send(&[]);
    }
    reply.spoil(&faults);
    reply.script_headers(&faults);
    inner.log.finish(ticket, Some(reply.status), reply.body.len() as u64, effect);
    reply.send(&faults)
}

fn strike(inner: &Inner, n: u64, path: &str, query: &str) -> Vec<What> {
    let decoded = percent_decode_str(query).decode_utf8_lossy();
    let mut script = inner.script.lock().unwrap_or_else(PoisonError::into_inner);
    let random = inner.config.random_faults.as_ref();
    script.strike(n, path, &decoded, random, inner.config.seed)
}

async fn wait(inner: &Inner, n: u64, faults: &[What]) {
    let extra = faults.iter().map(|f| if let What::Delay(d) = f { *d } else { Duration::ZERO });
    let jitter = inner.config.jitter.as_micros() as u64;
    let jitter = Duration::from_micros(mix(inner.config.seed ^ mix(n)) % (jitter + 1));
    let total = inner.config.latency + jitter + extra.sum::<Duration>();
    if !total.is_zero() {
        tokio::time::sleep(total).await;
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

/// A request that is let in.
struct Admitted<'a> {
    division: u32,
    root: String,
    /// Path below the root.
    rest: &'a str,
    /// What quotas of calls tell, as of the arrival.
    headers: Vec<(String, String)>,
    permit: Permit<'a>,
}

/// Checks the request when it arrives, the quotas last.
fn admit<'a>(inner: &'a Inner, request: &'a Parts, ticket: Ticket) -> Result<Admitted<'a>, Reply> {
    let config = &inner.config;
    let target = request.uri.path_and_query().map_or(0, |p| p.as_str().len());
    if target > config.max_url {
        let limit = config.max_url;
        let fail = Fail::new(414, "UriTooLong", format!("the URL is longer than {limit} bytes"));
        return Err(refusal(config, &fail));
    }
    if let Some(challenge) = challenge(&config.auth, &request.headers) {
        let fail = Fail::new(401, "Unauthorized", "The login is missing or wrong.");
        return Err(refusal(config, &fail).with("WWW-Authenticate", challenge));
    }
    let path = request.uri.path();
    let path = path.strip_prefix(MOVED).unwrap_or(path);
    let Some((division, root, rest)) = locate(config, path) else {
        return Err(refusal(config, &Fail::missing("There is no service at this path.")));
    };
    let now = config.clock.micros();
    let mut counters = inner.counters();
    let entry = counters.arrive(division, now);
    let headers = counters.headers(division, now, Counts::Calls);
    match entry {
        Ok(entry) => Ok(Admitted { division, root, rest, headers, permit: Permit { inner, entry: Some(entry) } }),
        Err(refused) => {
            inner.log.refuse(ticket, &refused.quota);
            let fail = Fail::new(429, "TooManyRequests", "The quota of calls is spent.");
            let mut reply = quota::refusal(config, &refused, || self::refusal(config, &fail));
            reply.headers.extend(headers);
            reply.headers.extend(counters.headers(division, now, Counts::Points));
            Err(reply)
        }
    }
}

/// A call in work; it ends when it is answered or when its client goes away.
struct Permit<'a> {
    inner: &'a Inner,
    entry: Option<Entry>,
}

impl Permit<'_> {
    fn end(&mut self, points: Option<u64>) {
        if let Some(entry) = self.entry.take() {
            self.inner.counters().leave(entry, self.inner.config.clock.micros(), points);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.end(None);
    }
}

/// Lets the shape answer, and tells of the quotas.
fn effect_of(
    inner: &Inner,
    request: &Parts,
    admitted: Admitted<'_>,
    pairs: Result<Vec<(String, String)>, String>,
    faults: &[What],
) -> Reply {
    let Admitted { division, root, rest, headers, mut permit } = admitted;
    let config = &inner.config;
    let mut reply = match pairs {
        Err(message) => refusal(config, &Fail::bad(message)),
        Ok(pairs) => shape(inner, request, division, &root, rest, &pairs, faults),
    };
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

fn shape(
    inner: &Inner,
    request: &Parts,
    division: u32,
    root: &str,
    rest: &str,
    pairs: &[(String, String)],
    faults: &[What],
) -> Reply {
    let config = &inner.config;
    let seed = if division == 0 { config.seed } else { mix(config.seed ^ u64::from(division)) };
    let source = Source { seed, sizes: sales::sizes(config.rows, &config.sizes) };
    let dialect = match config.shape {
        Shape::Plain | Shape::Library => {
            if request.method != http::Method::GET {
                return Reply::empty(405).with("Allow", "GET");
            }
            if config.shape == Shape::Library {
                return library::serve(config, &source, rest, pairs);
            }
            return plain::serve(config, &source, &format!("/{rest}"), pairs, faults);
        }
        Shape::ODataV2 => Dialect::V2,
        Shape::ODataV4 => Dialect::V4,
    };
    let Ok(path) = percent_decode_str(rest).decode_utf8() else {
        return refusal(config, &Fail::bad("the path is not UTF-8"));
    };
    odata::serve(&Call {
        config,
        source: &source,
        cache: &inner.cache,
        dialect,
        origin: &inner.origin,
        root,
        method: &request.method,
        path: &path,
        pairs,
        headers: &request.headers,
        faults,
    })
}

/// Division (0 if there are none), path of the root, and what follows it.
fn locate<'a>(config: &Config, path: &'a str) -> Option<(u32, String, &'a str)> {
    let division = if config.divisions == 0 {
        0
    } else {
        let number = path.strip_prefix("/api/v1/")?.split('/').next()?;
        number.parse().ok().filter(|d| (1..=config.divisions).contains(d))?
    };
    let root = root(config, division);
    // The root itself answers without its last slash too.
    let rest = path.strip_prefix(root.as_str());
    let rest = rest.or_else(|| (path == root.trim_end_matches('/')).then_some(""))?;
    Some((division, root, rest))
}

fn refusal(config: &Config, fail: &Fail) -> Reply {
    match config.shape {
        Shape::ODataV2 => odata::error(Dialect::V2, fail),
        Shape::ODataV4 => odata::error(Dialect::V4, fail),
        Shape::Plain | Shape::Library => {
            let body = serde_json::json!({ "message": fail.message });
            Reply::new(fail.status, "application/json", body.to_string())
        }
    }
}

/// The challenge to send if the login is missing or wrong.
fn challenge(auth: &Auth, headers: &HeaderMap) -> Option<&'static str> {
    let given = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).unwrap_or("");
    let (scheme, credentials) = given.split_once(' ').unwrap_or((given, ""));
    match auth {
        Auth::None => None,
        Auth::Basic { user, password } => {
            let wanted = STANDARD.encode(format!("{user}:{password}"));
            let right = scheme.eq_ignore_ascii_case("basic") && credentials.trim() == wanted;
            (!right).then_some("Basic realm=\"simulated\", charset=\"UTF-8\"")
        }
        Auth::Bearer(token) => {
            let right = scheme.eq_ignore_ascii_case("bearer") && credentials.trim() == token;
            (!right).then_some("Bearer realm=\"simulated\"")
        }
    }
}

/// Splits and decodes a query. A plus sign is a plus sign; characters that RFC 3986 does not allow
/// unencoded are an error.
fn pairs(query: &str) -> Result<Vec<(String, String)>, String> {
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
