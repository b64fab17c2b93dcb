//! Selects the rows of a mutation, journals them, and seals the journal: before that, nothing may be sent.

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use datafusion::execution::SessionState;
use tidegate_state::Journal;
use tokio::task::{JoinError, JoinHandle};

use super::lanes::{Failed, Sink};
use super::plan::Selection;
use super::rows::Selected;
use crate::{Error, ErrorKind, Result};

/// Rows that are journalled in one transaction.
const CHUNK: usize = 1_000;

/// A selection that is sealed.
#[derive(Debug)]
pub(crate) struct Sealed {
    /// Rows that were selected.
    pub(crate) rows: u64,
    /// Partitions that could not be read to their end.
    pub(crate) failed: Vec<Failed>,
}

/// The rows of a selection of which nothing is kept.
#[derive(Debug)]
pub(crate) struct Rows {
    /// The first of them.
    pub(crate) first: Vec<Selected>,
    /// Their number.
    pub(crate) total: u64,
    /// Partitions that could not be read to their end.
    pub(crate) failed: Vec<Failed>,
}

impl Selection {
    /// Selects the rows into the journal, and seals it.
    ///
    /// # Errors
    /// What reading fails for, values that cannot be written, a journal that cannot be written. Nothing is sealed then.
    pub(crate) async fn seal(
        &self,
        state: &SessionState,
        journal: &Arc<Journal>,
        mutation: &str,
        now: SystemTime,
        is_planned: bool,
    ) -> Result<Sealed> {
        let mut kept = Kept { journal, mutation, rows: Vec::new(), writing: None, total: 0 };
        let read = match self.run(state, &mut kept).await {
            Ok(failed) => kept.write().await.map(|()| failed),
            Err(error) => Err(error),
        };
        // Whatever became of it: nothing is being written any more when this returns.
        let written = kept.written().await;
        let failed = read?;
        written?;
        let total = kept.total;
        let (journal, mutation) = (Arc::clone(journal), mutation.to_owned());
        blocking(move || journal.seal(&mutation, now, is_planned)).await?;
        Ok(Sealed { rows: total, failed })
    }

    /// Reads the rows, and keeps only the first of them: nothing is journalled.
    ///
    /// # Errors
    /// What reading fails for, and values that cannot be written.
    pub(crate) async fn rows(&self, state: &SessionState, most: usize) -> Result<Rows> {
        let mut first = First { rows: Vec::new(), most, total: 0 };
        let failed = self.run(state, &mut first).await?;
        Ok(Rows { first: first.rows, total: first.total, failed })
    }
}

/// Writes rows into the journal: some, while the next ones are read.
struct Kept<'a> {
    journal: &'a Arc<Journal>,
    mutation: &'a str,
    rows: Vec<Selected>,
    writing: Option<JoinHandle<Result<()>>>,
    total: u64,
}

impl Kept<'_> {
    /// Begins to write what has come, after what is being written.
    async fn write(&mut self) -> Result<()> {
        self.written().await?;
        if self.rows.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows);
        let (journal, mutation) = (Arc::clone(self.journal), self.mutation.to_owned());
        self.writing = Some(tokio::task::spawn_blocking(move || {
            let rows = rows.into_iter().map(Selected::into_start).collect::<Result<Vec<_>>>()?;
            Ok(journal.add_rows(&mutation, &rows)?)
        }));
        Ok(())
    }

    /// Waits for what is being written.
    async fn written(&mut self) -> Result<()> {
        match self.writing.take() {
            Some(writing) => writing.await.map_err(not_written)?,
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Sink for Kept<'_> {
    async fn take(&mut self, rows: Vec<Selected>) -> Result<()> {
        self.total += rows.len() as u64;
        self.rows.extend(rows);
        if self.rows.len() >= CHUNK { self.write().await } else { Ok(()) }
    }
}

struct First {
    rows: Vec<Selected>,
    most: usize,
    total: u64,
}

#[async_trait]
impl Sink for First {
    async fn take(&mut self, rows: Vec<Selected>) -> Result<()> {
        self.total += rows.len() as u64;
        self.rows.extend(rows.into_iter().take(self.most.saturating_sub(self.rows.len())));
        Ok(())
    }
}

/// The journal is written where waiting for the disk holds nobody up.
async fn blocking(work: impl FnOnce() -> tidegate_state::Result<()> + Send + 'static) -> Result<()> {
    Ok(tokio::task::spawn_blocking(work).await.map_err(not_written)??)
}

fn not_written(error: JoinError) -> Error {
    Error::new(ErrorKind::Local, format!("the journal cannot be written: {error}"))
}
