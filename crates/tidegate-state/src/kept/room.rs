//! How much is kept in all, and how long. Callers hold the lock under which files are made and removed.
//!
//! When a file was last written to is the file system's word: no page in it was asked for later.

use std::fs;
use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::file::PageFile;
use super::{KEPT_FOR, SUFFIX};

/// A file of kept pages.
struct Found {
    path: PathBuf,
    bytes: u64,
    written_at: SystemTime,
}

/// Removes files whose pages cannot be taken any more, except `own`. What cannot be removed stays for the next time.
pub(super) fn expire(folder: &Path, own: &Path, now: SystemTime) {
    for found in all(folder) {
        let is_old = now.duration_since(found.written_at).is_ok_and(|age| age > KEPT_FOR);
        if is_old && found.path != own {
            remove_free(&found.path);
        }
    }
}

/// Removes files, those first that were written to longest ago, until `incoming` bytes fit under `total`. Files that a run
/// adds to stay, and so does `own`. Whether they fit.
pub(super) fn make(folder: &Path, own: &Path, incoming: u64, total: u64) -> bool {
    let mut files = all(folder);
    files.sort_by_key(|found| found.written_at);
    let mut bytes = files.iter().map(|found| found.bytes).sum::<u64>().saturating_add(incoming);
    for found in files {
        if bytes <= total {
            break;
        }
        if found.path != own && remove_free(&found.path) {
            bytes -= found.bytes;
        }
    }
    bytes <= total
}

/// Removes all files that nobody adds to; how many.
pub(super) fn clear(folder: &Path) -> Result<u64> {
    let mut cleared = 0;
    for found in all(folder) {
        if PageFile::lock(&found.path)?.is_some() {
            remove(&found.path)?;
            cleared += 1;
        }
    }
    Ok(cleared)
}

/// Removes a file; one that is not there is fine.
pub(super) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes a file unless a run adds to it; whether it is gone.
fn remove_free(path: &Path) -> bool {
    // The lock is given back before: nobody takes it meanwhile, and some systems delete no file that is open.
    matches!(PageFile::lock(path), Ok(Some(_))) && remove(path).is_ok()
}

fn all(folder: &Path) -> Vec<Found> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let found = entries.filter_map(|entry| {
        let path = entry.path();
        path.to_str()?.strip_suffix(SUFFIX)?;
        let metadata = entry.metadata().ok()?;
        Some(Found { path, bytes: metadata.len(), written_at: metadata.modified().ok()? })
    });
    found.collect()
}
