//! How rows of a table are written: one request a row, and where the API has them, one for many.
//!
//! The rule of reading holds here too: what is not declared is not sent. A table without [`Writes::update`] cannot be
//! updated, a column that is not in [`Write::columns`] is not written, and only what is declared safe is sent twice.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::capability::{ListForm, Place};
use crate::model::{Column, Path};

/// Writes that a table offers; none by default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Writes {
    /// Makes a row.
    pub insert: Option<Write>,
    /// Changes columns of the row with a key.
    pub update: Option<Write>,
    /// Removes the row with a key.
    pub delete: Option<Write>,
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteKind {
    /// It is made.
    Insert,
    /// Some of its columns are changed.
    Update,
    /// It is removed.
    Delete,
}

impl WriteKind {
    /// `insert`, `update` or `delete`: name of its endpoint in logs, quotas and `system.endpoints`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// As SQL writes it.
    #[must_use]
    pub fn sql(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

impl Writes {
    /// The write of this kind, if there is one.
    #[must_use]
    pub fn get(&self, kind: WriteKind) -> Option<&Write> {
        match kind {
            WriteKind::Insert => self.insert.as_ref(),
            WriteKind::Update => self.update.as_ref(),
            WriteKind::Delete => self.delete.as_ref(),
        }
    }

    /// All that there are.
    pub fn iter(&self) -> impl Iterator<Item = (WriteKind, &Write)> {
        let kinds = [WriteKind::Insert, WriteKind::Update, WriteKind::Delete];
        kinds.into_iter().filter_map(|kind| Some((kind, self.get(kind)?)))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.insert.is_none() && self.update.is_none() && self.delete.is_none()
    }
}

/// One kind of write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Write {
    /// How one row is written by a request of its own; `None` where there is only [`Write::batch`].
    pub single: Option<Single>,
    /// How several rows are written by one request.
    pub batch: Option<Batch>,
    /// Columns that it writes, the key not among them unless an INSERT may choose it.
    pub columns: Vec<WriteColumn>,
    /// Which of the columns a request carries.
    pub sends: Sends,
    /// What is sent so that a row which somebody else has changed is refused.
    pub version: Option<Version>,
    /// Rows have no identity and cannot be read back, changed or removed (ingest of events): only INSERT.
    pub append_only: bool,
}

impl Write {
    /// Columns (indices into `columns`, the table's) whose values stand in a path, each once: of a row that is there they
    /// must be known before it is written, be they in the key or not.
    #[must_use]
    pub fn path_columns(&self, columns: &[Column]) -> Vec<usize> {
        let paths = [self.single.as_ref().map(|single| &single.path), self.batch.as_ref().map(|batch| &batch.path)];
        let stands = |name: &str| paths.iter().flatten().any(|path| path.contains(&format!("{{{name}}}")));
        (0..columns.len()).filter(|&column| stands(&columns[column].name)).collect()
    }

    /// Whether its requests name a partition by themselves, as [`crate::Endpoint::needs_partition`].
    #[must_use]
    pub fn needs_partition(&self) -> bool {
        let names = |text: &str| text.contains("{partition}");
        let in_constants = |constants: &[(Place, String)]| constants.iter().any(|(_, value)| names(value));
        let in_body = |template: &Option<Json>| template.as_ref().is_some_and(|body| names(&body.to_string()));
        let in_form = |body: &WriteBody| matches!(body, WriteBody::Json { template, .. } if in_body(template));
        let single = self
            .single
            .as_ref()
            .is_some_and(|single| names(&single.path) || in_constants(&single.constants) || in_form(&single.body));
        let batch = self.batch.as_ref().is_some_and(|batch| {
            let in_rows = match &batch.form {
                BatchForm::Rows { template, .. } | BatchForm::Keys { template, .. } => in_body(template),
                BatchForm::Same { body, .. } => in_form(body),
                BatchForm::ODataJson => false,
            };
            names(&batch.path) || in_constants(&batch.constants) || in_rows
        });
        single || batch
    }
}

/// A column as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WriteColumn {
    /// Index into the table's columns.
    pub column: usize,
    /// Where its value stands in one row of a request's body; unused for one that stands in the path.
    pub at: Path,
    /// Whether an INSERT must give it.
    pub required: bool,
    /// How NULL is written.
    pub null: NullForm,
}

