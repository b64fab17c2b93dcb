//! Writes changes of rows to the journal for many callers at once: what they ask for while one commit waits for the disk
//! goes together into the next. No timer holds a caller up.
//!
//! Outcomes are noted: a request's outcome need not be on disk before the next one leaves, since a row that was sent and
//! has none is cleared up after a crash. They ride with the next commit, or are written soon by themselves.
//!
//! A writer owns the claim of its mutation and gives it up after its last write. So nobody goes on with a mutation while
//! outcomes of an earlier run are still on their way to the disk.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use tidegate_state::{Claim, ErrorKind, Journal, RowChange};
use tidegate_transport::Clock;
use tokio::sync::{mpsc, oneshot};

/// How long a note waits for a commit that it can ride with.
const NOTES_WAIT: Duration = Duration::from_millis(50);

/// Why changes are not in the journal.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// The journal cannot be written.
    #[error("{0}")]
    Journal(Arc<tidegate_state::Error>),
    /// The runtime was shut down, or the journal panicked.
    #[error("the journal of the mutation is not written any more, since the program is ending")]
    Ended,
}

impl WriteError {
    /// What kind of trouble the journal has.
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Journal(error) => Some(error.kind()),
            Self::Ended => None,
        }
    }
}

/// The one that writes a mutation's journal while it runs. Dropped, it writes what was noted, and gives up its claim.
#[derive(Debug)]
pub struct Writer {
    mutation: Arc<str>,
    journal: Arc<Journal>,
    messages: mpsc::UnboundedSender<Message>,
    task: tokio::task::JoinHandle<()>,
}

/// Tells a caller that its changes are on the disk, or why not.
type Answer = oneshot::Sender<Result<(), WriteError>>;

#[derive(Debug)]
enum Message {
    Commit(Vec<RowChange>, Answer),
    Note(Vec<RowChange>),
    Flush(Answer),
}

/// Where changes are written to.
pub(crate) trait Store: Debug + Send + Sync {
    fn commit(&self, mutation: &str, changes: &[RowChange]) -> tidegate_state::Result<()>;
}

impl Store for Journal {
    fn commit(&self, mutation: &str, changes: &[RowChange]) -> tidegate_state::Result<()> {
        Journal::commit(self, mutation, changes)
    }
}

impl Writer {
    /// A writer for the mutation of this claim. Must be made within a Tokio runtime.
    #[must_use]
    pub fn new(journal: Arc<Journal>, claim: Claim, clock: Arc<dyn Clock>) -> Self {
        let store = Arc::clone(&journal) as Arc<dyn Store>;
        Self::over(store, journal, claim, clock)
    }

    pub(crate) fn over(store: Arc<dyn Store>, journal: Arc<Journal>, claim: Claim, clock: Arc<dyn Clock>) -> Self {
        let (messages, received) = mpsc::unbounded_channel();
        let mutation: Arc<str> = claim.mutation().into();
        let desk = Desk {
            store,
            claim: Arc::new(claim),
            clock,
            changes: Vec::new(),
            commits: Vec::new(),
            flushes: Vec::new(),
            due: None,
            broken: None,
        };
        Self { mutation, journal, messages, task: tokio::spawn(desk.run(received)) }
    }

    /// Id of the mutation.
    #[must_use]
    pub fn mutation(&self) -> &str {
        &self.mutation
    }

    /// The journal that it writes.
    #[must_use]
    pub fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    /// Writes changes; they are on the disk when this returns. What is dropped while it waits may be written all the same.
    ///
    /// # Errors
    /// When the journal cannot be written, now or ever since this writer was made: nothing more may be sent.
    pub async fn commit(&self, changes: Vec<RowChange>) -> Result<(), WriteError> {
        self.ask(|answer| Message::Commit(changes, answer)).await
    }

    /// Writes changes with the next commit, or soon.
    pub fn note(&self, changes: Vec<RowChange>) {
        // A task that has ended is told of by the next commit or flush.
        let _ = self.messages.send(Message::Note(changes));
    }

