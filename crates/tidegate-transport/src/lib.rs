//! The one seam between the engine and the network, and the layers on it.
//!
//! [`Transport`] has one method. Each layer is a file of its own that wraps another `Transport`; the facade
//! puts them in order, outermost first:
//!
//! ```text
//! redirect -> origin guard -> cache -> retry -> meter -> collect -> observe -> record | replay | fault -> auth -> http
//! ```
//!
//! What another order would break:
//!
//! * guard outside redirect: a redirect could lead anywhere, since only the first request were checked.
//! * cache outside redirect: an answer would be stored under a URL that did not give it. Inside of retry or meter: what is
//!   answered from the store would be booked, and wait for quotas.
//! * redirect inside retry: a failure at the third hop would repeat the first two.
//! * retry inside collect: a body that is cut in the middle would be a failed statement, or a short page, but
//!   not a failed attempt.
//! * meter outside retry: repeated attempts would be neither booked nor waited for. Inside of collect: an answer were
//!   settled before its body is there, which may hold what it cost; and a wait for a quota would be time of the request.
//! * observe outside retry: three attempts would be counted as one call. Outside collect: the bytes of a body
//!   that was too large would not be counted.
//! * record inside auth: credentials would be written to the file. Outside retry: a replay could not show the
//!   same attempts. Replay and fault stand where record stands, so that all above them see no difference.
//! * auth outside redirect: credentials would travel with the request to whatever origin a redirect names.
//!
//! A token that ends in the middle of a scan takes two of them: auth reports the refusal to its [`TokenSource`], and
//! retry sends the request once more ([`Retry::renewing`]), so that observe counts and record keeps both attempts.
//! Requests for tokens have layers of their own (retry, meter, collect, observe) straight to the network.
//!
//! An answer that means "one too many" is settled by the meter, which closes the quota for all who share it, and sent
//! again by retry at once ([`Retry::metered`]): it then waits in the ledger like everybody. Without a meter, retry waits
//! by itself as long as the answer says.
//!
//! No layer guesses from the HTTP verb: the request carries an [`Operation`] that says what it is for and
//! whether it may be repeated. Time and randomness are handed in ([`Clock`], [`Jitter`]).
//!
//! ```
//! use std::sync::Arc;
//! use tidegate_transport::*;
//!
//! fn stack(
//!     url: &url::Url,
//!     credentials: Credentials,
//!     metering: Arc<Metering>,
//!     log: Arc<RequestLog>,
//! ) -> Arc<dyn Transport> {
//!     let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
//!     let http = Arc::new(Http::new(HttpOptions::default()));
//!     let auth = Arc::new(Auth::new(http, url.origin(), credentials));
//!     let observe = Arc::new(Observe::new(auth, log, Arc::clone(&clock)));
//!     let collect = Arc::new(Collect::new(observe));
//!     let meter = Arc::new(Meter::new(collect, metering, Arc::clone(&clock)).at(url.origin()));
//!     let jitter = Arc::new(Jitter::from_entropy());
//!     let retry = Retry::new(meter, RetryPolicy::default(), clock, jitter).metered();
//!     let guard = Arc::new(OriginGuard::new(Arc::new(retry), url.origin(), Vec::new()));
//!     Arc::new(Redirect::new(guard))
//! }
//! # let url = url::Url::parse("https://api.example/v1").unwrap();
//! # let store = Arc::<tidegate_quota::MemoryStore>::default();
//! # let ledger = Arc::new(tidegate_quota::Ledger::new(store, Arc::new(SystemClock::default())));
//! # let metering = Arc::new(Metering::new(ledger, "api.example|0f", "crm"));
//! # stack(&url, Credentials::Bearer(Secret::new("abc")), metering, Arc::new(RequestLog::new(100)));
//! ```

mod blanks;
mod body;
mod caching;
mod error;
mod jitter;
mod kept;
mod layers;
mod log;
mod metering;
mod operation;
mod origins;
mod redact;
mod secret;
mod spending;
mod statement;
mod stored;
#[cfg(test)]
mod testing;

pub use blanks::Blanks;
pub use body::Body;
pub use caching::{CacheOutcome, Caching};
pub use error::{Error, ErrorKind, Sent};
pub use jitter::Jitter;
pub use kept::KeptUse;
pub use layers::{
    Auth, Cache, Collect, Credentials, Fault, FaultScript, FaultStep, Http, HttpCache, HttpOptions, MAX_REDIRECTS,
    MAX_THROTTLED, Meter, Observe, OriginGuard, Record, Recorder, Redirect, Replay, Retry, RetryPolicy, Throttle,
    ThrottledBody, TokenSource, retry_after,
};
pub use log::{RequestLog, RequestRecord};
pub use metering::{FigurePlace, Figures, MeteredQuota, Metering, Operations, Per, TimeForm, Warn};
pub use operation::{BodyMode, DEFAULT_BODY_CAP, Operation, Purpose, Repeat};
pub use redact::{redact_header, redact_text, redact_url};
pub use secret::Secret;
pub use spending::{Left, OnExhausted, Spending, Waiting};
pub use statement::{DEFAULT_RETRY_BUDGET, Statement, StatementCounts, StatementId};
pub use stored::{CacheKey, CacheLabel, CacheStore, KeptRun, PageKeeper, StoreError, StoredAnswer};

pub use tidegate_quota::{Clock, SystemClock, TestClock, Uptime};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The seam: something that answers requests.
#[async_trait]
pub trait Transport: Send + Sync + std::fmt::Debug {
    /// Sends one request and returns the response, whatever its status. An error means that there is no
    /// response: see [`Error::sent`] for whether the server may have acted on the request.
    async fn send(&self, request: Request) -> Result<Response>;
}

/// A request, before it is signed. Its `Debug` shows neither its body nor what looks like a credential.
#[derive(Clone)]
pub struct Request {
    /// HTTP method.
    pub method: Method,
    /// Absolute URL.
    pub url: Url,
    /// Headers, without credentials.
    pub headers: HeaderMap,
    /// Body; empty for none.
    pub body: Bytes,
    /// What the request is for.
    pub operation: Operation,
}

/// A response. Its status may be any; who asked decides what it means. Its `Debug` shows neither its body nor
/// what looks like a credential.
pub struct Response {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The URL that answered: another than was asked for after redirects.
    pub url: Url,
    /// The body, already decompressed.
    pub body: Body,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &redact_url(&self.url))
            .field("headers", &redact::ShownHeaders(&self.headers))
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("operation", &self.operation)
            .finish()
    }
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &redact::ShownHeaders(&self.headers))
            .field("url", &redact_url(&self.url))
            .field("body", &self.body)
            .finish()
    }
}
