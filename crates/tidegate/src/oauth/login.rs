//! A person logs in: authorization code with PKCE (RFC 7636), back to a port of this machine (RFC 8252).

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use tidegate_transport::{Clock, Secret, Statement};
use tokio::net::TcpListener;
use url::Url;

use super::ask::{Ask, Code};
use super::assertion::random_text;
use super::callback;
use super::config::OAuthConfig;
use super::exchange::Exchange;
use super::store::TokenStore;
use crate::{Error, ErrorKind, Result};

/// How long a login may take.
pub const LOGIN_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// Path of the redirect URI.
pub(super) const CALLBACK: &str = "/callback";

/// On whose behalf the token request of a login is logged.
const PRINCIPAL: &str = "login";

/// A login that worked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// When the token ends, as far as the server told.
    pub expires_at: Option<SystemTime>,
    /// Whether it is renewed without another login.
    pub renews: bool,
}

pub(super) async fn run(
    config: &OAuthConfig,
    connection: &str,
    exchange: &Exchange,
    store: &TokenStore,
    clock: &dyn Clock,
    open: impl FnOnce(&Url) + Send,
) -> Result<Login> {
    let fail =
        |message: String| Error::new(ErrorKind::Connection, format!("login of connection {connection}: {message}"));
    let port = config.redirect_port.unwrap_or(0);
    let listening = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.and_then(|listener| {
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    let (listener, address) =
        listening.map_err(|error| fail(format!("cannot listen on port {port} of this machine: {error}")))?;
    let redirect = Url::parse(&format!("http://{address}{CALLBACK}")).map_err(|error| fail(error.to_string()))?;
    let (state, verifier) = (random_text::<32>().map_err(fail)?, random_text::<32>().map_err(fail)?);
    open(&authorize_url(config, &redirect, &state, &verifier).ok_or_else(|| fail("authorize_url is missing".into()))?);
    let code = tokio::select! {
        biased;
        code = callback::wait(&listener, &state) => code.map_err(fail)?,
        () = clock.sleep(LOGIN_TIMEOUT) => {
            let minutes = LOGIN_TIMEOUT.as_secs() / 60;
            return Err(fail(format!("nobody logged in within {minutes} minutes; start again: tidegate login {connection}")));
        }
    };
    drop(listener);
    let ask = Ask::code(config, &Code { code, verifier: Secret::new(verifier), redirect });
    let (principal, statement) = (Arc::from(PRINCIPAL), Arc::new(Statement::new(0)));
    let token = exchange.send(ask, None, &principal, &statement).await.map_err(|failure| {
        let url = tidegate_transport::redact_url(&config.token_url);
        fail(format!(
            "{url} gives no token ({failure}); check client_id, client_secret and the redirect URI that the API knows"
        ))
    })?;
    store.replace(&token).await.map_err(|error| fail(error.to_string()))?;
    Ok(Login { expires_at: token.expires_at, renews: token.refresh.is_some() })
}

/// What the browser opens. The verifier itself stays here: its hash goes.
fn authorize_url(config: &OAuthConfig, redirect: &Url, state: &str, verifier: &str) -> Option<Url> {
    let mut url = config.authorize_url.clone()?;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    let mut query = url.query_pairs_mut();
    query.append_pair("response_type", "code");
    for (name, value) in [
        ("client_id", config.client_id.as_deref()),
        ("redirect_uri", Some(redirect.as_str())),
        ("scope", config.scope.as_deref()),
        ("audience", config.audience.as_deref()),
        ("state", Some(state)),
        ("code_challenge", Some(&challenge)),
        ("code_challenge_method", Some("S256")),
    ] {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    query.extend_pairs(&config.extra);
    drop(query);
    Some(url)
}
