//! What becomes of rows, kept before they leave and after they are answered.
//!
//! A row that has no progress yet is selected. Numbers of rows by state are kept beside the mutation, in the same
//! transaction: who looks on never counts rows.

use rusqlite::{CachedStatement, OptionalExtension, Params, Transaction, params};

use super::mutations::{Known, require};
use super::{Journal, MutationState, RowChange, RowState, Stop, codes};
use crate::Result;
use crate::encode::{saturate, to_micros};

/// A row as a change finds it.
#[derive(Debug, Clone, Copy)]
struct Before {
    state: RowState,
    /// Whether it was sent, with an unknown outcome, before it was sent the last time.
    was_in_doubt: bool,
}

/// What a commit does to the numbers of a mutation.
#[derive(Debug, Default)]
struct Tally {
    by_state: [i64; RowState::ALL.len()],
    last_request: Option<i64>,
}

impl Journal {
    /// Keeps changes of a mutation's rows, in this order; all of them or none. They are on the disk when this returns.
    /// Each call waits for the disk once: hand over many changes together.
    ///
    /// # Errors
    /// When the folder cannot be used; when the mutation is not sealed, has no such row, or a row that is done, or was
    /// taken for later, would be anything else again.
    pub fn commit(&self, id: &str, changes: &[RowChange]) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        self.write("keep what became of rows", |transaction| {
            let known = require(transaction, id)?;
            known.require_state(id, &[MutationState::Sealed])?;
            let (mut tally, mut statements) = (Tally::default(), Statements::new(transaction)?);
            for change in changes {
                tally.change(&mut statements, &known, change).map_err(|stop| match stop {
                    Stop::Refused(sentence) => Stop::Refused(format!("mutation '{id}': {sentence}")),
                    stop => stop,
                })?;
            }
            tally.keep(transaction, &known)
        })
    }
}

impl Tally {
    fn change(&mut self, statements: &mut Statements<'_>, known: &Known, change: &RowChange) -> Result<(), Stop> {
        let ordinal = ordinal(change);
        let id = codes::id(known.number, ordinal)?;
        let before = statements.before(id)?.ok_or_else(|| Stop::Refused(format!("it has no row {ordinal}")))?;
        before.require_open_to(change)?;
        let after = match change {
            RowChange::Sending { request, .. } => {
                self.last_request = self.last_request.max(Some(saturate(*request)));
                statements.send(id, before, change)?
            }
            RowChange::Returned { .. } => statements.take_back(id, before)?,
            RowChange::Reselected { .. } => statements.reselect(id, change)?,
            RowChange::Ended { state, .. } if *state > RowState::Sent => statements.end(id, before, change)?,
            RowChange::Ended { state, .. } => {
                return Err(Stop::Refused(format!("row {ordinal} cannot end as {}", state.name())));
            }
        };
        self.by_state[before.state as usize] -= 1;
        self.by_state[after as usize] += 1;
        Ok(())
    }

    fn keep(self, transaction: &Transaction<'_>, known: &Known) -> Result<(), Stop> {
        let [selected, sent, applied, accepted, failed, skipped, unknown] = self.by_state;
        let mut update = transaction.prepare_cached(
            "UPDATE counts
             SET selected = selected + ?2, sent = sent + ?3, applied = applied + ?4, accepted = accepted + ?5,
                 failed = failed + ?6, skipped = skipped + ?7, unknown = unknown + ?8,
                 last_request = coalesce(max(last_request, ?9), last_request, ?9)
             WHERE mutation = ?1",
        )?;
        let number = known.number;
        update.execute(params![
            number,
            selected,
            sent,
            applied,
            accepted,
            failed,
            skipped,
            unknown,
            self.last_request
        ])?;
        Ok(())
    }
}

impl Before {
    /// What was done stays done, so that nothing leads to its being sent again; what was taken for later may turn out done.
    fn require_open_to(self, change: &RowChange) -> Result<(), Stop> {
        let is_open = match (self.state, change) {
            (RowState::Applied | RowState::Accepted, RowChange::Ended { state, .. }) => {
                matches!(state, RowState::Applied) || *state == self.state
            }
            (RowState::Applied | RowState::Accepted, _) => false,
            _ => true,
        };
        let ordinal = ordinal(change);
        match is_open {
            true => Ok(()),
            false => Err(Stop::Refused(format!("row {ordinal} is {}, and stays so", self.state.name()))),
        }
    }
}

fn ordinal(change: &RowChange) -> u64 {
    match change {
        RowChange::Sending { ordinal, .. } | RowChange::Returned { ordinal } | RowChange::Ended { ordinal, .. } => {
            *ordinal
        }
        RowChange::Reselected { row } => row.ordinal,
    }
}

/// The statements of a commit, of which the frequent ones are looked up once.
struct Statements<'t> {
    transaction: &'t Transaction<'t>,
    progress: CachedStatement<'t>,
    send: CachedStatement<'t>,
    end: CachedStatement<'t>,
    answer: CachedStatement<'t>,
}

