//! A private HTTP cache (RFC 9111): answers that were paid for are used again as far as server and user allow.
//!
//! It stands inside of redirect and guard, so that each hop has an answer of its own under a URL that may be called, and
//! outside of retry and meter: what it answers is no attempt, and comes out of no quota. It handles requests that read
//! ([`Purpose::Read`]) of statements that use it, and marks the scope of writes whoever sends them.
//!
//! * `policy` says what may be done with an answer, by http-cache-semantics; `directives` reads `Cache-Control` for it.
//! * `key` says what an answer is found by: never by another credential, principal or partition.
//! * `memory` and a [`CacheStore`](crate::CacheStore) hold answers; one that fails costs calls and no statement.
//! * `barren` spares a statement looking for each page in a store that has nothing of its connection.
//! * `flights` makes equal requests that are under way one.
//! * `marks` and `writes`: what was asked for before one of our own writes has to be asked for again.
//! * `pages`: what a statement has paid for is kept until it ends well ([`Caching::resumes`](crate::Caching)).

mod answer;
mod barren;
mod directives;
mod flights;
mod http_cache;
mod key;
mod marks;
mod memory;
mod pages;
mod policy;
mod telling;
#[cfg(test)]
mod tests;
mod writes;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE};
use http::{HeaderMap, HeaderName, Method, StatusCode};

use self::answer::Answer;
use self::flights::Joined;
pub use self::http_cache::HttpCache;
use self::pages::Page;
use self::policy::{Policy, Use};
use crate::{
    Blanks, Body, BodyMode, CacheKey, CacheOutcome, DEFAULT_BODY_CAP, Error, ErrorKind, Purpose, Request, Response,
    Result, Sent, Transport,
};

/// Answers requests of one scope from what was answered before.
#[derive(Debug)]
pub struct Cache {
    inner: Arc<dyn Transport>,
    shared: Arc<HttpCache>,
    scope: Arc<str>,
    /// What is written together: a change by one credential is one for the others, too.
    written: Arc<str>,
    /// What must not be written to a disk.
    blanks: Blanks,
}

/// How long a request waits for an equal one that is under way: whoever sends that one may have stopped to read.
const PATIENCE: Duration = Duration::from_secs(10);

/// Headers by which a request says itself what it knows, or asks for a part: it is no matter of the cache.
const OWN_CONDITIONS: [HeaderName; 6] =
    [IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE];

/// An answer to a reader.
struct Had {
    /// With its body at hand.
    response: Response,
    /// What the cache keeps of it, once somebody has a use for that.
    answer: Option<Arc<Answer>>,
    asked_at: SystemTime,
    received_at: SystemTime,
    /// Whether a call was paid for it, by this request or another.
    is_paid: bool,
    /// Whether this request has asked for it: then others who ask the same at the same time may have it.
    is_new: bool,
}

impl Had {
    /// What the cache keeps of it.
    fn answer(&mut self) -> &Arc<Answer> {
        let Self { response, answer, asked_at, received_at, .. } = self;
        answer.get_or_insert_with(|| {
            let Response { status, headers, body, .. } = &*response;
            let body = body.whole().cloned().unwrap_or_default();
            let headers = headers.clone();
            Arc::new(Answer { status: *status, headers, body, asked_at: *asked_at, received_at: *received_at }.kept())
        })
    }
}

