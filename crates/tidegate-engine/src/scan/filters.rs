//! Splits the filters of a query into what the API is asked for and what is evaluated again.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use tidegate_remote::pushdown::{
    Alternative, CannotAsk, MissingFilter, alternatives, fewest_alternatives, push_filter,
};
use tidegate_remote::{CompareOp, Predicate, Scalar};
use tidegate_spec::{ColumnSource, Endpoint, FilterForm, Operator, Place, Table};

use super::contradiction::contradicts;
use crate::pushdown::{Pushed, convert, in_list};

/// Filters of one scan, as far as they are the same for every endpoint.
#[derive(Debug, Clone)]
pub(super) struct Question {
    table: Arc<Table>,
    filters: Vec<Expr>,
    converted: Vec<Pushed>,
    trust: Trust,
    /// What may be asked for; an endpoint takes a part of it.
    wanted: Option<Predicate>,
    /// No row can satisfy the filters: there is nothing to ask.
    pub(super) never: bool,
}

/// Filters of one scan, divided for one endpoint.
#[derive(Debug, Clone)]
pub(super) struct FilterSplit {
    /// The requests, each with what the API is asked for; none when no row can satisfy the filters.
    pub(super) alternatives: Vec<Alternative>,
    /// What has to be evaluated for every row that it returns.
    pub(super) residual: Option<Expr>,
    /// Whether a part of that is not asked for, not even more widely: then few rows may be wanted ones.
    pub(super) unasked: bool,
    /// What the API declares to have evaluated exactly: checked again, since an API may ignore what it is asked.
    pub(super) verified: Vec<Expr>,
}

/// How far the API may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Nothing is pushed but what an endpoint cannot be asked without, and all is evaluated again.
    Nothing,
    /// A value that cannot be read is NULL here and something else to the API: everything is evaluated again,
    /// and nobody is asked for NULL.
    Superset,
    /// What the endpoint declares.
    Declared,
}

