//! Changes of rows from SQL to the server's own log: exactly as many as asked for, each of them once, whatever goes wrong
//! on the way, and none that was not asked for.
//!
//! The simulator says what really happened ([`tidegate_sim::Sim::effects`]); what the statements say is compared with
//! that. Those that run in this process have a clock of their own, so that waiting takes no time; programs that are killed
//! have the real one.
//!
//! `KILLS=200` kills that many programs of each kind, `KILL_SEED=n` at the moments of an earlier run.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a random test says how to repeat it")]

mod appended;
mod batched;
mod bounds;
mod day;
mod exact;
mod killed;
mod subject;
mod undone;
mod watched;
