//! EXPLAIN CALLS: what a statement is predicted to ask of APIs, a row for each table that it asks, and their sum.
//!
//! Sends nothing. Answers that are stored already are not foreseen: the statement may take fewer calls.

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::scalar::ScalarValue;

use super::{Run, execute, prediction};
use crate::Result;
use crate::cost::{self, Ask, Basis, Costs, Estimate, Predicted, QuotaUse};
use crate::settings::duration_text;
use crate::system::rows::{Kind, Value, batch, schema as columns};

/// Its columns.
const COLUMNS: &[(&str, Kind)] = &[
    ("connection", Kind::Text),
    ("table", Kind::Text),
    ("endpoint", Kind::Text),
    ("how", Kind::Text),
    ("pushed", Kind::Text),
    ("residual", Kind::Text),
    ("partitions", Kind::Int),
    ("calls_low", Kind::Int),
    ("calls", Kind::Int),
    ("calls_high", Kind::Int),
    ("rows", Kind::Int),
    ("basis", Kind::Text),
    ("quota", Kind::Text),
    ("left", Kind::Int),
    ("wait", Kind::Text),
    ("advice", Kind::Text),
];

/// The schema of its rows.
pub(crate) fn schema() -> SchemaRef {
    columns(COLUMNS)
}

/// The rows for a plan.
pub(super) async fn run(
    run: &Run,
    state: &SessionState,
    plan: LogicalPlan,
    params: Vec<ScalarValue>,
) -> Result<RecordBatch> {
    let physical = state.create_physical_plan(&execute::bind(plan, params)?).await?;
    shown(run, &cost::predict(&physical, &Costs::EXPECTED)).await
}

/// The rows for what was predicted.
///
/// # Errors
/// When the ledger cannot be read.
pub(crate) async fn shown(run: &Run, predicted: &Predicted) -> Result<RecordBatch> {
    let mut rows = Vec::with_capacity(predicted.asks.len() + 1);
    for ask in &predicted.asks {
        rows.push(row(ask, &prediction::quotas(run, std::slice::from_ref(ask)).await?));
    }
    rows.push(total(predicted, &prediction::quotas(run, &predicted.asks).await?));
    Ok(batch(&schema(), &rows)?)
}

fn row(ask: &Ask, quotas: &[QuotaUse]) -> Vec<Value> {
    let mut row: Vec<Value> = vec![
        ask.connection.as_ref().into(),
        ask.table.as_str().into(),
        ask.endpoint.as_str().into(),
        ask.how.into(),
        ask.pushed.as_str().into(),
        ask.residual.as_str().into(),
        Some(ask.partitions.len()).filter(|partitions| *partitions > 0).into(),
    ];
    row.extend(numbers(ask.calls));
    row.extend([ask.rows.expected.into(), ask.basis.name().into()]);
    row.extend(quota(quotas));
    row.push(Some(ask.advice.join("; ")).filter(|advice| !advice.is_empty()).into());
    row
}

fn total(predicted: &Predicted, quotas: &[QuotaUse]) -> Vec<Value> {
    let mut row = vec![Value::Null, Value::Null, Value::Null, "total".into(), Value::Null, Value::Null, Value::Null];
    let basis = predicted.asks.iter().map(|ask| ask.basis).max().unwrap_or(Basis::Exact);
    row.extend(numbers(predicted.calls()));
    row.extend([predicted.rows.expected.into(), basis.name().into()]);
    row.extend(quota(quotas));
    row.push(Value::Null);
    row
}

/// What bounds nothing is NULL.
fn numbers(calls: Estimate) -> [Value; 3] {
    [calls.low.into(), calls.expected.into(), Some(calls.high).filter(|high| *high < u64::MAX).into()]
}

/// The tightest quota, what is left of it, and the longest wait of any.
fn quota(quotas: &[QuotaUse]) -> [Value; 3] {
    let tightest = cost::tightest(quotas);
    let wait = quotas.iter().filter_map(|one| one.wait).max();
    [
        tightest.map(QuotaUse::name).into(),
        tightest.and_then(|one| one.left).into(),
        wait.map(|wait| duration_text(std::time::Duration::from_secs(wait.as_secs_f64().ceil() as u64))).into(),
    ]
}
