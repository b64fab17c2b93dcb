//! `Retry-After` (RFC 9110, 10.2.3): seconds, or a date.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// Longer waits than this are no waits but mistakes, such as a point in time given in seconds.
const ABSURD: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// How long the server asks to wait; `None` when it does not, or asks for nothing that makes sense.
///
/// Seconds may have a fraction, as some services send it. A date counts from `now`. Zero, a date in the past,
/// and more than a year mean nothing: services send `0` where they do not know.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok()?,
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).ok()?,
    };
    sensible(wait)
}

/// A wait that says something.
pub(super) fn sensible(wait: Duration) -> Option<Duration> {
    (!wait.is_zero() && wait <= ABSURD).then_some(wait)
}
