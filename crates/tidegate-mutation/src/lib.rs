//! Carries out mutations: rows that are journalled and sealed become requests, and each row's outcome is found out.
//!
//! ```text
//! selection (engine) -> Journal: sealed rows -> lanes by partition -> requests -> outcomes -> Journal
//!                                                     └── doubtful rows: read back, or sent again where that is safe
//! ```
//!
//! Relies on `tidegate-state` for what is on disk, on `tidegate-remote` for requests and answers, and on the engine, behind
//! [`Reselect`], for SQL. It knows no SQL, and never sends a row whose state is not on disk.
//!
//! `decide` has the rules that make it safe, as tables without side effects; `lane` follows them.

mod ahead;
mod answer;
mod book;
mod brake;
mod clear;
mod decide;
mod error;
#[cfg(test)]
mod fake;
mod found;
mod group;
mod item;
mod job;
mod keys;
mod lane;
mod load;
mod request;
mod reselect;
mod row;
mod run;
mod undo;
mod verify;
mod wire;
mod writer;

pub use error::Error;
pub use job::{Counts, Ended, Job, Lane, OnError, Policy, Report, Reselect, Reselected};
pub use row::Row;
pub use run::run;
pub use undo::{Reversal, Reversed, skipped};
pub use writer::{WriteError, Writer};
