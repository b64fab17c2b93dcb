//! What a lookup join is predicted to take, before its keys are known.

use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;
use tidegate_remote::Scalar;
use tidegate_spec::ColumnType;

use super::LookupJoinExec;
use super::side::{Side, Target};
use crate::cost::{Ask, Basis, Costs, Estimate, Predict, Predicted, Until, joined, predict};
use crate::scan::{ApiScanExec, Asked, Keys, RowKey};

/// Keys that are tried; for more the calls of these are multiplied.
const TRIED: u64 = 200;

impl Predict for LookupJoinExec {
    /// By the expected number of driving rows, as if each had a key of its own.
    fn predict(&self, costs: &Costs, inputs: &[Predicted]) -> Predicted {
        let driving = inputs.first().cloned().unwrap_or_else(Predicted::nothing);
        let whole = self.side.scan().map(|scan| predict(&(Arc::clone(scan) as Arc<dyn ExecutionPlan>), costs));
        let all = whole.as_ref().map_or(Estimate::about(driving.rows.expected), |whole| whole.rows);
        let all = if self.side.is_by_own_key() { at_most_one_each(all, driving.rows) } else { all };
        let rows = joined(Some(self.join.join_type()), driving.rows, all);
        let rows = self.fetch.map_or(rows, |fetch| rows.at_most(fetch as u64));
        let tried = tried(&self.side, driving.rows.expected);
        let lookups = tried.map(|(scan, factor)| self.ask(&scan, driving.rows.expected, factor));
        let scan = whole.and_then(|whole| whole.asks.into_iter().next());
        let cheaper = match (lookups, scan) {
            // As the run decides.
            (Some(lookups), Some(scan))
                if scan.calls.expected <= lookups.calls.expected && !self.side.is_least(lookups.calls.expected) =>
            {
                Some(scan)
            }
            (Some(lookups), _) => Some(lookups),
            (None, scan) => scan,
        };
        // Without a key nothing is asked.
        let ask = cheaper.map(|ask| Ask { calls: ask.calls.perhaps(), rows: ask.rows.perhaps(), ..ask });
        Predicted { rows, asks: driving.asks.into_iter().chain(ask).collect() }
    }

    fn input(&self, _place: usize, costs: &Costs) -> Costs {
        if !self.join.is_by_row() {
            return costs.reading(Until::End);
        }
        let until = self.fetch.map_or(costs.until, |fetch| costs.until.at_most(fetch as u64));
        costs.reading(until.of_others())
    }
}

impl LookupJoinExec {
    fn ask(&self, scan: &ApiScanExec, keys: u64, factor: u64) -> Ask {
        let asking = self.side.asking();
        let names = self.side.key_names().join(", ");
        let filters = asking.filters_text();
        let keyed = if self.side.key_names().len() == 1 { names } else { format!("({names})") };
        let join = if filters.is_empty() { "" } else { " AND " };
        Ask {
            connection: Arc::clone(asking.connection()),
            table: asking.table().name.clone(),
            endpoint: scan.endpoint_name().to_owned(),
            how: "lookup",
            pushed: format!("{keyed} IN (about {keys} keys){join}{filters}"),
            residual: String::new(),
            partitions: scan.partitions().to_vec(),
            calls: Estimate::about(scan.expected_calls().saturating_mul(factor)),
            rows: Estimate::about(keys),
            basis: Basis::Default,
            advice: Vec::new(),
        }
    }
}

/// The scan for so many keys that differ, or for some of them, and how many times as much that is. What values they are
/// changes next to nothing. `None` where no such keys can be made up, or asked for.
fn tried(side: &Side, keys: u64) -> Option<(Box<ApiScanExec>, u64)> {
    let tried = keys.clamp(1, TRIED);
    let columns = side.keys().iter().filter_map(|key| key.of.column()).collect();
    let partition =
        side.asking().partitions().first().filter(|_| side.keys().iter().any(|key| key.of == Target::Partition));
    let key = |number: u64| {
        let values = side.keys().iter().filter_map(|key| match &key.of {
            Target::Column(column, of) => Some(match side.asking().values_wanted(*column).as_slice() {
                [] => made_up(of, number),
                // Others are not asked for.
                values => usize::try_from(number).ok().and_then(|number| values.get(number % values.len()).cloned()),
            }),
            Target::Partition => None,
        });
        Some(RowKey { values: values.collect::<Option<_>>()?, partition: partition.cloned() })
    };
    let keyed = Keys { columns, keys: (1..=tried).map(key).collect::<Option<_>>()? };
    match side.asking().plan_keyed(&keyed) {
        Ok(Asked::Scan(scan)) => Some((scan, keys.div_ceil(tried))),
        _ => None,
    }
}

/// Rows of a table that a join by its own key finds.
fn at_most_one_each(all: Estimate, driving: Estimate) -> Estimate {
    Estimate { low: 0, expected: all.expected.min(driving.expected), high: all.high.min(driving.high) }
}

fn made_up(of: &ColumnType, number: u64) -> Option<Scalar> {
    let whole = i64::try_from(number).ok()?;
    match of {
        ColumnType::Int16 | ColumnType::Int32 | ColumnType::Int64 => Some(Scalar::Int(whole)),
        ColumnType::Decimal { .. } => Some(Scalar::Decimal { value: i128::from(whole), scale: 0 }),
        ColumnType::Text => Some(Scalar::Text(format!("{number:0>12}"))),
        ColumnType::Uuid => Some(Scalar::Text(format!("00000000-0000-4000-8000-{number:0>12}"))),
        ColumnType::Date => Some(Scalar::Date(i32::try_from(number).ok()?)),
        ColumnType::Timestamp { .. } => Some(Scalar::Timestamp(whole.checked_mul(1_000_000)?)),
        _ => None,
    }
}
