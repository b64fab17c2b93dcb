//! Sends a request again when that may help and cannot harm.
//!
//! Relies on what the request and the outcome say about themselves ([`Repeat`](crate::Repeat),
//! [`Error::sent`]); the table is in `decide`. Each repeat is paid from the statement's retry budget, and the
//! wait before it ends at once when the statement is cancelled.
//!
//! Over a quota layer ([`Retry::metered`]) an answer 429 is another matter: it is sent again at once, and whatever wait
//! there is happens in the ledger, where all who share the quota wait.

mod after;
mod decide;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use url::Origin;

pub use self::after::retry_after;
use self::decide::{Outcome, decide};
use crate::origins::is_at;
use crate::{Clock, Error, ErrorKind, Jitter, Purpose, Request, Response, Result, Sent, Statement, Transport};

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
    /// answer is handed on, so that the user hears when to come back. Over a quota layer it is for other answers than
    /// 429: how long those are waited for is the statement's own bound ([`Spending::max_wait`](crate::Spending)).
    pub max_retry_after: Duration,
}

/// How often one request is sent again at once because its server refuses it as one too many, over a quota layer. Each
/// time has waited as long as the server asked, so that more than a few mean that its figures are wrong.
pub const MAX_THROTTLED: u32 = 8;

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            max_first_attempts: 2,
            base: Duration::from_millis(250),
            cap: Duration::from_secs(20),
            max_retry_after: Duration::from_secs(120),
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
    /// Whether waits for quotas are those of the layer below.
    is_metered: bool,
}

/// What has been done for one request so far.
#[derive(Debug, Clone, Copy, Default)]
struct Done {
    /// How often it was refused as one too many, over a quota layer.
    throttled: u32,
    /// Whether its token was renewed.
    renewed: bool,
    /// Whether the server may have acted on an attempt. What the last one says of itself then says nothing of all.
    maybe_seen: bool,
}

impl Done {
    /// Notes how an attempt ended that is repeated.
    fn note(&mut self, result: &Result<Response>) {
        self.maybe_seen |= match result {
            Ok(response) => !is_turned_away(response.status),
            Err(error) => error.sent() == Sent::Maybe,
        };
    }

    /// Whether the server may have seen anything of the request.
    fn sent(self) -> Sent {
        if self.maybe_seen { Sent::Maybe } else { Sent::No }
    }

    /// The outcome of the whole request, which the last attempt's is only where no other may have been acted on.
    fn settle(self, request: &Request, result: Result<Response>) -> Result<Response> {
        if !self.maybe_seen {
            return result;
        }
        match result {
            Ok(response) if request.operation.purpose == Purpose::Write && says_nothing(response.status) => {
                let message = format!(
                    "an earlier attempt may have been done, and the last one was answered {}, which does not tell",
                    response.status
                );
                Err(Error::new(ErrorKind::Broken, Sent::Maybe, message))
            }
            result => result.map_err(Error::maybe_sent),
        }
    }
}

/// Whether an answer means that the request was turned away before anybody looked at it.
fn is_turned_away(status: StatusCode) -> bool {
    matches!(status.as_u16(), 401 | 407 | 429)
}

/// Whether an answer to a change tells nothing of an earlier attempt at it: it was turned away, or the key under which the
/// API does it once is in use.
fn says_nothing(status: StatusCode) -> bool {
    is_turned_away(status) || matches!(status.as_u16(), 403 | 409)
}

