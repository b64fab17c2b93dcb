//! Aggregates without groups, each by a request of its own: counts, and the first row in an order.

use std::sync::Arc;

use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::logical_expr::{Expr, col};
use datafusion::physical_expr::PhysicalSortExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;

use super::super::asking::{Asked, Asking};
use super::super::{ApiCountExec, ApiScanExec, scan_calls};
use super::row::OneRowExec;
use super::shape::{Kind, Shape, Value};

/// The plan whose one row has the states of the aggregates, in `schema`, and the number of its requests; `None` where the
/// API cannot answer, or the rows are expected to come with fewer calls.
pub(super) fn one_row(shape: &Shape<'_>, schema: &SchemaRef) -> Option<(Arc<dyn ExecutionPlan>, usize)> {
    if !shape.groups.is_empty() || shape.values.len() != schema.fields().len() || shape.values.is_empty() {
        return None;
    }
    let mut known: Vec<&Value> = Vec::new();
    let mut inputs: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
    let mut columns = Vec::with_capacity(shape.values.len());
    let mut requests = 0;
    for (value, field) in shape.values.iter().zip(schema.fields()) {
        let place = match known.iter().position(|other| *other == value) {
            Some(place) => place,
            None => {
                let (input, asked) = input(shape.scan, value, field.data_type())?;
                requests += asked;
                known.push(value);
                inputs.push(input);
                inputs.len() - 1
            }
        };
        columns.push(place);
    }
    let partitions = shape.scan.reach().map_or(1, |reach| reach.codes().len());
    if requests.saturating_mul(partitions) as u64 > scan_calls(shape.scan).expected {
        return None;
    }
    Some((Arc::new(OneRowExec::new(inputs, columns, Arc::clone(schema))), requests))
}

/// What reads one value of this type, and by how many requests in each partition.
fn input(scan: &ApiScanExec, value: &Value, data_type: &DataType) -> Option<(Arc<dyn ExecutionPlan>, usize)> {
    let asking = scan.asking();
    let filter = value.filter.clone();
    match value.kind {
        Kind::Rows => counted(asking, filter.into_iter().collect()),
        Kind::Values(column) => counted(asking, filter.into_iter().chain(not_null(asking, column)).collect()),
        Kind::Min(column) => first(asking, column, filter, data_type, false),
        Kind::Max(column) => first(asking, column, filter, data_type, true),
        Kind::Sum(_) | Kind::Avg(_) => None,
    }
}

/// That the column is not NULL, where it can be.
fn not_null(asking: &Asking, column: usize) -> Option<Expr> {
    let field = asking.schema.fields().get(column)?;
    field.is_nullable().then(|| col(datafusion::common::Column::new_unqualified(field.name())).is_not_null())
}

fn counted(asking: &Asking, filters: Vec<Expr>) -> Option<(Arc<dyn ExecutionPlan>, usize)> {
    let Ok(Asked::Scan(scan)) = Arc::new(asking.narrowed(filters, Vec::new())).plan(None) else { return None };
    let schema = Arc::new(Schema::new(vec![Field::new("count", DataType::Int64, false)]));
    let requests = scan.requests().count();
    scan.is_countable().then(|| (Arc::new(ApiCountExec::new(&scan, schema)) as Arc<dyn ExecutionPlan>, requests))
}

/// The first value in the API's order; NULL values are left out by the request.
fn first(
    asking: &Asking,
    column: usize,
    filter: Option<Expr>,
    data_type: &DataType,
    descending: bool,
) -> Option<(Arc<dyn ExecutionPlan>, usize)> {
    let field = asking.schema.fields().get(column).filter(|field| field.data_type() == data_type)?;
    let name = field.name().clone();
    let filters = filter.into_iter().chain(not_null(asking, column)).collect();
    let Ok(Asked::Scan(scan)) = Arc::new(asking.narrowed(filters, vec![column])).plan(Some(1)) else { return None };
    let options = SortOptions { descending, nulls_first: false };
    let order = [PhysicalSortExpr { expr: Arc::new(Column::new(&name, 0)), options }];
    let scan = scan.fetching(None).ordered(&order).filter(ApiScanExec::is_decided_by_api)?;
    // Rows with and without NULL are asked for apart, if they have to be: then the second request is one more call.
    (scan.parts() == 1).then(|| (Arc::new(scan.fetching(Some(1))) as Arc<dyn ExecutionPlan>, 1))
}
