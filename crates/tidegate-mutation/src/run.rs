//! A run of a mutation: all its lanes at once, until no row is left or something ends it.

use std::sync::atomic::AtomicU64;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tidegate_state::{RowCounts, RowState};

use crate::book::{Book, Ending};
use crate::brake::Brake;
use crate::item::Said;
use crate::lane::drive;
use crate::{Counts, Ended, Error, Job, Report, Row, Writer};

/// What the lanes of a run share.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) job: &'a Job,
    pub(crate) book: Book<'a>,
    pub(crate) brake: Brake,
    /// Number of the last request.
    pub(crate) numbers: AtomicU64,
    /// The same before this run: requests with higher numbers are its own.
    pub(crate) earlier: u64,
}

impl Run<'_> {
    /// Whether a further request may be sent.
    pub(crate) fn may_send(&self) -> bool {
        if self.job.statement.cancellation().is_cancelled() {
            self.brake.halt(Ended::Cancelled);
        }
        self.brake.is_open()
    }

    /// Whether rows may be read back.
    pub(crate) fn may_read(&self) -> bool {
        !self.job.statement.cancellation().is_cancelled() && self.brake.may_read()
    }

    /// Keeps a row's outcome.
    pub(crate) fn end(&self, row: &Row, ending: Ending) {
        self.book.ended(row, ending, self.job.clock.now());
    }

    /// A row has failed: nothing of it was changed.
    pub(crate) fn failed(&self, row: &Row, said: &Said) {
        self.brake.failed(&said.sentence());
        self.end(row, Ending::failed(said));
    }

    /// A row is not sent, for a reason.
    pub(crate) fn skipped(&self, row: &Row, why: impl Into<String>) {
        self.end(row, Ending::without(RowState::Skipped, None, why.into()));
    }
}

/// Carries out a sealed mutation as far as it goes, or goes on with it. What became of each row is on disk when it returns;
/// the mutation's own state is the caller's to change.
///
/// Dropping it at any moment leaves a journal that another run goes on from. `writer` is the mutation's, with its claim.
///
/// # Errors
/// When the journal fails. Nothing is sent after that, and what was under way is waited for.
pub async fn run(job: Job, writer: &Writer) -> Result<Report, Error> {
    let book = Book::new(writer);
    let earlier = book.last_request().await?;
    let numbers = AtomicU64::new(earlier);
    let run = Run { brake: Brake::new(job.policy.on_error), job: &job, book, numbers, earlier };
    let mut lanes: FuturesUnordered<_> = job.lanes.iter().map(|lane| drive(&run, lane)).collect();
    let mut first_error = None;
    while let Some(ended) = lanes.next().await {
        if let Err(error) = ended {
            first_error.get_or_insert(error);
        }
    }
    drop(lanes);
    let flushed = run.book.flush().await;
    if let Some(error) = first_error {
        return Err(error);
    }
    flushed?;
    let rows = run.book.counts().await?;
    Ok(Report { counts: counts(rows), ended: ended(run.brake.ended(), rows.selected + rows.sent) })
}

/// Rows that were sent and have no outcome are not known; a later run may find out.
fn counts(rows: RowCounts) -> Counts {
    let RowCounts { selected, sent, applied, accepted, failed, skipped, unknown } = rows;
    let all = selected + sent + applied + accepted + failed + skipped + unknown;
    Counts { selected: all, applied, accepted, failed, skipped, unknown: unknown + sent, left: selected }
}

/// Nothing is done that has rows left.
fn ended(ended: Ended, left: u64) -> Ended {
    match ended {
        Ended::Done if left > 0 => Ended::Stopped(format!("{left} rows are in partitions that are not at hand")),
        ended => ended,
    }
}

#[cfg(test)]
mod tests;
