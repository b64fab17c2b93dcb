//! Answers in the database: reading one, writing a batch, listing, clearing.
//!
//! Each has a checksum over its content: the database notices damage to its own structure, and none inside a body.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::queue::{Batch, Change, Uses};
use super::{CacheKey, CacheLabel, CacheLine, CachedAnswer, room};
use crate::encode::{from_micros, saturate, to_micros, unsigned};

/// Bytes of answers written in one transaction, so that other processes never wait long for it.
const CHUNK: u64 = 8 * 1024 * 1024;
/// What an answer takes beside its content, roughly: its label, its place in the indexes, and the rest of its last page.
const OVERHEAD: u64 = 4_096;
/// Answers that are cleared in one transaction.
const CLEARED: u32 = 500;

/// What was found under a key.
#[derive(Debug)]
pub(super) enum Found {
    Answer(CachedAnswer),
    /// Its content is not what was written.
    Damaged,
    Nothing,
}

pub(super) fn get(connection: &Connection, key: &CacheKey) -> rusqlite::Result<Found> {
    let mut query = connection.prepare_cached(
        "SELECT a.checksum, a.asked_at, a.stored_at, b.meta, b.body
         FROM answers a JOIN bodies b ON b.id = a.id WHERE a.key = ?1",
    )?;
    let found = query
        .query_row([key.as_slice()], |row| {
            let answer = CachedAnswer {
                meta: row.get(3)?,
                body: row.get(4)?,
                asked_at: from_micros(row.get(1)?),
                stored_at: from_micros(row.get(2)?),
            };
            Ok((row.get::<_, i64>(0)?, answer))
        })
        .optional()?;
    Ok(match found {
        None => Found::Nothing,
        Some((checksum, answer)) if checksum == self::checksum(key, &answer) => Found::Answer(answer),
        Some(_) => Found::Damaged,
    })
}

pub(super) fn holds_any(connection: &Connection, scope: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM answers WHERE scope = ?1)")?
        .query_row([scope], |row| row.get(0))
}

/// Also tells an answer that came to stand under another key.
fn checksum(key: &CacheKey, answer: &CachedAnswer) -> i64 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(&to_micros(answer.asked_at).to_le_bytes());
    hasher.update(&(answer.meta.len() as u64).to_le_bytes());
    hasher.update(&answer.meta);
    hasher.update(&answer.body);
    hasher.finalize().into()
}

/// Writes a batch, in transactions that each are short. Those before one that fails stay.
pub(super) fn write(connection: &mut Connection, batch: &Batch, bound: u64) -> rusqlite::Result<()> {
    let mut changes = batch.changes.iter().peekable();
    while changes.peek().is_some() {
        let (mut chunk, mut bytes, mut now) = (Vec::new(), 0, i64::MIN);
        while bytes < CHUNK
            && let Some((key, change)) = changes.next()
        {
            if let Change::Put(put) = change {
                bytes += put.1.bytes() as u64 + OVERHEAD;
                now = now.max(to_micros(put.1.stored_at));
            }
            chunk.push((key, change));
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        room::make(&transaction, bytes, bound, now)?;
        for (key, change) in chunk {
            match change {
                Change::Put(put) => self::put(&transaction, key, &put.0, &put.1)?,
                Change::Remove => remove(&transaction, key)?,
            }
        }
        transaction.commit()?;
    }
    if !batch.uses.is_empty() {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (key, uses) in &batch.uses {
            touch(&transaction, key, uses)?;
        }
        transaction.commit()?;
    }
    room::give_back(connection, bound)
}

fn put(
    transaction: &Transaction<'_>,
    key: &CacheKey,
    label: &CacheLabel,
    answer: &CachedAnswer,
) -> rusqlite::Result<()> {
    let mut line = transaction.prepare_cached(
        "INSERT INTO answers (key, scope, connection, principal, table_name, url, bytes, checksum,
                              asked_at, stored_at, used_at, fresh_until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11)
         ON CONFLICT (key) DO UPDATE SET
             scope = excluded.scope, connection = excluded.connection, principal = excluded.principal,
             table_name = excluded.table_name, url = excluded.url, bytes = excluded.bytes,
             checksum = excluded.checksum, asked_at = excluded.asked_at, stored_at = excluded.stored_at,
             used_at = max(used_at, excluded.used_at), fresh_until = excluded.fresh_until
         RETURNING id",
    )?;
    let values = params![
        key.as_slice(),
        label.scope,
        label.connection,
        label.principal,
        label.table,
        label.url,
        saturate(answer.bytes()),
        checksum(key, answer),
        to_micros(answer.asked_at),
        to_micros(answer.stored_at),
        label.fresh_until.map(to_micros),
    ];
    let id: i64 = line.query_row(values, |row| row.get(0))?;
    transaction
        .prepare_cached("INSERT OR REPLACE INTO bodies (id, meta, body) VALUES (?1, ?2, ?3)")?
        .execute(params![id, answer.meta, answer.body])?;
    Ok(())
}

fn remove(transaction: &Transaction<'_>, key: &CacheKey) -> rusqlite::Result<()> {
    let id: Option<i64> = transaction
        .prepare_cached("DELETE FROM answers WHERE key = ?1 RETURNING id")?
        .query_row([key.as_slice()], |row| row.get(0))
        .optional()?;
    if let Some(id) = id {
        transaction.prepare_cached("DELETE FROM bodies WHERE id = ?1")?.execute([id])?;
    }
    Ok(())
}

fn touch(transaction: &Transaction<'_>, key: &CacheKey, uses: &Uses) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("UPDATE answers SET used_at = max(used_at, ?2), hits = hits + ?3 WHERE key = ?1")?
        .execute(params![key.as_slice(), to_micros(uses.last), saturate(uses.count)])?;
    Ok(())
}

/// Removes some of the answers of this scope, or of all; how many.
pub(super) fn clear_some(connection: &mut Connection, scope: Option<&str>) -> rusqlite::Result<usize> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let condition = if scope.is_some() { "scope = ?1" } else { "?1 IS NULL" };
    let sql = format!("SELECT id FROM answers WHERE {condition} LIMIT {CLEARED}");
    let ids = transaction
        .prepare_cached(&sql)?
        .query_map([scope], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<i64>>>()?;
    room::remove(&transaction, &ids)?;
    transaction.commit()?;
    Ok(ids.len())
}

/// Answers stored on behalf of this principal, the last used first.
pub(super) fn lines(connection: &Connection, principal: &str, limit: u32) -> rusqlite::Result<Vec<CacheLine>> {
    let mut query = connection.prepare_cached(
        "SELECT scope, connection, principal, table_name, url, bytes, asked_at, stored_at, used_at, fresh_until, hits
         FROM answers WHERE principal = ?1 ORDER BY used_at DESC, id DESC LIMIT ?2",
    )?;
    query.query_map(params![principal, limit], line)?.collect()
}

fn line(row: &Row<'_>) -> rusqlite::Result<CacheLine> {
    Ok(CacheLine {
        label: CacheLabel {
            scope: row.get("scope")?,
            connection: row.get("connection")?,
            principal: row.get("principal")?,
            table: row.get("table_name")?,
            url: row.get("url")?,
            fresh_until: row.get::<_, Option<i64>>("fresh_until")?.map(from_micros),
        },
        bytes: unsigned(row.get("bytes")?),
        asked_at: from_micros(row.get("asked_at")?),
        stored_at: from_micros(row.get("stored_at")?),
        used_at: from_micros(row.get("used_at")?),
        hits: unsigned(row.get("hits")?),
    })
}
