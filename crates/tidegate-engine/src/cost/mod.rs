//! What a plan is expected to cost, in calls: for choosing among plans, for `EXPLAIN CALLS`, and for refusing or asking
//! before a statement runs.
//!
//! Pure arithmetic over what is known when a statement is planned. Nothing here sends a request.

mod costs;
mod estimate;
mod known;
mod operators;
mod pages;
mod predict;
mod quotas;
mod shape;
mod statistics;
mod tally;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use costs::{Costs, Until};
pub use estimate::Estimate;
pub(crate) use known::{Known, Rows, Seen, TableRows, is_list};
pub(crate) use operators::{FILTERED, joined};
pub(crate) use pages::Paged;
pub(crate) use predict::{Predict, predict};
pub use quotas::{QuotaUse, reason_to_confirm};
pub(crate) use quotas::{need, tightest, wait};
pub(crate) use statistics::{Knowledge, Statistics};
pub(crate) use tally::{Note, Notes};

use std::sync::Arc;

/// [`Ask::how`] of a change.
pub(crate) const WRITE: &str = "write";

/// What running a part of a plan is expected to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predicted {
    /// Rows that it returns.
    pub rows: Estimate,
    /// What it asks of APIs, in the order in which they are asked.
    pub asks: Vec<Ask>,
}

impl Predicted {
    /// Nothing is asked and nothing returned.
    #[must_use]
    pub const fn nothing() -> Self {
        Self { rows: Estimate::ZERO, asks: Vec::new() }
    }

    /// All calls together.
    #[must_use]
    pub fn calls(&self) -> Estimate {
        self.asks.iter().map(|ask| ask.calls).sum()
    }
}

/// What one operator asks of one table: a line of `EXPLAIN CALLS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Connection, as named in SQL.
    pub connection: Arc<str>,
    /// Table, as named in SQL.
    pub table: String,
    /// Endpoint of the table.
    pub endpoint: String,
    /// How it is asked: `scan`, `lookup`, `count`, `aggregate`, `detail` or `write`.
    pub how: &'static str,
    /// What it is asked for, as SQL; empty for everything.
    pub pushed: String,
    /// What is left to be evaluated here, as SQL; empty for nothing.
    pub residual: String,
    /// Codes of the partitions in which it is asked, each under its own quotas; empty where there are none.
    pub partitions: Vec<Arc<str>>,
    /// Calls, over all partitions.
    pub calls: Estimate,
    /// Rows that are sent for them.
    pub rows: Estimate,
    /// What the numbers rest on.
    pub basis: Basis,
    /// What would make it cheaper, one sentence each.
    pub advice: Vec<String>,
}

/// What an expected number rests on, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// It follows from the request.
    Exact,
    /// A total that the API told.
    Total,
    /// Rows that an earlier scan returned.
    Scan,
    /// A share of what is known by one of these of more rows.
    Share,
    /// Nothing is known: a default.
    Default,
}

impl Basis {
    /// As it is shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Total => "total told by the API",
            Self::Scan => "earlier scan",
            Self::Share => "share of known rows",
            Self::Default => "default",
        }
    }
}
