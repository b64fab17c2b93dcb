//! Carries out mutations: rows that are journalled and sealed become requests, and each row's outcome is found out.
//!
//! ```text
//! selection (engine) -> Journal: sealed rows -> lanes by partition -> requests -> outcomes -> Journal
//!                                                     └── doubtful rows: read back, or sent again where that is safe
//! ```
//!
//! Relies on `tidegate-state` for what is on disk, on `tidegate-remote` for requests and answers, and on the engine, behind
//! [`Reselect`], for SQL. It knows no SQL, and never sends a row whose state is not on disk.

mod job;
mod row;

pub use job::{Counts, Ended, Job, Lane, OnError, Policy, Report, Reselect, Reselected};
pub use row::Row;
