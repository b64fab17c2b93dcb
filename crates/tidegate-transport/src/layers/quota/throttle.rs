//! What being throttled looks like where it is not status 429: declared per API, never guessed.

use http::{HeaderName, StatusCode};
use serde_json::Value;

use super::read::Answered;

/// Bodies larger than this are not looked into: an error is short, and pages of rows need not be parsed twice.
pub(super) const LARGEST_BODY: usize = 64 * 1024;

/// An answer that says "not now". All that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Throttle {
    /// Its status, if it has one alone; may be a success, for APIs that answer 200 with an error inside.
    pub status: Option<StatusCode>,
    /// Headers with these values, without case.
    pub headers: Vec<(HeaderName, String)>,
    /// Something in its JSON body. Holds only for bodies that are collected and have at most 64 KiB.
    pub body: Option<ThrottledBody>,
}

/// A text in a JSON body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThrottledBody {
    /// Members that lead to the value; at an array each element is looked at. Empty for the body itself.
    pub path: Vec<String>,
    /// What the value contains, without case. Other values than texts are looked at as JSON writes them.
    pub contains: Option<String>,
    /// What it is. Without this and the other it is enough that it is there.
    pub equals: Option<String>,
}

impl Throttle {
    pub(super) fn matches(&self, answer: &Answered<'_>) -> bool {
        let has = |(name, value): &(HeaderName, String)| {
            let mut found = answer.headers.get_all(name).iter();
            found.any(|found| found.to_str().is_ok_and(|found| found.trim().eq_ignore_ascii_case(value)))
        };
        self.status.is_none_or(|status| status == answer.status)
            && self.headers.iter().all(has)
            && self.body.as_ref().is_none_or(|body| answer.body.is_some_and(|bytes| body.is_in(bytes)))
    }
}

impl ThrottledBody {
    fn is_in(&self, bytes: &[u8]) -> bool {
        bytes.len() <= LARGEST_BODY && serde_json::from_slice(bytes).is_ok_and(|body| self.is_below(&body, &self.path))
    }

    fn is_below(&self, value: &Value, path: &[String]) -> bool {
        match (value, path.split_first()) {
            (Value::Array(elements), _) => elements.iter().any(|element| self.is_below(element, path)),
            (_, Some((member, rest))) => value.get(member).is_some_and(|value| self.is_below(value, rest)),
            (Value::Null, None) => false,
            (Value::String(text), None) => self.says(text),
            (other, None) => self.says(&other.to_string()),
        }
    }

    fn says(&self, text: &str) -> bool {
        let contains = |part: &String| text.to_lowercase().contains(&part.to_lowercase());
        self.contains.as_ref().is_none_or(contains) && self.equals.as_ref().is_none_or(|whole| whole == text)
    }
}
