//! Selections: the SELECT of each statement, what it reads, what it deals, and what it refuses.

mod dealing;
mod refused;
mod sealing;
mod selected;
mod support;
mod written;
