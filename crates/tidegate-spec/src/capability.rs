//! What an endpoint can do for a query: filter, sort, project, page and count.
//!
//! The rule behind all of it: what is not declared is not asked for. A filter may be pushed when the rows
//! that the API returns for it are at least those that SQL means ([`Exactness::Superset`]); only an
//! [`Exactness::Exact`] one needs no second look.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::model::Path;

/// How the rows that the API returns for a filter relate to those for which SQL's predicate is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exactness {
    /// All of them and perhaps more (case folded, trailing blanks ignored): rechecked locally.
    Superset,
    /// The same rows.
    Exact,
}

/// Comparison that an endpoint may evaluate on a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// `=`
    Eq,
    /// `<>`; also what `NOT IN` expands to.
    NotEq,
    /// `<`
    Lt,
    /// `<=`
    LtEq,
    /// `>`
    Gt,
    /// `>=`
    GtEq,
    /// `IN (…)`
    In,
    /// `LIKE 'x%'`
    StartsWith,
    /// `LIKE '%x'`
    EndsWith,
    /// `LIKE '%x%'`
    Contains,
    /// `NOT LIKE` in one of the three forms above.
    NotLike,
    /// `IS NULL`
    IsNull,
    /// `IS NOT NULL`
    IsNotNull,
}

impl Operator {
    /// As it is written in SQL, for EXPLAIN and `system.columns`.
    #[must_use]
    pub fn sql(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::NotEq => "<>",
            Self::Lt => "<",
            Self::LtEq => "<=",
            Self::Gt => ">",
            Self::GtEq => ">=",
            Self::In => "IN",
            Self::StartsWith => "LIKE 'x%'",
            Self::EndsWith => "LIKE '%x'",
            Self::Contains => "LIKE '%x%'",
            Self::NotLike => "NOT LIKE",
            Self::IsNull => "IS NULL",
            Self::IsNotNull => "IS NOT NULL",
        }
    }
}

/// Filters of one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Filters {
    /// Language of the filters that have no form of their own, and of sort, projection and count where these are
    /// said in it; `None` when the endpoint has no such language.
    pub dialect: Option<Dialect>,
    /// Filters that are written at a place of their own. A place takes one filter, and only one that must hold for
    /// every row: no member of an OR.
    pub forms: Vec<FilterForm>,
    /// Whether comparisons in the dialect can be joined by OR.
    pub or: bool,
    /// Per column what it evaluates; a column or operator that is absent is not pushed.
    pub columns: Vec<ColumnFilter>,
}

impl Filters {
    /// What the endpoint does for this operator on this column (index into the table's columns).
    #[must_use]
    pub fn exactness(&self, column: usize, operator: Operator) -> Option<Exactness> {
        self.column(column)?.operators.iter().find(|(op, _)| *op == operator).map(|(_, exactness)| *exactness)
    }

    /// The entry of this column.
    #[must_use]
    pub fn column(&self, column: usize) -> Option<&ColumnFilter> {
        self.columns.iter().find(|entry| entry.column == column)
    }

    /// How this filter is written, if it has a place of its own.
    #[must_use]
    pub fn form(&self, column: usize, operator: Operator) -> Option<&FilterForm> {
        self.forms.iter().find(|form| form.column == column && form.operator == operator)
    }

    /// Columns without a filter on which the endpoint cannot be asked.
    pub fn required(&self) -> impl Iterator<Item = &ColumnFilter> {
        self.columns.iter().filter(|entry| entry.required)
    }
}

/// What an endpoint evaluates on one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnFilter {
    /// Index into the table's columns.
    pub column: usize,
    /// Operators, each at most once, with how exactly it does them.
    pub operators: Vec<(Operator, Exactness)>,
    /// Whether a request must have one of them.
    pub required: bool,
}

/// A filter with a place of its own: a plain parameter, a part of the path, a member of the body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FilterForm {
    /// Index into the table's columns.
    pub column: usize,
    /// The comparison that it stands for.
    pub operator: Operator,
    /// Where its value is written.
    pub place: Place,
    /// How its value is written.
    pub value: ValueForm,
    /// How the values of an IN are written; read for [`Operator::In`] alone.
    pub list: ListForm,
}

/// Where a value stands in a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In place of `{name}` in the endpoint's path; percent-encoded as one segment.
    Path(String),
    /// Query parameter of this name.
    Query(String),
    /// Header of this name.
    Header(String),
    /// Member of the JSON body, one object member (or array index, in digits) a step. What is missing on the way
    /// is made.
    Body(Path),
}

