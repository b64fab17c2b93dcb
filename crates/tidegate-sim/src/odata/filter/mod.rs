//! `$filter` and `$orderby`: an own reading of the OData URL conventions.
//!
//! Deliberately strict: what the grammar or the type rules do not allow is refused with 400, so
//! that a client's mistake shows. Valid but unsupported syntax is refused with 501.

pub(crate) mod ast;
pub(crate) mod eval;
mod functions;
pub(crate) mod lexer;
pub(crate) mod parser;

#[cfg(test)]
mod tests;
