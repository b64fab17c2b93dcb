//! Invantive's notation for names, turned into `connection.table` before the text is parsed.
//!
//! `table@connection`, `"Quoted"@connection`, `api..table@connection` and `api..table` are rewritten token by
//! token: a parser would read `"Quoted"@connection` as a table and its alias. The part before `..` names the
//! connection's API and carries no further meaning. `systempartitions@datadictionary` is `system.partitions`.

use datafusion::sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan, Word};

/// Invantive's schema of tables that describe the product itself, each prefixed with `system`.
const DATA_DICTIONARY: &str = "datadictionary";

/// Rewrites every such name; other tokens stay as they are.
pub(super) fn rewrite(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        if is_api_prefix(&tokens[at..]) {
            at += 3;
        } else if let Some((table, connection, used)) = link(&tokens[at..]) {
            let span = tokens[at].span;
            push_qualified(&mut out, table, connection, span);
            at += used;
        } else {
            out.push(tokens[at].clone());
            at += 1;
        }
    }
    out
}

/// Whether this word is this name, as SQL compares names.
pub(super) fn matches(word: &Word, name: &str) -> bool {
    match word.quote_style {
        Some(_) => word.value == name,
        None => word.value.to_lowercase() == name,
    }
}

/// `api..` before a name.
fn is_api_prefix(tokens: &[TokenWithSpan]) -> bool {
    let [first, second, third, fourth, ..] = tokens else { return false };
    matches!(first.token, Token::Word(_))
        && second.token == Token::Period
        && third.token == Token::Period
        && matches!(fourth.token, Token::Word(_))
}

/// `table@connection` in any of its forms: table, connection and the number of tokens.
fn link(tokens: &[TokenWithSpan]) -> Option<(Word, Word, usize)> {
    let Token::Word(first) = &tokens.first()?.token else { return None };
    if first.quote_style.is_none() {
        let (table, connection) = first.value.split_once('@').filter(|(table, _)| !table.is_empty())?;
        return match connection {
            "" => Some((word(table, None), quoted(tokens.get(1)?)?, 2)),
            connection => Some((word(table, None), word(connection, None), 1)),
        };
    }
    match &tokens.get(1)?.token {
        Token::AtSign => Some((first.clone(), quoted(tokens.get(2)?)?, 3)),
        Token::Word(second) if second.quote_style.is_none() => {
            let connection = second.value.strip_prefix('@').filter(|connection| !connection.is_empty())?;
            Some((first.clone(), word(connection, None), 2))
        }
        _ => None,
    }
}

fn quoted(token: &TokenWithSpan) -> Option<Word> {
    match &token.token {
        Token::Word(word) if word.quote_style.is_some() => Some(word.clone()),
        _ => None,
    }
}

fn word(value: &str, quote: Option<char>) -> Word {
    match Token::make_word(value, quote) {
        Token::Word(word) => word,
        _ => Word {
            value: value.to_owned(),
            quote_style: quote,
            keyword: datafusion::sql::sqlparser::keywords::Keyword::NoKeyword,
        },
    }
}

fn push_qualified(out: &mut Vec<TokenWithSpan>, table: Word, connection: Word, span: Span) {
    let (connection, table) = if matches(&connection, DATA_DICTIONARY) {
        let lower = table.value.to_lowercase();
        let name = lower.strip_prefix("system").filter(|name| !name.is_empty()).unwrap_or(&lower);
        (word("system", None), word(name, None))
    } else {
        (connection, table)
    };
    for token in [Token::Word(connection), Token::Period, Token::Word(table)] {
        out.push(TokenWithSpan::new(token, span));
    }
}
