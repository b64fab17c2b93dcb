//! What may be done with an answer: RFC 9111 for a private cache, as http-cache-semantics decides it.
//!
//! The crate is handed a few fields that are read and written anew here, since it reads names of directives with case,
//! takes any date that mail has, trusts an `Age` of any size, and keeps one value of a field that has several. For how
//! old an answer is it looks at `Age` alone; here a date in the past counts too (RFC 9111, 4.2.3).
//!
//! No freshness is guessed from `Last-Modified`: what the server has not said is the user's to say (`max_staleness`).

use std::time::{Duration, SystemTime};

use http::header::{AGE, CACHE_CONTROL, DATE, ETAG, EXPIRES, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_cache_semantics::{CacheOptions, CachePolicy};

use super::answer::Answer;
use super::directives::{Directives, MOST_SECONDS, seconds};
use crate::{Caching, Request};

/// Whether an answer may be worth storing for statements like this one, by what its headers say at all: whoever says
/// nothing of how long it lasts, and gives nothing to ask about it by, has most of the answers there are.
pub(super) fn may_be_of_use(headers: &HeaderMap, caching: &Caching) -> bool {
    let is_wanted_stale = !caching.max_staleness.max(caching.stale_if_error).is_zero();
    is_wanted_stale || [CACHE_CONTROL, EXPIRES, ETAG, LAST_MODIFIED].iter().any(|name| headers.contains_key(name))
}

/// What is thought of one answer.
#[derive(Debug)]
pub(super) struct Policy {
    semantics: CachePolicy,
    says: Directives,
    varies_always: bool,
    has_validator: bool,
    received_at: SystemTime,
}

/// How an answer may be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// As it is.
    AsIs,
    /// When the server says that it still holds.
    IfItHolds,
    /// Not at all.
    No,
}

