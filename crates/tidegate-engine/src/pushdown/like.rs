//! LIKE patterns as texts at a place: `'x%'`, `'%x'`, `'%x%'`, and the nearest weaker form of any other.

use tidegate_remote::{CompareOp, LikeKind, Predicate, Scalar};

use super::condition::Condition;

/// `column [NOT] LIKE pattern`, with the backslash as escape: the only one that DataFusion evaluates.
///
/// A pattern of another form is weakened to the texts that it must start and end with. Its negation cannot
/// be: what does not match the weaker form is fewer rows, not more.
pub(super) fn like(column: usize, pattern: &str, negated: bool) -> Condition {
    let tokens = tokens(pattern);
    let wild = tokens.contains(&Token::One);
    let first = tokens.iter().position(|token| *token == Token::Many);
    let last = tokens.iter().rposition(|token| *token == Token::Many);
    let (Some(first), Some(last)) = (first, last) else {
        if wild {
            return weakened(column, &tokens, negated);
        }
        let op = if negated { CompareOp::NotEq } else { CompareOp::Eq };
        return Condition::exact(Predicate::Compare { column, op, value: Scalar::Text(text(&tokens)) });
    };
    let inner = tokens[first..=last].iter().any(|token| *token != Token::Many);
    let (before, after) = (&tokens[..first], &tokens[last + 1..]);
    match (before.is_empty(), inner, after.is_empty()) {
        _ if wild => weakened(column, &tokens, negated),
        (false, false, true) => matching(column, LikeKind::StartsWith, text(before), negated),
        (true, false, _) => matching(column, LikeKind::EndsWith, text(after), negated),
        (true, true, true) if !tokens[first..=last].windows(3).any(split) => {
            matching(column, LikeKind::Contains, text(&tokens[first..=last]), negated)
        }
        _ => weakened(column, &tokens, negated),
    }
}

/// `column [NOT] LIKE` for a plain text at a place. An empty text is in every value.
pub(super) fn matching(column: usize, kind: LikeKind, text: String, negated: bool) -> Condition {
    match (text.is_empty(), negated) {
        (true, true) => Condition::constant(false),
        (true, false) => Condition::exact(Predicate::IsNull { column, negated: true }),
        (false, _) => Condition::exact(Predicate::Like { column, kind, text, negated }),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(char),
    /// `_`
    One,
    /// `%`, however many in a row.
    Many,
}

/// As Arrow's kernel reads a pattern: a backslash makes the next character plain, and stands for itself at
/// the end.
fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(char) = chars.next() {
        let token = match char {
            '\\' => Token::Char(chars.next().unwrap_or('\\')),
            '_' => Token::One,
            '%' => Token::Many,
            other => Token::Char(other),
        };
        if token != Token::Many || tokens.last() != Some(&Token::Many) {
            tokens.push(token);
        }
    }
    tokens
}

/// Whether a `%` stands between two characters.
fn split(three: &[Token]) -> bool {
    three[0] != Token::Many && three[1] == Token::Many && three[2] != Token::Many
}

fn text(tokens: &[Token]) -> String {
    tokens.iter().filter_map(|token| if let Token::Char(char) = token { Some(*char) } else { None }).collect()
}

fn weakened(column: usize, tokens: &[Token], negated: bool) -> Condition {
    if negated {
        return Condition::UNKNOWN;
    }
    let plain = |token: &Token| matches!(token, Token::Char(_));
    let start = tokens.iter().take_while(|token| plain(token)).count();
    let end = tokens.iter().rev().take_while(|token| plain(token)).count();
    if start == 0 && end == 0 {
        let longest = tokens.split(|token| !plain(token)).max_by_key(|run| run.len()).unwrap_or_default();
        if !longest.is_empty() {
            let text = text(longest);
            return Condition::weaker(Predicate::Like { column, kind: LikeKind::Contains, text, negated });
        }
        return Condition::weaker(Predicate::IsNull { column, negated: true });
    }
    let sides = [(LikeKind::StartsWith, &tokens[..start]), (LikeKind::EndsWith, &tokens[tokens.len() - end..])];
    let mut all = Condition::UNKNOWN;
    for (kind, side) in sides {
        if !side.is_empty() {
            all = all.and(Condition::weaker(Predicate::Like { column, kind, text: text(side), negated }));
        }
    }
    all
}
