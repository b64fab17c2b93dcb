//! One row of a mutation, with its values as the journal keeps them.

use std::time::SystemTime;

use tidegate_remote::write::Cells;
use tidegate_spec::WriteKind;
use tidegate_state::RowState;

/// One row of a mutation. Values are by the SQL name of their column.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its place in the mutation, from 0.
    pub ordinal: u64,
    /// Partition, if the connection has any.
    pub partition: Option<String>,
    /// What becomes of it.
    pub kind: WriteKind,
    /// Its key; empty for an INSERT whose key the API makes, until it was made.
    pub key: Cells,
    /// Values before the change, of all columns that were read.
    pub old: Cells,
    /// Values to be written.
    pub new: Cells,
    /// Its version, where the table has one.
    pub version: Option<String>,
    /// What became of it.
    pub state: RowState,
    /// Requests that carried it.
    pub attempts: u32,
    /// Number of the last request that carried it.
    pub request: Option<u64>,
    /// Key under which the API does it once.
    pub idempotency_key: Option<String>,
    /// SHA-256 of the request's method, URL and body.
    pub digest: Option<String>,
    /// When it was first sent under this key.
    pub sent_at: Option<SystemTime>,
    /// HTTP status of its answer.
    pub status: Option<u16>,
    /// Why it failed, was skipped, or is unknown.
    pub error: Option<String>,
    /// What the API said the row is now.
    pub returned: Cells,
}
