//! Pages that a statement has paid for, kept in a file of its own under `kept/` of the state folder until it ends well. When
//! it did not, its next run takes them instead of paying again.
//!
//! **What a kill leaves.** Pages are appended to the file as they come, and never changed. A process that is killed between
//! two writes has lost nothing that was written: the system holds it. The record under way may be there in part; it is
//! longer than the file then, and cut off by the next owner. A power cut may lose or garble the end of the file, since
//! nothing waits for the disk: each record has checksums over its header and its content, a header that does not fit ends
//! the file there, and content that does not fit is no page. So a page is given back as it was kept, or not at all.
//!
//! **Who owns a file.** A run holds a lock of the operating system on its file, which ends with its process. A second run of
//! the statement at the same time, in whatever process, keeps nothing and takes nothing. Files are made, locked and removed
//! under a lock of their own, `kept.lock`, so that nobody locks a file that another one is removing.
//!
//! **How long.** A page may be taken for an hour after it was asked for. A statement keeps 256 MB, all together 1 GB; files
//! of the statements that wrote last stay. A statement of one page leaves no file, unless it failed.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::encode::{from_micros, saturate, to_micros};
use crate::open::{self, REMEDY};
use crate::{Error, Result};

mod file;
mod record;
mod room;

use file::{Index, PageFile};
use record::Header;

/// Folder of the files, in the state folder.
const FOLDER: &str = "kept";
/// Held while files are made, locked or removed, in the state folder.
const GUARD: &str = "kept.lock";
/// What the names of files end with.
const SUFFIX: &str = ".pages";

/// How long after it was asked for a page may be taken.
const KEPT_FOR: Duration = Duration::from_secs(60 * 60);

/// How often a lock is tried, and the pause between.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(2);

/// Most that is kept, in bytes.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Of one statement.
    statement: u64,
    /// In all.
    total: u64,
    /// Appended by one run between looks at how much there is in all.
    look: u64,
}

const BOUNDS: Bounds = Bounds { statement: 256 << 20, total: 1 << 30, look: 16 << 20 };

/// A page as it was kept. What `meta` and `body` hold is the caller's business.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptPage {
    /// Status, headers and whatever else is needed to use the page.
    pub meta: Vec<u8>,
    /// The body.
    pub body: Vec<u8>,
    /// When its request was sent.
    pub asked_at: SystemTime,
}

/// Shows no content: rows of an API have no place in logs.
impl std::fmt::Debug for KeptPage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptPage")
            .field("bytes", &(self.meta.len() + self.body.len()))
            .field("asked_at", &self.asked_at)
            .finish_non_exhaustive()
    }
}

/// Keeps pages of statements in a state folder. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PageKeeper {
    folder: Arc<Path>,
    bounds: Bounds,
}

/// One run of a statement, as far as its pages are kept. Dropped without [`KeptRun::finish`] it counts as killed.
#[derive(Debug)]
pub struct KeptRun {
    keeper: PageKeeper,
    name: [u8; 32],
    state: Mutex<RunState>,
}

#[derive(Debug)]
enum RunState {
    /// There is no file yet.
    Fresh,
    /// The first page, which may be the only one.
    First([u8; 32], KeptPage),
    Open(Open),
    /// Nothing is kept or taken: another run has the file, or this one has ended, or failed to write.
    Off,
}

/// The file of a run.
#[derive(Debug)]
struct Open {
    file: PageFile,
    /// What earlier runs have left.
    earlier: Index,
    /// Bytes appended since it was last looked how much there is in all.
    unlooked: u64,
}

