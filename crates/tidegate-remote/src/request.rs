//! What one scan asks an API for. Serialisable: it is all that a scan operator holds.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_spec::{Endpoint, Table};

use crate::{ErrorKind, Predicate};

/// A scan of one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScanRequest {
    /// The table.
    pub table: Arc<Table>,
    /// Index into the table's endpoints.
    pub endpoint: usize,
    /// Columns of the batches, in their order. May be empty: rows are then only counted.
    pub columns: Vec<usize>,
    /// Filter that the API evaluates; made by [`crate::pushdown::push_filter`] and so within what it declares.
    pub filter: Option<Predicate>,
    /// Order that the API keeps; by columns that the endpoint declares.
    pub sort: Vec<SortKey>,
    /// Rows wanted at first from the API. More are asked for only when the reader goes on past these, which it
    /// does when a recheck dropped some. `None` reads to the end.
    pub fetch: Option<u64>,
    /// Rows that the API leaves out at the front, in its order; none unless [`crate::can_skip`] says that it can.
    #[serde(default)]
    pub skip: u64,
    /// What a value that does not fit its column becomes.
    pub on_bad_value: BadValue,
}

impl ScanRequest {
    /// The endpoint that is asked.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when the table has no such endpoint.
    pub fn endpoint(&self) -> Result<&Endpoint, ErrorKind> {
        let missing = || ErrorKind::Unsupported(format!("table {} has no endpoint {}", self.table.name, self.endpoint));
        self.table.endpoints.get(self.endpoint).ok_or_else(missing)
    }
}

/// One column of an ordering. NULL stands where the endpoint declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortKey {
    /// Index into the table's columns.
    pub column: usize,
    /// DESC.
    pub descending: bool,
}

/// What a value that does not fit its column's type becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum BadValue {
    /// The scan fails and names column, page, row and value.
    #[default]
    Fail,
    /// NULL.
    Null,
}
