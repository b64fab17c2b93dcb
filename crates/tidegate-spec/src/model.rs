//! Tables, columns and endpoints of one connection.

use serde::{Deserialize, Serialize};

use serde_json::Value as Json;

use crate::aggregate::Aggregation;
use crate::capability::{Ceiling, Count, Filters, PageSize, Paging, Place, Projection, SortColumn, Sorting, Window};
use crate::types::ColumnType;
use crate::write::Writes;

/// A path to a value in a JSON document, one object member a step. Empty means the document itself.
pub type Path = Vec<String>;

/// All that one connection offers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Model {
    /// Tables in the order in which the API lists them. SQL names are unique.
    pub tables: Vec<Table>,
    /// What the description of the API had and this model leaves out, one sentence each, for `system.warnings`.
    pub notes: Vec<String>,
    /// A cheap GET whose response tells what is left of the quotas, named [`QUOTA_CHECK`]; its rows mean nothing. Its path
    /// and constants may have `{partition}`. Without it, figures are asked for with an ordinary request.
    pub quota_check: Option<Endpoint>,
}

/// Name of [`Model::quota_check`], as an endpoint without a table.
pub const QUOTA_CHECK: &str = "quota_check";

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
    /// How its rows are written.
    pub writes: Writes,
    /// Requests for columns that its endpoints do not return, one a row. Names are unique, among those of endpoints too.
    #[serde(default)]
    pub details: Vec<Detail>,
}

/// Columns that the rows of a list do not have, and the request that has them for one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// The request, of kind [`EndpointKind::Get`]. Each of its filters is a required `=`, of which the row gives the value.
    /// Its [`Endpoint::not_found`] says whether a row for which there is nothing has NULL, or is an error.
    pub endpoint: Endpoint,
    /// Indices into the table's columns of what the request takes from the row, at least one; none of a detail's columns.
    pub parameters: Vec<usize>,
    /// Indices into the table's columns of what it returns, each of [`ColumnSource::Detail`] and nullable.
    pub columns: Vec<usize>,
}

impl Table {
    /// Index into [`Table::details`] of the detail that has this column; `None` for a column of the rows.
    #[must_use]
    pub fn detail_of(&self, column: usize) -> Option<usize> {
        self.details.iter().position(|detail| detail.columns.contains(&column))
    }

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
    /// Where its value comes from.
    pub source: ColumnSource,
}

/// Where a column's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum ColumnSource {
    /// The row.
    #[default]
    Row,
    /// The request: the value for which it was asked with `=`, such as the parent's key in the path.
    Request,
    /// The row, as something said about it and no property of it, such as `@odata.etag`: projections do not name it.
    Annotation,
    /// A request of its own for each row, one of [`Table::details`]: endpoints neither return it nor filter or sort by it.
    Detail,
}

/// What an endpoint returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EndpointKind {
    /// All rows of the table, page by page, less what its filters leave out.
    List,
    /// The row of one key: the body, or [`Envelope::rows`] within it, is one object.
    Get,
    /// The rows of several keys, in one response.
    GetMany,
    /// Rows that match a query; it may know others than the list, and later.
    Search,
}

/// HTTP method of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// GET.
    #[default]
    Get,
    /// POST that only reads, such as a search with a JSON body.
    Post,
}

/// What a 404 means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum NotFound {
    /// The scan fails.
    #[default]
    Fail,
    /// There are no rows.
    Empty,
}

