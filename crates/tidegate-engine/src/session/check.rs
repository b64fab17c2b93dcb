//! What is refused before the planner sees it, and where definitions go.
//!
//! The planner would lose the bounds of DELETE and UPDATE (`LIMIT`, sometimes the whole WHERE) and run a DELETE
//! while explaining it, so these never reach it: those of connections' tables go to `mutate`.

use datafusion::sql::parser::{CopyToSource, Statement as DfStatement};
use datafusion::sql::sqlparser::ast::{Ident, ObjectName, ObjectType, SetExpr, Statement, TableObject};

use super::{Run, Shared, StatementKind};
use crate::catalog::{self, CATALOG, MAIN};
use crate::sql::{Command, Mode, MutationStatement, Parsed, name as name_of};
use crate::{Error, ErrorKind, Result, mutate};

/// What a front end may expect of a statement.
///
/// # Errors
/// A mutation of something that is no table.
pub(super) fn kind(shared: &Shared, parsed: &Parsed) -> Result<StatementKind> {
    Ok(match parsed {
        Parsed::Mutation { mode: Mode::Explain(_), .. } | Parsed::Calls(_) => StatementKind::Explain,
        Parsed::Mutation { statement, .. } if is_local(shared, statement)? => StatementKind::Write,
        Parsed::Mutation { .. } | Parsed::Journal(_) => StatementKind::Mutation,
        Parsed::Command(
            Command::Describe { .. }
            | Command::Show { .. }
            | Command::ShowTables { .. }
            | Command::RefreshQuotas { .. },
        ) => StatementKind::Query,
        Parsed::Command(_) => StatementKind::Command,
        Parsed::DataFusion(statement) => match statement.as_ref() {
            DfStatement::Explain(_) => StatementKind::Explain,
            DfStatement::CopyTo(_) => StatementKind::Write,
            DfStatement::CreateExternalTable(_) | DfStatement::Reset(_) => StatementKind::Command,
            DfStatement::Statement(statement) => match statement.as_ref() {
                Statement::Insert(_) => StatementKind::Write,
                Statement::CreateTable(_) | Statement::CreateView { .. } | Statement::Drop { .. } => {
                    StatementKind::Command
                }
                _ => StatementKind::Query,
            },
        },
    })
}

/// Whether a mutation is of a table of `main`, which DataFusion fills: nothing of it is journalled.
///
/// # Errors
/// A name of another form.
pub(super) fn is_local(shared: &Shared, statement: &MutationStatement) -> Result<bool> {
    mutate::target::is_local(shared, statement.target(), &shared.default_schema())
}

/// Refuses what is not offered, and sends names of new tables, views and files where they belong.
pub(super) fn check(run: &Run, statement: &mut DfStatement) -> Result<()> {
    match statement {
        DfStatement::Statement(statement) => check_statement(run, statement),
        DfStatement::CopyTo(copy) => {
            if run.settings().read_only {
                return Err(read_only("COPY … TO"));
            }
            one_of_its_own(run, "COPY")?;
            let path = catalog::new_file(&run.engine().parts().working_dir, &copy.target, copy.stored_as.is_some())?;
            copy.target = path.to_string_lossy().into_owned();
            match &copy.source {
                CopyToSource::Query(query) => check_query(&query.body),
                CopyToSource::Relation(_) => Ok(()),
            }
        }
        DfStatement::CreateExternalTable(table) => {
            one_of_its_own(run, "CREATE EXTERNAL TABLE")?;
            table.name = definition_name(&table.name)?;
            for location in &mut table.locations {
                let path = catalog::local_path(&run.engine().parts().working_dir, location)?;
                *location = path.to_string_lossy().into_owned();
            }
            Ok(())
        }
        DfStatement::Explain(_) => Err(unsupported("EXPLAIN of EXPLAIN")),
        DfStatement::Reset(_) => Err(unsupported("this form of RESET")),
    }
}

