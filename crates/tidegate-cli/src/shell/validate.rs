//! When Enter ends the input rather than the line.

use reedline::{ValidationResult, Validator};
use tidegate::Session;

/// Ends at a `;` outside quotes and comments. Commands with a backslash, and words that quit, are one line.
pub(crate) struct SqlValidator;

impl Validator for SqlValidator {
    fn validate(&self, text: &str) -> ValidationResult {
        if is_complete(text) { ValidationResult::Complete } else { ValidationResult::Incomplete }
    }
}

pub(crate) fn is_complete(text: &str) -> bool {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.starts_with('\\') || ["exit", "quit"].contains(&trimmed) {
        return true;
    }
    // The engine's own splitter decides what is quoted. A word behind the text starts a statement of its own only
    // if the last one was ended.
    match (Session::split(text), Session::split(&format!("{text}\nx"))) {
        (Ok(statements), Ok(with_word)) => with_word.len() > statements.len() && !statements.is_empty(),
        _ => false,
    }
}
