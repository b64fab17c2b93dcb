//! Scans over a scripted API: the plan, the requests that were sent, and the rows, with pushdown and without.

mod aggregates;
mod choice;
mod groups;
mod offset;
mod order;
mod parallel;
mod pushing;
mod refused;
mod required;
pub(crate) mod rest;
mod stopping;
pub(crate) mod support;
