//! What counting is predicted to take.

use super::ApiCountExec;
use crate::cost::{Ask, Basis, Costs, Estimate, Predict, Predicted};
use crate::pushdown::describe;

impl Predict for ApiCountExec {
    fn predict(&self, _costs: &Costs, _inputs: &[Predicted]) -> Predicted {
        let table = &self.common.table;
        let codes = self.reach.as_ref().map(|reach| reach.codes().to_vec());
        let calls = codes.as_ref().map_or(1, Vec::len).saturating_mul(self.requests.len()) as u64;
        let endpoint = table.endpoints.get(self.common.endpoint);
        let ask = Ask {
            connection: self.connection.clone(),
            table: table.name.clone(),
            endpoint: endpoint.map(|endpoint| endpoint.name.clone()).unwrap_or_default(),
            how: "count",
            pushed: self.common.filter.as_ref().map(|filter| describe(table, filter)).unwrap_or_default(),
            residual: String::new(),
            partitions: codes.unwrap_or_default(),
            calls: Estimate::exact(calls),
            rows: Estimate { low: 0, expected: 0, high: calls },
            basis: Basis::Exact,
            advice: Vec::new(),
        };
        Predicted { rows: Estimate::exact(1), asks: vec![ask] }
    }
}
