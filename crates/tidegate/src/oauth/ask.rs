//! What is asked of a token endpoint, per grant.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tidegate_transport::{Repeat, Secret};
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::assertion::assertion;
use super::config::{ClientAuth, Grant, OAuthConfig};

/// One request for a token, before it is sent.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) url: Url,
    /// `Authorization`, if the client shows who it is there.
    pub(super) authorization: Option<Secret>,
    /// The form.
    pub(super) body: Secret,
    pub(super) repeat: Repeat,
    /// All of it that must not be shown.
    pub(super) secrets: Vec<Secret>,
}

/// The code of a login and what proves that it is ours.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) code: Secret,
    pub(super) verifier: Secret,
    pub(super) redirect: Url,
}

impl Ask {
    /// A token by client credentials or assertion, which may be asked for again and again.
    ///
    /// # Errors
    /// An assertion that cannot be made.
    pub(super) fn anew(config: &OAuthConfig, now: SystemTime) -> Result<Self, String> {
        if config.grant == Grant::JwtBearer {
            let assertion = assertion(config, now)?;
            let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
            let ask = Self::new(config, grant, &[("assertion", assertion.expose())], Repeat::Safe);
            return Ok(ask.hiding([&assertion]));
        }
        Ok(Self::new(config, "client_credentials", &[], Repeat::Safe))
    }

    /// A token for a refresh token. It keeps the scope that it has.
    pub(super) fn refresh(config: &OAuthConfig, refresh: &Secret) -> Self {
        let repeat = if config.rotates { Repeat::Unsafe } else { Repeat::Safe };
        Self::new(config, "refresh_token", &[("refresh_token", refresh.expose())], repeat).hiding([refresh])
    }

    /// A token for the code of a login.
    pub(super) fn code(config: &OAuthConfig, code: &Code) -> Self {
        let own = [
            ("code", code.code.expose()),
            ("code_verifier", code.verifier.expose()),
            ("redirect_uri", code.redirect.as_str()),
        ];
        Self::new(config, "authorization_code", &own, Repeat::Unsafe).hiding([&code.code, &code.verifier])
    }

    fn hiding<'a>(mut self, secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        self.secrets.extend(secrets.into_iter().cloned());
        self
    }

    fn new(config: &OAuthConfig, grant: &str, own: &[(&str, &str)], repeat: Repeat) -> Self {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", grant);
        for (name, value) in own {
            form.append_pair(name, value);
        }
        // A refresh keeps the scope that the token has, and a login has asked for it already.
        let is_anew = matches!(config.grant, Grant::ClientCredentials | Grant::JwtBearer);
        let scope = config.scope.as_ref().filter(|_| is_anew);
        // The audience of an assertion stands within it.
        let audience = config.audience.as_ref().filter(|_| config.grant != Grant::JwtBearer);
        for (name, value) in [("scope", scope), ("audience", audience)] {
            if let Some(value) = value {
                form.append_pair(name, value);
            }
        }
        form.extend_pairs(&config.extra);
        let mut secrets = config.secrets();
        let mut authorization = None;
        match (&config.client_id, &config.client_secret, config.client_auth) {
            (Some(id), Some(secret), ClientAuth::Basic) => {
                let encoded = basic(id, secret);
                secrets.push(encoded.clone());
                authorization = Some(Secret::new(format!("Basic {}", encoded.expose())));
            }
            (id, secret, _) => {
                if let Some(id) = id {
                    form.append_pair("client_id", id);
                }
                if let Some(secret) = secret {
                    form.append_pair("client_secret", secret.expose());
                }
            }
        }
        Self { url: config.token_url.clone(), authorization, body: Secret::new(form.finish()), repeat, secrets }
    }
}

/// RFC 6749, 2.3.1: both are form-encoded before they are put together.
fn basic(id: &str, secret: &Secret) -> Secret {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    Secret::new(BASE64.encode(format!("{}:{}", encode(id), encode(secret.expose()))))
}
