//! Groups that an endpoint returns in place of its rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OneOrMany, Paging, PlaceSpec};
use crate::manifest::tree::Named;

/// A request for groups of the endpoint's rows, with what is computed over each: what answers GROUP BY, DISTINCT and
/// aggregates. Only what the API computes exactly may be said here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    /// Path, appended to `url`; it may have the names that the endpoint's own has. Default: the endpoint's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Members of the response that lead to the groups, as `rows`; without groups there may be one object. Default: the
    /// endpoint's `rows`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<OneOrMany<String>>,
    /// How the next page of groups is asked for. Default: `single`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paging: Option<Paging>,
    /// Whether it takes the endpoint's filters, at their places. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filters: Option<bool>,
    /// Columns that it groups by. Without it there is one group of all rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_by: Option<GroupBy>,
    /// Where the wanted values are named. Without it a response always has all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<NameList>,
    /// The number of rows of a group. A response that lacks it is no response.
    pub count: AggregateName,
    /// Sums, by column: of integers and decimals.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub sum: Named<AggregateName>,
    /// Least values, by column, in the order that SQL means; null where all are null.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub min: Named<AggregateName>,
    /// Greatest values, likewise.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub max: Named<AggregateName>,
}

/// Columns that are grouped by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupBy {
    /// Where they are named: a query parameter, or a header or member of the body.
    #[serde(rename = "in")]
    pub place: PlaceSpec,
    /// Between two names. Default: `,`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// Columns whose values it tells apart as SQL does (text: by code point): a list, or each with the API's name of it.
    pub columns: GroupColumns,
}

/// Columns that are grouped by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum GroupColumns {
    /// Named as the members of their paths, joined by `.`, where their values stand.
    Names(Vec<String>),
    /// Each with the API's name of it.
    Mapped(Named<AggregateName>),
}

/// Where names stand in a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NameList {
    /// A query parameter, or a header or member of the body.
    #[serde(rename = "in")]
    pub place: PlaceSpec,
    /// Between two names. Default: `,`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
}

/// The name of a value or column of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AggregateName {
    /// In the request, and members that lead to it in a group, joined by `.`.
    Same(String),
    /// Where these differ.
    Said(SaidName),
}

/// A name in the request, and another in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SaidName {
    /// In the request.
    pub ask: String,
    /// Members that lead to it in a group, joined by `.`.
    pub member: String,
}
