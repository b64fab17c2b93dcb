//! What is looked at when a request arrives: its length, login and path, the quotas, and its idempotency key, in this order.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, header};

use crate::config::{Auth, Config, Shape};
use crate::handle::{MOVED, refusal};
use crate::log::Ticket;
use crate::odata::fail::Fail;
use crate::quota::{self, Counts, Entry};
use crate::reply::Reply;
use crate::rest::keys::{Arrived, Keyed};
use crate::server::{Inner, root};

/// A request that is let in.
pub(crate) struct Admitted<'a> {
    pub(crate) division: u32,
    pub(crate) root: String,
    /// Path below the root.
    pub(crate) rest: &'a str,
    /// What quotas of calls tell, as of the arrival.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) permit: Permit<'a>,
    pub(crate) claim: Option<Claim<'a>>,
}

/// Checks the request when it arrives, the quotas last.
pub(crate) fn admit<'a>(
    inner: &'a Inner,
    request: &'a Parts,
    body: &Bytes,
    ticket: Ticket,
) -> Result<Admitted<'a>, Reply> {
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
        Ok(entry) => {
            drop(counters);
            let permit = Permit { inner, entry: Some(entry) };
            match claim(inner, division, request, body) {
                Ok(claim) => Ok(Admitted { division, root, rest, headers, permit, claim }),
                Err(mut reply) => {
                    reply.headers.extend(headers);
                    Err(reply)
                }
            }
        }
        Err(refused) => {
            inner.log.refuse(ticket, &refused.quota);
            let fail = Fail::new(429, "TooManyRequests", "The quota of calls is spent.");
            let mut reply = quota::refusal(config, &refused, || refusal(config, &fail));
            reply.headers.extend(headers);
            reply.headers.extend(counters.headers(division, now, Counts::Points));
            Err(reply)
        }
    }
}

/// The first request under an idempotency key; unless it is answered, it was not done.
pub(crate) struct Claim<'a> {
    inner: &'a Inner,
    pub(crate) keyed: Keyed,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.inner.store.keys.forget(&self.keyed);
    }
}

/// Looks at the idempotency key; an error is the answer to a request that is not to be done.
fn claim<'a>(inner: &'a Inner, division: u32, request: &Parts, body: &Bytes) -> Result<Option<Claim<'a>>, Reply> {
    let config = &inner.config;
    let keyed = Keyed::new(division, request, body).filter(|_| config.shape == Shape::Rest);
    let Some(keyed) = keyed else { return Ok(None) };
    match inner.store.keys.arrive(&keyed, config.clock.micros(), config.rest.key_lifetime) {
        Arrived::First => Ok(Some(Claim { inner, keyed })),
        Arrived::Again(reply) => Err(reply.with("Idempotent-Replayed", "true")),
        Arrived::Busy => {
            let fail = Fail::new(409, "Conflict", "A request with this idempotency key is being worked on.");
            Err(refusal(config, &fail))
        }
        Arrived::Other => {
            let fail = Fail::new(422, "Reused", "This idempotency key was used for another request.");
            Err(refusal(config, &fail))
        }
    }
}

/// A call in work; it ends when it is answered or when its client goes away.
pub(crate) struct Permit<'a> {
    inner: &'a Inner,
    entry: Option<Entry>,
}

impl Permit<'_> {
    pub(crate) fn end(&mut self, points: Option<u64>) {
        if let Some(entry) = self.entry.take() {
            self.inner.counters().leave(entry, self.inner.config.clock.micros(), points);
        }
    }
}

impl Permit<'_> {
    /// It has ended and is not counted; what the quotas of calls tell then.
    pub(crate) fn forgive(&mut self, division: u32) -> Vec<(String, String)> {
        let now = self.inner.config.clock.micros();
        let mut counters = self.inner.counters();
        if let Some(entry) = self.entry.take() {
            counters.forgive(entry, now);
        }
        counters.headers(division, now, Counts::Calls)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.end(None);
    }
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
