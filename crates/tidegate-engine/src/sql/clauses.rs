//! Clauses of a mutation that the parser has in another place, or not at all: `RETURNING` wherever it stands behind the
//! WHERE, `LIMIT n PER PARTITION`, and the `LIMIT` of a MERGE.
//!
//! They are taken out of the tokens before those are parsed, and keep their places for errors.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Word};

/// A mutation's tokens, taken apart.
#[derive(Debug, Default)]
pub(super) struct Clauses {
    /// What is left.
    pub(super) body: Vec<TokenWithSpan>,
    /// What stands behind RETURNING.
    pub(super) returning: Option<Vec<TokenWithSpan>>,
    /// What stands behind LIMIT, without PER PARTITION.
    pub(super) limit: Option<Vec<TokenWithSpan>>,
    /// PER PARTITION.
    pub(super) is_per_partition: bool,
}

/// Takes them apart. White space and comments are left out.
pub(super) fn split(tokens: &[TokenWithSpan]) -> Clauses {
    let mut body: Vec<TokenWithSpan> =
        tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).cloned().collect();
    let returning = cut(&mut body, is_returning, |tokens, at| is_limit(tokens, at) || is_order_by(tokens, at));
    let mut limit = cut(&mut body, is_limit, |tokens, at| is_word(&tokens[at], "OFFSET"));
    let is_per_partition = limit.as_mut().is_some_and(take_per_partition);
    Clauses { body, returning, limit, is_per_partition }
}

/// Cuts out the clause whose word `begins` recognises, up to where `ends` does or the statement ends; its word is dropped.
fn cut(
    tokens: &mut Vec<TokenWithSpan>,
    begins: fn(&[TokenWithSpan], usize) -> bool,
    ends: impl Fn(&[TokenWithSpan], usize) -> bool,
) -> Option<Vec<TokenWithSpan>> {
    let outermost = outermost(tokens);
    let start = outermost.iter().copied().find(|&at| at > 0 && begins(tokens, at))?;
    let is_end = |&at: &usize| at > start && (is_last(&tokens[at].token) || ends(tokens, at));
    let end = outermost.iter().copied().find(is_end).unwrap_or(tokens.len());
    let mut clause: Vec<TokenWithSpan> = tokens.drain(start..end).collect();
    clause.remove(0);
    Some(clause)
}

/// Places of the tokens that stand in no brackets.
fn outermost(tokens: &[TokenWithSpan]) -> Vec<usize> {
    let mut depth = 0_usize;
    let mut places = Vec::with_capacity(tokens.len());
    for (place, token) in tokens.iter().enumerate() {
        match token.token {
            Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
            Token::RParen | Token::RBracket | Token::RBrace => depth = depth.saturating_sub(1),
            _ if depth == 0 => places.push(place),
            _ => {}
        }
    }
    places
}

fn is_last(token: &Token) -> bool {
    matches!(token, Token::SemiColon | Token::EOF)
}

fn is_returning(tokens: &[TokenWithSpan], at: usize) -> bool {
    is_word(&tokens[at], "RETURNING") && follows_operand(tokens, at)
}

fn is_order_by(tokens: &[TokenWithSpan], at: usize) -> bool {
    is_word(&tokens[at], "ORDER") && tokens.get(at + 1).is_some_and(|next| is_word(next, "BY"))
}

/// A column may be called `limit` too: a clause stands behind something complete, and before a value.
fn is_limit(tokens: &[TokenWithSpan], at: usize) -> bool {
    is_word(&tokens[at], "LIMIT") && follows_operand(tokens, at) && tokens.get(at + 1).is_some_and(begins_operand)
}

/// Whether what stands before ends an operand, and does not ask for one.
fn follows_operand(tokens: &[TokenWithSpan], at: usize) -> bool {
    const OPEN: &[&str] = &[
        "SET", "WHERE", "AND", "OR", "NOT", "BY", "WHEN", "THEN", "ELSE", "AS", "SELECT", "ON", "IN", "LIKE", "ILIKE",
        "BETWEEN", "CASE", "DISTINCT", "FROM", "INTO", "UPDATE", "HAVING", "USING",
    ];
    match tokens.get(at.wrapping_sub(1)).map(|token| &token.token) {
        Some(Token::Word(word)) => word.quote_style.is_some() || !OPEN.iter().any(|open| is(word, open)),
        Some(
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::DollarQuotedString(_)
            | Token::NationalStringLiteral(_)
            | Token::HexStringLiteral(_)
            | Token::EscapedStringLiteral(_)
            | Token::Placeholder(_)
            | Token::RParen
            | Token::RBracket
            | Token::RBrace
            | Token::Mul,
        ) => true,
        _ => false,
    }
}

