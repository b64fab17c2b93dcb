//! How a connection proves who it is, and where that stands in a request.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use url::Url;

use crate::redact::without_parameter;
use crate::{Request, Secret, TokenSource};

/// How a connection proves who it is.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Not at all.
    None,
    /// User and password (RFC 7617).
    Basic {
        /// User name, without a colon.
        user: String,
        /// Password; may be empty.
        password: Secret,
    },
    /// A token (RFC 6750).
    Bearer(Secret),
    /// A key in a header of the API's own, such as `X-Api-Key`.
    Header {
        /// Name of the header.
        name: String,
        /// Its value.
        value: Secret,
    },
    /// A key in the query. It stands in the URL on the wire alone: give the name to
    /// [`OriginGuard::stripping`](crate::OriginGuard::stripping), so that a link of the server's cannot bring it back
    /// into what is shown.
    Query {
        /// Name of the parameter.
        name: String,
        /// Its value.
        value: Secret,
    },
    /// A token that is renewed (OAuth2).
    Token(Arc<dyn TokenSource>),
}

/// What is added to a request.
#[derive(Debug, Clone)]
pub(super) enum Mark {
    Nothing,
    Header(HeaderName, HeaderValue),
    Query(String, Secret),
}

const UNSENDABLE: &str = "its token or key contains a character that cannot be sent: is there a line break in it?";

impl Credentials {
    /// Every secret form in which these go over the wire now: what must not appear in anything that is kept. Those of
    /// a token change.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        match self {
            Self::None => Vec::new(),
            Self::Basic { user, password } => vec![password.clone(), Secret::new(encode_basic(user, password))],
            Self::Bearer(secret) | Self::Header { value: secret, .. } => vec![secret.clone()],
            Self::Query { value, .. } => {
                let in_url = url::form_urlencoded::byte_serialize(value.expose().as_bytes()).collect::<String>();
                vec![value.clone(), Secret::new(in_url)]
            }
            Self::Token(source) => source.secrets(),
        }
    }

    /// What is added to each request; otherwise what is wrong with them. A token is not known before it is needed.
    pub(super) fn mark(&self) -> Result<Mark, &'static str> {
        match self {
            Self::None | Self::Token(_) => Ok(Mark::Nothing),
            Self::Basic { user, .. } if user.contains(':') => Err("its user name contains ':', which cannot be sent"),
            Self::Basic { user, password } => header(AUTHORIZATION, &format!("Basic {}", encode_basic(user, password))),
            Self::Bearer(token) => bearer(token),
            Self::Header { name, value } => {
                let name = HeaderName::try_from(name.as_str()).map_err(|_| "its header's name cannot be sent")?;
                header(name, value.expose())
            }
            Self::Query { name, value } => Ok(Mark::Query(name.clone(), value.clone())),
        }
    }
}

pub(super) fn bearer(token: &Secret) -> Result<Mark, &'static str> {
    header(AUTHORIZATION, &format!("Bearer {}", token.expose()))
}

fn header(name: HeaderName, text: &str) -> Result<Mark, &'static str> {
    let mut value = HeaderValue::try_from(text).map_err(|_| UNSENDABLE)?;
    value.set_sensitive(true);
    Ok(Mark::Header(name, value))
}

impl Mark {
    pub(super) fn add_to(&self, request: &mut Request) {
        match self {
            Self::Nothing => {}
            Self::Header(name, value) => {
                request.headers.insert(name.clone(), value.clone());
            }
            Self::Query(name, value) => add_parameter(&mut request.url, name, value),
        }
    }
}

/// The rest of the query stays byte for byte what it was: APIs read `+`, `%20` and `$` in ways of their own.
fn add_parameter(url: &mut Url, name: &str, value: &Secret) {
    if let Some(rest) = without_parameter(url, name) {
        *url = rest;
    }
    let pair = url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value.expose()).finish();
    let query = match url.query().filter(|query| !query.is_empty()) {
        Some(query) => format!("{query}&{pair}"),
        None => pair,
    };
    url.set_query(Some(&query));
}

fn encode_basic(user: &str, password: &Secret) -> String {
    BASE64.encode(format!("{user}:{}", password.expose()))
}
