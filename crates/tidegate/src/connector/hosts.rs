//! Whose host a manifest's URL names, once options are put in.
//!
//! A secret that a variable holds was meant for the hosts of the manifest. An option may choose what stands before a
//! fixed end of a host (`{shop}.example.com`); one that chooses the host itself, as the option `url` does, is given
//! together with the secret.

use tidegate_spec::Manifest;
use tidegate_spec::manifest::{Credential, Template};

/// The URLs of a manifest that secrets are sent to.
fn urls(manifest: &Manifest) -> Vec<String> {
    let mut urls: Vec<String> = manifest.document().url.iter().cloned().collect();
    for auth in manifest.auth() {
        for credential in &auth.credentials {
            if let Credential::OAuth2(oauth2) = credential {
                urls.push(oauth2.token_url.as_str().to_owned());
                urls.extend(oauth2.authorize_url.as_ref().map(|url| url.as_str().to_owned()));
            }
        }
    }
    urls
}

/// Whether an option that is `given` chooses one of the hosts.
pub(super) fn is_chosen(manifest: &Manifest, given: impl Fn(&str) -> bool) -> bool {
    let chooses = |url: &String| {
        let host = host(url);
        host.ends_with('}') && options(host).iter().any(|name| given(name))
    };
    urls(manifest).iter().any(chooses)
}

/// The first option in a host whose value would make it another host than the manifest shows.
pub(super) fn misused(manifest: &Manifest, value: impl Fn(&str) -> Option<String>) -> Option<String> {
    let breaks = |host: &str, value: &str| {
        let is_open = host.ends_with('}');
        value.is_empty()
            || !value.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c) || (is_open && c == ':'))
    };
    let wrong = |url: String| {
        // A URL that is an option as a whole has no end that could be kept.
        let host = host(&url).to_owned();
        let names = if url.contains("://") { options(&host) } else { Vec::new() };
        names.into_iter().find(|name| value(name).is_some_and(|value| breaks(&host, &value)))
    };
    urls(manifest).into_iter().find_map(wrong)
}

/// What stands between the scheme and the path.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

fn options(text: &str) -> Vec<String> {
    Template::parse(text).map(|template| template.options()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(url: &str) -> Manifest {
        let text = format!(
            "connector: x\nurl: '{url}'\noptions: {{ a: {{ default: b }} }}\ntables:\n  t: {{ columns: {{ id: int }}, list: {{ path: t }} }}\n"
        );
        Manifest::parse(&text, "x.yaml").unwrap()
    }

    #[test]
    fn an_option_may_choose_the_front_of_a_host() {
        for (url, chosen) in [
            ("https://{a}.example.com/", false),
            ("https://x-{a}.example.com/v1", false),
            ("https://example.com/{a}/", false),
            ("https://{a}/", true),
            ("https://example.com:{a}/", true),
            ("https://example.{a}/", true),
        ] {
            assert_eq!(is_chosen(&manifest(url), |name| name == "a"), chosen, "{url}");
            assert!(!is_chosen(&manifest(url), |_| false), "{url}");
        }
    }

    #[test]
    fn a_value_in_a_host_leaves_its_end_alone() {
        for (value, is_wrong) in [
            ("shop", false),
            ("my-shop.eu", false),
            ("evil.com/", true),
            ("evil.com:1", true),
            ("a@b", true),
            ("", true),
        ] {
            let found = misused(&manifest("https://{a}.example.com/"), |_| Some(value.to_owned()));
            assert_eq!(found.is_some(), is_wrong, "{value}");
        }
        assert_eq!(misused(&manifest("https://{a}/"), |_| Some("localhost:8080".to_owned())), None);
    }
}
