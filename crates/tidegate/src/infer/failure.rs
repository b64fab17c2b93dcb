//! Responses from which nothing can be inferred, each with what to do.

use http::StatusCode;
use http::header::{CONTENT_TYPE, LOCATION};
use tidegate_transport::redact_url;

use super::Sample;
use crate::{Error, ErrorKind, Result};

/// Longest words of a server that are passed on, in characters.
const MAX_CHARS: usize = 200;

fn fail(sample: &Sample, message: String) -> Error {
    Error::new(ErrorKind::Remote, format!("{}: {message}", redact_url(&sample.url)))
}

/// # Errors
/// Any status but 200.
pub(super) fn of_status(sample: &Sample) -> Result<()> {
    let status = sample.status;
    let advice = match status {
        StatusCode::OK => return Ok(()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if sample.signed => {
            "the token was not accepted for it: check that it is right, not expired, and may read this; an API that \
             wants it elsewhere than in `Authorization: Bearer` needs an `auth` of its own in the manifest"
                .to_owned()
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "it wants to know who asks: give a token (it is sent as `Authorization: Bearer`)".to_owned()
        }
        StatusCode::NOT_FOUND => {
            let hidden = if sample.signed { "" } else { ", and whether it needs a token" };
            format!("there is nothing here: check the path{hidden}")
        }
        StatusCode::TOO_MANY_REQUESTS => "too many requests were sent: try again later".to_owned(),
        status if status.is_redirection() => match sample.headers.get(LOCATION).and_then(|to| to.to_str().ok()) {
            Some(to) => match sample.url.join(to) {
                Ok(to) => format!("it redirects to {}: if that is the API, give that URL", redact_url(&to)),
                Err(_) => "it redirects to something that is no URL".to_owned(),
            },
            None => "it redirects without saying where to".to_owned(),
        },
        status if status.is_success() => "a list is answered with status 200".to_owned(),
        status if status.is_server_error() => "the server failed: try again later".to_owned(),
        _ => "check the path and the parameters".to_owned(),
    };
    let words = words(sample).map(|words| format!(" (it says: {words})")).unwrap_or_default();
    Err(fail(sample, format!("status {status}; {advice}{words}")))
}

pub(super) fn no_json(sample: &Sample, error: &serde_json::Error) -> Error {
    let content_type = sample.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let start = String::from_utf8_lossy(&sample.body[..sample.body.len().min(64)]).to_lowercase();
    let start = start.trim_start_matches('\u{feff}').trim_start();
    let message = if start.is_empty() {
        "the body is empty; a list in JSON was expected".to_owned()
    } else if start.starts_with("<!doctype html") || start.starts_with("<html") || content_type.contains("text/html") {
        "the answer is a web page and not JSON: this is the address of a site or of its login; look for the address of \
         the API in its documentation"
            .to_owned()
    } else if start.starts_with('<') {
        "the answer is XML and not JSON; look for a parameter that asks for JSON".to_owned()
    } else {
        format!("the answer is no JSON: {error}")
    };
    fail(sample, message)
}

/// The server's own words, on one line.
fn words(sample: &Sample) -> Option<String> {
    let text = std::str::from_utf8(&sample.body).ok()?.trim();
    if text.starts_with('<') {
        return None;
    }
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(MAX_CHARS).collect();
    let end = if cut.len() < line.len() { "…" } else { "" };
    (!cut.is_empty()).then(|| format!("{cut}{end}"))
}