/// How a value is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct ValueForm {
    /// Text before the value, such as `>=`.
    pub before: String,
    /// Text after the value.
    pub after: String,
    /// SQL's text of each value that the API knows, and the API's; a value that is not listed is not pushed.
    /// `None` takes any value.
    pub known: Option<Vec<(String, String)>>,
    /// How a point in time is written, where that is not as the column's own values are.
    pub time: Option<TimeForm>,
}

/// How a point in time is written in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeForm {
    /// `2024-05-31T23:59:59Z`: whole seconds.
    Seconds,
    /// `2024-05-31T23:59:59.999Z`.
    Millis,
    /// `2024-05-31`: whole days of UTC.
    Date,
    /// Whole seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMillis,
}

/// How the values of an IN are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListForm {
    /// How they are put together.
    pub style: ListStyle,
    /// Most values in one request; more are asked for in several.
    pub max: usize,
}

/// Most values of an IN where nothing else is declared.
pub const DEFAULT_LIST_MAX: usize = 100;

impl Default for ListForm {
    fn default() -> Self {
        Self { style: ListStyle::Joined(",".to_owned()), max: DEFAULT_LIST_MAX }
    }
}

/// How several values are put together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListStyle {
    /// With this text between them; a value that contains it is not pushed.
    Joined(String),
    /// The parameter once for each value.
    Repeated,
    /// A JSON array, in a body.
    Array,
}

/// Language in which filters, sort and projection are written into a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Dialect {
    /// OData system query options (`$filter`, `$select`, `$orderby`, `$top`, `$skip`, `$count`).
    OData(ODataVersion),
    /// One text of terms, such as `is:issue state:open` or `Status == "PAID" AND Total > 5`.
    Text(Box<TextDialect>),
    /// A JSON array with an item for each filter, all of which must hold.
    Items(Box<ItemDialect>),
}

impl Dialect {
    /// As `system.endpoints` shows it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::OData(version) => format!("odata({})", format!("{version:?}").to_lowercase()),
            Self::Text(_) => "text".to_owned(),
            Self::Items(_) => "items".to_owned(),
        }
    }
}

/// Filters as one text of terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextDialect {
    /// Where the text stands.
    pub place: Place,
    /// Term that is always there.
    pub constant: Option<String>,
    /// Between terms that must all hold.
    pub and: String,
    /// Between terms of which one must hold; `None` when the language has no OR.
    pub or: Option<String>,
    /// Around terms that are joined by OR, such as `(` and `)`.
    pub group: (String, String),
    /// Around a text value.
    pub quote: String,
    /// What is put before a quote or backslash within a text value; `None` when such values cannot be written.
    pub escape: Option<String>,
    /// A term for each comparison.
    pub terms: Vec<TextTerm>,
    /// Most terms in one request.
    pub max_terms: Option<usize>,
}

/// How one comparison is written as a term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextTerm {
    /// Index into the table's columns.
    pub column: usize,
    /// The comparison that it stands for.
    pub operator: Operator,
    /// How its value is written; `before` and `after` hold the rest of the term.
    pub value: ValueForm,
    /// How the values of an IN are written.
    pub list: ListForm,
    /// Whether a text value is quoted.
    pub quoted: bool,
}

/// Filters as items of a JSON array in the body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemDialect {
    /// The array, one object member (or array index, in digits) a step. What is missing on the way is made.
    pub at: Path,
    /// An item for each comparison.
    pub items: Vec<ItemForm>,
    /// Most items in one request.
    pub max_items: Option<usize>,
}

/// How one comparison is written as an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemForm {
    /// Index into the table's columns.
    pub column: usize,
    /// The comparison that it stands for.
    pub operator: Operator,
    /// The item; a text that is just `{value}` stands for the value, `{values}` for the array of an IN's values.
    pub item: Json,
    /// How its value is written.
    pub value: ValueForm,
    /// How many values an IN may have; [`ListStyle::Repeated`] has an item for each of them, which are then alternatives.
    pub list: ListForm,
}

/// Version of the OData protocol: literals, functions and envelopes differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ODataVersion {
    /// 1.0 and 2.0: `d.results`, `__next`, `substringof`, `datetime'…'`, `$inlinecount`.
    V2,
    /// 3.0: JSON light (`value`, `odata.nextLink`), otherwise as V2.
    V3,
    /// 4.0.
    V4,
    /// 4.01: adds `in`.
    V401,
}

/// Where the API puts NULL when it sorts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NullOrder {
    /// Below every value: first ascending, last descending (OData 4.01 part 2, 5.1.5 `$orderby`).
    Lowest,
    /// Above every value: last ascending, first descending.
    Highest,
}

