//! What of a predicate can be said to an endpoint, leaf by leaf.

use tidegate_spec::{ColumnSource, ColumnType, Dialect, Exactness, Filters, ODataVersion, Operator, Table};

use super::PushedFilter;
use super::fit::{self, Fitted};
use crate::odata::query::is_comparable;
use crate::render::way::{Way, comparison, pattern};
use crate::render::{form, item, text, time};
use crate::{CompareOp, LikeKind, Predicate, Scalar};

/// Services read milliseconds; some no more.
const ODATA_GRAIN: i64 = 1000;

#[derive(Clone, Copy)]
pub(super) struct Pusher<'a> {
    table: &'a Table,
    filters: &'a Filters,
    /// Whether what is pushed stands in an OR. A place of its own cannot be said there.
    in_or: bool,
}

impl<'a> Pusher<'a> {
    pub(super) fn new(table: &'a Table, filters: &'a Filters) -> Self {
        Self { table, filters, in_or: false }
    }

    pub(super) fn push(&self, filter: &Predicate) -> PushedFilter {
        match filter {
            Predicate::And(parts) => all_of(parts.iter().map(|part| self.push(part)).collect()),
            Predicate::Or(parts) => {
                let inner = self.within_or(parts.len());
                self.any_of(parts.iter().map(|part| inner.push(part)).collect())
            }
            Predicate::Compare { column, op, value } => self.compare(*column, *op, value),
            Predicate::In { column, values, negated: false } => self.within(*column, values),
            Predicate::In { column, values, negated: true } => {
                all_of(values.iter().map(|value| self.compare(*column, CompareOp::NotEq, value)).collect())
            }
            Predicate::Like { column, kind, text, negated } => self.like(*column, *kind, text, *negated),
            Predicate::IsNull { column, negated } => self.is_null(*column, *negated),
        }
    }

    fn within_or(self, members: usize) -> Self {
        Self { in_or: self.in_or || members > 1, ..self }
    }

    /// One member that cannot be pushed could be true where all others are false: then nothing can.
    fn any_of(&self, parts: Vec<PushedFilter>) -> PushedFilter {
        let exact = parts.iter().all(|part| part.exact);
        let parts: Option<Vec<_>> = parts.into_iter().map(|part| part.predicate).collect();
        match parts {
            Some(mut parts) if parts.len() == 1 => PushedFilter { predicate: parts.pop(), exact },
            Some(parts) if !parts.is_empty() && self.has_or() => PushedFilter::new(Predicate::Or(parts), exact),
            _ => PushedFilter::NOTHING,
        }
    }

    fn has_or(&self) -> bool {
        self.filters.or
            && match &self.filters.dialect {
                Some(Dialect::OData(_)) => true,
                Some(Dialect::Text(dialect)) => text::can_join(dialect),
                _ => false,
            }
    }

    fn compare(&self, column: usize, op: CompareOp, value: &Scalar) -> PushedFilter {
        if self.odata(column, comparison(op)).is_some() {
            return self.compare_in_odata(column, op, value);
        }
        if let Some(pushed) = self.as_it_is(column, op, value) {
            return pushed;
        }
        let weaker = |op| self.as_it_is(column, op, value).map(inexact);
        match op {
            CompareOp::Gt => weaker(CompareOp::GtEq).or_else(|| self.a_grain_further(column, op, value)),
            CompareOp::Lt => weaker(CompareOp::LtEq).or_else(|| self.a_grain_further(column, op, value)),
            CompareOp::GtEq => self.a_grain_further(column, CompareOp::Gt, value),
            CompareOp::LtEq => self.a_grain_further(column, CompareOp::Lt, value),
            CompareOp::Eq => self.list(column, std::slice::from_ref(value)).or_else(|| {
                let bounds = [weaker(CompareOp::GtEq), weaker(CompareOp::LtEq)];
                Some(inexact(all_of(bounds.into_iter().flatten().collect())))
            }),
            CompareOp::NotEq => None,
        }
        .unwrap_or(PushedFilter::NOTHING)
    }

