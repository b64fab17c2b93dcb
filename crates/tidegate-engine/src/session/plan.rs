//! From a parsed statement to a logical plan: names resolved, what is not offered refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use datafusion::catalog::{CatalogProviderList, TableProvider};
use datafusion::common::TableReference;
use datafusion::datasource::ViewTable;
use datafusion::execution::context::SessionContext;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::{DdlStatement, LogicalPlan};
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::Statement;
use futures::future::join_all;

use super::{Run, Shared};
use crate::catalog::{self, CATALOG, SessionCatalog, Target};
use crate::partitions::Role;
use crate::{Connection, Error, ErrorKind, Result, partitions, sql};

/// How long a listing waits for one connection's description. A query over its tables waits as long as the
/// connection's own options say.
const LISTING_TIMEOUT: Duration = Duration::from_secs(5);

/// Plans statements of one session.
#[derive(Debug)]
pub(crate) struct Planner {
    base: SessionState,
}

impl Planner {
    /// A planner over this catalog.
    ///
    /// # Errors
    /// When no folder for temporary files can be had.
    pub(crate) fn new(engine: &crate::Engine, catalogs: Arc<dyn CatalogProviderList>) -> Result<Self> {
        let state = SessionStateBuilder::new()
            .with_config(super::config::base())
            .with_runtime_env(engine.runtime()?)
            .with_catalog_list(catalogs)
            .with_default_features();
        let state = super::config::with_rules(state).build();
        Ok(Self { base: state })
    }

    /// A planner over the catalog of a session.
    ///
    /// # Errors
    /// As [`Planner::new`].
    pub(crate) fn of(shared: Arc<Shared>) -> Result<Arc<Self>> {
        let engine = shared.engine().clone();
        Ok(Arc::new(Self::new(&engine, catalog_list(Arc::new(SessionCatalog::new(shared))))?))
    }

    /// The state that a statement is planned and run with.
    pub(crate) fn state(&self, run: &Run) -> Result<SessionState> {
        let mut state = self.base.clone();
        let shared = run.shared();
        let config = state.config_mut();
        for (name, value) in shared.planner_options() {
            config.options_mut().set(&name, &value)?;
        }
        config.options_mut().catalog.default_schema = shared.default_schema();
        config.set_extension(Arc::new(run.settings().clone()));
        config.set_extension(Arc::new(run.engine().knowledge()));
        Ok(state)
    }

    /// The logical plan of a statement whose bare names mean tables of `default_schema`.
    ///
    /// # Errors
    /// Names that do not exist, and what the planner refuses.
    pub(crate) async fn plan(
        &self,
        run: &Run,
        sql: &str,
        statement: DfStatement,
        default_schema: &str,
    ) -> Result<LogicalPlan> {
        let defined = defined(&statement);
        let within = defined.as_slice();
        self.plan_within(run, sql, statement, default_schema, within).await
    }

    /// The same inside the definitions of these views.
    async fn plan_within(
        &self,
        run: &Run,
        sql: &str,
        mut statement: DfStatement,
        default_schema: &str,
        within: &[String],
    ) -> Result<LogicalPlan> {
        let mut state = self.state(run)?;
        state.config_mut().options_mut().catalog.default_schema = default_schema.to_owned();
        let files = catalog::rewrite_files(&mut statement);
        let working_dir = &run.engine().parts().working_dir;
        for path in files {
            let table = catalog::file_table(&state, working_dir, &path).await?;
            run.shared().main().put_file(&path, table);
        }
        let (references, _) = resolve_table_references(&statement, true)?;
        let functions = state.table_functions();
        let made = if is_view(&statement) { Vec::new() } else { defined(&statement) };
        // A table of a connection may have the name of the one that is made of it.
        let is_made = |reference: &TableReference| {
            let is_local = reference.schema().is_none_or(|schema| schema == catalog::MAIN);
            is_local && made.iter().any(|made| made == reference.table())
        };
        let is_table = |reference: &TableReference| !functions.contains_key(reference.table()) && !is_made(reference);
        let references: Vec<TableReference> = references.into_iter().filter(is_table).collect();
        for name in resolve(run, sql, &references, default_schema).await? {
            self.refresh_view(run, sql, &name, within).await?;
        }
        state.statement_to_plan(statement).await.map_err(|error| with_correction(sql, error))
    }

