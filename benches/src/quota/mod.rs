//! The quota ledger in whole processes: what it costs beside others, and how much of a day's quotas it uses.

pub(crate) mod day;
pub(crate) mod ledger;
