//! OAuth2 tokens, and the lease that keeps two processes from renewing one at the same time.
//!
//! A token that is renewed may be usable once only, so that a new one must outlive a power cut before it is used, and
//! so that nobody may renew it twice. Who renews takes the lease of its row, asks the server, and writes what it got;
//! others wait and read that. Times are the caller's: nothing here reads the clock. A write counts only when the row
//! is still what it was when the lease was taken ([`TokenLease::generation`]): a holder that was slower than its lease
//! cannot undo what came after it.

use std::time::{Duration, SystemTime};

use rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::encode::{from_micros, saturate, to_micros};
use crate::{Result, State};

/// A row that was not renewed for this long goes when another one is kept: no refresh token in use lives longer
/// without being used.
const KEPT_FOR: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// What a token endpoint gave. Its `Debug` shows no token.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredToken {
    /// What requests are signed with.
    pub access: String,
    /// What it is renewed with.
    pub refresh: Option<String>,
    /// When `access` ends, as far as the server told.
    pub expires_at: Option<SystemTime>,
    /// When it was got.
    pub obtained_at: SystemTime,
}

impl std::fmt::Debug for StoredToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredToken")
            .field("expires_at", &self.expires_at)
            .field("obtained_at", &self.obtained_at)
            .finish_non_exhaustive()
    }
}

/// The right to renew a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenLease {
    /// What is kept now.
    pub token: Option<StoredToken>,
    /// Which state of the row it is: what [`State::put_token`] takes.
    pub generation: i64,
    /// The last holder ended without a word: what became of its request is not known.
    pub interrupted: bool,
}

/// How asking for a lease ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseAnswer {
    /// It was taken.
    Taken(TokenLease),
    /// Another holds it, at most until this time.
    HeldUntil(SystemTime),
}

impl State {
    /// The token kept under this key.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn token(&self, key: &str) -> Result<Option<StoredToken>> {
        self.run("read a token", |connection| {
            let mut query = connection
                .prepare_cached("SELECT access, refresh, expires_at, obtained_at FROM tokens WHERE key = ?1")?;
            Ok(query.query_row([key], stored).optional()?.flatten())
        })
    }

    /// Takes the lease of a token from `now` for `length`, unless another holder has it. A lease whose end lies
    /// further away than twice the `length` was taken under another clock, and counts as ended; once the length is
    /// not enough, since the other may have looked at the clock later and come to the database first.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn lease_token(&self, key: &str, holder: &str, now: SystemTime, length: Duration) -> Result<LeaseAnswer> {
        let (now, until) = (to_micros(now), to_micros(now).saturating_add(saturate(length.as_micros())));
        let latest = until.saturating_add(saturate(length.as_micros()));
        self.write_durably("take the lease of a token", |transaction| {
            transaction.execute("INSERT OR IGNORE INTO tokens (key) VALUES (?1)", [key])?;
            let (token, generation, held): (_, i64, Option<(String, i64)>) = transaction
                .prepare_cached(
                    "SELECT access, refresh, expires_at, obtained_at, generation, holder, held_until
                     FROM tokens WHERE key = ?1",
                )?
                .query_row([key], |row| {
                    let holder: Option<String> = row.get("holder")?;
                    let held_until = row.get::<_, Option<i64>>("held_until")?.unwrap_or_default();
                    Ok((stored(row)?, row.get("generation")?, holder.map(|holder| (holder, held_until))))
                })?;
            if let Some((other, held_until)) = &held
                && other != holder
                && (now + 1..=latest).contains(held_until)
            {
                return Ok(LeaseAnswer::HeldUntil(from_micros(*held_until)));
            }
            transaction.execute(
                "UPDATE tokens SET holder = ?2, held_until = ?3 WHERE key = ?1",
                params![key, holder, until],
            )?;
            Ok(LeaseAnswer::Taken(TokenLease { token, generation, interrupted: held.is_some() }))
        })
    }

    /// Keeps a token, if the row is still of this generation, and gives the lease back. It is on the disk when this
    /// returns.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn put_token(&self, key: &str, generation: i64, token: &StoredToken) -> Result<bool> {
        self.write_durably("keep a token", |transaction| {
            let kept = transaction.execute(
                "UPDATE tokens SET access = ?3, refresh = ?4, expires_at = ?5, obtained_at = ?6,
                                   generation = generation + 1, holder = NULL, held_until = NULL
                 WHERE key = ?1 AND generation = ?2",
                params![
                    key,
                    generation,
                    token.access,
                    token.refresh,
                    token.expires_at.map(to_micros),
                    to_micros(token.obtained_at)
                ],
            )?;
            prune(transaction, token.obtained_at)?;
            Ok(kept > 0)
        })
    }

    /// Keeps a token whatever was there, such as that of a new login. It is on the disk when this returns.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn replace_token(&self, key: &str, token: &StoredToken) -> Result<()> {
        self.write_durably("keep a token", |transaction| {
            transaction.execute("INSERT OR IGNORE INTO tokens (key) VALUES (?1)", [key])?;
            transaction.execute(
                "UPDATE tokens SET access = ?2, refresh = ?3, expires_at = ?4, obtained_at = ?5,
                                   generation = generation + 1, holder = NULL, held_until = NULL
                 WHERE key = ?1",
                params![
                    key,
                    token.access,
                    token.refresh,
                    token.expires_at.map(to_micros),
                    to_micros(token.obtained_at)
                ],
            )?;
            prune(transaction, token.obtained_at)
        })
    }

    /// Gives a lease back without a new token: nothing was sent, or the server surely did nothing. With `interrupted`
    /// it ends, and the next holder is told that its outcome is not known. Another holder's lease stays.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn release_token(&self, key: &str, holder: &str, interrupted: bool) -> Result<()> {
        self.write_durably("give back the lease of a token", |transaction| {
            let sql = if interrupted {
                "UPDATE tokens SET held_until = NULL WHERE key = ?1 AND holder = ?2"
            } else {
                "UPDATE tokens SET holder = NULL, held_until = NULL WHERE key = ?1 AND holder = ?2"
            };
            transaction.execute(sql, [key, holder])?;
            Ok(())
        })
    }
}

/// The token of a row; `None` for one that only ever had a lease.
fn stored(row: &Row<'_>) -> rusqlite::Result<Option<StoredToken>> {
    let (Some(access), Some(obtained_at)) = (row.get("access")?, row.get::<_, Option<i64>>("obtained_at")?) else {
        return Ok(None);
    };
    Ok(Some(StoredToken {
        access,
        refresh: row.get("refresh")?,
        expires_at: row.get::<_, Option<i64>>("expires_at")?.map(from_micros),
        obtained_at: from_micros(obtained_at),
    }))
}

fn prune(transaction: &Transaction<'_>, now: SystemTime) -> rusqlite::Result<()> {
    let oldest = to_micros(now).saturating_sub(saturate(KEPT_FOR.as_micros()));
    transaction.execute("DELETE FROM tokens WHERE obtained_at < ?1", [oldest]).map(drop)
}
