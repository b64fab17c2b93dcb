//! Statements about mutations, and words before one: `APPLY`, `RESUME` and `UNDO MUTATION 'id'`, `PLAN …`, `EXPLAIN …`.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{is_code, names::matches};
use crate::{Error, ErrorKind, Result};

/// A statement about a mutation of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JournalCommand {
    /// `APPLY MUTATION 'id'`: sends what PLAN has selected.
    Apply {
        /// Which, or the beginning of its id.
        id: String,
    },
    /// `RESUME MUTATION 'id'`: goes on with one that was interrupted.
    Resume {
        /// Which, or the beginning of its id.
        id: String,
    },
    /// `UNDO MUTATION 'id' [LIMIT n]`: writes the old values back.
    Undo {
        /// Which, or the beginning of its id.
        id: String,
        /// Most rows.
        limit: Option<u64>,
    },
}

impl JournalCommand {
    /// The mutation's id, or the beginning of it.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Apply { id } | Self::Resume { id } | Self::Undo { id, .. } => id,
        }
    }

    /// Its first word.
    pub(crate) fn verb(&self) -> &'static str {
        match self {
            Self::Apply { .. } => "APPLY",
            Self::Resume { .. } => "RESUME",
            Self::Undo { .. } => "UNDO",
        }
    }
}

/// What becomes of a mutation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It is run.
    Run,
    /// `PLAN …`: its rows are selected and journalled, and wait for APPLY.
    Plan,
    /// `EXPLAIN …`: it is described.
    Explain(Explained),
}

/// How a mutation is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Explained {
    /// `(select_rows)`: its rows are read, and shown.
    pub(crate) select_rows: bool,
    /// `VERBOSE`
    pub(crate) verbose: bool,
    /// `ANALYZE`: only for what DataFusion runs.
    pub(crate) analyze: bool,
    /// `CALLS`: only what it is predicted to take.
    pub(crate) calls: bool,
}

/// First words of mutations.
const VERBS: &[&str] = &["update", "delete", "insert", "merge", "with"];

/// The statement, if it is one of these.
///
/// # Errors
/// What is wrong with it, and where.
pub(super) fn parse(tokens: &[TokenWithSpan]) -> Result<Option<JournalCommand>> {
    let mut words = Words::new(tokens);
    let verb = match words.peek() {
        Some(first) if is_word(first, "apply") => "APPLY",
        Some(first) if is_word(first, "resume") => "RESUME",
        Some(first) if is_word(first, "undo") => "UNDO",
        _ => return Ok(None),
    };
    words.at += 1;
    if !words.take("mutation") {
        return Err(words.unexpected(&format!("{verb} MUTATION 'id'; system.mutations has the ids")));
    }
    let id = match words.peek().map(|token| &token.token) {
        Some(Token::SingleQuotedString(id)) if !id.trim().is_empty() => id.trim().to_owned(),
        _ => return Err(words.unexpected("the id of a mutation in single quotes; system.mutations has them")),
    };
    words.at += 1;
    let command = match verb {
        "APPLY" => JournalCommand::Apply { id },
        "RESUME" => JournalCommand::Resume { id },
        _ => JournalCommand::Undo { id, limit: words.limit()? },
    };
    while words.peek().is_some_and(|token| token.token == Token::SemiColon) {
        words.at += 1;
    }
    match words.peek() {
        None => Ok(Some(command)),
        Some(_) => Err(words.unexpected("the end of the statement")),
    }
}

/// Takes EXPLAIN CALLS off the beginning of a statement, and tells whether it stood there.
pub(super) fn take_calls(tokens: &mut Vec<TokenWithSpan>) -> bool {
    let mut words = Words::new(tokens);
    let is_there = words.take("explain") && words.take("calls");
    if is_there {
        let used = words.used();
        tokens.drain(..if words.peek().is_some() { used } else { tokens.len() });
    }
    is_there
}

