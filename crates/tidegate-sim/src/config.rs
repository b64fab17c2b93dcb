//! What to simulate. Every field has a default; the same configuration gives the same answers.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Clock;
use crate::effect::EffectKind;
use crate::fault::{Fault, RandomFaults};
use crate::quota::{Cost, OtherClient, Quota, Throttled};

/// Kind of API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// OData 4.0 with JSON payloads: entity sets of a sales administration.
    #[default]
    ODataV4,
    /// The same data in OData 2.0 with verbose JSON (`d.results`, `d.__next`, `/Date(ms)/`).
    ODataV2,
    /// `GET /things?page=n&per_page=m` answers a JSON array; pages count from 1. `GET /feed?cursor=…&limit=m` has the same
    /// rows behind a cursor.
    Plain,
    /// Things to change, one by one and in batches of every kind, below `/api/`.
    Rest,
    /// Books, their loans and members, below `/api/`: pages with numbers, cursors and keysets.
    Library,
}

/// Who may call; anybody else gets 401.
#[derive(Debug, Clone, Default)]
pub enum Auth {
    /// Everybody.
    #[default]
    None,
    /// HTTP Basic.
    Basic {
        /// Name of the user.
        user: String,
        /// Password of the user.
        password: String,
    },
    /// `Authorization: Bearer <token>`.
    Bearer(String),
}

/// How next links are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NextLinks {
    /// With scheme and host.
    #[default]
    Absolute,
    /// Relative to the service root: `Accounts?$skiptoken=…`.
    Relative,
    /// From the root of the host: `/odata/v4/Accounts?$skiptoken=…`.
    PathAbsolute,
}

/// How the service compares text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Collation {
    /// By code point.
    #[default]
    Binary,
    /// Case does not matter, nor do trailing blanks in comparisons (as in SQL Server).
    /// `contains`, `startswith` and `endswith` fold case too, but keep blanks.
    CaseInsensitive,
}

impl Collation {
    /// Text as the search functions see it.
    pub(crate) fn fold(self, text: &str) -> Cow<'_, str> {
        match self {
            Collation::Binary => Cow::Borrowed(text),
            Collation::CaseInsensitive => Cow::Owned(text.to_lowercase()),
        }
    }

    pub(crate) fn compare(self, a: &str, b: &str) -> Ordering {
        match self {
            Collation::Binary => a.cmp(b),
            Collation::CaseInsensitive => {
                let plain = |s: &str| s.trim_end_matches(' ').to_lowercase();
                plain(a).cmp(&plain(b))
            }
        }
    }
}

/// Something a service may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// `$filter`.
    Filter,
    /// `$select`.
    Select,
    /// `$orderby`.
    OrderBy,
    /// `$top`.
    Top,
    /// `$skip`.
    Skip,
    /// `$count=true` (V2: `$inlinecount`) and `/$count`.
    Count,
    /// `ne` in a filter.
    Ne,
    /// `not` in a filter.
    Not,
    /// `or` in a filter.
    Or,
    /// `in` in a filter.
    In,
    /// Function calls in a filter.
    Functions,
    /// The literal `null` in a filter.
    Null,
}

/// Whether rows have ETags. They are obeyed in `If-Match` wherever rows have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ETags {
    /// They have none.
    #[default]
    None,
    /// They have, and `$metadata` does not say so.
    Undeclared,
    /// `$metadata` says so: `Core.OptimisticConcurrency` (V4), `ConcurrencyMode="Fixed"` (V2).
    Declared,
}

/// Whether the service groups and aggregates (`$apply`: filter, groupby, aggregate). V4 alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Apply {
    /// It does not: 501.
    #[default]
    None,
    /// It does, and `$metadata` does not say so.
    Undeclared,
    /// `$metadata` says so of every set: `Aggregation.ApplySupported`.
    Declared,
}