impl Cache {
    /// Wraps a transport. `scope` is the fingerprint of the connection: it tells origin, path and credential from others
    /// without telling the credential.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>, shared: Arc<HttpCache>, scope: &str) -> Self {
        Self { inner, shared, scope: scope.into(), written: scope.into(), blanks: Blanks::default() }
    }

    /// The same where a write to this origin, by whatever connection, makes stored answers doubtful.
    #[must_use]
    pub fn written_at(self, origin: &str) -> Self {
        Self { written: origin.into(), ..self }
    }

    /// The same that writes no answer to a disk in which the server repeats one of these secrets.
    #[must_use]
    pub fn without(self, blanks: Blanks) -> Self {
        Self { blanks, ..self }
    }

    /// Answers a GET.
    async fn get(&self, request: &Request) -> Result<Had> {
        let key = key::answer(&self.scope, request);
        let operation = &request.operation;
        let is_once = operation.reuse && operation.statement.cache_use().once;
        let own = is_once.then(|| key::within(&key, operation.statement.id()));
        if let Some(answer) = own.and_then(|own| self.shared.answered.get(&own))
            && !self.shared.is_written_since(&self.written, answer.asked_at, request).await
        {
            return Ok(self.hit(request, &answer, CacheOutcome::Shared));
        }
        let stored = self.find(&key, request).await;
        if let Some((answer, Use::AsIs)) = &stored {
            return Ok(self.hit(request, answer, CacheOutcome::Hit));
        }
        let written = self.shared.marks.written(&self.written, self.shared.clock.as_ref());
        let lead = match self.shared.flights.join(&key, self.moment(), written) {
            Joined::Lead(lead) => lead,
            Joined::Follow(follow) => {
                let answer = tokio::select! {
                    biased;
                    () = request.operation.statement.cancellation().cancelled() => return Err(Error::cancelled(Sent::No)),
                    answer = follow.answer() => answer,
                    () = tokio::time::sleep(PATIENCE) => None,
                };
                // Another process may have written meanwhile.
                let answer = match answer {
                    Some(answer) if self.shared.is_written_since(&self.written, answer.asked_at, request).await => None,
                    answer => answer,
                };
                return match answer {
                    Some(answer) => Ok(self.hit(request, &answer, CacheOutcome::Shared)),
                    None => self.ask(&key, request, stored).await,
                };
            }
        };
        // Another may have asked, and stored, between the look and the lead.
        if let Some(answer) = self.held(&key, request).await {
            return Ok(self.hit(request, &answer, CacheOutcome::Hit));
        }
        let mut had = self.ask(&key, request, stored).await?;
        let is_followed = lead.end();
        let is_wanted = had.is_new && (own.is_some() || is_followed);
        if is_wanted && Policy::new(&request.headers, had.answer()).is_storable() {
            let answer = had.answer();
            lead.share(answer);
            if let Some(own) = own {
                self.shared.answered.put(&own, &self.scope, answer);
            }
        }
        Ok(had)
    }

    /// What is stored for a request, and how it may use it: what can be used as it is before what cannot.
    async fn find(&self, key: &CacheKey, request: &Request) -> Option<(Arc<Answer>, Use)> {
        if let Some(answer) = self.held(key, request).await {
            return Some((answer, Use::AsIs));
        }
        let answer = self.shared.newest(key, &self.scope, request).await?;
        let used = self.usable(&answer, request).await;
        Some((answer, used))
    }

    /// What memory holds for a request, if that can be used as it is.
    async fn held(&self, key: &CacheKey, request: &Request) -> Option<Arc<Answer>> {
        let answer = self.shared.held(key, request)?;
        (self.usable(&answer, request).await == Use::AsIs).then_some(answer)
    }

    async fn usable(&self, answer: &Answer, request: &Request) -> Use {
        let policy = Policy::new(&request.headers, answer);
        let caching = request.operation.statement.cache_use();
        let used = policy.usable(&request.headers, self.shared.clock.now(), caching);
        match used {
            Use::AsIs if !request.operation.reuse => policy.if_it_holds(),
            Use::AsIs if self.shared.is_written_since(&self.written, answer.asked_at, request).await => {
                policy.if_it_holds()
            }
            used => used,
        }
    }

    /// Asks the server: whether the stored answer holds, or for a new one.
    async fn ask(&self, key: &CacheKey, request: &Request, stored: Option<(Arc<Answer>, Use)>) -> Result<Had> {
        let known = stored.as_ref().filter(|(_, used)| *used == Use::IfItHolds).map(|(answer, _)| answer);
        let stand_in = stored.as_ref().map(|(answer, _)| answer);
        if let Some(known) = known {
            let mut asking = request.clone();
            policy::make_conditional(&mut asking, known);
            asking.operation.cache = Some(CacheOutcome::Revalidated);
            let asked_at = self.moment();
            match self.inner.send(asking).await {
                Ok(told) if told.status == StatusCode::NOT_MODIFIED => {
                    if policy::confirms(&told.headers, known) {
                        return Ok(self.confirmed(key, request, known, &told.headers, asked_at).await);
                    }
                    // It speaks of another answer than the stored one, which must not be used then (RFC 9111, 4.3.4).
                    self.shared.remove(key, request).await;
                }
                sent => return self.answered(key, request, sent, asked_at, stand_in).await,
            }
        }
        let mut asking = request.clone();
        asking.operation.cache = Some(CacheOutcome::Miss);
        let asked_at = self.moment();
        let sent = self.inner.send(asking).await;
        self.answered(key, request, sent, asked_at, stand_in).await
    }

    /// Takes a stored answer of which the server says that it holds.
    async fn confirmed(
        &self,
        key: &CacheKey,
        request: &Request,
        known: &Answer,
        told: &HeaderMap,
        asked_at: SystemTime,
    ) -> Had {
        let now = self.shared.clock.now();
        let answer = Arc::new(known.confirmed(told, asked_at, now).kept());
        let policy = Policy::new(&request.headers, &answer);
        self.store(key, request, &answer, &policy, true).await;
        request.operation.statement.count_cache(CacheOutcome::Revalidated);
        let response = answer.response(&request.url, now);
        Had { response, answer: Some(answer), asked_at, received_at: now, is_paid: true, is_new: true }
    }

    /// Takes what the server has answered, or else what may stand in for it.
    async fn answered(
        &self,
        key: &CacheKey,
        request: &Request,
        sent: Result<Response>,
        asked_at: SystemTime,
        stored: Option<&Arc<Answer>>,
    ) -> Result<Had> {
        if let (Some(failure), Some(answer)) = (failure(&sent), stored)
            && self.stands_in(answer, request).await
        {
            let message = format!("{failure}; stored answers stand in for its own, as stale_if_error says");
            request.operation.statement.remark(&request.operation.connection, message);
            return Ok(self.hit(request, answer, CacheOutcome::StaleIfError));
        }
        let response = sent?;
        let received_at = self.shared.clock.now();
        let response = whole(response, request.operation.body).await?;
        let mut had = Had { response, answer: None, asked_at, received_at, is_paid: true, is_new: true };
        if stored.is_some() || policy::may_be_of_use(&had.response.headers, request.operation.statement.cache_use()) {
            let answer = had.answer();
            let policy = Policy::new(&request.headers, answer);
            self.store(key, request, answer, &policy, stored.is_some()).await;
        }
        Ok(had)
    }

    /// Stores an answer if it can be of use, or else forgets what it has made obsolete.
    async fn store(&self, key: &CacheKey, request: &Request, answer: &Arc<Answer>, policy: &Policy, has_stored: bool) {
        if policy.is_worth_storing(request.operation.statement.cache_use()) {
            let is_secret = answer.holds(&self.blanks);
            self.shared.put(key, &self.scope, request, answer, policy, is_secret).await;
        } else if has_stored && !answer.status.is_server_error() {
            self.shared.remove(key, request).await;
        }
    }

    async fn stands_in(&self, answer: &Answer, request: &Request) -> bool {
        let policy = Policy::new(&request.headers, answer);
        // Among pages that belong together there is none of another time.
        request.operation.reuse
            && policy.stands_in(self.shared.clock.now(), request.operation.statement.cache_use())
            && !self.shared.is_written_since(&self.written, answer.asked_at, request).await
    }

    fn hit(&self, request: &Request, answer: &Arc<Answer>, outcome: CacheOutcome) -> Had {
        self.shared.count(request, answer, outcome);
        let response = answer.response(&request.url, self.shared.clock.now());
        let (asked_at, received_at) = (answer.asked_at, answer.received_at);
        let (answer, is_paid) = (Some(Arc::clone(answer)), outcome == CacheOutcome::Shared);
        Had { response, answer, asked_at, received_at, is_paid, is_new: false }
    }

    fn moment(&self) -> SystemTime {
        self.shared.marks.moment(self.shared.clock.as_ref())
    }

    /// Answers a request that is none for the store, whose answer may be kept for a repetition of its statement.
    async fn pass(&self, request: &Request) -> Result<Had> {
        let asked_at = self.moment();
        let response = self.inner.send(request.clone()).await?;
        let received_at = self.shared.clock.now();
        let response = whole(response, request.operation.body).await?;
        Ok(Had { response, answer: None, asked_at, received_at, is_paid: true, is_new: true })
    }
}

