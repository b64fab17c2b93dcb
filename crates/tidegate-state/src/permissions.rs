//! Keeps the folder and its files to their owner: 0700 and 0600.
//!
//! Elsewhere than on Unix the folder's inherited access list decides, which in a user's profile is the user's own.

use std::fs::{Metadata, OpenOptions};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The files that belong to the database.
fn family(database: &Path) -> impl Iterator<Item = PathBuf> + '_ {
    ["", "-wal", "-shm"].into_iter().map(|suffix| {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    })
}

/// Which file a path names: another one for a file that took the place of one that is still open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileId(u64, u64);

/// The file at `path`, if there is one.
pub(crate) fn file_id(path: &Path) -> Option<FileId> {
    std::fs::metadata(path).ok().as_ref().map(id)
}

/// Removes a database and the files beside it. Its log first: a new database must never meet the log of an old one.
pub(crate) fn remove_beside(database: &Path) -> Result<(), Error> {
    let mut files: Vec<_> = family(database).collect();
    files.reverse();
    for path in files {
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io("remove", &path, "remove it yourself: it can be made anew", source));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(unix)]
mod unix {
    use std::fs::{self, DirBuilder, Permissions};
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};

    use super::{Error, FileId, Metadata, OpenOptions, Path, family};
    use crate::error::ErrorKind;

    const FOLDER: u32 = 0o700;
    const FILE: u32 = 0o600;
    const OTHERS: u32 = 0o077;

    pub(crate) fn id(found: &Metadata) -> FileId {
        FileId(found.dev(), found.ino())
    }

    pub(crate) fn create_folder(folder: &Path) -> std::io::Result<()> {
        DirBuilder::new().recursive(true).mode(FOLDER).create(folder)
    }

    pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
        options.mode(FILE)
    }

    /// Takes others' access from a folder that is ours: one with one of our databases, or an empty one. Any other is
    /// refused, since `--state` may name a folder that others need (`/tmp`, a project).
    pub(crate) fn tighten_folder(folder: &Path, found: &Metadata, databases: &[&str]) -> Result<(), Error> {
        let mode = found.permissions().mode() & 0o7777;
        if mode & OTHERS == 0 {
            return Ok(());
        }
        let shared = mode & 0o1000 != 0;
        let ours = databases.iter().any(|name| folder.join(name).exists())
            || fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
        if !shared && !ours && fs::metadata(folder).is_ok_and(|now| now.permissions().mode() & OTHERS == 0) {
            // Another process tightened it meanwhile, and has begun to fill it.
            return Ok(());
        }
        if shared || !ours {
            return Err(Error::new(
                ErrorKind::Folder,
                format!(
                    "the state folder '{}' is open to other users (mode {mode:04o}) and holds other things than \
                     Tidegate's state; choose a folder of its own with --state",
                    folder.display()
                ),
            ));
        }
        fs::set_permissions(folder, Permissions::from_mode(FOLDER)).map_err(|source| {
            Error::io("take other users' access from", folder, "it must belong to you with mode 0700", source)
        })
    }

    /// Takes others' access from the database and the files beside it, by path: see [`crate::open`] for why they
    /// are not opened.
    pub(crate) fn tighten_beside(database: &Path) -> Result<(), Error> {
        for path in family(database) {
            let Ok(found) = fs::metadata(&path) else { continue };
            if found.permissions().mode() & OTHERS != 0 {
                fs::set_permissions(&path, Permissions::from_mode(FILE)).map_err(|source| {
                    Error::io("take other users' access from", &path, "it must belong to you with mode 0600", source)
                })?;
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
use unix::id;
#[cfg(unix)]
pub(crate) use unix::{create_folder, private, tighten_beside, tighten_folder};

#[cfg(not(unix))]
mod other {
    use super::{Error, FileId, Metadata, OpenOptions, Path};

    /// An open file cannot be removed there, so that no other takes its place.
    pub(crate) fn id(_: &Metadata) -> FileId {
        FileId(0, 0)
    }

    pub(crate) fn create_folder(folder: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)
    }

    pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }

    pub(crate) fn tighten_folder(_: &Path, _: &Metadata, _: &[&str]) -> Result<(), Error> {
        Ok(())
    }

    pub(crate) fn tighten_beside(_: &Path) -> Result<(), Error> {
        Ok(())
    }
}

#[cfg(not(unix))]
use other::id;
#[cfg(not(unix))]
pub(crate) use other::{create_folder, private, tighten_beside, tighten_folder};
