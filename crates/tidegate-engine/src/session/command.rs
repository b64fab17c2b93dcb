//! Statements that change or ask the session itself.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::error::DataFusionError;
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::ObjectName;

use super::plan::Planner;
use super::{Run, Shared, select};
use crate::catalog::{MAIN, SYSTEM, check_new_name, nearest};
use crate::settings::{PREFIX, Setting};
use crate::sql::{self, Command, Parsed, Transaction};
use crate::{Error, ErrorKind, Result};

/// Refuses a command that cannot work, as far as that can be told without doing it.
pub(super) fn check(shared: &Shared, command: &Command) -> Result<()> {
    match command {
        Command::CreateConnection { def, or_replace, if_not_exists } => {
            let is_taken = shared.is_taken(&def.name) && !or_replace && !if_not_exists;
            check_new_name(&def.name, is_taken)
        }
        Command::DropConnection { name, if_exists } => {
            if *if_exists || shared.connection(name).is_some() {
                Ok(())
            } else {
                Err(no_connection(shared, name))
            }
        }
        Command::Set { name, value } if name.starts_with(PREFIX) => {
            let setting = Setting::find(name)?;
            shared.check_settings(|settings| setting.set(settings, value.as_deref()))
        }
        Command::Set { name, value } if name.starts_with("datafusion.") => check_planner_option(name, value.as_deref()),
        Command::Set { name, .. } => {
            let message = format!("there is no setting {name}; the names of settings begin with {PREFIX}");
            Err(Error::new(ErrorKind::Setting, message))
        }
        Command::Use { schema } => {
            check_schema(shared, schema, &[MAIN, SYSTEM]).map_err(|error| match select::advice(shared, schema) {
                Some(advice) => Error::new(error.kind(), format!("{error}; {advice}")),
                None => error,
            })
        }
        Command::UsePartitions(choice) => select::check(shared, choice),
        Command::Describe { .. }
        | Command::Show { .. }
        | Command::ShowTables { .. }
        | Command::RefreshQuotas { .. } => Ok(()),
        Command::Transaction(Transaction::Begin) if shared.in_transaction() => {
            Err(Error::new(ErrorKind::Unsupported, "there is a BEGIN already; COMMIT first"))
        }
        Command::Transaction(_) => Ok(()),
    }
}

/// Refuses a schema that is neither a connection nor one of Tidegate's `own`.
pub(super) fn check_schema(shared: &Shared, schema: &str, own: &[&str]) -> Result<()> {
    let is_known = own.contains(&schema) || shared.connection(schema).is_some();
    if is_known { Ok(()) } else { Err(no_connection(shared, schema)) }
}

/// Does it.
pub(super) fn run(_planner: &Planner, run: &Run, command: Command) -> Result<()> {
    let shared = run.shared();
    check(shared, &command)?;
    match command {
        Command::CreateConnection { def, if_not_exists, .. } => {
            if if_not_exists && shared.is_taken(&def.name) {
                return Ok(());
            }
            let connection = run.engine().parts().connect.open(&def)?;
            shared.set_connection(&def.name, Some(Arc::new(connection)));
        }
        Command::DropConnection { name, .. } => {
            shared.set_connection(&name, None);
            if shared.default_schema() == name {
                shared.set_default_schema(MAIN.to_owned());
            }
        }
        Command::Set { name, value } if name.starts_with(PREFIX) => {
            let setting = Setting::find(&name)?;
            shared.change_settings(|settings| setting.set(settings, value.as_deref()))?;
        }
        Command::Set { name, value } => shared.set_planner_option(&name, value),
        Command::Use { schema } => shared.set_default_schema(schema),
        // It may take a call, and is done where a statement's calls are.
        Command::UsePartitions(_) => {}
        Command::Describe { .. }
        | Command::Show { .. }
        | Command::ShowTables { .. }
        | Command::RefreshQuotas { .. } => {}
        // Nothing is held back until COMMIT: what could be rolled back is refused inside the block.
        Command::Transaction(step) => shared.set_in_transaction(step == Transaction::Begin),
    }
    Ok(())
}

