//! From a parsed mutation to what executing it does. Sends nothing but what resolving names takes.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::scalar::ScalarValue;
use tidegate_state::MutationRecord;

use super::explain::Explain;
use super::new::New;
use super::plan;
use super::resume::{Found, Verb};
use super::returning::Output;
use super::run::Host;
use super::summary::Watched;
use super::undo::Undo;
use crate::session::{Planner, Run};
use crate::sql::{JournalCommand, Mode, MutationStatement};
use crate::{Error, ErrorKind, Result};

/// A mutation that can be executed.
#[derive(Debug)]
pub(crate) enum Work {
    /// It is run, or planned.
    New(Box<New>),
    /// One of the journal is gone on with.
    Again(Box<Found>, Verb),
    /// One of the journal is undone.
    Undo(Box<Undo>),
}

/// A mutation whose names and types are resolved.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// It changes rows.
    Work {
        /// What executing it does.
        work: Work,
        /// Types of its parameters.
        params: Vec<(String, Option<DataType>)>,
        /// Columns of what it returns.
        schema: SchemaRef,
    },
    /// It is described.
    Explain {
        /// What is described.
        explain: Box<Explain>,
        /// Types of its parameters.
        params: Vec<(String, Option<DataType>)>,
    },
}

impl Work {
    /// Starts it.
    ///
    /// # Errors
    /// What can be told before anything is selected: its parameters, bounds that it surely passes, another process that
    /// runs it, and those of the journal.
    pub(crate) async fn start(
        self,
        host: Host,
        params: Vec<ScalarValue>,
    ) -> Result<(Watched, SendableRecordBatchStream)> {
        match self {
            Self::New(new) => new.start(host, params).await,
            Self::Again(found, verb) => found.start(host, verb).await,
            Self::Undo(undo) => undo.start(host).await,
        }
    }
}

/// Plans UPDATE, DELETE, INSERT or MERGE of a connection's table.
///
/// # Errors
/// What the session or the connection does not allow, names, types, and what the table's API cannot do.
pub(crate) async fn mutation(
    planner: &Arc<Planner>,
    run: &Arc<Run>,
    sql: &str,
    statement: &MutationStatement,
    mode: Mode,
) -> Result<Prepared> {
    let verb = statement.kind().verb();
    if let Mode::Explain(explained) = mode {
        if explained.analyze {
            let message = format!(
                "EXPLAIN ANALYZE would run the {verb}: write EXPLAIN (select_rows) to see the rows that it would change, or \
                 PLAN {verb} … to journal them"
            );
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let selection = plan::plan(planner, run, sql, statement, &run.shared().default_schema()).await?;
        let params = selection.params()?;
        return Ok(Prepared::Explain { explain: Box::new(Explain { selection, explained }), params });
    }
    allow(run, verb)?;
    let default_schema = run.shared().default_schema();
    let selection = plan::plan(planner, run, sql, statement, &default_schema).await?;
    let params = selection.params()?;
    let output = match &selection.returning {
        None => Output::Counts,
        Some(returning) => {
            let state = planner.state(run)?;
            Output::rows(&state, &selection.table, &returning.items, &returning.alias).await?
        }
    };
    let schema = output.schema();
    let new = New { selection, output, default_schema, is_planned: mode == Mode::Plan };
    Ok(Prepared::Work { work: Work::New(Box::new(new)), params, schema })
}

/// Looks up what a statement about a mutation of the journal needs.
///
/// # Errors
/// What the session or the connection does not allow, and a connection that is not as it was.
pub(crate) async fn journal(run: &Run, command: &JournalCommand, record: MutationRecord) -> Result<Prepared> {
    let verb = command.verb();
    allow(run, verb)?;
    let found = Box::new(Found::new(run, record).await?);
    if !found.connection.writes {
        let name = crate::sql::quote(&found.connection.def.name);
        let message = format!(
            "{verb} is refused: the connection {name} allows no changes. To allow them, set writes = true in \
             [connections.{name}] of the configuration, or make it with OPTIONS (…, writes 'true')"
        );
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    let work = match command {
        JournalCommand::Apply { .. } => Work::Again(found, Verb::Apply),
        JournalCommand::Resume { .. } => Work::Again(found, Verb::Resume),
        JournalCommand::Undo { limit, .. } => {
            let undo = Undo { found: *found, limit: *limit };
            undo.check()?;
            Work::Undo(Box::new(undo))
        }
    };
    Ok(Prepared::Work { work, params: Vec::new(), schema: Output::Counts.schema() })
}

/// Refuses changes in a read-only session, and inside a block that could be rolled back.
fn allow(run: &Run, verb: &str) -> Result<()> {
    if run.settings().read_only {
        return Err(crate::session::read_only(verb));
    }
    crate::session::one_of_its_own(run, verb)
}
