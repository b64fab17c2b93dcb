//! Cached descriptions of APIs.

use std::time::{Duration, SystemTime};

use rusqlite::{OptionalExtension, params};

use crate::encode::{from_micros, saturate, to_micros};
use crate::{CachedMetadata, Result, State};

/// A description that nobody looked at for this long goes when another one is kept: its connection is gone, or
/// has another credential and so another fingerprint.
const KEPT_FOR: Duration = Duration::from_secs(90 * 24 * 60 * 60);

impl State {
    /// The cached description of the connection with this fingerprint.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn metadata(&self, fingerprint: &str) -> Result<Option<CachedMetadata>> {
        self.run("read a cached description", |connection| {
            connection
                .prepare_cached(
                    "SELECT document, etag, last_modified, checked_at FROM metadata WHERE fingerprint = ?1",
                )?
                .query_row([fingerprint], |row| {
                    Ok(CachedMetadata {
                        document: row.get(0)?,
                        etag: row.get(1)?,
                        last_modified: row.get(2)?,
                        checked_at: from_micros(row.get(3)?),
                    })
                })
                .optional()
        })
    }

    /// Keeps a description, replacing an older one.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn put_metadata(&self, fingerprint: &str, metadata: &CachedMetadata) -> Result<()> {
        let checked_at = to_micros(metadata.checked_at);
        self.write("keep a description", |transaction| {
            transaction.execute(
                "INSERT OR REPLACE INTO metadata (fingerprint, document, etag, last_modified, checked_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![fingerprint, metadata.document, metadata.etag, metadata.last_modified, checked_at],
            )?;
            let oldest = checked_at.saturating_sub(saturate(KEPT_FOR.as_micros()));
            transaction.execute("DELETE FROM metadata WHERE checked_at < ?1", [oldest])?;
            Ok(())
        })
    }

    /// Notes that a cached description was found to hold still. One that is not kept any more stays away.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn touch_metadata(&self, fingerprint: &str, checked_at: SystemTime) -> Result<()> {
        self.write("note that a description holds", |transaction| {
            transaction.execute(
                "UPDATE metadata SET checked_at = ?2 WHERE fingerprint = ?1",
                params![fingerprint, to_micros(checked_at)],
            )?;
            Ok(())
        })
    }
}