/// A column by which an endpoint sorts in exactly the order of its SQL type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortColumn {
    /// Index into the table's columns.
    pub column: usize,
    /// Where NULL stands.
    pub nulls: NullOrder,
}

/// How an order is asked for, where the dialect has no words for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sorting {
    /// Where the column is named.
    pub place: Place,
    /// Where the direction is said; `None` when it is said with the column.
    pub direction: Option<Place>,
    /// Ascending, with `{column}` for the column's name where it is said with it: `asc`, `{column}`, `{column}:asc`.
    pub ascending: String,
    /// Descending, likewise: `desc`, `-{column}`.
    pub descending: String,
    /// Between several columns; `None` when it sorts by one.
    pub separator: Option<String>,
    /// The API's name of each column of [`crate::Endpoint::sort`].
    pub names: Vec<(usize, String)>,
}

/// Whether rows carry only the columns asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Projection {
    /// Every row carries all columns.
    Whole,
    /// The dialect's own projection (`$select`).
    Select,
    /// The first step of each column's path, in a list.
    Fields {
        /// Where the list stands.
        place: Place,
        /// How it is written.
        style: ListStyle,
    },
}

/// How the next page is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Paging {
    /// One response has everything.
    Single,
    /// The response names the URL of the next page ([`crate::Envelope::next`]), absolute or relative to the
    /// URL of the response; a page without one is the last.
    NextUrl,
    /// The response names the URL of the next page in a `Link` header with `rel="next"` (RFC 8288).
    LinkHeader,
    /// Pages have numbers.
    Page {
        /// Where the number is written.
        place: Place,
        /// Number of the first page.
        first: u64,
        /// What tells the last page.
        end: End,
    },
    /// The number of rows to leave out at the front.
    Offset {
        /// Where the number is written; it is left out of the first request.
        place: Place,
        /// What tells the last page.
        end: End,
    },
    /// The response has a token for the next page in [`crate::Envelope::next`] or in a header. A page whose token is
    /// missing, null or empty is the last, and one whose [`crate::Envelope::more`] says false.
    Cursor {
        /// Where the token is written; it is left out of the first request.
        place: Place,
        /// The header that has the token; `None` when the body has it.
        header: Option<String>,
        /// Texts that stand for no token, such as `null`.
        none: Vec<String>,
    },
    /// The next page begins after the last row of this one. The last page is that whose [`crate::Envelope::more`] is
    /// false or, where nothing tells, what `end` says.
    Keyset {
        /// Where the last row's value is written; it is left out of the first request.
        place: Place,
        /// Column that has the value.
        column: usize,
        /// What tells the last page where the response does not.
        end: End,
    },
}

/// What tells that a page was the last, where the response does not say so itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct End {
    /// Whether a page with fewer rows than asked for is the last.
    pub short: ShortPage,
    /// What the server answers past the last page.
    pub past: PastEnd,
}

/// Whether a page with fewer rows than asked for is the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum ShortPage {
    /// If an earlier page was longer. A first page that is short proves nothing: the server may have cut the page size
    /// down in silence.
    #[default]
    Likely,
    /// Always: the API is known to keep to the page size asked for.
    Last,
    /// Never: only an empty page is.
    Open,
}

/// What the server answers past the last page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum PastEnd {
    /// A page without rows.
    #[default]
    Empty,
    /// Status 404, or 400 or 416 likewise.
    Refused,
    /// The last page again.
    Repeated,
}

/// How many rows a page has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageSize {
    /// Where the number is written; `None` when it cannot be chosen.
    pub place: Option<Place>,
    /// Most rows of a page: what is asked for by a full scan.
    pub max: u64,
}

/// A number of rows at which the API stops, however many match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ceiling {
    /// Rows.
    pub rows: u64,
    /// Column by which a scan goes on past it: the endpoint sorts by it and takes `>=` on it. `None`: the scan fails.
    pub slice_by: Option<usize>,
}

/// Whether the client may choose how many rows it gets, and from which on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Window {
    /// `$top` and `$skip`: the service must keep one order over all requests of a query
    /// (OData 4.0 part 1, 11.2.5.3 and 11.2.5.4).
    TopSkip,
}

/// How the number of matching rows is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Count {
    /// `$count=true&$top=0` (`$inlinecount=allpages` before V4), answered in [`crate::Envelope::count`].
    Inline,
    /// With every page, in [`crate::Envelope::count`] or [`crate::Envelope::count_header`]: a page of one row is asked
    /// for.
    Told,
}
