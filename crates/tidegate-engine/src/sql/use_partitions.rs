//! `USE` in the forms that choose partitions: `USE all@eol EXCEPT 123`, `USE 123, 'a b'@eol`, `USE SELECT …`.
//!
//! Read from the tokens as they stand, before names are rewritten: `all@eol` is no table here.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use super::is_code;
use super::names::matches;
use super::split::LineOffsets;
use crate::{Error, ErrorKind, Result};

/// Which partitions are to be used.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum UsePartitions {
    /// Those that are written.
    Listed {
        /// What is used.
        chosen: Vec<Chosen>,
        /// What is left out of `all`.
        except: Vec<Chosen>,
    },
    /// Those that this query returns: codes, and the names of their connections.
    Query(String),
}

/// One item of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// What is chosen.
    pub(crate) what: What,
    /// Of which connection; the next one that is named, where there is none.
    pub(crate) connection: Option<String>,
}

/// What an item chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// `all`
    All,
    /// `default`
    Default,
    /// A partition.
    Code {
        /// As it is written.
        text: String,
        /// Whether it is a word, which is found in any case.
        is_word: bool,
    },
}

/// The statement, if it is one of these forms.
///
/// # Errors
/// A list that cannot be read, and where.
pub(super) fn parse(sql: &str, tokens: &[TokenWithSpan]) -> Result<Option<UsePartitions>> {
    let code: Vec<&TokenWithSpan> = tokens.iter().filter(|token| is_code(&token.token)).collect();
    let Some((first, rest)) = code.split_first() else { return Ok(None) };
    if !is_word(first, "use") {
        return Ok(None);
    }
    match rest {
        [] => Ok(None),
        [one] if is_schema(one) => Ok(None),
        [query, ..] if is_query(query) => {
            let start = LineOffsets::new(sql).byte(query.span.start);
            Ok(Some(UsePartitions::Query(sql[start..].trim_end().trim_end_matches(';').to_owned())))
        }
        items => {
            let mut reader = Reader { items, at: 0 };
            let chosen = reader.list()?;
            let except = if reader.take_word("except") { reader.list()? } else { Vec::new() };
            match reader.items.get(reader.at) {
                None => Ok(Some(UsePartitions::Listed { chosen, except })),
                Some(other) => Err(reader.unexpected(other, "a comma, EXCEPT, or the end of the statement")),
            }
        }
    }
}

fn is_word(token: &TokenWithSpan, expected: &str) -> bool {
    matches!(&token.token, Token::Word(word) if word.quote_style.is_none() && matches(word, expected))
}

/// A lone name is a schema, unless it has a link or a meaning here.
fn is_schema(token: &TokenWithSpan) -> bool {
    match &token.token {
        Token::Word(word) if word.quote_style.is_none() => {
            !word.value.contains('@') && !matches(word, "all") && !matches(word, "default")
        }
        Token::Word(_) => true,
        _ => false,
    }
}

fn is_query(token: &TokenWithSpan) -> bool {
    token.token == Token::LParen || ["select", "with", "values"].iter().any(|word| is_word(token, word))
}

struct Reader<'a> {
    items: &'a [&'a TokenWithSpan],
    at: usize,
}

impl Reader<'_> {
    fn list(&mut self) -> Result<Vec<Chosen>> {
        let mut list = vec![self.item()?];
        while self.items.get(self.at).is_some_and(|token| token.token == Token::Comma) {
            self.at += 1;
            list.push(self.item()?);
        }
        Ok(list)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_next = self.items.get(self.at).is_some_and(|token| is_word(token, word));
        self.at += usize::from(is_next);
        is_next
    }

    fn item(&mut self) -> Result<Chosen> {
        const EXPECTED: &str =
            "all, default, or the code of a partition (in single quotes unless it is a number or word)";
        let Some(token) = self.items.get(self.at).copied() else {
            let message = format!("Expected: {EXPECTED} at the end of the statement");
            return Err(Error::new(ErrorKind::Syntax, message));
        };
        self.at += 1;
        let code = |text: &str, is_word| What::Code { text: text.to_owned(), is_word };
        match &token.token {
            Token::Number(number, false) => self.linked(code(number, false)),
            Token::SingleQuotedString(text) => self.linked(code(text, false)),
            Token::Word(word) if word.quote_style.is_some() => self.linked(code(&word.value, false)),
            Token::Word(word) => match word.value.split_once('@') {
                None => self.linked(word_of(&word.value)),
                Some(("", _)) => Err(self.unexpected(token, EXPECTED)),
                Some((text, "")) => {
                    Ok(Chosen { what: word_of(text), connection: Some(self.quoted_connection(token)?) })
                }
                Some((text, connection)) => {
                    Ok(Chosen { what: word_of(text), connection: Some(connection.to_lowercase()) })
                }
            },
            _ => Err(self.unexpected(token, EXPECTED)),
        }
    }

    /// What stands before `@connection`, if that follows.
    fn linked(&mut self, what: What) -> Result<Chosen> {
        let Some(token) = self.items.get(self.at).copied() else { return Ok(Chosen { what, connection: None }) };
        let connection = match &token.token {
            Token::AtSign => {
                self.at += 1;
                Some(self.quoted_connection(token)?)
            }
            Token::Word(word) if word.quote_style.is_none() => match word.value.strip_prefix('@') {
                None => None,
                Some("") => {
                    self.at += 1;
                    Some(self.quoted_connection(token)?)
                }
                Some(connection) => {
                    self.at += 1;
                    Some(connection.to_lowercase())
                }
            },
            _ => None,
        };
        Ok(Chosen { what, connection })
    }

    /// The name behind an `@` that stands alone.
    fn quoted_connection(&mut self, at: &TokenWithSpan) -> Result<String> {
        match self.items.get(self.at).map(|token| &token.token) {
            Some(Token::Word(Word { value, quote_style, .. })) => {
                self.at += 1;
                Ok(if quote_style.is_some() { value.clone() } else { value.to_lowercase() })
            }
            _ => Err(self.unexpected(at, "the name of a connection behind @")),
        }
    }

    fn unexpected(&self, token: &TokenWithSpan, expected: &str) -> Error {
        let message = format!("Expected: {expected}, found: {}{}", token.token, token.span.start);
        Error::new(ErrorKind::Syntax, message)
    }
}

