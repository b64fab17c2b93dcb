//! Runs a prepared statement.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::ParamValues;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, SessionState};
use datafusion::logical_expr::{DdlStatement, LogicalPlan};
use datafusion::physical_plan::execute_stream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::scalar::ScalarValue;
use futures::{StreamExt, stream};
use tidegate_remote::Tally;
use tidegate_transport::Statement;

use super::stream::StatementStream;
use super::{
    Action, Cancel, Execution, Planner, Prepared, Run, Summary, bounds, command, explain, explain_calls, refresh,
    select,
};
use crate::Result;
use crate::mutate::run::Host;
use crate::mutate::summary::Watched;
use crate::scan::{Notices, ScanContext};
use crate::sql::Command;

/// What a statement has begun.
enum Started {
    /// It has no rows, and is done.
    Done,
    /// Its rows; reading them runs it.
    Rows(SendableRecordBatchStream),
    /// A mutation, which runs on its own: the stream only tells how it ended.
    Mutation(Watched, SendableRecordBatchStream),
}

/// Numbers the statement, starts it, and hands out its stream.
pub(super) async fn execute(prepared: Prepared, params: Vec<ScalarValue>) -> Result<Execution> {
    let Prepared { schema, action, run, planner, .. } = prepared;
    run.start_timing();
    let statement = if reads_nothing(&action) { run.statement_without_calls()? } else { run.statement()? };
    let id = run.id(&statement);
    let started = match start(&planner, &run, &statement, action, params).await {
        Ok(started) => started,
        Err(error) => {
            run.failed(&error, 0);
            return Err(error);
        }
    };
    let (timing, notes) = (Arc::clone(run.timing()), Arc::clone(run.notes()));
    let cancelled = statement.cancellation().clone().cancelled_owned();
    let (mutation, stream): (_, SendableRecordBatchStream) = match started {
        Started::Done => (None, Box::pin(StatementStream::new(no_rows(schema), cancelled, run))),
        Started::Rows(rows) => (None, Box::pin(StatementStream::new(rows, cancelled, run))),
        Started::Mutation(watched, stream) => (Some(watched), stream),
    };
    let summary = Summary { statement: Arc::clone(&statement), timing, notes, mutation };
    Ok(Execution { id, schema: stream.schema(), stream, summary, cancel: Cancel { statement } })
}

/// Whether it is a query over no table, whose rows come from its text alone.
fn reads_nothing(action: &Action) -> bool {
    let Action::Plan(plan) = action else { return false };
    let reads = plan.apply_with_subqueries(|node| {
        Ok(match node {
            LogicalPlan::EmptyRelation(_)
            | LogicalPlan::Values(_)
            | LogicalPlan::Projection(_)
            | LogicalPlan::Filter(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Subquery(_)
            | LogicalPlan::SubqueryAlias(_) => TreeNodeRecursion::Continue,
            _ => TreeNodeRecursion::Stop,
        })
    });
    reads.is_ok_and(|visited| visited != TreeNodeRecursion::Stop)
}

/// Begins a statement.
async fn start(
    planner: &Arc<Planner>,
    run: &Arc<Run>,
    statement: &Arc<Statement>,
    action: Action,
    params: Vec<ScalarValue>,
) -> Result<Started> {
    let host = || Host { planner: Arc::clone(planner), run: Arc::clone(run), statement: Arc::clone(statement) };
    match action {
        Action::Mutation(work) => {
            let (watched, stream) = Box::pin(work.start(host(), params)).await?;
            Ok(Started::Mutation(watched, stream))
        }
        Action::Command(Command::UsePartitions(choice)) => {
            let (planner, run, statement) = (Arc::clone(planner), Arc::clone(run), Arc::clone(statement));
            Ok(Started::Rows(deferred(async move {
                select::select(&planner, &run, &statement, choice).await?;
                Ok(None)
            })))
        }
        Action::Command(command) => command::run(planner, run, command).map(|()| Started::Done),
        Action::Rows(rows) => Ok(Started::Rows(one_batch(rows))),
        Action::Refresh(connections) => {
            let (run, statement) = (Arc::clone(run), Arc::clone(statement));
            Ok(Started::Rows(deferred_rows(refresh::schema(), async move {
                Ok(Some(refresh::refresh(&run, &statement, connections).await?))
            })))
        }
        Action::Plan(plan) => {
            let state = state(planner, run, statement)?;
            let plan = bind(plan, params)?;
            let physical = state.create_physical_plan(&plan).await?;
            bounds::check(run, statement, &physical)?;
            let rows = execute_stream(Arc::clone(&physical), state.task_ctx())?;
            Ok(Started::Rows(bounds::watching_reserves(rows, run, &physical)))
        }
        Action::Define { plan, source } => {
            let state = state(planner, run, statement)?;
            let plan = bind(plan, params)?;
            bounds::check_definition(run, &state, statement, &plan).await?;
            let context = Planner::context(state);
            let shared = Arc::clone(run.shared());
            Ok(Started::Rows(deferred(async move {
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
        Action::ExplainMutation(explain) => {
            let host = host();
            Ok(Started::Rows(deferred_rows(
                explain::schema(),
                async move { Ok(Some(explain.run(host, params).await?)) },
            )))
        }
        Action::ExplainCalls(plan) => {
            let (run, state) = (Arc::clone(run), state(planner, run, statement)?);
            Ok(Started::Rows(deferred_rows(explain_calls::schema(), async move {
                Ok(Some(explain_calls::run(&run, &state, plan, params).await?))
            })))
        }
        Action::Explain(explain) => {
            let state = state(planner, run, statement)?;
            let (run, statement) = (Arc::clone(run), Arc::clone(statement));
            Ok(Started::Rows(deferred_rows(explain::schema(), async move {
                Ok(Some(explain.bind(params)?.run(&run, &state, &statement).await?))
            })))
        }
    }
}

/// The state that a statement runs with: the connections it may use, and who pays.
pub(crate) fn state(planner: &Planner, run: &Run, statement: &Arc<Statement>) -> Result<SessionState> {
    let mut state = planner.state(run)?;
    state.config_mut().set_extension(Arc::new(ScanContext {
        connections: run.shared().opened_connections().into_iter().collect(),
        principal: Arc::clone(run.principal()),
        statement: Arc::clone(statement),
        notices: notices(run),
        tally: Some(Arc::clone(run.learnt()) as Arc<dyn Tally>),
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