/// Options that would break what scans rely on, or the session's own catalog.
fn check_planner_option(name: &str, value: Option<&str>) -> Result<()> {
    const FIXED: &[&str] =
        &["datafusion.catalog.", "datafusion.optimizer.enable_round_robin_repartition", "datafusion.runtime."];
    if FIXED.iter().any(|fixed| name.starts_with(fixed)) {
        return Err(Error::new(ErrorKind::Setting, format!("{name} cannot be changed: remote tables rely on it")));
    }
    let mut config = super::config::base();
    match value {
        Some(value) => config.options_mut().set(name, value).map_err(|error| {
            let error = Error::from(error);
            Error::new(ErrorKind::Setting, format!("{name} cannot be '{value}': {error}")).with_source(error)
        }),
        None => Ok(()),
    }
}

pub(super) fn no_connection(shared: &Shared, name: &str) -> Error {
    let connections = shared.connections();
    let names: Vec<&str> = connections.keys().map(String::as_str).collect();
    let hint = match nearest(name, names.iter().copied()) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => connections_there(shared, name, &names),
    };
    Error::new(ErrorKind::Name, format!("there is no connection {name}; {hint}"))
}

/// What to do about a connection that there is not, where no other has a name like it.
pub(super) fn connections_there(shared: &Shared, name: &str, names: &[&str]) -> String {
    if let Some(advice) = shared.engine().parts().connect.advice(name) {
        return advice;
    }
    if names.is_empty() {
        return "CREATE CONNECTION makes one".to_owned();
    }
    format!("there are: {}", crate::error::listed(names))
}

/// The columns of a table.
pub(super) async fn describe(planner: &Planner, run: &Run, sql: &str, table: &ObjectName) -> Result<RecordBatch> {
    // A query over the table resolves its name as any other: API tables, views, files, `table@connection`.
    let query = format!("SELECT * FROM {table}");
    let Parsed::DataFusion(statement) = sql::parse(&query)? else {
        return Err(Error::new(ErrorKind::Syntax, format!("{table} is not the name of a table")));
    };
    let reference = table_reference(&statement)?;
    planner.plan(run, sql, *statement, &run.shared().default_schema()).await?;
    let provider = planner.provider(run, reference).await?;
    columns(&provider)
}

fn table_reference(statement: &DfStatement) -> Result<datafusion::common::TableReference> {
    let mut statement = statement.clone();
    crate::catalog::rewrite_files(&mut statement);
    let (references, _) = datafusion::sql::resolve::resolve_table_references(&statement, true)?;
    references.into_iter().next().ok_or_else(|| Error::new(ErrorKind::Name, "this is not the name of a table"))
}

fn columns(provider: &Arc<dyn TableProvider>) -> Result<RecordBatch> {
    let schema = provider.schema();
    let fields = schema.fields();
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(fields.iter().map(|field| field.name())));
    let types: ArrayRef =
        Arc::new(StringArray::from_iter_values(fields.iter().map(|field| crate::system::sql_type(field.data_type()))));
    let nullable: ArrayRef = Arc::new(BooleanArray::from_iter(fields.iter().map(|field| Some(field.is_nullable()))));
    batch(vec![("column_name", names), ("data_type", types), ("nullable", nullable)])
}

/// One setting: name and value.
pub(super) fn show(planner: &Planner, run: &Run, name: &str) -> Result<RecordBatch> {
    let value = if name.starts_with(PREFIX) {
        Setting::find(name)?.get(run.settings())
    } else {
        let state = planner.state(run)?;
        let entries = state.config_options().entries();
        let Some(entry) = entries.iter().find(|entry| entry.key == name) else {
            let hint = nearest(name, entries.iter().map(|entry| entry.key.as_str()));
            let hint = hint.map_or_else(String::new, |nearest| format!("; did you mean {nearest}?"));
            return Err(Error::new(ErrorKind::Setting, format!("there is no setting {name}{hint}")));
        };
        entry.value.clone()
    };
    let name: ArrayRef = Arc::new(StringArray::from_iter_values([name]));
    let value: ArrayRef = Arc::new(StringArray::from_iter([value]));
    batch(vec![("name", name), ("value", value)])
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| {
            let data_type = if *name == "nullable" { DataType::Boolean } else { DataType::Utf8 };
            Field::new(*name, data_type, column.null_count() > 0)
        })
        .collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(DataFusionError::from)?)
}
