//! Tidegate's own statements, recognised by their first words.
//!
//! What is not recognised is left untouched for DataFusion's parser.

use std::collections::BTreeMap;

use datafusion::sql::sqlparser::ast::{Ident, ObjectName};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

use super::use_partitions::UsePartitions;
use super::{refresh, show};
use crate::{ConnectionDef, OptionValue};

type ParseResult<T> = Result<T, ParserError>;

/// One of Tidegate's own statements.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Command {
    /// `CREATE [OR REPLACE] CONNECTION [IF NOT EXISTS] name USING connector|'file.yaml' OPTIONS (…)`
    CreateConnection {
        /// What to open.
        def: ConnectionDef,
        /// OR REPLACE.
        or_replace: bool,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// `DROP CONNECTION [IF EXISTS] name`
    DropConnection {
        /// Which.
        name: String,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// `SET name = value`, `RESET name`
    Set {
        /// Full name, in lower case.
        name: String,
        /// New value; `None` for the default.
        value: Option<String>,
    },
    /// `SHOW name`
    Show {
        /// Full name, in lower case.
        name: String,
    },
    /// `SHOW TABLES FROM name`
    ShowTables {
        /// A connection, or a schema of Tidegate's own.
        schema: String,
        /// Lists its tables.
        query: String,
    },
    /// `USE name`
    Use {
        /// The default schema from now on.
        schema: String,
    },
    /// `USE all@name`, `USE SELECT …`
    UsePartitions(UsePartitions),
    /// `DESCRIBE table`
    Describe {
        /// Which.
        table: ObjectName,
    },
    /// `REFRESH QUOTAS [name]`
    RefreshQuotas {
        /// Which connection; all of them when `None`.
        connection: Option<String>,
    },
    /// `BEGIN`, `COMMIT` and their like.
    Transaction(Transaction),
}

/// A step of a transaction block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transaction {
    /// `BEGIN`, `START TRANSACTION`
    Begin,
    /// `COMMIT`, `END`
    Commit,
    /// `ROLLBACK`, `ABORT`
    Rollback,
}

/// What a statement of ours stands for.
#[derive(Debug)]
pub(super) enum Own {
    /// A command.
    Command(Command),
    /// A query that answers it.
    Query(String),
}

/// Recognises one of our statements; `None` leaves the parser where it was.
pub(super) fn parse(parser: &mut Parser<'_>) -> ParseResult<Option<Own>> {
    let first = parser.peek_token();
    let Token::Word(first) = first.token else { return Ok(None) };
    let command = match first.value.to_uppercase().as_str() {
        "CREATE" => return create_connection(parser),
        "DROP" if is_word(parser, 1, "CONNECTION") => drop_connection(parser)?,
        "SET" => return set(parser).map(|command| Some(Own::Command(command))),
        "RESET" => reset(parser)?,
        "SHOW" => return show::parse(parser),
        "USE" => use_schema(parser)?,
        "DESCRIBE" | "DESC" => describe(parser)?,
        "REFRESH" => refresh::parse(parser)?,
        "BEGIN" | "START" => transaction(parser, Transaction::Begin),
        "COMMIT" | "END" => transaction(parser, Transaction::Commit),
        "ROLLBACK" | "ABORT" => transaction(parser, Transaction::Rollback),
        _ => return Ok(None),
    };
    Ok(Some(Own::Command(command)))
}

pub(super) fn is_word(parser: &Parser<'_>, nth: usize, expected: &str) -> bool {
    matches!(parser.peek_nth_token(nth).token, Token::Word(word)
        if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(expected))
}

pub(super) fn take_word(parser: &mut Parser<'_>, expected: &str) -> bool {
    let is_next = is_word(parser, 0, expected);
    if is_next {
        parser.next_token();
    }
    is_next
}

fn expect_word(parser: &mut Parser<'_>, expected: &str) -> ParseResult<()> {
    if take_word(parser, expected) { Ok(()) } else { parser.expected(expected, parser.peek_token()) }
}