impl PageKeeper {
    /// Pages kept in this state folder; nothing is made before a page is kept.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.into(), bounds: BOUNDS }
    }

    /// Begins a run of the statement with this name: a digest of the statement, on whose behalf it runs, and of the scope
    /// that it asks, so that equal names mean equal rights. What an earlier run has left may be taken.
    ///
    /// # Errors
    /// When the folder cannot be used; then nothing is kept.
    pub fn begin(&self, name: &[u8; 32], now: SystemTime) -> Result<KeptRun> {
        let state = if self.files().is_dir() { self.resume(name, now)? } else { RunState::Fresh };
        Ok(KeptRun { keeper: self.clone(), name: *name, state: Mutex::new(state) })
    }

    /// Removes all that nobody is adding to; how many files there were.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn clear(&self) -> Result<u64> {
        if !self.files().is_dir() {
            return Ok(0);
        }
        let _guard = self.guard()?;
        room::clear(&self.files()).map_err(|source| self.failed("remove kept pages in", &self.files(), source))
    }

    fn resume(&self, name: &[u8; 32], now: SystemTime) -> Result<RunState> {
        let path = self.path(name);
        {
            let _guard = self.guard()?;
            room::expire(&self.files(), &path, now);
            if !path.exists() {
                return Ok(RunState::Fresh);
            }
        }
        let Some(file) = self.own(&path)? else { return Ok(RunState::Off) };
        self.read(file, name, now).map(RunState::Open)
    }

    /// Opens and locks a file, which is made if need be; `None` when another run has it. A process that this one starts has
    /// all its locks too until it runs its own program: so it is tried for a moment.
    fn own(&self, path: &Path) -> Result<Option<File>> {
        for attempt in 0..LOCK_ATTEMPTS {
            if attempt > 0 {
                std::thread::sleep(LOCK_PAUSE);
            }
            let _guard = self.guard()?;
            let locked = PageFile::lock(path).map_err(|source| self.failed("lock kept pages in", path, source))?;
            if locked.is_some() {
                return Ok(locked);
            }
        }
        Ok(None)
    }

    /// Reads a locked file. If nothing in it may be taken any more, it is emptied.
    fn read(&self, file: File, name: &[u8; 32], now: SystemTime) -> Result<Open> {
        let work = || {
            let (mut file, mut earlier) = PageFile::read(file, name)?;
            earlier.retain(|_, place| is_recent(place.header.asked_at, now));
            if earlier.is_empty() {
                file.clear()?;
            }
            Ok(Open { file, earlier, unlooked: 0 })
        };
        work().map_err(|source| self.failed("read kept pages in", &self.path(name), source))
    }

    /// Makes the file of a run; `None` when another run has it.
    fn create(&self, name: &[u8; 32], now: SystemTime) -> Result<Option<Open>> {
        open::folder_within(&self.folder, FOLDER)?;
        let Some(file) = self.own(&self.path(name))? else { return Ok(None) };
        let mut open = self.read(file, name, now)?;
        // What a run may take is settled when it begins.
        open.earlier = HashMap::new();
        // Nobody has looked yet.
        open.unlooked = self.bounds.look;
        Ok(Some(open))
    }

    fn files(&self) -> PathBuf {
        self.folder.join(FOLDER)
    }

    fn path(&self, name: &[u8; 32]) -> PathBuf {
        let digits: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
        self.files().join(digits + SUFFIX)
    }

    fn guard(&self) -> Result<File> {
        open::lock(&self.folder.join(GUARD))
    }

    fn failed(&self, attempt: &str, path: &Path, source: std::io::Error) -> Error {
        Error::io(attempt, path, REMEDY, source)
    }
}

