//! What is asked for a row: data that an operator holds.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use tidegate_remote::BadValue;
use tidegate_remote::detail::DetailRequest;
use tidegate_spec::{Detail, Table};

use crate::{Error, ErrorKind, Result};

/// Columns of one detail of a table.
#[derive(Debug)]
pub(crate) struct DetailAsk {
    connection: Arc<str>,
    table: Arc<Table>,
    detail: usize,
    columns: Vec<usize>,
    request: DetailRequest,
    /// Whether the answers have to come from the server now.
    fresh: bool,
    /// Whether it is asked as late as can be.
    lifts: bool,
}

/// How a statement reads details.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// Whether the API is asked for less than it can say, and for rows of the result alone.
    pub(crate) pushdown: bool,
    pub(crate) on_bad_value: BadValue,
    /// Whether no answer may lag behind writes.
    pub(crate) is_strict: bool,
}

impl DetailAsk {
    /// The question for these columns of the table's detail with this index.
    ///
    /// # Errors
    /// A detail whose answers may lag behind writes where that is not allowed.
    pub(crate) fn new(
        connection: &Arc<str>,
        table: &Arc<Table>,
        detail: usize,
        columns: Vec<usize>,
        manner: Manner,
    ) -> Result<Self> {
        let request = DetailRequest::new(table, detail, &columns, manner.pushdown, manner.on_bad_value)
            .map_err(|kind| Error::new(ErrorKind::Query, format!("{connection}.{}: {kind}", table.name)))?;
        let ask = Self {
            connection: Arc::clone(connection),
            table: Arc::clone(table),
            detail,
            columns,
            request,
            fresh: manner.is_strict,
            lifts: manner.pushdown,
        };
        match ask.declared() {
            Some(declared) if manner.is_strict && declared.endpoint.eventual => Err(ask.lags(declared)),
            _ => Ok(ask),
        }
    }

    fn lags(&self, declared: &Detail) -> Error {
        let names: Vec<&str> = self.names(&self.columns).collect();
        let message = format!(
            "{}.{}: a change reads its rows as they are now, and the answers of {}, which alone has {}, may lag behind \
             writes; leave {} out of the statement",
            self.connection,
            self.table.name,
            declared.endpoint.name,
            names.join(", "),
            if names.len() == 1 { "it" } else { "them" }
        );
        Error::new(ErrorKind::Query, message)
    }

    fn declared(&self) -> Option<&Detail> {
        self.table.details.get(self.detail)
    }

    fn names<'a>(&'a self, columns: &'a [usize]) -> impl Iterator<Item = &'a str> {
        columns.iter().filter_map(|&column| self.table.columns.get(column)).map(|column| column.name.as_str())
    }

    /// Connection, as named in SQL.
    pub(crate) fn connection(&self) -> &Arc<str> {
        &self.connection
    }

    /// Table, as named in SQL.
    pub(crate) fn table(&self) -> &str {
        &self.table.name
    }

    /// Name of the detail.
    pub(crate) fn endpoint(&self) -> &str {
        self.declared().map_or("?", |declared| declared.endpoint.name.as_str())
    }

    /// Names of the columns that it adds, in their order.
    pub(crate) fn column_names(&self) -> impl Iterator<Item = &str> {
        self.names(&self.columns)
    }

    /// Names of the columns whose values it takes from the row.
    pub(crate) fn parameter_names(&self) -> impl Iterator<Item = &str> {
        self.names(self.declared().map(|declared| declared.parameters.as_slice()).unwrap_or_default())
    }

    /// Whether rows of the table with other keys ask for something else.
    pub(crate) fn asks_by_key(&self) -> bool {
        let parameters = self.declared().map(|declared| declared.parameters.as_slice()).unwrap_or_default();
        !self.table.key.is_empty() && self.table.key.iter().all(|key| parameters.contains(key))
    }

    /// Schema of the columns that it adds.
    pub(crate) fn schema(&self) -> &SchemaRef {
        self.request.schema()
    }

    pub(super) fn request(&self) -> &DetailRequest {
        &self.request
    }

    pub(super) fn fresh(&self) -> bool {
        self.fresh
    }

    pub(super) fn lifts(&self) -> bool {
        self.lifts
    }
}
