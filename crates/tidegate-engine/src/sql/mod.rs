//! From text to a statement: Tidegate's own statements, its names, and everything that DataFusion plans.
//!
//! Relies on DataFusion's parser (generic dialect). It looks at text alone: no catalog, no settings, no I/O.
//! Every front end's statements pass here, never DataFusion's own `sql()`, which knows none of this.

mod clauses;
mod hints;
mod journal_commands;
mod mutation;
mod names;
mod own;
mod redact;
mod refresh;
mod show;
mod split;
mod use_partitions;

use datafusion::sql::parser::{DFParser, DFParserBuilder, Statement as DfStatement};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

pub(crate) use hints::{Hint, hints};
pub(crate) use journal_commands::{Explained, JournalCommand, Mode};
pub(crate) use mutation::{Body, MutationKind, MutationStatement};
pub(crate) use own::{Command, Transaction, name};
pub use redact::redact_sql;
pub(crate) use split::split;
pub(crate) use use_partitions::{Chosen, UsePartitions, What};

use crate::{Error, ErrorKind, Result};

/// Generic SQL: `"` quotes names, and `@` may stand inside one, as in `table@connection`.
pub(crate) const DIALECT: GenericDialect = GenericDialect {};

/// How deep an expression may be nested: deep enough for generated filters, shallow enough for the stack.
const RECURSION_LIMIT: usize = 100;

/// One parsed statement.
#[derive(Debug)]
pub(crate) enum Parsed {
    /// One of Tidegate's own.
    Command(Command),
    /// One that changes rows, of a connection's table or a local one.
    Mutation {
        /// As it is written.
        statement: Box<MutationStatement>,
        /// What becomes of it.
        mode: Mode,
    },
    /// One about a mutation of the journal.
    Journal(JournalCommand),
    /// `EXPLAIN CALLS` of one for DataFusion.
    Calls(Box<DfStatement>),
    /// One for DataFusion, with Tidegate's names already in DataFusion's form.
    DataFusion(Box<DfStatement>),
}

/// The tokens of a text, white space and comments included.
///
/// # Errors
/// An unterminated quote or comment, with its place.
pub(crate) fn tokenize(sql: &str) -> Result<Vec<TokenWithSpan>> {
    Tokenizer::new(&DIALECT, sql)
        .tokenize_with_location()
        .map_err(|error| Error::new(ErrorKind::Syntax, format!("{}{}", error.message, error.location)))
}

/// Parses exactly one statement; a `;` may follow it.
///
/// # Errors
/// What is wrong with the text, and where.
pub(crate) fn parse(sql: &str) -> Result<Parsed> {
    let mut tokens = tokenize(sql)?;
    tokens.retain(|token| !hints::is_hint(&token.token));
    if let Some(choice) = use_partitions::parse(sql, &tokens)? {
        return Ok(Parsed::Command(Command::UsePartitions(choice)));
    }
    if let Some(command) = journal_commands::parse(&tokens)? {
        return Ok(Parsed::Journal(command));
    }
    if journal_commands::take_calls(&mut tokens) {
        return calls(parse_tokens(tokens)?);
    }
    parse_tokens(tokens)
}

/// `EXPLAIN CALLS` of a statement.
fn calls(parsed: Parsed) -> Result<Parsed> {
    match parsed {
        Parsed::Mutation { statement, mode: Mode::Run } => {
            Ok(Parsed::Mutation { statement, mode: Mode::Explain(Explained { calls: true, ..Explained::default() }) })
        }
        Parsed::DataFusion(statement) if !matches!(*statement, DfStatement::Explain(_)) => Ok(Parsed::Calls(statement)),
        _ => {
            let message =
                "EXPLAIN CALLS stands before a query, UPDATE, DELETE, INSERT, MERGE, COPY or CREATE TABLE … AS";
            Err(Error::new(ErrorKind::Syntax, message))
        }
    }
}

/// Parses a statement that stands alone, without hints.
fn parse_tokens(mut tokens: Vec<TokenWithSpan>) -> Result<Parsed> {
    let mode = journal_commands::take_mode(&mut tokens)?;
    let tokens = names::rewrite(tokens);
    if let Some(statement) = mutation::parse(&tokens)? {
        return Ok(Parsed::Mutation { statement: Box::new(statement), mode });
    }
    if mode != Mode::Run {
        return Err(Error::new(ErrorKind::Syntax, "only UPDATE, DELETE, INSERT and MERGE can be planned in this way"));
    }
    if !tokens.iter().any(|token| is_code(&token.token)) {
        return Err(Error::new(ErrorKind::Syntax, "there is no statement here"));
    }
    let mut parser =
        DFParserBuilder::new(tokens).with_dialect(&DIALECT).with_recursion_limit(RECURSION_LIMIT).build()?;
    let parsed = match own::parse(&mut parser.parser).map_err(from_parser)? {
        Some(own::Own::Command(command)) => Parsed::Command(command),
        Some(own::Own::Query(query)) => {
            expect_end(&mut parser)?;
            return parse(&query);
        }
        None => Parsed::DataFusion(Box::new(parser.parse_statement()?)),
    };
    expect_end(&mut parser)?;
    Ok(parsed)
}

fn is_code(token: &Token) -> bool {
    !matches!(token, Token::Whitespace(_) | Token::SemiColon | Token::EOF)
}

fn expect_end(parser: &mut DFParser<'_>) -> Result<()> {
    while parser.parser.consume_token(&Token::SemiColon) {}
    let next = parser.parser.peek_token();
    if next.token == Token::EOF {
        return Ok(());
    }
    let message = format!("expected the end of the statement, found: {}{}", next.token, next.span.start);
    Err(Error::new(ErrorKind::Syntax, message))
}

fn from_parser(error: ParserError) -> Error {
    Error::from(datafusion::error::DataFusionError::from(error))
}

/// Replaces a name wherever it stands in a statement; `None` when it does not stand there. For proposing a
/// corrected statement: quotes are put where the new name needs them.
pub(crate) fn replace_name(sql: &str, wrong: &str, right: &str) -> Option<String> {
    let mut found = false;
    let tokens = tokenize(sql).ok()?;
    let mut text = String::with_capacity(sql.len());
    for token in tokens {
        match token.token {
            Token::Word(word) if names::matches(&word, wrong) => {
                found = true;
                text.push_str(&quote(right));
            }
            other => text.push_str(&other.to_string()),
        }
    }
    found.then_some(text)
}

/// The name as it has to be written in a statement.
pub(crate) fn quote(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// The text as a string literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
