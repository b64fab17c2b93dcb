//! Tests against servers that nobody here wrote. `tests/real/run` runs them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cap;
mod cap_server;
mod limiter;
mod oauth;
mod prism;
mod served;
mod stripe;
