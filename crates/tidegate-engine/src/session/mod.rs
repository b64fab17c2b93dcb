//! One user's way in: prepare a statement, execute it, read its rows.

mod bounds;
mod check;
mod command;
mod complete;
mod config;
mod execute;
mod explain;
mod explain_calls;
pub(crate) mod lists;
mod literals;
pub(crate) mod moments;
mod mutation;
mod notes;
mod plan;
mod prediction;
mod refresh;
mod run;
mod select;
mod shared;
mod stream;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use datafusion::scalar::ScalarValue;
use datafusion::sql::parser::Statement as DfStatement;
use tidegate_transport::{Left, Statement, StatementCounts, StatementId, Waiting};

use crate::catalog::{Definition, INFORMATION_SCHEMA, MAIN, SYSTEM};
use crate::mutate::summary::{MutationSummary, Watched};
use crate::sql::{Command, Parsed};
use crate::{Connection, Engine, Error, ErrorKind, Result, mutate, sql};
pub(crate) use bounds::check_reserves;
pub(crate) use bounds::{check_calls_of, least_calls_of};
pub(crate) use check::{one_of_its_own, read_only};
pub(crate) use execute::state;
pub(crate) use explain::schema as explain_schema;
pub(crate) use explain_calls::{schema as calls_schema, shown as calls_shown};
pub(crate) use notes::Notes;
pub(crate) use plan::Planner;
pub use prediction::Prediction;
pub(crate) use run::Run;
pub(crate) use shared::Shared;

/// One user's session: principal, settings, and a catalog of its own. Statements run one after another.
///
/// The catalog has the connections of the engine, those that `CREATE CONNECTION` made in this session and not
/// those that `DROP CONNECTION` dropped in it, and the session's own local tables and views. What lasts longer
/// belongs into the configuration.
#[derive(Debug)]
pub struct Session {
    shared: Arc<Shared>,
    /// Made at the first statement: a session that runs none costs nothing.
    planner: OnceLock<Arc<Planner>>,
}

/// What kind of statement it is: tells a front end what to expect of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementKind {
    /// Returns rows.
    Query,
    /// Changes rows of a local table or writes a file; returns one row with a count.
    Write,
    /// Changes rows of a connection's tables; returns what RETURNING says, else one row with its counts. Its
    /// [`Summary::mutation`] says how it ended.
    Mutation,
    /// Changes the session: settings, connections, local views. Returns no rows.
    Command,
    /// Describes a plan.
    Explain,
}

/// A statement whose names and types are resolved. Making it sends no data call: only names may be resolved.
#[derive(Debug)]
pub struct Prepared {
    /// What kind it is.
    pub kind: StatementKind,
    /// Types of its parameters (`$1` …), as far as they are known.
    pub params: Vec<(String, Option<DataType>)>,
    /// Columns of its rows; empty for a command.
    pub schema: SchemaRef,
    /// Whether it changes all rows of a table, whatever their number: UPDATE or DELETE without WHERE and LIMIT. A shell
    /// asks before it executes one.
    pub is_unbounded: bool,
    action: Action,
    run: Arc<Run>,
    planner: Arc<Planner>,
}

/// What executing a statement does.
#[derive(Debug)]
enum Action {
    /// Runs a plan that returns rows.
    Plan(LogicalPlan),
    /// Defines something in `main`.
    Define {
        /// What DataFusion does.
        plan: LogicalPlan,
        /// What it was written as: a view is planned anew when it is used.
        source: Box<Definition>,
    },
    /// Changes rows of a connection's tables.
    Mutation(mutate::prepare::Work),
    /// Shows what a mutation would do.
    ExplainMutation(Box<mutate::explain::Explain>),
    /// Shows a plan.
    Explain(explain::Explain),
    /// Shows what a plan is predicted to take.
    ExplainCalls(LogicalPlan),
    /// Asks connections what is left of their quotas.
    Refresh(Vec<Arc<Connection>>),
    /// Returns rows that resolving names has found.
    Rows(datafusion::arrow::record_batch::RecordBatch),
    /// Changes the session.
    Command(Command),
}

/// A statement that runs. Dropping the stream cancels it.
pub struct Execution {
    /// Its number in `system.statements`. A query over no table has none yet: it takes no call, and is kept there when
    /// the state is used for something else.
    pub id: Option<StatementId>,
    /// Columns of its rows.
    pub schema: SchemaRef,
    /// Its rows. An error of it is an [`Error`] after `Error::from`.
    pub stream: SendableRecordBatchStream,
    /// Live figures, for a progress bar and a closing line.
    pub summary: Summary,
    /// Stops it.
    pub cancel: Cancel,
}

