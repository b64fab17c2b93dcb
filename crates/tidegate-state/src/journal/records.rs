//! What the journal keeps, as plain data. What keys, values and settings mean is their writer's business: they are JSON
//! texts here.

use std::time::SystemTime;

/// A mutation as it begins: before anything is selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MutationStart {
    /// Its id: a UUID.
    pub id: String,
    /// On whose behalf.
    pub principal: String,
    /// `update`, `delete`, `insert`, `merge`, `undo`.
    pub kind: String,
    /// Its text, with secrets blanked.
    pub statement: String,
    /// Settings and whatever else is needed to go on with it, as JSON.
    pub settings: String,
    /// Connection, as named in SQL.
    pub connection: String,
    /// Table, as named in SQL.
    pub table: String,
    /// Origin of the connection, such as `https://api.example.com`.
    pub origin: String,
    /// Identifies origin, path and credential without telling the credential.
    pub fingerprint: String,
    /// The mutation that this one undoes.
    pub undo_of: Option<String>,
    /// Whether its rows wait for APPLY.
    pub is_planned: bool,
    /// The session's label.
    pub label: Option<String>,
    /// When.
    pub started_at: SystemTime,
}

/// How far a mutation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MutationState {
    /// Its rows are being selected: nothing was sent.
    Selecting,
    /// Its rows are selected and wait for APPLY.
    Planned,
    /// Its rows are selected for good, and are being sent; or its process has died.
    Sealed,
    /// It ended before all was done: by a bound, a quota, failures, or the user. It can be resumed.
    Stopped,
    /// No row is left to send. Some may have failed, or be unknown.
    Done,
    /// It failed while selecting: nothing was sent and nothing will be.
    Failed,
}

impl MutationState {
    /// All of them, in the order in which they stand in the database.
    pub const ALL: [Self; 6] = [Self::Selecting, Self::Planned, Self::Sealed, Self::Stopped, Self::Done, Self::Failed];

    /// Its name, such as `sealed`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Selecting => "selecting",
            Self::Planned => "planned",
            Self::Sealed => "sealed",
            Self::Stopped => "stopped",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// A mutation as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MutationRecord {
    /// Its beginning.
    pub start: MutationStart,
    /// How far it has come.
    pub state: MutationState,
    /// Why it ended as it did, in a sentence.
    pub reason: Option<String>,
    /// HTTP attempts of all its runs.
    pub calls: u64,
    /// When its selection was sealed.
    pub sealed_at: Option<SystemTime>,
    /// When it ended, the last time.
    pub ended_at: Option<SystemTime>,
    /// Its rows by state.
    pub counts: RowCounts,
}

/// What [`Journal::prune`](crate::Journal::prune) did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Mutations that are gone.
    pub mutations: u64,
    /// Bytes that the journal still uses.
    pub bytes: u64,
}

/// Rows of a mutation by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowCounts {
    /// Not sent yet.
    pub selected: u64,
    /// Sent, and no outcome is on disk.
    pub sent: u64,
    /// Done.
    pub applied: u64,
    /// Taken by the API for later.
    pub accepted: u64,
    /// Refused: nothing was changed.
    pub failed: u64,
    /// Not sent for a reason: the row was changed since, or the WHERE no longer holds.
    pub skipped: u64,
    /// It cannot be found out whether they were done.
    pub unknown: u64,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowState {
    /// Not sent yet.
    Selected,
    /// About to leave, or sent: no outcome is on disk.
    Sent,
    /// Done.
    Applied,
    /// Taken by the API for later.
    Accepted,
    /// Refused: nothing was changed.
    Failed,
    /// Not sent for a reason.
    Skipped,
    /// It cannot be found out whether it was done.
    Unknown,
}

impl RowState {
    /// All of them, in the order in which they stand in the database.
    pub const ALL: [Self; 7] =
        [Self::Selected, Self::Sent, Self::Applied, Self::Accepted, Self::Failed, Self::Skipped, Self::Unknown];

    /// Its name, such as `applied`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Selected => "selected",
            Self::Sent => "sent",
            Self::Applied => "applied",
            Self::Accepted => "accepted",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
        }
    }
}

/// A row as it was selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowStart {
    /// Its place in the mutation, from 0. Rows are sent in this order within a partition where order matters.
    pub ordinal: u64,
    /// Partition, if the connection has any.
    pub partition: Option<String>,
    /// `insert`, `update`, `delete`.
    pub kind: String,
    /// Its key, as a JSON object by column; `None` where the API gives it.
    pub key: Option<String>,
    /// Values before the change, as a JSON object by column.
    pub old: Option<String>,
    /// Values to be written, as a JSON object by column.
    pub new: Option<String>,
    /// Its version, for `If-Match` and the like.
    pub version: Option<String>,
    /// Ordinal of the row that it undoes, in [`MutationStart::undo_of`].
    pub undoes: Option<u64>,
}

/// A row as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRecord {
    /// As it was selected, but with the key and the version that its answer gave.
    pub start: RowStart,
    /// What became of it.
    pub state: RowState,
    /// Requests that carried it.
    pub attempts: u32,
    /// Number of the last request that carried it: rows that were sent together have the same.
    pub request: Option<u64>,
    /// Key under which the API does it once.
    pub idempotency_key: Option<String>,
    /// SHA-256 of the request's method, URL and body, in hexadecimal: a repeat must be the same.
    pub digest: Option<String>,
    /// When it was last sent; of several times under one idempotency key the first.
    pub sent_at: Option<SystemTime>,
    /// HTTP status of its answer.
    pub status: Option<u16>,
    /// Why it failed, was skipped, or is unknown.
    pub error: Option<String>,
    /// What the API said the row is now, as a JSON object by column.
    pub returned: Option<String>,
    /// When its outcome was known.
    pub ended_at: Option<SystemTime>,
}

/// A change of a row's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowChange {
    /// It is about to leave. On disk before it does.
    Sending {
        /// The row.
        ordinal: u64,
        /// Number of the request.
        request: u64,
        /// Key under which the API does it once.
        idempotency_key: Option<String>,
        /// As [`RowRecord::digest`].
        digest: Option<String>,
        /// As [`RowRecord::sent_at`].
        sent_at: SystemTime,
    },
    /// It has surely not left after all: it is selected again. One that had been sent before, with an unknown outcome,
    /// is as it was before this sending: sent.
    Returned {
        /// The row.
        ordinal: u64,
    },
    /// It is selected anew, with other values, since the row was changed and the WHERE still holds.
    Reselected {
        /// As it is now; the ordinal says which.
        row: RowStart,
    },
    /// Its outcome.
    Ended {
        /// The row.
        ordinal: u64,
        /// Applied, accepted, failed, skipped or unknown.
        state: RowState,
        /// HTTP status.
        status: Option<u16>,
        /// Why, unless it was done.
        error: Option<String>,
        /// What the API said the row is now.
        returned: Option<String>,
        /// Its key, where the API gave it.
        key: Option<String>,
        /// Its new version.
        version: Option<String>,
        /// When.
        ended_at: SystemTime,
    },
}