fn begins_operand(token: &TokenWithSpan) -> bool {
    const OPERATORS: &[&str] = &["IS", "IN", "NOT", "LIKE", "ILIKE", "BETWEEN", "AND", "OR", "AS", "FROM", "WHERE"];
    match &token.token {
        Token::Word(word) => word.quote_style.is_some() || !OPERATORS.iter().any(|operator| is(word, operator)),
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::Placeholder(_)
        | Token::LParen
        | Token::Minus
        | Token::Plus => true,
        _ => false,
    }
}

fn take_per_partition(limit: &mut Vec<TokenWithSpan>) -> bool {
    let found =
        matches!(limit.as_slice(), [_, .., per, partition] if is_word(per, "PER") && is_word(partition, "PARTITION"));
    if found {
        limit.truncate(limit.len() - 2);
    }
    found
}

pub(super) fn is_word(token: &TokenWithSpan, expected: &str) -> bool {
    matches!(&token.token, Token::Word(word) if is(word, expected))
}

fn is(word: &Word, expected: &str) -> bool {
    word.quote_style.is_none() && word.value.eq_ignore_ascii_case(expected)
}

#[cfg(test)]
mod tests {
    use super::super::tokenize;
    use super::*;

    fn shown(tokens: &[TokenWithSpan]) -> String {
        let texts = tokens.iter().filter(|token| token.token != Token::EOF).map(|token| token.token.to_string());
        texts.collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn check(sql: &str, body: &str, returning: Option<&str>, limit: Option<&str>, is_per_partition: bool) {
        let clauses = split(&tokenize(sql).expect("tokens"));
        assert_eq!(shown(&clauses.body), body, "{sql}");
        assert_eq!(clauses.returning.as_deref().map(shown).as_deref(), returning, "{sql}");
        assert_eq!(clauses.limit.as_deref().map(shown).as_deref(), limit, "{sql}");
        assert_eq!(clauses.is_per_partition, is_per_partition, "{sql}");
    }

    #[test]
    fn clauses_are_found_wherever_they_stand() {
        let update = "UPDATE t SET a = 1 WHERE b = 2";
        for (tail, rest, returning, limit, is_per_partition) in [
            ("", "", None, None, false),
            (" RETURNING id", "", Some("id"), None, false),
            (" LIMIT 5", "", None, Some("5"), false),
            (" limit 5 per partition;", " ;", None, Some("5"), true),
            (" LIMIT 2 * (3 + $1) RETURNING id, _outcome", "", Some("id , _outcome"), Some("2 * ( 3 + $1 )"), false),
            (" RETURNING id ORDER BY c LIMIT 5", " ORDER BY c", Some("id"), Some("5"), false),
            (" ORDER BY c LIMIT 5 PER PARTITION RETURNING *", " ORDER BY c", Some("*"), Some("5"), true),
            (" RETURNING id LIMIT (SELECT 1 LIMIT 2)", "", Some("id"), Some("( SELECT 1 LIMIT 2 )"), false),
        ] {
            check(&format!("{update}{tail}"), &format!("{update}{rest}"), returning, limit, is_per_partition);
        }
    }

    #[test]
    fn columns_of_these_names_are_left_alone() {
        for sql in [
            "UPDATE t SET limit = 5 WHERE limit > 3",
            "UPDATE t SET a = t . limit , returning = 2",
            "DELETE FROM t WHERE a = 1 AND limit IS NULL",
            "UPDATE t SET a = ( SELECT 1 LIMIT 1 )",
            "INSERT INTO t ( limit ) VALUES ( 1 )",
        ] {
            check(sql, sql, None, None, false);
        }
    }

    #[test]
    fn an_offset_stays_with_the_query() {
        let sql = "INSERT INTO t (a) SELECT b FROM s ORDER BY b LIMIT 5 OFFSET 2 RETURNING a";
        check(sql, "INSERT INTO t ( a ) SELECT b FROM s ORDER BY b OFFSET 2", Some("a"), Some("5"), false);
        let sql = "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE LIMIT 5";
        check(sql, "MERGE INTO t USING s ON t . a = s . a WHEN MATCHED THEN DELETE", None, Some("5"), false);
    }
}