/// A name as SQL compares it: in lower case unless quoted.
pub(crate) fn name(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

fn create_connection(parser: &mut Parser<'_>) -> ParseResult<Option<Own>> {
    let or_replace = is_word(parser, 1, "OR") && is_word(parser, 2, "REPLACE");
    let words = if or_replace { 3 } else { 1 };
    if !is_word(parser, words, "CONNECTION") {
        return Ok(None);
    }
    for _ in 0..=words {
        parser.next_token();
    }
    let if_not_exists = parser.parse_keywords(&[Keyword::IF, Keyword::NOT, Keyword::EXISTS]);
    let connection = name(&parser.parse_identifier()?);
    expect_word(parser, "USING")?;
    let connector = connector(parser)?;
    let options = if take_word(parser, "OPTIONS") { options(parser)? } else { BTreeMap::new() };
    let def = ConnectionDef::new(&connection, &connector, options);
    Ok(Some(Own::Command(Command::CreateConnection { def, or_replace, if_not_exists })))
}

/// A name, or the path of a manifest in quotes.
fn connector(parser: &mut Parser<'_>) -> ParseResult<String> {
    match parser.peek_token().token {
        Token::SingleQuotedString(path) => {
            parser.next_token();
            Ok(path)
        }
        _ => Ok(name(&parser.parse_identifier()?)),
    }
}

fn options(parser: &mut Parser<'_>) -> ParseResult<BTreeMap<String, OptionValue>> {
    let mut options = BTreeMap::new();
    parser.expect_token(&Token::LParen)?;
    while !parser.consume_token(&Token::RParen) {
        let key = option_key(parser)?;
        let _optional = parser.consume_token(&Token::Eq);
        let value = option_value(parser)?;
        if options.insert(key.clone(), value).is_some() {
            return Err(ParserError::ParserError(format!("the option {key} is given twice")));
        }
        if !parser.consume_token(&Token::Comma) {
            parser.expect_token(&Token::RParen)?;
            break;
        }
    }
    Ok(options)
}

fn option_key(parser: &mut Parser<'_>) -> ParseResult<String> {
    let mut key = match parser.peek_token().token {
        Token::SingleQuotedString(key) => {
            parser.next_token();
            key
        }
        _ => name(&parser.parse_identifier()?),
    };
    while parser.consume_token(&Token::Period) {
        key.push('.');
        key.push_str(&name(&parser.parse_identifier()?));
    }
    Ok(key)
}

fn option_value(parser: &mut Parser<'_>) -> ParseResult<OptionValue> {
    let next = parser.next_token();
    match next.token {
        Token::SingleQuotedString(text) => Ok(OptionValue::Text(text)),
        Token::DollarQuotedString(text) => Ok(OptionValue::Text(text.value)),
        Token::Number(number, _) => Ok(OptionValue::Text(number)),
        Token::Word(word) if word.value.eq_ignore_ascii_case("env") => {
            parser.expect_token(&Token::LParen)?;
            let variable = parser.parse_literal_string()?;
            parser.expect_token(&Token::RParen)?;
            Ok(OptionValue::Env(variable))
        }
        Token::Word(word) if matches!(word.keyword, Keyword::TRUE | Keyword::FALSE) => {
            Ok(OptionValue::Text(word.value.to_lowercase()))
        }
        Token::EOF => parser.expected("a text, a number, true, false or env('NAME')", next),
        // What stands there may be a secret without its quotes: it is not repeated.
        _ => Err(ParserError::ParserError(format!(
            "Expected: a text in quotes, a number, true, false or env('NAME') as the value of an option{}",
            next.span.start
        ))),
    }
}

fn drop_connection(parser: &mut Parser<'_>) -> ParseResult<Command> {
    parser.next_token();
    parser.next_token();
    let if_exists = parser.parse_keywords(&[Keyword::IF, Keyword::EXISTS]);
    Ok(Command::DropConnection { name: name(&parser.parse_identifier()?), if_exists })
}

/// The full name of a setting, `tidegate.label`.
pub(super) fn setting_name(parser: &mut Parser<'_>) -> ParseResult<String> {
    let mut full = parser.parse_identifier()?.value;
    while parser.consume_token(&Token::Period) {
        full.push('.');
        full.push_str(&parser.parse_identifier()?.value);
    }
    Ok(full.to_lowercase())
}

fn set(parser: &mut Parser<'_>) -> ParseResult<Command> {
    parser.next_token();
    if is_word(parser, 1, "TIDEGATE") || is_word(parser, 1, "DATAFUSION") {
        // SET SESSION tidegate.x: a session's is the only scope that there is.
        take_word(parser, "SESSION");
    }
    let setting = setting_name(parser)?;
    if !parser.consume_token(&Token::Eq) {
        expect_word(parser, "TO").or_else(|_| parser.expected("= or TO", parser.peek_token()))?;
    }
    Ok(Command::Set { name: setting, value: setting_value(parser)? })
}

fn setting_value(parser: &mut Parser<'_>) -> ParseResult<Option<String>> {
    let next = parser.next_token();
    let value = match next.token {
        Token::SingleQuotedString(text) => text,
        Token::Number(number, _) => number,
        Token::Minus => format!("-{}", parser.parse_number_value()?),
        Token::Word(word) if word.keyword == Keyword::DEFAULT => return Ok(None),
        Token::Word(word) => word.value,
        _ => return parser.expected("a value", next),
    };
    Ok(Some(value))
}

fn reset(parser: &mut Parser<'_>) -> ParseResult<Command> {
    parser.next_token();
    Ok(Command::Set { name: setting_name(parser)?, value: None })
}

fn use_schema(parser: &mut Parser<'_>) -> ParseResult<Command> {
    parser.next_token();
    match parser.peek_token().token {
        Token::Word(_) => Ok(Command::Use { schema: name(&parser.parse_identifier()?) }),
        _ => parser.expected("the name of a connection, or partitions as in all@name", parser.peek_token()),
    }
}

fn describe(parser: &mut Parser<'_>) -> ParseResult<Command> {
    parser.next_token();
    take_word(parser, "TABLE");
    Ok(Command::Describe { table: parser.parse_object_name(false)? })
}

/// Modes of a transaction (`ISOLATION LEVEL …`, `READ ONLY`) mean nothing here: they are read over.
fn transaction(parser: &mut Parser<'_>, step: Transaction) -> Command {
    while matches!(parser.peek_token().token, Token::Word(_) | Token::Comma) {
        parser.next_token();
    }
    Command::Transaction(step)
}
