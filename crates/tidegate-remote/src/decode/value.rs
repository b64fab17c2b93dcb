//! One JSON value as the columns see it.

use super::scanner::Raw;
use super::words::{backslash, plain_end};

/// A value whose grammar [`super::scanner::Scanner`] has checked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'v> {
    Null,
    Bool(bool),
    /// Its text as sent.
    Number(&'v str),
    /// Its text, escapes resolved.
    Text(&'v str),
    Array(&'v str),
    Object(&'v str),
    /// A string with half of a surrogate pair: no text.
    Broken,
}

impl<'v> Value<'v> {
    /// Reads a value; `scratch` holds what has escapes.
    #[inline]
    pub(super) fn read(raw: Raw<'v>, scratch: &'v mut String) -> Self {
        let text = raw.text;
        match text.as_bytes().first() {
            Some(b'"') => {
                let quoted = text.get(1..text.len() - 1).unwrap_or_default();
                if !raw.escaped {
                    Self::Text(quoted)
                } else if unescape(quoted, scratch) {
                    Self::Text(scratch)
                } else {
                    Self::Broken
                }
            }
            Some(b'[') => Self::Array(text),
            Some(b'{') => Self::Object(text),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') | None => Self::Null,
            Some(_) => Self::Number(text),
        }
    }

    /// The text of a number, or of a string that may hold one.
    pub(super) fn digits(self) -> Option<&'v str> {
        match self {
            Self::Number(text) | Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A boolean, also where it is written as text, or as 0 or 1.
    pub(super) fn truth(self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(value),
            Self::Number("0") => Some(false),
            Self::Number("1") => Some(true),
            Self::Text(text) if text.eq_ignore_ascii_case("true") || text == "1" => Some(true),
            Self::Text(text) if text.eq_ignore_ascii_case("false") || text == "0" => Some(false),
            _ => None,
        }
    }

    /// Whether the value says no more than that there is nothing: null, false, empty text, list or object, and 0,
    /// which many APIs send as their code for success.
    pub(super) fn is_nothing(self) -> bool {
        match self {
            Self::Null | Self::Bool(false) | Self::Text("") | Self::Number("0") => true,
            Self::Array(raw) | Self::Object(raw) => raw
                .bytes()
                .skip(1)
                .find(|byte| !byte.is_ascii_whitespace())
                .is_none_or(|byte| matches!(byte, b']' | b'}')),
            _ => false,
        }
    }

    /// The text of a string.
    pub(super) fn text(self) -> Option<&'v str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Resolves the escapes of a string that the scanner has passed; false when a surrogate has no partner.
pub(super) fn unescape(raw: &str, out: &mut String) -> bool {
    out.clear();
    out.reserve(raw.len());
    let bytes = raw.as_bytes();
    let mut plain = 0;
    loop {
        let at = backslash(bytes, plain);
        out.push_str(&raw[plain..at]);
        let Some(&letter) = bytes.get(at + 1) else { return true };
        plain = at + 2;
        out.push(match letter {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let Some((character, behind)) = code_point(&raw[plain..]) else { return false };
                plain = raw.len() - behind.len();
                character
            }
            // A quote, a backslash or a slash.
            other => char::from(other),
        });
    }
}

/// The character of `XXXX` or `XXXX\uXXXX`, and what follows.
fn code_point(text: &str) -> Option<(char, &str)> {
    let unit = |text: &str| u32::from_str_radix(text.get(..4)?, 16).ok();
    let first = unit(text)?;
    let rest = &text[4..];
    if !(0xd800..0xdc00).contains(&first) {
        return Some((char::from_u32(first)?, rest));
    }
    let rest = rest.strip_prefix("\\u")?;
    let second = unit(rest)?;
    if !(0xdc00..0xe000).contains(&second) {
        return None;
    }
    let point = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    Some((char::from_u32(point)?, &rest[4..]))
}

/// JSON text without the white space between its tokens; `scratch` holds it where there is some.
pub(super) fn compact<'v>(raw: &'v str, scratch: &'v mut String) -> &'v str {
    scratch.clear();
    let bytes = raw.as_bytes();
    let (mut start, mut at) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at),
            b' ' | b'\n' | b'\r' | b'\t' => {
                scratch.push_str(&raw[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    if start == 0 {
        return raw;
    }
    scratch.push_str(&raw[start..]);
    scratch
}

/// Where the quote stands that closes the string which opens at `at`.
fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut end = plain_end(bytes, at + 1);
    while bytes.get(end) == Some(&b'\\') {
        end = plain_end(bytes, end + 2);
    }
    end
}
