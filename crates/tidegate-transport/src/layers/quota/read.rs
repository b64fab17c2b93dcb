//! What an answer says of quotas: pure, from headers and body to what the ledger books.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, StatusCode};
use tidegate_quota::{Fate, Observation, Settlement, Throttling};

use super::body;
use super::call::Outlay;
use super::declared::Reader;
use super::throttle::LARGEST_BODY;
use super::time::{Reset, server_time};
use super::{common, ietf};
use crate::metering::{FigurePlace, Figures, Metering};
use crate::{ErrorKind, Sent, retry_after};

/// An answer, as far as it is looked at.
#[derive(Debug)]
pub(super) struct Answered<'a> {
    pub(super) status: StatusCode,
    pub(super) headers: &'a HeaderMap,
    /// The body, where it is at hand.
    pub(super) body: Option<&'a [u8]>,
    /// The server's time.
    pub(super) now: SystemTime,
}

/// What an answer says.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) settlement: Settlement,
    /// What a user should know of it.
    pub(super) complaints: Vec<Complaint>,
}

/// Figures that make no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Complaint {
    /// Where they stand.
    pub(super) place: String,
    pub(super) text: String,
}

/// What an answer says of a quota that is not declared.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Told {
    pub(super) name: String,
    pub(super) limit: Option<u64>,
    pub(super) remaining: Option<u64>,
    pub(super) used: Option<u64>,
    pub(super) reset: Option<Reset>,
    pub(super) window: Option<Duration>,
}

impl<'a> Answered<'a> {
    /// `local` is the time here, for servers that do not say theirs.
    pub(super) fn new(status: StatusCode, headers: &'a HeaderMap, body: Option<&'a [u8]>, local: SystemTime) -> Self {
        Self { status, headers, body, now: server_time(headers, local) }
    }
}

/// Reads an answer. `is_own` tells whether it is of the API itself, and not of another origin, whose figures are others.
pub(super) fn read(metering: &Metering, outlay: &Outlay<'_>, answer: &Answered<'_>, is_own: bool) -> Reading {
    let is_token_request = outlay.call.is_token_request;
    let says = |throttle: &crate::Throttle| throttle.matches(answer);
    // What else means "one too many" is declared of the API, and not of where it redirects to.
    let is_declared = is_own && !is_token_request && metering.throttles.iter().any(says);
    let is_throttled = answer.status == StatusCode::TOO_MANY_REQUESTS || is_declared;
    let mut settlement = Settlement {
        // Refusals count as errors where errors are counted (400, 401, 403 and 404 at Exact Online, which has such a
        // quota), and other answers of that class do too: to count one too many is the safe side.
        is_error: answer.status.is_client_error() && !is_throttled,
        is_overload: answer.status.is_server_error(),
        ..Settlement::answered()
    };
    let mut complaints = Vec::new();
    let mut found = Vec::new();
    if is_own {
        let places = body_places(outlay, answer);
        let body = answer.body.filter(|_| !places.is_empty()).map(|bytes| body::values(bytes, &places));
        let body = body.unwrap_or_default();
        let mut reader = Reader { answer, body: &body, complaints: &mut complaints };
        found.extend(outlay.quotas.iter().filter_map(|counted| reader.read(counted)));
        let free = outlay.quotas.iter().filter(|counted| counted.metered.free.contains(&answer.status));
        settlement.free = free.map(|counted| (counted.scope, Arc::clone(&counted.name))).collect();
        let points = outlay.quotas.iter().filter(|counted| counted.is_points());
        settlement.points = points.filter_map(|counted| reader.cost(counted)).max();
        if !is_token_request {
            found.extend(recognised(metering, outlay, answer));
        }
    }
    if is_throttled {
        let throttling = throttling(outlay, answer, &found);
        // What is spent until a time that the refusal alone names would else count as spent for a whole window.
        let open = found.iter_mut().filter(|seen| is_spent(seen) && seen.resets_in.is_none());
        open.for_each(|seen| seen.resets_in = throttling.wait);
        settlement.throttled = Some(throttling);
    }
    // An end of a window alone says nothing of what is left in it.
    let has_figures =
        |seen: &Observation| seen.limit.or(seen.remaining).or(seen.used).is_some() || seen.per_second.is_some();
    found.retain(has_figures);
    settlement.observations = found;
    Reading { settlement, complaints }
}

/// What became of a call that has no answer.
pub(super) fn unanswered(kind: ErrorKind, sent: Sent) -> Settlement {
    let fate = if sent == Sent::No { Fate::NotSent } else { Fate::Lost };
    Settlement { is_overload: kind == ErrorKind::Timeout, ..Settlement::of(fate) }
}

