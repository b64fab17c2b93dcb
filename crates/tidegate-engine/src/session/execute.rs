//! Runs a prepared statement.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::ParamValues;
use datafusion::execution::{SendableRecordBatchStream, SessionState};
use datafusion::logical_expr::{DdlStatement, LogicalPlan};
use datafusion::physical_plan::execute_stream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::scalar::ScalarValue;
use futures::{StreamExt, stream};
use tidegate_transport::Statement;

use super::stream::StatementStream;
use super::{Action, Cancel, Execution, Planner, Prepared, Run, Summary, bounds, command, explain, refresh, select};
use crate::Result;
use crate::scan::{Notices, ScanContext};
use crate::sql::Command;

/// Numbers the statement, starts it, and hands out its stream.
pub(super) async fn execute(prepared: Prepared, params: Vec<ScalarValue>) -> Result<Execution> {
    let Prepared { schema, action, run, planner, .. } = prepared;
    run.start_timing();
    let statement = run.statement()?;
    let started = match start(&planner, &run, &statement, action, params).await {
        Ok(stream) => stream,
        Err(error) => {
            run.failed(&error, 0);
            return Err(error);
        }
    };
    let cancelled = statement.cancellation().clone().cancelled_owned();
    let summary =
        Summary { statement: Arc::clone(&statement), timing: Arc::clone(run.timing()), notes: Arc::clone(run.notes()) };
    let stream = StatementStream::new(started.unwrap_or_else(|| no_rows(schema)), cancelled, run);
    let stream: SendableRecordBatchStream = Box::pin(stream);
    Ok(Execution { id: statement.id(), schema: stream.schema(), stream, summary, cancel: Cancel { statement } })
}

/// The rows of a statement, or `None` for one that has none and is already done.
async fn start(
    planner: &Arc<Planner>,
    run: &Arc<Run>,
    statement: &Arc<Statement>,
    action: Action,
    params: Vec<ScalarValue>,
) -> Result<Option<SendableRecordBatchStream>> {
    match action {
        Action::Command(Command::UsePartitions(choice)) => {
            let (planner, run, statement) = (Arc::clone(planner), Arc::clone(run), Arc::clone(statement));
            Ok(Some(deferred(async move {
                select::select(&planner, &run, &statement, choice).await?;
                Ok(None)
            })))
        }
        Action::Command(command) => command::run(planner, run, command).map(|()| None),
        Action::Rows(rows) => Ok(Some(one_batch(rows))),
        Action::Refresh(connections) => {
            let (run, statement) = (Arc::clone(run), Arc::clone(statement));
            Ok(Some(deferred_rows(refresh::schema(), async move {
                Ok(Some(refresh::refresh(&run, &statement, connections).await?))
            })))
        }
        Action::Plan(plan) => {
            let state = state(planner, run, statement)?;
            let plan = bind(plan, params)?;
            let physical = state.create_physical_plan(&plan).await?;
            bounds::check(statement, &physical)?;
            let rows = execute_stream(Arc::clone(&physical), state.task_ctx())?;
            Ok(Some(bounds::watching_reserves(rows, run, &physical)))
        }
        Action::Define { plan, source } => {
            let state = state(planner, run, statement)?;
            let plan = bind(plan, params)?;
            bounds::check_definition(&state, statement, &plan).await?;
            let context = Planner::context(state);
            let shared = Arc::clone(run.shared());
            Ok(Some(deferred(async move {
                let view = match &plan {
                    LogicalPlan::Ddl(DdlStatement::CreateView(view)) => Some(view.name.table().to_owned()),
                    _ => None,
                };
                context.execute_logical_plan(plan).await?.collect().await?;
                if let Some(view) = view {
                    shared.main().put_definition(&view, *source);
                }
                Ok(None)
            })))
        }
        Action::Explain(explain) => {
            let state = state(planner, run, statement)?;
            let statement = Arc::clone(statement);
            Ok(Some(deferred_rows(explain::schema(), async move {
                Ok(Some(explain.bind(params)?.run(&state, &statement).await?))
            })))
        }
    }
}

/// The state that a statement runs with: the connections it may use, and who pays.
pub(super) fn state(planner: &Planner, run: &Run, statement: &Arc<Statement>) -> Result<SessionState> {
    let mut state = planner.state(run)?;
    state.config_mut().set_extension(Arc::new(ScanContext {
        connections: run.shared().connections().into_iter().collect(),
        principal: Arc::clone(run.principal()),
        statement: Arc::clone(statement),
        notices: notices(run),
    }));
    state.mark_start_execution();
    Ok(state)
}

fn notices(run: &Run) -> Notices {
    let notes = Arc::clone(run.notes());
    let lacks_rows = notes.lacks_rows();
    Notices::new(move |connection, message| notes.warn(connection, message)).raising(lacks_rows)
}

pub(super) fn bind(plan: LogicalPlan, params: Vec<ScalarValue>) -> Result<LogicalPlan> {
    if params.is_empty() {
        return Ok(plan);
    }
    Ok(plan.with_param_values(ParamValues::from(params))?)
}

fn no_rows(schema: SchemaRef) -> SendableRecordBatchStream {
    Box::pin(RecordBatchStreamAdapter::new(schema, stream::empty()))
}

fn one_batch(rows: RecordBatch) -> SendableRecordBatchStream {
    Box::pin(RecordBatchStreamAdapter::new(rows.schema(), stream::iter([Ok(rows)])))
}

/// A stream without rows that does its work when it is polled, so that it can be cancelled.
fn deferred(work: impl Future<Output = Result<Option<RecordBatch>>> + Send + 'static) -> SendableRecordBatchStream {
    deferred_rows(Arc::new(datafusion::arrow::datatypes::Schema::empty()), work)
}

fn deferred_rows(
    schema: SchemaRef,
    work: impl Future<Output = Result<Option<RecordBatch>>> + Send + 'static,
) -> SendableRecordBatchStream {
    let rows = stream::once(work).filter_map(|result| async move { result.map_err(Into::into).transpose() });
    Box::pin(RecordBatchStreamAdapter::new(schema, rows))
}
