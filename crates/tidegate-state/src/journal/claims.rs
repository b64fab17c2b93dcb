//! Who runs a mutation: a lock of the operating system on a file, which the kernel gives back when its process dies.
//!
//! Locks are taken, looked at and removed together with their files under a lock of their own, `mutations.lock`. So nobody
//! locks a file that another one is deleting, and who only looks is never taken for one who runs.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::mutations::check_id;
use super::{Journal, Stop};
use crate::open::{self, REMEDY};
use crate::{Error, ErrorKind, Result, permissions};

/// Folder of the locks, in the state folder.
const FOLDER: &str = "mutations";
/// Held while locks are taken or removed, in the state folder.
const GUARD: &str = "mutations.lock";

/// The right to run a mutation, held until this is dropped, or its process dies.
#[derive(Debug)]
pub struct Claim {
    mutation: String,
    held: Held,
}

#[derive(Debug)]
enum Held {
    /// Closing the file ends its lock.
    File {
        _file: File,
    },
    Memory(Arc<Mutex<HashSet<String>>>),
}

impl Claim {
    /// Id of the mutation.
    #[must_use]
    pub fn mutation(&self) -> &str {
        &self.mutation
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Held::Memory(claimed) = &self.held {
            claimed.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.mutation);
        }
    }
}

impl Journal {
    /// Takes the right to run this mutation. It need not be in the journal yet.
    ///
    /// # Errors
    /// [`ErrorKind::Claimed`] when it is being run, by whatever process; others when the folder cannot be used, or it is
    /// no id.
    pub fn claim(&self, id: &str) -> Result<Claim> {
        let refused = |holder: Option<u32>| {
            let who = match holder {
                Some(process) if process == std::process::id() => "this process".to_owned(),
                Some(process) => format!("process {process}"),
                None => "another process".to_owned(),
            };
            let message = format!("mutation '{id}' is being run by {who}; wait until it has ended, or end it");
            Error::new(ErrorKind::Claimed, message)
        };
        check(id)?;
        let held = match &self.folder {
            None => {
                let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
                if !claimed.insert(id.to_owned()) {
                    return Err(refused(Some(std::process::id())));
                }
                Held::Memory(Arc::clone(&self.claimed))
            }
            Some(folder) => {
                let _guard = guard(folder)?;
                match lock(folder, id)? {
                    Locked::Ours(file) => Held::File { _file: file },
                    Locked::Theirs(holder) => return Err(refused(holder)),
                }
            }
        };
        Ok(Claim { mutation: id.to_owned(), held })
    }

    /// Whether this mutation is being run, by whatever process.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn is_claimed(&self, id: &str) -> Result<bool> {
        check(id)?;
        let Some(folder) = &self.folder else {
            return Ok(self.claimed.lock().unwrap_or_else(PoisonError::into_inner).contains(id));
        };
        if !path(folder, id).exists() {
            return Ok(false);
        }
        let _guard = guard(folder)?;
        Ok(matches!(lock(folder, id)?, Locked::Theirs(_)))
    }

    /// Gives up a claim and removes its file: the mutation is no more.
    pub(super) fn forget(&self, claim: Claim) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let path = path(folder, &claim.mutation);
        let _guard = guard(folder)?;
        // Some systems delete no file that is open. Nobody else takes its lock meanwhile.
        drop(claim);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("remove", &path, "make the folder and its files writable for you", source))
            }
            _ => Ok(()),
        }
    }

    /// Ids of all mutations that have a lock's file.
    pub(super) fn locked_ids(&self) -> Vec<String> {
        let entries = self.folder.as_ref().and_then(|folder| fs::read_dir(folder.join(FOLDER)).ok());
        let names = entries.into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter_map(|name| name.strip_suffix(".lock").map(str::to_owned)).collect()
    }
}

enum Locked {
    Ours(File),
    /// With the process that holds it, if that is known.
    Theirs(Option<u32>),
}

fn check(id: &str) -> Result<()> {
    check_id(id).map_err(|stop| match stop {
        Stop::Refused(sentence) => Error::new(ErrorKind::Refused, sentence),
        Stop::Sqlite(source) => Error::new(ErrorKind::Database, source.to_string()),
    })
}

fn path(folder: &Path, id: &str) -> PathBuf {
    folder.join(FOLDER).join(format!("{id}.lock"))
}

fn guard(folder: &Path) -> Result<File> {
    open::folder_within(folder, FOLDER)?;
    open::lock(&folder.join(GUARD))
}

/// Locks the file of this mutation, unless somebody has.
fn lock(folder: &Path, id: &str) -> Result<Locked> {
    let path = path(folder, id);
    let failed = |source| Error::io("lock", &path, REMEDY, source);
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    let mut file = permissions::private(&mut options).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            // For others' messages alone.
            let process = std::process::id().to_string();
            file.set_len(0).and_then(|()| file.write_all(process.as_bytes())).map_err(failed)?;
            Ok(Locked::Ours(file))
        }
        Err(TryLockError::WouldBlock) => {
            let mut process = String::new();
            // Where locks keep others from reading, it is not known.
            let holder = file.read_to_string(&mut process).ok().and_then(|_| process.parse().ok());
            Ok(Locked::Theirs(holder))
        }
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}
