//! Splits a predicate into what an endpoint evaluates and what is left to do.
//!
//! Predicates are positive (no NOT node), so a leaf may be replaced by one that lets more rows pass, and a
//! member of an AND may be left out: the whole then lets more rows pass, never fewer. All of this module is
//! such replacement. It sends nothing and looks at nothing but the declaration.
//!
//! [`fit`] decides about the values, [`budget`] about the length of the URL.

mod budget;
mod fit;

use tidegate_spec::{ColumnType, Dialect, Exactness, Filters, ODataVersion, Operator, Table};

use crate::odata::query::is_comparable;
use crate::{CompareOp, LikeKind, Predicate, Scalar};
use fit::Fitted;

/// What of a filter an endpoint is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct PushedFilter {
    /// The part that is sent; `None` when nothing of it can be.
    pub predicate: Option<Predicate>,
    /// Whether the API then returns exactly the rows for which the whole filter is true. Otherwise the rows
    /// are at least those, and the filter has to be evaluated again.
    pub exact: bool,
}

impl PushedFilter {
    /// Nothing is sent; the filter is evaluated again.
    const NOTHING: Self = Self { predicate: None, exact: false };

    fn new(predicate: Predicate, exact: bool) -> Self {
        Self { predicate: Some(predicate), exact }
    }
}

/// The strongest predicate that the endpoint declares and that lets every row pass for which `filter` is true.
///
/// A value that the column cannot hold, or that services read differently, is widened or not pushed: more
/// digits than a decimal's scale, fractions of a millisecond, text with control characters. Parts that would
/// make the URL longer than [`tidegate_spec::Endpoint::max_url_length`] are left out, the longest first.
#[must_use]
pub fn push_filter(table: &Table, endpoint: usize, filter: &Predicate) -> PushedFilter {
    let Some(endpoint) = table.endpoints.get(endpoint) else { return PushedFilter::NOTHING };
    let Some(&Dialect::OData(version)) = endpoint.filters.dialect.as_ref() else { return PushedFilter::NOTHING };
    let pushed = Pusher { table, filters: &endpoint.filters, version }.push(filter);
    budget::keep_within(table, version, endpoint.max_url_length, pushed)
}

struct Pusher<'a> {
    table: &'a Table,
    filters: &'a Filters,
    version: ODataVersion,
}

