//! Rows of the system tables about mutations, as the journal has them: those of the session's principal.

use std::sync::Arc;

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use tidegate_state::{Journal, MutationRecord, MutationState, RowRecord, RowState};

use super::rows::Value;
use crate::mutate::journal::blocking;
use crate::mutate::returning::outcome;
use crate::mutate::summary::counts;
use crate::session::Shared;
use crate::{Error, Result};

/// Most mutations that are shown, the newest.
const MOST: u32 = 10_000;

/// Rows that are read at a time.
const PAGE: u32 = 1_000;

/// Rows of a system table, some at a time.
pub(super) type Pages = BoxStream<'static, Result<Vec<Vec<Value>>>>;

/// Mutations of the session's principal, newest first, with whether somebody runs them.
async fn known(journal: &Arc<Journal>, principal: &Arc<str>) -> Result<Vec<(MutationRecord, bool)>> {
    let principal = Arc::clone(principal);
    blocking(journal, move |journal| {
        let mut records = journal.mutations(MOST)?;
        records.retain(|record| *record.start.principal == *principal);
        let runs = |record: MutationRecord| {
            let may_run = matches!(record.state, MutationState::Selecting | MutationState::Sealed);
            let is_run = may_run && journal.is_claimed(&record.start.id)?;
            Ok((record, is_run))
        };
        records.into_iter().map(runs).collect()
    })
    .await
}

pub(super) fn mutations(shared: &Shared) -> Pages {
    let (journal, principal) = (Arc::clone(&shared.engine().parts().journal), Arc::clone(shared.principal()));
    let rows = async move {
        let records = known(&journal, &principal).await?;
        Ok::<_, Error>(records.into_iter().map(|(record, is_run)| mutation(record, is_run)).collect())
    };
    stream::once(rows).boxed()
}

fn mutation(record: MutationRecord, is_run: bool) -> Vec<Value> {
    let of = counts(&record.counts);
    // While it is run, what was sent has yet to be answered.
    let (unknown, sent) = if is_run { (record.counts.unknown, record.counts.sent) } else { (of.unknown, 0) };
    let state = state(&record, is_run);
    let start = record.start;
    vec![
        start.id.into(),
        start.statement.into(),
        start.kind.into(),
        state.into(),
        start.connection.into(),
        start.table.into(),
        of.selected.into(),
        of.applied.into(),
        of.accepted.into(),
        of.failed.into(),
        of.skipped.into(),
        unknown.into(),
        of.left.into(),
        sent.into(),
        record.calls.into(),
        record.reason.into(),
        start.label.into(),
        start.undo_of.into(),
        start.started_at.into(),
        record.sealed_at.into(),
        record.ended_at.into(),
    ]
}

/// One that should be running and that nobody runs was interrupted.
fn state(record: &MutationRecord, is_run: bool) -> &'static str {
    match (record.state, is_run) {
        (MutationState::Selecting, true) => "selecting",
        (MutationState::Sealed, true) => "running",
        (MutationState::Selecting | MutationState::Sealed, false) => "interrupted",
        (state, _) => state.name(),
    }
}

pub(super) fn mutation_rows(shared: &Shared) -> Pages {
    let (journal, principal) = (Arc::clone(&shared.engine().parts().journal), Arc::clone(shared.principal()));
    let of_all = async move {
        let records = known(&journal, &principal).await?;
        let pages =
            records.into_iter().map(move |(record, is_run)| pages(Arc::clone(&journal), record.start.id, is_run));
        Ok::<_, Error>(stream::iter(pages).flatten())
    };
    stream::once(of_all).try_flatten().boxed()
}

/// The rows of one mutation.
fn pages(journal: Arc<Journal>, id: String, is_run: bool) -> Pages {
    let pages = stream::try_unfold(Some(None), move |after| {
        let (journal, id) = (Arc::clone(&journal), id.clone());
        async move {
            let Some(after) = after else { return Ok(None) };
            let mutation = id.clone();
            let records = blocking(&journal, move |journal| journal.rows(&mutation, after, PAGE, None, None)).await?;
            let next = records.last().map(|record| Some(record.start.ordinal));
            let rows = records.into_iter().map(|record| row(&id, record, is_run)).collect::<Vec<_>>();
            Ok::<_, Error>(Some((rows, next)))
        }
    });
    pages.boxed()
}

/// Why nobody knows what became of a row that was sent.
fn left_open(state: RowState, is_run: bool) -> Option<String> {
    let is_open = state == RowState::Sent && !is_run;
    is_open.then(|| "it was sent, and its answer was lost; RESUME MUTATION looks at it again".to_owned())
}

fn row(id: &str, record: RowRecord, is_run: bool) -> Vec<Value> {
    let start = record.start;
    vec![
        id.into(),
        start.ordinal.into(),
        start.partition.into(),
        start.kind.into(),
        start.key.into(),
        start.old.into(),
        start.new.into(),
        record.returned.into(),
        if is_run { record.state.name() } else { outcome(record.state) }.into(),
        record.status.into(),
        record.error.or_else(|| left_open(record.state, is_run)).into(),
        record.attempts.into(),
        record.idempotency_key.into(),
        record.sent_at.into(),
        record.ended_at.into(),
    ]
}
