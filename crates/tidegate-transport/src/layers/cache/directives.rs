//! `Cache-Control` as RFC 9111 (5.2) has it: names without case, quoted strings, several fields.
//!
//! http-cache-semantics 3 compares names with case and cuts quoted strings at commas. It is handed what is read here.

use http::HeaderMap;
use http::header::{CACHE_CONTROL, PRAGMA};

/// The directives that a private cache heeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Directives {
    pub(super) no_store: bool,
    pub(super) no_cache: bool,
    pub(super) must_revalidate: bool,
    /// Seconds. Several that differ, or one that is none, are 0: whoever cannot tell asks again (RFC 9111, 4.2.1).
    pub(super) max_age: Option<u64>,
}

/// The largest number of seconds that a cache has to tell from larger ones (RFC 9111, 1.2.2).
pub(super) const MOST_SECONDS: u64 = 1 << 31;

impl Directives {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut found = Self::default();
        let fields: Vec<_> = headers.get_all(CACHE_CONTROL).iter().collect();
        for field in &fields {
            let text = String::from_utf8_lossy(field.as_bytes());
            for (name, value) in Members(&text) {
                found.add(&name, value.as_deref());
            }
        }
        let pragma = |field: &http::HeaderValue| field.to_str().is_ok_and(|text| text.contains("no-cache"));
        found.no_cache |= fields.is_empty() && headers.get_all(PRAGMA).iter().any(pragma);
        found
    }

    fn add(&mut self, name: &str, value: Option<&str>) {
        match name {
            "no-store" => self.no_store = true,
            // With names of fields it forbids less (5.2.2.4); to ask once more is what may be done instead.
            "no-cache" => self.no_cache = true,
            "must-revalidate" => self.must_revalidate = true,
            "max-age" => {
                let seconds = value.and_then(seconds).unwrap_or(0);
                let is_other = self.max_age.is_some_and(|known| known != seconds);
                self.max_age = Some(if is_other { 0 } else { seconds });
            }
            _ => {}
        }
    }
}

/// Digits and nothing else; more of them than matter are cut off at [`MOST_SECONDS`].
pub(super) fn seconds(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(MOST_SECONDS).min(MOST_SECONDS))
}

/// `name[=value]` of a list, names in lower case, values without their quotes.
struct Members<'a>(&'a str);

impl Iterator for Members<'_> {
    type Item = (String, Option<String>);

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.0.trim_start_matches([' ', '\t', ',']);
        if text.is_empty() {
            return None;
        }
        let end = text.find([',', '=']).unwrap_or(text.len());
        let name = text[..end].trim().to_ascii_lowercase();
        let rest = &text[end..];
        let Some(value) = rest.strip_prefix('=') else {
            self.0 = rest;
            return Some((name, None));
        };
        let (value, rest) = match value.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let end = value.find(',').unwrap_or(value.len());
                (value[..end].trim_end().to_owned(), &value[end..])
            }
        };
        // What follows a value before the comma belongs to nothing.
        self.0 = rest.find(',').map_or("", |comma| &rest[comma..]);
        Some((name, Some(value)))
    }
}

/// The text of a quoted string whose opening quote is gone, and what follows it.
fn unquoted(quoted: &str) -> (String, &str) {
    let mut text = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (text, &quoted[at + 1..]),
            '\\' => text.extend(letters.next().map(|(_, letter)| letter)),
            letter => text.push(letter),
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn directives_are_read_whatever_their_case_quotes_and_fields() {
        let none = Directives::default();
        let age = |seconds| Directives { max_age: Some(seconds), ..none };
        for (fields, expected) in [
            (&["max-age=60"][..], age(60)),
            (&["Max-Age=60"], age(60)),
            (&["private, max-age=\"60\""], age(60)),
            (&["max-age=60 , foo"], age(60)),
            (&["max-age=60", "max-age=60"], age(60)),
            (&["max-age=60, max-age=70"], age(0)),
            (&["max-age"], age(0)),
            (&["max-age=a"], age(0)),
            (&["max-age=-1"], age(0)),
            (&["max-age=1.5"], age(0)),
            (&["max-age=99999999999999999999999"], age(MOST_SECONDS)),
            (&["foo=\"a, max-age=60, no-store\""], none),
            (&["foo=\"a\\\", no-store\", No-Store"], Directives { no_store: true, ..none }),
            (&["foo=\"no end, no-store"], none),
            (
                &["NO-CACHE=\"set-cookie, x\" , must-revalidate"],
                Directives { no_cache: true, must_revalidate: true, ..none },
            ),
            (&[",, ,no-store,"], Directives { no_store: true, ..none }),
            (&["s-maxage=60, proxy-revalidate, public"], none),
            (&[""], none),
        ] {
            let headers: HeaderMap =
                fields.iter().map(|field| (CACHE_CONTROL, HeaderValue::try_from(*field).unwrap())).collect();
            assert_eq!(Directives::of(&headers), expected, "{fields:?}");
        }
    }

    #[test]
    fn pragma_counts_where_nothing_else_is_said() {
        for (control, is_found) in [(None, true), (Some("max-age=1"), false)] {
            let mut headers = HeaderMap::from_iter([(PRAGMA, HeaderValue::from_static("no-cache"))]);
            headers.extend(control.map(|control| (CACHE_CONTROL, HeaderValue::from_static(control))));
            assert_eq!(Directives::of(&headers).no_cache, is_found, "{control:?}");
        }
    }
}
