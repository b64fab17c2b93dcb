//! Values in the path of an endpoint.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::ErrorKind;

/// All but RFC 3986's unreserved characters, so that a value is one segment whatever it holds.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A value as a path has it.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// The path with each `{name}` replaced by its value.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> Result<String, ErrorKind> {
    let (path, query) = template.split_once('?').map_or((template, None), |(path, query)| (path, Some(query)));
    let segments = path.split('/').map(|segment| {
        let filled = replace(segment, values)?;
        // A URL loses such a segment, and the one before it.
        let leads_away = filled != segment && (filled.is_empty() || is_dots(&filled));
        if leads_away {
            return Err(ErrorKind::Unsupported(format!("path {path}: {filled:?} cannot stand for {segment}")));
        }
        Ok(filled)
    });
    let mut filled = segments.collect::<Result<Vec<_>, _>>()?.join("/");
    if let Some(query) = query {
        filled.push('?');
        filled.push_str(&replace(query, values)?);
    }
    Ok(filled)
}

/// Whether URLs take the segment for `.` or `..` (WHATWG URL, "single-dot" and "double-dot URL path segment").
pub(crate) fn is_dots(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

fn replace(text: &str, values: &[(&str, &str)]) -> Result<String, ErrorKind> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        let Some((name, after)) = behind.split_once('}') else { break };
        let value = values.iter().find(|(of, _)| *of == name).map(|(_, value)| *value);
        let value = value.ok_or_else(|| {
            ErrorKind::Unsupported(format!(
                "path {text}: nothing says what stands for {{{name}}}; filter on its column"
            ))
        })?;
        filled.push_str(before);
        filled.push_str(&encode(value));
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}
