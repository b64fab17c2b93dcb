//! What a server says of its error, in one line.
//!
//! Reads OData's error bodies (version 4: `{"error":{"message":"…"}}`; 2: `{"error":{"message":{"value":"…"}}}`;
//! 3: `{"odata.error":…}`; XML: `<m:message>`), common JSON forms, the title of an HTML page, and plain text.

use serde_json::Value;

/// Longest message that is passed on, in characters.
const MAX_CHARS: usize = 300;

/// The server's message; `None` when the body has none.
pub(crate) fn extract(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    let message = match text.chars().next()? {
        '{' | '[' | '"' => serde_json::from_str(text).ok().and_then(|value| from_json(&value)),
        '<' => from_markup(text),
        _ => Some(text.to_owned()),
    };
    one_line(&message.unwrap_or_else(|| text.to_owned()))
}

/// Whether a body is a web page rather than data.
pub(crate) fn is_html(body: &str) -> bool {
    let start = body.trim_start_matches('\u{feff}').trim_start().get(..14).unwrap_or(body).to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

/// The text with control characters and runs of blanks turned into single spaces, and cut; `None` when empty.
pub(crate) fn one_line(text: &str) -> Option<String> {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = clean.split_whitespace().collect();
    let line = words.join(" ");
    let mut cut: String = line.chars().take(MAX_CHARS).collect();
    if cut.len() < line.len() {
        cut.push('…');
    }
    (!cut.is_empty()).then_some(cut)
}

fn from_json(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(members) => {
            const NAMES: [&str; 14] = [
                "error",
                "odata.error",
                "message",
                "error_description",
                "value",
                "detail",
                "title",
                "errors",
                "errorMessages",
                "error_message",
                "errmsg",
                "msg",
                "reason",
                "description",
            ];
            // `error_description` explains an `error` that is only a code (RFC 6749, 5.2).
            if let Some(Value::String(text)) = members.get("error_description") {
                return Some(text.clone());
            }
            NAMES.iter().find_map(|name| members.get(*name).and_then(from_json))
        }
        Value::Array(items) => items.iter().find_map(from_json),
        _ => None,
    }
}

fn from_markup(text: &str) -> Option<String> {
    // `to_ascii_lowercase` keeps every byte's place.
    let lower = text.to_ascii_lowercase();
    ["message", "title", "h1"].iter().find_map(|name| element(text, &lower, name))
}

/// The text of the first element with this local name.
fn element(text: &str, lower: &str, name: &str) -> Option<String> {
    let mut from = 0;
    while let Some(found) = lower[from..].find('<') {
        let start = from + found + 1;
        let end = start + lower[start..].find('>')?;
        let tag = &lower[start..end];
        let tag = tag.split(|c: char| c.is_whitespace()).next().unwrap_or(tag);
        if tag.rsplit(':').next() == Some(name) {
            let close = end + 1 + lower[end + 1..].find('<')?;
            return Some(unescape(&text[end + 1..close]));
        }
        from = end;
    }
    None
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::{extract, is_html, one_line};

    #[test]
    fn takes_the_servers_own_words() {
        let cases: &[(&str, Option<&str>)] = &[
            (r#"{"error":{"code":"404","message":"Not Found"}}"#, Some("Not Found")),
            (r#"{"error":{"code":"","message":{"lang":"en","value":"No such\nset"}}}"#, Some("No such set")),
            (r#"{"odata.error":{"code":"x","message":{"lang":"en","value":"gone"}}}"#, Some("gone")),
            (r#"{"error":"invalid_token","error_description":"expired"}"#, Some("expired")),
            (r#"{"errors":[{"detail":"first"},{"detail":"second"}]}"#, Some("first")),
            (r#"{"errorMessages":["no such field"],"errors":{}}"#, Some("no such field")),
            (r#"{"errcode":40001,"errmsg":"bad credential"}"#, Some("bad credential")),
            (r#"{"error":true,"reason":"not today"}"#, Some("not today")),
            ("<html><head><title>Log  in &amp; go</title></head>", Some("Log in & go")),
            (
                "<m:error xmlns:m=\"x\"><m:code/><m:message xml:lang=\"en\">Bad &lt;filter&gt;</m:message></m:error>",
                Some("Bad <filter>"),
            ),
            ("Service Unavailable\r\n", Some("Service Unavailable")),
            ("\u{1b}[31mred", Some("[31mred")),
            (r#"{"error": cut"#, Some(r#"{"error": cut"#)),
            (r#"{"a":1}"#, Some(r#"{"a":1}"#)),
            ("", None),
            ("   \n", None),
        ];
        for (body, expected) in cases {
            assert_eq!(extract(body.as_bytes()).as_deref(), *expected, "{body}");
        }
    }

    #[test]
    fn cuts_long_messages() {
        let line = one_line(&"ü".repeat(1000)).unwrap();
        assert_eq!(line.chars().count(), 301);
        assert!(extract(&[0xff, 0xfe, b'x']).is_some());
    }

    #[test]
    fn knows_web_pages() {
        assert!(is_html("\u{feff} <!DOCTYPE HTML><p>") && is_html("<html lang=x>"));
        assert!(!is_html("<?xml version=\"1.0\"?><edmx:Edmx/>") && !is_html("{}") && !is_html("<ü"));
    }
}
