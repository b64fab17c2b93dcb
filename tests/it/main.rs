//! End-to-end tests on the simulator.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access_paths;
#[path = "../conformance/mod.rs"]
mod conformance;
mod differential;
mod guide;
mod hostile;
mod readme;
mod slt;
