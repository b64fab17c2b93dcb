//! Scans over HTTP against the simulated API: requests that are sent, rows that come, and what goes wrong.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod faults;
mod filters;
mod paging;
mod support;
