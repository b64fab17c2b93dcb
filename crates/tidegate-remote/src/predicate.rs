//! Predicates as an endpoint may be asked for them: typed, serialisable, in negation normal form.
//!
//! There is no NOT node: negation is pushed to the leaves when a predicate is made, where three-valued logic
//! stays right (`NOT (a < 5)` is `a >= 5`, and NULL satisfies neither). A predicate selects the rows for which
//! it is TRUE. Keeping the tree positive is what makes approximation sound: replacing any leaf by one that
//! lets more rows pass can only let more rows pass in the whole.

use serde::{Deserialize, Serialize};

use crate::Scalar;

/// A condition on the rows of one table. Columns are indices into the table's columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Predicate {
    /// All of them; at least two.
    And(Vec<Predicate>),
    /// Any of them; at least two.
    Or(Vec<Predicate>),
    /// `column op value`; NULL does not satisfy it, whatever the operator.
    Compare {
        /// Column.
        column: usize,
        /// Operator.
        op: CompareOp,
        /// Right-hand side.
        value: Scalar,
    },
    /// `column [NOT] IN (values)`; at least one value. NULL satisfies neither form.
    In {
        /// Column.
        column: usize,
        /// The list.
        values: Vec<Scalar>,
        /// NOT IN.
        negated: bool,
    },
    /// `column [NOT] LIKE …` for patterns that are a plain text with `%` before, after, or around it.
    Like {
        /// Column.
        column: usize,
        /// Where the text stands.
        kind: LikeKind,
        /// The plain text, unescaped.
        text: String,
        /// NOT LIKE.
        negated: bool,
    },
    /// `column IS [NOT] NULL`.
    IsNull {
        /// Column.
        column: usize,
        /// IS NOT NULL.
        negated: bool,
    },
}

/// Comparison operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompareOp {
    /// `=`
    Eq,
    /// `<>`
    NotEq,
    /// `<`
    Lt,
    /// `<=`
    LtEq,
    /// `>`
    Gt,
    /// `>=`
    GtEq,
}

/// Where the text of a LIKE stands in the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LikeKind {
    /// `LIKE 'text%'`
    StartsWith,
    /// `LIKE '%text'`
    EndsWith,
    /// `LIKE '%text%'`
    Contains,
}
