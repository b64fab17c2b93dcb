//! Builds the HTTP client: TLS with a provider of its own, so that an embedding program's choice of a global
//! one is neither needed nor changed.

use std::sync::Arc;

use reqwest::Client;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

use super::HttpOptions;
use crate::{Error, ErrorKind, Result, Sent};

/// How a server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// As the system's proxy settings say.
    Proxied,
    /// Straight, with TLS.
    Direct,
    /// Straight, without TLS.
    Plain,
}

/// A client for servers that are reached so.
pub(super) fn build(options: &HttpOptions, route: Route) -> Result<Client> {
    let mut builder = Client::builder()
        .tls_backend_preconfigured(tls(route)?)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .user_agent(&options.user_agent)
        .connect_timeout(options.connect_timeout)
        .read_timeout(options.read_timeout);
    if let Some(total) = options.total_timeout {
        builder = builder.timeout(total);
    }
    if route != Route::Proxied {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| {
        let message = format!(
            "cannot set up the HTTP client for user agent '{}'; check that option and the proxy settings of the environment",
            options.user_agent
        );
        Error::new(ErrorKind::Invalid, Sent::No, message).with_source(error.without_url())
    })
}

fn tls(route: Route) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = || {
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().map_err(
            |error| Error::new(ErrorKind::Tls, Sent::No, "cannot set up TLS on this machine").with_source(error),
        )
    };
    // A machine without root certificates can still speak to services without TLS. One with TLS is then
    // refused with its certificate as the reason, which is where the message about roots belongs.
    let trusting = if route == Route::Plain { None } else { builder()?.with_platform_verifier().ok() };
    let builder = match trusting {
        Some(trusting) => trusting,
        None => builder()?.with_root_certificates(RootCertStore::empty()),
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
