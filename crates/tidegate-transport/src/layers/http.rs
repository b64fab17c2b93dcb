//! The bottom of the stack: sends a request over the network.
//!
//! Relies on reqwest for connections (HTTP/1.1 and HTTP/2, keep-alive, proxies) and for decompression, and on
//! rustls for TLS. The client's own redirects and retries are off: each of them is a call, and other layers
//! count and decide those. Must not add credentials, and must not wait for anything but the network.

mod client;
mod explain;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use reqwest::Client;
use tokio_util::sync::CancellationToken;
use url::Url;

use self::client::Route;
use self::explain::Place;
use crate::{Body, Error, ErrorKind, Request, Response, Result, Sent, Transport};

/// How to talk to the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpOptions {
    /// Longest time until a connection stands, TLS included. 10 s by default.
    pub connect_timeout: Duration,
    /// Longest silence of the server, before the answer or within it. 30 s by default.
    pub read_timeout: Duration,
    /// Longest time from the request to the end of the body, so that one that trickles ends. 5 min by default.
    pub total_timeout: Option<Duration>,
    /// The `User-Agent` header; `tidegate/VERSION` by default.
    pub user_agent: String,
    /// Whether the system's proxy settings apply (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY` and what
    /// macOS and Windows have in their settings). They never apply to this machine itself. On by default.
    pub proxy_from_environment: bool,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            total_timeout: Some(Duration::from_secs(5 * 60)),
            user_agent: concat!("tidegate/", env!("CARGO_PKG_VERSION")).into(),
            proxy_from_environment: true,
        }
    }
}

/// Sends requests over HTTP. Making one costs nothing: certificates are loaded with the first request.
///
/// The trusted roots are the system's. On Linux and the BSDs `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
#[derive(Debug)]
pub struct Http {
    options: HttpOptions,
    proxied: OnceLock<Client>,
    direct: OnceLock<Client>,
    /// Without TLS, and so without the system's certificates, which take longer to load than some queries.
    plain: OnceLock<Client>,
}

impl Http {
    /// A transport with connections of its own, which are kept alive between requests.
    #[must_use]
    pub fn new(options: HttpOptions) -> Self {
        Self { options, proxied: OnceLock::new(), direct: OnceLock::new(), plain: OnceLock::new() }
    }

    /// A proxy is of no use for a service on this machine.
    fn is_proxied(&self, url: &Url) -> bool {
        self.options.proxy_from_environment && !is_loopback(url)
    }

    /// The client for a URL.
    fn client(&self, url: &Url) -> Result<&Client> {
        // A proxy may be spoken to with TLS whatever is behind it.
        let (route, slot) = match (self.is_proxied(url), url.scheme() == "http") {
            (true, _) => (Route::Proxied, &self.proxied),
            (false, false) => (Route::Direct, &self.direct),
            (false, true) => (Route::Plain, &self.plain),
        };
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        // Two first requests at once may both build one; the slot keeps either.
        let client = client::build(&self.options, route)?;
        Ok(slot.get_or_init(|| client))
    }
}

#[async_trait]
impl Transport for Http {
    async fn send(&self, request: Request) -> Result<Response> {
        let cancelled = request.operation.statement.cancellation().clone();
        if cancelled.is_cancelled() {
            return Err(Error::cancelled(Sent::No));
        }
        let client = self.client(&request.url)?;
        let to =
            To { connection: Arc::clone(&request.operation.connection), is_proxied: self.is_proxied(&request.url) };
        let url = request.url.clone();
        let outgoing = outgoing(request)?;
        let mut answer = tokio::select! {
            biased;
            () = cancelled.cancelled() => return Err(Error::cancelled(Sent::Maybe)),
            answer = client.execute(outgoing) => answer.map_err(|error| to.explain(error, &url))?,
        };
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        let length = answer.content_length();
        Ok(Response { status, headers, url, body: Body::of_length(length, chunks(answer, cancelled, to)) })
    }
}

/// Where a request went, for what may be said of it.
#[derive(Debug)]
struct To {
    connection: Arc<str>,
    is_proxied: bool,
}

impl To {
    fn explain(&self, error: reqwest::Error, url: &Url) -> Error {
        explain::explain(error, &Place::of(url, &self.connection, self.is_proxied))
    }
}

fn outgoing(request: Request) -> Result<reqwest::Request> {
    // reqwest would drop them without a word, and the server's "401" would then not tell why.
    if !request.url.username().is_empty() || request.url.password().is_some() {
        let message = format!(
            "the url {} has a user name or password in it, which is not sent; take it out and give them as options of connection {}",
            crate::redact_url(&request.url),
            request.operation.connection,
        );
        return Err(Error::new(ErrorKind::Invalid, Sent::No, message));
    }
    let mut outgoing = reqwest::Request::new(request.method, request.url);
    *outgoing.headers_mut() = request.headers;
    if !request.body.is_empty() {
        *outgoing.body_mut() = Some(request.body.into());
    }
    Ok(outgoing)
}

/// The body's chunks as they arrive; ends with an error at once when the statement is cancelled.
fn chunks(answer: reqwest::Response, cancelled: CancellationToken, to: To) -> impl Stream<Item = Result<Bytes>> {
    futures::stream::unfold(Some((answer, cancelled, to)), async |state| {
        let (mut answer, cancelled, to) = state?;
        if cancelled.is_cancelled() {
            return Some((Err(Error::cancelled(Sent::Maybe)), None));
        }
        // What is there is taken first: to wait for a cancellation costs more than to look for one.
        let chunk = tokio::select! {
            biased;
            chunk = answer.chunk() => chunk.map_err(|error| to.explain(error, answer.url())),
            () = cancelled.cancelled() => Err(Error::cancelled(Sent::Maybe)),
        };
        match chunk.transpose()? {
            Ok(bytes) => Some((Ok(bytes), Some((answer, cancelled, to)))),
            Err(error) => Some((Err(error), None)),
        }
    })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
