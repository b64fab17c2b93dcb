//! Batches: how several rows are written by one request, and how its answer is read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Body, Idempotency, OneOrMany, PlaceSpec, Statuses};
use crate::manifest::tree::Named;

/// Several rows in one request. It has one of `post`, `put`, `patch` and `delete`, and one of `rows`, `keys`, `same` and
/// `odata`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Path that a POST goes to. Rows go into one request only when the values of its `{column}`s are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post: Option<String>,
    /// Path that a PUT goes to, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub put: Option<String>,
    /// Path that a PATCH goes to, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<String>,
    /// Path that a DELETE goes to, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete: Option<String>,
    /// Query parameters that are always sent. Those of `defaults` are added.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub query: Named<String>,
    /// Headers, likewise. Those of the manifest are added.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub headers: Named<String>,
    /// Most rows in one request. It must be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub max: Option<u64>,
    /// Most bytes of its body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1_000, max = 1_000_000_000))]
    pub max_bytes: Option<u64>,
    /// An array of objects, each with the row's key and columns: members that lead to it (`""` for the body itself), or
    /// an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<BatchRows>,
    /// For a delete: an array of keys, each a value and no object. Members that lead to it, or an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<BatchKeys>,
    /// One set of values for all rows with these keys: a write by query. The API itself must change no more than these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same: Option<SameValues>,
    /// OData's JSON batch: the write's own requests in an array. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub odata: bool,
    /// Key under which the API does it once, of the whole request or, in `body`, of each row. `defaults` do not give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
    /// Whether all of it happens or nothing: a refusal has then changed no row. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub atomic: bool,
    /// How its answer tells what became of each row. Default: the status says it for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<BatchAnswer>,
    /// The answer names a job that does the work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
}

/// An array of objects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum BatchRows {
    /// Members of the body that lead to it.
    At(String),
    /// All that can be said of it.
    Members(BatchRowsMembers),
}

/// An array of objects, each with the row's key and columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRowsMembers {
    /// Members of the body that lead to it; `""` for the body itself.
    pub at: String,
    /// What else stands in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Json>,
    /// Where columns of the key stand in an object. Default: all that are not in the path, where columns are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Named<String>>,
}

/// An array of keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum BatchKeys {
    /// Members of the body that lead to it.
    At(String),
    /// All that can be said of it.
    Members(BatchKeysMembers),
}

/// An array of keys, each a value and no object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchKeysMembers {
    /// Members of the body that lead to it; `""` for the body itself.
    pub at: String,
    /// What else stands in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Json>,
    /// The key's column. Default: the key, when one column of it is not in the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
}

/// One set of values for all rows with these keys. One of `parameter`, `header` and `body` says where the keys stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SameValues {
    /// Query parameter that takes the keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// Header that takes the keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Member of the JSON body that takes the keys, steps joined by `.`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// How the keys are put together: `repeat`, `array`, or the text between them. Default: `array` in a body, else `,`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// The key's column. Default: the key, when one column of it is not in the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Where the most rows that may be changed stand, if the API takes such a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<PlaceSpec>,
    /// Form of the body with the values. Default: `json`; `none` for a delete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Body>,
}

/// How the answer to a batch tells what became of each row. With `items`, `done` or `failed` it has lists of rows, and
/// `status`, `success`, `failure` and `message` are members of an item; else they are of the answer, as for one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchAnswer {
    /// The list of rows of which each says itself whether it was done; `""` for the body itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<String>,
    /// The list of rows that were done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
    /// The list of rows that were refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// Which row an item speaks of. Default: `order`, when `items` is the only list.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub matching: Option<Match>,
    /// Member with a HTTP status, 2xx when it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Members that are not false when it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<OneOrMany<String>>,
    /// Members that have nothing in them when it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<OneOrMany<String>>,
    /// Members that say why it was refused. Default: the usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<OneOrMany<String>>,
    /// Members of an item that lead to the row as it is now; `""` for the item itself. Default: it is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// What became of rows that no list speaks of. Default: `unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlisted: Option<UnlistedName>,
    /// Without lists: member with the number of rows that were changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affected: Option<String>,
    /// Without lists: what statuses mean, where they do not mean the usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statuses: Option<Statuses>,
}

/// Which row an item speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Match {
    /// By its place.
    Word(MatchWord),
    /// By its key.
    Key(MatchKey),
    /// By a text of ours.
    Trace(MatchTrace),
}

/// Which row an item speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MatchWord {
    /// The one at the same place of the request: there are as many items as rows.
    Order,
}

/// The row with the key that an item has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchKey {
    /// The key's column.
    pub key: String,
    /// Members of the item that lead to it, or several of which the first that is there is taken; a list there means
    /// several rows. Default: the column's path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<OneOrMany<String>>,
}

/// The row that was sent with a text of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchTrace {
    /// Members that lead to the text in the row that is sent.
    pub trace: String,
    /// Members of the item that lead to it, or several of which the first that is there is taken; a list there means
    /// several rows. Default: as it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<OneOrMany<String>>,
}

/// What became of rows that no list speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnlistedName {
    /// It is not known.
    Unknown,
    /// They were done.
    Done,
    /// They were refused.
    Failed,
}

/// Work that is done after the answer. Its last document is read as the batch's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Members of the answer that lead to the job's id or, without `path`, to the URL to ask.
    pub at: String,
    /// Path to ask, with `{job}` for the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Members of what it answers that lead to the job's state.
    pub state: String,
    /// States in which it is done.
    pub done: Vec<String>,
    /// States in which nothing was done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<String>,
    /// Time between two looks, in whole seconds. Default: `1s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<String>,
    /// Most looks; then what became of the rows is not known. Default: 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub most: Option<u32>,
}
