//! What the end-to-end tests share: running SQL, and making random predicates.

pub mod predicates;
pub mod run;
