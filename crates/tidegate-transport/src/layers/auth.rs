//! Signs requests: the last thing that happens to one before it is sent.
//!
//! Credentials go to one origin only. A request to another (a redirect, a next link, a download, allowed by the
//! guard) gets none, and loses headers that look like credentials. Nothing above this layer ever sees one: where an
//! answer that is no success repeats the credential, as servers do when they complain of it, it is blanked. The
//! body of a success is data and stays as it is.
//!
//! A token that the server refuses is reported to its source here, and the refusal is handed on: the retry layer
//! sends the request again ([`Retry::renewing`](crate::Retry::renewing)), so that both attempts are counted, logged
//! and recorded like any others.

mod credentials;
#[cfg(test)]
mod tests;
mod token;

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use url::Origin;

pub use self::credentials::Credentials;
use self::credentials::{Mark, bearer};
pub use self::token::TokenSource;
use crate::origins::is_at;
use crate::redact::is_secret_name;
use crate::{
    Body, DEFAULT_BODY_CAP, Error, ErrorKind, Request, Response, Result, Secret, Sent, Transport, redact_text,
};

/// Adds the credentials of a connection to requests to its own origin.
#[derive(Debug)]
pub struct Auth {
    inner: Arc<dyn Transport>,
    origin: Origin,
    credentials: Credentials,
    /// What constant credentials add.
    mark: Result<Mark, &'static str>,
}

impl Auth {
    /// Signs requests to `origin` (`url.origin()` of the connection's URL). Credentials that cannot be sent are an
    /// error of the first request ([`ErrorKind::Invalid`]).
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>, origin: Origin, credentials: Credentials) -> Self {
        let mark = credentials.mark();
        Self { inner, origin, credentials, mark }
    }

    /// Signs the request. The token, if that is what it is signed with.
    async fn sign(&self, request: &mut Request) -> Result<Option<Secret>> {
        let unusable = |wrong: &str, request: &Request| {
            let connection = &request.operation.connection;
            let message = format!("the credentials of connection {connection} cannot be used: {wrong}");
            Error::new(ErrorKind::Invalid, Sent::No, message)
        };
        if let Credentials::Token(source) = &self.credentials {
            let token = source.token(&request.operation).await?;
            bearer(&token).map_err(|wrong| unusable(wrong, request))?.add_to(request);
            return Ok(Some(token));
        }
        self.mark.as_ref().map_err(|wrong| unusable(wrong, request))?.add_to(request);
        Ok(None)
    }
}

#[async_trait]
impl Transport for Auth {
    async fn send(&self, mut request: Request) -> Result<Response> {
        let shown_url = request.url.clone();
        let mut token = None;
        if is_at(&request.url, &self.origin) {
            token = self.sign(&mut request).await?;
        } else {
            let secret: Vec<_> = request.headers.keys().filter(|name| is_secret_name(name.as_str())).cloned().collect();
            for name in secret {
                request.headers.remove(name);
            }
        }
        let sent = self.inner.send(request).await;
        if matches!(&sent, Ok(response) if response.status.is_success()) {
            return sent.map(|response| Response { url: shown_url, ..response });
        }
        // Taken before the source forgets what was refused.
        let secrets: Arc<[Secret]> = self.credentials.secrets().into_iter().chain(token.clone()).collect();
        let Response { status, headers, body, .. } = sent.map_err(|error| error.blanking(&secrets))?;
        if let (Credentials::Token(source), Some(token), StatusCode::UNAUTHORIZED) = (&self.credentials, &token, status)
        {
            source.refused(token).await;
        }
        let body = if secrets.is_empty() { body } else { blanked(body, secrets) };
        Ok(Response { status, headers, url: shown_url, body })
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
