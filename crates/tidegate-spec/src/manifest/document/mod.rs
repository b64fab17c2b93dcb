//! A manifest as it is written: the serde types behind the JSON Schema.
//!
//! Their doc comments are the descriptions of the schema and the reference. Short forms are kept as they were
//! written; [`super::lower`] expands them. What a text must look like beyond being text is checked there too.

use serde::{Deserialize, Serialize};

use schemars::JsonSchema;

use super::tree::Named;

mod access;
mod aggregate;
mod batch;
mod detail;
mod endpoint;
mod filter;
mod paging;
mod quota;
mod rate;
mod table;
mod write;

pub use access::{Auth, AuthMembers, Basic, ClientAuth, Grant, NoAuth, OAuth2, OptionSpec, Pair, Partitions};
pub use access::{BodyMatch, Throttled};
pub use aggregate::{Aggregate, AggregateName, GroupBy, GroupColumns, NameList, SaidName};
pub use batch::{
    Batch, BatchAnswer, BatchKeys, BatchKeysMembers, BatchRows, BatchRowsMembers, Job, Match, MatchKey, MatchTrace,
    MatchWord, SameValues, UnlistedName,
};
pub use detail::Detail;
pub use endpoint::{
    AllColumns, Ceiling, Columns, Consistency, Endpoint, Except, Kind, MethodName, NotFound, PageSize, PageSizeMembers,
    PageSizeWord,
};
pub use filter::{
    Between, ColumnFilters, FilterForm, FilterSpec, Items, ODataVersionName, OperatorForms, OperatorName, Text,
    TimeName, Values,
};
pub use paging::{
    Cursor, Elsewhere, Fields, FieldsMembers, FieldsWord, HeaderName, Keyset, NextUrl, Nulls, Offset, Page, Paging,
    PagingWord, PastEndName, PlaceSpec, ShortPageName, Sort, SortColumns, TokenAt,
};
pub use quota::{Amount, Bucket, Quota, QuotaOperations, QuotaScope, QuotaUnit, Reported, ReportedForm, WindowStart};
pub use rate::Rate;
pub use table::{Column, ColumnMembers, Source, Table};
pub use write::{
    Body, BodyWord, FormBody, Idempotency, IfMatch, IfMatchMembers, JsonBody, NullName, NullNames, PerName, SendsName,
    Statuses, Write, WriteColumns, WriteMembers, Writes,
};

/// One, or a list of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum OneOrMany<T> {
    /// One.
    One(T),
    /// Several.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// All of them.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// A connector: an API described as tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Name of the connector: lower-case letters, digits and `_`, beginning with a letter. A connection without a name
    /// of its own is called so.
    pub connector: String,
    /// What the API offers, one sentence or several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Base URL of the API; the paths of endpoints follow it. It may hold options, as in
    /// `https://{subdomain}.example.com/api/v2/`, and `{partition}` in its path. Without it every connection must set
    /// `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Link to the API's own documentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docs: Option<String>,
    /// What a connection may set, by name; `{name}` elsewhere stands for its value. `url`, `writes`, `allow_origins`,
    /// `partitions` and `default_partitions` exist for every connector.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub options: Named<OptionSpec>,
    /// How requests are signed: one way, or a list of which the first is taken whose options are all set. Default:
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<OneOrMany<Auth>>,
    /// Headers of every request. One whose option is not set is left out.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub headers: Named<String>,
    /// What endpoints have where they do not say otherwise: any member of an endpoint but `kind`, `path` and `filters`.
    /// An endpoint of kind `get` takes only `headers`, `query`, `fields`, `failure`, `success` and `max_url_length`
    /// from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defaults: Option<Box<Endpoint>>,
    /// What writes have where they do not say otherwise: any member of a write but methods, `columns`, `required`, `sends`,
    /// `odata`, `append_only` and `batch`. A table's own `defaults` come first. Its `idempotency` does not hold for
    /// requests with the method DELETE, which are safe to repeat by themselves, nor for batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_defaults: Option<Box<WriteMembers>>,
    /// Limits that the API sets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<Quota>,
    /// Path of a cheap GET whose response tells what is left of the quotas: what `REFRESH QUOTAS` asks, once for each
    /// partition if it has `{partition}`. It is a call like any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_check: Option<String>,
    /// What being throttled looks like, besides status 429.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub throttled: Vec<Throttled>,
    /// The table that lists the partitions (accounts, divisions, tenants) of a connection which does not name them itself.
    /// `{partition}` in the path of `url`, in paths, headers, query and bodies stands for the code of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<Partitions>,
    /// Tables by their SQL name: lower-case letters, digits and `_`.
    pub tables: Named<Table>,
}
