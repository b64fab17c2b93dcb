//! Follows redirects, each as a call of its own: counted, retried and guarded like any other.
//!
//! Relies on the guard below for where a request may go, and on the auth layer for what it may carry there.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use crate::{Error, ErrorKind, Operation, Purpose, Repeat, Request, Response, Result, Sent, Transport, redact_url};

/// Redirects followed for one request. Real chains are of one or two: a scheme, a trailing slash, a new host.
pub const MAX_REDIRECTS: usize = 5;

/// Follows the redirects of requests that may be repeated, and of others only where nothing can go wrong.
///
/// * [`Repeat::Safe`], unless it is a change under a key: 303 becomes a GET without body. 301, 302, 307 and 308 keep method and body: RFC 9110
///   (15.4.2) allows to turn a POST into a GET there, but a search whose body is lost finds other rows.
/// * [`Repeat::Unsafe`] and every [`Purpose::Write`]: 307 and 308 to the same origin, which say that nothing was done
///   yet. With others the redirect itself is the response: a change never becomes a GET, and nobody else is told of it.
#[derive(Debug)]
pub struct Redirect {
    inner: Arc<dyn Transport>,
}

impl Redirect {
    /// Follows up to [`MAX_REDIRECTS`] redirects for one request.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>) -> Self {
        Self { inner }
    }
}

#[async_trait]
impl Transport for Redirect {
    async fn send(&self, mut request: Request) -> Result<Response> {
        let mut seen: Vec<(Method, Url)> = Vec::new();
        loop {
            let response = self.inner.send(request.clone()).await?;
            if !is_redirect(response.status) {
                return Ok(response);
            }
            let target = target(&request.url, &response.headers);
            let same_origin = target.as_ref().is_some_and(|target| target.origin() == request.url.origin());
            if !may_follow(response.status, &request.operation, same_origin) {
                return Ok(response);
            }
            let status = response.status.as_u16();
            let Some(target) = target else {
                let url = redact_url(&request.url);
                return Err(refused(format!("{url} answers {status}, a redirect, without a usable Location header")));
            };
            seen.push((request.method.clone(), request.url.clone()));
            if seen.len() > MAX_REDIRECTS {
                let (first, target) = (redact_url(&seen[0].1), redact_url(&target));
                return Err(refused(format!(
                    "{first} redirects more than {MAX_REDIRECTS} times, at last to {target}; check the url of the connection"
                )));
            }
            redirect(&mut request, response.status, target);
            if seen.iter().any(|(method, url)| *method == request.method && *url == request.url) {
                let (first, target) = (redact_url(&seen[0].1), redact_url(&request.url));
                return Err(refused(format!(
                    "{first} redirects in a circle, back to {target}; a server that does so often wants a login"
                )));
            }
        }
    }
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::Redirect, Sent::Maybe, message)
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn may_follow(status: StatusCode, operation: &Operation, same_origin: bool) -> bool {
    let changes_nothing = operation.repeat == Repeat::Safe && operation.purpose != Purpose::Write;
    changes_nothing || (same_origin && matches!(status.as_u16(), 307 | 308))
}

/// Where a redirect leads; `None` when it does not say so.
fn target(from: &Url, headers: &HeaderMap) -> Option<Url> {
    let location = std::str::from_utf8(headers.get(LOCATION)?.as_bytes()).ok()?;
    let mut target = from.join(location).ok()?;
    // A server must not choose the credentials that are sent somewhere. Both fail only where there are none.
    let _ = target.set_username("");
    let _ = target.set_password(None);
    target.set_fragment(None);
    Some(target)
}

fn redirect(request: &mut Request, status: StatusCode, target: Url) {
    request.url = target;
    if status == StatusCode::SEE_OTHER && request.method != Method::HEAD {
        request.method = Method::GET;
        request.body = Bytes::new();
        request.headers.remove(CONTENT_TYPE);
        request.headers.remove(CONTENT_ENCODING);
    }
}
