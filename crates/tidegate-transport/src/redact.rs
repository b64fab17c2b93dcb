//! What is shown, logged or recorded, without what must not be seen.
//!
//! One rule decides which names carry a credential, for query parameters and headers alike. It must not catch
//! names of paging (`$skiptoken`, `pageToken`, `x-continuation-token`): a log without them tells nothing, and
//! a replay could not tell one page from the next.

use std::borrow::Cow;

use http::header::{HeaderMap, HeaderName, HeaderValue, LINK, LOCATION};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::{Position, Url};

use crate::Secret;

/// Stands in the place of what was blanked. It needs no escaping in a URL, in a header or in JSON.
pub(crate) const BLANK: &str = "***";

/// Names that carry a credential when they are exactly this, without case, `-`, `_`, `.` and `$`.
const SECRET_NAMES: &[&str] = &[
    "assertion",
    "auth",
    "code",
    "credential",
    "credentials",
    "jwt",
    "key",
    "pass",
    "passwd",
    "password",
    "pwd",
    "secret",
    "session",
    "sessionid",
    "sid",
    "sig",
    "signature",
    "token",
];

/// Names that carry a credential when they end so: `X-Api-Key`, `client_secret`, `X-Amz-Signature`.
const SECRET_ENDINGS: &[&str] = &[
    "accesskey",
    "accesstoken",
    "apikey",
    "apitoken",
    "authkey",
    "authorization",
    "authtoken",
    "clientassertion",
    "cookie",
    "credential",
    "csrftoken",
    "idtoken",
    "password",
    "refreshtoken",
    "secret",
    "secretkey",
    "securitytoken",
    "sessionid",
    "signature",
    "subscriptionkey",
];

/// Letters of the longest of these names.
const LONGEST_NAME: usize = 15;

/// Secrets shorter than this are not looked for in texts: blanking each `a` would destroy the text and hide nothing.
const SHORTEST_SOUGHT: usize = 4;

/// Whether a query parameter or header of this name carries a credential.
pub(crate) fn is_secret_name(name: &str) -> bool {
    // Without a copy on the heap, since each header and parameter of each request is asked about. The last letters are
    // enough: no name that is looked for is longer.
    let mut letters = [0; LONGEST_NAME + 1];
    let mut begin = letters.len();
    for byte in name.bytes().rev().filter(|byte| !matches!(byte, b'-' | b'_' | b'.' | b'$')).take(letters.len()) {
        begin -= 1;
        letters[begin] = byte.to_ascii_lowercase();
    }
    let plain = &letters[begin..];
    SECRET_NAMES.iter().any(|secret| plain == secret.as_bytes())
        || SECRET_ENDINGS.iter().any(|ending| plain.ends_with(ending.as_bytes()))
}

/// The URL as it may be shown: without user information and fragment, and with the values of query parameters
/// that look like credentials blanked.
///
/// ```
/// let url = url::Url::parse("https://me:pw@api.example/v1?$top=5&Api_Key=abc").unwrap();
/// assert_eq!(tidegate_transport::redact_url(&url), "https://api.example/v1?$top=5&Api_Key=***");
/// ```
#[must_use]
pub fn redact_url(url: &Url) -> String {
    let mut shown = String::with_capacity(url.as_str().len());
    shown.push_str(&url[..Position::BeforeUsername]);
    redact_query_onto(&mut shown, &url[Position::BeforeHost..Position::AfterQuery]);
    shown
}

/// A text with the values of query parameters that look like credentials blanked: a URL, absolute or relative,
/// or something that contains URLs, such as a `Link` header.
pub(crate) fn redact_query(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    redact_query_onto(&mut shown, text);
    shown
}

fn redact_query_onto(shown: &mut String, text: &str) {
    let mut rest = text;
    while let Some(start) = rest.bytes().position(|byte| matches!(byte, b'?' | b'&')) {
        let (before, parameter) = rest.split_at(start + 1);
        shown.push_str(before);
        let is_end = |byte: u8| matches!(byte, b'&' | b'#' | b' ' | b'"' | b'\'' | b'<' | b'>');
        let end = parameter.bytes().position(is_end).unwrap_or(parameter.len());
        match parameter[..end].split_once('=') {
            Some((name, _)) if is_secret_name(&percent_decode_str(name).decode_utf8_lossy()) => {
                shown.push_str(name);
                shown.push('=');
                shown.push_str(BLANK);
            }
            _ => shown.push_str(&parameter[..end]),
        }
        rest = &parameter[end..];
    }
    shown.push_str(rest);
}

