//! What is said when a body cannot be decoded. Nothing here runs for a page that is right.

use serde_json::Value;
use tidegate_spec::{ColumnType, Envelope, Path};

use super::page::Refusal;
use super::scanner::{MAX_DEPTH, Syntax};
use crate::{ErrorKind, server_message};

/// Longest piece of a body that a message quotes, in characters.
const QUOTED: usize = 80;

/// Members that say that a body is an error, whatever its status.
const ERRORS: [&str; 3] = ["error", "odata.error", "errors"];

/// A value that does not fit its column, before its row is known.
#[derive(Debug, PartialEq)]
pub(super) struct BadCell {
    column: String,
    value: String,
    expected: String,
}

impl BadCell {
    pub(super) fn new(column: &str, value: &str, expected: String) -> Self {
        Self { column: column.to_owned(), value: quote(value), expected }
    }

    /// `row` counts from 1.
    pub(super) fn in_row(self, row: u64) -> ErrorKind {
        ErrorKind::BadValue { column: self.column, row, value: self.value, expected: self.expected }
    }
}

/// What a column takes, with its article.
pub(super) fn expected(data_type: &ColumnType) -> String {
    match data_type {
        ColumnType::Bool => "a boolean".to_owned(),
        ColumnType::Int16 => "an integer of 16 bits".to_owned(),
        ColumnType::Int32 => "an integer of 32 bits".to_owned(),
        ColumnType::Int64 => "an integer of 64 bits".to_owned(),
        ColumnType::Float32 => "a number of single precision".to_owned(),
        ColumnType::Float64 => "a number of double precision".to_owned(),
        ColumnType::Decimal { precision, scale } => format!("a DECIMAL({precision}, {scale})"),
        ColumnType::Uuid => "a UUID as text".to_owned(),
        ColumnType::Date => "a date".to_owned(),
        ColumnType::Time => "a time of day".to_owned(),
        ColumnType::Timestamp { .. } => "a point in time".to_owned(),
        ColumnType::Binary => "base64".to_owned(),
        ColumnType::List(_) => "an array".to_owned(),
        ColumnType::Struct(_) => "an object".to_owned(),
        _ => "text".to_owned(),
    }
}

/// A body that is no JSON.
pub(super) fn not_json(text: &str, syntax: Syntax) -> ErrorKind {
    let body = text.trim_ascii_start();
    if body.is_empty() {
        return ErrorKind::Body("the server sent an empty body where JSON was expected".to_owned());
    }
    if body.starts_with('<') {
        return ErrorKind::Body(markup(body));
    }
    ErrorKind::Body(match syntax {
        Syntax::Ended => format!(
            "the body ends in the middle after {} bytes: the server or something on the way cut it; run it again",
            text.len()
        ),
        Syntax::TooDeep { at } => {
            format!("the body is nested deeper than {MAX_DEPTH} levels at byte {at}, which is not read")
        }
        Syntax::Unexpected { at, expected } => {
            let begins = text.get(at..).filter(|rest| !rest.is_empty()).map(quote);
            let found = begins.map_or_else(String::new, |begins| format!(", found {begins}"));
            format!("the body is not JSON: expected {expected} at byte {at}{found}")
        }
    })
}

/// A body that is no text; `at` is the offset of its first bad byte.
pub(super) fn not_utf8(body: &[u8], at: usize) -> ErrorKind {
    let cause = match body {
        [0x1f, 0x8b, ..] => "it is compressed, though its headers do not say so",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it looks like UTF-16",
        _ => "JSON must be UTF-8",
    };
    ErrorKind::Body(format!("the body is not UTF-8 at byte {at}: {cause}"))
}

fn markup(body: &str) -> String {
    // Without a title or message of its own a body is returned as it is.
    let said = server_message::extract(body.as_bytes()).filter(|said| !said.starts_with('<'));
    let said = said.map_or_else(String::new, |said| format!(" ({})", quote(&said)));
    if server_message::is_html(body) {
        return format!(
            "the server sent an HTML page{said} where JSON was expected: check that the url is the API's own and \
             not a login or error page's"
        );
    }
    format!(
        "the server sent XML{said} where JSON was expected, beginning {}: check that the url is the API's own and \
         that it can answer in JSON",
        quote(body)
    )
}

/// A success whose body is an error. What was found says more than the body around it, unless it is but a code.
pub(super) fn refused(text: &str, refusal: Refusal<'_>) -> ErrorKind {
    let telling = match refusal {
        Refusal::Found(raw) if raw.starts_with(['"', '{', '[']) => raw,
        _ => text,
    };
    let said = server_message::extract(telling.as_bytes()).unwrap_or_else(|| "without a message".to_owned());
    ErrorKind::Body(format!("the server answered 200 with an error inside: {said}"))
}

/// JSON without rows where the envelope says. An error object inside is quoted.
pub(super) fn no_rows(text: &str, envelope: &Envelope, single: bool) -> ErrorKind {
    let document: Option<Value> = serde_json::from_str(text).ok();
    let is_error =
        |document: &&Value| ERRORS.iter().any(|name| document.get(name).is_some_and(|error| !error.is_null()));
    if let Some(message) = document.as_ref().filter(is_error).and_then(|_| server_message::extract(text.as_bytes())) {
        return ErrorKind::Body(format!("the server sent an error in place of rows: {message}"));
    }
    let paths = list(envelope.rows.iter().map(path_text));
    let found = document.as_ref().map_or_else(String::new, |document| what_stands(document, &envelope.rows));
    let wanted = if single { "object" } else { "array of rows" };
    ErrorKind::Body(format!("the body has no {wanted} at {paths}{found}"))
}

/// That a body without a row has no error beside them: the end of a list must not be taken for one.
pub(super) fn beside_no_rows(text: &str) -> Result<(), ErrorKind> {
    let Ok(Value::Object(document)) = serde_json::from_str(text) else { return Ok(()) };
    if !["error", "errors"].iter().any(|name| document.get(*name).is_some_and(is_something)) {
        return Ok(());
    }
    let message = server_message::extract(text.as_bytes()).unwrap_or_else(|| "it does not say which".to_owned());
    Err(ErrorKind::Body(format!("the server answered 200 with no rows and an error: {message}")))
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(true) => true,
    }
}

/// What is at the first path that leads anywhere, and what else the document has.
fn what_stands(document: &Value, paths: &[Path]) -> String {
    let at = |path: &Path| path.iter().try_fold(document, |value, name| value.get(name));
    let found = paths.iter().find_map(|path| at(path).map(|value| (path, value)));
    let mut text = found.map_or_else(String::new, |(path, value)| format!(": {} is {}", path_text(path), kind(value)));
    if let Value::Object(members) = document {
        let names = list(members.keys().take(12).map(|name| format!("`{}`", quote(name))));
        let names = if names.is_empty() { "nothing".to_owned() } else { names };
        text.push_str(&format!("; at its top it has {names}"));
    }
    if document.is_array() {
        text.push_str("; the body itself is an array");
    }
    text
}

fn path_text(path: &Path) -> String {
    if path.is_empty() { "its top".to_owned() } else { format!("`{}`", path.join(".")) }
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Text for a message: on one line, without control characters, cut.
pub(super) fn quote(text: &str) -> String {
    let clean = |text| server_message::one_line(text).unwrap_or_default();
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => clean(&text[..end]) + "…",
        None => clean(text),
    }
}
