//! What a token endpoint answers (RFC 6749, 5).

use std::time::{Duration, SystemTime};

use serde_json::Value;
use tidegate_state::StoredToken;
use tidegate_transport::{Secret, redact_text};

/// Longest text of a server's that stands in a message.
const LONGEST_TEXT: usize = 300;

/// Why there is no token although there is an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The server says why.
    Said {
        /// HTTP status.
        status: u16,
        /// The protocol's error code.
        code: String,
        /// The server's own words.
        words: Option<String>,
    },
    /// It answers with a status that is none of the protocol's.
    Status(u16),
    /// It answers with success and something that is no token.
    NoToken(&'static str),
}

impl Refusal {
    /// Whether the server surely has not used up what was sent to it.
    pub(super) fn is_clear(&self) -> bool {
        match self {
            Self::Said { status, .. } => *status < 500,
            Self::Status(status) => (400..500).contains(status),
            Self::NoToken(_) => false,
        }
    }

    pub(super) fn is_invalid_grant(&self) -> bool {
        matches!(self, Self::Said { code, .. } if code == "invalid_grant")
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Said { code, words: None, .. } => f.write_str(code),
            Self::Said { code, words: Some(words), .. } => write!(f, "{code}: {words}"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::NoToken(what) => f.write_str(what),
        }
    }
}

/// Reads an answer. A refresh token that is not replaced stays (RFC 6749, 6).
pub(super) fn read(
    status: u16,
    body: &[u8],
    refresh: Option<&Secret>,
    now: SystemTime,
    secrets: &[Secret],
) -> Result<StoredToken, Refusal> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |member: &str| body.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    // Some answer 200 with an error inside.
    if let Some(code) = text("error") {
        let words = text("error_description").map(|words| plain(words, secrets));
        return Err(Refusal::Said { status, code: plain(code, secrets), words });
    }
    if status != 200 {
        return Err(Refusal::Status(status));
    }
    let access = text("access_token").ok_or(Refusal::NoToken("an answer without access_token"))?;
    // Another kind than bearer would need another way of signing. Those that say nothing mean bearer.
    if text("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(Refusal::NoToken("a token that is no bearer token"));
    }
    Ok(StoredToken {
        access: access.to_owned(),
        refresh: text("refresh_token").or(refresh.map(Secret::expose)).map(str::to_owned),
        expires_at: body.get("expires_in").and_then(seconds).and_then(|lifetime| now.checked_add(lifetime)),
        obtained_at: now,
    })
}

/// A number, or a text that is one, as some servers send it.
fn seconds(value: &Value) -> Option<Duration> {
    let number = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
    Duration::try_from_secs_f64(number).ok()
}

/// A server's words as they may be shown: a line, not too long, without secrets.
pub(super) fn plain(text: &str, secrets: &[Secret]) -> String {
    let shown = redact_text(text, secrets);
    let line = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(LONGEST_TEXT).collect()
}