    /// Plans a view anew over the tables of now. Anything else is left as it is.
    fn refresh_view<'a>(
        &'a self,
        run: &'a Run,
        sql: &'a str,
        name: &'a str,
        within: &'a [String],
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>> {
        Box::pin(async move {
            let main = run.shared().main();
            let Some(definition) = main.definition(name) else { return Ok(()) };
            if within.iter().any(|view| view == name) {
                return Err(Error::new(ErrorKind::Name, format!("the view {name} is defined through itself")));
            }
            let within: Vec<String> = within.iter().cloned().chain([name.to_owned()]).collect();
            let planned = self.plan_within(run, sql, definition.statement, &definition.default_schema, &within).await;
            let plan = planned.map_err(|error| {
                let message = format!("the view {name} does not hold any more: {error}");
                Error::new(error.kind(), message).with_source(error)
            })?;
            if let LogicalPlan::Ddl(DdlStatement::CreateView(view)) = plan {
                let view = ViewTable::new(Arc::unwrap_or_clone(view.input), view.definition);
                main.replace_view(name, Arc::new(view))?;
            }
            Ok(())
        })
    }

    /// The table that a reference leads to; its name is resolved already.
    ///
    /// # Errors
    /// When it has gone since.
    pub(crate) async fn provider(&self, run: &Run, reference: TableReference) -> Result<Arc<dyn TableProvider>> {
        let schema = self.state(run)?.schema_for_ref(reference.clone())?;
        let table = schema.table(reference.table()).await?;
        table.ok_or_else(|| Error::new(ErrorKind::Name, format!("there is no table {reference}")))
    }

    /// A context that acts on the session's catalog, for statements that define something.
    pub(crate) fn context(state: SessionState) -> SessionContext {
        SessionContext::new_with_state(state)
    }
}

/// A view's own name is not among the names of its statement, so that one there is a view over itself.
fn is_view(statement: &DfStatement) -> bool {
    matches!(statement, DfStatement::Statement(statement) if matches!(statement.as_ref(), Statement::CreateView(_)))
}

