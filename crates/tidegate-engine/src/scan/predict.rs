//! What asking a table would take, before it is decided how it is asked.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, ident};

use super::ApiScanExec;
use super::asking::{Asked, Asking};
use super::filters::{is_echo, parts};
use super::unasked::UnaskedExec;
use crate::cost::{Ask, Basis, Costs, Estimate, Predict, Predicted};

/// Keys that are tried; for more the calls of these are multiplied.
const TRIED: u64 = 500;

/// Calls that reading all of the scan is expected to take.
pub(crate) fn scan_calls(scan: &ApiScanExec) -> Estimate {
    scan.predict(&Costs::EXPECTED, &[]).calls()
}

/// Calls that it is expected to take to ask the table for the rows in which these columns (places in its schema) have
/// one of so many distinct values; of several columns, one of so many distinct groups of values, each asked for by
/// itself. `None` where an endpoint cannot be asked for that.
pub(crate) fn lookup_calls(asking: &Arc<Asking>, columns: &[usize], keys: u64) -> Option<Estimate> {
    if keys == 0 || columns.is_empty() {
        return (!columns.is_empty()).then_some(Estimate::ZERO);
    }
    let tried = if columns.len() > 1 { 1 } else { keys.min(TRIED) };
    let filters = columns.iter().map(|column| key_filter(asking, *column, tried)).collect::<Option<Vec<_>>>()?;
    let filters = asking.filters.iter().cloned().chain(filters).collect();
    let asking = Arc::new(Asking { filters, ..Asking::clone(asking) });
    let Ok(Asked::Scan(scan)) = asking.plan(None) else { return None };
    let asks_for = |column: &usize| {
        scan.requests().all(|request| {
            let pushed = request.filter.as_ref().map(parts).unwrap_or_default();
            is_echo(&request.table, *column)
                || pushed.iter().any(|part| super::filters::single_column(part) == Some(*column))
        })
    };
    if !columns.iter().all(asks_for) {
        return None;
    }
    let calls = scan_calls(&scan);
    Some(calls.map(|calls| calls.saturating_mul(keys).div_ceil(tried)))
}

/// `column IN (…)` of so many values that differ. What values they are changes next to nothing: how many of them go into
/// a request follows from their number and length.
fn key_filter(asking: &Asking, column: usize, values: u64) -> Option<Expr> {
    let field = asking.schema.fields().get(column)?;
    let value = |number: u64| {
        let number = ScalarValue::Int64(i64::try_from(number).ok());
        let like = number.cast_to(field.data_type()).ok();
        let text = || ScalarValue::Utf8(Some(format!("{number:0>12}"))).cast_to(field.data_type()).ok();
        like.filter(|value| !matches!(value, ScalarValue::Utf8(_)))
            .or_else(text)
            .map(|value| Expr::Literal(value, None))
    };
    let values = (1..=values).map(value).collect::<Option<Vec<_>>>()?;
    Some(ident(field.name()).in_list(values, false))
}

impl Predict for UnaskedExec {
    /// It is an error when it is left in a plan. Until then it stands for something of which nothing is known.
    fn predict(&self, _costs: &Costs, _inputs: &[Predicted]) -> Predicted {
        let asking = self.asking();
        let ask = Ask {
            connection: Arc::clone(&asking.connection),
            table: asking.table.name.clone(),
            endpoint: String::new(),
            how: "lookup",
            pushed: String::new(),
            residual: String::new(),
            partitions: asking.reach.as_ref().map(|reach| reach.codes().to_vec()).unwrap_or_default(),
            calls: Estimate::about(1),
            rows: Estimate::about(1),
            basis: Basis::Default,
            advice: Vec::new(),
        };
        Predicted { rows: Estimate::about(1), asks: vec![ask] }
    }
}