/// How long answers to GET stay fresh, and how a client asks whether one is still the same.
#[derive(Debug, Clone, Default)]
pub struct Caching {
    /// A strong `ETag` of each body, where the answer has none of its own. `If-None-Match` is obeyed.
    pub etag: bool,
    /// `Last-Modified`: when the division was last written to, or else when the server was started.
    /// `If-Modified-Since` is obeyed.
    pub last_modified: bool,
    /// `Cache-Control`, such as `private, max-age=60` or `no-store`.
    pub control: Option<String>,
    /// An answer with 304 takes nothing out of the quotas.
    pub free_304: bool,
}

impl Caching {
    pub(crate) fn is_on(&self) -> bool {
        self.etag || self.last_modified || self.control.is_some()
    }
}

/// A value that the service does not take: a business rule of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Unwanted {
    /// Entity set or collection.
    pub table: String,
    /// Column, as the API names it.
    pub column: String,
    /// The value, as JSON.
    pub value: serde_json::Value,
    /// Status of the refusal, such as 400 or 422.
    pub status: u16,
}

/// Settings of the two OData shapes.
#[derive(Debug, Clone)]
pub struct ODataOptions {
    /// Form of next links.
    pub next_links: NextLinks,
    /// Comparison of text in `$filter` and `$orderby`.
    pub collation: Collation,
    /// V4: write Int64 and Decimal as strings even to a client that did not ask for
    /// `IEEE754Compatible=true`.
    pub numbers_as_strings: bool,
    /// What the service refuses to do.
    pub refuse: Vec<Capability>,
    /// Status of such a refusal: 501 or 400.
    pub refuse_status: u16,
    /// Query options that the service takes and silently does not obey. Only `Filter`, `Select`,
    /// `OrderBy`, `Top`, `Skip` and `Count` mean something here.
    pub ignore: Vec<Capability>,
    /// `$metadata` has an `ETag` and answers 304 to `If-None-Match`.
    pub metadata_etag: bool,
    /// Whether rows have ETags.
    pub etags: ETags,
    /// PATCH, PUT and DELETE without `If-Match` are refused with 428.
    pub needs_if_match: bool,
    /// Columns, as `Set.Column`, that the service fills in: declared as `Core.Computed` (V4), and refused in requests.
    pub computed: Vec<String>,
    /// Columns, as `Set.Column`, that only POST may give: declared as `Core.Immutable` (V4), and refused in others.
    pub immutable: Vec<String>,
    /// Writes that a set does not take: declared in its restrictions (V4), and refused with 405.
    pub forbidden: Vec<(String, EffectKind)>,
    /// V4: PATCH and PUT of a row that is not there make it, unless `If-Match` is sent (OData 4.0 Protocol, 11.4.4).
    pub upserts: bool,
    /// V4: most requests in one `$batch`; 0 where there is none.
    pub batch_max: usize,
    /// Whether there is `$apply`.
    pub apply: Apply,
    /// Most values in one list of `in`; beyond it the answer is 400. Zero means no limit.
    pub in_max: usize,
}

impl Default for ODataOptions {
    fn default() -> Self {
        Self {
            next_links: NextLinks::default(),
            collation: Collation::default(),
            numbers_as_strings: false,
            refuse: Vec::new(),
            refuse_status: 501,
            ignore: Vec::new(),
            metadata_etag: true,
            etags: ETags::None,
            needs_if_match: false,
            computed: Vec::new(),
            immutable: Vec::new(),
            forbidden: Vec::new(),
            upserts: false,
            batch_max: 100,
            apply: Apply::None,
            in_max: 0,
        }
    }
}

/// What plain pages answer past their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PastEnd {
    /// An empty array.
    #[default]
    Empty,
    /// 404.
    NotFound,
    /// The last page again, for ever.
    RepeatLast,
}

