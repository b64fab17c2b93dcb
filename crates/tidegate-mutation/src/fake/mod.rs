//! An API of the tests' own that holds a table, breaks as it is told, and keeps a log of what it really did.

mod api;
mod faults;
mod tables;
mod watch;
mod world;

pub(crate) use api::{Api, Stored};
pub(crate) use faults::{Faults, Random};
pub(crate) use tables::{Style, table};
pub(crate) use world::{World, cells};