/// How NULL is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum NullForm {
    /// As JSON's null.
    #[default]
    Null,
    /// As an empty text, as Stripe's forms do.
    Empty,
    /// It cannot be: the statement is refused before anything is sent.
    Refused,
}

/// Which columns a request for a row carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Sends {
    /// Those that the statement names: what is absent stays as it is.
    #[default]
    Changed,
    /// All that can be written, those that do not change with their old values: what is absent would be lost (PUT).
    Whole,
}

/// HTTP method of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum WriteMethod {
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

/// A request that writes one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Single {
    /// HTTP method.
    pub method: WriteMethod,
    /// Path relative to the base URL, percent-encoded, without a leading `/`. `{column}` (a SQL name) stands for the
    /// row's value, before the change.
    pub path: String,
    /// In OData the key's place in `path`, after the entity set: `None` for paths with `{column}`.
    pub odata_key: Option<crate::ODataVersion>,
    /// What is sent with every request: parameters, headers, members of the body. `{partition}` may stand in it.
    pub constants: Vec<(Place, String)>,
    /// Form of the body.
    pub body: WriteBody,
    /// Key under which the API does it only once.
    pub idempotency: Option<Idempotency>,
    /// How its answer is read.
    pub answer: Answer,
}

/// Form of a body that is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteBody {
    /// There is none.
    None,
    /// JSON: `template`, with the columns of the row below `at`.
    Json {
        /// The object that columns are written into; empty: the body itself.
        at: Path,
        /// What else stands in the body; `None` for nothing.
        template: Option<Json>,
    },
    /// `application/x-www-form-urlencoded`; steps of a path after the first stand in brackets: `address[city]`.
    Form,
}

/// A key under which an API does a write only once, however often the same request comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// Where it stands. [`Place::Body`] is within the row for [`Per::Row`], within the body for [`Per::Request`].
    pub place: Place,
    /// What it is a key of.
    pub per: Per,
    /// How long the API remembers it, in seconds from the first request.
    pub lifetime: u64,
    /// Whether it is written as a quoted string (draft-ietf-httpapi-idempotency-key-header).
    pub quoted: bool,
}

/// What an idempotency key is a key of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// The whole request: a repeat must have the same bytes.
    Request,
    /// One row, whatever request it comes in.
    Row,
}

/// What tells a row's version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Column that has it.
    pub column: usize,
    /// Where it is sent; `If-Match` as a header unless said otherwise (QuickBooks: `SyncToken` in the body).
    pub place: Place,
    /// Response header that has the new one after a write, such as `ETag`; the answer's row is looked at first.
    pub header: Option<String>,
}

/// How the answer to a write is read. A status of success (2xx) with nothing in [`Answer::failure`] is one; 202 without a
/// job means accepted for later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Answer {
    /// Where the row as it is now stands; `None` when it is not told.
    pub row: Option<Path>,
    /// A success whose body has something here is a refusal.
    pub failure: Vec<Path>,
    /// A success whose body has false here is a refusal.
    pub success: Vec<Path>,
    /// Where a refusal says why; looked for in the usual places when empty.
    pub message: Vec<Path>,
    /// Statuses that mean that there is no such row. 404 and 410 when empty.
    pub absent: Vec<u16>,
    /// Statuses that mean that somebody else has changed the row. 412 when empty.
    pub stale: Vec<u16>,
    /// Statuses of 500 and above by which the API says that it did nothing, such as 503. Others leave it open.
    pub not_done: Vec<u16>,
}

/// A request that writes several rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Most rows in one request.
    pub max: usize,
    /// Most bytes of its body; `None` when nothing is known.
    pub max_bytes: Option<usize>,
    /// HTTP method.
    pub method: WriteMethod,
    /// Path. Rows go into one request only when the values of its `{column}`s are the same.
    pub path: String,
    /// What is sent with every request.
    pub constants: Vec<(Place, String)>,
    /// How rows stand in it.
    pub form: BatchForm,
    /// Key under which the API does it only once.
    pub idempotency: Option<Idempotency>,
    /// Whether all of it happens or nothing: a refusal then has changed no row.
    pub atomic: bool,
    /// How its answer tells what became of each row.
    pub answer: BatchAnswer,
    /// The answer names a job that does the work.
    pub job: Option<Job>,
}

