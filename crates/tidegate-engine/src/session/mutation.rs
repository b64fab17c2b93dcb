//! Mutations on their way through a session: to `mutate`, or to DataFusion for tables of `main`.

use std::sync::Arc;

use datafusion::common::format::ExplainStatementOptions;
use datafusion::sql::parser::{ExplainStatement, Statement as DfStatement};

use super::{Action, Parts, Planner, Prepared, Run, Shared, StatementKind};
use crate::mutate::{journal, prepare};
use crate::sql::{Explained, JournalCommand, Mode, MutationStatement, Parsed};
use crate::{Error, ErrorKind, Result, Settings};

/// Whether a shell should ask before it executes the statement.
pub(super) fn is_unbounded(kind: StatementKind, parsed: &Parsed) -> bool {
    match parsed {
        Parsed::Mutation { statement, mode: Mode::Run } => kind == StatementKind::Mutation && statement.is_unbounded(),
        _ => false,
    }
}

/// The statement over a table of `main`, as DataFusion plans it.
///
/// # Errors
/// What local tables do not have.
pub(super) fn local(statement: MutationStatement, mode: Mode) -> Result<Parsed> {
    let unsupported = |what: &str| {
        let message =
            format!("{what} is not offered for local tables: only changes of connections' tables are journalled");
        Err(Error::new(ErrorKind::Unsupported, message))
    };
    match mode {
        Mode::Run => Ok(Parsed::DataFusion(Box::new(statement.into_datafusion()?))),
        Mode::Plan => unsupported("PLAN"),
        Mode::Explain(Explained { calls: true, .. }) => Ok(Parsed::Calls(Box::new(statement.into_datafusion()?))),
        Mode::Explain(Explained { select_rows: true, .. }) => unsupported("EXPLAIN (select_rows)"),
        Mode::Explain(Explained { verbose, analyze, .. }) => {
            let statement = Box::new(statement.into_datafusion()?);
            let options = ExplainStatementOptions { verbose, analyze, ..Default::default() };
            Ok(Parsed::DataFusion(Box::new(DfStatement::Explain(ExplainStatement { statement, options }))))
        }
    }
}

/// What a session keeps of a prepared mutation.
pub(super) fn parts(prepared: prepare::Prepared) -> Parts {
    match prepared {
        prepare::Prepared::Work { work, params, schema } => {
            (StatementKind::Mutation, params, schema, Action::Mutation(work))
        }
        prepare::Prepared::Explain { explain, params } => {
            (StatementKind::Explain, params, explain.schema(), Action::ExplainMutation(explain))
        }
    }
}

/// Prepares APPLY, RESUME or UNDO. What goes on with a mutation runs under its settings, but for those that the session
/// has set itself since.
///
/// # Errors
/// There is no such mutation, or it cannot be gone on with.
pub(super) async fn journal(
    shared: &Arc<Shared>,
    planner: Arc<Planner>,
    settings: Settings,
    sql: &str,
    command: &JournalCommand,
) -> Result<Prepared> {
    let record = journal::find(shared.engine(), shared.principal(), command.id()).await?;
    let settings = match command {
        JournalCommand::Apply { .. } | JournalCommand::Resume { .. } => {
            settings.or_before(&journal::Kept::of(&record)?.settings)
        }
        JournalCommand::Undo { .. } => settings,
    };
    let run = Arc::new(Run::new(Arc::clone(shared), settings, sql, StatementKind::Mutation));
    match prepare::journal(&run, command, record).await {
        Ok(prepared) => {
            let (kind, params, schema, action) = parts(prepared);
            Ok(Prepared { kind, params, schema, is_unbounded: false, action, run, planner })
        }
        Err(error) => {
            run.failed(&error, 0);
            Err(error)
        }
    }
}
