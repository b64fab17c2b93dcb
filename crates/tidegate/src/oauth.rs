//! OAuth2: gets tokens, keeps them in the state folder, renews them, and logs in.
//!
//! Grants: client credentials and refresh token (RFC 6749), authorization code with PKCE over a loopback redirect
//! (RFC 7636, RFC 8252), and JWT bearer (RFC 7523). A [`TokenSource`] made here stands behind the auth layer of a
//! connection. Its own requests go straight to the token URL: they are counted, logged and retried, but neither signed
//! nor recorded; a replay needs no token.
//!
//! Relies on the state folder for what must outlive the process and for who may renew (`store`), and on the clock
//! that is handed in. Must not print: who logs in is told the URL by a function that is handed in.

mod answer;
mod ask;
mod assertion;
mod callback;
mod config;
mod exchange;
mod login;
mod source;
mod store;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use tidegate_state::State;
use tidegate_transport::{Clock, Jitter, Metering, RequestLog, TokenSource, Transport};
use tokio_util::task::TaskTracker;

pub use self::config::{ClientAuth, Grant, OAuthConfig};
use self::exchange::Exchange;
pub use self::login::{LOGIN_TIMEOUT, Login};
use self::source::Source;
use self::store::TokenStore;
use crate::Result;

/// What logins and renewals are made with.
#[derive(Debug, Clone)]
pub struct OAuthParts {
    /// The network itself: the innermost transport.
    pub network: Arc<dyn Transport>,
    /// Where the requests are logged.
    pub requests: Arc<RequestLog>,
    /// Where tokens are kept.
    pub state: Arc<State>,
    /// What is waited on.
    pub clock: Arc<dyn Clock>,
    /// Spreads retries.
    pub jitter: Arc<Jitter>,
    /// Where renewals under way are counted.
    pub renewals: Renewals,
    /// What the requests come out of.
    pub metering: TokenMetering,
}

/// What requests for tokens come out of, where quotas are declared for them. It is filled after the token's source was
/// made, since whose quotas they are depends on whose tokens.
#[derive(Debug, Clone, Default)]
pub struct TokenMetering(Arc<OnceLock<Arc<Metering>>>);

impl TokenMetering {
    /// Sets it; what is set first stays.
    pub fn set(&self, metering: Arc<Metering>) {
        self.0.get_or_init(|| metering);
    }

    fn get(&self) -> Option<&Arc<Metering>> {
        self.0.get()
    }
}

/// Renewals under way, of all connections that share this. A program that ends should wait for them: a token that can
/// be used once is lost when its successor's arrival is missed.
#[derive(Debug, Clone, Default)]
pub struct Renewals(TaskTracker);

impl Renewals {
    /// Waits until none is under way. They end by themselves within the time of a request.
    pub async fn settle(&self) {
        self.0.close();
        self.0.wait().await;
        self.0.reopen();
    }
}

/// Tokens for a connection. Sends nothing before the first is asked for.
///
/// # Errors
/// What is wrong with the configuration ([`OAuthConfig`]); tokens that can be used once, or a login, with a state that
/// ends with the process.
pub fn token_source(config: OAuthConfig, connection: &str, parts: &OAuthParts) -> Result<Arc<dyn TokenSource>> {
    config.check(connection, parts.state.is_durable())?;
    let exchange = Exchange::new(connection, parts);
    let store = TokenStore::new(Arc::clone(&parts.state), config.key(connection));
    Ok(Arc::new(Source::new(config, connection, exchange, store, parts)))
}

/// Logs a connection in (grant `authorization_code`): `open` is called with the URL that a browser must open, and the
/// tokens that come of it are kept in the state folder.
///
/// # Errors
/// What is wrong with the configuration; a login that is refused, or that does not end within [`LOGIN_TIMEOUT`]; a
/// failure of the token endpoint or of the state folder.
pub async fn login(
    config: &OAuthConfig,
    connection: &str,
    parts: &OAuthParts,
    open: impl FnOnce(&url::Url) + Send,
) -> Result<Login> {
    config.check_login(connection, parts.state.is_durable())?;
    let exchange = Exchange::new(connection, parts);
    let store = TokenStore::new(Arc::clone(&parts.state), config.key(connection));
    login::run(config, connection, &exchange, &store, parts.clock.as_ref(), open).await
}