/// How rows stand in the body of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchForm {
    /// An array of objects, each with the row's key and columns.
    Rows {
        /// The array; empty: the body itself.
        at: Path,
        /// What else stands in the body.
        template: Option<Json>,
        /// Where the key's columns stand in an item; those of the path not among them.
        key: Vec<WriteColumn>,
    },
    /// An array of the values of one column, for removing rows.
    Keys {
        /// The array; empty: the body itself.
        at: Path,
        /// What else stands in the body.
        template: Option<Json>,
        /// The key's column.
        column: usize,
    },
    /// One set of values for all rows with these keys: a write by query. Rows go into one request only when all that is
    /// written is the same. The API itself must change no more than these.
    Same {
        /// Column of the key.
        column: usize,
        /// Where the keys stand.
        place: Place,
        /// How they are put together.
        list: ListForm,
        /// Where the most rows that may be changed stand.
        limit: Option<Place>,
        /// Form of the body.
        body: WriteBody,
    },
    /// OData's JSON batch (OData JSON Format 4.01, 19): the single requests in an array, each for itself.
    ODataJson,
}

/// How the answer to a batch tells what became of each row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchAnswer {
    /// The status says it for all; [`Answer`] is read as for one row.
    Whole {
        /// Failures inside a success.
        answer: Answer,
        /// Number of rows that were changed; one that is not the number of rows sent leaves open which they were.
        affected: Option<Path>,
    },
    /// Lists of rows.
    Items {
        /// The lists.
        lists: Vec<ItemList>,
        /// Which row an item speaks of.
        matching: Matching,
        /// How an item of a list of [`ListOf::Any`] says that it was done.
        done: ItemDone,
        /// Where an item says why it was refused.
        message: Vec<Path>,
        /// Where an item has the row as it is now; empty: the item itself. `None` when it is not told.
        row: Option<Path>,
        /// What became of rows that no list speaks of.
        unlisted: Unlisted,
    },
    /// OData's JSON batch: a status for each request, by its id.
    ODataJson {
        /// How each answer is read.
        answer: Answer,
    },
}

/// A list of rows in the answer to a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemList {
    /// Where it stands; empty: the body itself.
    pub at: Path,
    /// What its items mean.
    pub of: ListOf,
}

/// What the items of a list mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListOf {
    /// [`ItemDone`] says.
    Any,
    /// Rows that were done.
    Done,
    /// Rows that were refused.
    Failed,
}

/// Which row an item of an answer speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matching {
    /// The one at the same place of the request. There must be as many items as rows.
    Order,
    /// The one with this key. Of the paths the first that is there; an array means several rows.
    Key {
        /// Where the item has it.
        at: Vec<Path>,
        /// The key's column.
        column: usize,
    },
    /// The one that was sent with this text of ours.
    Trace {
        /// Where it is sent, in the row.
        sent: Path,
        /// Where the item has it; an array means several rows.
        at: Vec<Path>,
    },
}

/// How an item says that it was done. All that is said must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct ItemDone {
    /// An HTTP status, 2xx if done.
    pub status: Option<Path>,
    /// True if done.
    pub success: Option<Path>,
    /// Nothing here if done.
    pub failure: Vec<Path>,
}

/// What became of rows that an answer does not speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Unlisted {
    /// It is not known.
    #[default]
    Unknown,
    /// They were done.
    Done,
    /// They were refused.
    Failed,
}

/// Work that is done after the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Where the answer has the URL to ask, or the id that `path` takes as `{job}`.
    pub at: Path,
    /// Path to ask; `None` when `at` has the URL.
    pub path: Option<String>,
    /// Where its state stands.
    pub state: Path,
    /// States in which it is done; its document is then read as the batch's answer.
    pub done: Vec<String>,
    /// States in which nothing was done.
    pub failed: Vec<String>,
    /// Seconds between two looks.
    pub interval: u64,
    /// Most looks; then the rows are unknown.
    pub max_polls: u32,
}
