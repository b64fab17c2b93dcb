//! The guard: refuses to call an origin that a connection was not told to trust.
//!
//! Servers name URLs (next links, redirects, downloads) and this is where their word ends. An origin is scheme,
//! host and port, so `http://` is another origin than `https://` on the same host.

use std::sync::Arc;

use async_trait::async_trait;
use url::Origin;

use crate::origins::is_at;
use crate::redact::without_parameter;
use crate::{Error, ErrorKind, Request, Response, Result, Sent, Transport};

/// Lets through only requests to a connection's own origin and to those it allows.
#[derive(Debug)]
pub struct OriginGuard {
    inner: Arc<dyn Transport>,
    own: Origin,
    allowed: Vec<Origin>,
    stripped: Vec<String>,
}

impl OriginGuard {
    /// A guard for a connection whose URL has the origin `own`; `allowed` is its option `allow_origins`.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>, own: Origin, allowed: Vec<Origin>) -> Self {
        Self { inner, own, allowed, stripped: Vec::new() }
    }

    /// Takes this parameter too out of the query of every request: the name of a key that the auth layer adds. Servers put
    /// it into their links, from where it would be shown, recorded, and sent to other origins.
    #[must_use]
    pub fn stripping(mut self, parameter: impl Into<String>) -> Self {
        self.stripped.push(parameter.into());
        self
    }
}

#[async_trait]
impl Transport for OriginGuard {
    async fn send(&self, mut request: Request) -> Result<Response> {
        for name in &self.stripped {
            if let Some(url) = without_parameter(&request.url, name) {
                request.url = url;
            }
        }
        if is_at(&request.url, &self.own) || self.allowed.iter().any(|allowed| is_at(&request.url, allowed)) {
            return self.inner.send(request).await;
        }
        let target = request.url.origin();
        let connection = &request.operation.connection;
        let own = self.own.ascii_serialization();
        let message = if target.is_tuple() {
            let target = target.ascii_serialization();
            format!(
                "the server sends connection {connection} from its own origin {own} to {target}, which it does not allow; \
                 if you trust that origin, add it: allow_origins = '{target}' (it gets no credentials)"
            )
        } else {
            // file:, data: and the like. Their origin equals no other, so that no option could allow them.
            let scheme = request.url.scheme();
            format!(
                "the server sends connection {connection} from its own origin {own} to a '{scheme}:' url, which cannot be called"
            )
        };
        Err(Error::new(ErrorKind::OriginRefused, Sent::No, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Scripted, get, status};

    fn origin(url: &str) -> Origin {
        url::Url::parse(url).unwrap().origin()
    }

    #[tokio::test]
    async fn only_known_origins_are_called() {
        for (url, allowed) in [
            ("https://a.example/x", true),
            ("https://a.example:443/x", true),
            ("https://A.example/x", true),
            ("https://files.example/x", true),
            ("http://a.example/x", false),
            ("https://a.example:8443/x", false),
            ("https://sub.a.example/x", false),
            ("https://a.example.evil.example/x", false),
            ("https://a.example@evil.example/x", false),
            ("file:///etc/passwd", false),
            ("data:text/plain,x", false),
        ] {
            let inner = Scripted::new([status(200)]);
            let own = origin("https://a.example/odata/");
            let guard = OriginGuard::new(inner.clone(), own, vec![origin("https://files.example")]);
            let result = guard.send(get(url)).await;
            assert_eq!(result.is_ok(), allowed, "{url}");
            assert_eq!(inner.seen().len(), usize::from(allowed), "{url}");
            if let Err(error) = result {
                assert_eq!((error.kind(), error.sent()), (ErrorKind::OriginRefused, Sent::No));
            }
        }
    }

    #[tokio::test]
    async fn a_key_in_a_link_goes_no_further() {
        let inner = Scripted::new([status(200)]);
        let guard =
            OriginGuard::new(inner.clone(), origin("https://a.example/"), Vec::new()).stripping("appid").stripping("t");
        guard.send(get("https://a.example/x?appid=s3cret&page=2&t=s3cret")).await.unwrap();
        assert_eq!(inner.lines(), ["GET https://a.example/x?page=2"]);
    }

    #[tokio::test]
    async fn the_message_names_both_origins_and_the_option() {
        let guard = OriginGuard::new(Scripted::new([]), origin("https://a.example"), Vec::new());
        let error = guard.send(get("http://b.example:81/x?token=s")).await.unwrap_err();
        insta::assert_snapshot!(error, @"the server sends connection crm from its own origin https://a.example to http://b.example:81, which it does not allow; if you trust that origin, add it: allow_origins = 'http://b.example:81' (it gets no credentials)");
    }
}
