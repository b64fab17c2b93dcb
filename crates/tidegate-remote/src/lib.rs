//! From a typed scan to requests, pages and Arrow batches; and from rows to be written to requests and their outcomes.
//!
//! A [`ScanRequest`] says in terms of the typed model what to ask for; [`scan()`] runs the endpoint's state
//! machine: step, request, response, decoded [`Page`], next step. Nothing here knows SQL or DataFusion.
//!
//! ```text
//! ScanRequest -> request (URL from filter, projection, sort, window) -> Transport -> body
//!             -> decode (JSON straight into Arrow builders + next link + count) -> Page -> next step
//! ```
//!
//! [`write`](mod@write) goes the other way: rows become the one request that changes them, and its answer what became of
//! each.
//!
//! A scan is complete or fails: an answer that is not what was asked for (a status, an HTML page, a body cut
//! short, a page seen before, a value of another type) ends the stream with an [`Error`] that names
//! connection, table and page.

pub mod aggregate;
pub mod arrow_types;
mod call;
pub mod decode;
pub mod detail;
pub mod discover;
mod error;
pub mod odata;
pub mod partition;
pub mod predicate;
mod probe;
pub mod pushdown;
mod render;
mod request;
pub mod scalar;
mod scan;
mod server_message;
mod source;
#[cfg(test)]
mod test_support;
pub mod write;

pub use error::{Error, ErrorKind, MISSING, Place};
pub use predicate::{CompareOp, LikeKind, Predicate};
pub use probe::probe;
pub use request::{BadValue, ScanRequest, SortKey};
pub use scalar::Scalar;
pub use scan::{Learnt, Page, PageStream, Tally, can_skip, count, scan, scan_ahead};
pub use source::Source;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
