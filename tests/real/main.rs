//! Tests against servers that nobody here wrote. `tests/real/run` runs them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cache_suite;
mod cap;
mod cap_access;
mod cap_server;
mod cap_writes;
mod limiter;
mod mutated;
mod oauth;
mod prism;
mod proxy;
mod served;
mod stripe;
mod stripe_writes;
