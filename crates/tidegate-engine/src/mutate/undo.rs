//! UNDO: writes the old values of a mutation's rows back, itself a journalled, bounded mutation.
//!
//! Rows that somebody has changed since are skipped, and named.

use std::sync::Arc;

use datafusion::execution::SendableRecordBatchStream;
use tidegate_mutation::{Reversal, Reversed, skipped};
use tidegate_state::{Claim, MutationState, RowChange, RowStart};

use super::journal::{Beginning, Kept, begin, blocking};
use super::resume::{Found, UNDO};
use super::returning::Output;
use super::run::{Finished, Host, Sending, Task};
use super::summary::Watched;
use crate::sql::{self, JournalCommand, Parsed};
use crate::{Error, ErrorKind, Result};

/// A mutation that is to be undone.
#[derive(Debug)]
pub(crate) struct Undo {
    /// The mutation.
    pub(crate) found: Found,
    /// Most rows.
    pub(crate) limit: Option<u64>,
}

impl Undo {
    /// Refuses what cannot be undone, before anything is journalled.
    ///
    /// # Errors
    /// Rows without identity, and a mutation that has not ended.
    pub(crate) fn check(&self) -> Result<()> {
        let (record, table) = (&self.found.record, &self.found.table);
        Reversal::check(table).map_err(|why| Error::new(ErrorKind::Unsupported, why))?;
        let id = &record.start.id;
        match record.state {
            MutationState::Done | MutationState::Stopped | MutationState::Sealed => Ok(()),
            MutationState::Selecting | MutationState::Planned | MutationState::Failed => {
                let message = format!("mutation {id} has sent nothing: there is nothing to undo");
                Err(Error::new(ErrorKind::Unsupported, message))
            }
        }
    }

    /// Journals the reversal and starts it.
    ///
    /// # Errors
    /// The mutation is being run, and those of the journal.
    pub(crate) async fn start(self, host: Host) -> Result<(Watched, SendableRecordBatchStream)> {
        let undone = self.found.record.start.id.clone();
        let name = undone.clone();
        // Held until the reversal has ended: nobody goes on with what is being undone.
        let held = blocking(host.journal(), move |journal| journal.claim(&name)).await?;
        let kept = Kept { settings: host.run.settings().changed(), is_whole: true, ..self.found.kept.clone() };
        let beginning = Beginning {
            kind: UNDO,
            connection: &self.found.connection,
            table: &self.found.table.name,
            kept: &kept,
            undo_of: Some(undone),
            is_planned: false,
        };
        let claim = begin(&host.run, beginning).await?;
        let id = claim.mutation().to_owned();
        let watched = Watched::new(&id, Arc::clone(host.journal()));
        let task = Task { host, watched: watched.clone(), id, kind: UNDO.to_owned(), output: Output::Counts };
        let sending = Sending {
            connection: Arc::clone(&self.found.connection),
            table: Arc::clone(&self.found.table),
            partitions: kept.partitions.iter().map(|code| Arc::from(code.as_str())).collect(),
            in_order: kept.in_order,
            verify: true,
            reselect: None,
            known: Vec::new(),
        };
        let stream = task.start(|task| async move {
            let undone = &self.found.record.start.id;
            let finished = match seal(&task, undone, &sending, self.limit).await {
                Ok(known) => task.send(claim, Sending { known, ..sending }).await,
                Err(error) => task.not_sealed(error).await,
            };
            drop(held);
            finished
        });
        Ok((watched, stream))
    }
}

/// Selects the rows of a reversal that was killed while it did so, and sends them.
pub(crate) async fn seal_and_send(task: &Task, claim: Claim, found: &Found, sending: Sending) -> Finished {
    let start = &found.record.start;
    let limit = match sql::parse(&start.statement) {
        Ok(Parsed::Journal(JournalCommand::Undo { limit, .. })) => limit,
        _ => {
            let message = "its statement is no UNDO any more: run it again";
            return task.not_sealed(Error::new(ErrorKind::Syntax, message)).await;
        }
    };
    let Some(undone) = &start.undo_of else {
        let message = "the journal does not say which mutation it undoes: run UNDO again";
        return task.not_sealed(Error::new(ErrorKind::Local, message)).await;
    };
    match seal(task, undone, &sending, limit).await {
        Ok(known) => task.send(claim, Sending { known, verify: true, ..sending }).await,
        Err(error) => task.not_sealed(error).await,
    }
}

/// Journals the reversal of each row, newest first. Returns what is known of rows that cannot be undone.
async fn seal(task: &Task, undone: &str, sending: &Sending, limit: Option<u64>) -> Result<Vec<RowChange>> {
    let journal = task.host.journal();
    let clock = &task.host.run.engine().parts().clock;
    let mut reversal = Reversal::of(journal, undone, &sending.table, limit).await?;
    let mut known = Vec::new();
    loop {
        if task.host.statement.cancellation().is_cancelled() {
            return Err(Error::cancelled());
        }
        let page = reversal.next().await?;
        if page.is_empty() {
            break;
        }
        let start = |reversed: &Reversed| RowStart { undoes: Some(reversed.of), ..reversed.row.start() };
        let rows: Vec<RowStart> = page.iter().map(start).collect();
        let impossible = page.into_iter().filter_map(|reversed| Some((reversed.row, reversed.impossible?)));
        known.extend(impossible.map(|(row, why)| skipped(&row, why, clock.now())));
        let id = task.id.clone();
        blocking(journal, move |journal| journal.add_rows(&id, &rows)).await?;
    }
    let (id, now) = (task.id.clone(), clock.now());
    blocking(journal, move |journal| journal.seal(&id, now, false)).await?;
    Ok(known)
}
