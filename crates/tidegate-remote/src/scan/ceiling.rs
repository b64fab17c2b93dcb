//! Going on past the number of rows at which an API stops, however many match.
//!
//! The scan is asked for in ascending order of one column. At the ceiling it is asked for anew, from the last value of
//! that column on. The rows with that very value come again: those whose keys were seen are dropped.
//!
//! What makes this complete is checked, not believed: rows that are out of order, a value that is NULL, and more equal
//! values than the ceiling has rows are errors.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::row::{OwnedRow, RowConverter, SortField};
use tidegate_spec::{Ceiling, Endpoint, NullOrder};

use super::cell;
use super::layout::Layout;
use crate::{CompareOp, ErrorKind, Predicate, Scalar, ScanRequest, SortKey, pushdown};

/// The slices of one scan.
#[derive(Debug)]
pub(super) struct Slices {
    /// Column of the table by which it is sliced, and where it and the key stand in a page.
    column: usize,
    at: usize,
    key: Vec<usize>,
    values: RowConverter,
    keys: RowConverter,
    /// Where this slice begins, and the keys of the rows that the ones before had with that value.
    floor: Option<OwnedRow>,
    floor_keys: HashSet<Box<[u8]>>,
    /// Last value of this slice, and the keys of the rows with it.
    last: Option<OwnedRow>,
    last_keys: HashSet<Box<[u8]>>,
    last_value: Option<Scalar>,
    in_order: bool,
}

impl Slices {
    /// Slices for the request, which is then sorted by their column; `None` when it cannot be sliced: another order is
    /// wanted, nothing tells its rows apart, or rows with NULL would be left out.
    pub(super) fn new(request: &mut ScanRequest, layout: &Layout, schema: &arrow::datatypes::Schema) -> Option<Self> {
        let endpoint = request.endpoint().ok()?;
        let column = endpoint.ceiling?.slice_by?;
        let at = layout.slice?;
        let order = SortKey { column, descending: false };
        let wanted = request.sort.first().is_none_or(|first| *first == order);
        if layout.key.is_empty() || !wanted || !has_nulls_first(request, endpoint, column) {
            return None;
        }
        if request.sort.is_empty() {
            request.sort = vec![order];
        }
        let converter = |columns: &[usize]| {
            RowConverter::new(columns.iter().map(|&at| SortField::new(schema.field(at).data_type().clone())).collect())
        };
        Some(Self {
            column,
            at,
            values: converter(&[at]).ok()?,
            keys: converter(&layout.key).ok()?,
            key: layout.key.clone(),
            floor: None,
            floor_keys: HashSet::new(),
            last: None,
            last_keys: HashSet::new(),
            last_value: None,
            in_order: true,
        })
    }

    /// The rows of a page that no slice before had.
    pub(super) fn take(&mut self, page: &RecordBatch) -> Result<RecordBatch, ErrorKind> {
        self.kept(page).map_err(|error| ErrorKind::Body(format!("the slices cannot be put together: {error}")))
    }

    fn kept(&mut self, page: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let Some(end) = page.num_rows().checked_sub(1) else { return Ok(page.clone()) };
        let values = self.values.convert_columns(&[Arc::clone(page.column(self.at))])?;
        let keys: Vec<ArrayRef> = self.key.iter().map(|&at| Arc::clone(page.column(at))).collect();
        let keys = self.keys.convert_columns(&keys)?;
        let mut kept = Vec::with_capacity(page.num_rows());
        for (value, key) in values.iter().zip(keys.iter()) {
            let order = self.last.as_ref().map(|last| value.cmp(&last.row()));
            self.in_order &= order.is_none_or(std::cmp::Ordering::is_ge);
            if order.is_none_or(std::cmp::Ordering::is_ne) {
                self.last = Some(value.owned());
                self.last_keys.clear();
            }
            let key: Box<[u8]> = key.as_ref().into();
            kept.push(match self.floor.as_ref().map(|floor| value.cmp(&floor.row())) {
                // A bound that was widened lets rows come again that stood before the last value.
                Some(std::cmp::Ordering::Less) => false,
                Some(std::cmp::Ordering::Equal) => !self.floor_keys.contains(&key),
                _ => true,
            });
            self.last_keys.insert(key);
        }
        self.last_value = cell::scalar(page.column(self.at), end);
        filter_record_batch(page, &BooleanArray::from(kept))
    }

