//! Tables, columns and endpoints of one connection.

use serde::{Deserialize, Serialize};

use crate::capability::{Count, Filters, Paging, Projection, SortColumn, Window};
use crate::types::ColumnType;

/// A path to a value in a JSON document, one object member a step. Empty means the document itself.
pub type Path = Vec<String>;

/// All that one connection offers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Model {
    /// Tables in the order in which the API lists them. SQL names are unique.
    pub tables: Vec<Table>,
    /// What the description of the API had and this model leaves out, one sentence each, for `system.warnings`.
    pub notes: Vec<String>,
}

/// One SQL table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Name in SQL, as made by [`crate::names`].
    pub name: String,
    /// Name in the API, as spelt there.
    pub api_name: String,
    /// What the API's description says of it.
    pub description: Option<String>,
    /// Columns in the order in which the API lists them. SQL names are unique.
    pub columns: Vec<Column>,
    /// Indices into `columns` of the key, in key order; empty when the API tells none.
    pub key: Vec<usize>,
    /// Ways to ask for rows, at least one. Indices are stable for the life of the model.
    pub endpoints: Vec<Endpoint>,
}

impl Table {
    /// Index of the column with this SQL name.
    #[must_use]
    pub fn column_index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Name in SQL.
    pub name: String,
    /// Where the value stands in one row of a response; also its name in requests, joined by `/` in OData.
    pub path: Path,
    /// Type of the value.
    pub data_type: ColumnType,
    /// Whether the API may send null, or leave the member out.
    pub nullable: bool,
    /// What the API's description says of it.
    pub description: Option<String>,
}

/// What an endpoint returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EndpointKind {
    /// All rows of the table, page by page, less what its filters leave out.
    List,
}

/// One way to ask the API for rows of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Name, unique within the table; shown by EXPLAIN and `system.endpoints`.
    pub name: String,
    /// What it returns.
    pub kind: EndpointKind,
    /// Path relative to the connection's base URL, already percent-encoded, without a leading `/`.
    pub path: String,
    /// Where rows, next link and count stand in a response.
    pub envelope: Envelope,
    /// How the next page is asked for.
    pub paging: Paging,
    /// Whether the client may choose how many rows it gets, and from which on.
    pub window: Option<Window>,
    /// Filters that it evaluates.
    pub filters: Filters,
    /// Columns by which it can sort in exactly the order that SQL means.
    pub sort: Vec<SortColumn>,
    /// Whether it returns only the columns asked for.
    pub projection: Projection,
    /// Whether it tells the number of rows that match.
    pub count: Option<Count>,
    /// Longest URL that may be sent, in bytes; filters that do not fit are evaluated locally.
    pub max_url_length: usize,
}

/// Where things stand in a response body. Of each list the first path that exists is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Envelope {
    /// The array of rows.
    pub rows: Vec<Path>,
    /// URL of the next page; absent or null on the last one.
    pub next: Vec<Path>,
    /// Number of rows that match the filter, over all pages; a JSON number or a string of digits.
    pub count: Vec<Path>,
}
