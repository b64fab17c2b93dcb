//! Sends one request to a token endpoint.
//!
//! Its layers are retry, meter, collect and observe over the network: redirects are not followed (a token endpoint has no
//! reason for one, and credentials must not travel), and nothing is recorded.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use tidegate_state::StoredToken;
use tidegate_transport::{
    BodyMode, Clock, Collect, Error, ErrorKind, Jitter, Meter, Metering, Observe, Operation, Purpose, Request,
    Response, Retry, RetryPolicy, Sent, Statement, Transport, redact_text, redact_url,
};

use super::answer::{self, Refusal};
use super::ask::Ask;
use super::{OAuthParts, TokenMetering};

/// Answers are small; one that is not is none.
const LARGEST_ANSWER: u64 = 1024 * 1024;

/// Retries of one token request, where it may be repeated.
const RETRIES: u64 = 3;

/// Sends requests for tokens.
#[derive(Debug)]
pub(super) struct Exchange {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    connection: Arc<str>,
}

/// Retry over collect; with the meter between where there is a quota of requests for tokens.
#[derive(Debug)]
struct Layers {
    collect: Arc<dyn Transport>,
    plain: Retry,
    metered: OnceLock<Retry>,
    metering: TokenMetering,
    clock: Arc<dyn Clock>,
    jitter: Arc<Jitter>,
}

impl Layers {
    fn new(collect: Arc<dyn Transport>, parts: &OAuthParts) -> Self {
        let (clock, jitter) = (Arc::clone(&parts.clock), Arc::clone(&parts.jitter));
        let plain = Retry::new(Arc::clone(&collect), RetryPolicy::default(), Arc::clone(&clock), Arc::clone(&jitter));
        Self { collect, plain, metered: OnceLock::new(), metering: parts.metering.clone(), clock, jitter }
    }

    fn metered(&self, metering: &Arc<Metering>) -> Retry {
        let meter = Meter::new(Arc::clone(&self.collect), Arc::clone(metering), Arc::clone(&self.clock));
        let (clock, jitter) = (Arc::clone(&self.clock), Arc::clone(&self.jitter));
        Retry::new(Arc::new(meter), RetryPolicy::default(), clock, jitter).metered()
    }
}

#[async_trait]
impl Transport for Layers {
    async fn send(&self, request: Request) -> tidegate_transport::Result<Response> {
        match self.metering.get() {
            None => self.plain.send(request).await,
            Some(metering) => self.metered.get_or_init(|| self.metered(metering)).send(request).await,
        }
    }
}

/// Why there is no token.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server answered.
    Refused(Refusal),
    /// It did not.
    NoAnswer(Error),
}

impl Failure {
    /// Whether what was sent can surely be sent again.
    pub(super) fn is_clear(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.is_clear(),
            Self::NoAnswer(error) => error.sent() == Sent::No,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::NoAnswer(error) => error.fmt(f),
        }
    }
}

impl Exchange {
    pub(super) fn new(connection: &str, parts: &OAuthParts) -> Self {
        let clock = Arc::clone(&parts.clock);
        let observed = Observe::new(Arc::clone(&parts.network), Arc::clone(&parts.requests), Arc::clone(&clock));
        let layers = Layers::new(Arc::new(Collect::new(Arc::new(observed))), parts);
        Self { transport: Arc::new(layers), clock, connection: Arc::from(connection) }
    }

    /// Asks for a token. `refresh` is what it is renewed with should the answer name nothing new. It goes on when
    /// `statement`, which pays for it, is cancelled.
    pub(super) async fn send(
        &self,
        ask: Ask,
        refresh: Option<&tidegate_transport::Secret>,
        principal: &Arc<str>,
        statement: &Arc<Statement>,
    ) -> Result<StoredToken, Failure> {
        let secrets = ask.secrets.clone();
        let request = self.request(ask, principal, statement).map_err(Failure::NoAnswer)?;
        let response = self.transport.send(request).await;
        let response = response.map_err(|error| {
            let message = redact_text(&error.to_string(), &secrets).into_owned();
            Failure::NoAnswer(Error::new(error.kind(), error.sent(), message))
        })?;
        let status = response.status.as_u16();
        let body = response.body.collect(LARGEST_ANSWER).await.map_err(Failure::NoAnswer)?;
        answer::read(status, &body, refresh, self.clock.now(), &secrets).map_err(Failure::Refused)
    }

    fn request(&self, ask: Ask, principal: &Arc<str>, statement: &Arc<Statement>) -> Result<Request, Error> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        if let Some(authorization) = &ask.authorization {
            let mut value = HeaderValue::try_from(authorization.expose()).map_err(|_| {
                let url = redact_url(&ask.url);
                Error::new(ErrorKind::Invalid, Sent::No, format!("client_id or client_secret cannot be sent to {url}"))
            })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(Request {
            method: Method::POST,
            url: ask.url,
            headers,
            body: Bytes::copy_from_slice(ask.body.expose().as_bytes()),
            operation: Operation {
                principal: Arc::clone(principal),
                connection: Arc::clone(&self.connection),
                partition: None,
                table: None,
                endpoint: Arc::from("token"),
                purpose: Purpose::Token,
                repeat: ask.repeat,
                page: None,
                attempt: 1,
                quota_wait: std::time::Duration::ZERO,
                body: BodyMode::Collect { cap: LARGEST_ANSWER },
                keeps: false,
                reuse: true,
                fresh: false,
                cache: None,
                statement: Arc::new(statement.uncancelled_child(RETRIES)),
            },
        })
    }
}
