//! An answer as the cache holds it, and as it is written to a store: a status line and header lines, like HTTP's own.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{
    AGE, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, PROXY_AUTHENTICATE, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use url::Url;

use super::policy::Policy;
use crate::redact::is_secret_name;
use crate::{Blanks, Body, Response, StoredAnswer};

/// First line of the form; another version's is no answer.
const VERSION: &str = "tidegate-answer 1";

/// Fields of one connection, which say nothing of the answer (RFC 9111, 3.1).
const HOP_BY_HOP: [HeaderName; 6] = [CONNECTION, PROXY_AUTHENTICATE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// What describes the stored body, and stays with it when a 304 speaks of another one (RFC 9111, 3.2).
const OF_THE_BODY: [HeaderName; 5] =
    [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderName::from_static("content-md5")];

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// When it was asked for: compared with moments of writes.
    pub(super) asked_at: SystemTime,
    /// When it was received, or the server last said that it still holds.
    pub(super) received_at: SystemTime,
}

impl Answer {
    /// As it may be kept: without what belongs to one connection, and without what looks like a credential.
    pub(super) fn kept(mut self) -> Self {
        let named: Vec<HeaderName> = self.headers.get_all(CONNECTION).iter().flat_map(names).collect();
        let is_dropped = |name: &HeaderName| {
            HOP_BY_HOP.contains(name)
                || named.contains(name)
                || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "proxy-authentication-info")
                || is_secret_name(name.as_str())
        };
        let dropped: Vec<HeaderName> = self.headers.keys().filter(|name| is_dropped(name)).cloned().collect();
        for name in dropped {
            self.headers.remove(name);
        }
        self
    }

    /// Whether one of these secrets stands in it.
    pub(super) fn holds(&self, blanks: &Blanks) -> bool {
        blanks.stand_in(&self.body) || self.headers.values().any(|value| blanks.stand_in(value.as_bytes()))
    }

    /// Bytes that it takes in memory, about.
    pub(super) fn weight(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 64).sum();
        self.body.len() + headers + 256
    }

    /// The same after a 304: its fields replace all of the same name (RFC 9111, 3.2).
    pub(super) fn confirmed(&self, told: &HeaderMap, asked_at: SystemTime, received_at: SystemTime) -> Self {
        let mut headers = self.headers.clone();
        // How old it was is told anew, or it is new.
        headers.remove(AGE);
        for name in told.keys().filter(|name| !OF_THE_BODY.contains(name)) {
            headers.remove(name);
            for value in told.get_all(name) {
                // A map has room for 32,768 lines; what a server sends beyond says nothing that is needed.
                let _ = headers.try_append(name, value.clone());
            }
        }
        Self { status: self.status, headers, body: self.body.clone(), asked_at, received_at }
    }

    /// The response that a reader gets.
    pub(super) fn response(&self, url: &Url, now: SystemTime) -> Response {
        let mut headers = self.headers.clone();
        headers.insert(AGE, HeaderValue::from(Policy::age(self, now).as_secs()));
        Response { status: self.status, headers, url: url.clone(), body: Body::from(self.body.clone()) }
    }

    pub(super) fn stored(&self) -> StoredAnswer {
        let mut meta = format!("{VERSION}\n{}\n", self.status.as_u16()).into_bytes();
        for (name, value) in &self.headers {
            meta.extend_from_slice(name.as_str().as_bytes());
            meta.push(b':');
            meta.extend_from_slice(value.as_bytes());
            meta.push(b'\n');
        }
        StoredAnswer { meta, body: self.body.clone(), asked_at: self.asked_at, stored_at: self.received_at }
    }

    /// `None` for what was not written in this form.
    pub(super) fn read(stored: StoredAnswer) -> Option<Self> {
        let StoredAnswer { meta, body, asked_at, stored_at: received_at } = stored;
        // No field holds a line's end.
        let mut lines = meta.strip_suffix(b"\n")?.split(|&byte| byte == b'\n');
        if lines.next()? != VERSION.as_bytes() {
            return None;
        }
        let status = StatusCode::from_bytes(lines.next()?).ok()?;
        let field = |line: &[u8]| {
            let colon = line.iter().position(|&byte| byte == b':')?;
            let name = HeaderName::from_bytes(&line[..colon]).ok()?;
            Some((name, HeaderValue::from_bytes(&line[colon + 1..]).ok()?))
        };
        let fields: Option<Vec<_>> = lines.map(field).collect();
        let mut headers = HeaderMap::new();
        for (name, value) in fields? {
            headers.try_append(name, value).ok()?;
        }
        Some(Self { status, headers, body, asked_at, received_at })
    }
}

/// Names that a `Connection` field lists.
fn names(field: &HeaderValue) -> Vec<HeaderName> {
    let names = field.to_str().unwrap_or_default().split(',');
    names.filter_map(|name| HeaderName::try_from(name.trim()).ok()).collect()
}
