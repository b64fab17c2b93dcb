//! What a connection needs of a manifest beside its tables: options, authentication, throttling, partitions.
//! Short forms are expanded, and texts are typed; options stand in [`Template`]s, since secrets are the caller's.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::document::{self, ClientAuth, OneOrMany, Quota};
use super::template::{self, Template};
use super::{Manifest, Named};

pub use super::document::Grant;

/// An option of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectorOption {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Value when nothing sets it; may hold other options, which [`Manifest::compile`] puts in.
    pub default: Option<String>,
    /// Environment variable to read when the connection does not set it.
    pub env: Option<String>,
    /// Whether it must be shown nowhere.
    pub secret: bool,
    /// Whether a connection cannot be without it.
    pub required: bool,
}

/// One way of signing requests; all credentials are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Auth {
    /// What is sent; empty for no authentication.
    pub credentials: Vec<Credential>,
    /// Options that must all be set for it, each once.
    pub options: Vec<String>,
}

/// Something that signs a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Credential {
    /// `Authorization: Bearer`.
    Bearer(Template),
    /// `Authorization: Basic`.
    Basic {
        /// User.
        user: Template,
        /// Password.
        password: Template,
    },
    /// A header.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: Template,
    },
    /// A query parameter.
    Query {
        /// Its name.
        name: String,
        /// Its value.
        value: Template,
    },
    /// An access token by OAuth 2.0.
    OAuth2(Box<OAuth2>),
}

/// How an access token is had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuth2 {
    /// The grant.
    pub grant: Grant,
    /// Where tokens are asked for.
    pub token_url: Template,
    /// Where the user agrees; always there for [`Grant::AuthorizationCode`].
    pub authorize_url: Option<Template>,
    /// The application's id.
    pub client_id: Option<Template>,
    /// The application's secret.
    pub client_secret: Option<Template>,
    /// The first refresh token; always there for [`Grant::RefreshToken`].
    pub refresh_token: Option<Template>,
    /// Scopes, separated by blanks.
    pub scope: Option<Template>,
    /// Whether a refresh token can be used once.
    pub rotates: bool,
    /// Where id and secret stand in a token request.
    pub client_auth: ClientAuth,
    /// For which API the token is.
    pub audience: Option<Template>,
    /// More parameters of a token request.
    pub extra: Vec<(String, Template)>,
    /// Age before which a token must not be refreshed.
    pub min_age: Option<Duration>,
    /// Key that signs the assertion; always there for [`Grant::JwtBearer`].
    pub private_key: Option<Template>,
    /// Who signs the assertion; always there for [`Grant::JwtBearer`].
    pub issuer: Option<Template>,
    /// On whose behalf.
    pub subject: Option<Template>,
}

/// A response that means "too many calls"; all that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttled {
    /// Status of the response.
    pub status: Option<u16>,
    /// Headers and the values that they have.
    pub headers: Vec<(String, String)>,
    /// What the body has.
    pub body: Option<ThrottledBody>,
}

/// A member of a body, and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThrottledBody {
    /// Steps that lead to it.
    pub path: crate::Path,
    /// Text that it contains, in any case.
    pub contains: Option<String>,
    /// Text or number that it is.
    pub equals: Option<String>,
}

/// The table that lists the partitions of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partitions {
    /// Name of the table.
    pub table: String,
    /// Column with the code that `{partition}` stands for.
    pub code: String,
    /// Column with the name that people know it by.
    pub name: Option<String>,
}

impl Manifest {
    /// Options that a connection may set, beside `url`, `writes` and `allow_origins`.
    #[must_use]
    pub fn options(&self) -> Vec<ConnectorOption> {
        let options = self.document.options.iter().map(|(name, option)| ConnectorOption {
            name: name.to_owned(),
            description: option.description.clone(),
            default: option.default.clone(),
            env: option.env.clone(),
            secret: option.secret,
            required: option.required,
        });
        options.collect()
    }

    /// Ways of signing requests: the first is taken whose options are all set. Never empty: no authentication when the
    /// manifest says nothing.
    #[must_use]
    pub fn auth(&self) -> Vec<Auth> {
        match &self.document.auth {
            None => vec![Auth { credentials: Vec::new(), options: Vec::new() }],
            Some(auth) => auth.as_slice().iter().map(auth_alternative).collect(),
        }
    }

