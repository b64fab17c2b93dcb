//! Opens connections of connectors that are manifests.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{HeaderName, StatusCode};
use tidegate_engine::{ConnectionDef, Connector};
use tidegate_spec::Manifest;
use tidegate_spec::manifest::{ConnectorOption, Throttled};
use tidegate_transport::{Throttle, ThrottledBody};

use super::registry::summary;
use super::{Access, hosts, signing};
use crate::environment::Environment;
use crate::oauth::{OAuthConfig, OAuthParts, TokenMetering};
use crate::options::{COMMON_OPTIONS, Options, fail, without_user_info};
use crate::partitions::{self, Needs};
use crate::{Error, Result, quotas};

/// What a login of this connection is made with; `None` when it signs in without.
pub(crate) fn login(
    def: &ConnectionDef,
    manifest: &Manifest,
    environment: &Environment,
) -> Result<Option<OAuthConfig>> {
    let given = given(def, manifest, environment)?;
    signing::oauth(def, manifest, &values(manifest, &given, environment).values)
}

/// The options that a connection of this connector takes, with what they take.
pub(super) fn options(manifest: &Manifest) -> Vec<(String, String)> {
    let own = manifest.options().into_iter().map(|option| (option.name.clone(), takes(&option)));
    let base = manifest.document().url.as_deref();
    let common = COMMON_OPTIONS.iter().map(|(name, takes)| {
        let takes = match (*name, base) {
            ("url", Some(base)) => format!("the base URL; '{base}' by default"),
            ("url", None) => "the base URL of the API".to_owned(),
            _ => (*takes).to_owned(),
        };
        ((*name).to_owned(), takes)
    });
    let mut options: Vec<_> = common.collect();
    options.splice(1..1, own);
    options
}

fn takes(option: &ConnectorOption) -> String {
    let mut parts: Vec<String> = option.description.iter().map(|text| text.trim().replace('\n', " ")).collect();
    if option.required {
        parts.push("required".to_owned());
    }
    if let Some(default) = &option.default {
        parts.push(format!("'{default}' by default"));
    }
    if let Some(variable) = &option.env {
        parts.push(format!("by default the value of {variable}"));
    }
    parts.join("; ")
}

/// Reads the options and compiles the manifest with them.
pub(super) fn open(
    def: &ConnectionDef,
    manifest: &Manifest,
    environment: &Environment,
    oauth: Option<&OAuthParts>,
) -> Result<Access> {
    let given = given(def, manifest, environment)?;
    let Given { values, withheld } = values(manifest, &given, environment);
    let value = |name: &str| values.get(name).cloned().or_else(|| signing::default(manifest, name));
    if let Some(option) = hosts::misused(manifest, value) {
        let message =
            format!("option {option} is part of a host's name, and its value has what such a name cannot have");
        return Err(fail(def, message));
    }
    let problem = |problems: Vec<_>| fail(def, summary(&problems));
    let base = given.url_of(&manifest.url(&values).map_err(problem)?)?;
    // Secrets of options stay out of the model.
    let mut model = manifest.compile(&values).map_err(problem)?;
    let base = without_user_info(base);
    let needs = Needs { base: &base, model: Some(&model), listed: manifest.partitions() };
    let (partitions, default_partitions) = partitions::read(&given, needs)?;
    let metered = quotas::metered(def, manifest.quotas(), Some(&model))?;
    let host = base.host_str().unwrap_or("another host");
    let notes = withheld.iter().map(|variable| {
        format!("{variable} is not sent to {host}, which the connection names itself: give it as an option, env('{variable}')")
    });
    let notes: Vec<String> = notes.collect();
    let token_metering = TokenMetering::default();
    let parts = oauth.map(|parts| OAuthParts { metering: token_metering.clone(), ..parts.clone() });
    let credentials = match &parts {
        // Without the notes it would ask for a variable that is set.
        Some(parts) => signing::credentials(def, manifest, &values, parts).map_err(|error| remarked(error, &notes))?,
        None => Vec::new(),
    };
    model.notes.extend(notes);
    Ok(Access {
        is_renewed: signing::may_renew(manifest),
        credentials,
        allow_origins: given.origins()?,
        throttles: throttles(manifest),
        writes: given.writes()?,
        connector: Connector::Manifest(Arc::new(model)),
        provider: manifest.name().to_owned(),
        partitions,
        default_partitions,
        quotas: metered,
        token_metering,
        base,
    })
}

/// The options as the connection gives them.
fn given<'a>(def: &'a ConnectionDef, manifest: &Manifest, environment: &Environment) -> Result<Options<'a>> {
    let known = options(manifest);
    let known: Vec<(&str, &str)> = known.iter().map(|(name, takes)| (name.as_str(), takes.as_str())).collect();
    Options::new(def, environment, &known)
}

fn remarked(error: Error, notes: &[String]) -> Error {
    if notes.is_empty() { error } else { Error::new(error.kind(), format!("{error}; {}", notes.join("; "))) }
}

/// The values of options.
struct Given {
    /// Those given, else those of the variables that the manifest names.
    values: BTreeMap<String, String>,
    /// Variables with secrets that were left where they are: the connection has another host than the manifest, and
    /// who gives that gives the secret too.
    withheld: Vec<String>,
}

fn values(manifest: &Manifest, given: &Options<'_>, environment: &Environment) -> Given {
    let is_own_host = (given.get("url").is_none() || manifest.document().url.is_none())
        && !hosts::is_chosen(manifest, |name| given.get(name).is_some());
    let (mut values, mut withheld) = (BTreeMap::new(), Vec::new());
    values.extend(given.get("url").map(|url| ("url".to_owned(), url.to_owned())));
    for option in manifest.options() {
        let found = option.env.as_deref().and_then(|variable| environment.get(variable));
        let found = found.filter(|value| !value.is_empty());
        match (given.get(&option.name), found) {
            (Some(value), _) => drop(values.insert(option.name, value.to_owned())),
            (None, Some(_)) if option.secret && !is_own_host => withheld.extend(option.env),
            (None, Some(value)) => drop(values.insert(option.name, value)),
            (None, None) => {}
        }
    }
    Given { values, withheld }
}

fn throttles(manifest: &Manifest) -> Vec<Throttle> {
    manifest.throttled().into_iter().filter_map(throttle).collect()
}

fn throttle(rule: Throttled) -> Option<Throttle> {
    let header = |(name, value): (String, String)| Some((HeaderName::try_from(name).ok()?, value));
    Some(Throttle {
        status: rule.status.map(StatusCode::from_u16).transpose().ok()?,
        headers: rule.headers.into_iter().map(header).collect::<Option<_>>()?,
        body: rule.body.map(|body| ThrottledBody { path: body.path, contains: body.contains, equals: body.equals }),
    })
}
