//! Signs requests: the last thing that happens to one before it is sent.
//!
//! Credentials go to one origin only. A request to another (a redirect, a next link, a download, allowed by the
//! guard) gets none, and loses headers that look like credentials. Nothing above this layer ever sees one: where an
//! answer that is no success repeats the credential, as servers do when they complain of it, it is blanked. The
//! body of a success is data and stays as it is.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use url::Origin;

use crate::redact::is_secret_name;
use crate::{
    Body, DEFAULT_BODY_CAP, Error, ErrorKind, Request, Response, Result, Secret, Sent, Transport, redact_text,
};

/// How a connection proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Not at all.
    None,
    /// User and password (RFC 7617).
    Basic {
        /// User name, without a colon.
        user: String,
        /// Password; may be empty.
        password: Secret,
    },
    /// A token (RFC 6750).
    Bearer(Secret),
}

impl Credentials {
    /// Every secret form in which these go over the wire: what must not appear in anything that is kept.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        match self {
            Self::None => Vec::new(),
            Self::Basic { user, password } => vec![password.clone(), Secret::new(encode_basic(user, password))],
            Self::Bearer(token) => vec![token.clone()],
        }
    }

    /// The header; otherwise what is wrong with them.
    fn header(&self) -> Result<Option<HeaderValue>, &'static str> {
        let text = match self {
            Self::None => return Ok(None),
            Self::Basic { user, .. } if user.contains(':') => {
                return Err("its user name contains ':', which cannot be sent");
            }
            Self::Basic { user, password } => format!("Basic {}", encode_basic(user, password)),
            Self::Bearer(token) => format!("Bearer {}", token.expose()),
        };
        let mut value = HeaderValue::try_from(text)
            .map_err(|_| "its token contains a character that cannot be sent: is there a line break in it?")?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

fn encode_basic(user: &str, password: &Secret) -> String {
    BASE64.encode(format!("{user}:{}", password.expose()))
}

/// Adds the credentials of a connection to requests to its own origin.
#[derive(Debug)]
pub struct Auth {
    inner: Arc<dyn Transport>,
    origin: Origin,
    header: Result<Option<HeaderValue>, &'static str>,
    secrets: Arc<[Secret]>,
}

impl Auth {
    /// Signs requests to `origin` (`url.origin()` of the connection's URL). Credentials that cannot be sent in a
    /// header are an error of the first request ([`ErrorKind::Invalid`]).
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>, origin: Origin, credentials: Credentials) -> Self {
        Self { inner, origin, header: credentials.header(), secrets: credentials.secrets().into() }
    }
}

#[async_trait]
impl Transport for Auth {
    async fn send(&self, mut request: Request) -> Result<Response> {
        if request.url.origin() == self.origin {
            let header = self.header.as_ref().map_err(|wrong| {
                let connection = &request.operation.connection;
                let message = format!("the credentials of connection {connection} cannot be used: {wrong}");
                Error::new(ErrorKind::Invalid, Sent::No, message)
            })?;
            if let Some(header) = header {
                request.headers.insert(AUTHORIZATION, header.clone());
            }
        } else {
            let secret: Vec<_> = request.headers.keys().filter(|name| is_secret_name(name.as_str())).cloned().collect();
            for name in secret {
                request.headers.remove(name);
            }
        }
        let response = self.inner.send(request).await?;
        if response.status.is_success() || self.secrets.is_empty() {
            return Ok(response);
        }
        let Response { status, headers, url, body } = response;
        Ok(Response { status, headers, url, body: blanked(body, Arc::clone(&self.secrets)) })
    }
}

/// The body without these secrets. It is held whole, since a secret may be cut by the border of two chunks.
fn blanked(body: Body, secrets: Arc<[Secret]>) -> Body {
    Body::from_stream(futures::stream::once(async move {
        let bytes = body.collect(DEFAULT_BODY_CAP).await?;
        let shown = match redact_text(&String::from_utf8_lossy(&bytes), &secrets) {
            Cow::Owned(text) => Some(Bytes::from(text)),
            Cow::Borrowed(_) => None,
        };
        Ok(shown.unwrap_or(bytes))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Scripted, answer, get, status};

    async fn sent(credentials: Credentials, url: &str) -> Request {
        let inner = Scripted::new([status(200)]);
        let own = url::Url::parse("https://a.example/").unwrap().origin();
        let auth = Auth::new(inner.clone(), own, credentials);
        let mut request = get(url);
        request.headers.insert("x-api-key", HeaderValue::from_static("k"));
        request.headers.insert("accept", HeaderValue::from_static("*/*"));
        auth.send(request).await.unwrap();
        inner.seen().remove(0)
    }

    #[tokio::test]
    async fn own_origin_gets_them() {
        let basic = Credentials::Basic { user: "me".into(), password: Secret::new("pä:ss") };
        for (credentials, header) in [
            (Credentials::None, None),
            (basic, Some("Basic bWU6cMOkOnNz")),
            (Credentials::Bearer(Secret::new("abc")), Some("Bearer abc")),
        ] {
            let request = sent(credentials, "https://a.example/x").await;
            let value = request.headers.get(AUTHORIZATION);
            assert_eq!(value.map(|value| value.to_str().unwrap()), header);
            assert!(value.is_none_or(HeaderValue::is_sensitive));
            assert!(request.headers.contains_key("x-api-key"));
        }
    }

    #[tokio::test]
    async fn another_origin_gets_none_and_no_key_in_a_header_either() {
        for url in ["http://a.example/", "https://a.example:444/", "https://b.example/"] {
            let request = sent(Credentials::Bearer(Secret::new("abc")), url).await;
            let names: Vec<_> = request.headers.keys().map(http::HeaderName::as_str).collect();
            assert_eq!(names, ["accept"], "{url}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_sent_is_refused_without_showing_it() {
        let own = || url::Url::parse("https://a.example/").unwrap().origin();
        for credentials in [
            Credentials::Bearer(Secret::new("s3cret\n")),
            Credentials::Basic { user: "s3:cret".into(), password: Secret::new("s3cret") },
        ] {
            let error =
                Auth::new(Scripted::new([]), own(), credentials).send(get("https://a.example/")).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(!format!("{error} {error:?}").contains("s3cret"));
        }
    }

    #[tokio::test]
    async fn an_answer_that_repeats_them_is_blanked_unless_it_is_data() {
        let own = url::Url::parse("https://a.example/").unwrap().origin();
        let basic = || Credentials::Basic { user: "me".into(), password: Secret::new("s3cret") };
        let cases = [
            (basic(), 401, "no: Basic bWU6czNjcmV0 (s3cret)", "no: Basic *** (***)"),
            (Credentials::Bearer(Secret::new("s3/cret")), 500, "bad s3%2Fcret", "bad ***"),
            (Credentials::Bearer(Secret::new("s3cret")), 302, "to ?t=s3cret", "to ?t=***"),
            (Credentials::Bearer(Secret::new("s3cret")), 200, "a row with s3cret", "a row with s3cret"),
            (Credentials::None, 400, "s3cret", "s3cret"),
        ];
        for (credentials, code, sent, shown) in cases {
            let auth = Auth::new(Scripted::new([answer(code, &[], sent)]), own.clone(), credentials);
            let response = auth.send(get("https://a.example/")).await.unwrap();
            assert_eq!(response.body.collect(100).await.unwrap(), shown, "{code}");
        }
    }
}