/// Names in `main` that a statement makes: they need not exist.
fn defined(statement: &DfStatement) -> Vec<String> {
    let name = match statement {
        DfStatement::CreateExternalTable(create) => &create.name,
        DfStatement::Statement(statement) => match statement.as_ref() {
            Statement::CreateTable(create) => &create.name,
            Statement::CreateView(create) => &create.name,
            _ => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let last = name.0.last().and_then(|part| part.as_ident());
    last.map(sql::name).into_iter().collect()
}

/// Makes what the references lead to known, and refuses those that lead nowhere.
///
/// Returns the local tables among them, which may be views.
async fn resolve(run: &Run, sql: &str, references: &[TableReference], default_schema: &str) -> Result<Vec<String>> {
    let shared = run.shared();
    let targets: Vec<(&TableReference, Target)> = references
        .iter()
        .map(|reference| Ok((reference, catalog::target(reference, default_schema)?)))
        .collect::<Result<_>>()?;
    if targets.iter().any(|(_, target)| crate::system::lists_tables(target)) {
        resolve_all(run).await;
    }
    if targets.iter().any(|(_, target)| crate::system::lists_partitions(target)) {
        resolve_all_partitions(run).await;
    }
    let mut names = BTreeSet::new();
    for (reference, target) in &targets {
        if let Target::Connection { connection, .. } = target {
            if shared.connection(connection).is_none() {
                return Err(no_connection(run, sql, reference, connection));
            }
            names.insert(connection.clone());
        }
    }
    let connections: BTreeMap<String, Arc<Connection>> =
        names.iter().filter_map(|name| Some((name.clone(), shared.connection(name)?))).collect();
    let models = run.engine().models();
    let resolved = join_all(connections.values().map(|connection| models.resolve(connection, run))).await;
    for result in resolved {
        result?;
    }
    for (reference, target) in &targets {
        check_exists(run, sql, reference, target)?;
    }
    resolve_partitions(run, &connections, targets.iter().map(|(_, target)| target)).await?;
    let local = |(reference, target): (&TableReference, Target)| match target {
        Target::Main(table) => Some(table),
        // A bare name may mean a local table after all.
        Target::Connection { table, .. } if reference.schema().is_none() => Some(table),
        _ => None,
    };
    Ok(targets.into_iter().filter_map(local).collect())
}

/// Makes the partitions known that the tables are read in.
async fn resolve_partitions(
    run: &Run,
    connections: &BTreeMap<String, Arc<Connection>>,
    targets: impl Iterator<Item = &Target>,
) -> Result<()> {
    let mut needed = BTreeSet::new();
    for target in targets {
        let Target::Connection { connection: name, table } = target else { continue };
        let known = connections.get(name).and_then(|connection| run.engine().models().known(connection));
        let table = known.as_ref().and_then(|known| known.table(table));
        let Some((connection, table)) = connections.get(name).zip(table) else { continue };
        let role = partitions::role(connection, table);
        if role == Role::Hidden {
            run.notes().warn(name, partitions::hidden(name, table));
        }
        if role != Role::Shared {
            needed.insert(name);
        }
    }
    let resolve = |connection: Arc<Connection>| async move {
        let all = partitions::resolve(&connection, run).await?;
        run.shared().selection(&connection).codes(&connection.def.name, &all).map(drop)
    };
    let needed = needed.into_iter().filter_map(|name| connections.get(name)).cloned();
    join_all(needed.map(resolve)).await.into_iter().collect()
}

/// Learns what can be learnt of every connection. One that is down is a warning: the others are listed still, and
/// so is what is known of this one from before.
async fn resolve_all(run: &Run) {
    let connections = run.shared().connections();
    let resolved = join_all(connections.values().map(|connection| resolve_soon(connection, run))).await;
    for (name, result) in connections.keys().zip(resolved) {
        if let Err(error) = result {
            run.engine().warn_principal(
                run.principal(),
                Some(name),
                format!("its tables could not be listed: {error}"),
            );
        }
    }
}

/// Learns the partitions of every connection, as [`resolve_all`] learns their tables.
async fn resolve_all_partitions(run: &Run) {
    let connections = run.shared().connections();
    let list = |connection: &Arc<Connection>| {
        let connection = Arc::clone(connection);
        async move { soon(run, partitions::resolve(&connection, run)).await.map(drop) }
    };
    let resolved = join_all(connections.values().map(list)).await;
    for (name, result) in connections.keys().zip(resolved) {
        if let Err(error) = result {
            run.notes().warn(name, format!("its partitions could not be listed: {error}"));
        }
    }
}

/// Asks one connection, and gives up after [`LISTING_TIMEOUT`].
async fn resolve_soon(connection: &Connection, run: &Run) -> Result<()> {
    soon(run, run.engine().models().resolve(connection, run)).await.map(drop)
}

async fn soon<T>(run: &Run, asked: impl Future<Output = Result<T>>) -> Result<T> {
    let engine = run.engine();
    tokio::select! {
        biased;
        answer = asked => answer,
        () = engine.parts().clock.sleep(LISTING_TIMEOUT) => {
            let message = format!("no answer within {} seconds", LISTING_TIMEOUT.as_secs());
            Err(Error::new(ErrorKind::Remote, message))
        }
    }
}

fn check_exists(run: &Run, sql: &str, reference: &TableReference, target: &Target) -> Result<()> {
    use datafusion::catalog::SchemaProvider as _;
    let shared = run.shared();
    let main = shared.main();
    let (schema, table, known) = match target {
        Target::Main(table) => {
            let is_there = main.table_exist(table) || main.has_file(table);
            if is_there {
                return Ok(());
            }
            ("main", table, main.table_names())
        }
        Target::System(table) => ("system", table, crate::system::names()),
        Target::InformationSchema(_) => return Ok(()),
        Target::Connection { connection, table } => {
            let found = shared.connection(connection).and_then(|connection| run.engine().models().known(&connection));
            let tables = found.iter().flat_map(|known| known.tables.iter().map(|table| table.name.clone()));
            let is_local = reference.schema().is_none() && main.table_exist(table);
            if is_local {
                return Ok(());
            }
            (connection.as_str(), table, tables.collect())
        }
    };
    if known.contains(table) {
        return Ok(());
    }
    Err(no_table(run, sql, schema, table, &known))
}

fn no_table(run: &Run, sql: &str, schema: &str, table: &str, known: &[String]) -> Error {
    if let Some(nearest) = catalog::nearest(table, known.iter().map(String::as_str)) {
        let right = format!("{schema}.{}", sql::quote(nearest));
        return corrected(sql, table, nearest, format!("there is no table {schema}.{table}; did you mean {right}?"));
    }
    let elsewhere: Vec<String> = other_schemas_with(run, table);
    let hint = match elsewhere.as_slice() {
        [] if known.is_empty() && schema == catalog::MAIN => {
            "write connection.table; SHOW TABLES lists what there is".to_owned()
        }
        [] if known.is_empty() => format!("{schema} has no tables"),
        [] => {
            let names: Vec<&str> = known.iter().map(String::as_str).collect();
            format!("there are: {}", crate::error::listed(&names))
        }
        [one] => format!("did you mean {one}.{}?", sql::quote(table)),
        several => format!("it exists in several connections: write one of {} before it", several.join(", ")),
    };
    Error::new(ErrorKind::Name, format!("there is no table {schema}.{table}; {hint}"))
}

/// Connections that are known to have a table of this name.
fn other_schemas_with(run: &Run, table: &str) -> Vec<String> {
    let connections = run.shared().connections();
    let models = run.engine().models();
    let known = |connection: &Connection| models.known_or_cached(run.engine(), connection);
    let has = |connection: &Connection| known(connection).is_some_and(|known| known.table(table).is_some());
    connections.iter().filter(|(_, connection)| has(connection)).map(|(name, _)| sql::quote(name)).collect()
}

fn no_connection(run: &Run, sql: &str, reference: &TableReference, connection: &str) -> Error {
    let connections = run.shared().connections();
    let names: Vec<&str> = connections.keys().map(String::as_str).collect();
    let what = format!("{reference}: there is no connection {connection}");
    if let Some(nearest) = catalog::nearest(connection, names.iter().copied()) {
        return corrected(sql, connection, nearest, format!("{what}; did you mean {nearest}?"));
    }
    let hint = super::command::connections_there(run.shared(), connection, &names);
    Error::new(ErrorKind::Name, format!("{what}; {hint}"))
}

/// An error that shows the statement as it was probably meant.
fn corrected(sql: &str, wrong: &str, right: &str, message: String) -> Error {
    let message = match sql::replace_name(sql, wrong, right) {
        Some(text) => format!("{message}\n  {}", sql::redact_sql(text.trim())),
        None => message,
    };
    Error::new(ErrorKind::Name, message)
}

fn with_correction(sql: &str, error: datafusion::error::DataFusionError) -> Error {
    let field = match error.find_root() {
        datafusion::error::DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            datafusion::common::SchemaError::FieldNotFound { field, valid_fields } => {
                let nearest = catalog::nearest(&field.name, valid_fields.iter().map(|valid| valid.name.as_str()));
                nearest.map(|nearest| (field.name.clone(), nearest.to_owned()))
            }
            _ => None,
        },
        _ => None,
    };
    let error = Error::from(error);
    match field {
        Some((wrong, right)) => corrected(sql, &wrong, &right, error.to_string()),
        None => error,
    }
}

/// The name of the one catalog, for a list of catalogs.
pub(crate) fn catalog_list(provider: Arc<dyn datafusion::catalog::CatalogProvider>) -> Arc<dyn CatalogProviderList> {
    let list = datafusion::catalog::MemoryCatalogProviderList::new();
    list.register_catalog(CATALOG.to_owned(), provider);
    Arc::new(list)
}
