//! The table that a mutation changes: found by its name, and asked what may be done to it.

use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::{Expr, Ident, ObjectName, Statement};
use tidegate_spec::{Batch, Single, Table, Write, WriteKind};

use super::ast;
use crate::catalog::{self, nearest};
use crate::partitions::{COLUMN, Role, role};
use crate::session::{Planner, Run, Shared};
use crate::sql::{MutationKind, MutationStatement, name, quote};
use crate::{Connection, Error, ErrorKind, Partitions, Result};

/// The table that a mutation changes.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Its connection.
    pub(super) connection: Arc<Connection>,
    /// Its model.
    pub(super) table: Arc<Table>,
    /// What stands before its columns in the statement.
    qualifier: Vec<Ident>,
    /// Whether its rows are of partitions.
    pub(super) is_partitioned: bool,
    /// Whether it has the column with the partition.
    pub(super) has_partition_column: bool,
}

/// Where a name leads.
enum Place {
    /// To a table in `main`, or one of our own.
    Local,
    /// To a table of a connection.
    Api {
        /// The connection.
        connection: String,
        /// The table.
        table: String,
    },
}

/// Where the name leads, as far as names alone tell.
///
/// # Errors
/// A name of another form.
fn place(shared: &Shared, written: &ObjectName, default_schema: &str) -> Result<Place> {
    use datafusion::catalog::SchemaProvider as _;
    let reference = reference(written)?;
    Ok(match catalog::target(&reference, default_schema)? {
        catalog::Target::Connection { table, .. }
            if reference.schema().is_none()
                && shared.main().table_exist(&table)
                && !is_known(shared, default_schema, &table) =>
        {
            Place::Local
        }
        catalog::Target::Connection { connection, table } => Place::Api { connection, table },
        _ => Place::Local,
    })
}

/// Whether the name leads to no table of a connection, as far as names alone tell.
///
/// # Errors
/// A name of another form.
pub(crate) fn is_local(shared: &Shared, written: &ObjectName, default_schema: &str) -> Result<bool> {
    Ok(matches!(place(shared, written, default_schema)?, Place::Local))
}

fn is_known(shared: &Shared, connection: &str, table: &str) -> bool {
    let (engine, connection) = (shared.engine(), shared.connection(connection));
    let known = connection.and_then(|connection| engine.models().known_or_cached(engine, &connection));
    known.is_some_and(|known| known.table(table).is_some())
}

fn reference(written: &ObjectName) -> Result<TableReference> {
    let parts: Option<Vec<String>> = written.0.iter().map(|part| part.as_ident().map(name)).collect();
    match parts.as_deref() {
        Some([table]) => Ok(TableReference::bare(table.as_str())),
        Some([schema, table]) => Ok(TableReference::partial(schema.as_str(), table.as_str())),
        Some([catalog, schema, table]) => Ok(TableReference::full(catalog.as_str(), schema.as_str(), table.as_str())),
        _ => Err(Error::new(ErrorKind::Name, format!("{written} is no name of a table; names are connection.table"))),
    }
}

impl Target {
    /// The table that the statement changes; its API's description is read, if it has to be.
    ///
    /// # Errors
    /// A name that leads nowhere or to a local table, a connection that allows no changes.
    pub(super) async fn resolve(
        planner: &Planner,
        run: &Run,
        sql: &str,
        statement: &MutationStatement,
        default_schema: &str,
    ) -> Result<Self> {
        let written = statement.target();
        let Place::Api { connection, table } = place(run.shared(), written, default_schema)? else {
            return Err(local(statement.kind(), written));
        };
        if let Some(connection) = run.shared().connection(&connection).filter(|connection| !connection.writes) {
            return Err(not_allowed(statement.kind(), written, &connection));
        }
        // Planning a query over the table finds it, or says what is wrong with its name.
        let from = vec![ast::alone(ast::table(written)?)];
        let probe = ast::select(vec![ast::named(ast::expr("1")?, "one")], from, None)?;
        let probe = DfStatement::Statement(Box::new(Statement::Query(Box::new(probe))));
        planner.plan(run, sql, probe, default_schema).await?;
        let gone = || Error::new(ErrorKind::Name, format!("there is no table {written}"));
        let connection = run.shared().connection(&connection).ok_or_else(gone)?;
        let known = run.engine().models().known(&connection).ok_or_else(gone)?;
        let table = Arc::clone(known.table(&table).ok_or_else(gone)?);
        let role = role(&connection, &table);
        let has_partitions = connection.partitions != Partitions::None;
        let is_partitioned = role != Role::Shared || (has_partitions && writes_need_partition(&table));
        let alias = statement.target_alias().map(|alias| vec![alias.clone()]);
        let idents = || written.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
        let qualifier = alias.unwrap_or_else(idents);
        let has_partition_column = role == Role::Partitioned;
        Ok(Self { connection, table, qualifier, is_partitioned, has_partition_column })
    }

    /// Connection and table.
    pub(super) fn place(&self) -> String {
        format!("{}.{}", quote(&self.connection.def.name), quote(&self.table.name))
    }

    /// One of its columns, as the statement names it.
    pub(super) fn column(&self, column: usize) -> Result<Expr> {
        let name = self.table.columns.get(column).map(|column| column.name.as_str()).ok_or_else(|| {
            Error::new(ErrorKind::Query, format!("{} has no column {column}: its description is wrong", self.place()))
        })?;
        Ok(self.qualified(name))
    }

    /// The partition, as the statement names it.
    pub(super) fn partition(&self) -> Expr {
        self.qualified(COLUMN)
    }

