//! The format of a recording: JSON lines, the first of which says that it is one, and one exchange in each of
//! the others, in the order in which the answers ended.
//!
//! ```json
//! {"tidegate_recording":1}
//! {"method":"GET","url":"https://api.example/v1?$top=5","status":200,"headers":[["content-type","application/json"]],"body":{"text":"{}"}}
//! ```
//!
//! * `url` is redacted; `request_headers` are left out when there are none, and so are empty bodies.
//! * a body is `{"text": …}` when it is UTF-8 and `{"base64": …}` otherwise, after decompression.
//! * `failure` stands when there was no complete answer; `status` and the rest are what had arrived.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::redact::{redact_header, redact_text};
use crate::{Error, ErrorKind, Request, Secret, Sent, redact_url};

/// The version of the format that is written, and the only one that is read.
const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Heading {
    tidegate_recording: u32,
}

impl Heading {
    pub(super) const CURRENT: Self = Self { tidegate_recording: VERSION };

    /// Whether a line is the heading of a recording, of whatever version.
    pub(super) fn is_one(line: &str) -> bool {
        serde_json::from_str::<Self>(line).is_ok()
    }

    /// Whether a line is the heading of a recording that this version can read.
    pub(super) fn is_current(line: &str) -> bool {
        serde_json::from_str::<Self>(line).is_ok_and(|heading| heading.tidegate_recording == VERSION)
    }
}

/// One request and what became of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Exchange {
    pub(super) method: String,
    pub(super) url: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    request_headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Content::is_empty")]
    pub(super) request_body: Content,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Content::is_empty")]
    pub(super) body: Content,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<Failure>,
}

/// Why there was no complete answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Failure {
    kind: ErrorKind,
    sent: Sent,
    message: String,
}

impl Failure {
    pub(super) fn of(error: &Error) -> Self {
        Self { kind: error.kind(), sent: error.sent(), message: error.to_string() }
    }

    pub(super) fn error(&self) -> Error {
        Error::new(self.kind, self.sent, &self.message)
    }
}

/// A body.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Content {
    Text(String),
    Base64(String),
}

impl Default for Content {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl Content {
    /// A body as it is kept: a text loses the secrets.
    pub(super) fn of(bytes: &[u8], secrets: &[Secret]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(redact_text(text, secrets).into_owned()),
            Err(_) => Self::Base64(BASE64.encode(bytes)),
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_empty())
    }

    /// The body; `None` for text that is not base64 although it says so.
    pub(super) fn bytes(&self) -> Option<Bytes> {
        match self {
            Self::Text(text) => Some(Bytes::copy_from_slice(text.as_bytes())),
            Self::Base64(text) => BASE64.decode(text).ok().map(Bytes::from),
        }
    }
}

impl Exchange {
    /// The request's half.
    pub(super) fn asked(request: &Request, secrets: &[Secret]) -> Self {
        Self {
            method: request.method.to_string(),
            url: shown_url(request, secrets),
            request_headers: headers_to_text(&request.headers, secrets),
            request_body: Content::of(&request.body, secrets),
            status: None,
            headers: Vec::new(),
            body: Content::default(),
            failure: None,
        }
    }

    pub(super) fn set_headers(&mut self, headers: &HeaderMap, secrets: &[Secret]) {
        self.headers = headers_to_text(headers, secrets);
    }

    /// The answer's headers; `None` when one of them is none.
    pub(super) fn header_map(&self) -> Option<HeaderMap> {
        self.headers
            .iter()
            .map(|(name, value)| Some((HeaderName::try_from(name.as_str()).ok()?, HeaderValue::from_str(value).ok()?)))
            .collect()
    }
}

/// The URL by which an exchange is found again.
pub(super) fn shown_url(request: &Request, secrets: &[Secret]) -> String {
    redact_text(&redact_url(&request.url), secrets).into_owned()
}

/// Headers as they are kept: without what described the body on the wire, which is kept decompressed.
fn headers_to_text(headers: &HeaderMap, secrets: &[Secret]) -> Vec<(String, String)> {
    let kept = |name: &HeaderName| ![CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name);
    headers
        .iter()
        .filter(|(name, _)| kept(name))
        .map(|(name, value)| {
            let shown = redact_header(name, value);
            (name.to_string(), redact_text(&shown, secrets).into_owned())
        })
        .collect()
}
