//! Members about the connection: options, authentication, throttling, partitions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OneOrMany;
use crate::manifest::tree::Named;

/// An option of a connection. One with neither `default`, `env` nor `required` may stay unset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct OptionSpec {
    /// What it is for, and where to get it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Value when the connection sets none; may hold other options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Environment variable that is read when the connection sets none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// Whether it must be kept secret: shown nowhere, and used in `auth` alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// Whether a connection cannot be without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
}

/// One way of signing requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Auth {
    /// Requests are not signed.
    None(NoAuth),
    /// At most one of `bearer`, `basic` and `oauth2`, and any keys in headers or query.
    Members(Box<AuthMembers>),
}

/// The word for no authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoAuth {
    /// Requests are not signed.
    None,
}

/// What signs a request. All that is given is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthMembers {
    /// Token for `Authorization: Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer: Option<String>,
    /// User and password for `Authorization: Basic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic: Option<Basic>,
    /// Key in a header, or several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<OneOrMany<Pair>>,
    /// Key in a query parameter, or several. A header is safer where the API takes one: URLs end up in logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<OneOrMany<Pair>>,
    /// Access token by OAuth 2.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth2: Option<OAuth2>,
}

/// User and password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// User, such as `{user}`.
    pub user: String,
    /// Password, such as `{password}`; some APIs want it empty.
    #[serde(default)]
    pub password: String,
}

/// A name and the value that goes with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// Name of the header or parameter.
    pub name: String,
    /// Its value, such as `{key}` or `Token {key}`.
    pub value: String,
}

/// How an access token is had (RFC 6749, RFC 7636, RFC 7523).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth2 {
    /// The grant.
    pub grant: Grant,
    /// Where tokens are asked for.
    pub token_url: String,
    /// Where the user agrees; for `authorization_code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorize_url: Option<String>,
    /// The application's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The application's secret; must hold a secret option.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// The first refresh token, such as `{refresh_token}`; later ones are kept in the state folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Scopes, separated by blanks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Whether a refresh token can be used once, and each answer brings the next.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rotates: bool,
    /// Where the client's id and secret stand in a token request.
    #[serde(default)]
    pub client_auth: ClientAuth,
    /// For which API the token is, where the server wants to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// More parameters of a token request.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub extra: Named<String>,
    /// Age before which a token must not be refreshed, such as `570s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_age: Option<String>,
    /// Key that signs the assertion, in PEM, such as `{private_key}`; for `jwt_bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key: Option<String>,
    /// Who signs the assertion; for `jwt_bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// On whose behalf; for `jwt_bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// Grant of OAuth 2.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// The application's own id and secret.
    ClientCredentials,
    /// A refresh token that the user brings.
    RefreshToken,
    /// The user agrees in a browser, once, by `tidegate login` (with PKCE).
    AuthorizationCode,
    /// An assertion signed with a private key (RFC 7523).
    JwtBearer,
}

/// Where the client's id and secret stand in a token request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// In an `Authorization: Basic` header.
    #[default]
    Basic,
    /// In the form.
    Body,
}

/// A response that means "too many calls". All that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Throttled {
    /// Status of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Headers and the values that they have.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub header: Named<String>,
    /// What the body has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyMatch>,
}

/// A member of a JSON body, and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BodyMatch {
    /// Members that lead to it, joined by `.`.
    pub path: String,
    /// Text that it contains, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// Text or number that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<String>,
}

/// The table that lists the partitions of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Partitions {
    /// The table; none of its requests may need `{partition}`.
    pub table: String,
    /// Its column with the code that `{partition}` stands for.
    pub code: String,
    /// Its column with the name that people know it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}
