//! What a front end learns of a mutation: while it runs, and when it has ended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_mutation::{Counts, Ended};
use tidegate_state::{Journal, RowCounts};

use crate::{Error, ErrorKind};

/// A mutation as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MutationSummary {
    /// Its id, for `system.mutations`, RESUME, APPLY and UNDO.
    pub id: String,
    /// Its rows by what became of them, over all its runs. While it runs, what is known of them so far.
    pub counts: Counts,
    /// HTTP attempts of this run of it; filled in when it has ended.
    pub calls: u64,
    /// How far it is.
    pub phase: MutationPhase,
    /// Partitions that gave up while the others went on, with why, in the order in which they did.
    pub failed_partitions: Vec<(String, String)>,
}

/// How far a mutation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MutationPhase {
    /// Its rows are being selected: nothing was sent.
    Selecting,
    /// Its rows are being sent.
    Sending,
    /// This run of it has ended.
    Ended(MutationEnd),
}

/// How a run of a mutation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MutationEnd {
    /// Its rows are selected, and wait for APPLY.
    Planned,
    /// No row is left to send.
    Done,
    /// More rows failed than were allowed.
    Failures(String),
    /// A bound or a quota ended it, as asked. It can be resumed.
    Stopped(String),
    /// The server is not reached, or refuses the credentials. It can be resumed.
    Connection(String),
    /// The user gave up. It can be resumed.
    Cancelled,
    /// Something of ours failed, such as its journal. It can be resumed if it was sealed.
    Failed(String),
}

impl MutationSummary {
    /// Whether all that was asked for was done: no row failed, was skipped, is unknown or left, and no partition gave up.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let Counts { failed, skipped, unknown, left, .. } = self.counts;
        let is_planned = self.phase == MutationPhase::Ended(MutationEnd::Planned);
        let is_done = is_planned || (self.phase == MutationPhase::Ended(MutationEnd::Done) && left == 0);
        is_done && failed + skipped + unknown == 0 && self.failed_partitions.is_empty()
    }

    /// Whether a bound or a quota ended it, as asked: exit code 3.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        matches!(self.phase, MutationPhase::Ended(MutationEnd::Stopped(_)))
    }
}

impl From<Ended> for MutationEnd {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Done => Self::Done,
            Ended::Failures(why) => Self::Failures(why),
            Ended::Stopped(why) => Self::Stopped(why),
            Ended::Connection(why) => Self::Connection(why),
            Ended::Cancelled => Self::Cancelled,
        }
    }
}

/// The summary of one mutation, shared by the task that runs it and whoever watches.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    summary: Arc<Mutex<MutationSummary>>,
    journal: Arc<Journal>,
    /// Whether a partition was left out for anything but a quota or a bound.
    has_failures: Arc<AtomicBool>,
}

impl Watched {
    /// One that begins.
    pub(crate) fn new(id: &str, journal: Arc<Journal>) -> Self {
        let (counts, phase, failed_partitions) = (Counts::default(), MutationPhase::Selecting, Vec::new());
        let summary = MutationSummary { id: id.to_owned(), counts, calls: 0, phase, failed_partitions };
        Self { summary: Arc::new(Mutex::new(summary)), journal, has_failures: Arc::default() }
    }

    /// As it stands. While rows are sent their counts are those that the journal has: a short look into it.
    pub(crate) fn get(&self) -> MutationSummary {
        let mut summary = self.lock().clone();
        if summary.phase == MutationPhase::Sending
            && let Ok(Some(record)) = self.journal.mutation(&summary.id)
        {
            summary.counts = counts(&record.counts);
        }
        summary
    }

    pub(crate) fn set_phase(&self, phase: MutationPhase) {
        self.lock().phase = phase;
    }

    /// So many rows are sealed.
    pub(crate) fn sealed(&self, rows: u64) {
        self.lock().counts = Counts { selected: rows, left: rows, ..Counts::default() };
    }

    /// A partition that gave up while the others go on.
    pub(crate) fn partition_failed(&self, partition: &str, error: &Error) {
        if !matches!(error.kind(), ErrorKind::QuotaExhausted | ErrorKind::CallBound) {
            self.has_failures.store(true, Ordering::Relaxed);
        }
        self.lock().failed_partitions.push((partition.to_owned(), error.to_string()));
    }

    /// Whether partitions were left out, and all of them for a quota or a bound.
    pub(crate) fn is_short_of_quota(&self) -> bool {
        !self.lock().failed_partitions.is_empty() && !self.has_failures.load(Ordering::Relaxed)
    }

    /// This run has ended with these rows, after so many calls.
    pub(crate) fn ended(&self, end: MutationEnd, counts: Counts, calls: u64) {
        let mut summary = self.lock();
        summary.counts = counts;
        summary.calls = calls;
        summary.phase = MutationPhase::Ended(end);
    }

    fn lock(&self) -> MutexGuard<'_, MutationSummary> {
        self.summary.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts of the journal as a user reads them: what was sent without an outcome is unknown.
pub(crate) fn counts(of: &RowCounts) -> Counts {
    Counts {
        selected: of.selected + of.sent + of.applied + of.accepted + of.failed + of.skipped + of.unknown,
        applied: of.applied,
        accepted: of.accepted,
        failed: of.failed,
        skipped: of.skipped,
        unknown: of.unknown + of.sent,
        left: of.selected,
    }
}
