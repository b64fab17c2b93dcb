//! Joins with a remote table whose rows are asked for by the keys of the other side.
//!
//! [`LookupJoins`] puts a [`LookupJoinExec`] where a hash join reads a remote table. When it runs it reads the other, the
//! driving side, takes its distinct keys, and then decides by calls: the remote table is asked for those keys, or read
//! whole. A table that cannot be read without filters is always asked for the keys. The joining itself is DataFusion's
//! hash join over the two, which compares all keys again: an API whose equality is wider costs rows and no correctness.
//!
//! Relies on `scan` for what is asked of the table. Nothing here sends a request while a query is planned.

mod driver;
mod exec;
mod found;
mod held;
mod join;
mod keys;
mod metrics;
mod one_value;
mod predict;
mod rule;
mod run;
mod side;

pub(crate) use exec::LookupJoinExec;
pub(crate) use one_value::OneValueByKey;
pub(crate) use rule::LookupJoins;
