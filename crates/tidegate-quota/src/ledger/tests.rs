//! The ledger: who gets a grant when, what is written, and what happens when things go wrong.

mod failures;
mod folder;
mod keeping;
mod processes;
mod races;
mod runs;
mod support;
mod waiting;
