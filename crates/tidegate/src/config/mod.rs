//! `tidegate.toml`: connections that last.
//!
//! A file that was given by name, or stands in the user's own configuration folder, is used as it is. One that
//! is merely found in a folder above the current one is used only after the user has trusted it with its
//! present content: a stranger's file could send any environment variable to any host.

mod file;
mod find;
mod members;

pub use file::Config;
pub use find::{Found, find, trust, user_config_dir};
