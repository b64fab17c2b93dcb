//! Where a script's text comes from.

use std::io::Read;
use std::path::PathBuf;

/// The source of a script.
#[derive(Debug, Clone)]
pub(crate) enum Input {
    /// The text itself: `-c`.
    Text(String),
    /// A file: `-f FILE`, `\i FILE`.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl Input {
    /// The whole text. The error says what could not be read.
    pub(crate) fn read(&self) -> Result<String, String> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::File(path) => {
                std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
            }
            Self::Stdin => {
                let mut text = String::new();
                let read = std::io::stdin().read_to_string(&mut text);
                read.map(|_| text).map_err(|error| format!("cannot read standard input: {error}"))
            }
        }
    }
}
