//! Answers of APIs that may be used again, in `cache.db` of the state folder.
//!
//! It is only a cache. A file that is damaged, another program's or of another version is thrown away and made anew; the
//! call that found it so fails, once, and its error says so. Whoever uses the cache takes an error for "nothing is stored"
//! and warns of it. Nothing here judges whether an answer may be used: that is HTTP's business.
//!
//! Answers come in bursts, so they are queued and written together by a thread of this cache: after 200 ms, or 4 MB. A
//! process that is killed loses what was queued, which costs calls and nothing else; marks of writes are never queued. Keys
//! are digests, and no column holds a secret as long as the caller's URLs and headers do not. Several processes may use one
//! folder at once; none holds the write lock for longer than it takes to write some megabytes to the system's memory.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use crate::Result;

mod answers;
mod disk;
mod queue;
mod records;
mod room;
mod written;

pub use records::{CacheKey, CacheLabel, CacheLine, CachedAnswer};

use answers::Found;
use disk::Disk;
use queue::{Change, Known, Queue};

/// Bytes that the database takes at most, unless told otherwise.
pub const DEFAULT_CACHE_BYTES: u64 = 256 * 1024 * 1024;

/// How long an answer waits for others to be written with.
const FLUSH_AFTER: Duration = Duration::from_millis(200);
/// Bytes of answers that are written without waiting for more.
const FLUSH_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of answers that wait at most; while the disk is slower than the calls, further answers are not stored.
const QUEUE_BYTES: usize = 64 * 1024 * 1024;
/// Bytes in the log after which it is moved into the database.
const CHECKPOINT_BYTES: u64 = 4 * 1024 * 1024;
/// Bytes in the log of a mark of a write: a page.
const MARK_BYTES: u64 = 4 * 1024;
/// An answer above this part of the bound would push too many others out.
const LARGEST_PART: u64 = 4;

/// Stored answers of a state folder. Every call but those that only queue blocks for as long as the disk does.
#[derive(Debug)]
pub struct CacheDb {
    shared: Arc<Shared>,
    /// The thread that writes; `None` before the first change.
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What the cache and its thread share.
#[derive(Debug)]
struct Shared {
    disk: Disk,
    queue: Mutex<Queue>,
    /// Told when something is queued, and at the end.
    queued: Condvar,
    bound: u64,
    flush_after: Duration,
    /// Bytes written since the last checkpoint of this process.
    unmoved: AtomicU64,
    /// Names this boot of the system, once it is asked for; empty where that is not known.
    boot: OnceLock<String>,
}

impl CacheDb {
    /// The answers of this state folder; nothing is opened or made before they are used.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self::new(folder, DEFAULT_CACHE_BYTES, FLUSH_AFTER, OnceLock::new())
    }

    /// The same, in a database of at most so many bytes, without its log. A bound below some hundred kilobytes keeps next
    /// to nothing.
    #[must_use]
    pub fn bounded(folder: &Path, bytes: u64) -> Self {
        Self::new(folder, bytes, FLUSH_AFTER, OnceLock::new())
    }

    fn new(folder: &Path, bound: u64, flush_after: Duration, boot: OnceLock<String>) -> Self {
        let shared = Shared {
            disk: Disk::in_folder(folder),
            queue: Mutex::default(),
            queued: Condvar::new(),
            bound,
            flush_after,
            unmoved: AtomicU64::new(0),
            boot,
        };
        Self { shared: Arc::new(shared), writer: Mutex::new(None) }
    }

