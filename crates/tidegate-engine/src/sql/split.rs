//! A text of several statements, split at `;`.

use datafusion::sql::sqlparser::tokenizer::{Location, Token, Tokenizer};

use super::{DIALECT, is_code};
use crate::{Error, ErrorKind, Result};

/// The statements of a text with the text that they have there, without the `;`. Empty ones are left out.
pub(crate) fn split(sql: &str) -> Result<Vec<String>> {
    let tokens = Tokenizer::new(&DIALECT, sql)
        .tokenize_with_location()
        .map_err(|error| Error::new(ErrorKind::Syntax, format!("{}{}", error.message, error.location)))?;
    let offsets = LineOffsets::new(sql);
    let mut statements = Vec::new();
    let mut start = 0;
    let mut has_code = false;
    for token in &tokens {
        if token.token == Token::SemiColon {
            let end = offsets.byte(token.span.start);
            if has_code {
                statements.push(sql[start..end].trim().to_owned());
            }
            start = end + 1;
            has_code = false;
        } else {
            has_code |= is_code(&token.token);
        }
    }
    if has_code {
        statements.push(sql[start..].trim().to_owned());
    }
    Ok(statements)
}

/// From the tokenizer's places (line and column from 1, columns in characters) to bytes.
pub(super) struct LineOffsets<'a> {
    sql: &'a str,
    lines: Vec<usize>,
}

impl<'a> LineOffsets<'a> {
    pub(super) fn new(sql: &'a str) -> Self {
        let starts = sql.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { sql, lines: std::iter::once(0).chain(starts).collect() }
    }

    /// The byte at a place; the end of the text when it lies past that.
    pub(super) fn byte(&self, location: Location) -> usize {
        let line = usize::try_from(location.line).unwrap_or(usize::MAX).saturating_sub(1);
        let column = usize::try_from(location.column).unwrap_or(usize::MAX).saturating_sub(1);
        let Some(start) = self.lines.get(line).copied() else { return self.sql.len() };
        self.sql[start..].char_indices().nth(column).map_or(self.sql.len(), |(at, _)| start + at)
    }
}
