//! The tables that a statement names.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::common::TableReference;
use datafusion::sql::parser::{CopyToSource, Statement as DfStatement};
use datafusion::sql::sqlparser::ast::{Ident, ObjectName, ObjectNamePart, visit_relations_mut};

use super::{CATALOG, INFORMATION_SCHEMA, MAIN, SYSTEM};
use crate::{Error, ErrorKind, Result};

/// Where a name leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A local table, view or file.
    Main(String),
    /// A system table.
    System(String),
    /// One of the standard's tables about tables.
    InformationSchema(String),
    /// A table of a connection, or of something that is none.
    Connection {
        /// The schema.
        connection: String,
        /// The table.
        table: String,
    },
}

/// Where a reference leads from `default_schema`.
///
/// # Errors
/// Another catalog than the only one.
pub(crate) fn target(reference: &TableReference, default_schema: &str) -> Result<Target> {
    if let Some(catalog) = reference.catalog()
        && catalog != CATALOG
    {
        let message = format!("{reference}: there is no catalog {catalog}; names are connection.table");
        return Err(Error::new(ErrorKind::Name, message));
    }
    let table = reference.table().to_owned();
    Ok(match reference.schema().unwrap_or(default_schema) {
        MAIN => Target::Main(table),
        SYSTEM => Target::System(table),
        INFORMATION_SCHEMA => Target::InformationSchema(table),
        connection => Target::Connection { connection: connection.to_owned(), table },
    })
}

/// Turns `FROM 'path'` into a table of `main` whatever the default schema, and returns the paths.
pub(crate) fn rewrite_files(statement: &mut DfStatement) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let mut visit = |name: &mut ObjectName| {
        if let [ObjectNamePart::Identifier(ident)] = name.0.as_mut_slice()
            && ident.quote_style == Some('\'')
        {
            paths.insert(ident.value.clone());
            let path = Ident::with_quote('"', ident.value.clone());
            *name = ObjectName::from(vec![Ident::new(CATALOG), Ident::new(MAIN), path]);
        }
        ControlFlow::<()>::Continue(())
    };
    match statement {
        DfStatement::Statement(statement) => drop(visit_relations_mut(statement, &mut visit)),
        DfStatement::CopyTo(copy) => match &mut copy.source {
            CopyToSource::Relation(name) => drop(visit(name)),
            CopyToSource::Query(query) => drop(visit_relations_mut(query, &mut visit)),
        },
        DfStatement::Explain(explain) => paths = rewrite_files(&mut explain.statement),
        DfStatement::CreateExternalTable(_) | DfStatement::Reset(_) => {}
    }
    paths
}