/// The places of a body that are to be read. Of a large one those alone that tell of points: an API that counts them
/// tells of them nowhere else.
fn body_places<'a>(outlay: &Outlay<'a>, answer: &Answered<'_>) -> Vec<&'a [String]> {
    let is_small = answer.body.is_some_and(|body| body.len() <= LARGEST_BODY);
    let read = outlay.quotas.iter().filter(|counted| is_small || counted.is_points());
    let places = read.flat_map(|counted| places(&counted.metered.figures));
    let bodies = places.filter_map(|place| match place {
        FigurePlace::Body(path) => Some(path.as_slice()),
        FigurePlace::Header(_) | FigurePlace::Pair(..) => None,
    });
    bodies.collect()
}

fn places(figures: &Figures) -> impl Iterator<Item = &FigurePlace> {
    let Figures { limit, remaining, used, used_of_limit, reset, cost, per_second } = figures;
    let reset = reset.iter().map(|(place, _)| place);
    [limit, remaining, used, used_of_limit, cost, per_second].into_iter().flatten().chain(reset)
}

/// Quotas that nobody declared. The standard's are read unless one is declared for the same headers; the common ones only
/// where no headers are declared at all.
fn recognised(metering: &Metering, outlay: &Outlay<'_>, answer: &Answered<'_>) -> Vec<Observation> {
    // Most answers tell of none, and the forms that are tried are many.
    if !answer.headers.keys().any(|name| ietf::is_one(name) || common::is_one(name)) {
        return Vec::new();
    }
    let declared = metering.quotas.iter().flat_map(|metered| places(&metered.figures));
    let declared: Vec<&HeaderName> = declared
        .filter_map(|place| match place {
            FigurePlace::Header(name) | FigurePlace::Pair(name, _) => Some(name),
            FigurePlace::Body(_) => None,
        })
        .collect();
    let mut told = ietf::read(answer.headers, answer.now, &|name| declared.contains(&name));
    if told.is_empty() && declared.is_empty() {
        told.extend(common::read(answer.headers, answer.now));
    }
    let seen = told.into_iter().map(|told| Observation {
        scope: outlay.default_scope,
        quota: sanitised(&told.name),
        limit: told.limit,
        remaining: told.remaining,
        used: told.used,
        resets_in: told.reset.and_then(|reset| reset.latest(told.window)),
        window: told.window,
        per_second: None,
    });
    seen.collect()
}

/// A name that a server chose, as one that can be shown and kept.
fn sanitised(name: &str) -> Arc<str> {
    let fit = |letter: char| if letter.is_ascii_alphanumeric() || "_-.:/".contains(letter) { letter } else { '_' };
    let name: String = name.trim().chars().take(64).map(fit).collect();
    if name.is_empty() { ietf::UNNAMED.into() } else { name.into() }
}

/// A refusal: whom it concerns, and for how long. `Retry-After` goes before all else. The quota that is spent by the
/// answer's own figures is the one that refused; when none is, or several are, all of the scope wait.
fn throttling(outlay: &Outlay<'_>, answer: &Answered<'_>, found: &[Observation]) -> Throttling {
    let asked = retry_after(answer.headers, answer.now);
    let spent: Vec<&Observation> = found.iter().filter(|seen| is_spent(seen)).collect();
    if let [seen] = spent.as_slice() {
        let wait = asked.or(seen.resets_in);
        return Throttling { scope: seen.scope, quota: Some(Arc::clone(&seen.quota)), wait };
    }
    // Where nothing says how much is left, the soonest end is tried. Figures of what has room name no time to wait for.
    let blind = found.iter().filter(|seen| seen.remaining.is_none() && seen.used.is_none());
    let soonest = || blind.filter_map(|seen| seen.resets_in).min();
    let wait = asked.or_else(|| spent.iter().filter_map(|seen| seen.resets_in).max()).or_else(soonest);
    Throttling { scope: outlay.default_scope, quota: None, wait }
}

fn is_spent(seen: &Observation) -> bool {
    seen.remaining == Some(0) || seen.used.zip(seen.limit).is_some_and(|(used, limit)| used >= limit)
}

impl Complaint {
    pub(super) fn absurd(place: &FigurePlace, text: &str) -> Self {
        let place = match place {
            FigurePlace::Header(name) => format!("header {name}"),
            FigurePlace::Pair(name, key) => format!("'{key}' in header {name}"),
            FigurePlace::Body(path) => format!("'{}' in the body", path.join(".")),
        };
        Self { place, text: text.chars().take(80).collect() }
    }
}
