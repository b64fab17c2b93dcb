//! What a request of its own says of one row: the values of a [`Detail`](tidegate_spec::Detail)'s columns.
//!
//! The request is a scan of an endpoint that gets one row, with what it takes from the row as filters: it is written, sent
//! and decoded as any other. Only what "there is no such row" means is decided here.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::datatypes::SchemaRef;
use futures::StreamExt as _;
use tidegate_spec::{ColumnSource, Detail, NotFound, Projection, Table};
use tidegate_transport::redact_url;

use crate::scan::cell;
use crate::{
    BadValue, CompareOp, Error, ErrorKind, Place, Predicate, Result, Scalar, ScanRequest, Source, arrow_types, scan,
};

/// The request for one row, but for the row.
#[derive(Debug, Clone)]
pub struct DetailRequest {
    /// Without a filter. Its table has the detail as its one endpoint, and the detail's columns as columns of rows.
    request: ScanRequest,
    /// Columns of the table whose values it takes from the row.
    parameters: Vec<usize>,
    schema: SchemaRef,
}

impl DetailRequest {
    /// The request for these columns of the detail with this index. Without `projects` the API is not asked for fewer
    /// columns than it has.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when the table has no such detail, or the detail no such column.
    pub fn new(
        table: &Table,
        detail: usize,
        columns: &[usize],
        projects: bool,
        on_bad_value: BadValue,
    ) -> Result<Self, ErrorKind> {
        let missing = |what: String| ErrorKind::Unsupported(format!("table {} has no {what}", table.name));
        let declared = table.details.get(detail).ok_or_else(|| missing(format!("detail {detail}")))?;
        if let Some(column) = columns.iter().find(|column| !declared.columns.contains(column)) {
            return Err(missing(format!("column {column} in detail {}", declared.endpoint.name)));
        }
        let whole = arrow_types::schema_for(table, on_bad_value);
        let request = ScanRequest {
            table: Arc::new(alone(table, declared, projects)),
            endpoint: 0,
            columns: columns.to_vec(),
            filter: None,
            sort: Vec::new(),
            skip: 0,
            fetch: None,
            on_bad_value,
        };
        Ok(Self {
            request,
            parameters: declared.parameters.clone(),
            schema: Arc::new(whole.project(columns).map_err(|error| ErrorKind::Unsupported(error.to_string()))?),
        })
    }

    /// Schema of what [`Self::read`] returns; every column may be NULL.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What the request takes from a row, given the columns of its parameters in their order; `None` where one is NULL:
    /// there is nothing to ask for.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for a value of a type that no request can carry.
    pub fn key(&self, parameters: &[ArrayRef], row: usize) -> Result<Option<Vec<Scalar>>, ErrorKind> {
        let mut key = Vec::with_capacity(parameters.len());
        for (parameter, column) in parameters.iter().zip(&self.parameters) {
            if parameter.is_null(row) {
                return Ok(None);
            }
            let name = || self.request.table.columns.get(*column).map_or("?", |column| column.name.as_str());
            let value = cell::scalar(parameter, row)
                .ok_or_else(|| ErrorKind::Unsupported(format!("a value of column {} cannot be sent", name())))?;
            key.push(value);
        }
        Ok(Some(key))
    }

    /// Asks for the row with this key, in one call: a batch of one row. Where there is no such row, it is NULLs or an
    /// error, as the detail declares.
    ///
    /// # Errors
    /// Connection, table, detail and key, and what is wrong.
    pub async fn read(&self, source: &Source, key: &[Scalar]) -> Result<RecordBatch> {
        let request = ScanRequest { filter: self.filter(key), ..self.request.clone() };
        let failed = |kind| {
            let place = Place {
                connection: source.connection.to_string(),
                table: Some(self.request.table.name.clone()),
                partition: source.partition.as_deref().map(str::to_owned),
                url: redact_url(&source.base),
                ..Place::default()
            };
            self.at(Error { place, kind }, source, key)
        };
        let mut pages = scan(source.clone(), request);
        let mut found: Option<RecordBatch> = None;
        while let Some(page) = pages.next().await {
            let batch = page.map_err(|error| self.at(error, source, key))?.batch;
            if batch.num_rows() > 0 && found.replace(batch).is_some_and(|before| before.num_rows() > 0) {
                return Err(failed(ErrorKind::Body("the server answers with two rows for one".to_owned())));
            }
        }
        match found {
            Some(row) if row.num_rows() == 1 => Ok(row),
            Some(_) => Err(failed(ErrorKind::Body("the server answers with several rows for one".to_owned()))),
            None if self.not_found() == NotFound::Empty => self.nulls().map_err(failed),
            None => Err(failed(ErrorKind::Body("the server says that there is no such row".to_owned()))),
        }
    }

    /// A row of NULLs: that of a row for which there is nothing to ask.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when a column of the detail cannot be NULL.
    pub fn nulls(&self) -> Result<RecordBatch, ErrorKind> {
        let columns = self.schema.fields().iter().map(|field| new_null_array(field.data_type(), 1)).collect();
        let row = RecordBatch::try_new(Arc::clone(&self.schema), columns);
        row.map_err(|error| ErrorKind::Unsupported(format!("a detail without an answer: {error}")))
    }

    fn not_found(&self) -> NotFound {
        self.request.endpoint().map_or(NotFound::Fail, |endpoint| endpoint.not_found)
    }

    fn filter(&self, key: &[Scalar]) -> Option<Predicate> {
        let equal = |(&column, value): (&usize, &Scalar)| Predicate::Compare {
            column,
            op: CompareOp::Eq,
            value: value.clone(),
        };
        let mut parts: Vec<Predicate> = self.parameters.iter().zip(key).map(equal).collect();
        if parts.len() > 1 { Some(Predicate::And(parts)) } else { parts.pop() }
    }

    /// The error with the row that it is about.
    fn at(&self, mut error: Error, source: &Source, key: &[Scalar]) -> Error {
        let part = |(&column, value): (&usize, &Scalar)| {
            let column = self.request.table.columns.get(column)?;
            Some(format!("{} {}", column.name, cell::text(value, &column.data_type)?))
        };
        let key: Vec<String> = self.parameters.iter().zip(key).filter_map(part).collect();
        let name = self.request.endpoint().map_or("?", |endpoint| endpoint.name.as_str());
        error.place.row = Some(format!("{name} of {}", key.join(", ")));
        error.place.page = None;
        error.blanked(&source.blanks)
    }
}

/// The table as if the detail were its one endpoint. It has no key: nothing else is read along.
fn alone(table: &Table, detail: &Detail, projects: bool) -> Table {
    let mut endpoint = detail.endpoint.clone();
    if !projects {
        endpoint.projection = Projection::Whole;
    }
    let mut table = Table { endpoints: vec![endpoint], key: Vec::new(), details: Vec::new(), ..table.clone() };
    for &column in &detail.columns {
        if let Some(column) = table.columns.get_mut(column) {
            column.source = ColumnSource::Row;
        }
    }
    table
}

#[cfg(test)]
mod tests;
