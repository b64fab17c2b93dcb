//! The schemas, as the steps that lead to them.
//!
//! `PRAGMA user_version` holds how many steps a database has taken. A step that was released is never edited:
//! a change is a new step. All missing steps run in one transaction, so that a database is never half way.

use rusqlite::{Connection, TransactionBehavior};

use crate::error::{Error, ErrorKind};
use crate::open::Named;

/// `PRAGMA application_id` of Tidegate's databases: "Tide" in ASCII.
const APPLICATION_ID: i32 = 0x5469_6465;

/// Steps of the state in order; the n-th leads to schema version n.
pub(crate) const STATE: &[&str] = &[
    // 1. Times are microseconds since 1970 UTC. AUTOINCREMENT: an id is never given twice, even after pruning.
    "CREATE TABLE metadata (
         fingerprint TEXT PRIMARY KEY NOT NULL,
         document TEXT NOT NULL,
         etag TEXT,
         last_modified TEXT,
         checked_at INTEGER NOT NULL
     ) STRICT;
     CREATE TABLE statements (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         process INTEGER NOT NULL,
         principal TEXT NOT NULL,
         sql TEXT NOT NULL,
         kind TEXT NOT NULL,
         label TEXT,
         started_at INTEGER NOT NULL,
         state TEXT,
         error TEXT,
         rows INTEGER NOT NULL DEFAULT 0,
         calls INTEGER NOT NULL DEFAULT 0,
         retries INTEGER NOT NULL DEFAULT 0,
         bytes INTEGER NOT NULL DEFAULT 0,
         waited INTEGER NOT NULL DEFAULT 0,
         ended_at INTEGER
     ) STRICT;
     CREATE INDEX statements_started_at ON statements (started_at);
     CREATE TABLE trusted (
         file BLOB PRIMARY KEY NOT NULL,
         sha256 TEXT NOT NULL
     ) STRICT;",
    // 2. Tokens, in clear: the files are the owner's alone, as those of other programs that log in. `holder` and
    // `held_until` are the lease; a holder without an end gave up without knowing what became of its request.
    "CREATE TABLE tokens (
         key TEXT PRIMARY KEY NOT NULL,
         access TEXT,
         refresh TEXT,
         expires_at INTEGER,
         obtained_at INTEGER,
         generation INTEGER NOT NULL DEFAULT 0,
         holder TEXT,
         held_until INTEGER
     ) STRICT;",
    // 3. What a statement was predicted to take (NULL: nothing was), and what it took of earlier answers. Rows that APIs
    // were seen to have, by the shape of what was asked; a partition of '' where there are none.
    "ALTER TABLE statements ADD COLUMN predicted_low INTEGER;
     ALTER TABLE statements ADD COLUMN predicted INTEGER;
     ALTER TABLE statements ADD COLUMN predicted_high INTEGER;
     ALTER TABLE statements ADD COLUMN cache_hits INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE statements ADD COLUMN revalidated INTEGER NOT NULL DEFAULT 0;
     CREATE TABLE rows_seen (
         fingerprint TEXT NOT NULL,
         table_name TEXT NOT NULL,
         partition TEXT NOT NULL,
         shape TEXT NOT NULL,
         basis TEXT NOT NULL,
         rows INTEGER NOT NULL,
         at INTEGER NOT NULL,
         PRIMARY KEY (fingerprint, table_name, partition, shape, basis)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX rows_seen_at ON rows_seen (at);",
];

/// Steps of the ledger in order.
pub(crate) const LEDGER: &[&str] = &[
    // 1. What keys and values mean is their writer's business.
    "CREATE TABLE entries (
         key TEXT PRIMARY KEY NOT NULL,
         value BLOB NOT NULL
     ) STRICT;",
];

/// Steps of the cache in order.
pub(crate) const CACHE: &[&str] = &[
    // 1. Bodies have a table of their own, so that looking through the answers reads none of them. `written` holds the
    // last write of each scope, see `cache/written.rs`.
    "CREATE TABLE answers (
         id INTEGER PRIMARY KEY,
         key BLOB UNIQUE NOT NULL,
         scope TEXT NOT NULL,
         connection TEXT NOT NULL,
         principal TEXT NOT NULL,
         table_name TEXT,
         url TEXT NOT NULL,
         bytes INTEGER NOT NULL,
         checksum INTEGER NOT NULL,
         asked_at INTEGER NOT NULL,
         stored_at INTEGER NOT NULL,
         used_at INTEGER NOT NULL,
         fresh_until INTEGER,
         hits INTEGER NOT NULL DEFAULT 0
     ) STRICT;
     CREATE INDEX answers_used_at ON answers (used_at);
     CREATE INDEX answers_scope ON answers (scope);
     CREATE TABLE bodies (
         id INTEGER PRIMARY KEY,
         meta BLOB NOT NULL,
         body BLOB NOT NULL
     ) STRICT;
     CREATE TABLE written (
         scope TEXT PRIMARY KEY NOT NULL,
         at INTEGER NOT NULL,
         until INTEGER NOT NULL,
         boot TEXT NOT NULL
     ) STRICT;",
];

