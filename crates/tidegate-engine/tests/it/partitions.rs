//! Connections with partitions: rows, and the requests that were sent for them.

mod aggregates;
mod bounds;
mod choosing;
mod described;
mod differential;
mod failing;
mod lists;
mod reading;
mod support;
