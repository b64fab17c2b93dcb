//! The layers over real sockets. Servers are a few lines of raw HTTP on 127.0.0.1, so that they can break rules.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper that cannot go on fails its test")]

mod environment;
mod http;
mod recording;
mod redirects;
mod retries;
mod secrets;
mod server;
mod stack;
