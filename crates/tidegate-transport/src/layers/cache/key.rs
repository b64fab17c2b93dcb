//! What an answer is stored under.
//!
//! The key holds all that an answer may depend on: who asks where with which credential (the scope), the principal, the
//! partition, and the request with its headers. `Vary` so holds by construction, also where a server forgets to send it.

use http::HeaderName;
use http::header::{CACHE_CONTROL, PRAGMA};
use sha2::{Digest, Sha256};

use crate::{CacheKey, Request, StatementId};

/// Headers that speak to caches, and choose no other answer.
const NOT_CHOOSING: [HeaderName; 2] = [CACHE_CONTROL, PRAGMA];

/// The key of a request's answer.
pub(super) fn answer(scope: &str, request: &Request) -> CacheKey {
    digest("answer", scope, request)
}

/// The key of an answer within one statement.
pub(super) fn within(key: &CacheKey, statement: StatementId) -> CacheKey {
    let mut parts = Parts::default();
    parts.add(b"within");
    parts.add(key);
    parts.add(&statement.to_le_bytes());
    parts.finish()
}

/// The digest of a request whose answer is a page of a statement.
pub(super) fn page(scope: &str, request: &Request) -> CacheKey {
    digest("page", scope, request)
}

/// The name of what a statement has kept of one scope.
pub(super) fn statement(scope: &str, name: &str) -> CacheKey {
    let mut parts = Parts::default();
    parts.add(b"statement");
    parts.add(scope.as_bytes());
    parts.add(name.as_bytes());
    parts.finish()
}

fn digest(kind: &str, scope: &str, request: &Request) -> CacheKey {
    let operation = &request.operation;
    let mut parts = Parts::default();
    for text in [kind, scope, &operation.principal, request.method.as_str(), request.url.as_str()] {
        parts.add(text.as_bytes());
    }
    parts.add(&[u8::from(operation.partition.is_some())]);
    parts.add(operation.partition.as_deref().unwrap_or_default().as_bytes());
    let mut headers: Vec<_> = request.headers.iter().filter(|(name, _)| !NOT_CHOOSING.contains(name)).collect();
    // Stable: values of one name stay in their order, which counts.
    headers.sort_by_key(|(name, _)| name.as_str());
    for (name, value) in headers {
        parts.add(name.as_str().as_bytes());
        parts.add(value.as_bytes());
    }
    parts.add(&request.body);
    parts.finish()
}

/// A hash of parts, each with its length, so that no two lists of parts are one text.
#[derive(Default)]
struct Parts(Sha256);

impl Parts {
    fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    fn finish(self) -> CacheKey {
        self.0.finalize().into()
    }
}
