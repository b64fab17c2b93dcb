//! A mutation that is run, or planned, for the first time.

use std::sync::Arc;

use datafusion::execution::SendableRecordBatchStream;
use datafusion::scalar::ScalarValue;

use super::journal::{Beginning, Kept, begin};
use super::plan::Selection;
use super::returning::Output;
use super::run::{Host, Sending, Task};
use super::summary::Watched;
use crate::{Result, session};

/// Partitions over which it is worth its time to predict what is only kept.
const PREDICTED: usize = 64;

/// A mutation whose selection is planned.
#[derive(Debug)]
pub(crate) struct New {
    /// What it selects, and what becomes of that.
    pub(crate) selection: Selection,
    /// What it returns.
    pub(crate) output: Output,
    /// What bare names mean.
    pub(crate) default_schema: String,
    /// Whether its rows wait for APPLY.
    pub(crate) is_planned: bool,
}

impl New {
    /// Journals its beginning and starts it.
    ///
    /// # Errors
    /// Parameters that do not fit, more calls than it may send, and those of the journal.
    pub(crate) async fn start(
        self,
        host: Host,
        params: Vec<ScalarValue>,
    ) -> Result<(Watched, SendableRecordBatchStream)> {
        let has_params = !params.is_empty();
        let selection = self.selection.bind(params)?;
        let state = host.state()?;
        check_bounds(&host, &selection).await?;
        if selection.partitions.len() <= PREDICTED {
            let predicted = selection.predict(&state).await?;
            let predicted = if self.is_planned { predicted.read } else { predicted.all() };
            host.run.note_predicted(predicted.calls());
        }
        let kept = Kept {
            default_schema: self.default_schema,
            partitions: selection.partitions.iter().map(ToString::to_string).collect(),
            settings: host.run.settings().changed(),
            is_whole: !has_params && host.run.is_whole(),
            in_order: selection.has_order,
        };
        let kind = selection.kind.name();
        let beginning = Beginning {
            kind,
            connection: &selection.connection,
            table: &selection.table.name,
            kept: &kept,
            undo_of: None,
            is_planned: self.is_planned,
        };
        let claim = begin(&host.run, beginning).await?;
        let id = claim.mutation().to_owned();
        let watched = Watched::new(&id, Arc::clone(host.journal()));
        let task = Task { host, watched: watched.clone(), id, kind: kind.to_owned(), output: self.output };
        let is_planned = self.is_planned;
        let stream = task.start(|task| async move {
            let reselect = selection.reselect(state.clone());
            if let Err(finished) = task.seal(&selection, &state, is_planned).await {
                return finished;
            }
            if is_planned {
                return task.planned().await;
            }
            let sending = Sending {
                connection: Arc::clone(&selection.connection),
                table: Arc::clone(&selection.table),
                partitions: selection.partitions.to_vec(),
                in_order: selection.has_order,
                verify: false,
                reselect,
                known: Vec::new(),
            };
            task.send(claim, sending).await
        });
        Ok((watched, stream))
    }
}

/// Refuses a selection that surely needs more calls than the statement may send.
async fn check_bounds(host: &Host, selection: &Selection) -> Result<()> {
    if host.statement.bounds().max_calls.is_none() {
        return Ok(());
    }
    let plans = selection.physical(&host.state()?).await?;
    let plans: Vec<_> = plans.into_iter().map(|(_, plan)| plan).collect();
    session::check_calls_of(&host.statement, &plans)
}
