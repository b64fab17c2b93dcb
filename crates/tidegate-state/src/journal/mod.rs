//! The journal of mutations, in `journal.db` of the state folder: what a mutation is going to change, row by row, and
//! what became of it.

mod records;

pub use records::{MutationRecord, MutationStart, MutationState, RowChange, RowCounts, RowRecord, RowStart, RowState};