#[async_trait]
impl Transport for Cache {
    async fn send(&self, request: Request) -> Result<Response> {
        let operation = &request.operation;
        if operation.purpose == Purpose::Write || operation.statement.has_written(&self.written) {
            return writes::send(self.inner.as_ref(), &self.shared, &self.written, request).await;
        }
        if !is_for_cache(&request) {
            return self.inner.send(request).await;
        }
        if request.operation.statement.cancellation().is_cancelled() {
            return Err(Error::cancelled(Sent::No));
        }
        let page = Page::of(&self.shared, &self.scope, &request).await;
        if let Some(page) = &page
            && let Some(response) = page.taken(&self.written, &request).await
        {
            return Ok(response);
        }
        let mut had = match (is_for_store(&request), &page) {
            (true, _) => self.get(&request).await?,
            (false, Some(_)) => self.pass(&request).await?,
            (false, None) => return self.inner.send(request).await,
        };
        if let Some(page) = page.filter(|_| had.is_paid && !had.answer().holds(&self.blanks)) {
            page.keep(&request, had.answer()).await;
        }
        Ok(had.response)
    }
}

/// Whether a request may have anything to do with earlier answers.
fn is_for_cache(request: &Request) -> bool {
    let operation = &request.operation;
    operation.purpose == Purpose::Read
        && !operation.fresh
        && matches!(operation.body, BodyMode::Collect { .. })
        && operation.statement.cache_use().is_on
}

