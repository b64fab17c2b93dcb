//! Options of connections: what every connector takes, and how values are read.

use std::collections::BTreeMap;

use tidegate_engine::{ConnectionDef, OptionValue};
use tidegate_transport::{Credentials, Secret};
use url::{Origin, Url};

use crate::environment::Environment;
use crate::{Error, ErrorKind, Result};

/// Options of every connector, each with what it takes.
pub(crate) const COMMON_OPTIONS: &[(&str, &str)] = &[
    ("url", "the service root, such as 'https://host/odata/v4/sales'"),
    ("writes", "'true' to allow mutations"),
    ("allow_origins", "other origins that next links and redirects may lead to, separated by commas"),
    ("partitions", "codes of its partitions, separated by commas; each is put where its requests have {partition}"),
    ("default_partitions", "codes of those that are selected without USE; all by default"),
];

const URL_FORM: &str = "option url must begin with https:// or http://, and name a host";

/// The options of one connection, with variables looked up.
#[derive(Debug)]
pub(crate) struct Options<'a> {
    def: &'a ConnectionDef,
    values: BTreeMap<&'a str, String>,
}

impl<'a> Options<'a> {
    pub(crate) fn new(def: &'a ConnectionDef, environment: &Environment, known: &[(&str, &str)]) -> Result<Self> {
        let mut values = BTreeMap::new();
        for (name, value) in &def.options {
            if !known.iter().any(|(option, _)| option == name) {
                return Err(unknown_option(def, name, known));
            }
            let value = match value {
                OptionValue::Text(text) => text.clone(),
                OptionValue::Env(variable) => environment.get(variable).ok_or_else(|| {
                    fail(def, format!("option {name}: the environment variable {variable} is not set"))
                })?,
            };
            values.insert(name.as_str(), value);
        }
        Ok(Self { def, values })
    }

    /// The connection that they belong to.
    pub(crate) fn def(&self) -> &'a ConnectionDef {
        self.def
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub(crate) fn base_url(&self) -> Result<Url> {
        let text = self.get("url").ok_or_else(|| fail(self.def, "option url is missing: url 'https://host/path'"))?;
        self.url_of(text)
    }

    /// A base URL, ending in `/`.
    pub(crate) fn url_of(&self, text: &str) -> Result<Url> {
        if in_host(text) {
            let message = "option url has {partition} in its host: a connection has one host; write {partition} into its \
                           path, or make a connection for each host";
            return Err(fail(self.def, message));
        }
        // The text may hold a password: it is not shown.
        let mut url = Url::parse(text).map_err(|error| match error {
            url::ParseError::RelativeUrlWithoutBase => fail(self.def, URL_FORM),
            other => fail(self.def, format!("option url is not a URL: {other}")),
        })?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(fail(self.def, URL_FORM));
        }
        url.set_fragment(None);
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(url)
    }

    pub(crate) fn credentials(&self, base: &Url) -> Result<Credentials> {
        let in_url = (!base.username().is_empty() || base.password().is_some()).then(|| {
            let decode = |text: &str| percent_decode(text);
            (decode(base.username()), decode(base.password().unwrap_or_default()))
        });
        let user = self.get("user").map(str::to_owned).or_else(|| in_url.as_ref().map(|(user, _)| user.clone()));
        let password = self.get("password").map(str::to_owned).or_else(|| in_url.map(|(_, password)| password));
        match (self.get("token"), user, password) {
            (None, None, None) => Ok(Credentials::None),
            (Some(token), None, None) => Ok(Credentials::Bearer(Secret::new(token))),
            (Some(_), _, _) => Err(fail(self.def, "give either token, or user and password")),
            (None, Some(user), password) => {
                Ok(Credentials::Basic { user, password: Secret::new(password.unwrap_or_default()) })
            }
            (None, None, Some(_)) => Err(fail(self.def, "option password needs option user")),
        }
    }

    pub(crate) fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<Option<T>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let found = choices.iter().find(|(text, _)| text.eq_ignore_ascii_case(value));
        found.map(|(_, choice)| Some(*choice)).ok_or_else(|| {
            let takes: Vec<_> = choices.iter().map(|(text, _)| format!("'{text}'")).collect();
            fail(self.def, format!("option {name} takes {}, not '{value}'", takes.join(" or ")))
        })
    }

    pub(crate) fn writes(&self) -> Result<bool> {
        Ok(self.choice("writes", &[("true", true), ("false", false)])?.unwrap_or(false))
    }

    pub(crate) fn origins(&self) -> Result<Vec<Origin>> {
        let list = self.get("allow_origins").unwrap_or_default();
        let origins = list.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        origins
            .map(|text| match Url::parse(text) {
                Ok(url) if url.origin().is_tuple() => Ok(url.origin()),
                _ => {
                    Err(fail(self.def, format!("option allow_origins: '{text}' is not an origin such as https://host")))
                }
            })
            .collect()
    }
}

/// Whether a URL names a partition before its path. A code would then say where credentials go.
fn in_host(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#', '\\']).next().is_some_and(|host| host.contains("{partition}"))
}

pub(crate) fn without_user_info(mut url: Url) -> Url {
    // Both can fail only for URLs without a host, which `base_url` has refused.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

fn percent_decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn unknown_option(def: &ConnectionDef, name: &str, known: &[(&str, &str)]) -> Error {
    let takes: Vec<_> = known.iter().map(|(option, what)| format!("  {option}: {what}")).collect();
    fail(def, format!("there is no option {name}; {} takes\n{}", def.connector, takes.join("\n")))
}

pub(crate) fn fail(def: &ConnectionDef, message: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Connection, format!("connection {}: {message}", def.name))
}
