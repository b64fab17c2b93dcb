//! Completion: names from the session, and the shell's own commands.

use std::sync::Arc;

use reedline::{Completer, CompletionResult, Span, Suggestion};
use tidegate::Session;

use super::meta;

/// Asks the session, which answers from what it already knows.
pub(crate) struct SqlCompleter {
    session: Arc<Session>,
}

impl SqlCompleter {
    pub(crate) fn new(session: Arc<Session>) -> Self {
        Self { session }
    }
}

impl Completer for SqlCompleter {
    fn complete(&mut self, line: &str, position: usize) -> CompletionResult {
        let start = word_start(line, position);
        let span = Span::new(start, position);
        let suggest = |value: String, description: Option<String>, space: bool| Suggestion {
            value,
            description,
            span,
            append_whitespace: space,
            ..Suggestion::default()
        };
        let typed = &line[..position];
        let is_command = typed.starts_with('\\') && !typed.contains(char::is_whitespace);
        let suggestions: Vec<_> = if is_command {
            let commands = meta::COMMANDS.iter().filter(|(name, _)| name.starts_with(typed));
            let whole = Span::new(0, position);
            commands
                .map(|(name, what)| Suggestion {
                    span: whole,
                    ..suggest((*name).to_owned(), Some((*what).to_owned()), false)
                })
                .collect()
        } else {
            let (sql, at) = as_sql(line, position);
            let names = self.session.complete(&sql, at).into_iter();
            names.map(|name| suggest(name.text, None, name.kind == "keyword")).collect()
        };
        CompletionResult::fresh(suggestions)
    }
}

/// `\d name` completes as a table does.
fn as_sql(line: &str, position: usize) -> (String, usize) {
    match line.strip_prefix("\\d ") {
        Some(_) if position >= 3 => {
            let sql = format!("SELECT * FROM {}", &line[3..position]);
            let at = sql.len();
            (sql, at)
        }
        _ => (line.to_owned(), position),
    }
}

/// Where the name before `position` begins: what is put in replaces it from there. A quote belongs to the name.
pub(crate) fn word_start(line: &str, position: usize) -> usize {
    let before = &line[..position];
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let start =
        before.rfind(|c| !is_name(c)).map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    if before[..start].ends_with('"') { start - 1 } else { start }
}
