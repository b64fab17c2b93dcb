//! Books every attempt in the ledger before it is sent, and what became of it afterwards.
//!
//! It stands inside of retry, so that each attempt is paid for, and outside of collect, so that it sees a body whole
//! where that is read for figures. What an attempt comes out of is in `call`, what an answer says of it in `read`, both
//! without state; the ledger does the arithmetic and the waiting. An attempt that cannot be booked is not sent.
//!
//! A server that refuses an attempt as one too many (429, or what the API declares to mean the same) makes all wait who
//! share the quota, in the ledger. The answer is handed on as 429 for the retry layer, which sends the attempt again at
//! once ([`Retry::metered`](crate::Retry::metered)): the wait comes when it is booked.

mod body;
mod booked;
mod call;
mod common;
mod declared;
mod explain;
mod figure;
mod ietf;
mod read;
mod said;
#[cfg(test)]
mod tests;
mod throttle;
mod time;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use tidegate_quota::{Answer, Call, Grant, Patience, Throttling, Wait};
use url::Origin;

use self::booked::{Booked, Desk};
use self::call::Outlay;
use self::read::{Answered, Reading, read, unanswered};
pub use self::throttle::{Throttle, ThrottledBody};
use crate::origins::is_at;
use crate::{
    Clock, Error, Metering, OnExhausted, Operation, Purpose, Request, Response, Result, Sent, Spending, Statement,
    Transport, Waiting, retry_after,
};

/// What is waited for even by statements that may not wait: calls under way, and blocks as short as this.
const SHORT: Duration = Duration::from_secs(1);

/// Books attempts in the ledger of a connection. The requests for its tokens may have one of their own, with the same
/// [`Metering`]: they are told by their [`Purpose`].
#[derive(Debug)]
pub struct Meter {
    inner: Arc<dyn Transport>,
    desk: Arc<Desk>,
    /// The one origin whose figures are read.
    own: Option<Origin>,
}

impl Meter {
    /// Wraps a transport. `clock` is for points in time that servers name without saying what time it is for them.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>, metering: Arc<Metering>, clock: Arc<dyn Clock>) -> Self {
        Self { inner, desk: Arc::new(Desk::new(metering, clock)), own: None }
    }

    /// Reads figures in answers of this origin alone, that of the connection's URL. Another that the connection allows,
    /// such as one that holds files, counts other calls than the API.
    #[must_use]
    pub fn at(mut self, origin: Origin) -> Self {
        self.own = Some(origin);
        self
    }

    fn is_own(&self, request: &Request) -> bool {
        request.operation.purpose == Purpose::Token
            || self.own.as_ref().is_none_or(|origin| is_at(&request.url, origin))
    }

    /// Waits for room, as long as the statement may.
    async fn acquire(&self, operation: &Operation, call: &Arc<Call>) -> Result<Grant> {
        let (ledger, clock, statement) = (&self.desk.metering.ledger, &self.desk.clock, &operation.statement);
        let waits = Waits { operation, begun: Mutex::default() };
        let on_wait = |wait: Option<&Wait>| waits.note(wait);
        let patience = Patience { at_most: patience(statement.bounds()), on_wait: &on_wait };
        let from = clock.elapsed();
        let answer = tokio::select! {
            biased;
            () = statement.cancellation().cancelled() => None,
            answer = ledger.acquire(call, patience) => Some(answer),
        };
        let waited = match &answer {
            Some(Ok(Answer::Granted(grant))) => grant.waited,
            _ => clock.elapsed().saturating_sub(from),
        };
        statement.count_wait(waited);
        match answer {
            None => Err(Error::cancelled(Sent::No)),
            Some(Ok(Answer::Granted(grant))) => Ok(grant),
            Some(Ok(Answer::Refused(refusal))) => {
                // For the message alone, which goes without figures if they cannot be had.
                let views = ledger.views(&call.scopes).await.unwrap_or_default();
                Err(explain::refused(operation, call, &refusal, &views))
            }
            Some(Err(error)) => Err(explain::unbooked(error)),
        }
    }

    /// Books an answer, now or when its body has ended, and hands it on.
    async fn answered(&self, booked: Booked, outlay: &Outlay<'_>, is_own: bool, response: Response) -> Response {
        let now = self.desk.clock.now();
        let answer =
            Answered::new(response.status, &response.headers, response.body.whole().map(|body| &body[..]), now);
        let Reading { mut settlement, complaints } = read(&self.desk.metering, outlay, &answer, is_own);
        self.desk.complain(&booked.operation, &complaints);
        self.desk.bound_names(&booked.operation, outlay, &mut settlement);
        if let Some(throttling) = settlement.throttled.clone() {
            self.desk.warn_of(&booked.operation, outlay, &response, &throttling);
            booked.settle(settlement).await;
            return as_429(response, &throttling, now);
        }
        if response.body.whole().is_some() {
            booked.settle(settlement).await;
            return response;
        }
        let Response { status, headers, url, body } = response;
        Response { status, headers, url, body: booked.settle_at_end(settlement, body) }
    }
}