impl KeptRun {
    /// The page that an earlier run, which did not end well, has kept of the request with this digest, if it was asked for
    /// at most an hour before `now`. What this run itself has kept is not given.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn kept(&self, digest: &[u8; 32], now: SystemTime) -> Result<Option<KeptPage>> {
        let mut state = self.lock();
        let RunState::Open(open) = &mut *state else { return Ok(None) };
        let Some(place) = open.earlier.get(digest).filter(|place| is_recent(place.header.asked_at, now)) else {
            return Ok(None);
        };
        match open.file.content(place) {
            Ok(Some((meta, body))) => Ok(Some(KeptPage { meta, body, asked_at: from_micros(place.header.asked_at) })),
            Ok(None) => {
                open.earlier.remove(digest);
                Ok(None)
            }
            Err(source) => {
                open.earlier.remove(digest);
                Err(self.keeper.failed("read kept pages in", &self.path(), source))
            }
        }
    }

    /// Keeps a page of the request with this digest, in place of one that was kept of it before. Takes some ten
    /// microseconds for a page of 50 kB. Tells whether it is kept: not when another run has the file, when there is no room,
    /// or after a failure.
    ///
    /// # Errors
    /// When the file cannot be written; then nothing more is kept of this run, and what was kept stays.
    pub fn keep(&self, digest: &[u8; 32], page: &KeptPage) -> Result<bool> {
        let mut state = self.lock();
        let kept = match std::mem::replace(&mut *state, RunState::Off) {
            RunState::Fresh => {
                *state = RunState::First(*digest, page.clone());
                return Ok(true);
            }
            RunState::Off => return Ok(false),
            RunState::First(first_digest, first) => match self.keeper.create(&self.name, page.asked_at)? {
                None => return Ok(false),
                Some(mut open) => {
                    self.append(&mut open, &first_digest, &first)?;
                    let kept = self.append(&mut open, digest, page)?;
                    *state = RunState::Open(open);
                    kept
                }
            },
            RunState::Open(mut open) => {
                let kept = self.append(&mut open, digest, page)?;
                *state = RunState::Open(open);
                kept
            }
        };
        Ok(kept)
    }

    /// How many pages earlier runs have left, and when the oldest of them was asked for.
    #[must_use]
    pub fn earlier(&self) -> Option<(usize, SystemTime)> {
        let state = self.lock();
        let RunState::Open(open) = &*state else { return None };
        let oldest = open.earlier.values().map(|place| place.header.asked_at).min()?;
        Some((open.earlier.len(), from_micros(oldest)))
    }

    /// Ends the run. One that ended well needs its pages no more; those of any other stay for the next run.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn finish(&self, ended_well: bool) -> Result<()> {
        let state = std::mem::replace(&mut *self.lock(), RunState::Off);
        match state {
            RunState::First(digest, page) if !ended_well => {
                if let Some(mut open) = self.keeper.create(&self.name, page.asked_at)? {
                    self.append(&mut open, &digest, &page)?;
                }
                Ok(())
            }
            RunState::Open(open) if ended_well => {
                let path = self.path();
                let _guard = self.keeper.guard()?;
                // Some systems delete no file that is open. Nobody else takes its lock meanwhile.
                drop(open);
                room::remove(&path).map_err(|source| self.keeper.failed("remove kept pages in", &path, source))
            }
            RunState::Open(_) | RunState::First(..) | RunState::Fresh | RunState::Off => Ok(()),
        }
    }

    fn append(&self, open: &mut Open, digest: &[u8; 32], page: &KeptPage) -> Result<bool> {
        let Some(header) = Header::of(digest, &page.meta, &page.body, to_micros(page.asked_at)) else {
            return Ok(false);
        };
        let bounds = self.keeper.bounds;
        if open.file.bytes().saturating_add(header.record()) > bounds.statement {
            return Ok(false);
        }
        open.unlooked += header.record();
        if open.unlooked >= bounds.look {
            let _guard = self.keeper.guard()?;
            if !room::make(&self.keeper.files(), &self.path(), header.record(), bounds.total) {
                return Ok(false);
            }
            open.unlooked = 0;
        }
        let appended = open.file.append(&header, &page.meta, &page.body);
        appended.map_err(|source| self.keeper.failed("keep pages in", &self.path(), source))?;
        Ok(true)
    }

    fn path(&self) -> PathBuf {
        self.keeper.path(&self.name)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, RunState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a page asked for at this time, in microseconds, may be taken. One from the future was kept under another clock.
fn is_recent(asked_at: i64, now: SystemTime) -> bool {
    let now = to_micros(now);
    asked_at <= now && asked_at > now.saturating_sub(saturate(KEPT_FOR.as_micros()))
}

#[cfg(test)]
mod tests;