/// Whether the scan operator can evaluate the filter: it gives the same answer each time, for one row alone of a table
/// that `has` its columns, without waiting.
pub(super) fn evaluable(filter: &Expr, has: impl Fn(&str) -> bool) -> bool {
    let mut fits = !filter.is_volatile();
    let walked = filter.apply(|expr| {
        fits &= match expr {
            Expr::Column(column) => has(&column.name),
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

impl Question {
    /// The question that these filters are, all of which must hold.
    pub(super) fn new(table: &Arc<Table>, filters: &[Expr], trust: Trust) -> Self {
        let converted: Vec<Pushed> = filters.iter().map(|filter| convert(table, filter)).collect();
        let wanted = converted.iter().filter_map(|pushed| askable(pushed.predicate.clone()?, trust));
        let wanted = all(wanted.collect());
        let never = converted.iter().any(|pushed| pushed.never) || wanted.as_ref().is_some_and(contradicts);
        Self { table: Arc::clone(table), filters: filters.to_vec(), converted, trust, wanted, never }
    }

    /// Columns that the filters read here, whichever endpoint is asked; sorted.
    pub(super) fn columns(&self) -> Vec<usize> {
        let read = self.filters.iter().zip(&self.converted).filter(|(_, pushed)| !self.is_always_true(pushed));
        let mut columns: Vec<usize> = read
            .flat_map(|(filter, _)| filter.column_refs())
            .filter_map(|column| self.table.column_index(&column.name))
            .collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Filters that read one of these columns.
    pub(super) fn filters_on(&self, columns: &[usize]) -> impl Iterator<Item = &Expr> {
        self.filters.iter().filter(move |filter| {
            let mut read = filter.column_refs().into_iter();
            read.any(|column| self.table.column_index(&column.name).is_some_and(|column| columns.contains(&column)))
        })
    }

    /// The filters as this endpoint takes them, where these columns are to be returned.
    ///
    /// # Errors
    /// Filters without which it cannot be asked, or too many values.
    pub(super) fn ask(&self, endpoint: usize, needed: &[usize]) -> Result<FilterSplit, CannotAsk> {
        Ok(self.split(endpoint, self.alternatives(endpoint, needed, self.wanted.as_ref())?))
    }

    /// The same in fewer requests, for which some filters are left to do here; `None` where it would not be fewer.
    pub(super) fn ask_at_once(&self, endpoint: usize, needed: &[usize], asked: &FilterSplit) -> Option<FilterSplit> {
        if asked.alternatives.len() < 2 || self.trust == Trust::Nothing {
            return None;
        }
        let alternatives = fewest_alternatives(&self.table, endpoint, self.wanted.as_ref()).ok()?;
        let is_said = needed.iter().all(|&column| !is_echo(&self.table, column) || is_said(&alternatives, column));
        (is_said && alternatives.len() < asked.alternatives.len()).then(|| self.split(endpoint, alternatives))
    }

    /// The requests that the endpoint is asked for `wanted` with, where these columns are to be returned.
    ///
    /// # Errors
    /// As [`Question::ask`].
    pub(super) fn alternatives(
        &self,
        endpoint: usize,
        needed: &[usize],
        wanted: Option<&Predicate>,
    ) -> Result<Vec<Alternative>, CannotAsk> {
        let wanted = match self.trust {
            Trust::Nothing => wanted.and_then(|wanted| self.indispensable(endpoint, wanted)),
            Trust::Superset | Trust::Declared => wanted.cloned(),
        };
        let alternatives = alternatives(&self.table, endpoint, wanted.as_ref())?;
        let unsaid: Vec<MissingFilter> = needed
            .iter()
            .filter(|&&column| is_echo(&self.table, column) && !is_said(&alternatives, column))
            .map(|&column| MissingFilter { column, operators: vec![Operator::Eq, Operator::In], unsayable: false })
            .collect();
        if unsaid.is_empty() { Ok(alternatives) } else { Err(CannotAsk::Missing(unsaid)) }
    }

    /// What is left to do of the filters when the endpoint is asked with these requests.
    pub(super) fn split(&self, endpoint: usize, alternatives: Vec<Alternative>) -> FilterSplit {
        if self.trust != Trust::Declared {
            let residual = conjunction(self.filters.iter().cloned());
            let unasked = self.converted.iter().any(|pushed| !self.is_sent(endpoint, pushed, &alternatives));
            return FilterSplit { alternatives, residual, unasked, verified: Vec::new() };
        }
        let exact = |pushed: &Pushed| pushed.whole && self.is_decided(endpoint, pushed, &alternatives);
        let residual = conjunction(self.rest(exact));
        let verified = self.rest(|pushed| pushed.predicate.is_none() || !exact(pushed));
        let unasked = self.converted.iter().any(|pushed| !self.is_sent(endpoint, pushed, &alternatives));
        FilterSplit { alternatives, residual, unasked, verified }
    }

    /// What may be asked for.
    pub(super) fn wanted(&self) -> Option<&Predicate> {
        self.wanted.as_ref()
    }

    fn rest(&self, done: impl Fn(&Pushed) -> bool) -> Vec<Expr> {
        let left = self.filters.iter().zip(&self.converted).filter(|(_, pushed)| !done(pushed));
        left.map(|(filter, _)| filter.clone()).collect()
    }

    fn is_always_true(&self, pushed: &Pushed) -> bool {
        self.trust == Trust::Declared && pushed.predicate.is_none() && pushed.whole
    }

    /// What has to be asked even where nothing is trusted: an endpoint cannot be asked without its required filters,
    /// and a column that echoes the request has no value without one.
    fn indispensable(&self, endpoint: usize, wanted: &Predicate) -> Option<Predicate> {
        let endpoint = self.table.endpoints.get(endpoint)?;
        let needs = |part: &&Predicate| {
            single_column(part).is_some_and(|column| is_required(endpoint, column) || is_echo(&self.table, column))
        };
        all(parts(wanted).iter().filter(needs).cloned().collect())
    }

    /// Whether the API is asked for all of this filter with every request, exactly or more widely.
    fn is_sent(&self, endpoint: usize, pushed: &Pushed, alternatives: &[Alternative]) -> bool {
        let Some(predicate) = &pushed.predicate else { return pushed.whole };
        pushed.whole
            && alternatives.iter().all(|alternative| {
                let own = push_filter(&self.table, endpoint, &within(predicate, &alternative.keys)).predicate;
                let sent = alternative.pushed.predicate.as_ref().map(parts).unwrap_or_default();
                own.is_some_and(|own| {
                    parts(&own).len() >= parts(predicate).len() && parts(&own).iter().all(|part| sent.contains(part))
                })
            })
    }

    /// Whether the API decides this filter exactly, with every request.
    fn is_decided(&self, endpoint: usize, pushed: &Pushed, alternatives: &[Alternative]) -> bool {
        let Some(predicate) = &pushed.predicate else { return true };
        alternatives.iter().all(|alternative| {
            if alternative.pushed.exact {
                return true;
            }
            // Each filter alone tells whether it is exact; it is sent unless there was no room for it.
            let own = within(predicate, &alternative.keys);
            let alone = push_filter(&self.table, endpoint, &own);
            let sent = alternative.pushed.predicate.as_ref().map(parts).unwrap_or_default();
            alone.exact && alone.predicate.as_ref().is_some_and(|own| parts(own).iter().all(|part| sent.contains(part)))
        })
    }
}

/// The predicate for rows whose columns have these values alone.
fn within(predicate: &Predicate, keys: &[(usize, Vec<Scalar>)]) -> Predicate {
    let Predicate::In { column, values, negated: false } = predicate else { return predicate.clone() };
    let Some((_, known)) = keys.iter().find(|(key, _)| key == column) else { return predicate.clone() };
    let left: Vec<Scalar> = known.iter().filter(|value| values.contains(value)).cloned().collect();
    if left.is_empty() { predicate.clone() } else { in_list(*column, left, false) }
}

/// Members of an AND, or the predicate itself.
pub(super) fn parts(predicate: &Predicate) -> &[Predicate] {
    match predicate {
        Predicate::And(parts) => parts,
        other => std::slice::from_ref(other),
    }
}

/// Whether the endpoint cannot be asked without a filter on the column: one that is declared so, or stands in its path.
pub(crate) fn is_required(endpoint: &Endpoint, column: usize) -> bool {
    let in_path = |form: &FilterForm| form.column == column && matches!(form.place, Place::Path(_));
    endpoint.filters.column(column).is_some_and(|filter| filter.required) || endpoint.filters.forms.iter().any(in_path)
}

/// Whether the column has the value of the request, and none without a filter.
pub(super) fn is_echo(table: &Table, column: usize) -> bool {
    table.columns.get(column).is_some_and(|column| column.source == ColumnSource::Request)
}

/// Whether each request asks for one value of the column.
pub(super) fn is_said(alternatives: &[Alternative], wanted: usize) -> bool {
    let is_one_value = |part: &Predicate| match part {
        Predicate::Compare { column, op: CompareOp::Eq, .. } => *column == wanted,
        Predicate::In { column, values, negated: false } => *column == wanted && values.len() == 1,
        _ => false,
    };
    let asked = |alternative: &Alternative| {
        alternative.pushed.predicate.as_ref().is_some_and(|pushed| parts(pushed).iter().any(is_one_value))
    };
    alternatives.iter().all(asked)
}

/// The column of a comparison; `None` for AND and OR.
pub(super) fn single_column(predicate: &Predicate) -> Option<usize> {
    match predicate {
        Predicate::And(_) | Predicate::Or(_) => None,
        Predicate::Compare { column, .. }
        | Predicate::In { column, .. }
        | Predicate::Like { column, .. }
        | Predicate::IsNull { column, .. } => Some(*column),
    }
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
    match trust {
        Trust::Declared => Some(predicate),
        Trust::Superset | Trust::Nothing => without_null_tests(predicate),
    }
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
