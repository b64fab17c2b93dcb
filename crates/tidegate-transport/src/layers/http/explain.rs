//! Turns the client's errors into ours: what kind, whether the request was sent, and what to do about it.

use std::error::Error as StdError;
use std::sync::Arc;

use url::Url;

use crate::{Error, ErrorKind, Sent};

/// Where a request went, for messages.
#[derive(Debug)]
pub(super) struct Place {
    /// `host:port`, without path and query: those may hold what must not be shown.
    server: String,
    connection: Arc<str>,
    is_plain: bool,
    /// The variable that names the proxy through which it went.
    proxy: Option<&'static str>,
}

impl Place {
    pub(super) fn of(url: &Url, connection: &Arc<str>, through_proxy: bool) -> Self {
        let host = url.host_str().unwrap_or("(no host)");
        let server = match url.port_or_known_default() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let scheme = url.scheme();
        Self {
            server,
            connection: Arc::clone(connection),
            is_plain: scheme == "http",
            proxy: if through_proxy { proxy_variable(scheme, |name| std::env::var_os(name).is_some()) } else { None },
        }
    }

    /// What else to look at when the server is not reached.
    fn proxy_advice(&self) -> String {
        self.proxy
            .map_or_else(String::new, |name| format!("; it goes through the proxy that {name} names: check that too"))
    }
}

/// The variable that decides on the proxy for a scheme, in the order in which the client looks at them.
fn proxy_variable(scheme: &str, is_set: impl Fn(&str) -> bool) -> Option<&'static str> {
    let own = if scheme == "https" { ["https_proxy", "HTTPS_PROXY"] } else { ["http_proxy", "HTTP_PROXY"] };
    own.into_iter().chain(["all_proxy", "ALL_PROXY"]).find(|name| is_set(name))
}

/// Our error for one of the client's. Its URL is dropped: it may hold a secret.
pub(super) fn explain(error: reqwest::Error, place: &Place) -> Error {
    let error = error.without_url();
    let Place { server, connection, is_plain, .. } = place;
    let cause = root_cause(&error);
    let sent = if error.is_connect() || error.is_builder() { Sent::No } else { Sent::Maybe };
    let (kind, message) = if error.is_builder() {
        (
            ErrorKind::Invalid,
            format!("the request to {server} cannot be sent: {cause}; check the url of connection {connection}"),
        )
    } else if error.is_dns() {
        (
            ErrorKind::Connect,
            format!(
                "the host of {server} was not found: {cause}; check the url of connection {connection}, and that this machine is online"
            ),
        )
    } else if let Some(tls) = find::<rustls::Error>(&error) {
        (ErrorKind::Tls, tls_message(tls, place))
    } else if error.is_timeout() && error.is_connect() {
        (
            ErrorKind::Timeout,
            format!(
                "no connection to {server} in time; check the url of connection {connection}, and whether a proxy or firewall is in the way"
            ),
        )
    } else if error.is_timeout() {
        (ErrorKind::Timeout, format!("no answer from {server} in time; try again later, or allow it more time"))
    } else if error.is_connect() {
        (
            ErrorKind::Connect,
            format!(
                "cannot connect to {server}: {cause}; check the url of connection {connection}, and that the service runs{}",
                place.proxy_advice()
            ),
        )
    } else if is_decompression(&error) {
        (
            ErrorKind::Broken,
            format!(
                "the answer of {server} could not be decompressed: {cause}; the server or a proxy on the way damages it"
            ),
        )
    } else if *is_plain && error.is_request() {
        (
            ErrorKind::Broken,
            format!(
                "the connection to {server} broke before there was an answer: {cause}; try again, and see whether the url of connection {connection} should begin with https://"
            ),
        )
    } else {
        (
            ErrorKind::Broken,
            format!("the connection to {server} broke before the answer was complete: {cause}; try again"),
        )
    };
    Error::new(kind, sent, message).with_source(error)
}

fn tls_message(error: &rustls::Error, place: &Place) -> String {
    let Place { server, connection, .. } = place;
    let advice = match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer) => {
            "add the certificate of its issuer to the system's, or name a PEM file that has it in SSL_CERT_FILE".into()
        }
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) if is_signer(other) => {
            "its certificate is one that signs others, as a self-made one often is: it needs one of its own".into()
        }
        rustls::Error::InvalidMessage(_) => {
            format!("it does not seem to speak TLS: should the url of connection {connection} begin with http:// ?")
        }
        _ => format!("check the url of connection {connection}, and the clock of this machine"),
    };
    format!("no secure connection to {server}: {error}; {advice}")
}

/// The verifier hands its own error on as an opaque one.
fn is_signer(error: &rustls::OtherError) -> bool {
    error.to_string().contains("CaUsedAsEndEntity")
}

/// A decompressor reports damaged input as an I/O error of its own. What comes from the protocol or from the
/// socket is wrapped by hyper.
fn is_decompression(error: &reqwest::Error) -> bool {
    chain(error)
        .find(|cause| !cause.is::<reqwest::Error>())
        .and_then(|cause| cause.downcast_ref::<std::io::Error>())
        .is_some_and(|io| io.raw_os_error().is_none())
}

fn root_cause(error: &reqwest::Error) -> String {
    chain(error).last().map_or_else(|| error.to_string(), |cause| cause.to_string())
}

/// An error and its causes. `io::Error` hides what it wraps from `source` (it names the wrapped one's source),
/// so it is opened here.
fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| next(*error))
}

fn next<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    chain(error).find_map(|cause| cause.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_of_a_scheme_is_found() {
        let cases: &[(&str, &[&str], Option<&str>)] = &[
            ("http", &["HTTP_PROXY", "ALL_PROXY"], Some("HTTP_PROXY")),
            ("https", &["HTTP_PROXY", "ALL_PROXY"], Some("ALL_PROXY")),
            ("https", &["https_proxy", "HTTPS_PROXY"], Some("https_proxy")),
            ("https", &["HTTP_PROXY"], None),
        ];
        for (scheme, set, expected) in cases {
            assert_eq!(proxy_variable(scheme, |name| set.contains(&name)), *expected, "{scheme} {set:?}");
        }
    }
}
