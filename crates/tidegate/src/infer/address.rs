//! The URL that was asked: base, path, name of the table, parameters.

use percent_encoding::percent_decode_str;
use tidegate_transport::redact_url;
use url::Url;

use super::names::snake;
use crate::{Error, ErrorKind, Result};

/// Segments that may be the common beginning of all paths.
const BEGINNING: usize = 4;

/// A URL taken apart.
#[derive(Debug)]
pub(super) struct Address {
    /// Origin and common beginning of the paths, such as `/api/v2/`.
    pub(super) base: String,
    /// What follows it, percent-encoded as it was.
    pub(super) path: String,
    /// SQL name of the table.
    pub(super) table: String,
    /// Segments of the path that look like a value, such as a parent's id.
    pub(super) values: Vec<String>,
    /// Parameters of the query, decoded.
    pub(super) query: Vec<(String, String)>,
}

impl Address {
    pub(super) fn new(url: &Url) -> Self {
        let segments: Vec<&str> = url.path_segments().into_iter().flatten().collect();
        let split = beginning(&segments);
        let mut base = format!("{}/", url.origin().ascii_serialization());
        for segment in &segments[..split] {
            base.push_str(segment);
            base.push('/');
        }
        let rest = &segments[split..];
        let table = rest.iter().rev().find(|segment| !segment.is_empty() && !is_value(segment) && !is_version(segment));
        Self {
            base,
            path: rest.join("/"),
            table: table.map_or_else(|| "items".to_owned(), |segment| table_name(segment)),
            values: rest.iter().filter(|segment| is_value(segment)).map(|segment| (*segment).to_owned()).collect(),
            query: url.query_pairs().into_owned().collect(),
        }
    }
}

/// Refuses a URL that cannot be called, or has a secret in it: it would be written to a file.
///
/// # Errors
/// A scheme other than http and https, user information, a parameter that looks like a credential.
pub(super) fn check(url: &Url) -> Result<()> {
    let fail = |message: String| Err(Error::new(ErrorKind::Connection, format!("{}: {message}", redact_url(url))));
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return fail("the URL of a list begins with https:// or http://, and names a host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return fail(
            "the URL has a user or password in it, which would end up in the manifest: leave it out, and give \
                     a token as an option"
                .to_owned(),
        );
    }
    match url.query_pairs().find(|(name, _)| is_secret(name)) {
        Some((name, _)) => fail(format!(
            "the parameter {name} looks like a secret, which would end up in the manifest: leave it out and give the \
             token as an option; an API that wants its key in the query gets it by `auth: {{ query: {{ name: {name}, \
             value: \"{{token}}\" }} }}`"
        )),
        None => Ok(()),
    }
}

/// Whether what is shown and logged blanks parameters of this name: one rule for all.
fn is_secret(name: &str) -> bool {
    Url::parse_with_params("https://h/", [(name, "value")]).is_ok_and(|url| redact_url(&url).ends_with("=***"))
}

/// How many segments all paths of the API have in common: up to a version, or a word such as `api`.
fn beginning(segments: &[&str]) -> usize {
    let last = segments.len().saturating_sub(1).min(BEGINNING);
    let is_common = |at: usize| {
        let after_word = at > 0 && is_word(segments[at - 1]) && segments[at].bytes().all(|byte| byte.is_ascii_digit());
        is_word(segments[at]) || is_version(segments[at]) || after_word
    };
    (0..last).rev().find(|at| is_common(*at)).map_or(0, |at| at + 1)
}

fn is_word(segment: &str) -> bool {
    matches!(segment, "api" | "apis" | "rest" | "wp-json" | "services" | "_api")
}

/// `v1`, `v2.1`, `v1beta1`, `2.0`, `2024-01`, `2022-11-28`.
fn is_version(segment: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let dated = || {
        let parts: Vec<&str> = segment.split('-').collect();
        (2..=3).contains(&parts.len()) && parts[0].len() == 4 && parts.iter().all(|part| digits(part))
    };
    let marked = segment.strip_prefix(['v', 'V']).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let numbered = segment.contains('.') && segment.split('.').all(digits);
    (marked && segment.len() <= 10) || numbered || dated()
}

/// Whether a segment is a value rather than a name: a number, a UUID, a long mix of letters and digits.
fn is_value(segment: &str) -> bool {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let is_id = segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    digits > 0 && is_id && (digits == segment.len() || (segment.len() >= 12 && digits >= 2))
}

/// `conversations.list` is `conversations`, `orders.json` is `orders`.
fn table_name(segment: &str) -> String {
    let decoded = percent_decode_str(segment).decode_utf8_lossy();
    let name = ["json", "list", "getAll", "all"]
        .iter()
        .find_map(|end| decoded.strip_suffix(end)?.strip_suffix('.'))
        .unwrap_or(&decoded);
    snake(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        for (url, base, path, table) in [
            ("https://api.github.com/repos/o/r/issues", "https://api.github.com/", "repos/o/r/issues", "issues"),
            ("https://api.stripe.com/v1/charges?limit=3", "https://api.stripe.com/v1/", "charges", "charges"),
            ("https://h/api/v2/tickets", "https://h/api/v2/", "tickets", "tickets"),
            ("https://h/rest/api/3/project/search", "https://h/rest/api/3/", "project/search", "search"),
            (
                "https://h/apis/apps/v1/namespaces/x/deployments",
                "https://h/apis/apps/v1/",
                "namespaces/x/deployments",
                "deployments",
            ),
            ("https://h/wp-json/wp/v2/posts", "https://h/wp-json/wp/v2/", "posts", "posts"),
            ("https://h/admin/api/2024-01/orders.json", "https://h/admin/api/2024-01/", "orders.json", "orders"),
            (
                "https://slack.com/api/conversations.list",
                "https://slack.com/api/",
                "conversations.list",
                "conversations",
            ),
            (
                "https://h:8443/users/42/purchaseOrders/",
                "https://h:8443/",
                "users/42/purchaseOrders/",
                "purchase_orders",
            ),
            ("https://h/orders/42", "https://h/", "orders/42", "orders"),
            ("https://h/v0/appA1B2C3D4E5F6/My%20Tasks", "https://h/v0/", "appA1B2C3D4E5F6/My%20Tasks", "my_tasks"),
            ("https://h/api", "https://h/", "api", "api"),
            ("https://h/v1", "https://h/", "v1", "items"),
            ("https://h", "https://h/", "", "items"),
        ] {
            let address = Address::new(&Url::parse(url).unwrap());
            let found = (address.base.as_str(), address.path.as_str(), address.table.as_str());
            assert_eq!(found, (base, path, table), "{url}");
        }
    }

    #[test]
    fn urls_with_secrets_are_refused_and_not_shown() {
        for url in [
            "https://me:s3cret@h/x",
            "https://h/x?api_key=s3cret",
            "https://h/x?page=1&access_token=s3cret",
            "https://h/x?key=s3cret",
            "ftp://h/x",
        ] {
            let error = check(&Url::parse(url).unwrap()).unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
        check(&Url::parse("https://h/x?page_token=1&state=open").unwrap()).unwrap();
    }
}
