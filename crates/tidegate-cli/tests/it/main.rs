//! The built program, run as users run it: formats, exit codes, pipes, configuration, recording.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod api;
mod connector;
mod failures;
mod formats;
mod program;
mod quotas;
mod startup;
mod trust;
