//! Local files as tables: `FROM 'x.parquet'`, csv, json, folders and globs.
//!
//! Only files on this machine: a URL is refused, since reading it would be a call that nothing counts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::listing::{ListingTable, ListingTableConfig, ListingTableConfigExt, ListingTableUrl};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;

use crate::{Error, ErrorKind, Result};

/// The file as a table, with the schema that its content has.
///
/// # Errors
/// A URL, a file that is not there, one of an unknown kind, or one that cannot be read.
pub(crate) async fn file_table(state: &SessionState, working_dir: &Path, path: &str) -> Result<Arc<dyn TableProvider>> {
    let full = local_path(working_dir, path)?;
    let is_glob = path.contains(['*', '?', '[']);
    if !is_glob && !full.exists() {
        return Err(Error::new(ErrorKind::Local, format!("there is no file {}", full.display())));
    }
    let context = |error: DataFusionError| {
        let error = Error::from(error);
        Error::new(ErrorKind::Local, format!("{path} cannot be read as a table: {error}")).with_source(error)
    };
    let url = ListingTableUrl::parse(full.to_string_lossy()).map_err(context)?;
    let config = ListingTableConfig::new(url).infer_options(state).await.map_err(|error| no_format(path, error))?;
    let config = config.infer_partitions_from_path(state).await.map_err(context)?;
    let config = config.infer_schema(state).await.map_err(context)?;
    Ok(Arc::new(ListingTable::try_new(config).map_err(context)?))
}

/// The path in the file system that a path in a statement means.
///
/// # Errors
/// A URL.
pub(crate) fn local_path(working_dir: &Path, path: &str) -> Result<PathBuf> {
    if path.contains("://") && !path.starts_with("file://") {
        let message = format!("{path}: only local files can be read and written; make a connection for an API");
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    Ok(working_dir.join(path.strip_prefix("file://").unwrap_or(path)))
}

/// The path of a file to be written. What writes it would make missing folders, so that a mistyped path would do so.
///
/// # Errors
/// A URL, a folder that is not there, and a kind of file that is not known by the name (unless `is_kind_given`).
pub(crate) fn new_file(working_dir: &Path, path: &str, is_kind_given: bool) -> Result<PathBuf> {
    const KINDS: &[&str] = &["parquet", "csv", "json", "arrow"];
    let full = local_path(working_dir, path)?;
    if let Some(folder) = full.parent()
        && !folder.is_dir()
    {
        return Err(Error::new(ErrorKind::Local, format!("{path}: there is no folder {}", folder.display())));
    }
    let extension = full.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if is_kind_given || KINDS.contains(&extension) {
        return Ok(full);
    }
    let message =
        format!("{path}: the kind of file is not known by its name; .parquet, .csv, .json and .arrow can be written");
    Err(Error::new(ErrorKind::Local, message))
}

fn no_format(path: &str, error: DataFusionError) -> Error {
    let message = match &error {
        DataFusionError::Internal(_) => format!("{path}: no file matches"),
        DataFusionError::Configuration(_) => {
            format!("{path}: the kind of file is not known by its name; .parquet, .csv, .json and .arrow are read")
        }
        _ => format!("{path} cannot be read as a table: {}", Error::new(ErrorKind::Local, error.message())),
    };
    Error::new(ErrorKind::Local, message).with_source(error)
}