    fn compare_in_odata(&self, column: usize, op: CompareOp, value: &Scalar) -> PushedFilter {
        let Some(fitted) = self.fit(column, ODATA_GRAIN, op, value) else { return PushedFilter::NOTHING };
        let parts = fitted.conditions.into_iter().map(|(op, value)| {
            let Some(exactness) = self.declared(column, comparison(op)) else { return PushedFilter::NOTHING };
            let exact = fitted.exact && exactness == Exactness::Exact;
            PushedFilter::new(Predicate::Compare { column, op, value }, exact)
        });
        all_of(parts.collect())
    }

    /// The comparison with the same operator, if its value, perhaps widened, can be written.
    ///
    /// Where a form has fewer digits than the column, the service may cut its rows to them before it compares. Then
    /// `=` and `<=` find rows too many, `>` and `<>` too few, and only `>=` and `<` mean the same.
    fn as_it_is(&self, column: usize, op: CompareOp, value: &Scalar) -> Option<PushedFilter> {
        let operator = comparison(op);
        let exactness = self.declared(column, operator)?;
        let way = self.way(column, operator)?;
        let coarse = self.is_coarse(column, way)?;
        if coarse && matches!(op, CompareOp::Gt | CompareOp::NotEq) {
            return None;
        }
        let fitted = self.fit(column, self.grain(column, way)?, op, value)?;
        let cut = coarse && matches!(op, CompareOp::Eq | CompareOp::LtEq);
        let exact = fitted.exact && exactness == Exactness::Exact && !cut;
        let value = fitted.only(op)?;
        let predicate = Predicate::Compare { column, op, value };
        self.can_write(way, &predicate).then(|| PushedFilter::new(predicate, exact))
    }

    /// `>` or `<` on the last point in time before the value, or the first after it, that the form can hold: whether
    /// the service cuts its rows to that grain or not, they pass.
    fn a_grain_further(&self, column: usize, op: CompareOp, value: &Scalar) -> Option<PushedFilter> {
        let operator = comparison(op);
        self.declared(column, operator)?;
        let way = self.way(column, operator)?;
        let grain = self.grain(column, way)?;
        let (ColumnType::Timestamp { .. }, Scalar::Timestamp(micros)) = (self.data_type(column)?, value) else {
            return None;
        };
        let low = micros.div_euclid(grain).checked_mul(grain)?;
        let further = match op {
            CompareOp::Gt => low.checked_sub(grain)?,
            CompareOp::Lt if low == *micros => low.checked_add(grain)?,
            CompareOp::Lt => low.checked_add(grain.checked_mul(2)?)?,
            _ => return None,
        };
        let predicate = Predicate::Compare { column, op, value: Scalar::Timestamp(further) };
        self.can_write(way, &predicate).then(|| PushedFilter::new(predicate, false))
    }

    fn within(&self, column: usize, values: &[Scalar]) -> PushedFilter {
        if let Some(pushed) = self.list(column, values) {
            return pushed;
        }
        let inner = self.within_or(values.len());
        self.any_of(values.iter().map(|value| inner.compare(column, CompareOp::Eq, value)).collect())
    }

    /// The list as one comparison.
    fn list(&self, column: usize, values: &[Scalar]) -> Option<PushedFilter> {
        let exactness = self.declared(column, Operator::In).filter(|_| !values.is_empty())?;
        let way = self.way(column, Operator::In)?;
        // Without `in` in its language, a list is written as alternatives.
        let writable = match way {
            Way::OData(version) => version >= ODataVersion::V401 || self.filters.or || values.len() == 1,
            _ => values.len() <= way.max_values(),
        };
        if !writable {
            return None;
        }
        let (grain, coarse) = (self.grain(column, way)?, self.is_coarse(column, way)?);
        let fitted = values.iter().map(|value| self.fit(column, grain, CompareOp::Eq, value)?.equal());
        let fitted = fitted.collect::<Option<Vec<_>>>()?;
        let exact = !coarse && exactness == Exactness::Exact && fitted.iter().all(|(_, exact)| *exact);
        let values = fitted.into_iter().map(|(value, _)| value).collect();
        let predicate = Predicate::In { column, values, negated: false };
        self.can_write(way, &predicate).then(|| PushedFilter::new(predicate, exact))
    }

