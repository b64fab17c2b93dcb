//! What is told of a statement's bounds beside the calls themselves: that it needs more calls than it may send, before
//! it sends any, and that a reserve names a quota which nobody has.
//!
//! The calls are counted from the plan, and never too high: an operator that may end without having read its input, or
//! that is not known here, stands for none. The bound itself is kept where calls are sent.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::Result as DfResult;
use datafusion::execution::{SendableRecordBatchStream, SessionState};
use datafusion::logical_expr::{DdlStatement, LogicalPlan};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, stream};
use tidegate_transport::Statement;

use super::Run;
use crate::cost::{self, Ask, Costs, Estimate};
use crate::lookup::LookupJoinExec;
use crate::scan::{ApiCountExec, ApiGroupsExec, ApiScanExec};
use crate::system::{Counters, scopes};
use crate::{Connection, Error, ErrorKind, Result, partitions};

/// Notes what the plan is predicted to take, and refuses one that needs more calls than the statement may still send:
/// surely, or by what was seen lately.
///
/// # Errors
/// How many calls it needs, how that is known, and what to do.
pub(super) fn check(run: &Run, statement: &Statement, plan: &Arc<dyn ExecutionPlan>) -> Result<()> {
    let predicted = cost::predict(plan, &Costs::EXPECTED);
    run.note_predicted(predicted.calls());
    if statement.bounds().max_calls.is_none() {
        return Ok(());
    }
    check_calls(statement, least_calls(plan))?;
    check_predicted(statement, &predicted.asks)
}

/// Refuses plans that together need more calls than the statement may still send.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_calls_of(statement: &Statement, plans: &[Arc<dyn ExecutionPlan>]) -> Result<()> {
    check_calls(statement, least_calls_of(plans))?;
    let asks: Vec<Ask> = plans.iter().flat_map(|plan| cost::predict(plan, &Costs::EXPECTED).asks).collect();
    check_predicted(statement, &asks)
}

/// Calls that running all of the plans surely takes.
pub(crate) fn least_calls_of(plans: &[Arc<dyn ExecutionPlan>]) -> u64 {
    plans.iter().map(least_calls).sum()
}

fn least_calls(plan: &Arc<dyn ExecutionPlan>) -> u64 {
    cost::predict(plan, &Costs::SURE).calls().low
}

/// Refuses what takes more calls than the statement may send, by what was seen lately.
fn check_predicted(statement: &Statement, asks: &[Ask]) -> Result<()> {
    let Some(most) = statement.bounds().max_calls else { return Ok(()) };
    let spent = statement.counts().calls;
    let calls: Estimate = asks.iter().map(|ask| ask.calls).sum();
    if spent.saturating_add(calls.low) <= most {
        return Ok(());
    }
    let largest = asks.iter().max_by_key(|ask| ask.calls.low);
    let known = largest.map_or(String::new(), |ask| {
        let Ask { connection, table, rows, basis, .. } = ask;
        format!(": {connection}.{table} has about {} rows ({}, not older than a day)", rows.expected, basis.name())
    });
    let message = format!(
        "the statement is predicted to need about {} calls, at least {}{known}. tidegate.max_calls is {most}, {}; raise \
         max_calls, or narrow what is asked for: EXPLAIN CALLS shows how. Answers that are stored are not counted on",
        calls.expected,
        calls.low,
        sent(spent),
    );
    Err(Error::new(ErrorKind::CallBound, message))
}

/// What a statement that has not begun may have sent.
fn sent(spent: u64) -> String {
    match spent {
        0 => "none was sent".to_owned(),
        1 => "one was sent, to resolve its names".to_owned(),
        spent => format!("{spent} were sent, to resolve its names"),
    }
}

/// Refuses what surely takes so many more calls than were sent, if that is more than the statement may send.
///
/// # Errors
/// As [`check`].
pub(super) fn check_calls(statement: &Statement, least: u64) -> Result<()> {
    let Some(most) = statement.bounds().max_calls else { return Ok(()) };
    let spent = statement.counts().calls;
    let needed = spent.saturating_add(least);
    if needed <= most {
        return Ok(());
    }
    let sent = sent(spent);
    let message = format!(
        "the statement needs at least {needed} {}, and tidegate.max_calls is {most}: {sent}; raise max_calls, or narrow \
         what is asked for: by a filter, a LIMIT, or USE of fewer partitions",
        if needed == 1 { "call" } else { "calls" }
    );
    Err(Error::new(ErrorKind::CallBound, message))
}

