//! EXPLAIN of a mutation: what it reads, how it writes, what that takes and what bounds it. Nothing is journalled, and
//! without `(select_rows)` no data call is sent.

use std::sync::Arc;

use datafusion::arrow::array::StringArray;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::scalar::ScalarValue;
use tidegate_mutation::OnError;
use tidegate_remote::write::batch_max;

use super::plan::Selection;
use super::run::Host;
use super::{describe, limit, shown};
use crate::sql::{Explained, quote};
use crate::system::{Counters, scopes};
use crate::{Result, Settings, session};

/// Partitions whose plans are shown.
const PLANS: usize = 1;

/// Partitions whose figures are shown.
pub(super) const FIGURES: usize = 20;

/// A mutation that is described.
#[derive(Debug)]
pub(crate) struct Explain {
    /// What it selects, and what becomes of that.
    pub(crate) selection: Selection,
    /// How.
    pub(crate) explained: Explained,
}

impl Explain {
    /// The schema of what it returns.
    pub(crate) fn schema(&self) -> SchemaRef {
        if self.explained.calls { session::calls_schema() } else { session::explain_schema() }
    }

    /// The lines.
    ///
    /// # Errors
    /// Parameters that do not fit, and what planning or reading fails for.
    pub(crate) async fn run(self, host: Host, params: Vec<ScalarValue>) -> Result<RecordBatch> {
        let selection = self.selection.bind(params)?;
        if self.explained.calls {
            let predicted = selection.predict(&host.state()?).await?.all();
            return session::calls_shown(&host.run, &predicted).await;
        }
        let mut lines = Vec::new();
        lines.push(format!(
            "{} of {}.{}",
            selection.kind.verb(),
            quote(&selection.connection.def.name),
            quote(&selection.table.name)
        ));
        selects(&mut lines, &selection, &host, self.explained.verbose).await?;
        for (kind, columns) in &selection.writes {
            describe::write(&mut lines, &selection.table, *kind, columns);
        }
        if self.explained.select_rows {
            shown::rows(&mut lines, &selection, &host).await?;
        }
        quotas(&mut lines, &selection).await?;
        bounds(&mut lines, host.run.settings());
        let column = Arc::new(StringArray::from_iter_values(lines));
        Ok(RecordBatch::try_new(session::explain_schema(), vec![column]).map_err(DataFusionError::from)?)
    }
}

/// What is read to find the rows.
async fn selects(lines: &mut Vec<String>, selection: &Selection, host: &Host, verbose: bool) -> Result<()> {
    let plans = selection.physical(&host.state()?).await?;
    let physical: Vec<_> = plans.iter().map(|(_, plan)| Arc::clone(plan)).collect();
    for (partition, plan) in plans.iter().take(PLANS) {
        match partition {
            Some(code) => lines.push(format!("selects, in partition {code}:")),
            None => lines.push("selects:".to_owned()),
        }
        let shown = DisplayableExecutionPlan::new(plan.as_ref()).indent(verbose).to_string();
        lines.extend(shown.lines().map(|line| format!("  {line}")));
    }
    let others: Vec<&str> = plans.iter().skip(PLANS).filter_map(|(code, _)| code.as_deref()).collect();
    if !others.is_empty() {
        lines.push(format!("  the same in: {}", crate::error::listed(&others)));
    }
    lines.push(format!("  calls for reading: at least {}", session::least_calls_of(&physical)));
    lines.extend(rows(selection, host).await?);
    Ok(())
}

/// How many rows it changes at most, and what that takes. A LIMIT that has to be read is not.
async fn rows(selection: &Selection, host: &Host) -> Result<Vec<String>> {
    let each = if selection.is_per_partition { " in each partition" } else { "" };
    let Some(plan) = &selection.limit else { return Ok(vec!["  rows: all that it finds".to_owned()]) };
    if !limit::is_constant(plan)? {
        return Ok(vec![format!("  rows: as many{each} as LIMIT says when it runs")]);
    }
    let Some(most) = selection.limit(&host.state()?).await? else { return Ok(Vec::new()) };
    let max = selection.writes.iter().filter_map(|(kind, _)| batch_max(&selection.table, *kind)).min();
    let calls = most.div_ceil(max.and_then(|max| u64::try_from(max).ok()).unwrap_or(1).max(1));
    let how = if max.is_some() { "at best" } else { "at most" };
    Ok(vec![format!("  rows: at most {most}{each}"), format!("  calls for writing: {how} {calls}{each}")])
}

/// What is left of the quotas that its calls come out of, as far as that is known.
async fn quotas(lines: &mut Vec<String>, selection: &Selection) -> Result<()> {
    let connection = &selection.connection;
    let codes: Vec<&str> = selection.partitions.iter().map(AsRef::as_ref).collect();
    let counters = Counters::read(connection, &codes).await?;
    let partitions: Vec<Option<&str>> = match codes.as_slice() {
        [] => vec![None],
        codes => codes.iter().take(FIGURES).map(|code| Some(*code)).collect(),
    };
    for partition in partitions {
        let keys = scopes(connection, partition);
        let figures: Vec<String> = counters
            .meters(&keys)
            .filter_map(|meter| Some(format!("{} has {} of {} left", meter.name, meter.remaining?, meter.limit?)))
            .collect();
        if !figures.is_empty() {
            let place = partition.map_or(String::new(), |code| format!(", in partition {code}"));
            lines.push(format!("quotas{place}: {}", figures.join(", ")));
        }
    }
    Ok(())
}

/// What bounds it.
fn bounds(lines: &mut Vec<String>, settings: &Settings) {
    let changed = settings.changed();
    let of = |name: &str| changed.get(name).map(|value| format!("{name} = {value}"));
    let mut bounds: Vec<String> =
        ["max_calls", "quota_reserve", "on_quota_exhausted"].into_iter().filter_map(of).collect();
    bounds.push(match settings.on_mutation_error {
        OnError::Stop => "it stops at the first row that fails".to_owned(),
        OnError::Continue(u64::MAX) => "it goes on however many rows fail".to_owned(),
        OnError::Continue(rows) => format!("it stops when more than {rows} rows have failed"),
    });
    bounds.push(format!("at most {} writes at once in each partition", settings.write_concurrency));
    lines.push(format!("bounds: {}", bounds.join(", ")));
}
