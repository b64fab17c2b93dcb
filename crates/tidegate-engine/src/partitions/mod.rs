//! Partitions of connections: which there are, which of them a session has selected, and which tables have them.
//!
//! A connection names its partitions itself, or a table of it lists them; [`lists`] reads and keeps such lists. Relies on
//! name resolution for the call that a list may need: nothing else here sends anything.
//!
//! A table is read once in each selected partition, and has the column `_partition`, if its requests need one: where
//! `{partition}` stands in the connection's URL, or in the path, constants or body of one of its endpoints (others are
//! then not asked). Any other table is the same for all partitions, is read once, and has no such column; so is the
//! table that lists the partitions.

mod lists;
mod reach;
mod selection;
mod tables;

pub(crate) use lists::{Lists, known_partitions, resolve};
pub use reach::Reach;
pub(crate) use reach::reach;
pub(crate) use selection::{Selection, there_are};
pub(crate) use tables::{COLUMN, Role, base_needs_partition, hidden, is_partitioned, role, source_of};