impl Pusher<'_> {
    fn push(&self, filter: &Predicate) -> PushedFilter {
        match filter {
            Predicate::And(parts) => all_of(parts.iter().map(|part| self.push(part)).collect()),
            Predicate::Or(parts) => self.any_of(parts.iter().map(|part| self.push(part)).collect()),
            Predicate::Compare { column, op, value } => self.compare(*column, *op, value),
            Predicate::In { column, values, negated: false } => self.within(*column, values),
            Predicate::In { column, values, negated: true } => {
                all_of(values.iter().map(|value| self.compare(*column, CompareOp::NotEq, value)).collect())
            }
            Predicate::Like { column, kind, text, negated } => self.like(*column, *kind, text, *negated),
            Predicate::IsNull { column, negated } => self.is_null(*column, *negated),
        }
    }

    /// One member that cannot be pushed could be true where all others are false: then nothing can.
    fn any_of(&self, parts: Vec<PushedFilter>) -> PushedFilter {
        let exact = parts.iter().all(|part| part.exact);
        let parts: Option<Vec<_>> = parts.into_iter().map(|part| part.predicate).collect();
        match parts {
            Some(mut parts) if parts.len() == 1 => PushedFilter { predicate: parts.pop(), exact },
            Some(parts) if !parts.is_empty() && self.filters.or => PushedFilter::new(Predicate::Or(parts), exact),
            _ => PushedFilter::NOTHING,
        }
    }

    fn compare(&self, column: usize, op: CompareOp, value: &Scalar) -> PushedFilter {
        let Some(fitted) = self.fit(column, op, value) else { return PushedFilter::NOTHING };
        let parts = fitted.conditions.into_iter().map(|(op, value)| {
            let Some(exactness) = self.declared(column, operator(op)) else { return PushedFilter::NOTHING };
            let exact = fitted.exact && exactness == Exactness::Exact;
            PushedFilter::new(Predicate::Compare { column, op, value }, exact)
        });
        all_of(parts.collect())
    }

    fn within(&self, column: usize, values: &[Scalar]) -> PushedFilter {
        // Without `in` in its language, a list is written as alternatives.
        let writable = self.version >= ODataVersion::V401 || self.filters.or || values.len() == 1;
        if let Some(exactness) = self.declared(column, Operator::In).filter(|_| writable && !values.is_empty()) {
            let fitted: Option<Vec<_>> =
                values.iter().map(|value| self.fit(column, CompareOp::Eq, value)?.equal()).collect();
            if let Some(fitted) = fitted {
                let exact = exactness == Exactness::Exact && fitted.iter().all(|(_, exact)| *exact);
                let values = fitted.into_iter().map(|(value, _)| value).collect();
                return PushedFilter::new(Predicate::In { column, values, negated: false }, exact);
            }
        }
        self.any_of(values.iter().map(|value| self.compare(column, CompareOp::Eq, value)).collect())
    }

    fn like(&self, column: usize, kind: LikeKind, text: &str, negated: bool) -> PushedFilter {
        if text.is_empty() {
            // Every text but NULL is LIKE '%'. Services that keep '' as NULL would find none.
            return if negated { PushedFilter::NOTHING } else { self.is_null(column, true) };
        }
        let operator = match kind {
            _ if negated => Operator::NotLike,
            LikeKind::StartsWith => Operator::StartsWith,
            LikeKind::EndsWith => Operator::EndsWith,
            LikeKind::Contains => Operator::Contains,
        };
        let is_text = self.table.columns.get(column).is_some_and(|column| column.data_type == ColumnType::Text);
        match self.declared(column, operator) {
            Some(exactness) if is_text && fit::is_sendable(text) => {
                let predicate = Predicate::Like { column, kind, text: text.to_owned(), negated };
                PushedFilter::new(predicate, exactness == Exactness::Exact)
            }
            _ => PushedFilter::NOTHING,
        }
    }

    fn is_null(&self, column: usize, negated: bool) -> PushedFilter {
        let operator = if negated { Operator::IsNotNull } else { Operator::IsNull };
        self.declared(column, operator).map_or(PushedFilter::NOTHING, |exactness| {
            PushedFilter::new(Predicate::IsNull { column, negated }, exactness == Exactness::Exact)
        })
    }

    fn fit(&self, column: usize, op: CompareOp, value: &Scalar) -> Option<Fitted> {
        fit::fit(&self.table.columns.get(column)?.data_type, op, value)
    }

    fn declared(&self, column: usize, operator: Operator) -> Option<Exactness> {
        let null_test = matches!(operator, Operator::IsNull | Operator::IsNotNull);
        let data_type = &self.table.columns.get(column)?.data_type;
        self.filters.exactness(column, operator).filter(|_| null_test || is_comparable(data_type))
    }
}

/// Those of the parts that can be pushed, in one AND.
fn all_of(parts: Vec<PushedFilter>) -> PushedFilter {
    let exact = !parts.is_empty() && parts.iter().all(|part| part.exact && part.predicate.is_some());
    let mut kept = Vec::with_capacity(parts.len());
    for predicate in parts.into_iter().filter_map(|part| part.predicate) {
        match predicate {
            Predicate::And(inner) => kept.extend(inner),
            other => kept.push(other),
        }
    }
    let predicate = if kept.len() > 1 { Some(Predicate::And(kept)) } else { kept.pop() };
    PushedFilter { predicate, exact }
}

fn operator(op: CompareOp) -> Operator {
    match op {
        CompareOp::Eq => Operator::Eq,
        CompareOp::NotEq => Operator::NotEq,
        CompareOp::Lt => Operator::Lt,
        CompareOp::LtEq => Operator::LtEq,
        CompareOp::Gt => Operator::Gt,
        CompareOp::GtEq => Operator::GtEq,
    }
}

#[cfg(test)]
mod tests;
