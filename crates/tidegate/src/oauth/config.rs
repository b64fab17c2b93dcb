//! What a connection says about its tokens, and whether that can work.

use std::collections::BTreeMap;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tidegate_transport::Secret;
use url::{Host, Url};

use super::assertion::SigningKey;
use crate::metering::hex;
use crate::{Error, ErrorKind, Result};

/// How a token is got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Grant {
    /// The client itself logs in (RFC 6749, 4.4).
    ClientCredentials,
    /// A refresh token that was given as an option (RFC 6749, 6).
    RefreshToken,
    /// A person logs in with a browser, once: [`login`](super::login) (RFC 6749, 4.1, with PKCE).
    AuthorizationCode,
    /// A key signs an assertion (RFC 7523).
    JwtBearer,
}

impl Grant {
    fn name(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::RefreshToken => "refresh_token",
            Self::AuthorizationCode => "authorization_code",
            Self::JwtBearer => "jwt_bearer",
        }
    }
}

/// How the client shows who it is (RFC 6749, 2.3.1). Without a secret its name stands in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// As user and password.
    #[default]
    Basic,
    /// In the body.
    Body,
}

/// What a connection says about its tokens. Its `Debug` shows no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthConfig {
    /// How a token is got.
    pub grant: Grant,
    /// Where tokens are asked for. `https`, or `http` on this machine.
    pub token_url: Url,
    /// Where a person logs in; needed for [`Grant::AuthorizationCode`] alone.
    pub authorize_url: Option<Url>,
    /// Name of the client. Only [`Grant::JwtBearer`] may do without.
    pub client_id: Option<String>,
    /// Secret of the client; public clients have none.
    pub client_secret: Option<Secret>,
    /// How the client shows who it is.
    pub client_auth: ClientAuth,
    /// The first refresh token: for [`Grant::RefreshToken`], and for it alone. Those that follow it are in the state
    /// folder; another first one starts anew.
    pub refresh_token: Option<Secret>,
    /// Whether each refresh token can be used once. Then it is never sent twice where the first may have arrived, and
    /// needs a state that outlives the process.
    pub rotates: bool,
    /// What the token shall allow, separated by blanks.
    pub scope: Option<String>,
    /// Whom the token is for: the parameter `audience`, and `aud` of an assertion, there the token URL by default.
    pub audience: Option<String>,
    /// Further parameters of the token request, and of the login.
    pub extra: BTreeMap<String, String>,
    /// A token is not renewed before it has this age.
    pub min_age: Duration,
    /// Key that signs assertions: PEM, RSA (RS256) or P-256 (ES256).
    pub private_key: Option<Secret>,
    /// `kid` of the assertion's header.
    pub key_id: Option<String>,
    /// `iss` of the assertion; the client by default.
    pub issuer: Option<String>,
    /// `sub` of the assertion; the issuer by default.
    pub subject: Option<String>,
    /// Port of this machine to which a login comes back; any free one by default. The redirect URI is
    /// `http://127.0.0.1:PORT/callback`.
    pub redirect_port: Option<u16>,
}

/// Parameters that are ours to set.
const RESERVED: &[&str] = &[
    "assertion",
    "audience",
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "grant_type",
    "redirect_uri",
    "refresh_token",
    "response_type",
    "scope",
    "state",
];

impl OAuthConfig {
    /// A grant at a token URL; nothing else is set, and refresh tokens are taken to be usable once.
    #[must_use]
    pub fn new(grant: Grant, token_url: Url) -> Self {
        Self {
            grant,
            token_url,
            authorize_url: None,
            client_id: None,
            client_secret: None,
            client_auth: ClientAuth::default(),
            refresh_token: None,
            rotates: true,
            scope: None,
            audience: None,
            extra: BTreeMap::new(),
            min_age: Duration::ZERO,
            private_key: None,
            key_id: None,
            issuer: None,
            subject: None,
            redirect_port: None,
        }
    }

    /// Whether it can be used; says all that is wrong at once.
    pub(super) fn check(&self, connection: &str, is_durable: bool) -> Result<()> {
        let mut wrong = self.mistakes();
        if !is_durable {
            match self.grant {
                Grant::AuthorizationCode => {
                    wrong.push("a login is kept in the state folder, and :memory: ends with the program: give a folder with --state".to_owned());
                }
                Grant::RefreshToken if self.rotates => {
                    wrong.push(
                        "its refresh token can be used once, so that the next one must be kept, and :memory: ends with the \
                         program: give a state folder with --state, or say rotates: false if the token stays the same"
                            .to_owned(),
                    );
                }
                _ => {}
            }
        }
        if wrong.is_empty() {
            return Ok(());
        }
        let message = format!("connection {connection}: oauth2 {}: {}", self.grant.name(), wrong.join("; "));
        Err(Error::new(ErrorKind::Connection, message))
    }