/// A text with every occurrence of these secrets blanked, as they are and percent-encoded. For texts that came
/// from outside, such as a server's answer that repeats the credential it was sent.
///
/// Secrets of fewer than four bytes are not looked for.
#[must_use]
pub fn redact_text<'a>(text: &'a str, secrets: &[Secret]) -> Cow<'a, str> {
    let mut shown = Cow::Borrowed(text);
    for secret in secrets.iter().map(Secret::expose).filter(|secret| secret.len() >= SHORTEST_SOUGHT) {
        let encoded = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        for form in [secret, encoded.as_str()] {
            if shown.contains(form) {
                shown = Cow::Owned(shown.replace(form, BLANK));
            }
        }
    }
    shown
}

/// The URL without the query parameters of this name; `None` when it has none. The rest of the query stays byte for
/// byte what it was.
pub(crate) fn without_parameter(url: &Url, name: &str) -> Option<Url> {
    let is_other = |pair: &&str| {
        let spelt = pair.split('=').next().unwrap_or(pair);
        url::form_urlencoded::parse(spelt.as_bytes()).next().is_none_or(|(found, _)| found != name)
    };
    let query = url.query()?;
    let kept: Vec<&str> = query.split('&').filter(is_other).collect();
    if kept.len() == query.split('&').count() {
        return None;
    }
    let mut stripped = url.clone();
    stripped.set_query((!kept.is_empty()).then(|| kept.join("&")).as_deref());
    Some(stripped)
}

/// The value of a header as it may be shown.
#[must_use]
pub fn redact_header(name: &HeaderName, value: &HeaderValue) -> String {
    if value.is_sensitive() || is_secret_name(name.as_str()) {
        return BLANK.to_owned();
    }
    let text = String::from_utf8_lossy(value.as_bytes());
    if [LINK, LOCATION].contains(name) { redact_query(&text) } else { text.into_owned() }
}

/// Headers whose `Debug` shows no credential.
pub(crate) struct ShownHeaders<'a>(pub(crate) &'a HeaderMap);

impl std::fmt::Debug for ShownHeaders<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, value)| (name, redact_header(name, value)))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_however_they_are_spelt() {
        let longest = SECRET_NAMES.iter().chain(SECRET_ENDINGS).map(|name| name.len()).max();
        assert_eq!(longest, Some(LONGEST_NAME));
        for name in
            ["token", "To-Ken", "$token", "x-api_key", "Ocp-Apim-Subscription-Key", "SET-COOKIE", "a.b.authorization"]
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["", "$skiptoken", "page_token", "monkey", "keys", "clés", "a-very-long-name-that-ends-with-token"]
        {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn urls_are_shown_without_credentials() {
        for (url, shown) in [
            ("https://a.example/x", "https://a.example/x"),
            ("https://u:p@a.example:8443/x?y=1#access_token=z", "https://a.example:8443/x?y=1"),
            ("https://a.example/?token=s&b=2&SIG=s&apiKey=s", "https://a.example/?token=***&b=2&SIG=***&apiKey=***"),
            ("https://a.example/?api%5Fkey=s&empty", "https://a.example/?api%5Fkey=***&empty"),
            ("https://a.example/?password=a;b,c", "https://a.example/?password=***"),
            (
                "https://a.example/?X-Amz-Signature=s&client_secret=s",
                "https://a.example/?X-Amz-Signature=***&client_secret=***",
            ),
            (
                "https://a.example/?$skiptoken=7&pageToken=8&cursor=9",
                "https://a.example/?$skiptoken=7&pageToken=8&cursor=9",
            ),
            ("https://a.example/?$filter=key%20eq%201&monkey=2", "https://a.example/?$filter=key%20eq%201&monkey=2"),
        ] {
            assert_eq!(redact_url(&Url::parse(url).unwrap()), shown);
        }
    }

    #[test]
    fn a_parameter_is_taken_out_and_the_rest_left_as_it_is() {
        for (url, rest) in [
            ("https://a.example/x?key=s", Some("https://a.example/x")),
            ("https://a.example/x?a=b+c%20d&key=s&$top=5&k%65y=t", Some("https://a.example/x?a=b+c%20d&$top=5")),
            ("https://a.example/x?key", Some("https://a.example/x")),
            ("https://a.example/x?monkey=1&keys=2&&=", None),
            ("https://a.example/x", None),
        ] {
            let found = without_parameter(&Url::parse(url).unwrap(), "key");
            assert_eq!(found.as_ref().map(Url::as_str), rest, "{url}");
        }
    }

    #[test]
    fn links_in_a_header_are_redacted_one_by_one() {
        let link = r#"<https://a.example/?page=2&token=s>; rel="next", </x?key=s>; rel="last""#;
        let shown = r#"<https://a.example/?page=2&token=***>; rel="next", </x?key=***>; rel="last""#;
        assert_eq!(redact_query(link), shown);
    }

    #[test]
    fn texts_lose_secrets_in_both_forms() {
        let secrets = [Secret::new("pass/word"), Secret::new("abc")];
        assert_eq!(redact_text("abc pass/word pass%2Fword", &secrets), "abc *** ***");
    }
}