impl Policy {
    pub(super) fn new(request: &HeaderMap, answer: &Answer) -> Self {
        let says = Directives::of(&answer.headers);
        let mut asked = http::Request::new(());
        *asked.method_mut() = Method::GET;
        if Directives::of(request).no_store {
            asked.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        let mut answered = http::Response::new(());
        *answered.status_mut() = answer.status;
        *answered.headers_mut() = plain(&says, answer);
        let options = CacheOptions {
            shared: false,
            cache_heuristic: 0.0,
            immutable_min_time_to_live: Duration::ZERO,
            ignore_cargo_cult: false,
        };
        let varies_always = answer.headers.get_all(VARY).iter().any(|field| field.as_bytes().contains(&b'*'));
        Self {
            semantics: CachePolicy::new_options(&asked, &answered, answer.received_at, options),
            says,
            varies_always,
            has_validator: validators(answer).next().is_some(),
            received_at: answer.received_at,
        }
    }

    /// How old the answer is, wherever it was before it was received.
    pub(super) fn age(answer: &Answer, now: SystemTime) -> Duration {
        age_at_receipt(answer) + now.duration_since(answer.received_at).unwrap_or_default()
    }

    /// Whether it may be stored at all, and given to others who ask the same at the same time.
    pub(super) fn is_storable(&self) -> bool {
        !self.varies_always && self.semantics.is_storable()
    }

    /// Whether a statement like this one could ever use it.
    pub(super) fn is_worth_storing(&self, caching: &Caching) -> bool {
        let lasts = self.has_validator || !self.semantics.time_to_live(self.received_at).is_zero();
        let is_wanted = caching.max_staleness.max(caching.stale_if_error) > Duration::ZERO && !self.forbids_stale();
        self.is_storable() && (lasts || is_wanted)
    }

    /// Until when it may be used as it is; `None` where that is at no time.
    pub(super) fn fresh_until(&self) -> Option<SystemTime> {
        let lasts = self.semantics.time_to_live(self.received_at);
        (!lasts.is_zero()).then(|| self.received_at.checked_add(lasts)).flatten()
    }

    /// What a request may do with it.
    pub(super) fn usable(&self, request: &HeaderMap, now: SystemTime, caching: &Caching) -> Use {
        let asks = Directives::of(request);
        if !self.is_storable() || asks.no_store {
            return Use::No;
        }
        let is_enough = !asks.no_cache
            && asks.max_age.is_none_or(|most| self.semantics.age(now) <= Duration::from_secs(most))
            && (self.is_fresh(now) || self.is_within(caching.max_staleness, now));
        if is_enough { Use::AsIs } else { self.if_it_holds() }
    }

    /// What a request may do with it that must not take it as it is.
    pub(super) fn if_it_holds(&self) -> Use {
        if self.has_validator { Use::IfItHolds } else { Use::No }
    }

    /// Whether it may stand in for an answer that could not be had.
    pub(super) fn stands_in(&self, now: SystemTime, caching: &Caching) -> bool {
        self.is_storable() && self.is_within(caching.stale_if_error, now)
    }

    /// What was received in the future was received before the clock was set back: nobody knows how old it is.
    fn is_fresh(&self, now: SystemTime) -> bool {
        now >= self.received_at && !self.semantics.is_stale(now)
    }

    fn is_within(&self, bound: Duration, now: SystemTime) -> bool {
        let since = now.duration_since(self.received_at);
        !bound.is_zero() && !self.forbids_stale() && since.is_ok_and(|since| since <= bound)
    }

    /// Whether the server forbids to use it without asking once it is stale (RFC 9111, 4.2.4). The user's word does not
    /// stand over that: a 304 is to be had for it.
    fn forbids_stale(&self) -> bool {
        self.says.no_cache || self.says.must_revalidate
    }
}

/// Makes a request one that asks whether an answer still holds (RFC 9111, 4.3.1).
pub(super) fn make_conditional(request: &mut Request, answer: &Answer) {
    for (condition, value) in validators(answer) {
        request.headers.insert(condition, value.clone());
    }
}

/// Longest validator that is sent back: a request whose headers are too long is refused.
const LONGEST_VALIDATOR: usize = 1_024;

/// What an answer can be asked about by, each with the header that asks.
///
/// A `Last-Modified` of the second in which it was answered does not tell it from a change in that second (RFC 9110,
/// 8.8.2.2).
fn validators(answer: &Answer) -> impl Iterator<Item = (HeaderName, &HeaderValue)> {
    let tag = answer.headers.get(ETAG).map(|tag| (IF_NONE_MATCH, tag));
    let answered = date(&answer.headers, &DATE).unwrap_or(answer.received_at);
    let is_strong = |modified: SystemTime| answered.duration_since(modified).is_ok_and(|since| since >= CHANGES_WITHIN);
    let modified =
        answer.headers.get(LAST_MODIFIED).filter(|_| date(&answer.headers, &LAST_MODIFIED).is_some_and(is_strong));
    let all = tag.into_iter().chain(modified.map(|modified| (IF_MODIFIED_SINCE, modified)));
    all.filter(|(_, value)| value.len() <= LONGEST_VALIDATOR)
}

/// A date in whole seconds, and another clock that rounds otherwise.
const CHANGES_WITHIN: Duration = Duration::from_secs(2);

/// Whether a 304 speaks of this answer (RFC 9111, 4.3.4). One without a validator does: nothing else was asked about.
pub(super) fn confirms(told: &HeaderMap, answer: &Answer) -> bool {
    let opaque = |headers: &HeaderMap| {
        let tag = headers.get(ETAG)?.as_bytes();
        Some(tag.strip_prefix(b"W/").unwrap_or(tag).to_vec())
    };
    match (opaque(told), opaque(&answer.headers)) {
        (Some(told), Some(known)) => told == known,
        (Some(_), None) => false,
        (None, _) => {
            let told = told.get(LAST_MODIFIED);
            told.is_none() || told == answer.headers.get(LAST_MODIFIED)
        }
    }
}

/// The fields that the crate decides by.
fn plain(says: &Directives, answer: &Answer) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let age = age_at_receipt(answer).as_secs();
    headers.insert(AGE, HeaderValue::from(age));
    for (is_said, directive) in
        [(says.no_store, "no-store"), (says.no_cache, "no-cache"), (says.must_revalidate, "must-revalidate")]
    {
        if is_said {
            headers.append(CACHE_CONTROL, HeaderValue::from_static(directive));
        }
    }
    let max_age = says.max_age.map(|seconds| HeaderValue::try_from(format!("max-age={seconds}")));
    if let Some(Ok(max_age)) = max_age {
        headers.append(CACHE_CONTROL, max_age);
    }
    if let Some(date) = date(&answer.headers, &DATE) {
        headers.insert(DATE, written(date));
    }
    if answer.headers.contains_key(EXPIRES) {
        // What is no date has passed (RFC 9111, 5.3).
        let expires = date(&answer.headers, &EXPIRES);
        headers.insert(EXPIRES, expires.map_or(HeaderValue::from_static("0"), written));
    }
    for validator in [ETAG, LAST_MODIFIED] {
        if let Some(value) = answer.headers.get(&validator) {
            headers.insert(validator, value.clone());
        }
    }
    headers
}

/// RFC 9111, 4.2.3.
fn age_at_receipt(answer: &Answer) -> Duration {
    let Answer { headers, asked_at, received_at, .. } = answer;
    let told = headers.get(AGE).and_then(|age| age.to_str().ok()).and_then(|text| {
        // Of several the first counts (5.1).
        seconds(text.split(',').next().unwrap_or(text).trim())
    });
    let on_the_way = received_at.duration_since(*asked_at).unwrap_or_default();
    let apparent = date(headers, &DATE).and_then(|date| received_at.duration_since(date).ok()).unwrap_or_default();
    let most = Duration::from_secs(MOST_SECONDS);
    // Whole seconds: that is what dates and ages are told in.
    let corrected = Duration::from_secs(told.unwrap_or(0)) + on_the_way;
    Duration::from_secs(apparent.max(corrected).min(most).as_secs())
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}

fn written(date: SystemTime) -> HeaderValue {
    // A date that was read can be written.
    HeaderValue::try_from(httpdate::fmt_http_date(date)).unwrap_or(HeaderValue::from_static("0"))
}
