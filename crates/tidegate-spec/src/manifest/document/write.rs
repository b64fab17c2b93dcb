//! Writes: how a row is made, changed and removed, each by a request of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{AllColumns, Batch, Except, ODataVersionName, OneOrMany};
use crate::manifest::tree::Named;

/// How rows of a table are written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Writes {
    /// What the writes of this table have where they do not say otherwise, as `write_defaults` of the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defaults: Option<Box<WriteMembers>>,
    /// How a row is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insert: Option<Write>,
    /// How columns of the row with a key are changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<Write>,
    /// How the row with a key is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete: Option<Write>,
}

/// One kind of write: its path alone, or an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Write {
    /// Its path, asked by POST for an insert, PATCH for an update and DELETE for a delete.
    Path(String),
    /// All that can be said of it.
    Members(Box<WriteMembers>),
}

/// One kind of write. It has one of `post`, `put`, `patch` and `delete` for a row by itself, or `batch`, or both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct WriteMembers {
    /// Path that a POST goes to. `{column}` is the row's value before the change, `{option}` the value of an option. An
    /// update or delete names the whole key; columns in the path of an insert must be given by it.
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
    /// Version of OData: the path is that of the entity set, and the key is put behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub odata: Option<ODataVersionName>,
    /// Query parameters that are always sent. Those of `defaults` are added.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub query: Named<String>,
    /// Headers, likewise. Those of the manifest are added.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub headers: Named<String>,
    /// Form of the body. Default: `json`; `none` for a delete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// Columns that it writes. Default: all from the row that are not in the key, not in the path and not `read_only`.
    /// An insert that names a column of the key chooses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<WriteColumns>,
    /// Columns that an insert must give, besides those in its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<Vec<String>>,
    /// Which columns an update carries. Default: `whole` for a PUT, else `changed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sends: Option<SendsName>,
    /// How NULL is written, for all columns that may be null, or by column; of the others nothing is said then. Default:
    /// `json`; `refused` for columns that are never null, and in forms, which have no null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nulls: Option<NullNames>,
    /// The row's version, by which the API refuses a change of a row that somebody else has changed: its column, sent as
    /// the header `If-Match`, or an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_match: Option<IfMatch>,
    /// Key under which the API does it once, however often it comes. Without it, a request whose answer was lost is not
    /// repeated, unless the row's version or a look at the row tells that it may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
    /// Members of the answer that lead to the row as it is now; `""` for the body itself. Default: it is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// Members that are a refusal in an answer with a status of success, when there is something in them. Default: those
    /// of the manifest's `defaults`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<OneOrMany<String>>,
    /// Members that must not be false in an answer with a status of success. Default: those of the manifest's `defaults`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<OneOrMany<String>>,
    /// Members that say why it was refused. Default: the usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<OneOrMany<String>>,
    /// What statuses mean, where they do not mean the usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statuses: Option<Statuses>,
    /// Rows can only be added, as events to a log: they have no identity, and are never read back, changed or removed.
    /// For an insert. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub append_only: Option<bool>,
    /// How several rows are written by one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Box<Batch>>,
}

/// Columns that a write carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum WriteColumns {
    /// The default: all that can be written.
    All(AllColumns),
    /// These.
    Names(Vec<String>),
    /// All that can be written but some.
    Except(Except),
}

/// Form of a body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Body {
    /// Its form alone.
    Word(BodyWord),
    /// A form with constants.
    Form(FormBody),
    /// JSON with something around the row.
    Json(JsonBody),
}

/// Form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BodyWord {
    /// A JSON object of the row's columns.
    Json,
    /// `application/x-www-form-urlencoded`; steps of a path after the first stand in brackets: `address[city]`.
    Form,
    /// There is none.
    None,
}

/// A form with constants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FormBody {
    /// Fields that are always sent, by their path: `address.city` stands as `address[city]`.
    pub form: Named<String>,
}

/// JSON with something around the row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonBody {
    /// Members that lead to the object which columns are written into. Default: `""`, the body itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What else stands in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Json>,
}

/// Which columns an update carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SendsName {
    /// Those that the statement names: what is absent stays as it is.
    Changed,
    /// All that can be written, the others with their old values: what is absent would be lost.
    Whole,
}

/// How NULL is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum NullNames {
    /// In all columns that may be null.
    All(NullName),
    /// By column.
    Columns(Named<NullName>),
}

/// How NULL is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NullName {
    /// As JSON's null.
    Json,
    /// As an empty text.
    Empty,
    /// It cannot be: the statement is refused before anything is sent.
    Refused,
}

/// What tells a row's version, and where it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum IfMatch {
    /// Its column; it is sent as the header `If-Match`.
    Column(String),
    /// All that can be said of it.
    Members(IfMatchMembers),
}

/// What tells a row's version. At most one of `parameter`, `header` and `body`; without one it is the header `If-Match`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IfMatchMembers {
    /// Column that has it.
    pub column: String,
    /// Query parameter that takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// Header that takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Member of the body that takes it, steps joined by `.`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Header of the answer with the new version, where the answer's row has it not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

/// A key under which the API does a write only once. One of `parameter`, `header` and `body`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Idempotency {
    /// Query parameter that takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// Header that takes it, such as `Idempotency-Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Member of the body that takes it, or of the row with `per: row`; steps joined by `.`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// How long the API remembers it, such as `24h`: for so long a request may be repeated. Rather too short than too
    /// long.
    pub lifetime: String,
    /// What it is a key of. Default: `request`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<PerName>,
    /// Whether it is written as a quoted string. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quoted: bool,
}

/// What an idempotency key is a key of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PerName {
    /// The whole request: a repeat must have the same bytes.
    Request,
    /// One row, whatever request it comes in.
    Row,
}

/// What statuses mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Statuses {
    /// There is no such row. Default: 404 and 410.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(range(min = 400, max = 499)))]
    pub absent: Vec<u16>,
    /// Somebody else has changed the row. Default: 412.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(range(min = 400, max = 499)))]
    pub stale: Vec<u16>,
    /// The API says that it did nothing. Default: none; after any status of 500 and above it may have been done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(range(min = 500, max = 599)))]
    pub not_done: Vec<u16>,
}