/// What comes after an attempt.
enum Next {
    /// Another one, after this wait.
    Again(Duration),
    /// Another one at once, with another token.
    Renewed,
    /// Another one at once: the quota layer makes it wait.
    Throttled,
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
        Self { inner, policy, clock, jitter, reached: AtomicBool::new(false), renews: None, is_metered: false }
    }

    /// For standing over a quota layer ([`Meter`](crate::Meter)), which makes all wait that share a quota: an answer 429
    /// is sent again at once, [`MAX_THROTTLED`] times at most. This takes nothing from the statement's budget, and
    /// counts as no attempt of [`RetryPolicy::max_attempts`]: it is no failure of the server.
    #[must_use]
    pub fn metered(mut self) -> Self {
        self.is_metered = true;
        self
    }

    /// Sends a request to this origin once more when its token is refused: for a connection that signs with
    /// [`Credentials::Token`](crate::Credentials::Token), also when its answers are replayed. This takes nothing from
    /// the statement's budget: a long scan outlives many tokens.
    #[must_use]
    pub fn renewing(mut self, origin: Origin) -> Self {
        self.renews = Some(origin);
        self
    }

    fn next(&self, request: &Request, result: &Result<Response>, done: Done) -> Next {
        let operation = &request.operation;
        let outcome = self.outcome(request, result, done.renewed);
        if !decide(outcome, operation.repeat) {
            return Next::Stop(Stop::Done);
        }
        match outcome {
            Outcome::Renewed => return Next::Renewed,
            Outcome::Throttled if done.throttled < MAX_THROTTLED => return Next::Throttled,
            Outcome::Throttled => return Next::Stop(Stop::Done),
            _ => {}
        }
        let attempt = operation.attempt - done.throttled;
        if attempt >= self.most_attempts(result) {
            return Next::Stop(Stop::Attempts);
        }
        let asked = result.as_ref().ok().and_then(|response| retry_after(&response.headers, self.clock.now()));
        let wait = match asked {
            Some(wait) if wait > self.policy.max_retry_after => return Next::Stop(Stop::Done),
            Some(wait) => wait,
            // Full jitter: clients that failed together do not come back together.
            None => self.jitter.up_to(self.policy.backoff(attempt)),
        };
        if operation.statement.take_retry() { Next::Again(wait) } else { Next::Stop(Stop::Budget) }
    }

    fn outcome(&self, request: &Request, result: &Result<Response>, renewed: bool) -> Outcome {
        let is_own = || self.renews.as_ref().is_some_and(|origin| is_at(&request.url, origin));
        match result {
            Ok(response) if self.is_metered && response.status == StatusCode::TOO_MANY_REQUESTS => Outcome::Throttled,
            Ok(response) if response.status == StatusCode::UNAUTHORIZED && !renewed && is_own() => Outcome::Renewed,
            _ => Outcome::of(result),
        }
    }

    fn most_attempts(&self, result: &Result<Response>) -> u32 {
        let is_out_of_reach = result.as_ref().is_err_and(|error| error.sent() == Sent::No);
        if is_out_of_reach && !self.reached.load(Ordering::Relaxed) {
            self.policy.max_first_attempts.min(self.policy.max_attempts)
        } else {
            self.policy.max_attempts
        }
    }

    async fn wait(&self, wait: Duration, statement: &Statement, done: Done) -> Result<()> {
        let from = self.clock.elapsed();
        let cancelled = tokio::select! {
            biased;
            () = statement.cancellation().cancelled() => true,
            () = self.clock.sleep(wait) => false,
        };
        statement.count_wait(self.clock.elapsed().saturating_sub(from));
        if cancelled { Err(Error::cancelled(done.sent())) } else { Ok(()) }
    }
}

#[async_trait]
impl Transport for Retry {
    async fn send(&self, mut request: Request) -> Result<Response> {
        let statement = Arc::clone(&request.operation.statement);
        request.operation.attempt = 1;
        let mut done = Done::default();
        loop {
            if statement.cancellation().is_cancelled() {
                return Err(Error::cancelled(done.sent()));
            }
            let result = self.inner.send(request.clone()).await;
            if result.is_ok() {
                self.reached.store(true, Ordering::Relaxed);
            }
            let wait = match self.next(&request, &result, done) {
                Next::Stop(stop) => {
                    let result = done.settle(&request, result);
                    return result.map_err(|error| explain(error, &stop, request.operation.attempt));
                }
                Next::Again(wait) => Some(wait),
                Next::Renewed => {
                    done.renewed = true;
                    None
                }
                Next::Throttled => {
                    done.throttled += 1;
                    None
                }
            };
            done.note(&result);
            // A body that nobody reads would keep its connection.
            drop(result);
            if let Some(wait) = wait {
                self.wait(wait, &statement, done).await?;
            }
            request.operation.attempt += 1;
        }
    }
}

/// Says in the message what was tried. An attempt that a quota or a bound kept back was none.
fn explain(error: Error, stop: &Stop, attempts: u32) -> Error {
    let is_kept_back = matches!(error.kind(), ErrorKind::QuotaExhausted | ErrorKind::CallBound);
    match (stop, attempts - u32::from(is_kept_back && attempts > 1)) {
        (Stop::Budget, 1) => error.remark("not tried again: this statement has used up its retries"),
        (Stop::Budget, n) => error.remark(format_args!("after {n} attempts; this statement has used up its retries")),
        (_, 1) => error,
        (_, n) => error.remark(format_args!("after {n} attempts")),
    }
}
