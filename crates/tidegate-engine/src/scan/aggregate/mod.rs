//! Aggregates that an API computes, so that its rows need not be sent.
//!
//! ```text
//!   final aggregate (DataFusion's own)
//!     partial aggregate ──> ApiGroupsExec   one request for the groups, or a count for each partition
//!       scan                OneRowExec      count and top-1 requests, where nothing is grouped by
//! ```
//!
//! Only the partial half of an aggregate is replaced, by an operator that returns the same states: what comes from
//! several requests, partitions or parts of a union is put together by the half that DataFusion would use anyway, and
//! groups that an API tells apart while SQL does not become one there.
//!
//! [`shape`] reads a partial aggregate in terms of the table below it, [`rule`] chooses who computes it, [`single`] makes
//! the one row of an aggregate without groups, and [`states`] makes states of an answer. What an API would compute
//! inexactly is not asked for: rows that are filtered again here, sums of floats, groups of text that it folds, values
//! that are read as NULL where they are bad.

mod groups;
mod logical;
mod predict;
mod row;
mod rule;
mod shape;
mod single;
mod states;

pub use groups::ApiGroupsExec;
pub(crate) use row::OneRowExec;
pub(super) use rule::AggregateByApi;