/// Takes PLAN or EXPLAIN off the beginning of a mutation.
///
/// # Errors
/// PLAN of anything else, and an option that there is not.
pub(super) fn take_mode(tokens: &mut Vec<TokenWithSpan>) -> Result<Mode> {
    let mut words = Words::new(tokens);
    if words.take("plan") {
        if !words.is_mutation() {
            return Err(words.unexpected("UPDATE, DELETE, INSERT or MERGE after PLAN"));
        }
        let used = words.used();
        tokens.drain(..used);
        return Ok(Mode::Plan);
    }
    if !words.take("explain") {
        return Ok(Mode::Run);
    }
    let explained = words.explained()?;
    // WITH begins queries too: their EXPLAIN is DataFusion's.
    let is_mutation = words.is_mutation() && !words.peek().is_some_and(|token| is_word(token, "with"));
    match explained {
        Some(explained) if is_mutation => {
            let used = words.used();
            tokens.drain(..used);
            Ok(Mode::Explain(explained))
        }
        Some(Explained { select_rows: true, .. }) => {
            Err(words.unexpected("UPDATE, DELETE, INSERT or MERGE after EXPLAIN (select_rows)"))
        }
        _ => Ok(Mode::Run),
    }
}

fn is_word(token: &TokenWithSpan, expected: &str) -> bool {
    matches!(&token.token, Token::Word(word) if word.quote_style.is_none() && matches(word, expected))
}

/// The tokens that mean something, with their places.
struct Words<'a> {
    words: Vec<(usize, &'a TokenWithSpan)>,
    at: usize,
}

impl<'a> Words<'a> {
    fn new(tokens: &'a [TokenWithSpan]) -> Self {
        let is_meant = |token: &TokenWithSpan| is_code(&token.token) || token.token == Token::SemiColon;
        Self { words: tokens.iter().enumerate().filter(|(_, token)| is_meant(token)).collect(), at: 0 }
    }

