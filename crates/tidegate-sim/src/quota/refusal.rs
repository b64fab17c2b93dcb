//! The answer to a call for which a quota has no room.

use serde_json::json;

use super::Throttled;
use super::counters::Refused;
use crate::config::Config;
use crate::reply::Reply;

/// The answer; `plain` is how the shape refuses a call with status 429.
pub(crate) fn refusal(config: &Config, refused: &Refused, plain: impl FnOnce() -> Reply) -> Reply {
    let reply = match config.throttled {
        Throttled::TooManyRequests => plain(),
        Throttled::Forbidden => {
            let body = json!([{ "errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded." }]);
            Reply::new(403, "application/json", body.to_string())
        }
        Throttled::Inside => {
            let body = json!({ "errors": [{ "message": "Throttled", "extensions": { "code": "THROTTLED" } }] });
            Reply::new(200, "application/json", body.to_string())
        }
    };
    match refused.wait.filter(|_| config.quota_retry_after) {
        Some(wait) => reply.with("Retry-After", wait.as_micros().div_ceil(1_000_000).to_string()),
        None => reply,
    }
}