impl<'t> Statements<'t> {
    fn new(transaction: &'t Transaction<'t>) -> rusqlite::Result<Self> {
        Ok(Self {
            transaction,
            progress: transaction.prepare_cached("SELECT state, was_in_doubt FROM progress WHERE id = ?1")?,
            send: transaction.prepare_cached(
                "INSERT INTO progress (id, state, was_in_doubt, attempts, request, idempotency_key, digest, sent_at)
                 VALUES (?1, 1, ?2, 1, ?3, ?4, ?5, ?6)
                 ON CONFLICT (id) DO UPDATE
                 SET state = 1, was_in_doubt = excluded.was_in_doubt, attempts = attempts + 1,
                     request = excluded.request,
                     sent_at = CASE WHEN idempotency_key = excluded.idempotency_key AND sent_at < excluded.sent_at
                                    THEN sent_at ELSE excluded.sent_at END,
                     idempotency_key = excluded.idempotency_key, digest = excluded.digest, status = NULL,
                     ended_at = NULL",
            )?,
            end: transaction.prepare_cached(
                "INSERT INTO progress (id, state, attempts, status, ended_at) VALUES (?1, ?2, 0, ?3, ?4)
                 ON CONFLICT (id) DO UPDATE
                 SET state = excluded.state, status = excluded.status, ended_at = excluded.ended_at",
            )?,
            answer: transaction.prepare_cached(
                "INSERT INTO answers (id, error, returned, key, version) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (id) DO UPDATE
                 SET error = excluded.error, returned = excluded.returned, key = coalesce(excluded.key, key),
                     version = coalesce(excluded.version, version)",
            )?,
        })
    }

    /// The row as it is; `None` if there is none.
    fn before(&mut self, id: i64) -> Result<Option<Before>, Stop> {
        let known = self
            .progress
            .query_row([id], |row| Ok(Before { state: codes::row_state(row.get(0)?)?, was_in_doubt: row.get(1)? }));
        if let Some(before) = known.optional()? {
            return Ok(Some(before));
        }
        let is_there = self.transaction.prepare_cached("SELECT 1 FROM rows WHERE id = ?1")?.exists([id])?;
        Ok(is_there.then_some(Before { state: RowState::Selected, was_in_doubt: false }))
    }

    fn send(&mut self, id: i64, before: Before, change: &RowChange) -> Result<RowState, Stop> {
        let RowChange::Sending { request, idempotency_key, digest, sent_at, .. } = change else {
            return Ok(before.state);
        };
        self.send.execute(params![
            id,
            matches!(before.state, RowState::Sent | RowState::Unknown),
            saturate(*request),
            idempotency_key.as_deref().map(codes::pack),
            digest.as_deref().map(codes::pack),
            to_micros(*sent_at)
        ])?;
        self.forget_answer(id, before)?;
        Ok(RowState::Sent)
    }

    fn take_back(&self, id: i64, before: Before) -> Result<RowState, Stop> {
        match before {
            Before { state: RowState::Selected, .. } => Ok(RowState::Selected),
            Before { state: RowState::Sent, was_in_doubt: true } => {
                self.execute("UPDATE progress SET attempts = max(attempts - 1, 1) WHERE id = ?1", params![id])?;
                Ok(RowState::Sent)
            }
            Before { state: RowState::Sent, was_in_doubt: false } => {
                self.unsend(id, 1)?;
                Ok(RowState::Selected)
            }
            Before { state, .. } => Err(Stop::Refused(format!("a row that is {} was not sent", state.name()))),
        }
    }

    fn reselect(&self, id: i64, change: &RowChange) -> Result<RowState, Stop> {
        if let RowChange::Reselected { row } = change {
            self.execute(
                "UPDATE rows SET key = ?2, old = ?3, new = ?4, version = ?5 WHERE id = ?1",
                params![id, row.key, row.old, row.new, row.version],
            )?;
            self.execute("DELETE FROM answers WHERE id = ?1", params![id])?;
            self.unsend(id, 0)?;
        }
        Ok(RowState::Selected)
    }

    fn end(&mut self, id: i64, before: Before, change: &RowChange) -> Result<RowState, Stop> {
        let RowChange::Ended { state, status, error, returned, key, version, ended_at, .. } = change else {
            return Ok(before.state);
        };
        self.end.execute(params![id, *state as i64, status, to_micros(*ended_at)])?;
        match error.is_none() && returned.is_none() && key.is_none() && version.is_none() {
            true => self.forget_answer(id, before)?,
            false => drop(self.answer.execute(params![id, error, returned, key, version])?),
        }
        Ok(*state)
    }

    /// Makes a row selected again; so many of its attempts were none.
    fn unsend(&self, id: i64, attempts: i64) -> Result<(), Stop> {
        self.execute(
            "UPDATE progress
             SET state = 0, was_in_doubt = 0, attempts = max(attempts - ?2, 0), request = NULL,
                 idempotency_key = NULL, digest = NULL, sent_at = NULL, status = NULL, ended_at = NULL
             WHERE id = ?1",
            params![id, attempts],
        )
    }

    /// Takes away what the last answer said; the key and the version that it gave stay.
    fn forget_answer(&self, id: i64, before: Before) -> Result<(), Stop> {
        match before.state > RowState::Sent {
            true => self.execute("UPDATE answers SET error = NULL, returned = NULL WHERE id = ?1", params![id]),
            false => Ok(()),
        }
    }

    fn execute(&self, sql: &str, values: impl Params) -> Result<(), Stop> {
        self.transaction.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }
}
