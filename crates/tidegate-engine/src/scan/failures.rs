//! Partitions that failed: kept while the others are read, and told of together.

use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::RecordBatch;
use datafusion::common::{DataFusionError, Result};
use futures::{Stream, StreamExt, stream};

use super::ScanContext;
use crate::PartialResults;
use crate::error::{common_kind, listed, remote_kind};

/// Causes that an error shows.
const SHOWN: usize = 10;

/// What becomes of a scan when a partition fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tolerance {
    /// It fails.
    AtOnce,
    /// It fails when the others have been read.
    AtTheEnd,
    /// It goes on without.
    Warn,
}

impl Tolerance {
    /// What the session's setting makes of the tolerance that a scan has by itself.
    pub(super) fn under(self, setting: PartialResults) -> Self {
        match setting {
            PartialResults::Warn => Self::Warn,
            PartialResults::Fail => self,
        }
    }
}

/// The failed partitions of one run.
pub(super) struct Failures {
    scans: Arc<ScanContext>,
    connection: Arc<str>,
    table: String,
    /// The partitions that were to be read.
    codes: Arc<[Arc<str>]>,
    tolerance: Tolerance,
    failed: Mutex<Vec<Failure>>,
}

struct Failure {
    /// Its place among the partitions that were to be read.
    place: usize,
    code: Arc<str>,
    /// Rows that had been handed on.
    rows: usize,
    error: tidegate_remote::Error,
}

/// Partitions that failed for the same reason.
struct Group<'a> {
    cause: String,
    failures: Vec<&'a Failure>,
}

impl Failures {
    pub(super) fn new(
        scans: Arc<ScanContext>,
        connection: &Arc<str>,
        table: &str,
        codes: Arc<[Arc<str>]>,
        tolerance: Tolerance,
    ) -> Self {
        let (connection, table) = (Arc::clone(connection), table.to_owned());
        Self { scans, connection, table, codes, tolerance, failed: Mutex::default() }
    }

    /// Takes the failure of the partition at a place, of which `rows` rows had been handed on.
    ///
    /// # Errors
    /// The failure itself, where the scan does not go on: it is none of one partition, or nothing is tolerated.
    pub(super) fn take(&self, place: usize, rows: usize, error: DataFusionError) -> Result<()> {
        let DataFusionError::External(source) = error else { return Err(error) };
        let error = *source.downcast::<tidegate_remote::Error>().map_err(DataFusionError::External)?;
        if self.tolerance == Tolerance::AtOnce || is_of_all(&error) {
            return Err(DataFusionError::External(Box::new(error)));
        }
        let Some(code) = self.codes.get(place).cloned() else { return Ok(()) };
        let failure = Failure { place, code, rows, error };
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
        Ok(())
    }

    /// Ends the run.
    ///
    /// # Errors
    /// One that names all partitions that failed, unless that is tolerated.
    pub(super) fn finish(&self) -> Result<()> {
        let goes_on = self.tolerance == Tolerance::Warn;
        if goes_on && self.failed.lock().unwrap_or_else(PoisonError::into_inner).len() < self.codes.len() {
            self.warn();
            return Ok(());
        }
        let mut failed = self.taken();
        match failed.as_slice() {
            [] => Ok(()),
            // The error names its partition already.
            [_] if self.codes.len() == 1 => Err(DataFusionError::External(Box::new(failed.remove(0).error))),
            _ => {
                let message = format!(
                    "{}.{}: {}; {}",
                    self.connection,
                    self.table,
                    self.text(&failed, "failed"),
                    if goes_on {
                        "none is left to go on with"
                    } else {
                        "SET tidegate.partial_results = 'warn' goes on without them"
                    }
                );
                let kind = common_kind(failed.iter().map(|failure| remote_kind(&failure.error)));
                let first = failed.remove(0).error;
                Err(crate::Error::new(kind, message).with_source(first).into())
            }
        }
    }