    fn peek(&self) -> Option<&'a TokenWithSpan> {
        self.words.get(self.at).map(|(_, token)| *token)
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = self.peek().is_some_and(|token| is_word(token, word));
        self.at += usize::from(is_next);
        is_next
    }

    fn take_token(&mut self, token: &Token) -> bool {
        let is_next = self.peek().is_some_and(|next| next.token == *token);
        self.at += usize::from(is_next);
        is_next
    }

    /// Tokens before the next word.
    fn used(&self) -> usize {
        self.words.get(self.at).map_or(0, |(place, _)| *place)
    }

    fn is_mutation(&self) -> bool {
        self.peek().is_some_and(|token| VERBS.iter().any(|verb| is_word(token, verb)))
    }

    /// `LIMIT n`
    fn limit(&mut self) -> Result<Option<u64>> {
        if !self.take("limit") {
            return Ok(None);
        }
        let number = match self.peek().map(|token| &token.token) {
            Some(Token::Number(number, false)) => number.parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.unexpected("a number of rows after LIMIT"))?;
        self.at += 1;
        Ok(Some(number))
    }

    /// What stands between EXPLAIN and its statement; `None` for what is DataFusion's.
    fn explained(&mut self) -> Result<Option<Explained>> {
        if !self.take_token(&Token::LParen) {
            let analyze = self.take("analyze");
            let verbose = self.take("verbose");
            return Ok(Some(Explained { verbose, analyze, ..Explained::default() }));
        }
        let mut explained = Explained::default();
        loop {
            let option = match self.peek() {
                Some(token) if is_word(token, "select_rows") => &mut explained.select_rows,
                Some(token) if is_word(token, "verbose") => &mut explained.verbose,
                Some(token) if is_word(token, "analyze") => &mut explained.analyze,
                _ => return Ok(None),
            };
            *option = true;
            self.at += 1;
            if self.take("false") || self.take("off") {
                *option = false;
            } else {
                let _said = self.take("true") || self.take("on");
            }
            if self.take_token(&Token::RParen) {
                return Ok(Some(explained));
            }
            if !self.take_token(&Token::Comma) {
                return Err(self.unexpected("a comma or ) after an option of EXPLAIN"));
            }
        }
    }

    fn unexpected(&self, expected: &str) -> Error {
        let found = match self.peek() {
            Some(token) => format!("{}{}", token.token, token.span.start),
            None => "the end".to_owned(),
        };
        Error::new(ErrorKind::Syntax, format!("Expected: {expected}, found: {found}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::tokenize;

    #[test]
    fn statements_about_mutations() {
        let id = || "a1".to_owned();
        let cases = [
            ("APPLY MUTATION 'a1'", JournalCommand::Apply { id: id() }),
            ("resume /* go on */ mutation ' a1 ';", JournalCommand::Resume { id: id() }),
            ("UNDO MUTATION 'a1'", JournalCommand::Undo { id: id(), limit: None }),
            ("Undo Mutation 'a1' limit 100 ;", JournalCommand::Undo { id: id(), limit: Some(100) }),
        ];
        for (sql, expected) in cases {
            assert_eq!(parse(&tokenize(sql).unwrap()).expect(sql), Some(expected), "{sql}");
        }
        for sql in ["SELECT 1", "\"undo\" mutation 'a'", "", "UPDATE t SET a = 1"] {
            assert_eq!(parse(&tokenize(sql).unwrap()).expect(sql), None, "{sql}");
        }
        let wrong = [
            ("RESUME 'a'", "RESUME MUTATION 'id'"),
            ("APPLY MUTATION", "found: the end"),
            ("APPLY MUTATION a", "in single quotes"),
            ("APPLY MUTATION ''", "in single quotes"),
            ("APPLY MUTATION 'a' LIMIT 3", "the end of the statement, found: LIMIT"),
            ("UNDO MUTATION 'a' LIMIT -1", "a number of rows"),
            ("UNDO MUTATION 'a' LIMIT 1 2", "the end of the statement"),
        ];
        for (sql, expected) in wrong {
            let message = parse(&tokenize(sql).unwrap()).expect_err(sql).to_string();
            assert!(message.contains(expected), "{sql}: {message}");
        }
    }

    #[test]
    fn words_before_a_mutation() {
        let explain =
            |select_rows, verbose, analyze| Mode::Explain(Explained { select_rows, verbose, analyze, calls: false });
        let cases = [
            ("UPDATE t", Mode::Run, "UPDATE"),
            ("PLAN UPDATE t", Mode::Plan, "UPDATE"),
            ("plan -- it\n WITH a AS (SELECT 1) UPDATE t", Mode::Plan, "WITH"),
            ("EXPLAIN DELETE FROM t", explain(false, false, false), "DELETE"),
            ("EXPLAIN VERBOSE INSERT INTO t", explain(false, true, false), "INSERT"),
            ("EXPLAIN ANALYZE INSERT INTO t", explain(false, false, true), "INSERT"),
            ("EXPLAIN (select_rows) MERGE INTO t", explain(true, false, false), "MERGE"),
            ("EXPLAIN (SELECT_ROWS true, verbose) UPDATE t", explain(true, true, false), "UPDATE"),
            ("EXPLAIN (select_rows off) UPDATE t", explain(false, false, false), "UPDATE"),
            ("EXPLAIN SELECT 1", Mode::Run, "EXPLAIN"),
            ("EXPLAIN (format tree) SELECT 1", Mode::Run, "EXPLAIN"),
            ("EXPLAIN (SELECT 1)", Mode::Run, "EXPLAIN"),
            ("EXPLAIN WITH a AS (SELECT 1) SELECT * FROM a", Mode::Run, "EXPLAIN"),
        ];
        for (sql, mode, first) in cases {
            let mut tokens = tokenize(sql).unwrap();
            assert_eq!(take_mode(&mut tokens).expect(sql), mode, "{sql}");
            let rest = tokens.iter().find(|token| is_code(&token.token)).map(|token| token.token.to_string());
            assert_eq!(rest.as_deref(), Some(first), "{sql}");
        }
        for sql in ["PLAN SELECT 1", "PLAN", "EXPLAIN (select_rows) SELECT 1", "EXPLAIN (select_rows UPDATE t"] {
            assert!(take_mode(&mut tokenize(sql).unwrap()).is_err(), "{sql}");
        }
    }

    #[test]
    fn calls_are_taken_off_before_any_statement() {
        for (sql, rest) in [
            ("EXPLAIN CALLS SELECT 1", Some("SELECT")),
            ("explain /* how many */ calls UPDATE t", Some("UPDATE")),
            ("EXPLAIN CALLS", None),
        ] {
            let mut tokens = tokenize(sql).unwrap();
            assert!(take_calls(&mut tokens), "{sql}");
            let first = tokens.iter().find(|token| is_code(&token.token)).map(|token| token.token.to_string());
            assert_eq!(first.as_deref(), rest, "{sql}");
        }
        for sql in ["EXPLAIN SELECT 1", "SELECT calls", "EXPLAIN (calls) SELECT 1", "EXPLAIN \"calls\""] {
            assert!(!take_calls(&mut tokenize(sql).unwrap()), "{sql}");
        }
    }
}
