//! Sends a request again when that may help and cannot harm.
//!
//! Relies on what the request and the outcome say about themselves ([`Repeat`](crate::Repeat),
//! [`Error::sent`]); the table is in `decide`. Each repeat is paid from the statement's retry budget, and the
//! wait before it ends at once when the statement is cancelled.

mod after;
mod decide;
#[cfg(test)]
mod tests;
mod throttle;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use url::Origin;

pub use self::after::retry_after;
use self::decide::{Outcome, decide};
pub use self::throttle::{Reset, Throttle, ThrottledBody};
use crate::{Clock, Error, Jitter, Request, Response, Result, Sent, Statement, Transport};

/// How often and how soon a request is sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts of one request, the first included. 5 by default; 0 counts as 1.
    pub max_attempts: u32,
    /// The same while this connection has had no answer yet and the server is not reached. 2 by default: a
    /// mistyped host or port is likelier then than a passing trouble, and who typed it should not wait.
    pub max_first_attempts: u32,
    /// Longest wait before the second attempt; it doubles with each further one. 250 ms by default.
    pub base: Duration,
    /// Longest wait of our own choice. 20 s by default.
    pub cap: Duration,
    /// Longest wait at the server's wish (`Retry-After`). 120 s by default. When the server asks for more, its
    /// answer is handed on, so that the user hears when to come back.
    pub max_retry_after: Duration,
    /// Answers that mean the same as 429. None by default.
    pub throttles: Vec<Throttle>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            max_first_attempts: 2,
            base: Duration::from_millis(250),
            cap: Duration::from_secs(20),
            max_retry_after: Duration::from_secs(120),
            throttles: Vec::new(),
        }
    }
}

impl RetryPolicy {
    /// Longest wait after this attempt (from 1) when the server does not name one.
    fn backoff(&self, attempt: u32) -> Duration {
        let doubled = 2_u32.checked_pow(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        self.base.saturating_mul(doubled).min(self.cap)
    }
}

/// Repeats attempts that failed for the time being.
#[derive(Debug)]
pub struct Retry {
    inner: Arc<dyn Transport>,
    policy: RetryPolicy,
    clock: Arc<dyn Clock>,
    jitter: Arc<Jitter>,
    /// Whether the server has answered anything yet.
    reached: AtomicBool,
    /// Origin whose requests carry a token that is renewed when it is refused.
    renews: Option<Origin>,
}

/// What comes after an attempt.
enum Next {
    /// Another one, after this wait.
    Again(Duration),
    /// Another one at once, with another token.
    Renewed,
    /// Nothing.
    Stop(Stop),
}

/// Why no further attempt is made.
enum Stop {
    /// There is no reason for one.
    Done,
    /// As many were made as the policy allows.
    Attempts,
    /// The statement has no retries left.
    Budget,
}

impl Retry {
    /// Wraps a transport.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>, policy: RetryPolicy, clock: Arc<dyn Clock>, jitter: Arc<Jitter>) -> Self {
        Self { inner, policy, clock, jitter, reached: AtomicBool::new(false), renews: None }
    }

    /// Sends a request to this origin once more when its token is refused: for a connection that signs with
    /// [`Credentials::Token`](crate::Credentials::Token), also when its answers are replayed. This takes nothing from
    /// the statement's budget: a long scan outlives many tokens.
    #[must_use]
    pub fn renewing(mut self, origin: Origin) -> Self {
        self.renews = Some(origin);
        self
    }

    /// What comes next. `throttle` is the declaration that the answer matches.
    fn next(&self, request: &Request, result: &Result<Response>, throttle: Option<&Throttle>, renewed: bool) -> Next {
        let operation = &request.operation;
        let outcome = self.outcome(request, result, throttle, renewed);
        if !decide(outcome, operation.repeat) {
            return Next::Stop(Stop::Done);
        }
        if matches!(outcome, Outcome::Renewed) {
            return Next::Renewed;
        }
        if operation.attempt >= self.most_attempts(result) {
            return Next::Stop(Stop::Attempts);
        }
        let asked = result.as_ref().ok().and_then(|response| self.asked_wait(response, throttle));
        let wait = match asked {
            Some(wait) if wait > self.policy.max_retry_after => return Next::Stop(Stop::Done),
            Some(wait) => wait,
            // Full jitter: clients that failed together do not come back together.
            None => self.jitter.up_to(self.policy.backoff(operation.attempt)),
        };
        if operation.statement.take_retry() { Next::Again(wait) } else { Next::Stop(Stop::Budget) }
    }