    /// Limits that the API sets, as they are written: [`Quota::terms`] expands them.
    #[must_use]
    pub fn quotas(&self) -> &[Quota] {
        &self.document.quotas
    }

    /// What being throttled looks like, besides status 429.
    #[must_use]
    pub fn throttled(&self) -> Vec<Throttled> {
        let rules = self.document.throttled.iter().map(|rule| Throttled {
            status: rule.status,
            headers: rule.header.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect(),
            body: rule.body.as_ref().map(|body| ThrottledBody {
                path: template::steps(&body.path).unwrap_or_default(),
                contains: body.contains.clone(),
                equals: body.equals.clone(),
            }),
        });
        rules.collect()
    }

    /// The table that lists partitions.
    #[must_use]
    pub fn partitions(&self) -> Option<Partitions> {
        let partitions = self.document.partitions.as_ref()?;
        let document::Partitions { table, code, name } = partitions.clone();
        Some(Partitions { table, code, name })
    }
}

fn auth_alternative(auth: &document::Auth) -> Auth {
    let document::Auth::Members(members) = auth else {
        return Auth { credentials: Vec::new(), options: Vec::new() };
    };
    let mut credentials = Vec::new();
    if let Some(token) = &members.bearer {
        credentials.push(Credential::Bearer(Template::new(token)));
    }
    if let Some(basic) = &members.basic {
        let (user, password) = (Template::new(&basic.user), Template::new(&basic.password));
        credentials.push(Credential::Basic { user, password });
    }
    let pairs = |pairs: &Option<OneOrMany<document::Pair>>| {
        pairs.as_ref().map(|pairs| pairs.as_slice().to_vec()).unwrap_or_default()
    };
    for pair in pairs(&members.header) {
        credentials.push(Credential::Header { name: pair.name, value: Template::new(pair.value) });
    }
    for pair in pairs(&members.query) {
        credentials.push(Credential::Query { name: pair.name, value: Template::new(pair.value) });
    }
    if let Some(oauth2) = &members.oauth2 {
        credentials.push(Credential::OAuth2(Box::new(token(oauth2))));
    }
    let mut options: Vec<String> = Vec::new();
    for name in credentials.iter().flat_map(Credential::templates).flat_map(Template::options) {
        if !options.contains(&name) {
            options.push(name);
        }
    }
    Auth { credentials, options }
}

fn token(spec: &document::OAuth2) -> OAuth2 {
    let template = |text: &Option<String>| text.as_ref().map(Template::new);
    let extra = |extra: &Named<String>| {
        extra.iter().map(|(name, value)| (name.to_owned(), Template::new(value))).collect::<Vec<_>>()
    };
    OAuth2 {
        grant: spec.grant,
        token_url: Template::new(&spec.token_url),
        authorize_url: template(&spec.authorize_url),
        client_id: template(&spec.client_id),
        client_secret: template(&spec.client_secret),
        refresh_token: template(&spec.refresh_token),
        scope: template(&spec.scope),
        rotates: spec.rotates,
        client_auth: spec.client_auth,
        audience: template(&spec.audience),
        extra: extra(&spec.extra),
        min_age: spec.min_age.as_deref().and_then(template::duration),
        private_key: template(&spec.private_key),
        issuer: template(&spec.issuer),
        subject: template(&spec.subject),
    }
}

impl Credential {
    /// All texts of it that may hold options.
    pub(super) fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Bearer(value) | Self::Header { value, .. } | Self::Query { value, .. } => vec![value],
            Self::Basic { user, password } => vec![user, password],
            Self::OAuth2(oauth2) => {
                let optional = [
                    &oauth2.authorize_url,
                    &oauth2.client_id,
                    &oauth2.client_secret,
                    &oauth2.refresh_token,
                    &oauth2.scope,
                    &oauth2.audience,
                    &oauth2.private_key,
                    &oauth2.issuer,
                    &oauth2.subject,
                ];
                let extra = oauth2.extra.iter().map(|(_, value)| value);
                std::iter::once(&oauth2.token_url).chain(optional.into_iter().flatten()).chain(extra).collect()
            }
        }
    }
}
