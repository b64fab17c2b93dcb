//! Orders that an API keeps: whether it can be asked for one, the requests that make it up, and the check that
//! rows arrive in it.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{DataType, Float32Type, Float64Type, SchemaRef};
use datafusion::arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::common::{DataFusionError, Result};
use serde::{Deserialize, Serialize};
use tidegate_remote::pushdown::push_filter;
use tidegate_remote::{Predicate, ScanRequest, SortKey};
use tidegate_spec::{Dialect, Endpoint, NullOrder, Sorting};

use super::filters::{all, excludes_null, parts};
use super::keys::Key;

/// One key of a promised order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OrderKey {
    /// Place among the fetched columns.
    pub(super) column: usize,
    pub(super) options: SortOptions,
}

/// One of the requests that a scan is made of, run one after the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Segment {
    pub(super) request: ScanRequest,
    /// Rows of another kind belong to another segment.
    pub(super) nulls: Option<Nulls>,
    /// Rows of other values belong to another segment.
    pub(super) keys: Vec<Key>,
    /// Code of the one partition that it is asked in; `None` for all that are read.
    pub(super) partition: Option<String>,
}

/// The kind of rows of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Nulls {
    /// Place among the fetched columns.
    pub(super) column: usize,
    /// Whether it is NULL in all rows, or in none.
    pub(super) is_null: bool,
    /// Whether the API declares to return no other rows.
    pub(super) exact: bool,
}

/// The requests that return the rows of `request` in this order; `None` when the endpoint cannot be asked.
///
/// Where NULL stands in the first key is not left to the server: each request covers rows of one kind, and the
/// second kind is asked for only by a reader that wants more. NULL in a further key must stand where the
/// endpoint declares it.
pub(super) fn segments(request: &ScanRequest, order: &[OrderKey]) -> Option<Vec<Segment>> {
    let endpoint = request.table.endpoints.get(request.endpoint)?;
    if order.len() > most_keys(endpoint) {
        return None;
    }
    let mut sort = Vec::with_capacity(order.len());
    let mut first_nullable = false;
    for (place, key) in order.iter().enumerate() {
        let column = *request.columns.get(key.column)?;
        let declared =
            endpoint.sort.iter().find(|declared| declared.column == column && has_words(endpoint, column))?;
        let nullable = request.table.columns.get(column)?.nullable
            && !request.filter.as_ref().is_some_and(|filter| excludes_null(filter, column));
        let declared_first = (declared.nulls == NullOrder::Lowest) != key.options.descending;
        if place == 0 {
            first_nullable = nullable;
        } else if nullable && declared_first != key.options.nulls_first {
            return None;
        }
        sort.push(SortKey { column, descending: key.options.descending });
    }
    let first = order.first()?;
    if !first_nullable {
        return Some(vec![Segment {
            request: ScanRequest { sort, ..request.clone() },
            nulls: None,
            keys: Vec::new(),
            partition: None,
        }]);
    }
    let values = segment(request, sort.clone(), first.column, false)?;
    let nulls = segment(request, sort.split_off(1), first.column, true)?;
    Some(if first.options.nulls_first { vec![nulls, values] } else { vec![values, nulls] })
}

/// Columns by which the endpoint can be asked to sort at once.
fn most_keys(endpoint: &Endpoint) -> usize {
    match &endpoint.sorting {
        Some(Sorting { separator: None, .. }) => 1,
        _ => usize::MAX,
    }
}

/// Whether an order by this column can be written, by a form of its own or in the dialect.
fn has_words(endpoint: &Endpoint, column: usize) -> bool {
    match &endpoint.sorting {
        Some(sorting) => sorting.names.iter().any(|(named, _)| *named == column),
        None => matches!(endpoint.filters.dialect, Some(Dialect::OData(_))),
    }
}

/// The request for the rows of one kind; `None` when the endpoint does not take all of its filter.
fn segment(request: &ScanRequest, sort: Vec<SortKey>, place: usize, is_null: bool) -> Option<Segment> {
    let column = *request.columns.get(place)?;
    let kind = Predicate::IsNull { column, negated: !is_null };
    let filter = all(request.filter.iter().cloned().chain([kind.clone()]).collect())?;
    let exact = push_filter(&request.table, request.endpoint, &kind).exact;
    let pushed = push_filter(&request.table, request.endpoint, &filter).predicate?;
    if !same_parts(&pushed, &filter) {
        return None;
    }
    let request = ScanRequest { filter: Some(pushed), sort, ..request.clone() };
    Some(Segment { request, nulls: Some(Nulls { column: place, is_null, exact }), keys: Vec::new(), partition: None })
}

fn same_parts(left: &Predicate, right: &Predicate) -> bool {
    let (left, right) = (parts(left), parts(right));
    left.len() == right.len() && left.iter().all(|part| right.contains(part))
}

/// Compares each row with the one before it, over all pages of a scan.
pub(super) struct OrderCheck {
    place: String,
    keys: Vec<OrderKey>,
    names: Vec<String>,
    rows: RowConverter,
    last: Option<OwnedRow>,
}

impl OrderCheck {
    /// A check of rows of `schema`; `place` is connection, table and connector.
    pub(super) fn try_new(place: String, schema: &SchemaRef, keys: &[OrderKey]) -> Result<Self> {
        let field =
            |key: &OrderKey| SortField::new_with_options(schema.field(key.column).data_type().clone(), key.options);
        Ok(Self {
            place,
            keys: keys.to_vec(),
            names: keys.iter().map(|key| schema.field(key.column).name().clone()).collect(),
            rows: RowConverter::new(keys.iter().map(field).collect())?,
            last: None,
        })
    }

    /// Fails when a row of the batch stands before its predecessor.
    pub(super) fn check(&mut self, batch: &RecordBatch, page: u64) -> Result<()> {
        let columns: Vec<ArrayRef> = self.keys.iter().map(|key| comparable(batch.column(key.column))).collect();
        let rows = self.rows.convert_columns(&columns)?;
        let mut last = self.last.as_ref().map(OwnedRow::row);
        for row in rows.iter() {
            if last.is_some_and(|last| last.cmp(&row) == Ordering::Greater) {
                return Err(self.breach(page));
            }
            last = Some(row);
        }
        if let Some(last) = rows.iter().next_back() {
            self.last = Some(last.owned());
        }
        Ok(())
    }

    fn breach(&self, page: u64) -> DataFusionError {
        DataFusionError::Execution(format!(
            "{}, page {page}: the server does not sort by {} as it declares, so that ORDER BY would be wrong, and rows \
             in front were handed on already; SET tidegate.pushdown = false sorts here",
            self.place,
            self.names.join(", ")
        ))
    }
}

/// A float's two zeros are one to an API.
fn comparable(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Float32 => {
            Arc::new(column.as_primitive::<Float32Type>().unary::<_, Float32Type>(|value| value + 0.0))
        }
        DataType::Float64 => {
            Arc::new(column.as_primitive::<Float64Type>().unary::<_, Float64Type>(|value| value + 0.0))
        }
        _ => Arc::clone(column),
    }
}