fn word_of(word: &str) -> What {
    match word.to_lowercase().as_str() {
        "all" => What::All,
        "default" => What::Default,
        _ => What::Code { text: word.to_owned(), is_word: true },
    }
}

#[cfg(test)]
mod tests {
    use super::super::tokenize;
    use super::*;

    fn parsed(sql: &str) -> Result<Option<UsePartitions>> {
        parse(sql, &tokenize(sql).expect("tokens"))
    }

    fn shown(list: &[Chosen]) -> String {
        let one = |chosen: &Chosen| {
            let what = match &chosen.what {
                What::All => "*".to_owned(),
                What::Default => "-".to_owned(),
                What::Code { text, is_word: true } => format!("~{text}"),
                What::Code { text, is_word: false } => text.clone(),
            };
            chosen.connection.as_ref().map_or(what.clone(), |connection| format!("{what}@{connection}"))
        };
        list.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn lists_of_every_form() {
        let cases = [
            ("USE all@eol", "*@eol", ""),
            ("use ALL@EOL;", "*@eol", ""),
            ("USE all", "*", ""),
            ("USE default", "-", ""),
            ("USE default@eol", "-@eol", ""),
            ("USE all@eol EXCEPT 123, 456", "*@eol", "123 456"),
            ("USE all@a, 7@b EXCEPT 123@a", "*@a 7@b", "123@a"),
            ("USE 123, 456@eol", "123 456@eol", ""),
            ("USE 123@a, 5@b", "123@a 5@b", ""),
            ("USE 0042@eol -- the first", "0042@eol", ""),
            ("USE 123", "123", ""),
            ("USE 'a b'@eol, \"C\"@eol", "a b@eol C@eol", ""),
            ("USE nl01@eol", "~nl01@eol", ""),
            ("USE 'a'", "a", ""),
            ("USE 1@\"My Api\", x@\"My Api\", \"y\"@\"My Api\"", "1@My Api ~x@My Api y@My Api", ""),
            ("USE a, b@eol", "~a ~b@eol", ""),
        ];
        for (sql, chosen, except) in cases {
            match parsed(sql) {
                Ok(Some(UsePartitions::Listed { chosen: list, except: left_out })) => {
                    assert_eq!((shown(&list).as_str(), shown(&left_out).as_str()), (chosen, except), "{sql}");
                }
                other => panic!("{sql}: {other:?}"),
            }
        }
    }

    #[test]
    fn other_statements_are_left_alone() {
        for sql in ["USE eol", "USE \"all\"", "USE", "SELECT 1", "", "USE eol;"] {
            assert_eq!(parsed(sql).expect("no error"), None, "{sql}");
        }
    }

    #[test]
    fn a_query_keeps_its_text() {
        for (sql, query) in [
            ("USE SELECT code, 'eol' FROM x@y;", "SELECT code, 'eol' FROM x@y"),
            ("/* é */ USE\n  with a AS (SELECT 1) SELECT * FROM a ; ", "with a AS (SELECT 1) SELECT * FROM a "),
            ("USE (SELECT 1)", "(SELECT 1)"),
        ] {
            assert_eq!(parsed(sql).expect("no error"), Some(UsePartitions::Query(query.to_owned())), "{sql}");
        }
    }

    #[test]
    fn errors_say_what_is_expected() {
        for (sql, part) in [
            ("USE 1,", "at the end"),
            ("USE a-b@eol", "found: -"),
            ("USE 1 2", "a comma, EXCEPT"),
            ("USE all@", "behind @"),
            ("USE @eol", "single quotes"),
            ("USE all@eol EXCEPT", "at the end"),
            ("USE = 1", "single quotes"),
            ("USE 12ab@eol", "a comma, EXCEPT"),
        ] {
            let error = parsed(sql).expect_err(sql).to_string();
            assert!(error.contains(part), "{sql}: {error}");
        }
    }
}