    fn outcome(
        &self,
        request: &Request,
        result: &Result<Response>,
        throttle: Option<&Throttle>,
        renewed: bool,
    ) -> Outcome {
        match result {
            Ok(_) if throttle.is_some() => Outcome::Throttled,
            Ok(response)
                if response.status == StatusCode::UNAUTHORIZED
                    && !renewed
                    && self.renews.as_ref().is_some_and(|origin| *origin == request.url.origin()) =>
            {
                Outcome::Renewed
            }
            _ => Outcome::of(result),
        }
    }

    /// How long the server asks to wait.
    fn asked_wait(&self, response: &Response, throttle: Option<&Throttle>) -> Option<Duration> {
        let now = self.clock.now();
        let reset = || throttle?.reset.as_ref()?.wait(&response.headers, now);
        retry_after(&response.headers, now).or_else(reset)
    }

    /// What is handed on of an answer that is not tried again: one that is declared to mean "not now" as 429 with a
    /// `Retry-After`, so that nobody above takes it for refused credentials, or for rows.
    fn spell_out(&self, mut response: Response, throttle: &Throttle) -> Response {
        let wait = self.asked_wait(&response, Some(throttle));
        if let (Some(wait), None) = (wait, retry_after(&response.headers, self.clock.now())) {
            // Rounded up: who comes back a moment too early is refused again.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.status = StatusCode::TOO_MANY_REQUESTS;
        response
    }

    fn most_attempts(&self, result: &Result<Response>) -> u32 {
        let is_out_of_reach = result.as_ref().is_err_and(|error| error.sent() == Sent::No);
        if is_out_of_reach && !self.reached.load(Ordering::Relaxed) {
            self.policy.max_first_attempts.min(self.policy.max_attempts)
        } else {
            self.policy.max_attempts
        }
    }

    async fn wait(&self, wait: Duration, statement: &Statement) -> Result<()> {
        let from = self.clock.elapsed();
        let cancelled = tokio::select! {
            biased;
            () = statement.cancellation().cancelled() => true,
            () = self.clock.sleep(wait) => false,
        };
        statement.count_wait(self.clock.elapsed().saturating_sub(from));
        // The last attempt may have been acted on; this one is not sent.
        if cancelled { Err(Error::cancelled(Sent::Maybe)) } else { Ok(()) }
    }
}

#[async_trait]
impl Transport for Retry {
    async fn send(&self, mut request: Request) -> Result<Response> {
        let statement = Arc::clone(&request.operation.statement);
        request.operation.attempt = 1;
        let mut renewed = false;
        loop {
            if statement.cancellation().is_cancelled() {
                return Err(Error::cancelled(if request.operation.attempt == 1 { Sent::No } else { Sent::Maybe }));
            }
            let result = self.inner.send(request.clone()).await;
            if result.is_ok() {
                self.reached.store(true, Ordering::Relaxed);
            }
            let throttle = result
                .as_ref()
                .ok()
                .and_then(|response| self.policy.throttles.iter().find(|throttle| throttle.matches(response)));
            let next = self.next(&request, &result, throttle, renewed);
            let wait = match (next, throttle) {
                (Next::Again(wait), _) => Some(wait),
                (Next::Renewed, _) => None,
                (Next::Stop(_), Some(throttle)) => return result.map(|answer| self.spell_out(answer, throttle)),
                (Next::Stop(stop), None) => {
                    return result.map_err(|error| explain(error, &stop, request.operation.attempt));
                }
            };
            // A body that nobody reads would keep its connection.
            drop(result);
            match wait {
                Some(wait) => self.wait(wait, &statement).await?,
                None => renewed = true,
            }
            request.operation.attempt += 1;
        }
    }
}

/// Says in the message what was tried.
fn explain(error: Error, stop: &Stop, attempts: u32) -> Error {
    match (stop, attempts) {
        (Stop::Budget, 1) => error.remark("not tried again: this statement has used up its retries"),
        (Stop::Budget, n) => error.remark(format_args!("after {n} attempts; this statement has used up its retries")),
        (_, 1) => error,
        (_, n) => error.remark(format_args!("after {n} attempts")),
    }
}
