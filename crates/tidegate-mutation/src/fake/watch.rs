//! Looks on while a run writes its journal.

use std::sync::{Arc, Mutex};

use tidegate_state::{Journal, RowChange};

use crate::writer::Store;

/// The journal, and what each commit of it was.
#[derive(Debug)]
pub(crate) struct Watch {
    journal: Arc<Journal>,
    commits: Mutex<Vec<Commit>>,
}

/// One commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Commit {
    /// Rows that were about to leave.
    pub(crate) leaving: usize,
    /// Rows that are on disk as sent afterwards, without an answer.
    pub(crate) open: u64,
}

impl Watch {
    pub(crate) fn new(journal: Arc<Journal>) -> Self {
        Self { journal, commits: Mutex::default() }
    }

    /// All commits so far after which requests left.
    pub(crate) fn before_leaving(&self) -> Vec<Commit> {
        self.commits.lock().unwrap().iter().copied().filter(|commit| commit.leaving > 0).collect()
    }
}

impl Store for Watch {
    fn commit(&self, mutation: &str, changes: &[RowChange]) -> tidegate_state::Result<()> {
        self.journal.commit(mutation, changes)?;
        let leaving = changes.iter().filter(|change| matches!(change, RowChange::Sending { .. })).count();
        let open = self.journal.mutation(mutation)?.unwrap().counts.sent;
        self.commits.lock().unwrap().push(Commit { leaving, open });
        Ok(())
    }
}
