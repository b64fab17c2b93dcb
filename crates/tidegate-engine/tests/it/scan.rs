//! Scans over a scripted API: the plan, the requests that were sent, and the rows, with pushdown and without.

mod order;
mod pushing;
mod stopping;
mod support;
