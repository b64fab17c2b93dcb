//! What an endpoint can do for a query: filter, sort, project, page and count.
//!
//! The rule behind all of it: what is not declared is not asked for. A filter may be pushed when the rows
//! that the API returns for it are at least those that SQL means ([`Exactness::Superset`]); only an
//! [`Exactness::Exact`] one needs no second look.

use serde::{Deserialize, Serialize};

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
    /// How filters, sort, projection and count are written; `None` when the endpoint takes no options at all.
    pub dialect: Option<Dialect>,
    /// Whether comparisons can be joined by OR.
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
}

/// What an endpoint evaluates on one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnFilter {
    /// Index into the table's columns.
    pub column: usize,
    /// Operators, each at most once, with how exactly it does them.
    pub operators: Vec<(Operator, Exactness)>,
}

/// Language in which filters, sort and projection are written into a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Dialect {
    /// OData system query options (`$filter`, `$select`, `$orderby`, `$top`, `$skip`, `$count`).
    OData(ODataVersion),
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

/// Whether rows carry only the columns asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Projection {
    /// Every row carries all columns.
    Whole,
    /// The dialect's own projection (`$select`).
    Select,
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
}