    /// Whether a person can log in with it.
    pub(super) fn check_login(&self, connection: &str, is_durable: bool) -> Result<()> {
        if self.grant != Grant::AuthorizationCode {
            let message = format!(
                "connection {connection} needs no login: its grant is {}, not authorization_code",
                self.grant.name()
            );
            return Err(Error::new(ErrorKind::Connection, message));
        }
        self.check(connection, is_durable)
    }

    fn mistakes(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut needs = |option: &str, is_given: bool| {
            if !is_given {
                wrong.push(format!("{option} is missing"));
            }
        };
        needs("client_id", self.client_id.is_some() || self.grant == Grant::JwtBearer);
        match self.grant {
            Grant::ClientCredentials => needs("client_secret", self.client_secret.is_some()),
            Grant::RefreshToken => needs("refresh_token", self.refresh_token.is_some()),
            Grant::AuthorizationCode => needs("authorize_url", self.authorize_url.is_some()),
            Grant::JwtBearer => {
                needs("private_key", self.private_key.is_some());
                needs("issuer", self.issuer.is_some() || self.client_id.is_some());
            }
        }
        if self.refresh_token.is_some() && self.grant != Grant::RefreshToken {
            wrong.push("a refresh_token needs the grant refresh_token".to_owned());
        }
        let urls = [("token_url", Some(&self.token_url)), ("authorize_url", self.authorize_url.as_ref())];
        for (option, url) in urls.into_iter().filter_map(|(option, url)| Some((option, url?))) {
            if !is_private(url) {
                wrong.push(format!("{option} must begin with https:// (http:// is for this machine alone)"));
            } else if !url.username().is_empty() || url.password().is_some() {
                wrong.push(format!("{option} has a user or password in it: use client_id and client_secret"));
            }
        }
        for name in self.extra.keys().filter(|name| RESERVED.contains(&name.as_str())) {
            wrong.push(format!("extra cannot set {name}"));
        }
        if let Some(Err(error)) = self.private_key.as_ref().map(SigningKey::read) {
            wrong.push(error);
        }
        wrong
    }

    /// Key of its row in the state: whose tokens these are, by all that makes them others. A login belongs to the
    /// connection by its name, so that two of one API can be two people; a first refresh token belongs to itself, so
    /// that two connections with the same one share what follows it.
    pub(super) fn key(&self, connection: &str) -> String {
        let secret = match self.grant {
            Grant::ClientCredentials => self.client_secret.as_ref(),
            Grant::RefreshToken => self.refresh_token.as_ref(),
            Grant::JwtBearer => self.private_key.as_ref(),
            Grant::AuthorizationCode => None,
        };
        let name = if self.grant == Grant::AuthorizationCode { connection } else { "" };
        let mut hash = Sha256::new();
        let parts = [
            Some(self.grant.name()),
            Some(self.token_url.as_str()),
            Some(name),
            self.client_id.as_deref(),
            secret.map(Secret::expose),
            self.scope.as_deref(),
            self.audience.as_deref(),
            self.issuer.as_deref(),
            self.subject.as_deref(),
        ];
        for part in parts {
            hash.update([u8::from(part.is_some())]);
            hash.update(part.unwrap_or_default().as_bytes());
            hash.update([0]);
        }
        for (name, value) in &self.extra {
            hash.update(name.as_bytes());
            hash.update([0]);
            hash.update(value.as_bytes());
            hash.update([0]);
        }
        hex(&hash.finalize()[..16])
    }

    /// Whether what is sent to renew a token can be sent once only.
    pub(super) fn is_single_use(&self) -> bool {
        self.rotates && matches!(self.grant, Grant::RefreshToken | Grant::AuthorizationCode)
    }

    /// What a person does when the refresh token is of no use any more.
    pub(super) fn remedy(&self, connection: &str) -> String {
        match self.grant {
            Grant::AuthorizationCode => format!("log in again: tidegate login {connection}"),
            Grant::RefreshToken => "get a new refresh token and give it as the option refresh_token".to_owned(),
            Grant::ClientCredentials => "check client_id, client_secret and scope".to_owned(),
            Grant::JwtBearer => {
                "check the key, issuer, subject, audience and scope, and this machine's clock".to_owned()
            }
        }
    }

    /// Secrets that stay the same.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        [&self.client_secret, &self.refresh_token, &self.private_key].into_iter().flatten().cloned().collect()
    }
}

/// Whether nobody on the way can read what is sent there.
fn is_private(url: &Url) -> bool {
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_here)
}
