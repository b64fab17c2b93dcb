//! The simulated APIs over real connections, through a client of a few lines that hides nothing.

#![allow(clippy::unwrap_used, reason = "helpers of tests outside test functions may panic like tests")]

mod client;
mod faults;
mod library;
mod odata;
mod plain;
mod quotas;
mod reading;
mod rest;
mod writes;
