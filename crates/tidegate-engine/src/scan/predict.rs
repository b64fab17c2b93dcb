//! What reading a scan takes, and what a table that lacks a filter stands for in a prediction.

use std::sync::Arc;

use super::ApiScanExec;
use super::unasked::UnaskedExec;
use crate::cost::{Ask, Basis, Costs, Estimate, Predict, Predicted};

/// Calls that reading all of the scan is expected to take.
pub(super) fn scan_calls(scan: &ApiScanExec) -> Estimate {
    scan.predict(&Costs::EXPECTED, &[]).calls()
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
