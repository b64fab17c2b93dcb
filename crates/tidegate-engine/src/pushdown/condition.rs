//! The algebra of partly converted conditions: AND and OR that stay sound when a side is weaker than it should be.

use tidegate_remote::{CompareOp, Predicate, Scalar};

/// Rows that a condition lets pass, at least.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    pub(super) rows: Rows,
    /// Whether these are exactly the rows for which the expression is TRUE.
    pub(super) whole: bool,
}

/// What a predicate cannot say has a place of its own.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rows {
    None,
    All,
    Where(Predicate),
}

impl Condition {
    /// Nothing is known: every row may pass.
    pub(super) const UNKNOWN: Self = Self { rows: Rows::All, whole: false };

    pub(super) fn constant(passes: bool) -> Self {
        Self { rows: if passes { Rows::All } else { Rows::None }, whole: true }
    }

    pub(super) fn exact(predicate: Predicate) -> Self {
        Self { rows: Rows::Where(predicate), whole: true }
    }

    pub(super) fn weaker(predicate: Predicate) -> Self {
        Self { rows: Rows::Where(predicate), whole: false }
    }

    /// Both. No row at all is exact whatever the other side is.
    pub(super) fn and(self, other: Self) -> Self {
        let whole = self.whole && other.whole;
        let rows = match (self.rows, other.rows) {
            (Rows::None, _) | (_, Rows::None) => return Self::constant(false),
            (Rows::All, rows) | (rows, Rows::All) => rows,
            (Rows::Where(left), Rows::Where(right)) => match both(left, right) {
                Some(both) => Rows::Where(both),
                None => return Self::constant(false),
            },
        };
        Self { rows, whole }
    }

    /// Either. All rows are exact only if one side says so exactly.
    pub(super) fn or(self, other: Self) -> Self {
        let whole = self.whole && other.whole;
        let always = |side: &Self| side.whole && side.rows == Rows::All;
        if always(&self) || always(&other) {
            return Self::constant(true);
        }
        let rows = match (self.rows, other.rows) {
            (Rows::All, _) | (_, Rows::All) => Rows::All,
            (Rows::None, rows) | (rows, Rows::None) => rows,
            (Rows::Where(left), Rows::Where(right)) => Rows::Where(either(left, right)),
        };
        Self { rows, whole }
    }
}

/// Flat OR of two predicates. Equalities of one column become IN: DataFusion takes short lists apart, and a list is
/// shorter in a URL and needs no OR of the endpoint.
fn either(left: Predicate, right: Predicate) -> Predicate {
    let mut parts = parts(left, false);
    for part in self::parts(right, false) {
        if parts.contains(&part) {
            continue;
        }
        match parts.iter_mut().find_map(|known| union(known, &part, false).map(|list| (known, list))) {
            Some((known, list)) => *known = list,
            None => parts.push(part),
        }
    }
    if parts.len() == 1 { parts.swap_remove(0) } else { Predicate::Or(parts) }
}

/// Flat AND of two predicates, or `None` if lists of one column leave each other no value. Inequalities become NOT IN,
/// and of two lists that which both allow is left.
fn both(left: Predicate, right: Predicate) -> Option<Predicate> {
    let mut parts = parts(left, true);
    for part in self::parts(right, true) {
        if parts.contains(&part) {
            continue;
        }
        match parts.iter_mut().find_map(|known| common(known, &part).map(|list| (known, list))) {
            Some((known, list)) => *known = list?,
            None => parts.push(part),
        }
    }
    Some(if parts.len() == 1 { parts.swap_remove(0) } else { Predicate::And(parts) })
}

/// What two lists (or single values) of one column leave together, which may be nothing.
fn common(left: &Predicate, right: &Predicate) -> Option<Option<Predicate>> {
    if let Some(excluded) = union(left, right, true) {
        return Some(Some(excluded));
    }
    let (listed, other) = if list(left, false).is_some() { (left, right) } else { (right, left) };
    let (column, mut values) = list(listed, false)?;
    let (of, others, are_left) = match (list(other, false), list(other, true)) {
        (Some((of, others)), _) => (of, others, true),
        (_, Some((of, others))) => (of, others, false),
        _ => return None,
    };
    if of != column {
        return None;
    }
    values.retain(|value| others.contains(value) == are_left);
    Some((!values.is_empty()).then(|| in_list(column, values, false)))
}

fn parts(predicate: Predicate, and: bool) -> Vec<Predicate> {
    match predicate {
        Predicate::And(parts) if and => parts,
        Predicate::Or(parts) if !and => parts,
        other => vec![other],
    }
}

/// The list that holds both, when both are lists (or single values) of one column.
fn union(left: &Predicate, right: &Predicate, negated: bool) -> Option<Predicate> {
    let ((column, mut values), (other, more)) = (list(left, negated)?, list(right, negated)?);
    if column != other {
        return None;
    }
    for value in more {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    Some(in_list(column, values, negated))
}

/// Values of `column = v` and `column IN (…)`, or of their opposites when `negated`.
fn list(predicate: &Predicate, negated: bool) -> Option<(usize, Vec<Scalar>)> {
    let equality = if negated { CompareOp::NotEq } else { CompareOp::Eq };
    match predicate {
        Predicate::Compare { column, op, value } if *op == equality => Some((*column, vec![value.clone()])),
        Predicate::In { column, values, negated: is } if *is == negated => Some((*column, values.clone())),
        _ => None,
    }
}

/// `column [NOT] IN (values)`; one value is a comparison.
pub(crate) fn in_list(column: usize, mut values: Vec<Scalar>, negated: bool) -> Predicate {
    if values.len() == 1 {
        let op = if negated { CompareOp::NotEq } else { CompareOp::Eq };
        return Predicate::Compare { column, op, value: values.swap_remove(0) };
    }
    Predicate::In { column, values, negated }
}
