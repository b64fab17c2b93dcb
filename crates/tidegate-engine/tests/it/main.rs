//! Integration tests of the engine: one binary, a module per feature.

mod commands;
mod explain;
mod local;
mod metadata;
mod names;
mod record;
mod scan;
mod script;
mod system;
