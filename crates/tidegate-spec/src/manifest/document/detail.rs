//! Details: columns that take a request of their own for each row.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Column, ColumnFilters, Consistency, Fields, MethodName, NotFound, OneOrMany};
use crate::manifest::tree::Named;

/// A request for what the rows of a list do not have. It is sent for each row of a result, once for rows with the same
/// parameters, and only when a query uses one of its columns: rows are filtered, sorted and cut to a LIMIT before, as far
/// as that does not need these columns. A row without a value for a parameter has NULL, and costs no request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Detail {
    /// Path, appended to `url`. `{column}` is the row's value of that column, `{option}` the value of an option.
    pub path: String,
    /// Columns that it has, by their SQL name. Their `path` leads from the object in the response; they may always be
    /// NULL, and are neither part of the key nor written.
    pub columns: Named<Column>,
    /// Values of the row that are sent elsewhere than in the path: by column, `=` alone.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub filters: Named<ColumnFilters>,
    /// What a 404 means: `fail`, or `empty` for NULL in its columns. Default: `fail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_found: Option<NotFound>,
    /// Members of the response that lead to the object, as at endpoints. Default: `""`, the body itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<OneOrMany<String>>,
    /// HTTP method. Default: `GET`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<MethodName>,
    /// Query parameters that are always sent, with those of `defaults`.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub query: Named<String>,
    /// Headers, likewise.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub headers: Named<String>,
    /// JSON body of a POST, into which `filters` are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<serde_json::Value>,
    /// How it is told to return some members of the object only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Fields>,
    /// Members that are an error in a response with status 200, when there is something in them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<OneOrMany<String>>,
    /// Members that must not be false in a response with status 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<OneOrMany<String>>,
    /// Members that say, when there is something in them, that there is no such object: the same as a 404.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<OneOrMany<String>>,
    /// Whether its answers may lag behind writes. Default: `strong`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
}
