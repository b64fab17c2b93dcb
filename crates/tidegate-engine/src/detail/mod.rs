//! Columns that take a call for each row: the operator that asks, and the rule that lets it ask late.
//!
//! [`DetailExec`] stands above the scan of its table and adds such columns to the rows. [`DetailsLast`] lifts it above
//! what needs them not (limits, sorts, filters, joins), so that a call is spent only on rows of the result. Nothing here
//! sends a request while a query is planned or explained.

mod ask;
mod division;
mod exec;
mod joins;
mod lifted;
mod operators;
mod predict;
mod rule;
mod stream;

pub(crate) use ask::Manner;
pub(crate) use division::Division;
pub(crate) use exec::DetailExec;
pub(crate) use rule::DetailsLast;
