//! What is to be done, under which rules, and what became of it.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use tidegate_remote::Source;
use tidegate_remote::write::Cells;
use tidegate_spec::Table;
use tidegate_transport::{Clock, Statement};

/// A sealed mutation that is to be carried out, or to be gone on with.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its id in the journal.
    pub mutation: String,
    /// The table that it changes.
    pub table: Arc<Table>,
    /// Its partitions; one lane without a partition for a connection that has none.
    pub lanes: Vec<Lane>,
    /// How it goes on after failures, and how fast.
    pub policy: Policy,
    /// Selects rows anew by their keys, under the statement's own WHERE; `None` where there is none (INSERT, UNDO).
    pub reselect: Option<Arc<dyn Reselect>>,
    /// Whether rows are sent only if their old values still hold: after APPLY, UNDO, and for old selections.
    pub verify: bool,
    /// The statement that pays. Its cancellation ends the mutation after the writes under way.
    pub statement: Arc<Statement>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// One partition of a mutation: its rows are sent under its own quotas.
#[derive(Debug, Clone)]
pub struct Lane {
    /// Its code; `None` for a connection without partitions.
    pub partition: Option<Arc<str>>,
    /// Where its requests go.
    pub source: Source,
}

/// How a mutation goes on after failures, and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// What a failed row means for the rest.
    pub on_error: OnError,
    /// Most requests of one partition under way.
    pub concurrency: usize,
    /// Whether rows of a partition are sent one after another in their order.
    pub in_order: bool,
}

/// What a failed row means for the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// Nothing more is sent.
    Stop,
    /// The rest goes on until more than so many rows have failed.
    Continue(u64),
}

/// A row as the statement selects it now.
#[derive(Debug, Clone, PartialEq)]
pub struct Reselected {
    /// Its key.
    pub key: Cells,
    /// Values that it has now.
    pub old: Cells,
    /// Values to be written, computed from those.
    pub new: Cells,
    /// Its version now.
    pub version: Option<String>,
}

/// Selects rows anew: the statement's own selection, narrowed to some keys.
#[async_trait]
pub trait Reselect: Debug + Send + Sync {
    /// The rows with these keys for which the statement's WHERE holds now; others are absent.
    ///
    /// # Errors
    /// When they cannot be read: a sentence for the user.
    async fn reselect(&self, partition: Option<&str>, keys: &[Cells]) -> Result<Vec<Reselected>, String>;
}

/// Rows of a mutation by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// All that were selected.
    pub selected: u64,
    /// Done.
    pub applied: u64,
    /// Taken by the API for later.
    pub accepted: u64,
    /// Refused.
    pub failed: u64,
    /// Not sent for a reason.
    pub skipped: u64,
    /// It cannot be found out.
    pub unknown: u64,
    /// Not sent yet: they wait for RESUME.
    pub left: u64,
}

/// How a run of a mutation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// No row is left to send.
    Done,
    /// More rows failed than were allowed. The sentence says how many and why the first did.
    Failures(String),
    /// A bound or a quota ended it, as asked.
    Stopped(String),
    /// The connection failed: the server is not reached, or refuses the credentials.
    Connection(String),
    /// The user gave up.
    Cancelled,
}

/// What became of a mutation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its rows, over all its runs.
    pub counts: Counts,
    /// How this run ended.
    pub ended: Ended,
}
