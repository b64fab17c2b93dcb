//! Sends one request to a token endpoint.
//!
//! Its layers are retry, collect and observe over the network: redirects are not followed (a token endpoint has no
//! reason for one, and credentials must not travel), and nothing is recorded.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use tidegate_state::StoredToken;
use tidegate_transport::{
    BodyMode, Clock, Collect, Error, ErrorKind, Observe, Operation, Purpose, Request, Retry, RetryPolicy, Sent,
    Statement, Transport, redact_text, redact_url,
};

use super::OAuthParts;
use super::answer::{self, Refusal};
use super::ask::Ask;

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
        let collected = Arc::new(Collect::new(Arc::new(observed)));
        let retried = Retry::new(collected, RetryPolicy::default(), Arc::clone(&clock), Arc::clone(&parts.jitter));
        Self { transport: Arc::new(retried), clock, connection: Arc::from(connection) }
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
                body: BodyMode::Collect { cap: LARGEST_ANSWER },
                statement: Arc::new(statement.uncancelled_child(RETRIES)),
            },
        })
    }
}