    fn taken(&self) -> Vec<Failure> {
        let mut failed = std::mem::take(&mut *self.failed.lock().unwrap_or_else(PoisonError::into_inner));
        failed.sort_unstable_by_key(|failure| failure.place);
        failed
    }

    fn warn(&self) {
        let failed = self.taken();
        if failed.is_empty() {
            return;
        }
        let rows: usize = failed.iter().map(|failure| failure.rows).sum();
        let before = if rows == 0 { String::new() } else { format!("; {rows} of their rows had come before") };
        let text = self.text(&failed, "failed and are missing in the result");
        self.scans.notices.missing(&self.connection, format!("{}.{}: {text}{before}", self.connection, self.table));
    }

    fn text(&self, failed: &[Failure], what: &str) -> String {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for failure in failed {
            let cause = failure.cause();
            match groups.iter_mut().find(|group| group.cause == cause) {
                Some(group) => group.failures.push(failure),
                None => groups.push(Group { cause, failures: vec![failure] }),
            }
        }
        groups.sort_by_key(|group| std::cmp::Reverse(group.failures.len()));
        let shown: Vec<String> = groups.iter().take(SHOWN).map(Group::text).collect();
        let others = match groups.len().checked_sub(SHOWN).filter(|others| *others > 0) {
            Some(others) => format!("; and {others} more causes"),
            None => String::new(),
        };
        format!("{} of {} partitions {what}: {}{others}", failed.len(), self.codes.len(), shown.join("; "))
    }
}

impl Drop for Failures {
    /// A reader that stops early has a result that lacks rows, too.
    fn drop(&mut self) {
        if self.tolerance == Tolerance::Warn {
            self.warn();
        }
    }
}

impl Failure {
    /// Why, in words that are the same for other partitions.
    fn cause(&self) -> String {
        self.error.kind.to_string().replace(&format!("partition {}", self.code), "the partition")
    }
}

impl Group<'_> {
    /// The partitions, the cause, and where the first of them met it.
    fn text(&self) -> String {
        let codes: Vec<&str> = self.failures.iter().map(|failure| failure.code.as_ref()).collect();
        let place = self.failures.first().map(|failure| &failure.error.place);
        let page = place.and_then(|place| place.page).map(|page| format!("page {page}"));
        let url = place.map(|place| place.url.clone()).filter(|url| !url.is_empty());
        let place: Vec<String> = page.into_iter().chain(url).collect();
        let place = if place.is_empty() { String::new() } else { format!(" ({})", place.join(", ")) };
        format!("{}: {}{place}", listed(&codes), self.cause)
    }
}

/// The same rows, and after all of them the error of a statement that may send no more calls: those that it was allowed
/// are under way, and were paid for.
pub(super) fn bound_last(
    rows: impl Stream<Item = Result<RecordBatch>> + Send + Unpin,
) -> impl Stream<Item = Result<RecordBatch>> + Send {
    stream::unfold((rows, None), |(mut rows, mut held)| async move {
        loop {
            match rows.next().await {
                Some(Err(error)) if is_bound(&error) => held = held.or(Some(error)),
                Some(next) => return Some((next, (rows, held))),
                None => return held.take().map(|error| (Err(error), (rows, held))),
            }
        }
    })
}

fn is_bound(error: &DataFusionError) -> bool {
    let DataFusionError::External(source) = error else { return false };
    source.downcast_ref::<tidegate_remote::Error>().is_some_and(is_call_bound)
}

fn is_call_bound(error: &tidegate_remote::Error) -> bool {
    matches!(&error.kind, tidegate_remote::ErrorKind::Transport(error)
        if error.kind() == tidegate_transport::ErrorKind::CallBound)
}

/// Whether the failure is none of its partition: the user gave up, or the statement may send no more.
fn is_of_all(error: &tidegate_remote::Error) -> bool {
    error.is_cancelled() || is_call_bound(error)
}
