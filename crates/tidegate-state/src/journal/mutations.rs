//! Mutations as a whole: how they begin, are sealed, end, and go on.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{Journal, MutationRecord, MutationStart, MutationState, RowCounts, Stop, codes};
use crate::Result;
use crate::encode::{from_micros, saturate, to_micros, unsigned};

/// Rows that are deleted in one transaction: others wait for it.
pub(super) const CHUNK: u32 = 10_000;
/// Most mutations that a short id may stand for; more are no help to a user.
const FOUND: u32 = 10;

/// What must be known of a mutation to change it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) number: i64,
    pub(super) state: MutationState,
    is_sealed: bool,
    pub(super) counts: RowCounts,
}

impl Journal {
    /// Keeps the beginning of a mutation: it is selecting, and has no rows. Claim it first, so that nobody else goes on with it.
    ///
    /// # Errors
    /// When the folder cannot be used; when there is one with this id, or the id is none.
    pub fn create(&self, start: &MutationStart) -> Result<()> {
        self.write("keep a mutation", |transaction| {
            check_id(&start.id)?;
            if find(transaction, &start.id)?.is_some() {
                return Err(Stop::Refused(format!("there is a mutation '{}' already", start.id)));
            }
            transaction.execute(
                "INSERT INTO mutations (id, principal, kind, statement, settings, connection, table_name, origin,
                                        fingerprint, undo_of, is_planned, label, started_at, state)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
                params![
                    start.id,
                    start.principal,
                    start.kind,
                    start.statement,
                    start.settings,
                    start.connection,
                    start.table,
                    start.origin,
                    start.fingerprint,
                    start.undo_of,
                    start.is_planned,
                    start.label,
                    to_micros(start.started_at),
                    MutationState::Selecting as i64,
                ],
            )?;
            transaction.execute("INSERT INTO counts (mutation) VALUES (?1)", [transaction.last_insert_rowid()])?;
            Ok(())
        })
    }

    /// Closes a selection: no row is added any more. With `planned` its rows wait for APPLY, else they may be sent.
    ///
    /// # Errors
    /// When the folder cannot be used; when the mutation is not selecting.
    pub fn seal(&self, id: &str, at: SystemTime, planned: bool) -> Result<()> {
        self.write("seal a mutation", |transaction| {
            let known = require(transaction, id)?;
            known.require_state(id, &[MutationState::Selecting])?;
            let state = if planned { MutationState::Planned } else { MutationState::Sealed };
            transaction.execute(
                "UPDATE mutations SET state = ?2, sealed_at = ?3 WHERE number = ?1",
                params![known.number, state as i64, to_micros(at)],
            )?;
            Ok(())
        })
    }

    /// Keeps how a run of a mutation ended: stopped, done or failed. `calls` are those of this run; they add up.
    ///
    /// # Errors
    /// When the folder cannot be used; when `state` is another one, is done although rows are left, or is failed although
    /// rows may have been sent.
    pub fn end(&self, id: &str, state: MutationState, reason: Option<&str>, calls: u64, at: SystemTime) -> Result<()> {
        self.write("keep the end of a mutation", |transaction| {
            let known = require(transaction, id)?;
            let left = known.counts.selected + known.counts.sent;
            match state {
                MutationState::Stopped => {}
                MutationState::Done if left == 0 && known.is_sealed => {}
                MutationState::Failed if known.state < MutationState::Sealed => {}
                _ => {
                    return Err(Stop::Refused(format!(
                        "mutation '{id}' cannot end as {}: it is {}, and {left} of its rows are left",
                        state.name(),
                        known.state.name()
                    )));
                }
            }
            transaction.execute(
                "UPDATE mutations SET state = ?2, reason = ?3, calls = calls + ?4, ended_at = ?5 WHERE number = ?1",
                params![known.number, state as i64, reason, saturate(calls), to_micros(at)],
            )?;
            Ok(())
        })
    }

    /// Opens a mutation again, for APPLY or RESUME, and tells how it goes on: sealed, or selecting if its selection was
    /// never sealed; then its rows are to be discarded.
    ///
    /// # Errors
    /// When the folder cannot be used; when the mutation failed while selecting, or is done and none of its rows failed or
    /// is unknown.
    pub fn reopen(&self, id: &str) -> Result<MutationState> {
        self.write("open a mutation again", |transaction| {
            let known = require(transaction, id)?;
            let may_retry = known.counts.failed + known.counts.unknown > 0;
            let state = match known.state {
                MutationState::Failed => {
                    return Err(Stop::Refused(format!(
                        "mutation '{id}' failed while its rows were selected, and sent nothing; run the statement again"
                    )));
                }
                MutationState::Done if !may_retry => {
                    return Err(Stop::Refused(format!("mutation '{id}' is done: none of its rows is left")));
                }
                _ if known.is_sealed => MutationState::Sealed,
                _ => MutationState::Selecting,
            };
            transaction.execute(
                "UPDATE mutations SET state = ?2, reason = NULL WHERE number = ?1",
                params![known.number, state as i64],
            )?;
            Ok(state)
        })
    }

    /// Removes the rows of a selection that was never sealed, so that it can begin afresh.
    ///
    /// # Errors
    /// When the folder cannot be used; when the mutation is not selecting.
    pub fn discard_rows(&self, id: &str) -> Result<()> {
        loop {
            let deleted = self.write("discard a selection", |transaction| {
                let known = require(transaction, id)?;
                known.require_state(id, &[MutationState::Selecting])?;
                let (first, last) = codes::ids(known.number);
                let deleted = transaction.execute(
                    "DELETE FROM rows WHERE id IN (SELECT id FROM rows WHERE id BETWEEN ?1 AND ?2 LIMIT ?3)",
                    params![first, last, CHUNK],
                )?;
                transaction.execute(
                    "UPDATE counts SET selected = selected - ?2 WHERE mutation = ?1",
                    params![known.number, saturate(deleted)],
                )?;
                Ok(deleted)
            })?;
            if deleted == 0 {
                return Ok(());
            }
        }
    }

    /// The mutation with this id.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn mutation(&self, id: &str) -> Result<Option<MutationRecord>> {
        self.read("read a mutation", |connection| {
            let mut query = connection.prepare_cached(&format!("{RECORDS} WHERE m.id = ?1"))?;
            Ok(query.query_row([id], record).optional()?)
        })
    }

    /// The newest mutations, newest first, at most `limit`. Their rows are not counted for it.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn mutations(&self, limit: u32) -> Result<Vec<MutationRecord>> {
        self.read("read the mutations", |connection| {
            let mut query = connection.prepare_cached(&format!("{RECORDS} ORDER BY m.number DESC LIMIT ?1"))?;
            Ok(query.query_map([limit], record)?.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Ids of the mutations that begin with `prefix`, whatever the case of its letters: the newest 10, newest first. One
    /// that is `prefix` itself is the only one.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn find(&self, prefix: &str) -> Result<Vec<String>> {
        let prefix = prefix.to_ascii_lowercase();
        if check_id(&prefix).is_err() {
            return Ok(Vec::new());
        }
        self.read("look for a mutation", |connection| {
            let mut query = connection.prepare_cached(
                "SELECT id FROM mutations WHERE id >= ?1 AND id < ?2 ORDER BY id = ?1 DESC, number DESC LIMIT ?3",
            )?;
            // Ids are compared by their bytes, and none has a character above this one.
            let found = query.query_map(params![prefix, format!("{prefix}~"), FOUND], |row| row.get(0))?;
            let mut found = found.collect::<rusqlite::Result<Vec<String>>>()?;
            if found.first() == Some(&prefix) {
                found.truncate(1);
            }
            Ok(found)
        })
    }
}

impl Known {
    pub(super) fn require_state(&self, id: &str, states: &[MutationState]) -> Result<(), Stop> {
        if states.contains(&self.state) {
            return Ok(());
        }
        let wanted: Vec<_> = states.iter().map(|state| state.name()).collect();
        Err(Stop::Refused(format!("mutation '{id}' is {}, not {}", self.state.name(), wanted.join(" or "))))
    }
}

/// Ids are names of lock files, too: lower case, since some file systems do not tell the cases apart.
pub(super) fn check_id(id: &str) -> Result<(), Stop> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match (1..=64).contains(&id.len()) && id.bytes().all(fits) {
        true => Ok(()),
        false => Err(Stop::Refused(format!("'{id}' is no id of a mutation: it is made of a-z, 0-9 and '-'"))),
    }
}

