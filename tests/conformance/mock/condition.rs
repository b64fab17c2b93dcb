//! Conditions as the server understood them, and which rows satisfy them.

use std::cmp::Ordering;

use tidegate_spec::Operator;

use crate::conformance::data::{Cell, Row};

/// A condition on a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Leaf { column: usize, operator: Operator, values: Vec<Cell> },
}

/// How faithfully the server evaluates filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Fidelity {
    /// As SQL means them.
    #[default]
    Exact,
    /// Case and blanks at the end of a text make no difference, where that lets more rows pass.
    Folding,
    /// Not at all, those in the path excepted.
    Ignoring,
}

impl Condition {
    /// All (column, operator) in it.
    pub(crate) fn leaves(&self) -> Vec<(usize, Operator)> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::leaves).collect(),
            Self::Leaf { column, operator, .. } => vec![(*column, *operator)],
        }
    }

    /// Whether the row satisfies it.
    pub(crate) fn holds(&self, row: &Row, folding: bool) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(row, folding)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(row, folding)),
            Self::Leaf { column, operator, values } => leaf(&row[*column], *operator, values, folding),
        }
    }
}

fn leaf(cell: &Cell, operator: Operator, values: &[Cell], folding: bool) -> bool {
    let first = values.first().unwrap_or(&Cell::Null);
    let text = |test: fn(&str, &str) -> bool| match (cell, first) {
        (Cell::Text(a), Cell::Text(b)) if folding => test(&fold(a), &fold(b)),
        (Cell::Text(a), Cell::Text(b)) => test(a, b),
        _ => false,
    };
    let equal = |value: &Cell| match (cell, value) {
        (Cell::Text(a), Cell::Text(b)) if folding => fold(a) == fold(b),
        _ => cell.compare(value) == Some(Ordering::Equal),
    };
    let order = cell.compare(first);
    match operator {
        Operator::Eq | Operator::In => values.iter().any(equal),
        Operator::NotEq => order.is_some_and(Ordering::is_ne),
        Operator::Lt => order.is_some_and(Ordering::is_lt),
        Operator::LtEq => order.is_some_and(Ordering::is_le),
        Operator::Gt => order.is_some_and(Ordering::is_gt),
        Operator::GtEq => order.is_some_and(Ordering::is_ge),
        Operator::StartsWith => text(|a, b| a.starts_with(b)),
        Operator::EndsWith => text(|a, b| a.ends_with(b)),
        Operator::Contains => text(|a, b| a.contains(b)),
        Operator::NotLike => panic!("no endpoint says which form of NOT LIKE it means"),
        Operator::IsNull => *cell == Cell::Null,
        Operator::IsNotNull => *cell != Cell::Null,
    }
}

fn fold(text: &str) -> String {
    text.trim_end_matches(' ').to_lowercase()
}