    fn like(&self, column: usize, kind: LikeKind, text: &str, negated: bool) -> PushedFilter {
        if text.is_empty() {
            // Every text but NULL is LIKE '%'. Services that keep '' as NULL would find none.
            return if negated { PushedFilter::NOTHING } else { self.is_null(column, true) };
        }
        let is_text = self.data_type(column) == Some(&ColumnType::Text);
        if !is_text || !fit::is_sendable(text) {
            return PushedFilter::NOTHING;
        }
        self.plain(Predicate::Like { column, kind, text: text.to_owned(), negated }, column, pattern(kind, negated))
    }

    fn is_null(&self, column: usize, negated: bool) -> PushedFilter {
        let operator = if negated { Operator::IsNotNull } else { Operator::IsNull };
        self.plain(Predicate::IsNull { column, negated }, column, operator)
    }

    /// A leaf that is said as it is, or not at all.
    fn plain(&self, predicate: Predicate, column: usize, operator: Operator) -> PushedFilter {
        let (Some(exactness), Some(way)) = (self.declared(column, operator), self.way(column, operator)) else {
            return PushedFilter::NOTHING;
        };
        if !self.can_write(way, &predicate) {
            return PushedFilter::NOTHING;
        }
        PushedFilter::new(predicate, exactness == Exactness::Exact)
    }

    fn fit(&self, column: usize, grain: i64, op: CompareOp, value: &Scalar) -> Option<Fitted> {
        fit::fit(self.data_type(column)?, grain, op, value)
    }

    fn data_type(&self, column: usize) -> Option<&'a ColumnType> {
        self.table.columns.get(column).map(|column| &column.data_type)
    }

    fn declared(&self, column: usize, operator: Operator) -> Option<Exactness> {
        let null_test = matches!(operator, Operator::IsNull | Operator::IsNotNull);
        let of = self.table.columns.get(column)?;
        let declared = self.filters.exactness(column, operator);
        let declared = declared.filter(|_| null_test || is_comparable(&of.data_type))?;
        // The value is the one that was asked for.
        let echoed = of.source == ColumnSource::Request && operator == Operator::Eq;
        Some(if echoed { Exactness::Exact } else { declared })
    }

    fn way(&self, column: usize, operator: Operator) -> Option<Way<'a>> {
        Way::of(self.filters, column, operator).filter(|way| !self.in_or || !matches!(way, Way::Form(_)))
    }

    fn odata(&self, column: usize, operator: Operator) -> Option<ODataVersion> {
        match Way::of(self.filters, column, operator)? {
            Way::OData(version) => Some(version),
            _ => None,
        }
    }

    fn grain(&self, column: usize, way: Way<'_>) -> Option<i64> {
        let stamp = way.value().and_then(|form| time::stamp(self.data_type(column)?, form.time));
        Some(stamp.map_or(ODATA_GRAIN, time::Stamp::grain))
    }

    fn is_coarse(&self, column: usize, way: Way<'_>) -> Option<bool> {
        let data_type = self.data_type(column)?;
        Some(way.value().is_some_and(|form| time::is_coarse(data_type, form.time)))
    }

    fn can_write(&self, way: Way<'_>, leaf: &Predicate) -> bool {
        match way {
            Way::OData(_) => true,
            Way::Form(of) => form::write(self.table, of, leaf).is_some(),
            Way::Term(dialect, term) => text::term(self.table, dialect, term, leaf).is_some(),
            Way::Item(of) => item::items(self.table, of, leaf).is_some(),
        }
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

fn inexact(pushed: PushedFilter) -> PushedFilter {
    PushedFilter { exact: false, ..pushed }
}
