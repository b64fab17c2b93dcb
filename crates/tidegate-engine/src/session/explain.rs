//! EXPLAIN: the physical plan, one row a line, with what each scan asks the API for and what it rechecks.
//!
//! `EXPLAIN` sends no data call. `EXPLAIN ANALYZE` runs the statement and shows what it took.

use std::sync::Arc;

use datafusion::arrow::array::StringArray;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::format::{ExplainFormat, ExplainStatementOptions};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{DdlStatement, LogicalPlan};
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt;
use tidegate_transport::Statement;

use super::{Run, bounds, execute};
use crate::{Error, ErrorKind, Result};

/// An EXPLAIN whose statement is planned.
#[derive(Debug)]
pub(super) struct Explain {
    /// The statement's plan.
    pub(super) plan: LogicalPlan,
    pub(super) analyze: bool,
    verbose: bool,
    tree: bool,
}

/// Its one column.
pub(crate) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("plan", DataType::Utf8, false)]))
}

impl Explain {
    /// Checks the options.
    pub(super) fn new(plan: LogicalPlan, options: &ExplainStatementOptions) -> Result<Self> {
        let tree = match &options.format {
            None | Some(ExplainFormat::Indent) => false,
            Some(ExplainFormat::Tree) => true,
            Some(other) => {
                let message = format!("EXPLAIN FORMAT {other} is not offered; there are indent and tree");
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
        };
        Ok(Self { plan: plan_of(plan)?, analyze: options.analyze, verbose: options.verbose, tree })
    }

    pub(super) fn bind(self, params: Vec<ScalarValue>) -> Result<Self> {
        Ok(Self { plan: execute::bind(self.plan, params)?, ..self })
    }

    /// The lines.
    pub(super) async fn run(self, run: &Run, state: &SessionState, statement: &Statement) -> Result<RecordBatch> {
        let optimized = state.optimize(&self.plan)?;
        let physical = state.create_physical_plan(&optimized).await?;
        let mut lines = Vec::new();
        if self.verbose {
            push(&mut lines, &format!("logical plan\n{}", optimized.display_indent()));
            lines.push("physical plan".to_owned());
        }
        if self.analyze {
            bounds::check(run, statement, &physical)?;
            let rows = drain(&physical, state).await?;
            let shown = DisplayableExecutionPlan::with_metrics(physical.as_ref());
            push(&mut lines, &shown.indent(self.verbose).to_string());
            lines.push(spent(statement, rows));
        } else {
            let shown = DisplayableExecutionPlan::new(physical.as_ref());
            let text = if self.tree { shown.tree_render().to_string() } else { shown.indent(self.verbose).to_string() };
            push(&mut lines, &text);
        }
        let column = Arc::new(StringArray::from_iter_values(lines));
        Ok(RecordBatch::try_new(schema(), vec![column]).map_err(datafusion::error::DataFusionError::from)?)
    }
}

/// The plan that a statement has. What a definition reads is what there is to plan; making the plan must not define
/// anything.
///
/// # Errors
/// A definition that reads nothing.
pub(super) fn plan_of(plan: LogicalPlan) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Ddl(DdlStatement::CreateMemoryTable(create)) => Ok(Arc::unwrap_or_clone(create.input)),
        LogicalPlan::Ddl(DdlStatement::CreateView(create)) => Ok(Arc::unwrap_or_clone(create.input)),
        LogicalPlan::Ddl(_) => Err(Error::new(ErrorKind::Unsupported, "this statement has no plan to show")),
        plan => Ok(plan),
    }
}

fn push(lines: &mut Vec<String>, text: &str) {
    lines.extend(text.lines().map(str::to_owned));
}

/// Reads all rows and lets them go.
async fn drain(physical: &Arc<dyn ExecutionPlan>, state: &SessionState) -> Result<usize> {
    let stream = execute_stream(Arc::clone(physical), state.task_ctx())?;
    Ok(stream.try_fold(0, |rows, batch| async move { Ok(rows + batch.num_rows()) }).await?)
}

fn spent(statement: &Statement, rows: usize) -> String {
    let counts = statement.counts();
    format!(
        "rows={rows} calls={} retries={} pages={} bytes={} waited={}ms",
        counts.calls,
        counts.retries,
        counts.pages,
        counts.bytes,
        counts.waited.as_millis()
    )
}
