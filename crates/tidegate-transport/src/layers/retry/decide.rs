//! The one place that decides whether an attempt may be repeated. `tests` holds the whole table as a snapshot.

use http::StatusCode;

use crate::{Error, ErrorKind, Repeat, Response, Result, Sent};

/// How an attempt ended, as far as the decision needs it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    /// With a response.
    Status(StatusCode),
    /// With 429, whose wait is the quota layer's.
    Throttled,
    /// With a refusal (401) of a token that is renewed before the next attempt.
    Renewed,
    /// Without one.
    Failed(ErrorKind, Sent),
}

impl Outcome {
    pub(super) fn of(result: &Result<Response>) -> Self {
        match result {
            Ok(response) => Self::Status(response.status),
            Err(error) => Self::failed(error),
        }
    }

    fn failed(error: &Error) -> Self {
        Self::Failed(error.kind(), error.sent())
    }
}

/// Whether the same request should be sent again.
///
/// * 429: the server refused it before it acted on it, so that even a change may be repeated.
/// * a refused token: the same, once it is renewed; once for a request.
/// * 408, 425, 502, 503, 504, and what gateways made up beside them (520 to 524, 529): passing troubles of a service or
///   of a gateway before it. A change is not repeated: the
///   gateway may have passed it on, and a service that is going down answers 503 to what it has just done.
/// * 500 and other statuses: the server's answer to this request; it would be the same again.
/// * no connection, no answer in time, a cut answer: passing. A change is repeated only when it surely was not
///   sent.
/// * other failures (TLS, a refused origin, a body too large, …) stay as they are.
pub(super) fn decide(outcome: Outcome, repeat: Repeat) -> bool {
    match (outcome, repeat) {
        (Outcome::Throttled | Outcome::Renewed, _) => true,
        (Outcome::Status(status), Repeat::Safe) => is_passing(status),
        (Outcome::Status(status), Repeat::Unsafe) => status == StatusCode::TOO_MANY_REQUESTS,
        (Outcome::Failed(kind, _), Repeat::Safe) => kind.is_transient(),
        (Outcome::Failed(kind, sent), Repeat::Unsafe) => kind.is_transient() && sent == Sent::No,
    }
}

fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 502..=504 | 520..=524 | 529)
}
