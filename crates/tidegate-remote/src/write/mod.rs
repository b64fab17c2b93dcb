//! From rows to be written to requests, and from answers to what became of each row.
//!
//! Nothing here waits, repeats or remembers: who calls it has journalled the rows before, and decides afterwards.

mod answer;
mod arrays;
mod batch;
mod cells;
mod compose;
mod digits;
mod fields;
mod items;
mod job;
mod node;
mod part;
mod parts;
mod path;
mod plan;
mod read;
mod send;
mod single;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod told;
mod verdict;
mod wire;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidegate_spec::WriteKind;

pub use arrays::{array_of, batch_of};
pub use cells::{cells_of, column_of, rows_of};
pub use compose::{Composed, Shown, Way, compose};
pub use plan::{Repeatable, batch_max, can_share, check, columns_needed, has_version, repeatable};
pub use read::{can_read_back, read_rows};
pub use send::send;
pub use wire::{is_same, storable};

/// A value of a column in one form that is the same for equal values, whatever the API writes:
///
/// | type | form |
/// |---|---|
/// | any, NULL | `null` |
/// | bool, integers | themselves |
/// | floats | a number; `"NaN"`, `"INF"`, `"-INF"` |
/// | decimal | a text with all digits of its scale: `"12.30"` |
/// | text | itself |
/// | uuid | a text in lower case |
/// | date, time | `"2024-05-31"`, `"23:59:59.000000"` |
/// | timestamp | `"2024-05-31T23:59:59.000000Z"`, local ones without the `Z` |
/// | binary | base64 with padding |
/// | json | the value; one that is no JSON, its text |
/// | list, struct | array, object by SQL name, of these |
pub type Cell = serde_json::Value;

/// Values by the SQL name of their column.
pub type Cells = BTreeMap<String, Cell>;

/// One row to be written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowWrite {
    /// What becomes of it.
    pub kind: WriteKind,
    /// Its key; empty for an INSERT whose key the API makes.
    pub key: Cells,
    /// Values before the change, as far as they are known.
    pub old: Cells,
    /// Values to be written: what is absent is not named by the statement, which is another thing than NULL.
    pub new: Cells,
    /// Its version, where the table has one.
    pub version: Option<String>,
    /// Key of this row, for [`tidegate_spec::Per::Row`], and text that traces it in a batch.
    pub row_key: String,
}

/// What became of a row, as far as one request tells.
#[derive(Debug, Clone, PartialEq)]
pub struct RowOutcome {
    /// What became of it.
    pub verdict: Verdict,
    /// HTTP status of the answer, or of the row's part of it.
    pub status: Option<u16>,
    /// What the server said, or what went wrong; cut to a line, without secrets.
    pub message: Option<String>,
    /// The row as the answer tells it, as far as it does.
    pub row: Cells,
    /// Its new version.
    pub version: Option<String>,
}

/// What became of a row, as far as one request tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It was done.
    Applied,
    /// The API took it for later.
    Accepted,
    /// The API refused this row, and changed nothing of it.
    Refused,
    /// The API refused the whole request for what may be the fault of one row of it: none was changed.
    RefusedTogether,
    /// Somebody else has changed the row: nothing was done.
    Stale,
    /// There is no such row.
    Absent,
    /// It may have been done or not.
    Doubtful,
    /// It surely has not left, or was refused before it was looked at: it can be sent later.
    NotSent(Why),
}

/// Why a request was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// A quota has no room, and the statement may not wait that long.
    Quota,
    /// The statement may send no more calls.
    CallBound,
    /// The user gave up.
    Cancelled,
    /// The server is not reached, or refuses the credentials: all rows would fare the same.
    Connection,
    /// The request cannot be made of these values.
    Row,
}
