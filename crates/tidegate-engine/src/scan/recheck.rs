//! Filters evaluated over what an API has sent: those that it left to do, and those that it claims to have done.

use std::sync::Arc;

use datafusion::arrow::array::{BooleanArray, RecordBatch};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::common::Result;
use datafusion::common::cast::as_boolean_array;
use datafusion::physical_expr_common::physical_expr::fmt_sql;
use datafusion::physical_plan::PhysicalExpr;

/// The filters of one scan, over its fetched columns. All must be TRUE of a row.
#[derive(Debug, Clone)]
pub(super) struct Recheck {
    /// What the API was not asked for, or does not decide exactly.
    pub(super) residual: Option<Arc<dyn PhysicalExpr>>,
    /// What the API declares to have decided exactly. Evaluating it costs little; trusting a service that
    /// ignores `$filter` costs the result.
    pub(super) verified: Vec<Arc<dyn PhysicalExpr>>,
}

impl Recheck {
    /// All filters.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Arc<dyn PhysicalExpr>> {
        self.residual.iter().chain(&self.verified)
    }

    /// The verified filters as SQL.
    pub(super) fn verified_text(&self) -> String {
        let texts: Vec<String> = self.verified.iter().map(|filter| fmt_sql(filter.as_ref()).to_string()).collect();
        texts.join(" AND ")
    }

    /// The rows that satisfy all filters, and the first verified one that some row did not satisfy.
    pub(super) fn apply(&self, mut rows: RecordBatch) -> Result<(RecordBatch, Option<String>)> {
        let mut breached = None;
        for filter in &self.verified {
            // A filter may be beyond what is computed here, such as a date of the year 1 beside a timestamp in
            // nanoseconds. The API could decide it, and there is no more reason to doubt that than to fail.
            let Ok(satisfying) = satisfying(&rows, filter) else { continue };
            if satisfying.num_rows() < rows.num_rows() && breached.is_none() {
                breached = Some(fmt_sql(filter.as_ref()).to_string());
            }
            rows = satisfying;
        }
        if let Some(residual) = &self.residual {
            rows = satisfying(&rows, residual)?;
        }
        Ok((rows, breached))
    }
}

fn satisfying(rows: &RecordBatch, filter: &Arc<dyn PhysicalExpr>) -> Result<RecordBatch> {
    let passes = filter.evaluate(rows)?.into_array(rows.num_rows())?;
    kept(rows.clone(), as_boolean_array(&passes)?)
}

/// Rows for which `keep` is TRUE.
pub(super) fn kept(rows: RecordBatch, keep: &BooleanArray) -> Result<RecordBatch> {
    if keep.true_count() == rows.num_rows() { Ok(rows) } else { Ok(filter_record_batch(&rows, keep)?) }
}
