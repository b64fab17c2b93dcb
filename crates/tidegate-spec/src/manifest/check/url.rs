//! URLs: of the API, and of its authorization server.

use crate::manifest::lower::Lower;
use crate::manifest::lower::values::Use;
use crate::manifest::problem::{At, quoted};
use crate::manifest::secrets::looks_like_secret;

impl Lower<'_, '_, '_> {
    pub(super) fn base_url(&mut self) {
        if let Some(url) = &self.document.url {
            self.url(url, &At::root().member("url"));
        }
    }

    /// Says what is wrong with a URL that may hold options.
    pub(super) fn url(&mut self, url: &str, at: &At) {
        if looks_like_secret(url) {
            self.report.say(
                at,
                "something in the URL looks like a secret; make it an option with `secret: true` and use it in `auth`",
            );
        }
        if let Some(expanded) = self.expand(url, Use::Url, at)
            && !url.starts_with('{')
            && let Err(message) = form(&expanded)
        {
            self.report.say(at, message);
        }
    }
}

/// What is wrong with an absolute URL of the kind that requests are made of.
pub(in crate::manifest) fn form(url: &str) -> Result<(), String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest else {
        // What was written may have a credential before its host.
        let shown = url.rsplit('@').next().unwrap_or(url);
        return Err(format!("{} is no URL of an API; expected https://…", quoted(shown)));
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') {
        return Err("the URL has a user or password before its host; use `auth: basic` with secret options".to_owned());
    }
    let name = host
        .rsplit_once(':')
        .map_or(host, |(name, port)| if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host });
    if name.is_empty() {
        return Err("the URL has no host; expected https://host/…".to_owned());
    }
    if rest.contains(['?', '#']) {
        return Err("the URL has a query or fragment; write parameters under `defaults: {query: …}`".to_owned());
    }
    if url
        .chars()
        .any(|letter| letter.is_whitespace() || letter.is_control() || matches!(letter, '\\' | '"' | '<' | '>'))
    {
        return Err("the URL has blanks or characters that no URL has".to_owned());
    }
    Ok(())
}
