//! Names to tables: connections, what their APIs say of themselves, local tables and files.
//!
//! Resolving names is the only thing that may call an API before a statement is executed. It is done for the
//! connections that a statement names, before DataFusion plans it: the providers here then answer from memory.

mod files;
mod manifests;
mod models;
mod nearest;
mod providers;
mod references;

pub(crate) use files::{file_table, local_path, new_file};
pub(crate) use models::{Known, Models};
pub(crate) use nearest::nearest;
pub(crate) use providers::{Definition, MainSchema, SessionCatalog};
pub(crate) use references::{Target, rewrite_files, target};

use crate::{Error, ErrorKind, Result};

/// The one catalog of a session.
pub(crate) const CATALOG: &str = "tidegate";
/// Schema of local tables, views and files.
pub(crate) const MAIN: &str = "main";
/// Schema of system tables.
pub(crate) const SYSTEM: &str = "system";
/// Schema of the standard's tables about tables.
pub(crate) const INFORMATION_SCHEMA: &str = "information_schema";

/// Names that no connection may have: schemas of Tidegate's own, and the alias of one in Invantive's notation.
const RESERVED: &[&str] = &[MAIN, SYSTEM, INFORMATION_SCHEMA, CATALOG, "datadictionary"];

/// Refuses names that a new connection cannot have.
///
/// # Errors
/// An empty or reserved name, or one that is taken.
pub(crate) fn check_new_name(name: &str, is_taken: bool) -> Result<()> {
    let problem = if name.is_empty() {
        "a connection needs a name".to_owned()
    } else if RESERVED.contains(&name) {
        format!("{name} is a reserved name; choose another for the connection")
    } else if name.contains('@') {
        format!("{name}: the name of a connection cannot contain @")
    } else if is_taken {
        format!("there is a connection {name} already; drop it first, or write CREATE OR REPLACE CONNECTION")
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Connection, problem))
}
