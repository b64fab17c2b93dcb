//! Endpoints: one way each to ask for rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Aggregate, ColumnFilters, Fields, Items, ODataVersionName, OneOrMany, Paging, Sort, Text, TokenAt};
use crate::manifest::tree::Named;

/// One way to ask the API for rows. What it does not say can be said for all endpoints in `defaults`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// What it returns. Default: the endpoint's name where that is a kind, else `list`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// HTTP method. Default: `GET`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<MethodName>,
    /// Path, appended to `url`. `{column}` is a required `=` filter on that column, `{option}` the value of an option.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Query parameters that are always sent, unless a filter, an order or a page is written there. One whose option is
    /// not set is left out. Those of `defaults` are added.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub query: Named<String>,
    /// Headers, likewise.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub headers: Named<String>,
    /// JSON body of a POST, into which filters and pages are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<serde_json::Value>,
    /// Columns that it returns. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Columns>,
    /// Filters that it evaluates, by column. What is not declared is never asked for.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub filters: Named<ColumnFilters>,
    /// Language of filters that have a `term`: one text of terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Text>,
    /// Home of filters that have an `item`: an array in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Items>,
    /// Version of OData, when filters, order and projection are said in OData's query options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub odata: Option<ODataVersionName>,
    /// Whether comparisons can be joined by OR, with `odata` or with `text` that has `or`. Default: whether `text` has
    /// `or`; true with `odata`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub or: Option<bool>,
    /// Columns by which it sorts in exactly the order that SQL means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<Sort>,
    /// How it is told to return some members of a row only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Fields>,
    /// Members of the response that lead to the rows, joined by `.` (`\.` for a `.` within a name), or a list of
    /// alternatives of which the first that is there is taken. Default: `""`, the body itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<OneOrMany<String>>,
    /// Members that lead to the next page's URL or token; paging has it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<TokenAt>,
    /// Members that lead to true or false: whether there is a next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<OneOrMany<String>>,
    /// Members that lead to the number of all rows that match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<OneOrMany<String>>,
    /// Header with the number of all rows that match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count_header: Option<String>,
    /// Members that are an error in a response with status 200, when there is something in them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<OneOrMany<String>>,
    /// Members that must not be false in a response with status 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<OneOrMany<String>>,
    /// Members that say, when there is something in them, that there is no such row, as `deleted: true`. For kind `get`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<OneOrMany<String>>,
    /// How the next page is asked for. Default: `single`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paging: Option<Paging>,
    /// How many rows a page has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<PageSize>,
    /// A request for groups of its rows. Not taken from `defaults`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<Box<Aggregate>>,
    /// Rows at which the API stops, however many match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<Ceiling>,
    /// Whether paging keeps its place when rows are added or removed meanwhile. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable: Option<bool>,
    /// Whether its answers may lag behind writes. Default: `strong`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
    /// What a 404 means. Default: `empty` for kind `get`, else `fail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_found: Option<NotFound>,
    /// Longest URL in bytes; filters that do not fit are evaluated locally. Default: 8000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 200, max = 1_000_000))]
    pub max_url_length: Option<u64>,
}

/// What an endpoint returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// All rows of the table, page by page, less what its filters leave out.
    List,
    /// The row of one key: one object.
    Get,
    /// The rows of several keys, in one response.
    GetMany,
    /// Rows that match a query.
    Search,
}

/// HTTP method of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum MethodName {
    /// GET.
    Get,
    /// POST that only reads.
    Post,
}

/// Columns that an endpoint returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Columns {
    /// All of them.
    All(AllColumns),
    /// These.
    Names(Vec<String>),
    /// All but some.
    Except(Except),
}

/// The word for all columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AllColumns {
    /// All columns.
    All,
}

/// All columns but some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Except {
    /// Columns that it does not return.
    pub except: Vec<String>,
}

/// How many rows a page has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PageSize {
    /// Nothing is known of it: takes back what `defaults` says.
    None(PageSizeWord),
    /// What is known of it.
    Members(PageSizeMembers),
}

/// The word for a page size of which nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PageSizeWord {
    /// Nothing is known of it.
    None,
}

/// Size of a page. At most one of `parameter`, `header` and `body`; without one it cannot be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageSizeMembers {
    /// Query parameter that asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// Header that asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Member of the JSON body that asks for it, steps joined by `.`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Most rows of a page.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max: u64,
}

/// Rows at which the API stops, however many match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ceiling {
    /// How many.
    #[schemars(range(min = 1))]
    pub rows: u64,
    /// Column by which a scan goes on behind it: the endpoint sorts by it and takes `>=` on it. Without it a scan that
    /// meets the ceiling fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice_by: Option<String>,
}

/// Whether answers may lag behind writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Consistency {
    /// They do not.
    Strong,
    /// They may.
    Eventual,
}

/// What a 404 means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotFound {
    /// The scan fails.
    Fail,
    /// There are no rows.
    Empty,
}