/// Live figures of a statement; valid, and final, after its stream has ended.
#[derive(Debug, Clone)]
pub struct Summary {
    statement: Arc<Statement>,
    timing: Arc<run::Timing>,
    notes: Arc<Notes>,
    mutation: Option<Watched>,
}

/// Stops a statement: no new call is sent, and its stream ends with an error.
#[derive(Debug, Clone)]
pub struct Cancel {
    statement: Arc<Statement>,
}

/// What can stand at a place in a statement, for a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// Text to put in.
    pub text: String,
    /// `table`, `column`, `schema`, `setting` or `keyword`.
    pub kind: &'static str,
}

impl StatementKind {
    /// As it is kept in `system.statements`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Write => "write",
            Self::Mutation => "mutation",
            Self::Command => "command",
            Self::Explain => "explain",
        }
    }
}

impl Session {
    pub(crate) fn new(engine: Engine, principal: &str) -> Self {
        Self { shared: Arc::new(Shared::new(engine, principal)), planner: OnceLock::new() }
    }

    /// Splits a text into statements at `;`, outside quotes and comments. The statements keep their text.
    ///
    /// # Errors
    /// An unterminated quote or comment.
    pub fn split(sql: &str) -> Result<Vec<String>> {
        sql::split(sql)
    }

    /// Parses one statement and resolves its names. Nothing but the call for an API's description is sent, and
    /// only when that is not known well enough yet.
    ///
    /// # Errors
    /// What is wrong with the statement, where, and the nearest right name where one can be guessed.
    pub async fn prepare(&self, sql: &str) -> Result<Prepared> {
        let parsed = sql::parse(sql)?;
        let planner = self.planner()?;
        let settings = self.shared.settings().hinted(&sql::hints(sql)?)?;
        let kind = check::kind(&self.shared, &parsed)?;
        if let Parsed::Journal(command) = &parsed {
            return Box::pin(mutation::journal(&self.shared, planner, settings, sql, command)).await;
        }
        let is_unbounded = mutation::is_unbounded(kind, &parsed);
        let run = Arc::new(Run::new(Arc::clone(&self.shared), settings, sql, kind));
        // On the heap, as executing is: these futures are large, and would stand within those of whoever calls.
        match Box::pin(prepare(&planner, &run, sql, kind, parsed)).await {
            Ok((kind, params, schema, action)) => {
                Ok(Prepared { kind, params, schema, is_unbounded, action, run, planner })
            }
            Err(error) => {
                run.failed(&error, 0);
                Err(error)
            }
        }
    }

    /// Turns `tidegate.read_only` on for good: no statement can turn it off again. For programs that hand the
    /// session to somebody else.
    ///
    /// Refused are all changes of API tables, INSERT, and COPY … TO, which writes files. Tables and views in `main`
    /// can still be made and dropped: they live in memory and end with the session.
    pub fn lock_read_only(&self) {
        self.shared.lock_read_only();
    }

    /// Names that may stand at `position` (in bytes) of `line`. Sends no call.
    #[must_use]
    pub fn complete(&self, line: &str, position: usize) -> Vec<Completion> {
        complete::complete(&self.shared, line, position)
    }

    fn planner(&self) -> Result<Arc<Planner>> {
        if let Some(planner) = self.planner.get() {
            return Ok(Arc::clone(planner));
        }
        let planner = Planner::of(Arc::clone(&self.shared))?;
        Ok(Arc::clone(self.planner.get_or_init(|| planner)))
    }
}

/// Schemas of Tidegate's own whose tables can be listed.
const LISTED: &[&str] = &[MAIN, SYSTEM, INFORMATION_SCHEMA];

type Parts = (StatementKind, Vec<(String, Option<DataType>)>, SchemaRef, Action);