/// One way to ask the API for rows of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Name, unique within the table; shown by EXPLAIN and `system.endpoints`.
    pub name: String,
    /// What it returns.
    pub kind: EndpointKind,
    /// HTTP method.
    pub method: Method,
    /// Path relative to the connection's base URL, already percent-encoded, without a leading `/`. Each `{name}` is
    /// a [`Place::Path`] of a filter.
    pub path: String,
    /// What is sent with every request, unless a filter, sort or page is written at the same place.
    pub constants: Vec<(Place, String)>,
    /// JSON body that values are written into; `None` for no body.
    pub body: Option<Json>,
    /// Columns that it returns; `None` for all. Columns of [`ColumnSource::Request`] need not be named.
    pub columns: Option<Vec<usize>>,
    /// Where rows, next link and count stand in a response.
    pub envelope: Envelope,
    /// How the next page is asked for.
    pub paging: Paging,
    /// Rows of a page; `None` when nothing is known of it.
    pub page_size: Option<PageSize>,
    /// Whether paging keeps its place when rows are added or removed meanwhile.
    pub stable: bool,
    /// Whether its answers may lag behind writes.
    pub eventual: bool,
    /// Whether the client may choose how many rows it gets, and from which on.
    pub window: Option<Window>,
    /// Filters that it evaluates.
    pub filters: Filters,
    /// Columns by which it can sort in exactly the order that SQL means.
    pub sort: Vec<SortColumn>,
    /// How an order is asked for; `None` when the dialect says it.
    pub sorting: Option<Sorting>,
    /// Whether it returns only the columns asked for.
    pub projection: Projection,
    /// Whether it tells the number of rows that match.
    pub count: Option<Count>,
    /// Groups that it returns in place of its rows; `None` when it makes none.
    pub aggregate: Option<Aggregation>,
    /// Rows at which the API stops, however many match.
    pub ceiling: Option<Ceiling>,
    /// What a 404 means.
    pub not_found: NotFound,
    /// Longest URL that may be sent, in bytes; filters that do not fit are evaluated locally.
    pub max_url_length: usize,
}

/// Longest URL where nothing else is declared: what the web servers in use take without being set up for more (8 KiB
/// for a request line at nginx and Apache).
pub const DEFAULT_MAX_URL_LENGTH: usize = 8_000;

impl Endpoint {
    /// A GET of `path` whose body is an array with all rows, and that takes no options.
    #[must_use]
    pub fn new(name: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: EndpointKind::List,
            method: Method::Get,
            path: path.into(),
            constants: Vec::new(),
            body: None,
            columns: None,
            envelope: Envelope { rows: vec![Path::new()], ..Envelope::default() },
            paging: Paging::Single,
            page_size: None,
            stable: false,
            eventual: false,
            window: None,
            filters: Filters::default(),
            sort: Vec::new(),
            sorting: None,
            projection: Projection::Whole,
            count: None,
            aggregate: None,
            ceiling: None,
            not_found: NotFound::Fail,
            max_url_length: DEFAULT_MAX_URL_LENGTH,
        }
    }

    /// Whether its requests name a partition by themselves: `{partition}` in path, constants or body. The base URL may
    /// name one too.
    #[must_use]
    pub fn needs_partition(&self) -> bool {
        let names = |text: &str| text.contains("{partition}");
        names(&self.path)
            || self.constants.iter().any(|(_, value)| names(value))
            || self.body.as_ref().is_some_and(|body| names(&body.to_string()))
    }

    /// Whether it returns this column (index into the table's columns).
    #[must_use]
    pub fn returns(&self, column: usize) -> bool {
        self.columns.as_ref().is_none_or(|columns| columns.contains(&column))
    }
}

/// Where things stand in a response. Of each list of paths the first that exists is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Envelope {
    /// The array of rows.
    pub rows: Vec<Path>,
    /// URL of the next page, or token for it; absent, null or empty on the last one.
    pub next: Vec<Path>,
    /// Whether there is a next page: true or false.
    pub more: Vec<Path>,
    /// Number of rows that match the filter, over all pages; a JSON number or a string of digits.
    pub count: Vec<Path>,
    /// Response header with that number.
    pub count_header: Option<String>,
    /// A success whose body has something here is an error: anything but null, false, 0, empty text, list or
    /// object.
    pub failure: Vec<Path>,
    /// A success whose body has false here is an error.
    pub success: Vec<Path>,
    /// An [`EndpointKind::Get`] whose body has something here has found no row: it was deleted.
    pub absent: Vec<Path>,
}
