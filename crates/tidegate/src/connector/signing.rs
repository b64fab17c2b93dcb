//! From a manifest's way of signing, and the values of options, to credentials.

use std::collections::BTreeMap;

use tidegate_engine::ConnectionDef;
use tidegate_spec::Manifest;
use tidegate_spec::manifest::{self, Auth, Credential, OAuth2, Template};
use tidegate_transport::{Credentials, Secret};
use url::Url;

use crate::Result;
use crate::oauth::{ClientAuth, Grant, OAuthConfig, OAuthParts, token_source};
use crate::options::fail;

/// Values of options by name.
pub(super) type Values = BTreeMap<String, String>;

/// The credentials of the first way of signing whose options are all set.
///
/// # Errors
/// When there is none: what would have to be set.
pub(super) fn credentials(
    def: &ConnectionDef,
    manifest: &Manifest,
    values: &Values,
    parts: &OAuthParts,
) -> Result<Vec<Credentials>> {
    let auth = chosen(def, manifest, values)?;
    if let [Credential::OAuth2(oauth2)] = auth.credentials.as_slice() {
        let config = Expand { def, manifest, values }.oauth(oauth2)?;
        return Ok(vec![Credentials::Token(token_source(config, &def.name, parts)?)]);
    }
    let expand = Expand { def, manifest, values };
    auth.credentials.iter().map(|credential| expand.constant(credential)).collect()
}

/// Whether some way of signing has a token that is renewed.
pub(super) fn may_renew(manifest: &Manifest) -> bool {
    let is_token = |credential: &Credential| matches!(credential, Credential::OAuth2(_));
    manifest.auth().iter().any(|auth| auth.credentials.iter().any(is_token))
}

/// What a login of this connection is made with; `None` when it signs in another way.
pub(crate) fn oauth(def: &ConnectionDef, manifest: &Manifest, values: &Values) -> Result<Option<OAuthConfig>> {
    match chosen(def, manifest, values)?.credentials.as_slice() {
        [Credential::OAuth2(oauth2)] => Expand { def, manifest, values }.oauth(oauth2).map(Some),
        _ => Ok(None),
    }
}

fn chosen(def: &ConnectionDef, manifest: &Manifest, values: &Values) -> Result<Auth> {
    let has = |name: &String| values.contains_key(name) || default(manifest, name).is_some();
    let ways = manifest.auth();
    match ways.iter().find(|auth| auth.options.iter().all(has)) {
        Some(auth) => Ok(auth.clone()),
        None => Err(fail(def, unsigned(manifest, &ways, has))),
    }
}

/// The value of an option that nothing sets.
pub(super) fn default(manifest: &Manifest, name: &str) -> Option<String> {
    manifest.options().into_iter().find(|option| option.name == name)?.default
}

/// What is missing, for each way of signing.
fn unsigned(manifest: &Manifest, ways: &[Auth], has: impl Fn(&String) -> bool) -> String {
    let options = manifest.options();
    let named = |name: &String| {
        let variable = options.iter().find(|option| option.name == *name).and_then(|option| option.env.as_deref());
        match variable {
            Some(variable) => format!("{name} (or the variable {variable})"),
            None => name.clone(),
        }
    };
    let missing = |auth: &Auth| {
        let missing: Vec<String> = auth.options.iter().filter(|name| !has(name)).map(named).collect();
        missing.join(" and ")
    };
    let missing: Vec<String> = ways.iter().map(missing).collect();
    format!("it cannot sign in: give the option {}", missing.join(", or "))
}

struct Expand<'a> {
    def: &'a ConnectionDef,
    manifest: &'a Manifest,
    values: &'a Values,
}

impl Expand<'_> {
    fn text(&self, template: &Template) -> Result<String> {
        let value = |name: &str| {
            // A default may hold other options; secrets have none that do.
            self.values.get(name).cloned().or_else(|| default(self.manifest, name))
        };
        template.expand(value).map_err(|name| fail(self.def, format!("the option {name} is missing")))
    }

    fn optional(&self, template: Option<&Template>) -> Result<Option<String>> {
        template.map(|template| self.text(template)).transpose()
    }

    fn secret(&self, template: &Template) -> Result<Secret> {
        self.text(template).map(Secret::new)
    }

    fn constant(&self, credential: &Credential) -> Result<Credentials> {
        Ok(match credential {
            Credential::Bearer(token) => Credentials::Bearer(self.secret(token)?),
            Credential::Basic { user, password } => {
                Credentials::Basic { user: self.text(user)?, password: self.secret(password)? }
            }
            Credential::Header { name, value } => {
                Credentials::Header { name: name.clone(), value: self.secret(value)? }
            }
            Credential::Query { name, value } => Credentials::Query { name: name.clone(), value: self.secret(value)? },
            Credential::OAuth2(_) => {
                return Err(fail(self.def, "oauth2 cannot be combined with another way of signing"));
            }
            other => return Err(fail(self.def, format!("{other:?} is a way of signing that is not known here"))),
        })
    }

    fn oauth(&self, oauth2: &OAuth2) -> Result<OAuthConfig> {
        let url = |template: &Template, name: &str| {
            let text = self.text(template)?;
            Url::parse(&text).map_err(|error| fail(self.def, format!("{name} is not a URL: {error}")))
        };
        let secret = |template: &Option<Template>| template.as_ref().map(|template| self.secret(template)).transpose();
        let grant = match oauth2.grant {
            manifest::Grant::ClientCredentials => Grant::ClientCredentials,
            manifest::Grant::RefreshToken => Grant::RefreshToken,
            manifest::Grant::AuthorizationCode => Grant::AuthorizationCode,
            manifest::Grant::JwtBearer => Grant::JwtBearer,
        };
        let extra = oauth2.extra.iter().map(|(name, value)| Ok((name.clone(), self.text(value)?)));
        Ok(OAuthConfig {
            authorize_url: oauth2.authorize_url.as_ref().map(|text| url(text, "authorize_url")).transpose()?,
            client_id: self.optional(oauth2.client_id.as_ref())?,
            client_secret: secret(&oauth2.client_secret)?,
            client_auth: match oauth2.client_auth {
                manifest::ClientAuth::Basic => ClientAuth::Basic,
                manifest::ClientAuth::Body => ClientAuth::Body,
            },
            refresh_token: secret(&oauth2.refresh_token)?,
            rotates: oauth2.rotates,
            scope: self.optional(oauth2.scope.as_ref())?,
            audience: self.optional(oauth2.audience.as_ref())?,
            extra: extra.collect::<Result<_>>()?,
            min_age: oauth2.min_age.unwrap_or_default(),
            private_key: secret(&oauth2.private_key)?,
            issuer: self.optional(oauth2.issuer.as_ref())?,
            subject: self.optional(oauth2.subject.as_ref())?,
            ..OAuthConfig::new(grant, url(&oauth2.token_url, "token_url")?)
        })
    }
}
