//! Paging, order and projection.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OneOrMany;
use crate::manifest::tree::Named;

/// Where a value is written: the name of a query parameter, or another place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PlaceSpec {
    /// Query parameter.
    Parameter(String),
    /// Another place.
    Elsewhere(Elsewhere),
}

/// A place in a request: one of `parameter`, `header` and `body`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Elsewhere {
    /// Query parameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// Header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Member of the JSON body, steps joined by `.`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// Where a response has the next page's URL or token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum TokenAt {
    /// Members of the body that lead to it, joined by `.`.
    Body(String),
    /// Alternatives, of which the first that is there is taken.
    Alternatives(Vec<String>),
    /// A header.
    Header(HeaderName),
}

/// A response header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderName {
    /// Name of the header.
    pub header: String,
}

/// How the next page is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Paging {
    /// `single`: one response has everything. `link`: by the `Link` header (RFC 8288).
    Word(PagingWord),
    /// By the URL that the response names.
    NextUrl(NextUrl),
    /// By number.
    Page(Page),
    /// By the number of rows to leave out.
    Offset(Offset),
    /// By a token of the response.
    Cursor(Cursor),
    /// By a value of the last row.
    Keyset(Keyset),
}

/// Paging that needs no more said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PagingWord {
    /// One response has everything.
    Single,
    /// The `Link` header with `rel="next"` names the next page.
    Link,
}

/// The response names the URL of the next page, absolute or relative. A page without one is the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NextUrl {
    /// Members that lead to the URL, joined by `.`, or a list of alternatives.
    pub next_url: OneOrMany<String>,
}

/// Pages have numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Where the number is written.
    pub page: PlaceSpec,
    /// Number of the first page. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// Members that lead to true or false: whether there is a next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<OneOrMany<String>>,
    /// Whether a page with fewer rows than asked for is the last.
    #[serde(default)]
    pub short: ShortPageName,
    /// What the server answers past the last page.
    #[serde(default)]
    pub past: PastEndName,
}

/// A request says how many rows to leave out at the front.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Offset {
    /// Where the number is written.
    pub offset: PlaceSpec,
    /// Members that lead to true or false: whether there is a next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<OneOrMany<String>>,
    /// Whether a page with fewer rows than asked for is the last.
    #[serde(default)]
    pub short: ShortPageName,
    /// What the server answers past the last page.
    #[serde(default)]
    pub past: PastEndName,
}

/// The response has a token for the next page. A page without one is the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// Where the token is written.
    pub cursor: PlaceSpec,
    /// Where the response has it. Default: the endpoint's `next`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<TokenAt>,
    /// Members that lead to true or false: whether there is a next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<OneOrMany<String>>,
    /// Texts that stand for no token, such as `null`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub none: Vec<String>,
}

/// The next page begins after the last row of this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keyset {
    /// Where the last row's value is written.
    pub keyset: PlaceSpec,
    /// Column that has the value. Default: the key, when it is one column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Members that lead to true or false: whether there is a next page. Default: the endpoint's `more`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<OneOrMany<String>>,
    /// Whether a page with fewer rows than asked for is the last, where nothing tells.
    #[serde(default)]
    pub short: ShortPageName,
    /// What the server answers past the last page, where nothing tells.
    #[serde(default)]
    pub past: PastEndName,
}

/// Whether a page with fewer rows than asked for is the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum ShortPageName {
    /// If an earlier page was longer. After a first page that is short one more is asked for, where no total tells
    /// that it was all: the server may have cut the page size down in silence.
    #[default]
    Likely,
    /// Always.
    Last,
    /// Never: only an empty page is.
    Open,
}

/// What the server answers past the last page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum PastEndName {
    /// A page without rows.
    #[default]
    Empty,
    /// Status 404, 400 or 416.
    Refused,
    /// The last page again.
    Repeated,
}

/// How an order is asked for. One of `parameter`, `header` and `body`; none with `odata`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sort {
    /// Query parameter that names the column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// Header that names the column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Member of the JSON body that names the column, steps joined by `.`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Where the direction is said; without it, it is said with the column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<PlaceSpec>,
    /// Columns by which it sorts in exactly the order that SQL means (text: by code point): a list, or each with the
    /// API's name of it.
    pub columns: SortColumns,
    /// Where null stands; must be said for columns that may be null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nulls: Option<Nulls>,
    /// Word for ascending. Default: `asc`; without `direction` `{column}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ascending: Option<String>,
    /// Word for descending. Default: `desc`; without `direction` `-{column}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descending: Option<String>,
    /// Between several columns; without it, it sorts by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
}

/// Columns of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SortColumns {
    /// Named as the first members of their paths, joined by `.`.
    Names(Vec<String>),
    /// Each with the API's name of it.
    Mapped(Named<String>),
}

/// Where the API puts null when it sorts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Nulls {
    /// Below every value: first ascending, last descending.
    Lowest,
    /// Above every value: last ascending, first descending.
    Highest,
}

/// How it is told to return some members of a row only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Fields {
    /// By OData's `$select`.
    Word(FieldsWord),
    /// By a list of the first member of each column's path.
    Members(FieldsMembers),
}

/// Projection that needs no more said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FieldsWord {
    /// OData's `$select`; needs `odata`.
    Select,
    /// Rows are always whole: takes back what `defaults` says.
    Whole,
}

/// A list of members. One of `parameter`, `header` and `body`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldsMembers {
    /// Query parameter that takes the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// Header that takes the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Member of the JSON body that takes the list, steps joined by `.`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// How the names are put together: `repeat`, `array`, or the text between them. Default: `array` in a body, else
    /// `,`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
}
