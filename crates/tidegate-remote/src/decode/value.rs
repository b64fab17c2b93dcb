//! One JSON value as the columns see it.

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
    /// Reads a value's text; `scratch` holds what has escapes.
    pub(super) fn read(raw: &'v str, scratch: &'v mut String) -> Self {
        match raw.as_bytes().first() {
            Some(b'"') => {
                let quoted = raw.get(1..raw.len() - 1).unwrap_or_default();
                if !quoted.as_bytes().contains(&b'\\') {
                    Self::Text(quoted)
                } else if unescape(quoted, scratch) {
                    Self::Text(scratch)
                } else {
                    Self::Broken
                }
            }
            Some(b'[') => Self::Array(raw),
            Some(b'{') => Self::Object(raw),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') | None => Self::Null,
            Some(_) => Self::Number(raw),
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
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let Some(letter) = escape.chars().next() else { return false };
        rest = &escape[letter.len_utf8()..];
        out.push(match letter {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let Some((character, behind)) = code_point(rest) else { return false };
                rest = behind;
                character
            }
            other => other,
        });
    }
    out.push_str(rest);
    true
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

/// Writes JSON text without the white space between its tokens.
pub(super) fn compact(raw: &str, out: &mut String) {
    out.clear();
    let bytes = raw.as_bytes();
    let (mut start, mut quoted, mut at) = (0, false, 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' => quoted = !quoted,
            b' ' | b'\n' | b'\r' | b'\t' if !quoted => {
                out.push_str(&raw[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    out.push_str(&raw[start..]);
}
