//! Columns that take a call for each row: which rows are asked for, how often, and what comes of answers.

mod joins;
mod mutations;
mod rows;
mod support;
