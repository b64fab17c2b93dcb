//! One request: sends it, collects its body, and turns every status but success into an error.
//!
//! The only place of this crate that calls the transport. It neither retries nor follows redirects: the
//! connection's layers did.

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, Method, StatusCode};
use tidegate_transport::{BodyMode, Operation, Repeat, Request, Sent};
use url::Url;

use crate::render::Outgoing;
use crate::{ErrorKind, Source, server_message};

/// A response with its body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The URL that answered: another than was asked for after redirects.
    pub(crate) url: Url,
    pub(crate) body: Bytes,
}

/// Sends a request that only reads, unless the statement was cancelled. Any status is an answer.
pub(crate) async fn send(source: &Source, outgoing: Outgoing, operation: Operation) -> Result<Answer, ErrorKind> {
    send_once(source, outgoing, Operation { repeat: Repeat::Safe, ..operation }).await
}

/// Sends a request that may change something: whether the layers below may send it again is the operation's to say.
pub(crate) async fn send_once(source: &Source, outgoing: Outgoing, operation: Operation) -> Result<Answer, ErrorKind> {
    if source.statement.cancellation().is_cancelled() {
        let message = "the statement was cancelled";
        return Err(tidegate_transport::Error::new(tidegate_transport::ErrorKind::Cancelled, Sent::No, message).into());
    }
    // A body that was collected below passes its cap again, and the body of a stream is capped here.
    let BodyMode::Collect { cap } = BodyMode::default() else {
        return Err(ErrorKind::Unsupported("a page has to be collected before it is decoded".to_owned()));
    };
    let Outgoing { method, url, headers, body } = outgoing;
    let response = source.transport.send(Request { method, url, headers, body, operation }).await?;
    let body = response.body.collect(cap).await?;
    Ok(Answer { status: response.status, headers: response.headers, url: response.url, body })
}

/// Sends a GET without a body.
pub(crate) async fn get(
    source: &Source,
    url: Url,
    headers: HeaderMap,
    operation: Operation,
) -> Result<Answer, ErrorKind> {
    send(source, Outgoing { method: Method::GET, url, headers, body: Bytes::new() }, operation).await
}

/// The answer if its status is 200.
///
/// Other successes are refused: 204 and 206 carry no complete page, and taking them for an empty one would lose
/// rows in silence.
pub(crate) fn expect_ok(source: &Source, answer: Answer) -> Result<Answer, ErrorKind> {
    if answer.status == StatusCode::OK {
        return Ok(answer);
    }
    let said = server_message::extract(&answer.body);
    let advice = match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Some(format!("check the credentials of connection {}, and what they may read", source.connection))
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Some(come_back(&answer.headers)),
        status if status.is_success() => Some("a page of rows comes with status 200".to_owned()),
        StatusCode::NOT_MODIFIED => Some(
            "it says that nothing has changed, though it was not asked that: a fault of the server or of a proxy before \
             it; try again later"
                .to_owned(),
        ),
        status if status.is_redirection() => Some("the redirect cannot be followed".to_owned()),
        _ => None,
    };
    let parts: Vec<String> = said.into_iter().chain(advice).collect();
    let message = (!parts.is_empty()).then(|| parts.join("; "));
    Err(ErrorKind::Status { status: answer.status, message })
}

/// When to try again. The layers below waited as long and tried as often as they may.
fn come_back(headers: &HeaderMap) -> String {
    let asked = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::trim);
    match asked.map(|text| (text, text.parse::<u64>())) {
        Some((_, Ok(seconds @ 1..))) => format!("it asks to come back in {}", span(seconds)),
        Some((date, Err(_))) if date.ends_with(" GMT") => format!("it asks to come back after {date}"),
        _ => "try again later".to_owned(),
    }
}

/// A number of seconds in the two largest units that it has.
fn span(seconds: u64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{minutes} min {} s", seconds % 60),
        _ => format!("{hours} h {} min", minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_busy_says_when_to_come_back() {
        let cases = [
            (None, "try again later"),
            (Some("0"), "try again later"),
            (Some("soon"), "try again later"),
            (Some("90"), "it asks to come back in 90 s"),
            (Some("600"), "it asks to come back in 10 min 0 s"),
            (Some("86400"), "it asks to come back in 24 h 0 min"),
            (Some("Sun, 06 Nov 1994 08:49:37 GMT"), "it asks to come back after Sun, 06 Nov 1994 08:49:37 GMT"),
        ];
        for (value, expected) in cases {
            let headers = value.map(|value| (RETRY_AFTER, http::HeaderValue::from_static(value))).into_iter().collect();
            assert_eq!(come_back(&headers), expected);
        }
    }
}