    fn qualified(&self, column: &str) -> Expr {
        let column = ast::quoted(column);
        Expr::CompoundIdentifier(self.qualifier.iter().cloned().chain([column]).collect())
    }

    /// Name of one of its columns.
    pub(super) fn name(&self, column: usize) -> &str {
        self.table.columns.get(column).map_or("?", |column| column.name.as_str())
    }

    /// What the rows are called in RETURNING.
    pub(super) fn alias(&self) -> Ident {
        self.qualifier.last().cloned().unwrap_or_else(|| ast::quoted(&self.table.name))
    }

    /// The column that the statement writes to under this name; it may be qualified.
    ///
    /// # Errors
    /// A column that there is not, with the nearest that there is.
    pub(super) fn written(&self, written: &ObjectName) -> Result<usize> {
        let ident = written.0.last().and_then(|part| part.as_ident());
        let column = ident.map(name).unwrap_or_default();
        if let Some(place) = self.table.column_index(&column) {
            return Ok(place);
        }
        let names: Vec<&str> = self.table.columns.iter().map(|column| column.name.as_str()).collect();
        let hint = match nearest(&column, names.iter().copied()) {
            Some(nearest) => format!("did you mean {}?", quote(nearest)),
            None => format!("there are: {}", crate::error::listed(&names)),
        };
        let message = format!("there is no column {column} in {}; {hint}", self.place());
        Err(Error::new(ErrorKind::Name, message))
    }

    /// The write of this kind, if all of these columns can be written by it.
    ///
    /// # Errors
    /// What the table does not offer, and what it does.
    pub(super) fn write(&self, kind: WriteKind, columns: &[usize]) -> Result<&Write> {
        let write = self.offered(kind)?;
        for &column in columns {
            self.check_written(kind, write, column)?;
        }
        tidegate_remote::write::check(&self.table, kind, columns)
            .map_err(|problem| Error::new(ErrorKind::Unsupported, format!("{}: {problem}", self.place())))?;
        Ok(write)
    }

    /// The write of this kind.
    ///
    /// # Errors
    /// What the table does not offer, and what it does.
    pub(super) fn offered(&self, kind: WriteKind) -> Result<&Write> {
        let refuse = |message: String| Error::new(ErrorKind::Unsupported, message);
        let Some(write) = self.table.writes.get(kind) else { return Err(refuse(self.not_offered(kind))) };
        if kind != WriteKind::Insert && self.table.key.is_empty() {
            let message = format!(
                "{} of {} is not offered: the table has no key by which a row could be found again",
                kind.sql(),
                self.place()
            );
            return Err(refuse(message));
        }
        Ok(write)
    }

    fn not_offered(&self, kind: WriteKind) -> String {
        let kinds = [WriteKind::Insert, WriteKind::Update, WriteKind::Delete];
        let offered: Vec<&str> =
            kinds.into_iter().filter(|kind| self.table.writes.get(*kind).is_some()).map(WriteKind::sql).collect();
        let offers = if offered.is_empty() {
            "the table can only be read".to_owned()
        } else {
            format!("it takes {}", offered.join(" and "))
        };
        let connector = &self.connection.def.connector;
        format!("{} of {} is not offered by the connector {connector}: {offers}", kind.sql(), self.place())
    }

    fn check_written(&self, kind: WriteKind, write: &Write, column: usize) -> Result<()> {
        if write.columns.iter().any(|written| written.column == column) {
            return Ok(());
        }
        let (place, name) = (self.place(), self.name(column));
        if kind == WriteKind::Update && self.table.key.contains(&column) {
            let message = format!(
                "{place}.{name} is part of the key, by which the row is found: it cannot be changed; insert a row with \
                 the other key, and delete this one"
            );
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let names: Vec<&str> = write.columns.iter().map(|written| self.name(written.column)).collect();
        let can = if names.is_empty() { "none can".to_owned() } else { format!("these can: {}", names.join(", ")) };
        let message = format!("{place}.{name} cannot be written by {}; {can}", kind.sql());
        Err(Error::new(ErrorKind::Unsupported, message))
    }
}

/// Whether requests that write need a partition.
fn writes_need_partition(table: &Table) -> bool {
    const PARTITION: &str = "{partition}";
    let single = |single: &Single| {
        single.path.contains(PARTITION) || single.constants.iter().any(|(_, value)| value.contains(PARTITION))
    };
    let batch = |batch: &Batch| {
        batch.path.contains(PARTITION) || batch.constants.iter().any(|(_, value)| value.contains(PARTITION))
    };
    let kinds = [WriteKind::Insert, WriteKind::Update, WriteKind::Delete];
    let mut writes = kinds.into_iter().filter_map(|kind| table.writes.get(kind));
    writes.any(|write| write.single.as_ref().is_some_and(single) || write.batch.as_ref().is_some_and(batch))
}

fn not_allowed(kind: MutationKind, table: &ObjectName, connection: &Connection) -> Error {
    let name = quote(&connection.def.name);
    let message = format!(
        "{kind} of {table} is refused: the connection {name} allows no changes. To allow them, set writes = true in \
         [connections.{name}] of the configuration, or make it with OPTIONS (…, writes 'true')"
    );
    Error::new(ErrorKind::Unsupported, message)
}

fn local(kind: MutationKind, table: &ObjectName) -> Error {
    let message = format!(
        "{kind} of {table} is not offered: it is a local table. A local table takes INSERT, and CREATE OR REPLACE TABLE … \
         AS SELECT … replaces it"
    );
    Error::new(ErrorKind::Unsupported, message)
}
