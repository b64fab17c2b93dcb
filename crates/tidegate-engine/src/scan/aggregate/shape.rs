//! A partial aggregate over a scan, in terms of the scanned table's columns.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column, Literal};
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

use super::super::ApiScanExec;
use super::logical::logical;

/// What is computed over which rows.
pub(super) struct Shape<'a> {
    /// Reads the rows.
    pub(super) scan: &'a ApiScanExec,
    /// Places in the table's schema, the one behind its columns being the partition.
    pub(super) groups: Vec<usize>,
    pub(super) values: Vec<Value>,
}

/// One aggregate.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    pub(super) kind: Kind,
    /// Rows that it is of: its FILTER.
    pub(super) filter: Option<Expr>,
}

/// What an aggregate computes; columns are places in the table's schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Number of rows.
    Rows,
    /// Number of rows whose column is not NULL.
    Values(usize),
    Sum(usize),
    Min(usize),
    Max(usize),
    Avg(usize),
}

/// A column of the scan, and the type that it is cast to.
struct Read {
    column: usize,
    cast: Option<DataType>,
}

impl<'a> Shape<'a> {
    /// Of a partial aggregate, or of one that is made in one step; `None` for what no API is asked for.
    pub(super) fn of(aggregate: &'a AggregateExec) -> Option<Self> {
        let by = aggregate.group_expr();
        if by.has_grouping_set() || aggregate.limit_options().is_some() {
            return None;
        }
        let input = aggregate.input();
        let scan = scan_below(input)?;
        let group = |(expr, _): &(Arc<dyn PhysicalExpr>, String)| {
            let read = read(expr, input)?;
            read.cast.is_none().then_some(read.column)
        };
        let groups = by.expr().iter().map(group).collect::<Option<Vec<_>>>()?;
        let values = aggregate.aggr_expr().iter().zip(aggregate.filter_expr()).map(|(function, filter)| {
            let filter = filter.as_ref().map(|filter| filter_of(filter, input, scan));
            let filter = match filter {
                Some(filter) => Some(filter?),
                None => None,
            };
            Some(Value { kind: kind(function, input, scan)?, filter })
        });
        Some(Self { scan, groups, values: values.collect::<Option<Vec<_>>>()? })
    }

    /// The place of the column with the partition.
    pub(super) fn partition(&self) -> usize {
        self.scan.asking().table.columns.len()
    }
}

/// The scan that returns the rows, perhaps under other names.
fn scan_below(plan: &Arc<dyn ExecutionPlan>) -> Option<&ApiScanExec> {
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        return scan_below(projection.input());
    }
    if let Some(cooperative) = plan.downcast_ref::<CooperativeExec>() {
        return scan_below(cooperative.input());
    }
    plan.downcast_ref()
}

/// The column of the scan that the expression is, over the rows of `plan`.
fn read(expr: &Arc<dyn PhysicalExpr>, plan: &Arc<dyn ExecutionPlan>) -> Option<Read> {
    if let Some(cast) = expr.downcast_ref::<CastExpr>() {
        let inner = read(cast.expr(), plan)?;
        return inner.cast.is_none().then(|| Read { cast: Some(cast.cast_type().clone()), ..inner });
    }
    let column = expr.downcast_ref::<Column>()?;
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        return read(&projection.expr().get(column.index())?.expr, projection.input());
    }
    if let Some(cooperative) = plan.downcast_ref::<CooperativeExec>() {
        return read(expr, cooperative.input());
    }
    let scan = plan.downcast_ref::<ApiScanExec>()?;
    Some(Read { column: *scan.asking().wanted.get(column.index())?, cast: None })
}

/// The filter over the table's columns.
fn filter_of(filter: &Arc<dyn PhysicalExpr>, input: &Arc<dyn ExecutionPlan>, scan: &ApiScanExec) -> Option<Expr> {
    let schema = &scan.asking().schema;
    logical(filter, &|column| {
        let read = read(&(Arc::new(column.clone()) as Arc<dyn PhysicalExpr>), input)?;
        let field = schema.fields().get(read.column)?;
        let column = Expr::Column(datafusion::common::Column::new_unqualified(field.name()));
        Some(match read.cast {
            Some(to) => datafusion::logical_expr::cast(column, to),
            None => column,
        })
    })
}

fn kind(function: &AggregateFunctionExpr, input: &Arc<dyn ExecutionPlan>, scan: &ApiScanExec) -> Option<Kind> {
    let table = &scan.asking().schema;
    let arguments = function.expressions();
    if function.is_distinct() || !function.order_bys().is_empty() {
        return None;
    }
    if function.fun().name() == "count" && arguments.iter().all(|argument| is_never_null(argument, &input.schema())) {
        return Some(Kind::Rows);
    }
    let [argument] = arguments.as_slice() else { return None };
    let Read { column, cast } = read(argument, input)?;
    let data_type = table.fields().get(column)?.data_type();
    let is_int = matches!(data_type, DataType::Int16 | DataType::Int32 | DataType::Int64);
    let is_decimal = matches!(data_type, DataType::Decimal128(..));
    match function.fun().name() {
        "count" if cast.is_none() => Some(Kind::Values(column)),
        "min" if cast.is_none() => Some(Kind::Min(column)),
        "max" if cast.is_none() => Some(Kind::Max(column)),
        "sum" if is_int && cast.as_ref().unwrap_or(data_type) == &DataType::Int64 => Some(Kind::Sum(column)),
        "sum" if is_decimal && cast.is_none() => Some(Kind::Sum(column)),
        "avg" if is_int && cast == Some(DataType::Float64) => Some(Kind::Avg(column)),
        "avg" if is_decimal && cast.is_none() => Some(Kind::Avg(column)),
        _ => None,
    }
}

/// A column or constant that is never NULL.
fn is_never_null(argument: &Arc<dyn PhysicalExpr>, schema: &Schema) -> bool {
    let is_plain = argument.downcast_ref::<Column>().is_some() || argument.downcast_ref::<Literal>().is_some();
    is_plain && argument.nullable(schema).is_ok_and(|nullable| !nullable)
}
