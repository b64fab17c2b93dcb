//! Splits a predicate into what an endpoint evaluates and what is left to do.
//!
//! Predicates are positive (no NOT node), so a leaf may be replaced by one that lets more rows pass, and a
//! member of an AND may be left out: the whole then lets more rows pass, never fewer. All of this module is
//! such replacement. It sends nothing and looks at nothing but the declaration.
//!
//! [`pusher`] decides leaf by leaf, [`fit`] about the values, [`places`] about filters that want the same place,
//! [`budget`] about the length of the URL, [`alternatives`] about filters without which the endpoint cannot be
//! asked. Whether a value can be written at all is asked of [`crate::render`].
//!
//! SQL here sorts NaN above all numbers, and services keep none: a column of floats that has one all the same loses
//! its row to a pushed `>` or `>=`, in every language.

mod alternatives;
mod budget;
mod fit;
mod places;
mod pusher;

use tidegate_spec::Table;

use crate::Predicate;
use pusher::Pusher;

pub(crate) use places::constrains;

pub use alternatives::{Alternative, CannotAsk, MAX_ALTERNATIVES, MissingFilter, alternatives, fewest_alternatives};

/// What of a filter an endpoint is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct PushedFilter {
    /// The part that is sent; `None` when nothing of it can be.
    pub predicate: Option<Predicate>,
    /// Whether the API then returns exactly the rows for which the whole filter is true. Otherwise the rows
    /// are at least those, and the filter has to be evaluated again.
    pub exact: bool,
}

impl PushedFilter {
    /// Nothing is sent; the filter is evaluated again.
    const NOTHING: Self = Self { predicate: None, exact: false };

    fn new(predicate: Predicate, exact: bool) -> Self {
        Self { predicate: Some(predicate), exact }
    }
}

/// The strongest predicate that the endpoint declares and that lets every row pass for which `filter` is true.
///
/// A value that the column cannot hold, that services read differently, or that cannot be written where it has to
/// stand is widened or not pushed: more digits than a decimal's scale, fractions of a millisecond, text with control
/// characters. Of two filters for one place the first is sent. Parts that would make the URL longer than
/// [`tidegate_spec::Endpoint::max_url_length`], or more than the endpoint's language takes, are left out, the longest
/// first; those that the endpoint requires never are.
#[must_use]
pub fn push_filter(table: &Table, endpoint: usize, filter: &Predicate) -> PushedFilter {
    let Some(endpoint) = table.endpoints.get(endpoint) else { return PushedFilter::NOTHING };
    let pushed = Pusher::new(table, &endpoint.filters).push(filter);
    budget::keep_within(table, endpoint, places::settle(endpoint, pushed))
}

#[cfg(test)]
mod tests;