/// Steps of the journal in order.
pub(crate) const JOURNAL: &[&str] = &[
    // 1. States are numbers: the place of a state in its enumeration. A row's id is its mutation's number times 2^32 plus
    // its ordinal. What is written once stands in `rows`, what changes in `progress`, which is narrow, and begins with the
    // first change: a commit of a hundred rows rewrites two or three pages. What few rows have, and may be wide, stands
    // in `answers`; its key and version hide those of `rows`. A mutation in `pruned` is gone; its rows are going.
    // AUTOINCREMENT: a number is never given twice, so that a new mutation never has rows of one that was pruned.
    "CREATE TABLE mutations (
         number INTEGER PRIMARY KEY AUTOINCREMENT,
         id TEXT UNIQUE NOT NULL,
         principal TEXT NOT NULL,
         kind TEXT NOT NULL,
         statement TEXT NOT NULL,
         settings TEXT NOT NULL,
         connection TEXT NOT NULL,
         table_name TEXT NOT NULL,
         origin TEXT NOT NULL,
         fingerprint TEXT NOT NULL,
         undo_of TEXT,
         is_planned INTEGER NOT NULL,
         label TEXT,
         started_at INTEGER NOT NULL,
         state INTEGER NOT NULL,
         reason TEXT,
         calls INTEGER NOT NULL DEFAULT 0,
         sealed_at INTEGER,
         ended_at INTEGER
     ) STRICT;
     CREATE TABLE counts (
         mutation INTEGER PRIMARY KEY,
         selected INTEGER NOT NULL DEFAULT 0,
         sent INTEGER NOT NULL DEFAULT 0,
         applied INTEGER NOT NULL DEFAULT 0,
         accepted INTEGER NOT NULL DEFAULT 0,
         failed INTEGER NOT NULL DEFAULT 0,
         skipped INTEGER NOT NULL DEFAULT 0,
         unknown INTEGER NOT NULL DEFAULT 0,
         last_request INTEGER
     ) STRICT;
     CREATE TABLE rows (
         id INTEGER PRIMARY KEY,
         partition TEXT,
         kind TEXT NOT NULL,
         key TEXT,
         old TEXT,
         new TEXT,
         version TEXT,
         undoes INTEGER
     ) STRICT;
     CREATE INDEX rows_partition ON rows (partition) WHERE partition IS NOT NULL;
     CREATE TABLE progress (
         id INTEGER PRIMARY KEY,
         state INTEGER NOT NULL,
         was_in_doubt INTEGER NOT NULL DEFAULT 0,
         attempts INTEGER NOT NULL,
         request INTEGER,
         idempotency_key ANY,
         digest ANY,
         sent_at INTEGER,
         status INTEGER,
         ended_at INTEGER
     ) STRICT;
     CREATE INDEX progress_request ON progress (request) WHERE request IS NOT NULL;
     CREATE TABLE answers (
         id INTEGER PRIMARY KEY,
         error TEXT,
         returned TEXT,
         key TEXT,
         version TEXT
     ) STRICT;
     CREATE TABLE pruned (
         mutation INTEGER PRIMARY KEY
     ) STRICT;",
];

/// Brings the database to the newest schema.
pub(crate) fn migrate(connection: &mut Connection, named: Named<'_>, steps: &[&str]) -> Result<(), Error> {
    let file = named.file;
    let failed = |source| Error::sqlite("bring the schema up to date", named, source);
    if is_newest(connection, steps).map_err(failed)? {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let pragma = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(failed);

    let tables: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if tables > 0 && pragma("application_id")? != APPLICATION_ID {
        return Err(Error::new(
            ErrorKind::Corrupt,
            format!("'{file}' is a database of another program; move it away, or choose another folder with --state"),
        ));
    }
    let version = pragma("user_version")?;
    let Some(missing) = usize::try_from(version).ok().and_then(|known| steps.get(known..)) else {
        return Err(Error::new(
            ErrorKind::Newer,
            format!(
                "the state database '{file}' has schema version {version} and this Tidegate knows up to {}; \
                 update Tidegate, or choose another folder with --state",
                steps.len()
            ),
        ));
    };
    if missing.is_empty() {
        return Ok(());
    }
    for step in missing {
        transaction.execute_batch(step).map_err(failed)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    transaction.pragma_update(None, "user_version", crate::encode::saturate(steps.len())).map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// Whether nothing is to be done. Asked without the write lock, so that opening a database waits for no writer.
fn is_newest(connection: &Connection, steps: &[&str]) -> rusqlite::Result<bool> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    Ok(pragma("application_id")? == APPLICATION_ID && usize::try_from(pragma("user_version")?) == Ok(steps.len()))
}
