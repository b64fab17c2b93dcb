//! Hints: `SELECT /*+ max_calls(10) quota_reserve('daily=5') */ …`.
//!
//! A hint is a setting for one statement. It stands directly after the statement's verb; anywhere else it is an error,
//! since a bound that is passed over in silence is none. DataFusion's parser takes hints for comments.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Whitespace};

use super::tokenize;
use crate::{Error, ErrorKind, Result};

/// One hint: name in lower case, and its value as written, without quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hint {
    /// Name.
    pub(crate) name: String,
    /// Value.
    pub(crate) value: String,
}

/// Words that hints may follow.
const VERBS: &[&str] = &[
    "SELECT", "WITH", "EXPLAIN", "ANALYZE", "INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "REFRESH", "TABLE", "PLAN",
    "APPLY", "RESUME", "UNDO",
];

/// The hints of a statement.
///
/// # Errors
/// A hint that stands elsewhere or twice, and what is not of the form `name(value)`.
pub(crate) fn hints(sql: &str) -> Result<Vec<Hint>> {
    let mut hints: Vec<Hint> = Vec::new();
    if !sql.contains("/*+") {
        return Ok(hints);
    }
    let mut before = Before::default();
    for token in tokenize(sql)? {
        match &token.token {
            Token::Whitespace(Whitespace::MultiLineComment(text)) if text.starts_with('+') => {
                before.check(&token)?;
                for hint in read(&text[1..]).map_err(|error| at(&token, &error))? {
                    if hints.iter().any(|known| known.name == hint.name) {
                        return Err(at(&token, &format!("the hint {} is given twice", hint.name)));
                    }
                    hints.push(hint);
                }
            }
            Token::Whitespace(_) => {}
            _ => before.pass(token.token),
        }
    }
    Ok(hints)
}

/// Whether this token holds hints. They are no part of what DataFusion parses.
pub(super) fn is_hint(token: &Token) -> bool {
    matches!(token, Token::Whitespace(Whitespace::MultiLineComment(text)) if text.starts_with('+'))
}

/// What stands before a hint.
#[derive(Default)]
struct Before {
    last: Option<Token>,
    depth: usize,
    /// Whether a query has begun that the next verb would begin a second time.
    in_query: bool,
    /// Whether it begins with CREATE.
    creates: bool,
    /// Whether it makes a view: that is planned anew, and without its hints, when it is used.
    is_view: bool,
}

