//! The token endpoint of an API that is signed by OAuth 2.0.

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use serde_json::json;
use tidegate::transport::Request;
use url::Url;

use super::page::Answer;
use super::read::{Read, Refusal};

/// What every token begins with.
pub(crate) const ACCESS: &str = "s3cret-access-";

/// Gives out `s3cret-access-1`, `-2` and so on, of which the newest is good.
#[derive(Debug)]
pub(super) struct Tokens {
    url: Url,
    asked: Mutex<Vec<(HeaderMap, String)>>,
}

impl Tokens {
    pub(super) fn new(url: Url) -> Self {
        Self { url, asked: Mutex::default() }
    }

    fn asked(&self) -> MutexGuard<'_, Vec<(HeaderMap, String)>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn requests(&self) -> Vec<(HeaderMap, String)> {
        self.asked().clone()
    }

    /// A token, if this is a request for one.
    pub(super) fn answer(&self, request: &Request) -> Option<Answer> {
        (request.url == self.url).then(|| {
            let mut asked = self.asked();
            asked.push((request.headers.clone(), String::from_utf8_lossy(&request.body).into_owned()));
            let token = format!("{ACCESS}{}", asked.len());
            Answer::of(200, &json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600}))
        })
    }

    /// Whether the request has the newest token, and nothing else for one.
    pub(super) fn check(&self, request: &Request) -> Read<()> {
        let newest = format!("Bearer {ACCESS}{}", self.asked().len());
        let given: Vec<_> = request.headers.get_all("authorization").iter().collect();
        match given.as_slice() {
            [token] if token.as_bytes() == newest.as_bytes() => Ok(()),
            _ => Err(Refusal { status: 401, message: format!("not signed by {newest}") }),
        }
    }
}