    /// Returns once all that was noted is on the disk. What could not be written before is tried again.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn flush(&self) -> Result<(), WriteError> {
        self.ask(Message::Flush).await
    }

    /// Flushes, and gives up the claim: it is free when this returns.
    ///
    /// # Errors
    /// As [`Writer::flush`]; the claim is given up all the same.
    pub async fn close(self) -> Result<(), WriteError> {
        let flushed = self.flush().await;
        let Self { messages, task, .. } = self;
        drop(messages);
        flushed.and(task.await.map_err(|_| WriteError::Ended))
    }

    async fn ask(&self, message: impl FnOnce(Answer) -> Message) -> Result<(), WriteError> {
        let (answer, answered) = oneshot::channel();
        self.messages.send(message(answer)).map_err(|_| WriteError::Ended)?;
        answered.await.unwrap_or(Err(WriteError::Ended))
    }
}

/// What waits for the next write, in the task that writes.
#[derive(Debug)]
struct Desk {
    store: Arc<dyn Store>,
    claim: Arc<Claim>,
    clock: Arc<dyn Clock>,
    /// In the order in which they came.
    changes: Vec<RowChange>,
    commits: Vec<Answer>,
    flushes: Vec<Answer>,
    /// When notes are written at the latest, by [`Clock::elapsed`].
    due: Option<Duration>,
    /// The first failure.
    broken: Option<WriteError>,
}

impl Desk {
    async fn run(mut self, mut received: mpsc::UnboundedReceiver<Message>) {
        loop {
            let message = tokio::select! {
                biased;
                message = received.recv() => match message {
                    Some(message) => Some(message),
                    None => break,
                },
                () = until(self.due, &*self.clock) => None,
            };
            let is_due = message.is_none();
            if let Some(message) = message {
                self.take(message);
            }
            while let Ok(message) = received.try_recv() {
                self.take(message);
            }
            if is_due || !self.commits.is_empty() || !self.flushes.is_empty() {
                self.write().await;
            }
        }
        self.write().await;
    }

    fn take(&mut self, message: Message) {
        let mut changes = match message {
            Message::Commit(changes, answer) => {
                self.commits.push(answer);
                changes
            }
            Message::Note(changes) => {
                if self.broken.is_none() {
                    self.due.get_or_insert_with(|| self.clock.elapsed() + NOTES_WAIT);
                }
                changes
            }
            Message::Flush(answer) => {
                self.flushes.push(answer);
                Vec::new()
            }
        };
        if self.broken.is_some() {
            changes.retain(is_outcome);
        }
        self.changes.append(&mut changes);
    }

    /// Writes all that waits, and answers all that wait for it. Once it failed, only a flush tries again.
    async fn write(&mut self) {
        self.due = None;
        let written = match &self.broken {
            Some(error) if !self.commits.is_empty() && self.flushes.is_empty() => Err(error.clone()),
            _ => self.try_write().await,
        };
        if let Err(error) = &written {
            self.broken.get_or_insert_with(|| error.clone());
        }
        let may_send = self.broken.clone().map_or(Ok(()), Err);
        for (answers, result) in [(&mut self.commits, may_send), (&mut self.flushes, written)] {
            for answer in answers.drain(..) {
                // Who no longer waits need not be told.
                let _ = answer.send(result.clone());
            }
        }
    }

    async fn try_write(&mut self) -> Result<(), WriteError> {
        if self.changes.is_empty() {
            return Ok(());
        }
        let (store, claim) = (Arc::clone(&self.store), Arc::clone(&self.claim));
        let changes = std::mem::take(&mut self.changes);
        let write = move || (store.commit(claim.mutation(), &changes), changes);
        let (written, mut changes) = tokio::task::spawn_blocking(write).await.map_err(|_| WriteError::Ended)?;
        written.map_err(|error| {
            changes.retain(is_outcome);
            self.changes = changes;
            WriteError::Journal(Arc::new(error))
        })
    }
}

/// Whether a change tells what became of a row, and so holds even if it could not be written at once. A row that was about
/// to leave has not left.
fn is_outcome(change: &RowChange) -> bool {
    !matches!(change, RowChange::Sending { .. })
}

async fn until(due: Option<Duration>, clock: &dyn Clock) {
    match due {
        Some(due) => clock.sleep(due.saturating_sub(clock.elapsed())).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