/// The same for what a definition reads, whose plan is made only to be counted.
///
/// # Errors
/// As [`check`], and what planning fails for.
pub(super) async fn check_definition(
    run: &Run,
    state: &SessionState,
    statement: &Statement,
    plan: &LogicalPlan,
) -> Result<()> {
    let LogicalPlan::Ddl(DdlStatement::CreateMemoryTable(create)) = plan else { return Ok(()) };
    check(run, statement, &state.create_physical_plan(&create.input).await?)
}

/// The rows, and at their end a warning for each name in `quota_reserve` that is no quota of a connection read.
///
/// At the end and not before: an API may tell of its quotas in its first answer.
pub(super) fn watching_reserves(
    rows: SendableRecordBatchStream,
    run: &Arc<Run>,
    plan: &Arc<dyn ExecutionPlan>,
) -> SendableRecordBatchStream {
    if run.settings().spending.reserve.is_empty() {
        return rows;
    }
    let mut connections = BTreeSet::new();
    collect_connections(plan, &mut connections);
    let schema = rows.schema();
    let run = Arc::clone(run);
    let rows = stream::unfold(Some((rows, run, connections)), |state| async move {
        let (mut rows, run, connections) = state?;
        let next: Option<DfResult<RecordBatch>> = rows.next().await;
        match next {
            Some(Ok(batch)) => Some((Ok(batch), Some((rows, run, connections)))),
            end => {
                drop(rows);
                warn_of_reserves(&run, &connections).await;
                end.map(|end| (end, None))
            }
        }
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, rows))
}

fn collect_connections(plan: &Arc<dyn ExecutionPlan>, connections: &mut BTreeSet<String>) {
    let scanned = plan.downcast_ref::<ApiScanExec>().map(ApiScanExec::connection);
    let counted = plan.downcast_ref::<ApiCountExec>().map(ApiCountExec::connection);
    let grouped = plan.downcast_ref::<ApiGroupsExec>().map(ApiGroupsExec::connection);
    let looked_up = plan.downcast_ref::<LookupJoinExec>().map(LookupJoinExec::connection);
    connections.extend(scanned.or(counted).or(grouped).or(looked_up).map(|name| name.to_string()));
    for child in plan.children() {
        collect_connections(child, connections);
    }
}

async fn warn_of_reserves(run: &Run, connections: &BTreeSet<String>) {
    for name in connections {
        let Some(connection) = run.shared().connection(name) else { continue };
        let Some(quotas) = quotas(run, &connection).await else { continue };
        for sentence in unknown_reserves(run, &quotas) {
            run.notes().warn(name, sentence);
        }
    }
}

/// Refuses a reserve of a quota that the connection does not have, before something is changed: it would not be kept. A
/// connection of whose quotas nothing is known is let pass, with a warning.
///
/// # Errors
/// Which names are wrong, and which there are.
pub(crate) async fn check_reserves(run: &Run, connection: &Connection) -> Result<()> {
    let quotas = quotas(run, connection).await.unwrap_or_default();
    if quotas.is_empty() {
        unknown_reserves(run, &quotas).for_each(|sentence| run.notes().warn(&connection.def.name, sentence));
        return Ok(());
    }
    match unknown_reserves(run, &quotas).next() {
        None => Ok(()),
        Some(sentence) => {
            let message = format!("{}: {sentence}; nothing was changed", connection.def.name);
            Err(Error::new(ErrorKind::Query, message))
        }
    }
}

/// Names of the connection's quotas, declared or told; `None` where the ledger cannot be read.
async fn quotas(run: &Run, connection: &Connection) -> Option<BTreeSet<String>> {
    let known = partitions::known_partitions(run.engine(), connection).unwrap_or_else(|| Arc::new([]));
    let selection = run.shared().selection(connection);
    // One partition is as good as all: their quotas have the same names.
    let codes = known.iter().map(|partition| partition.code.as_str());
    let code = codes.into_iter().find(|code| selection.includes(code));
    let counters = Counters::read(connection, code.as_slice()).await.ok()?;
    let keys = scopes(connection, code);
    let declared = connection.metering.quotas.iter().map(|metered| metered.quota.name.as_ref());
    Some(declared.chain(counters.meters(&keys).map(|meter| meter.name.as_ref())).map(str::to_owned).collect())
}

/// A sentence for each name in `quota_reserve` that is none of these.
fn unknown_reserves<'a>(run: &'a Run, quotas: &'a BTreeSet<String>) -> impl Iterator<Item = String> + 'a {
    let there_are = if quotas.is_empty() {
        "none are known of it".to_owned()
    } else {
        format!("there are: {}", crate::error::listed(&quotas.iter().map(String::as_str).collect::<Vec<_>>()))
    };
    let unknown = run.settings().spending.reserve.iter().filter(|(name, _)| !quotas.contains(name));
    unknown.map(move |(name, _)| format!("quota_reserve names {name}, which is no quota of it; {there_are}"))
}