    /// The answer stored under this key.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn get(&self, key: &CacheKey) -> Result<Option<CachedAnswer>> {
        let known = self.shared.lock().known(key);
        match known {
            Known::Answer(put) => return Ok(Some(put.1.clone())),
            Known::Removed => return Ok(None),
            Known::Nothing => {}
        }
        let disk = &self.shared.disk;
        let found = disk.hold(&disk.reader).run("read a stored answer", |connection| answers::get(connection, key))?;
        match found {
            Found::Answer(answer) => Ok(Some(answer)),
            Found::Nothing => Ok(None),
            Found::Damaged => self.remove(key).map(|()| None),
        }
    }

    /// Whether any answer of this scope is stored: to look once, where [`CacheDb::get`] would look for every key.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn holds_any(&self, scope: &str) -> Result<bool> {
        if self.shared.lock().holds_any(scope) {
            return Ok(true);
        }
        let disk = &self.shared.disk;
        disk.hold(&disk.reader).run("look for stored answers", |connection| answers::holds_any(connection, scope))
    }

    /// Queues an answer in place of an earlier one. One that is too large for the bound, or that comes while too many wait,
    /// is not stored, and an earlier one goes.
    ///
    /// # Errors
    /// When answers queued earlier could not be written: see the module. This one is queued.
    pub fn put(&self, key: &CacheKey, label: CacheLabel, answer: CachedAnswer) -> Result<()> {
        let bytes = answer.bytes();
        self.push(|queue, bound| {
            let fits = bytes as u64 <= bound / LARGEST_PART && queue.bytes() + bytes <= QUEUE_BYTES;
            let change = if fits { Change::Put(Arc::new((label, answer))) } else { Change::Remove };
            queue.push(*key, change);
        })
    }

    /// Queues the removal of an answer.
    ///
    /// # Errors
    /// As [`CacheDb::put`].
    pub fn remove(&self, key: &CacheKey) -> Result<()> {
        self.push(|queue, _| queue.push(*key, Change::Remove))
    }

    /// Queues that these answers were used at this time: those that were not used for longest go first.
    ///
    /// # Errors
    /// As [`CacheDb::put`].
    pub fn touch(&self, keys: &[CacheKey], at: SystemTime) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        self.push(|queue, _| keys.iter().for_each(|key| queue.push_use(*key, at)))
    }

    /// Marks the scope as written to at this time, for all processes; an earlier mark never replaces a later one. It is
    /// not queued: once this returns it outlives the process, and through a power cut a time that is not earlier does.
    ///
    /// # Errors
    /// When the folder cannot be used; then other processes may use answers from before the write.
    pub fn note_write(&self, scope: &str, at: SystemTime) -> Result<()> {
        let disk = &self.shared.disk;
        disk.hold(&disk.writer)
            .run("note a write", |connection| written::note(connection, self.shared.boot(), scope, at))?;
        self.shared.log_grew(MARK_BYTES)
    }

    /// When the scope was last written to, by whatever process: an answer that was asked for before then, or at that time,
    /// may be from before the write.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn written(&self, scope: &str) -> Result<Option<SystemTime>> {
        let disk = &self.shared.disk;
        disk.hold(&disk.reader)
            .run("look for writes", |connection| written::last(connection, self.shared.boot(), scope))
    }

    /// Answers stored on behalf of this principal, the last used first, at most `limit`.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn lines(&self, principal: &str, limit: u32) -> Result<Vec<CacheLine>> {
        self.flush()?;
        let disk = &self.shared.disk;
        disk.hold(&disk.reader).run("list stored answers", |connection| answers::lines(connection, principal, limit))
    }

    /// Removes the answers of this scope, or all, and gives their space back. Marks of writes stay. How many there were on
    /// the disk.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn clear(&self, scope: Option<&str>) -> Result<u64> {
        let disk = &self.shared.disk;
        // Held from before the queue is looked at, so that nothing of it is being written.
        let mut writer = disk.hold(&disk.writer);
        self.shared.lock().forget(scope);
        let mut cleared = 0;
        loop {
            let some = writer.run("clear the cache", |connection| answers::clear_some(connection, scope))?;
            if some == 0 {
                break;
            }
            cleared += some as u64;
        }
        writer.run("shrink the cache", |connection| {
            room::give_back(connection, 0)?;
            room::cut_log(connection)
        })?;
        Ok(cleared)
    }

    /// Writes all that is queued, and waits for it.
    ///
    /// # Errors
    /// When it, or what was queued earlier, could not be written. It is not tried again.
    pub fn flush(&self) -> Result<()> {
        self.shared.flush()?;
        self.shared.lock().take_failure().map_or(Ok(()), Err)
    }

    /// Queues changes, and tells of a failure of earlier ones.
    fn push(&self, push: impl FnOnce(&mut Queue, u64)) -> Result<()> {
        let failure = {
            let mut queue = self.shared.lock();
            push(&mut queue, self.shared.bound);
            queue.take_failure()
        };
        self.shared.queued.notify_one();
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.is_none() {
            let shared = Arc::clone(&self.shared);
            match std::thread::Builder::new().name("tidegate-cache".to_owned()).spawn(move || shared.write_queued()) {
                Ok(thread) => *writer = Some(thread),
                // The system gives no more threads: who has something to write waits for it.
                Err(_) => self.shared.flush()?,
            }
        }
        failure.map_or(Ok(()), Err)
    }
}

/// Writes what is queued. A failure has nobody to be told to: the answers are asked for again.
impl Drop for CacheDb {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.queued.notify_one();
        let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = writer.take() {
            drop(thread.join());
        }
        drop(self.shared.flush());
    }
}

impl Shared {
    fn boot(&self) -> &str {
        self.boot.get_or_init(written::this_boot)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is queued, again and again, until the cache is closed.
    fn write_queued(&self) {
        loop {
            let queue = self.lock();
            let queue = self
                .queued
                .wait_while(queue, |queue| queue.is_empty() && !queue.is_closed)
                .unwrap_or_else(PoisonError::into_inner);
            let (queue, _) = self
                .queued
                .wait_timeout_while(queue, self.flush_after, |queue| queue.bytes() < FLUSH_BYTES && !queue.is_closed)
                .unwrap_or_else(PoisonError::into_inner);
            if queue.is_closed {
                return;
            }
            drop(queue);
            if let Err(error) = self.flush() {
                self.lock().fail(error);
            }
        }
    }

    fn flush(&self) -> Result<()> {
        let mut writer = self.disk.hold(&self.disk.writer);
        let Some(batch) = self.lock().take() else { return Ok(()) };
        let done = writer.run("store answers", |connection| answers::write(connection, &batch, self.bound));
        self.lock().written();
        drop(writer);
        done?;
        self.log_grew(batch.bytes())
    }

    /// The log has so many bytes more. Once it has many, they are moved into the database.
    fn log_grew(&self, bytes: u64) -> Result<()> {
        if self.unmoved.fetch_add(bytes, Ordering::Relaxed) + bytes < CHECKPOINT_BYTES {
            return Ok(());
        }
        self.unmoved.store(0, Ordering::Relaxed);
        let mut checkpointer = self.disk.hold(&self.disk.checkpointer);
        checkpointer.run("move answers from the log", |connection| room::checkpoint(connection))
    }
}

#[cfg(test)]
mod tests;
