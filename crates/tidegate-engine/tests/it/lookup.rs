//! Lookup joins: what is asked for, beside the rows, and the same without pushdown.

mod joins;
mod random;
mod shapes;
mod support;
