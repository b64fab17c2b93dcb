//! Texts with `{name}` in them, paths of URLs, and paths to members.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A text in which `{name}` stands for the value of an option. `{{` and `}}` stand for braces.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(String);

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it: a brace that is not closed or not opened, or a name that is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        parse(text).map(|_| Self(text.to_owned()))
    }

    /// A template that was checked before; what is none would be taken literally.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Names in it, each once, in their order.
    #[must_use]
    pub fn options(&self) -> Vec<String> {
        let mut names = Vec::new();
        for part in parse(&self.0).unwrap_or_default() {
            if let Part::Name(name) = part
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
        names
    }

    /// The text with the value of each name.
    ///
    /// # Errors
    /// The first name for which `value` has nothing.
    pub fn expand(&self, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
        let parts = parse(&self.0).unwrap_or_else(|_| vec![Part::Text(self.0.clone())]);
        let mut text = String::with_capacity(self.0.len());
        for part in parts {
            match part {
                Part::Text(literal) => text.push_str(&literal),
                Part::Name(name) => match value(&name) {
                    Some(value) => text.push_str(&value),
                    None => return Err(name),
                },
            }
        }
        Ok(text)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Name(String),
}

/// Pieces of a template, or what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        literal.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        let after = &rest[at + 1..];
        if after.starts_with(brace) {
            literal.push_str(brace);
            rest = &after[1..];
        } else if brace == "}" {
            return Err(format!("{text:?} has a `}}` without `{{`; write `}}}}` for the character itself"));
        } else {
            let end = after.find(['{', '}']).filter(|&end| after.as_bytes()[end] == b'}');
            let Some(end) = end else {
                return Err(format!("{text:?} has a `{{` that is not closed; write `{{{{` for the character itself"));
            };
            let name = &after[..end];
            if !is_name(name) {
                return Err(format!("{text:?} has {{{name}}}, which is no name of an option or column"));
            }
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::Name(name.to_owned()));
            rest = &after[end + 1..];
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    Ok(parts)
}

/// Whether a text is a letter or `_`, then letters, digits and `_`.
pub(super) fn is_name(text: &str) -> bool {
    let mut letters = text.bytes();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && letters.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a text is a lower-case letter (or `_`), then lower-case letters, digits and `_`, at most 63 in all.
pub(super) fn is_lower_name(text: &str) -> bool {
    is_name(text) && text.len() <= 63 && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// What stands in a path beside `/`, unencoded: RFC 3986's `pchar`, less what is to be encoded in templates.
const IN_PATH: &[u8] = b"-._~!$&'()*+,;=:@/";

/// Literal text of a path, percent-encoded; what is encoded already is kept.
pub(super) fn encode_path(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut encoded = String::with_capacity(text.len());
    for (at, &byte) in bytes.iter().enumerate() {
        let is_encoded =
            byte == b'%' && bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        if byte.is_ascii_alphanumeric() || IN_PATH.contains(&byte) || is_encoded {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Steps of a path to a member: joined by `.`, with `\.` for a `.` within a name. Empty text is no step: the document.
pub(super) fn steps(text: &str) -> Result<Vec<String>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let mut steps = vec![String::new()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, steps.last_mut()) {
            ('.', _) => steps.push(String::new()),
            ('\\', Some(step)) => match letters.next() {
                Some(escaped @ ('.' | '\\')) => step.push(escaped),
                _ => return Err(format!("{text:?} has a `\\` that is not before `.` or `\\`")),
            },
            (letter, Some(step)) => step.push(letter),
            _ => {}
        }
    }
    if steps.iter().any(String::is_empty) {
        return Err(format!("{text:?} has an empty step; expected members joined by `.`"));
    }
    Ok(steps)
}

/// A length of time: a whole number and `ms`, `s`, `m`, `h` or `d`.
pub(super) fn duration(text: &str) -> Option<std::time::Duration> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(millis).filter(|&millis| millis > 0).map(std::time::Duration::from_millis)
}
