//! Why there is no response.

use serde::{Deserialize, Serialize};

use crate::{Secret, redact_text};

/// A request that got no usable response. Statuses are not errors here: they are responses.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    sent: Sent,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What went wrong. Recordings spell it in snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The name was not found, or nothing accepted the connection.
    Connect,
    /// TLS could not be agreed on, or the certificate is not trusted.
    Tls,
    /// No answer in time.
    Timeout,
    /// The connection broke before the response was complete.
    Broken,
    /// The body is larger than its cap.
    TooLarge,
    /// The user gave up, before the request was sent or while it was under way.
    Cancelled,
    /// The target is an origin that the connection does not allow.
    OriginRefused,
    /// More redirects than are followed, or one that cannot be.
    Redirect,
    /// A replay has no such exchange.
    NotRecorded,
    /// A local file could not be read or written.
    File,
    /// There is no token to sign the request with, and none could be had.
    Credentials,
    /// The request itself cannot be sent: a bad header or body.
    Invalid,
    /// The statement may send no more calls ([`Spending::max_calls`](crate::Spending)).
    CallBound,
    /// A quota has no room for the call, and the statement may not wait for it, or not that long.
    QuotaExhausted,
}

impl ErrorKind {
    /// Whether a failure of this kind passes by itself: the same request may well succeed a little later.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Connect | Self::Timeout | Self::Broken)
    }
}

/// Whether the server may have seen the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sent {
    /// Surely not.
    No,
    /// It may have acted on it.
    Maybe,
}

const MIB: u64 = 1024 * 1024;

impl Error {
    /// An error with a message that says what was wrong, where, and what to do.
    pub fn new(kind: ErrorKind, sent: Sent, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), sent, source: None }
    }

    /// The same with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error with words put after its message.
    #[must_use]
    pub(crate) fn remark(mut self, after: impl std::fmt::Display) -> Self {
        self.message = format!("{} ({after})", self.message);
        self
    }

    /// The same error for a request of which an earlier attempt may have been seen.
    #[must_use]
    pub(crate) fn maybe_sent(mut self) -> Self {
        self.sent = Sent::Maybe;
        self
    }

    /// The same error with words put before its message.
    #[must_use]
    pub fn context(mut self, before: impl std::fmt::Display) -> Self {
        self.message = format!("{before}: {}", self.message);
        self
    }

    /// The same error whose message has lost these secrets.
    #[must_use]
    pub(crate) fn blanking(mut self, secrets: &[Secret]) -> Self {
        self.message = redact_text(&self.message, secrets).into_owned();
        self
    }

    pub(crate) fn too_large(cap: u64) -> Self {
        let cap = if cap.is_multiple_of(MIB) { format!("{} MB", cap / MIB) } else { format!("{cap} bytes") };
        let message = format!(
            "the response body is larger than {cap}, which is more than is read; if the url is right, ask for fewer columns"
        );
        Self::new(ErrorKind::TooLarge, Sent::Maybe, message)
    }

    pub(crate) fn cancelled(sent: Sent) -> Self {
        Self::new(ErrorKind::Cancelled, sent, "the statement was cancelled")
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the server may have seen the request.
    #[must_use]
    pub fn sent(&self) -> Sent {
        self.sent
    }

    /// Whether the user gave up.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.kind == ErrorKind::Cancelled
    }

    /// Whether the same request may well succeed a little later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.kind.is_transient()
    }
}
