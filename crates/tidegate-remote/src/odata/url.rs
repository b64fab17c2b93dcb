//! URLs of requests, and where a next link points.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Position, Url};

use super::query::QueryOptions;
use crate::ErrorKind;

/// What is percent-encoded in the value of a query option: all but RFC 3986's unreserved characters and those
/// that OData's own syntax is made of and every server reads raw. A space is `%20`: some servers do not take `+`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'(')
    .remove(b')')
    .remove(b',')
    .remove(b'/')
    .remove(b':');

/// Percent-encoded for the value of a query option.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// What is percent-encoded in the name of a query option: `$` is part of OData's own.
const ENCODED_NAME: &AsciiSet = &ENCODED.remove(b'$');

/// Percent-encoded for the name of a query option.
pub(crate) fn encode_name(text: &str) -> String {
    utf8_percent_encode(text, ENCODED_NAME).to_string()
}

/// The URL of `path` below `base` with these options. A query of `base` is kept, before them.
pub(crate) fn resource(base: &Url, path: &str, options: &QueryOptions) -> Result<Url, ErrorKind> {
    below(base, path, options.iter().map(|(name, value)| (*name, value.as_str())))
}

/// The URL of `path`, which is percent-encoded and may have a query, below `base` with these parameters. A query of
/// `base` is kept, before all others.
///
/// `path` is put behind the base as text, since as a reference (RFC 3986) `ns:Set` would be a scheme.
pub(crate) fn below<'a>(
    base: &Url,
    path: &str,
    query: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Url, ErrorKind> {
    let below = &base[..Position::AfterPath];
    let (path, of_path) = path.split_once('?').unwrap_or((path, ""));
    let mut text = String::with_capacity(below.len() + path.len() + 128);
    text.push_str(below);
    if !text.ends_with('/') {
        text.push('/');
    }
    text.push_str(path.trim_start_matches('/'));
    let mut marks = std::iter::once('?').chain(std::iter::repeat('&'));
    for own in base.query().into_iter().chain([of_path]).filter(|query| !query.is_empty()) {
        text.extend(marks.next());
        text.push_str(own);
    }
    for (name, value) in query {
        text.extend(marks.next());
        text.extend(utf8_percent_encode(name, ENCODED_NAME));
        text.push('=');
        text.extend(utf8_percent_encode(value, ENCODED));
    }
    Url::parse(&text).map_err(|error| ErrorKind::Unsupported(format!("{text} is not a URL: {error}")))
}

/// Where a next link points.
///
/// OData (JSON Format 4.01, 4.5 "Relative URLs") takes relative links relative to the context URL, which stands
/// in the service root; RFC 3986 alone takes them relative to the request. So a link that begins with the
/// endpoint's own path is relative to the service root (`crm/Accounts?$skiptoken=5` after a request for
/// `crm/Accounts`), and every other one to the URL that answered (`/odata/…`, `?$skip=5`, `Items?$skip=5` after
/// `Accounts(1)/Items`). Where both rules apply they agree. A query of `base` is not added: next links are opaque.
pub(crate) fn next_link(base: &Url, path: &str, answered: &Url, link: &str) -> Result<Url, ErrorKind> {
    let bad = |why: String| ErrorKind::Body(format!("the next link {link:?} cannot be followed: {why}"));
    let mut next = if is_below(path, link) {
        let root = service_root(base, path, answered);
        Url::parse(&format!("{root}{link}"))
    } else {
        answered.join(link)
    }
    .map_err(|error| bad(error.to_string()))?;
    if !matches!(next.scheme(), "http" | "https") {
        return Err(bad(format!("its scheme is {}", next.scheme())));
    }
    next.set_fragment(None);
    Ok(next)
}

/// Whether the link is the endpoint's path, with or without something behind it.
fn is_below(path: &str, link: &str) -> bool {
    !path.is_empty()
        && link.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['?', '/', '(', '#']))
}

/// What stands before the endpoint's path in the URL that answered, which after a redirect is not the
/// connection's; the connection's own base when the URL that answered has another form.
fn service_root(base: &Url, path: &str, answered: &Url) -> Url {
    let mut root = without_query(answered);
    match answered.path().trim_end_matches('/').strip_suffix(path.trim_end_matches('/')) {
        Some(before) if before.ends_with('/') => root.set_path(before),
        _ => {
            root = without_query(base);
            if !root.path().ends_with('/') {
                let path = format!("{}/", root.path());
                root.set_path(&path);
            }
        }
    }
    root
}

fn without_query(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests;
