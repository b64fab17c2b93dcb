//! What aggregates by an API are predicted to take.

use super::groups::{ApiGroupsExec, Requests};
use super::row::OneRowExec;
use crate::cost::{Ask, Basis, Costs, Estimate, Predict, Predicted, Until, is_list};
use crate::pushdown::describe;

/// Of so many rows one is expected to begin a group, as for groups that are made here.
const GROUPED: u64 = 10;

/// Groups of one partition, and the calls that they take.
struct Taken {
    groups: u64,
    calls: u64,
    basis: Basis,
}

impl ApiGroupsExec {
    fn of_partition(&self, code: Option<&str>) -> Taken {
        let table = &self.common.table;
        let requests = self.requests.all();
        if matches!(self.requests, Requests::Counts(_)) || self.states.is_one_group() {
            return Taken { groups: 1, calls: requests.len() as u64, basis: Basis::Exact };
        }
        let lists: Vec<_> = table.endpoints.iter().filter(|endpoint| is_list(endpoint)).collect();
        let size = table.endpoints.get(self.common.endpoint).map_or(1, |endpoint| self.known.paged(endpoint).size);
        let rows = self.known.rows(table, &lists, self.common.filter.as_ref(), code);
        let of_each = rows.expected.div_ceil(GROUPED).div_ceil(requests.len().max(1) as u64);
        let calls = of_each.div_ceil(size).max(1).saturating_mul(requests.len() as u64);
        Taken { groups: rows.expected.div_ceil(GROUPED), calls, basis: Basis::Default.max(rows.basis) }
    }
}

impl Predict for ApiGroupsExec {
    fn predict(&self, _costs: &Costs, _inputs: &[Predicted]) -> Predicted {
        let table = &self.common.table;
        let codes = self.reach.as_ref().map(|reach| reach.codes().to_vec());
        let taken: Vec<Taken> = match &codes {
            Some(codes) => codes.iter().map(|code| self.of_partition(Some(code))).collect(),
            None => vec![self.of_partition(None)],
        };
        let sum = |of: fn(&Taken) -> u64| taken.iter().map(of).fold(0_u64, u64::saturating_add);
        let low = self.least_calls();
        let basis = taken.iter().map(|taken| taken.basis).max().unwrap_or(Basis::Exact);
        let is_exact = basis == Basis::Exact;
        let calls =
            Estimate { low, expected: sum(|taken| taken.calls).max(low), high: if is_exact { low } else { u64::MAX } };
        let groups = sum(|taken| taken.groups);
        let rows = Estimate { low: 0, expected: groups, high: if is_exact { groups } else { u64::MAX } };
        let endpoint = table.endpoints.get(self.common.endpoint);
        let ask = Ask {
            connection: self.connection.clone(),
            table: table.name.clone(),
            endpoint: endpoint.map(|endpoint| endpoint.name.clone()).unwrap_or_default(),
            how: if matches!(self.requests, Requests::Counts(_)) { "count" } else { "aggregate" },
            pushed: self.common.filter.as_ref().map(|filter| describe(table, filter)).unwrap_or_default(),
            residual: String::new(),
            partitions: codes.unwrap_or_default(),
            calls,
            rows,
            basis,
            advice: Vec::new(),
        };
        Predicted { rows, asks: vec![ask] }
    }
}

impl Predict for OneRowExec {
    fn predict(&self, _costs: &Costs, inputs: &[Predicted]) -> Predicted {
        let asks = inputs.iter().flat_map(|input| input.asks.iter().cloned());
        Predicted { rows: Estimate::exact(1), asks: asks.collect() }
    }

    /// Each of them is read whole, however far the row is.
    fn input(&self, _place: usize, costs: &Costs) -> Costs {
        costs.reading(Until::End)
    }
}