    /// Begins the next slice: the request for it.
    pub(super) fn next(&mut self, request: &ScanRequest, ceiling: Ceiling) -> Result<ScanRequest, ErrorKind> {
        let name = request.table.columns.get(self.column).map_or("?", |column| column.name.as_str());
        let stuck = |why: &str| Err(ErrorKind::Body(format!("{}; {why}", reached(ceiling))));
        if !self.in_order {
            return stuck(&format!("it cannot go on by column {name}, since its rows did not come in that order"));
        }
        let Some(value) = self.last_value.take() else {
            return stuck(&format!("it cannot go on by column {name}, which is NULL in the last row"));
        };
        if self.floor.is_some() && self.floor >= self.last {
            return stuck(&format!("it cannot go on by column {name}, which has the same value in all these rows"));
        }
        let Some(filter) = bounded(request, self.column, value) else {
            return stuck(&format!(
                "it cannot go on by column {name}, since the request takes no condition `>=` on it"
            ));
        };
        self.floor = self.last.take();
        self.floor_keys = std::mem::take(&mut self.last_keys);
        Ok(ScanRequest { filter: Some(filter), ..request.clone() })
    }
}

/// That the ceiling is reached, and what to do about it.
pub(super) fn failure(ceiling: Ceiling, endpoint: &Endpoint) -> ErrorKind {
    let sorted = if ceiling.slice_by.is_some() { ", or leave out the ORDER BY" } else { "" };
    let name = &endpoint.name;
    ErrorKind::Body(format!(
        "{} at endpoint {name}; narrow the filter so that fewer rows match{sorted}",
        reached(ceiling)
    ))
}

fn reached(ceiling: Ceiling) -> String {
    format!("the API stops at {} rows, however many match", ceiling.rows)
}

/// Whether `column >= value` has all rows behind those that came: where NULL comes last, it would leave it out.
fn has_nulls_first(request: &ScanRequest, endpoint: &Endpoint, column: usize) -> bool {
    let is_nullable = request.table.columns.get(column).is_some_and(|column| column.nullable);
    let declared = endpoint.sort.iter().find(|entry| entry.column == column);
    declared.is_some_and(|entry| !is_nullable || entry.nulls == NullOrder::Lowest)
}

/// The request's filter with `column >= value` in place of lower bounds of that column; `None` when the endpoint
/// would not be asked for all of it.
fn bounded(request: &ScanRequest, column: usize, value: Scalar) -> Option<Predicate> {
    let is_lower_bound = |part: &Predicate| matches!(part, Predicate::Compare { column: of, op: CompareOp::Gt | CompareOp::GtEq, .. } if *of == column);
    let mut parts = request.filter.clone().map_or_else(Vec::new, conjuncts);
    parts.retain(|part| !is_lower_bound(part));
    let kept = parts.clone();
    parts.push(Predicate::Compare { column, op: CompareOp::GtEq, value });
    let whole = if parts.len() > 1 { Predicate::And(parts) } else { parts.pop()? };
    let pushed = pushdown::push_filter(&request.table, request.endpoint, &whole).predicate?;
    let sent = conjuncts(pushed.clone());
    (kept.iter().all(|part| sent.contains(part)) && sent.iter().any(is_lower_bound)).then_some(pushed)
}

fn conjuncts(filter: Predicate) -> Vec<Predicate> {
    match filter {
        Predicate::And(parts) => parts.into_iter().flat_map(conjuncts).collect(),
        other => vec![other],
    }
}