/// The mutation with this id.
pub(super) fn require(transaction: &Transaction<'_>, id: &str) -> Result<Known, Stop> {
    find(transaction, id)?.ok_or_else(|| Stop::Refused(format!("there is no mutation '{id}' in the journal")))
}

fn find(connection: &Connection, id: &str) -> Result<Option<Known>, Stop> {
    let mut query = connection.prepare_cached(
        "SELECT m.number, m.state, m.sealed_at IS NOT NULL AS is_sealed, c.*
         FROM mutations m JOIN counts c ON c.mutation = m.number WHERE m.id = ?1",
    )?;
    let known = query.query_row([id], |row| {
        Ok(Known {
            number: row.get("number")?,
            state: codes::mutation_state(row.get("state")?)?,
            is_sealed: row.get("is_sealed")?,
            counts: counts(row)?,
        })
    });
    Ok(known.optional()?)
}

const RECORDS: &str = "SELECT m.*, c.* FROM mutations m JOIN counts c ON c.mutation = m.number";

fn record(row: &Row<'_>) -> rusqlite::Result<MutationRecord> {
    let time = |column: &str| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(from_micros));
    Ok(MutationRecord {
        start: MutationStart {
            id: row.get("id")?,
            principal: row.get("principal")?,
            kind: row.get("kind")?,
            statement: row.get("statement")?,
            settings: row.get("settings")?,
            connection: row.get("connection")?,
            table: row.get("table_name")?,
            origin: row.get("origin")?,
            fingerprint: row.get("fingerprint")?,
            undo_of: row.get("undo_of")?,
            is_planned: row.get("is_planned")?,
            label: row.get("label")?,
            started_at: from_micros(row.get("started_at")?),
        },
        state: codes::mutation_state(row.get("state")?)?,
        reason: row.get("reason")?,
        calls: unsigned(row.get("calls")?),
        sealed_at: time("sealed_at")?,
        ended_at: time("ended_at")?,
        counts: counts(row)?,
    })
}

fn counts(row: &Row<'_>) -> rusqlite::Result<RowCounts> {
    let count = |column: &str| Ok::<_, rusqlite::Error>(unsigned(row.get(column)?));
    Ok(RowCounts {
        selected: count("selected")?,
        sent: count("sent")?,
        applied: count("applied")?,
        accepted: count("accepted")?,
        failed: count("failed")?,
        skipped: count("skipped")?,
        unknown: count("unknown")?,
    })
}
