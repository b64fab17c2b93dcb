//! Integration tests of the engine: one binary, a module per feature.

mod calls;
mod commands;
mod details;
mod explain;
mod honesty;
mod local;
mod lookup;
mod manifest;
mod metadata;
mod metered;
mod mutate;
mod names;
mod partitions;
mod queries;
mod quotas;
mod read_only;
mod record;
mod scan;
mod script;
mod sim;
mod system;
