//! What a mutation is predicted to take: reading its rows, and writing them. Sends nothing.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::execution::SessionState;
use datafusion::scalar::ScalarValue;
use tidegate_remote::write::batch_max;
use tidegate_spec::WriteKind;

use super::limit;
use super::plan::Selection;
use super::prepare::Work;
use crate::Result;
use crate::cost::{self, Ask, Basis, Costs, Estimate, Predicted, WRITE};

impl Work {
    /// What it is predicted to take with these parameters; `None` where its rows are in the journal already.
    ///
    /// # Errors
    /// Parameters that do not fit, and those of planning.
    pub(crate) async fn predict(&self, state: &SessionState, params: &[ScalarValue]) -> Result<Option<Predicted>> {
        let Self::New(new) = self else { return Ok(None) };
        let predicted = new.selection.clone().bind(params.to_vec())?.predict(state).await?;
        Ok(Some(if new.is_planned { predicted.read } else { predicted.all() }))
    }
}

/// What a mutation is predicted to take.
#[derive(Debug)]
pub(super) struct Changing {
    /// To find its rows.
    pub(super) read: Predicted,
    /// To write them.
    writes: Vec<Ask>,
}

impl Changing {
    /// Reading and writing.
    pub(super) fn all(self) -> Predicted {
        let Self { mut read, writes } = self;
        read.asks.extend(writes);
        read
    }
}

impl Selection {
    /// What selecting its rows takes, and writing as many as it is expected to find.
    pub(super) async fn predict(&self, state: &SessionState) -> Result<Changing> {
        let most = match &self.limit {
            Some(plan) if limit::is_constant(plan)? => self.limit(state).await?,
            _ => None,
        };
        let plans = self.physical(state).await?;
        let parts: Vec<Predicted> = plans.iter().map(|(_, plan)| cost::predict(plan, &Costs::EXPECTED)).collect();
        let rows: Estimate = parts.iter().map(|part| part.rows).sum();
        let most = most.map(|most| if self.is_per_partition { most.saturating_mul(parts.len() as u64) } else { most });
        let rows = most.map_or(rows, |most| rows.at_most(most));
        let asks = merged(parts.into_iter().flat_map(|part| part.asks));
        let basis = asks.iter().map(|ask| ask.basis).max().unwrap_or(Basis::Exact);
        let kinds = self.writes.len().max(1) as u64;
        let writes = self.writes.iter().map(|(kind, _)| self.write(*kind, rows, kinds, basis)).collect();
        Ok(Changing { read: Predicted { rows, asks }, writes })
    }

    /// Writing a share of the rows. Every one of them may turn out to need nothing.
    fn write(&self, kind: WriteKind, rows: Estimate, kinds: u64, basis: Basis) -> Ask {
        let max = batch_max(&self.table, kind).and_then(|max| u64::try_from(max).ok()).unwrap_or(1).max(1);
        let calls = Estimate {
            low: 0,
            expected: rows.expected.div_ceil(kinds).div_ceil(max),
            // A refused batch is divided down to its rows.
            high: if max > 1 { rows.high.saturating_mul(2) } else { rows.high },
        };
        Ask {
            connection: Arc::from(self.connection.def.name.as_str()),
            table: self.table.name.clone(),
            endpoint: kind.name().to_owned(),
            how: WRITE,
            pushed: String::new(),
            residual: String::new(),
            partitions: self.partitions.clone(),
            calls,
            rows: Estimate { low: 0, expected: rows.expected.div_ceil(kinds), high: rows.high },
            basis,
            advice: Vec::new(),
        }
    }
}

/// Asks that differ in their partitions alone as one.
fn merged(asks: impl Iterator<Item = Ask>) -> Vec<Ask> {
    let mut merged: Vec<Ask> = Vec::new();
    let mut places: HashMap<_, usize> = HashMap::new();
    for ask in asks {
        let Ask { connection, table, endpoint, how, pushed, residual, .. } = ask.clone();
        let place = *places.entry((connection, table, endpoint, how, pushed, residual)).or_insert(merged.len());
        match merged.get_mut(place) {
            Some(first) => {
                first.partitions.extend(ask.partitions);
                first.calls = first.calls + ask.calls;
                first.rows = first.rows + ask.rows;
                first.basis = first.basis.max(ask.basis);
            }
            None => merged.push(ask),
        }
    }
    merged
}