fn check_statement(run: &Run, statement: &mut Statement) -> Result<()> {
    match statement {
        Statement::Query(query) => check_query(&query.body),
        Statement::ShowFunctions { .. } => Ok(()),
        Statement::Insert(insert) => {
            let TableObject::TableName(name) = &mut insert.table else {
                return Err(unsupported("INSERT into anything but a table"));
            };
            write_target(run, "INSERT", name)?;
            one_of_its_own(run, "INSERT")
        }
        Statement::Update(_) => Err(refuse_change(run, "UPDATE")),
        Statement::Delete(_) => Err(refuse_change(run, "DELETE")),
        Statement::Merge(_) => Err(refuse_change(run, "MERGE")),
        Statement::Truncate(_) => Err(refuse_change(run, "TRUNCATE")),
        Statement::CreateTable(create) => {
            one_of_its_own(run, "CREATE TABLE")?;
            create.name = definition_name(&create.name)?;
            Ok(())
        }
        Statement::CreateView(create) => {
            one_of_its_own(run, "CREATE VIEW")?;
            create.name = definition_name(&create.name)?;
            Ok(())
        }
        Statement::Drop { object_type: ObjectType::Table | ObjectType::View, names, .. } => {
            one_of_its_own(run, "DROP")?;
            for name in names {
                *name = definition_name(name)?;
            }
            Ok(())
        }
        other => {
            let text = other.to_string();
            let words: Vec<&str> = text.split_whitespace().take(2).collect();
            Err(unsupported(&words.join(" ")))
        }
    }
}

/// A change can hide in a query: `WITH … INSERT`, `SELECT … INTO`.
fn check_query(body: &SetExpr) -> Result<()> {
    match body {
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
            Err(unsupported("a change inside a query"))
        }
        SetExpr::Select(select) if select.into.is_some() => {
            Err(Error::new(ErrorKind::Unsupported, "SELECT … INTO is not offered; write CREATE TABLE … AS SELECT …"))
        }
        SetExpr::Query(query) => check_query(&query.body),
        _ => Ok(()),
    }
}

fn unsupported(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{what} is not offered"))
}

fn refuse_change(run: &Run, verb: &str) -> Error {
    if run.settings().read_only {
        return read_only(verb);
    }
    let message = format!(
        "{verb} is not offered here: a table of main takes INSERT, and CREATE OR REPLACE TABLE … AS SELECT … \
         replaces it"
    );
    Error::new(ErrorKind::Unsupported, message)
}

pub(crate) fn read_only(verb: &str) -> Error {
    let message = format!(
        "{verb} is refused: the session is read-only. SET tidegate.read_only = false allows it, unless the program was \
         started read-only"
    );
    Error::new(ErrorKind::Unsupported, message)
}

/// Rows can be added to local tables alone.
fn write_target(run: &Run, verb: &str, name: &mut ObjectName) -> Result<()> {
    use datafusion::catalog::SchemaProvider as _;
    if run.settings().read_only {
        return Err(read_only(verb));
    }
    let idents = idents(name)?;
    let is_local = match idents.as_slice() {
        [table] => run.shared().default_schema() == MAIN || run.shared().main().table_exist(&name_of(table)),
        [schema, _] | [_, schema, _] => name_of(schema) == MAIN,
        _ => false,
    };
    if !is_local {
        let message = format!("{verb} into {name} is not offered here");
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    *name = definition_name(name)?;
    Ok(())
}

/// A name in `main`, whatever the default schema: nothing can be defined elsewhere.
fn definition_name(name: &ObjectName) -> Result<ObjectName> {
    let idents = idents(name)?;
    let (schema, table) = match idents.as_slice() {
        [table] => (None, table),
        [schema, table] | [_, schema, table] => (Some(name_of(schema)), table),
        _ => return Err(unsupported(&format!("the name {name}"))),
    };
    if let Some(schema) = schema
        && schema != MAIN
    {
        let message = format!("{name}: tables and views can only be made and dropped in main, not in {schema}");
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    Ok(ObjectName::from(vec![Ident::new(CATALOG), Ident::new(MAIN), table.clone()]))
}

fn idents(name: &ObjectName) -> Result<Vec<Ident>> {
    let parts = name.0.iter().map(|part| part.as_ident().cloned());
    parts.collect::<Option<Vec<_>>>().ok_or_else(|| unsupported(&format!("the name {name}")))
}

/// Every statement commits by itself, so none that changes something may stand in a block that could be rolled
/// back.
pub(crate) fn one_of_its_own(run: &Run, verb: &str) -> Result<()> {
    if run.shared().in_transaction() {
        let message = format!("{verb} is refused inside BEGIN: every statement commits by itself; COMMIT first");
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    Ok(())
}

/// Statements that EXPLAIN can be asked for.
pub(super) fn allow_explain(statement: &DfStatement) -> Result<()> {
    match statement {
        DfStatement::Statement(_) | DfStatement::CopyTo(_) => Ok(()),
        DfStatement::Explain(_) | DfStatement::CreateExternalTable(_) | DfStatement::Reset(_) => {
            Err(unsupported("EXPLAIN of this statement"))
        }
    }
}
