//! Filters, and the languages in which they are said.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::manifest::tree::Named;

/// Filters on one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ColumnFilters {
    /// Operators that are said in the endpoint's language (`odata`).
    Operators(Vec<OperatorName>),
    /// How each operator is written.
    Forms(Box<OperatorForms>),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OperatorName {
    /// Equal.
    #[serde(rename = "=")]
    Eq,
    /// Not equal.
    #[serde(rename = "<>")]
    NotEq,
    /// Less than.
    #[serde(rename = "<")]
    Lt,
    /// At most.
    #[serde(rename = "<=")]
    LtEq,
    /// Greater than.
    #[serde(rename = ">")]
    Gt,
    /// At least.
    #[serde(rename = ">=")]
    GtEq,
    /// `>=` and `<=`.
    #[serde(rename = "between")]
    Between,
    /// One of several.
    #[serde(rename = "in")]
    In,
    /// `LIKE 'x%'`.
    #[serde(rename = "prefix")]
    Prefix,
    /// `LIKE '%x'`.
    #[serde(rename = "suffix")]
    Suffix,
    /// `LIKE '%x%'`.
    #[serde(rename = "contains")]
    Contains,
    /// `IS NULL`.
    #[serde(rename = "is null")]
    IsNull,
    /// `IS NOT NULL`.
    #[serde(rename = "is not null")]
    IsNotNull,
}

/// How comparisons with one column are written, by operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct OperatorForms {
    /// Equal.
    #[serde(rename = "=", skip_serializing_if = "Option::is_none")]
    pub eq: Option<FilterSpec>,
    /// Not equal.
    #[serde(rename = "<>", skip_serializing_if = "Option::is_none")]
    pub not_eq: Option<FilterSpec>,
    /// Less than.
    #[serde(rename = "<", skip_serializing_if = "Option::is_none")]
    pub lt: Option<FilterSpec>,
    /// At most.
    #[serde(rename = "<=", skip_serializing_if = "Option::is_none")]
    pub lt_eq: Option<FilterSpec>,
    /// Greater than.
    #[serde(rename = ">", skip_serializing_if = "Option::is_none")]
    pub gt: Option<FilterSpec>,
    /// At least.
    #[serde(rename = ">=", skip_serializing_if = "Option::is_none")]
    pub gt_eq: Option<FilterSpec>,
    /// Short for `>=` (`from`) and `<=` (`to`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between: Option<Between>,
    /// One of several.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    pub one_of: Option<FilterSpec>,
    /// `LIKE 'x%'`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<FilterSpec>,
    /// `LIKE '%x'`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffix: Option<FilterSpec>,
    /// `LIKE '%x%'`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<FilterSpec>,
    /// `IS NULL`.
    #[serde(rename = "is null", skip_serializing_if = "Option::is_none")]
    pub is_null: Option<FilterSpec>,
    /// `IS NOT NULL`.
    #[serde(rename = "is not null", skip_serializing_if = "Option::is_none")]
    pub is_not_null: Option<FilterSpec>,
}

/// Both ends of a range, both of them within it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Between {
    /// Where the lower end is written (`>=`).
    pub from: FilterSpec,
    /// Where the upper end is written (`<=`).
    pub to: FilterSpec,
}

/// How one comparison is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FilterSpec {
    /// Query parameter that takes the value.
    Parameter(String),
    /// All that can be said of it.
    Form(Box<FilterForm>),
}

/// How one comparison is written. At most one of `parameter`, `header`, `body`, `term` and `item`; without one it is
/// written in the path, or in OData's `$filter`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct FilterForm {
    /// Query parameter that takes the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// Header that takes the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Member of the JSON body that takes the value, steps joined by `.`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Term of the endpoint's `text`, with `{value}` for the value, which stands at its end otherwise: `state:{value}`
    /// or `state:`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
    /// Item of the endpoint's `items`: JSON in which `{value}` stands for the value and `{values}` for the list of
    /// `in`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<serde_json::Value>,
    /// Whether the API returns exactly the rows that SQL means. Otherwise it may return more, and they are filtered
    /// again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub exact: bool,
    /// Whether the endpoint cannot be asked without a filter on this column.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// Values that the API knows: a list, or SQL's text of each with the API's. Other values are not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Values>,
    /// What is sent for `is null` and `is not null`, which have no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Text before the value, such as `>=`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub before: String,
    /// Text after the value.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub after: String,
    /// How a point in time is written, where that is not as the column's own values are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeName>,
    /// How the values of `in` are put together: `repeat` for the parameter or item once for each, `array` for a JSON
    /// array, or the text between them. Default: `array` in a body, else `,`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// Most values of `in` in one request. Default: 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub max: Option<u64>,
    /// Whether the value is quoted in a `term`. Default: if `text` has a `quote`, all but numbers and booleans.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted: Option<bool>,
}

/// Values that the API knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Values {
    /// The same in SQL and in the API.
    Same(Vec<String>),
    /// SQL's text, and the API's.
    Mapped(Named<String>),
}

/// How a point in time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeName {
    /// `2024-05-31T23:59:59Z`.
    Seconds,
    /// `2024-05-31T23:59:59.999Z`.
    Millis,
    /// `2024-05-31`, days of UTC.
    Date,
    /// Whole seconds since 1970.
    EpochS,
    /// Milliseconds since 1970.
    EpochMs,
}

/// Filters as one text of terms, such as `is:issue state:open`. One of `parameter`, `header` and `body`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Query parameter that takes the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// Header that takes the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Member of the JSON body that takes the text, steps joined by `.`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Term that is always there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constant: Option<String>,
    /// Between terms that must all hold. Default: a blank.
    #[serde(default = "blank")]
    pub and: String,
    /// Between terms of which one must hold; without it the language has no OR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub or: Option<String>,
    /// Around terms that are joined by OR. Default: `["(", ")"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Vec<String>>,
    /// Around a text value. Default: nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub quote: String,
    /// What is put before a quote or backslash within a text value; without it such values are not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escape: Option<String>,
    /// Most terms in one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max: Option<u64>,
}

fn blank() -> String {
    " ".to_owned()
}

/// Filters as items of an array in the JSON body, all of which must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Items {
    /// Members of the body that lead to the array, joined by `.`; digits are places in an array.
    pub at: String,
    /// Most items in one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max: Option<u64>,
}

/// Version of OData.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ODataVersionName {
    /// 1.0 and 2.0.
    V2,
    /// 3.0.
    V3,
    /// 4.0.
    V4,
    /// 4.01.
    V401,
}
