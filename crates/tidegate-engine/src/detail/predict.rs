//! What details are predicted to take: a call for each row that is read.

use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;

use super::DetailExec;
use crate::cost::{Ask, Basis, Costs, Estimate, Predict, Predicted, Until};

impl Predict for DetailExec {
    fn predict(&self, costs: &Costs, inputs: &[Predicted]) -> Predicted {
        let Some(input) = inputs.first() else { return Predicted::nothing() };
        let ask = self.ask();
        let is_of_table = |one: &&Ask| one.connection == *ask.connection() && one.table == ask.table();
        let of_rows = input.asks.iter().rfind(is_of_table);
        let names: Vec<&str> = ask.column_names().collect();
        let verb = if names.len() == 1 { "costs" } else { "cost" };
        let calls = self.calls(costs, input.rows);
        let own = Ask {
            connection: Arc::clone(ask.connection()),
            table: ask.table().to_owned(),
            endpoint: ask.endpoint().to_owned(),
            how: "detail",
            pushed: String::new(),
            residual: String::new(),
            partitions: of_rows.map(|one| one.partitions.clone()).unwrap_or_default(),
            calls,
            rows: calls,
            basis: of_rows.map_or(Basis::Default, |one| one.basis),
            advice: vec![format!("{} {verb} a call for each row: leave out what is not needed", names.join(", "))],
        };
        Predicted { rows: input.rows, asks: input.asks.iter().cloned().chain([own]).collect() }
    }

    /// Rows are handed on one by one.
    fn input(&self, _place: usize, costs: &Costs) -> Costs {
        *costs
    }
}

impl DetailExec {
    /// Calls for so many rows. Rows may ask the same, and those without a value nothing: what is sure is one call, if there
    /// is a row that surely asks. Rows of one table are told apart by its key.
    fn calls(&self, costs: &Costs, rows: Estimate) -> Estimate {
        let rows = match costs.until {
            Until::End => rows,
            Until::Perhaps => rows.perhaps(),
            Until::Rows(wanted) => rows.at_most(wanted),
        };
        let schema = self.input().schema();
        let mut places = self.from_row().places();
        let may_ask_nothing = places.any(|place| schema.field(place).is_nullable());
        let low = if may_ask_nothing {
            0
        } else if costs.believes && self.ask().asks_by_key() && is_of_one_table(self.input()) {
            rows.low
        } else {
            rows.low.min(1)
        };
        Estimate { low, ..rows }
    }
}

/// Whether no row can be there twice.
fn is_of_one_table(plan: &Arc<dyn ExecutionPlan>) -> bool {
    match plan.children().as_slice() {
        [] => true,
        [input] => plan.name() != "UnnestExec" && is_of_one_table(input),
        _ => false,
    }
}
