//! Colours for what is typed: keywords, texts, numbers, comments.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, Tokenizer, Whitespace};
use reedline::{Color, Highlighter, StyledText};

/// The words that carry a statement. The parser knows many more keywords, most of which are names of columns as
/// often: `name`, `status`, `year`.
const KEYWORDS: &[&str] = &[
    "all",
    "and",
    "any",
    "as",
    "asc",
    "between",
    "by",
    "calls",
    "case",
    "cast",
    "connection",
    "copy",
    "create",
    "cross",
    "delete",
    "desc",
    "describe",
    "distinct",
    "drop",
    "else",
    "end",
    "except",
    "exists",
    "explain",
    "false",
    "filter",
    "from",
    "full",
    "group",
    "having",
    "ilike",
    "in",
    "inner",
    "insert",
    "intersect",
    "interval",
    "into",
    "is",
    "join",
    "lateral",
    "left",
    "like",
    "limit",
    "natural",
    "not",
    "null",
    "offset",
    "on",
    "options",
    "or",
    "order",
    "outer",
    "over",
    "partition",
    "right",
    "select",
    "set",
    "show",
    "table",
    "tables",
    "then",
    "to",
    "true",
    "union",
    "update",
    "using",
    "values",
    "view",
    "when",
    "where",
    "window",
    "with",
];

/// Follows the tokenizer as far as it comes; what is behind an open quote is a text.
pub(crate) struct SqlHighlighter;

impl Highlighter for SqlHighlighter {
    fn highlight(&self, line: &str, _cursor: usize) -> StyledText {
        let mut styled = StyledText::new();
        for (text, color) in pieces(line) {
            let color = color.unwrap_or(Color::Default);
            styled.push((color.normal(), text.to_owned()));
        }
        styled
    }
}

/// The line in pieces, each with its colour.
pub(crate) fn pieces(line: &str) -> Vec<(&str, Option<Color>)> {
    if line.starts_with('\\') {
        return vec![(line, Some(Color::Purple))];
    }
    let mut tokens = Vec::new();
    // An open quote ends the tokens early, which is what the rest below is for.
    let is_whole = Tokenizer::new(&GenericDialect {}, line).tokenize_with_location_into_buf(&mut tokens).is_ok();
    let starts: Vec<_> = std::iter::once(0).chain(line.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut pieces = Vec::new();
    let mut done = 0;
    for token in &tokens {
        let end = byte(line, &starts, token.span.end).max(done);
        pieces.push((&line[done..end], color(&token.token)));
        done = end;
    }
    if done < line.len() {
        pieces.push((&line[done..], if is_whole { None } else { Some(Color::Green) }));
    }
    pieces
}

fn color(token: &Token) -> Option<Color> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => {
            let is_keyword = KEYWORDS.binary_search(&word.value.to_ascii_lowercase().as_str()).is_ok();
            is_keyword.then_some(Color::LightBlue)
        }
        Token::Number(..) => Some(Color::Cyan),
        Token::SingleQuotedString(_) | Token::EscapedStringLiteral(_) | Token::DollarQuotedString(_) => {
            Some(Color::Green)
        }
        Token::Whitespace(Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_)) => {
            Some(Color::DarkGray)
        }
        _ => None,
    }
}

/// From the tokenizer's places (from 1, columns in characters) to bytes.
fn byte(line: &str, starts: &[usize], place: Location) -> usize {
    let at = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
    let Some(start) = starts.get(at(place.line)) else { return line.len() };
    line[*start..].char_indices().nth(at(place.column)).map_or(line.len(), |(offset, _)| start + offset)
}