async fn prepare(
    planner: &Arc<Planner>,
    run: &Arc<Run>,
    sql: &str,
    kind: StatementKind,
    parsed: Parsed,
) -> Result<Parts> {
    let no_rows: SchemaRef = Arc::new(Schema::empty());
    match parsed {
        Parsed::Command(Command::Describe { table }) => {
            let rows = command::describe(planner, run, sql, &table).await?;
            Ok((kind, Vec::new(), rows.schema(), Action::Rows(rows)))
        }
        Parsed::Command(Command::Show { name }) => {
            let rows = command::show(planner, run, &name)?;
            Ok((kind, Vec::new(), rows.schema(), Action::Rows(rows)))
        }
        Parsed::Command(Command::ShowTables { schema, query }) => {
            command::check_schema(run.shared(), &schema, LISTED)?;
            Box::pin(prepare(planner, run, sql, kind, sql::parse(&query)?)).await
        }
        Parsed::Command(Command::RefreshQuotas { connection }) => {
            let shared = run.shared();
            let connections = match &connection {
                Some(name) => {
                    command::check_schema(shared, name, &[])?;
                    shared.connection(name).into_iter().collect()
                }
                None => shared.connections().into_values().collect(),
            };
            Ok((kind, Vec::new(), refresh::schema(), Action::Refresh(connections)))
        }
        Parsed::Command(command) => {
            command::check(run.shared(), &command)?;
            Ok((kind, Vec::new(), no_rows, Action::Command(command)))
        }
        Parsed::Mutation { statement, mode } if check::is_local(run.shared(), &statement)? => {
            let parsed = mutation::local(*statement, mode)?;
            Box::pin(prepare(planner, run, sql, kind, parsed)).await
        }
        Parsed::Mutation { statement, mode } => {
            let prepared = Box::pin(mutate::prepare::mutation(planner, run, sql, &statement, mode)).await?;
            Ok(mutation::parts(prepared))
        }
        // Its settings are those of then: it is prepared where they are looked up.
        Parsed::Journal(command) => {
            Err(Error::new(ErrorKind::Unsupported, format!("{} MUTATION stands alone", command.verb())))
        }
        Parsed::Calls(mut statement) => {
            check::allow_explain(&statement)?;
            check::check(run, &mut statement)?;
            let plan = planner.plan(run, sql, *statement, &run.shared().default_schema()).await?;
            let plan = explain::plan_of(plan)?;
            Ok((kind, params(&plan)?, explain_calls::schema(), Action::ExplainCalls(plan)))
        }
        Parsed::DataFusion(statement) => match *statement {
            DfStatement::Explain(explain) => {
                let mut inner = *explain.statement;
                check::allow_explain(&inner)?;
                check::check(run, &mut inner)?;
                let plan = planner.plan(run, sql, inner, &run.shared().default_schema()).await?;
                let explain = explain::Explain::new(plan, &explain.options)?;
                Ok((kind, params(&explain.plan)?, explain::schema(), Action::Explain(explain)))
            }
            mut statement => {
                check::check(run, &mut statement)?;
                let default_schema = run.shared().default_schema();
                let plan = planner.plan(run, sql, statement.clone(), &default_schema).await?;
                let params = params(&plan)?;
                if matches!(plan, LogicalPlan::Ddl(_)) {
                    let source = Box::new(Definition { statement, default_schema });
                    return Ok((kind, params, no_rows, Action::Define { plan, source }));
                }
                let schema = Arc::clone(plan.schema().inner());
                Ok((kind, params, schema, Action::Plan(plan)))
            }
        },
    }
}

/// Parameters by number, then by name.
fn params(plan: &LogicalPlan) -> Result<Vec<(String, Option<DataType>)>> {
    let mut params: Vec<_> = plan.get_parameter_types()?.into_iter().collect();
    let number = |name: &str| name.trim_start_matches('$').parse::<u64>().unwrap_or(u64::MAX);
    params.sort_by(|(a, _), (b, _)| number(a).cmp(&number(b)).then_with(|| a.cmp(b)));
    Ok(params)
}

impl Prepared {
    /// Runs it. Data calls are sent as the stream is polled.
    ///
    /// # Errors
    /// Missing parameters; failures of a command. Failures of a query come through its stream.
    pub async fn execute(self, params: Vec<ScalarValue>) -> Result<Execution> {
        if params.len() != self.params.len() {
            let message = format!("the statement has {} parameters, {} were given", self.params.len(), params.len());
            return Err(Error::new(ErrorKind::Query, message));
        }
        Box::pin(execute::execute(self, params)).await
    }
}

impl Summary {
    /// What was spent so far.
    #[must_use]
    pub fn counts(&self) -> StatementCounts {
        self.statement.counts()
    }

    /// What is left of the tightest quota that it has come across; `None` when it has come across none whose figures
    /// are known.
    #[must_use]
    pub fn left(&self) -> Option<Left> {
        self.statement.left()
    }

    /// What its calls wait for now, one for each partition and quota.
    #[must_use]
    pub fn waiting(&self) -> Vec<Waiting> {
        let mut waiting = self.statement.waiting();
        waiting.dedup();
        waiting
    }

    /// What the user should know of it: missing partitions, quotas that nobody knows. The first hundred.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.notes.warnings()
    }

    /// How the mutation stands; `None` for any other statement.
    #[must_use]
    pub fn mutation(&self) -> Option<MutationSummary> {
        self.mutation.as_ref().map(Watched::get)
    }

    /// Time since the statement was executed, until its stream ended.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.timing.elapsed()
    }
}

impl Cancel {
    /// Stops the statement.
    pub fn cancel(&self) {
        self.statement.cancellation().cancel();
    }
}