/// Settings of the plain shape. `Config::rows` and `Config::page_size` (the largest `per_page`,
/// and its default) apply too.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainOptions {
    /// Behaviour after the last page.
    pub past_end: PastEnd,
    /// Send `X-Total-Count` and `X-Total-Pages`.
    pub totals: bool,
    /// Fields of a thing: 12 at least, 999 at most.
    pub fields: usize,
    /// Each answer is made once and kept in memory, so that a client that is measured does not wait for its making.
    pub prepared: bool,
}

/// Settings of the `Rest` shape.
#[derive(Debug, Clone, Copy)]
pub struct RestOptions {
    /// How long an idempotency key is remembered, from the first request with it.
    pub key_lifetime: Duration,
    /// Most rows in one batch, and most ids in a list.
    pub batch_max: usize,
    /// How many looks at a job find it running.
    pub job_looks: u32,
    /// Whether equality of text disregards case.
    pub folds_case: bool,
}

impl Default for RestOptions {
    fn default() -> Self {
        Self { key_lifetime: Duration::from_secs(24 * 60 * 60), batch_max: 100, job_looks: 2, folds_case: false }
    }
}

/// The whole configuration of a simulated API.
#[derive(Debug, Clone)]
pub struct Config {
    /// Kind of API.
    pub shape: Shape,
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Decides all values and all random faults.
    pub seed: u64,
    /// Rows of `Accounts` (other sets follow from it), of the plain list, of the library's books, or of the items.
    pub rows: u64,
    /// Rows of single entity sets, by name.
    pub sizes: BTreeMap<String, u64>,
    /// Largest page the server sends. Zero means no limit.
    pub page_size: usize,
    /// Time every answer takes, at least. Quotas count a call when it arrives, before this time.
    pub latency: Duration,
    /// Time that is added to it, from none to this much, by `seed` and the number of the request.
    pub jitter: Duration,
    /// Number of divisions. If not zero, the service roots are `/api/v1/1/`, `/api/v1/2/` …, each
    /// with its own rows and quotas.
    pub divisions: u32,
    /// Quotas; a call comes out of all of them.
    pub quotas: Vec<Quota>,
    /// What calls cost where points are counted.
    pub cost: Cost,
    /// What the answer to a call looks like that a quota refuses.
    pub throttled: Throttled,
    /// Whether that answer carries `Retry-After`, in seconds rounded up. None is sent where the wait is not known.
    pub quota_retry_after: bool,
    /// Other clients that spend the same quotas.
    pub others: Vec<OtherClient>,
    /// Who may call.
    pub auth: Auth,
    /// Longest request target in bytes; beyond it the answer is 414.
    pub max_url: usize,
    /// Time as the quotas see it.
    pub clock: Clock,
    /// Scripted faults.
    pub faults: Vec<Fault>,
    /// Faults that strike at random, decided by `seed` and the number of the request.
    pub random_faults: Option<RandomFaults>,
    /// Values that writes may not have.
    pub unwanted: Vec<Unwanted>,
    /// How answers to GET may be kept by a client.
    pub caching: Caching,
    /// Bodies are compressed for clients that take gzip (RFC 9110, 12.5.3).
    pub gzip: bool,
    /// Settings of the OData shapes.
    pub odata: ODataOptions,
    /// Settings of the plain shape.
    pub plain: PlainOptions,
    /// Settings of the `Rest` shape.
    pub rest: RestOptions,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            shape: Shape::default(),
            port: 0,
            seed: 1,
            rows: 20_000,
            sizes: BTreeMap::new(),
            page_size: 1_000,
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            divisions: 0,
            quotas: Vec::new(),
            cost: Cost::default(),
            throttled: Throttled::default(),
            quota_retry_after: false,
            others: Vec::new(),
            auth: Auth::None,
            max_url: 16 * 1024,
            clock: Clock::System,
            faults: Vec::new(),
            random_faults: None,
            unwanted: Vec::new(),
            caching: Caching::default(),
            gzip: false,
            odata: ODataOptions::default(),
            plain: PlainOptions::default(),
            rest: RestOptions::default(),
        }
    }
}
