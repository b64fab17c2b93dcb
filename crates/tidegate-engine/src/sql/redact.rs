//! Statements as they may be kept: in the history, in `system.statements`, in a shell's file.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};
use url::Url;

use super::split::LineOffsets;
use super::tokenize;

/// Put in place of what is blanked.
const BLANK: &str = "'***'";

/// Options of a connection whose values are no secret. All others are blanked: a mistyped `pasword` is one too.
const PUBLIC_OPTIONS: &[&str] = &["auth", "names", "text", "timeout", "url", "user", "username", "writes"];

/// Words that name a secret, wherever they stand in the name of a key.
const SECRET_WORDS: &[&str] =
    &["apikey", "api_key", "authorization", "bearer", "credential", "passw", "secret", "token"];

/// The statement without what is secret in it: the values of a connection's options but for those known to be
/// public, what follows a word like `password` or `token`, and user names and passwords inside URLs. A text that
/// cannot be read as SQL is cut off at the first such word.
#[must_use]
pub fn redact_sql(sql: &str) -> String {
    let Ok(tokens) = tokenize(sql) else { return cut(sql) };
    let offsets = LineOffsets::new(sql);
    let code: Vec<&TokenWithSpan> =
        tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).collect();
    let is_connection = creates_connection(&code);
    let mut text = String::with_capacity(sql.len());
    let mut done = 0;
    for (at, token) in code.iter().enumerate() {
        let Some(shown) = shown(&code[..at], token, is_connection) else { continue };
        let (start, end) = (offsets.byte(token.span.start), offsets.byte(token.span.end));
        text.push_str(&sql[done..start]);
        text.push_str(&shown);
        done = end;
    }
    text.push_str(&sql[done..]);
    text
}

/// What a token is shown as, if not as it is.
fn shown(before: &[&TokenWithSpan], token: &TokenWithSpan, is_connection: bool) -> Option<String> {
    let mut before = before.iter().rev().map(|token| &token.token).peekable();
    if before.peek().is_some_and(|token| **token == Token::Eq) {
        before.next();
    }
    let key = before.next().and_then(key).unwrap_or_default();
    let Some(value) = string_value(&token.token) else {
        // Numbers may be passwords, and a secret without quotes is a mistake that must not be kept either.
        let stands_for_value = matches!(before.next(), Some(Token::LParen | Token::Comma));
        let is_hidden = is_connection && stands_for_value && is_bare_value(&token.token) && !is_public(&key);
        return is_hidden.then(|| BLANK.to_owned());
    };
    let is_secret = SECRET_WORDS.iter().any(|word| key.contains(word));
    let is_option = is_connection && !key.is_empty() && !is_public(&key);
    if is_secret || is_option {
        return Some(BLANK.to_owned());
    }
    without_user_info(value)
}

/// A word or number in the place of an option's value; `env` begins the name of a variable.
fn is_bare_value(token: &Token) -> bool {
    match token {
        Token::Number(..) => true,
        Token::Word(word) => !["env", "true", "false"].iter().any(|plain| word.value.eq_ignore_ascii_case(plain)),
        _ => false,
    }
}

/// `env('NAME')` shows the name of a variable, which is no secret; a bracket before a text means that form.
fn is_public(key: &str) -> bool {
    // What follows USING is a connector's name or path.
    PUBLIC_OPTIONS.contains(&key) || key == "(" || key == "using"
}

fn key(token: &Token) -> Option<String> {
    match token {
        Token::Word(word) => Some(word.value.to_lowercase()),
        Token::LParen => Some("(".to_owned()),
        other => string_value(other).map(str::to_lowercase),
    }
}

fn string_value(token: &Token) -> Option<&str> {
    match token {
        Token::SingleQuotedString(value)
        | Token::EscapedStringLiteral(value)
        | Token::UnicodeStringLiteral(value)
        | Token::NationalStringLiteral(value) => Some(value),
        Token::DollarQuotedString(quoted) => Some(&quoted.value),
        _ => None,
    }
}

fn creates_connection(code: &[&TokenWithSpan]) -> bool {
    let is_create =
        matches!(code.first().map(|token| &token.token), Some(Token::Word(word)) if word.keyword == Keyword::CREATE);
    let names_one = code
        .iter()
        .take(5)
        .any(|token| matches!(&token.token, Token::Word(word) if word.value.eq_ignore_ascii_case("connection")));
    is_create && names_one
}

/// How a text with a user's name or password in a URL is shown; `None` for any other.
fn without_user_info(value: &str) -> Option<String> {
    let Ok(url) = Url::parse(value) else {
        // What was meant to be a URL, and where its password begins and ends cannot be told.
        return (value.contains("://") && value.contains('@')).then(|| BLANK.to_owned());
    };
    let has_user_info = !url.username().is_empty() || url.password().is_some();
    let shown = tidegate_transport::redact_url(&url);
    (url.has_host() && (has_user_info || shown != url.as_str())).then(|| super::literal(&shown))
}

fn cut(sql: &str) -> String {
    let lower = sql.to_ascii_lowercase();
    let first = SECRET_WORDS.iter().chain(&["options", "://"]).filter_map(|word| lower.find(word)).min();
    match first {
        Some(at) => format!("{}…", &sql[..at]),
        None => sql.to_owned(),
    }
}
