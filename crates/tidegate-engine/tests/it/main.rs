//! Integration tests of the engine: one binary, a module per feature.

mod commands;
mod explain;
mod honesty;
mod local;
mod manifest;
mod metadata;
mod names;
mod queries;
mod read_only;
mod record;
mod scan;
mod script;
mod sim;
mod system;
