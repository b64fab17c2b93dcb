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

/// What some editors put before a text to say that it is UTF-8.
const MARK: char = '\u{feff}';

impl Input {
    /// The whole text. The error says what could not be read.
    pub(crate) fn read(&self) -> Result<String, String> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::File(path) => {
                let failed = |error| format!("cannot read {}: {error}", path.display());
                text(std::fs::read(path).map_err(failed)?, &path.display().to_string())
            }
            Self::Stdin => {
                let mut bytes = Vec::new();
                let failed = |error| format!("cannot read standard input: {error}");
                std::io::stdin().read_to_end(&mut bytes).map_err(failed)?;
                text(bytes, "standard input")
            }
        }
    }
}

/// The text of these bytes, which came from `source`.
fn text(bytes: Vec<u8>, source: &str) -> Result<String, String> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix(MARK).map(str::to_owned).unwrap_or(text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to() + 1;
            Err(format!("cannot read {source}: byte {at} is not UTF-8; save it as a text in UTF-8"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_utf_8_with_or_without_a_mark() {
        let cases: &[(&[u8], Result<&str, &str>)] = &[
            (b"SELECT 1", Ok("SELECT 1")),
            (b"\xef\xbb\xbfSELECT 1;\r\n", Ok("SELECT 1;\r\n")),
            (b"", Ok("")),
            (b"SELECT '\xff'", Err("cannot read x.sql: byte 9 is not UTF-8; save it as a text in UTF-8")),
            (b"\xff\xfeS\0", Err("cannot read x.sql: byte 1 is not UTF-8; save it as a text in UTF-8")),
        ];
        for (bytes, expected) in cases {
            let found = text(bytes.to_vec(), "x.sql");
            assert_eq!(found.as_deref().map_err(String::as_str), *expected);
        }
    }
}
