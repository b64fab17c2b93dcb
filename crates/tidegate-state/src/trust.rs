//! Files that the user has trusted, by path and content.
//!
//! A relative path is taken from the current folder. Links are not resolved: a link that is pointed elsewhere
//! shows other content, and so another digest.

use std::path::Path;

use rusqlite::{OptionalExtension, params};

use crate::error::Error;
use crate::{Result, State};

impl State {
    /// Whether the user has trusted this file with this content; `sha256` is its digest in hexadecimal.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn is_trusted(&self, file: &Path, sha256: &str) -> Result<bool> {
        let file = key(file)?;
        let trusted: Option<String> = self.run("read the trusted files", |connection| {
            connection
                .prepare_cached("SELECT sha256 FROM trusted WHERE file = ?1")?
                .query_row([&file], |row| row.get(0))
                .optional()
        })?;
        Ok(trusted.is_some_and(|trusted| trusted.eq_ignore_ascii_case(sha256)))
    }

    /// Whether the user has trusted this file with some content.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn was_trusted(&self, file: &Path) -> Result<bool> {
        let file = key(file)?;
        self.run("read the trusted files", |connection| {
            connection.prepare_cached("SELECT 1 FROM trusted WHERE file = ?1")?.exists([&file])
        })
    }

    /// Trusts this file with this content, in place of an earlier one.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn trust(&self, file: &Path, sha256: &str) -> Result<()> {
        let file = key(file)?;
        self.write("trust a file", |transaction| {
            transaction
                .execute("INSERT OR REPLACE INTO trusted (file, sha256) VALUES (?1, ?2)", params![file, sha256])?;
            Ok(())
        })
    }
}

/// Bytes, since a path need not be text.
fn key(file: &Path) -> Result<Vec<u8>> {
    let absolute = std::path::absolute(file).map_err(|source| {
        Error::io("make absolute the path", file, "name the file by a path that begins at the root", source)
    })?;
    Ok(absolute.into_os_string().into_encoded_bytes())
}
