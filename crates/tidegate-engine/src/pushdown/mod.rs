//! SQL expressions to the predicates that an API may be asked for.
//!
//! Relies on `tidegate_remote::Predicate` being positive: negation is carried down to the leaves here, where
//! three-valued logic stays right. A conversion may be weaker than the expression, never stronger: every row
//! for which the expression is TRUE satisfies the predicate, and [`Pushed::whole`] says whether the reverse
//! holds too. What an endpoint can do of it is not decided here but by `tidegate_remote::pushdown`.

mod condition;
mod convert;
mod display;
mod key;
mod like;
mod literal;
mod sql;

pub(crate) use condition::in_list;
pub use convert::{Pushed, convert};
pub use display::describe;
pub(crate) use key::{KeyValue, keeps_values, key_value};
pub use sql::sql_text;

#[cfg(test)]
mod tests;
