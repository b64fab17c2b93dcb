//! Mutations: from SQL to journalled rows, and what became of them.

mod ast;
mod deal;
pub(crate) mod describe;
pub(crate) mod explain;
mod fit;
mod insert;
pub(crate) mod journal;
mod lanes;
mod layout;
mod limit;
mod merge;
mod named;
mod new;
pub(crate) mod plan;
mod predict;
pub(crate) mod prepare;
mod reach;
mod reselect;
mod resume;
pub(crate) mod returning;
pub(crate) mod rows;
pub(crate) mod run;
pub(crate) mod seal;
mod select;
mod shown;
pub(crate) mod summary;
pub(crate) mod target;
#[cfg(test)]
mod tests;
mod undo;
mod values;
mod verdict;
