//! What a prepared statement is predicted to take, and of which quotas. Sends nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::execution::SessionState;
use datafusion::logical_expr::{DdlStatement, LogicalPlan};
use datafusion::scalar::ScalarValue;
use tidegate_quota::ScopeKey;

use super::{Action, Prepared, Run, execute};
use crate::cost::{self, Ask, Costs, Estimate, Predicted, QuotaUse};
use crate::system::Counters;
use crate::{ConfirmCalls, Connection, Result};

/// What a statement is predicted to take. Answers that are stored already are not foreseen: it may take less.
#[derive(Debug, Clone)]
pub struct Prediction {
    /// Calls and rows.
    pub predicted: Predicted,
    /// What it takes of each quota that its calls come out of.
    pub quotas: Vec<QuotaUse>,
    confirm: ConfirmCalls,
}

impl Prediction {
    /// Why a program that can should ask before it runs the statement; `None` where it need not. That is for
    /// `tidegate.confirm_calls` to say.
    #[must_use]
    pub fn should_confirm(&self) -> Option<String> {
        cost::reason_to_confirm(self.confirm, self.predicted.calls().expected, &self.quotas)
    }

    /// The quota of which it takes most.
    #[must_use]
    pub fn tightest(&self) -> Option<&QuotaUse> {
        cost::tightest(&self.quotas)
    }
}

impl Prepared {
    /// What running it with these parameters is predicted to take; `None` for a statement that asks no API, or of which
    /// nothing can be told, such as one that goes on with a mutation. Sends nothing.
    ///
    /// # Errors
    /// Parameters that do not fit, and those of planning.
    pub async fn predict(&self, params: &[ScalarValue]) -> Result<Option<Prediction>> {
        let Some(predicted) = Box::pin(self.predicted(params)).await? else { return Ok(None) };
        let quotas = quotas(&self.run, &predicted.asks).await?;
        Ok(Some(Prediction { predicted, quotas, confirm: self.run.settings().confirm_calls }))
    }

    async fn predicted(&self, params: &[ScalarValue]) -> Result<Option<Predicted>> {
        let mut state = self.planner.state(&self.run)?;
        state.mark_start_execution();
        let plan = match &self.action {
            Action::Plan(plan) | Action::Define { plan, .. } => plan,
            Action::Explain(explain) if explain.analyze => &explain.plan,
            Action::Mutation(work) => return work.predict(&state, params).await,
            _ => return Ok(None),
        };
        of_plan(&state, read_by(execute::bind(plan.clone(), params.to_vec())?)).await
    }
}

/// The plan that a statement runs; of a definition the one that fills it.
pub(super) fn read_by(plan: LogicalPlan) -> Option<LogicalPlan> {
    match plan {
        LogicalPlan::Ddl(DdlStatement::CreateMemoryTable(create)) => Some(Arc::unwrap_or_clone(create.input)),
        LogicalPlan::Ddl(_) => None,
        plan => Some(plan),
    }
}

/// What running a plan is predicted to take.
async fn of_plan(state: &SessionState, plan: Option<LogicalPlan>) -> Result<Option<Predicted>> {
    let Some(plan) = plan else { return Ok(None) };
    let physical = state.create_physical_plan(&plan).await?;
    Ok(Some(cost::predict(&physical, &Costs::EXPECTED)))
}

/// What the asks take of each quota, as the ledger has them now.
///
/// # Errors
/// When the ledger cannot be read.
pub(super) async fn quotas(run: &Run, asks: &[Ask]) -> Result<Vec<QuotaUse>> {
    let now = run.engine().parts().clock.now();
    let mut uses: BTreeMap<(ScopeKey, Arc<str>), (QuotaUse, tidegate_quota::MeterView)> = BTreeMap::new();
    for ask in asks {
        let Some(connection) = run.shared().connection(&ask.connection) else { continue };
        let codes: Vec<&str> = ask.partitions.iter().map(AsRef::as_ref).collect();
        let counters = Counters::read(&connection, &codes).await?;
        for (partition, key, calls) in scopes(&connection, ask) {
            let Some(scope) = counters.scope(&key) else { continue };
            for meter in &scope.meters {
                let Some(need) = cost::need(&connection.metering, ask, meter, calls) else { continue };
                let (one, _) = uses.entry((key.clone(), Arc::clone(&meter.name))).or_insert_with(|| {
                    let one = QuotaUse {
                        connection: Arc::clone(&ask.connection),
                        partition: partition.clone(),
                        quota: Arc::clone(&meter.name),
                        need: 0,
                        left: meter.remaining,
                        wait: None,
                        window: meter.window,
                    };
                    (one, meter.clone())
                });
                one.need = one.need.saturating_add(need);
            }
        }
    }
    let waiting = |(one, meter): (QuotaUse, _)| QuotaUse { wait: cost::wait(&meter, one.need, now), ..one };
    Ok(uses.into_values().map(waiting).collect())
}

/// Scopes whose counters an ask touches, with the calls in each: all in those of credential and connection.
fn scopes(connection: &Connection, ask: &Ask) -> Vec<(Option<Arc<str>>, ScopeKey, u64)> {
    let metering = &connection.metering;
    let Estimate { expected: calls, .. } = ask.calls;
    let whole = [metering.credential.clone(), metering.connection.clone()].map(|key| (None, key, calls));
    let each = calls.div_ceil(ask.partitions.len().max(1) as u64);
    let partitions = ask.partitions.iter().map(|code| (Some(Arc::clone(code)), metering.partition(code), each));
    whole.into_iter().chain(partitions).collect()
}