impl Before {
    fn pass(&mut self, token: Token) {
        let is =
            |token: &Token, name: &str| matches!(token, Token::Word(word) if word.value.eq_ignore_ascii_case(name));
        self.in_query |= self.depth == 0 && self.last.as_ref().is_some_and(|last| is(last, "SELECT"));
        self.creates |= self.last.is_none() && is(&token, "CREATE");
        self.is_view |= self.creates && !self.in_query && is(&token, "VIEW");
        match token {
            Token::LParen => self.depth += 1,
            Token::RParen => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.last = Some(token);
    }

    fn check(&self, hint: &TokenWithSpan) -> Result<()> {
        let is_verb = match &self.last {
            Some(Token::Word(word)) if word.quote_style.is_none() => {
                VERBS.iter().any(|verb| word.value.eq_ignore_ascii_case(verb))
            }
            _ => false,
        };
        if self.is_view {
            return Err(at(hint, "a view keeps no hints: give them to the queries over it"));
        }
        if is_verb && self.depth == 0 && !self.in_query {
            return Ok(());
        }
        Err(at(
            hint,
            "hints hold for a whole statement and stand directly after its verb: SELECT /*+ max_calls(10) */ …",
        ))
    }
}

fn at(hint: &TokenWithSpan, message: &str) -> Error {
    Error::new(ErrorKind::Syntax, format!("{message}{}", hint.span.start))
}

/// `name(value) name(value)`; commas between them are read over.
fn read(text: &str) -> Result<Vec<Hint>, String> {
    let tokens = tokenize(text).map_err(|error| format!("a hint cannot be read: {error}"))?;
    let tokens: Vec<Token> = tokens
        .into_iter()
        .map(|token| token.token)
        .filter(|token| !matches!(token, Token::Whitespace(_) | Token::EOF))
        .collect();
    let mut rest = tokens.as_slice();
    let mut hints = Vec::new();
    while let Some(first) = rest.first() {
        if *first == Token::Comma && !hints.is_empty() {
            rest = &rest[1..];
            continue;
        }
        let Token::Word(name) = first else { return Err(malformed(first)) };
        let (value, used) = value(&rest[1..]).ok_or_else(|| malformed(first))?;
        hints.push(Hint { name: name.value.to_lowercase(), value });
        rest = &rest[1 + used..];
    }
    Ok(hints)
}

fn malformed(token: &Token) -> String {
    format!(
        "a hint is written name(value), as in max_calls(10); what is neither a number nor one word wants quotes, as in \
         max_staleness('1h'); found: {token}"
    )
}

/// `(value)`: the value, and how many tokens it took.
fn value(tokens: &[Token]) -> Option<(String, usize)> {
    match tokens {
        [Token::LParen, Token::SingleQuotedString(text), Token::RParen, ..] => Some((text.clone(), 3)),
        [Token::LParen, Token::Number(number, _), Token::RParen, ..] => Some((number.clone(), 3)),
        [Token::LParen, Token::Minus, Token::Number(number, _), Token::RParen, ..] => Some((format!("-{number}"), 4)),
        [Token::LParen, Token::Word(word), Token::RParen, ..] => Some((word.value.clone(), 3)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, expected: Result<&[(&str, &str)], &str>) {
        let read = hints(sql).map_err(|error| error.to_string());
        match (read, expected) {
            (Ok(read), Ok(expected)) => {
                let read: Vec<_> = read.iter().map(|hint| (hint.name.as_str(), hint.value.as_str())).collect();
                assert_eq!(read, expected, "{sql}");
            }
            (Err(error), Err(expected)) => assert!(error.contains(expected), "{sql}: {error}"),
            (read, _) => panic!("{sql}: {read:?}"),
        }
    }

    #[test]
    fn hints_are_read_after_the_verb() {
        check("SELECT 1", Ok(&[]));
        check("SELECT '/*+ max_calls(1) */'", Ok(&[]));
        check("SELECT 1 -- /*+ max_calls(1) */", Ok(&[]));
        check("SELECT /* +max_calls(1) */ 1", Ok(&[]));
        check(
            "select /*+ Max_Calls(10) quota_reserve('daily=5') */ 1",
            Ok(&[("max_calls", "10"), ("quota_reserve", "daily=5")]),
        );
        check(
            "SELECT /*+ max_calls(1), priority(low) */ /*+ label('x') */ 1",
            Ok(&[("max_calls", "1"), ("priority", "low"), ("label", "x")]),
        );
        check("EXPLAIN ANALYZE /*+ max_calls(1) */ SELECT 1", Ok(&[("max_calls", "1")]));
        check("EXPLAIN SELECT /*+ max_calls(-1) */ 1", Ok(&[("max_calls", "-1")]));
        check("WITH a AS (SELECT 1) SELECT /*+ max_calls(1) */ * FROM a", Ok(&[("max_calls", "1")]));
        check("REFRESH /*+ max_calls(1) */ QUOTAS", Ok(&[("max_calls", "1")]));
        check("CREATE TABLE t AS SELECT /*+ max_calls(1) */ view FROM t", Ok(&[("max_calls", "1")]));
        check("SELECT /*+ */ 1", Ok(&[]));
    }

    #[test]
    fn a_hint_elsewhere_is_an_error() {
        let place = Err("stand directly after its verb");
        check("/*+ max_calls(1) */ SELECT 1", place);
        check("SELECT 1 /*+ max_calls(1) */", place);
        check("SELECT * FROM /*+ max_calls(1) */ t", place);
        check("SELECT * FROM (SELECT /*+ max_calls(1) */ 1)", place);
        check("SELECT 1 UNION SELECT /*+ max_calls(1) */ 2", place);
        check("SET /*+ max_calls(1) */ tidegate.label = 'x'", place);
        check("CREATE OR REPLACE VIEW v AS SELECT /*+ max_calls(1) */ 1", Err("a view keeps no hints"));
        check("SELECT /*+ max_calls(1) max_calls(2) */ 1", Err("max_calls is given twice"));
        check("SELECT /*+ max_calls */ 1", Err("name(value)"));
        check("SELECT /*+ max_calls() */ 1", Err("name(value)"));
        check("SELECT /*+ max_staleness(1h) */ 1", Err("wants quotes, as in max_staleness('1h')"));
        check("SELECT /*+ 3 */ 1", Err("name(value)"));
        check("SELECT /*+ max_calls(1 */ 1", Err("name(value)"));
    }
}
