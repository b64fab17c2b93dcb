//! What an endpoint does for GROUP BY: which groups it makes of its rows, and what it computes over each.
//!
//! As with filters, what is not declared is not asked for. A group of the API may be a part of one of SQL's: groups are
//! put together again where they arrive. It must never hold rows of two, so that text is grouped by an API only where
//! it compares by code point.

use serde::{Deserialize, Serialize};

use crate::capability::{Paging, Place};
use crate::model::Path;

/// Groups that an endpoint returns in place of its rows, under the filters that it declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aggregation {
    /// How groups are asked for.
    pub language: AggregateLanguage,
    /// Columns by which it groups, each value apart from every other (indices into the table's columns).
    pub groups: Vec<usize>,
    /// What it computes over each group, exactly.
    pub values: Vec<Aggregate>,
    /// Whether it may be asked for the groups of some rows only: the filters are applied before.
    pub filters: bool,
}

impl Aggregation {
    /// Whether it computes this over a group.
    #[must_use]
    pub fn computes(&self, aggregate: Aggregate) -> bool {
        self.values.contains(&aggregate)
    }
}

/// A value of each group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// Number of its rows.
    Count,
    /// Sum of a column's values; NULL is left out. What it is where all are NULL is not relied on.
    Sum(usize),
    /// The least value of a column in SQL's order; NULL where all are NULL.
    Min(usize),
    /// The greatest value of a column in SQL's order; NULL where all are NULL.
    Max(usize),
}

impl Aggregate {
    /// The column that it reads (index into the table's columns).
    #[must_use]
    pub fn column(self) -> Option<usize> {
        match self {
            Self::Count => None,
            Self::Sum(column) | Self::Min(column) | Self::Max(column) => Some(column),
        }
    }

    /// Its function, as SQL and OData name it.
    #[must_use]
    pub fn function(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum(_) => "sum",
            Self::Min(_) => "min",
            Self::Max(_) => "max",
        }
    }
}

/// How groups are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AggregateLanguage {
    /// `$apply` (OData Extension for Data Aggregation 4.0), at the endpoint's own path.
    Apply,
    /// A request of its own.
    Form(Box<AggregateForm>),
}

/// A request for groups. It takes the endpoint's filters at their places, and is answered in one page unless it has
/// paging of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AggregateForm {
    /// Path relative to the connection's base URL, as [`crate::Endpoint::path`].
    pub path: String,
    /// The array of groups; or one object, where nothing is grouped by.
    pub rows: Vec<Path>,
    /// How the next page is asked for.
    pub paging: Paging,
    /// Where the columns that are grouped by are named; `None` when it takes none.
    pub groups_at: Option<NamesAt>,
    /// Where the values are named; `None` when it always returns all of them.
    pub values_at: Option<NamesAt>,
    /// How each column of [`Aggregation::groups`] is named.
    pub groups: Vec<(usize, Named)>,
    /// How each of [`Aggregation::values`] is named.
    pub values: Vec<(Aggregate, Named)>,
}

/// Where names stand in a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamesAt {
    /// The place.
    pub place: Place,
    /// Between two names.
    pub separator: String,
}

/// The names of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// In a request.
    pub ask: String,
    /// Where its value stands in a group.
    pub path: Path,
}