#[async_trait]
impl Transport for Meter {
    async fn send(&self, mut request: Request) -> Result<Response> {
        if request.operation.statement.cancellation().is_cancelled() {
            return Err(Error::cancelled(Sent::No));
        }
        let begun = Begun::take(&request.operation)?;
        let outlay = Outlay::new(&self.desk.metering, &request.operation);
        let grant = self.acquire(&request.operation, &outlay.call).await?;
        begun.keep();
        request.operation.quota_wait = grant.waited;
        let is_own = self.is_own(&request);
        let booked = Booked::new(Arc::clone(&self.desk), request.operation.clone(), grant);
        match self.inner.send(request).await {
            Ok(response) => Ok(self.answered(booked, &outlay, is_own, response).await),
            Err(error) => {
                booked.settle(unanswered(error.kind(), error.sent())).await;
                Err(error)
            }
        }
    }
}

/// A call taken out of the statement's bound, and given back unless it is made.
struct Begun(Option<Arc<Statement>>);

impl Begun {
    fn take(operation: &Operation) -> Result<Self> {
        let statement = Arc::clone(&operation.statement);
        if statement.begin_call() { Ok(Self(Some(statement))) } else { Err(explain::bound(operation)) }
    }

    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if let Some(statement) = &self.0 {
            statement.unbegin_call();
        }
    }
}

/// Shows what an attempt waits for, until it is dropped.
struct Waits<'a> {
    operation: &'a Operation,
    begun: Mutex<Option<u64>>,
}

impl Waits<'_> {
    fn note(&self, wait: Option<&Wait>) {
        let statement = &self.operation.statement;
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = begun.take() {
            statement.end_wait(number);
        }
        *begun = wait.map(|wait| {
            statement.begin_wait(Waiting {
                connection: Arc::clone(&self.operation.connection),
                partition: self.operation.partition.clone(),
                quota: Arc::clone(&wait.quota),
                until: wait.until,
            })
        });
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.note(None);
    }
}

/// How long a statement waits for a quota.
fn patience(bounds: &Spending) -> Duration {
    match bounds.on_exhausted {
        OnExhausted::Wait => bounds.max_wait,
        OnExhausted::Stop | OnExhausted::Fail => SHORT,
    }
}

/// An answer that means 429 as one, which says when to come back if that is known: so nobody above takes it for refused
/// credentials, or for rows.
fn as_429(mut response: Response, throttling: &Throttling, now: SystemTime) -> Response {
    let now = time::server_time(&response.headers, now);
    if let (Some(wait), None) = (throttling.wait, retry_after(&response.headers, now)) {
        // Rounded up: who comes back a moment too early is refused again.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response.status = StatusCode::TOO_MANY_REQUESTS;
    response
}
