//! Splits the filters of a query into what the API is asked for and what is evaluated again.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use tidegate_remote::Predicate;
use tidegate_remote::pushdown::push_filter;
use tidegate_spec::Table;

use crate::pushdown::{Pushed, convert};

/// Filters of one scan, divided.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FilterSplit {
    /// What the API is asked for.
    pub(super) pushed: Option<Predicate>,
    /// What has to be evaluated for every row that it returns.
    pub(super) residual: Option<Expr>,
    /// What the API declares to have evaluated exactly: checked again, since an API may ignore what it is asked.
    pub(super) verified: Vec<Expr>,
    /// No row can satisfy the filters: there is nothing to ask.
    pub(super) never: bool,
}

/// How far the API may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Nothing is pushed.
    Nothing,
    /// A value that cannot be read is NULL here and something else to the API: everything is evaluated again,
    /// and nobody is asked for NULL.
    Superset,
    /// What the endpoint declares.
    Declared,
}

/// Whether the scan operator can evaluate the filter: it gives the same answer each time, for one row of this
/// table alone, without waiting.
pub(super) fn evaluable(table: &Table, filter: &Expr) -> bool {
    let mut fits = !filter.is_volatile();
    let walked = filter.apply(|expr| {
        fits &= match expr {
            Expr::Column(column) => table.column_index(&column.name).is_some(),
            Expr::ScalarFunction(call) => call.func.as_async().is_none(),
            Expr::Exists(_) | Expr::InSubquery(_) | Expr::ScalarSubquery(_) | Expr::SetComparison(_) => false,
            Expr::OuterReferenceColumn(..) => false,
            Expr::AggregateFunction(_) | Expr::WindowFunction(_) | Expr::Unnest(_) => false,
            _ => true,
        };
        Ok(if fits { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    fits && walked.is_ok()
}

/// Divides the filters, all of which must hold.
pub(super) fn split(table: &Arc<Table>, endpoint: usize, filters: &[Expr], trust: Trust) -> FilterSplit {
    let local = || conjunction(filters.iter().cloned());
    if trust == Trust::Nothing {
        return FilterSplit { pushed: None, residual: local(), verified: Vec::new(), never: false };
    }
    let converted: Vec<Pushed> = filters.iter().map(|filter| convert(table, filter)).collect();
    if converted.iter().any(|pushed| pushed.never) {
        return FilterSplit { pushed: None, residual: None, verified: Vec::new(), never: true };
    }
    let asked = converted.iter().filter_map(|pushed| askable(pushed.predicate.clone()?, trust));
    let Some(wanted) = all(asked.collect()) else {
        let done = |pushed: &Pushed| trust == Trust::Declared && pushed.predicate.is_none() && pushed.whole;
        let residual = conjunction(rest(filters, &converted, done));
        return FilterSplit { pushed: None, residual, verified: Vec::new(), never: false };
    };
    if contradicts(&wanted) {
        return FilterSplit { pushed: None, residual: None, verified: Vec::new(), never: true };
    }
    let together = push_filter(table, endpoint, &wanted);
    if trust == Trust::Superset {
        return FilterSplit { pushed: together.predicate, residual: local(), verified: Vec::new(), never: false };
    }
    // Each filter alone tells which of them is exact, unless together they did not fit into one request.
    let alone = |predicate: &Predicate| push_filter(table, endpoint, predicate);
    let parts = converted.iter().filter_map(|pushed| alone(pushed.predicate.as_ref()?).predicate);
    let fitted = all(parts.collect()) == together.predicate;
    let exact = |pushed: &Pushed| {
        pushed.whole
            && match &pushed.predicate {
                None => true,
                Some(predicate) => together.exact || (fitted && alone(predicate).exact),
            }
    };
    let residual = conjunction(rest(filters, &converted, exact));
    let verified = rest(filters, &converted, |pushed| pushed.predicate.is_none() || !exact(pushed));
    FilterSplit { pushed: together.predicate, residual, verified, never: false }
}

fn rest(filters: &[Expr], converted: &[Pushed], done: impl Fn(&Pushed) -> bool) -> Vec<Expr> {
    filters.iter().zip(converted).filter(|(_, pushed)| !done(pushed)).map(|(filter, _)| filter.clone()).collect()
}

/// One predicate of several that must all hold.
pub(super) fn all(predicates: Vec<Predicate>) -> Option<Predicate> {
    let mut flat = Vec::with_capacity(predicates.len());
    for predicate in predicates {
        match predicate {
            Predicate::And(parts) => flat.extend(parts),
            other => flat.push(other),
        }
    }
    if flat.len() > 1 { Some(Predicate::And(flat)) } else { flat.pop() }
}

fn askable(predicate: Predicate, trust: Trust) -> Option<Predicate> {
    if trust == Trust::Superset { without_null_tests(predicate) } else { Some(predicate) }
}

/// A weaker predicate that does not ask for NULL. An OR loses all of it with one of its sides.
fn without_null_tests(predicate: Predicate) -> Option<Predicate> {
    match predicate {
        Predicate::IsNull { negated: false, .. } => None,
        Predicate::And(parts) => all(parts.into_iter().filter_map(without_null_tests).collect()),
        Predicate::Or(parts) => {
            parts.into_iter().map(without_null_tests).collect::<Option<Vec<_>>>().map(Predicate::Or)
        }
        other => Some(other),
    }
}

/// Whether a column would have to be NULL and not to be.
fn contradicts(predicate: &Predicate) -> bool {
    let Predicate::And(parts) = predicate else { return false };
    parts.iter().any(|part| match part {
        Predicate::IsNull { column, negated: false } => parts.iter().any(|other| excludes_null(other, *column)),
        _ => false,
    })
}

/// Whether NULL in the column satisfies no row of the predicate.
pub(super) fn excludes_null(predicate: &Predicate, wanted: usize) -> bool {
    match predicate {
        Predicate::And(parts) => parts.iter().any(|part| excludes_null(part, wanted)),
        Predicate::Or(parts) => parts.iter().all(|part| excludes_null(part, wanted)),
        Predicate::IsNull { column, negated } => *negated && *column == wanted,
        Predicate::Compare { column, .. } | Predicate::In { column, .. } | Predicate::Like { column, .. } => {
            *column == wanted
        }
    }
}