/// Whether its answer may be stored and shared.
fn is_for_store(request: &Request) -> bool {
    request.method == Method::GET
        && request.body.is_empty()
        && !OWN_CONDITIONS.iter().any(|name| request.headers.contains_key(name))
}

/// A response with its body at hand. Nothing is copied where it is collected already.
async fn whole(response: Response, mode: BodyMode) -> Result<Response> {
    let cap = if let BodyMode::Collect { cap } = mode { cap } else { DEFAULT_BODY_CAP };
    let Response { status, headers, url, body } = response;
    Ok(Response { status, headers, url, body: Body::from(body.collect(cap).await?) })
}

/// Why a request got no answer of use, in words that are the same for all pages of a table. `None` for an answer, be it
/// one that refuses, and for what stands on this side.
fn failure(sent: &Result<Response>) -> Option<String> {
    match sent {
        Ok(response) if response.status.is_server_error() || response.status == StatusCode::TOO_MANY_REQUESTS => {
            Some(format!("the server answers {}", response.status))
        }
        Ok(_) => None,
        Err(error) => Some(
            match error.kind() {
                ErrorKind::Connect | ErrorKind::Tls => "the server cannot be reached",
                ErrorKind::Timeout => "the server does not answer in time",
                ErrorKind::Broken => "the server breaks its answers off",
                ErrorKind::QuotaExhausted => "a quota has no room",
                _ => return None,
            }
            .to_owned(),
        ),
    }
}
