//! Tables and columns.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Detail, Endpoint, OneOrMany, Writes};
use crate::manifest::tree::Named;

/// A table. It has at least one endpoint, unless rows can only be added to it (`append_only`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// What a row is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Name in the API, where it is not the table's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_name: Option<String>,
    /// Column that tells one row from all others, or several that do so together. Its columns are never null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<OneOrMany<String>>,
    /// Columns in their order, by their SQL name: lower-case letters, digits and `_`.
    pub columns: Named<Column>,
    /// Ways to ask for rows, by name.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub endpoints: Named<Endpoint>,
    /// Short for `endpoints: {list: …}`: all rows, page by page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<Box<Endpoint>>,
    /// Short for `endpoints: {get: …}`: the row of one key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub get: Option<Box<Endpoint>>,
    /// Short for `endpoints: {get_many: …}`: the rows of several keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub get_many: Option<Box<Endpoint>>,
    /// Short for `endpoints: {search: …}`: the rows that match a query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Box<Endpoint>>,
    /// Columns that the rows of `endpoints` do not have, by the name of the request that has them: one request for each
    /// row, sent only when a query uses such a column.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub details: Named<Detail>,
    /// How rows are written. What is not declared is not sent: a table without `update` cannot be updated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writes: Option<Writes>,
}

/// A column: its type alone, or an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Column {
    /// Its type: `bool`, `int` (64 bits), `int32`, `int16`, `float` (64 bits), `float32`, `decimal(p,s)`, `text`,
    /// `uuid`, `date`, `time`, `timestamp`, `timestamp(epoch_s)`, `timestamp(epoch_ms)`, `timestamp(ms_json)`,
    /// `local_timestamp`, `binary` (base64), `json`, `list(T)` or `struct({name: T, …})`. A `?` behind it says that it
    /// may be null, which it may unless it is in the key; a `!` that it is never null.
    Type(String),
    /// All that can be said of it.
    Members(ColumnMembers),
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct ColumnMembers {
    /// Its type, as in the short form. Default: `text`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub data_type: Option<String>,
    /// Members of the row that lead to it, joined by `.` (`\.` for a `.` within a name). Default: the column's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where its value comes from.
    #[serde(default)]
    pub from: Source,
    /// Whether the API alone sets it: no write may name it. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
    /// Where it is written in the body of a write, members joined by `.`, if that is not `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<String>,
    /// What it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Where a column's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The row.
    #[default]
    Row,
    /// The request: the value of its `=` filter, such as a parent's key in the path. Endpoints that do not take that
    /// filter cannot give the column.
    Request,
    /// The row, as something said about it and no property of it, such as `@odata.etag`: it is not asked for by name,
    /// and never written. Needs `path`.
    Annotation,
}
