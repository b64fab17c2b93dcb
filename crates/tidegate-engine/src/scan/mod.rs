//! Scans of remote tables: the table, the operators that talk to its API, and the rules that place them.
//!
//! [`ApiTable`] plans a scan: it takes every filter that can be evaluated here, asks the API for the part that
//! the endpoint declares, and leaves the rest to the operator. [`ApiScanExec`] holds only data; when it runs it
//! finds its connection and the paying statement through [`ScanContext`]. Nothing here sends a request while
//! a query is planned or explained.

mod advice;
mod aggregate;
mod asking;
mod choose;
mod combine;
mod config;
mod context;
mod contradiction;
mod count;
mod exec;
mod failures;
mod fanout;
mod filters;
mod halving;
mod keyed;
mod keys;
mod metrics;
mod missing;
mod offset;
mod order;
mod pace;
mod predict;
mod prune;
mod reader;
mod recheck;
mod requests;
mod rules;
mod sequence;
mod stream;
mod strict;
mod table;
mod to_end;
mod unasked;

pub use aggregate::ApiGroupsExec;
pub(crate) use aggregate::OneRowExec;
pub(crate) use asking::{Asked, Asking};
pub use config::session_config;
pub use context::{Notices, ScanContext};
pub use count::ApiCountExec;
pub use exec::ApiScanExec;
pub(crate) use filters::is_required;
pub(crate) use keyed::{Field, Keys, RowKey};
pub(crate) use metrics::ScanMetrics;
use predict::scan_calls;
pub(crate) use prune::pruned;
pub use rules::optimizer_rules;
pub(crate) use strict::strict;
pub use table::ApiTable;
pub(crate) use unasked::UnaskedExec;
