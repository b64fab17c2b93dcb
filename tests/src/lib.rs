//! What the end-to-end tests share: running SQL here and in programs, and making random predicates.

pub mod predicates;
pub mod program;
pub mod queries;
pub mod run;
