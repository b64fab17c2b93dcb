//! What the cache layers of all connections share: stores, requests under way, and moments of writes.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::answer::Answer;
use super::barren::Barren;
use super::flights::Flights;
use super::marks::Marks;
use super::memory::Memory;
use super::policy::Policy;
use super::telling::Telling;
use crate::{
    CacheKey, CacheLabel, CacheOutcome, CacheStore, Clock, PageKeeper, Request, RequestLog, RequestRecord, StoreError,
    Warn, redact_url,
};

/// Bytes of memory that answers take at most.
const MEMORY: usize = 8 * 1024 * 1024;

/// A larger answer is stored nowhere, and a larger page not kept.
pub(super) const LARGEST: usize = 32 * 1024 * 1024;

/// Stores may round moments down to this.
const GRAIN: Duration = Duration::from_millis(1);

/// Answers that were paid for, for all connections of an engine. Without a store they end with the process.
pub struct HttpCache {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) memory: Memory,
    /// Answers of statements, for their own use.
    pub(super) answered: Memory,
    pub(super) flights: Flights,
    pub(super) marks: Marks,
    pub(super) keeper: Option<Arc<dyn PageKeeper>>,
    disk: Option<Arc<dyn CacheStore>>,
    barren: Barren,
    telling: Telling,
    log: Arc<RequestLog>,
    warn: Mutex<Box<Warn>>,
    has_warned: AtomicBool,
}

impl HttpCache {
    /// Answers in memory. What is answered from it goes to the log.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, log: Arc<RequestLog>) -> Self {
        Self {
            clock,
            memory: Memory::new(MEMORY),
            answered: Memory::new(MEMORY / 2),
            flights: Flights::default(),
            marks: Marks::default(),
            keeper: None,
            disk: None,
            barren: Barren::default(),
            telling: Telling::default(),
            log,
            warn: Mutex::new(Box::new(|_, _| {})),
            has_warned: AtomicBool::new(false),
        }
    }

    /// The same with answers that outlive the process.
    #[must_use]
    pub fn storing(self, disk: Arc<dyn CacheStore>) -> Self {
        Self { disk: Some(disk), ..self }
    }

    /// The same, keeping pages of statements until they have ended well.
    #[must_use]
    pub fn keeping(self, keeper: Arc<dyn PageKeeper>) -> Self {
        Self { keeper: Some(keeper), ..self }
    }

    /// The same, telling of a store that fails: once.
    #[must_use]
    pub fn warning(self, warn: Box<Warn>) -> Self {
        Self { warn: Mutex::new(warn), ..self }
    }

    /// Forgets what memory holds of the connection with this fingerprint, or all. The store is its owner's to clear.
    pub fn forget(&self, scope: Option<&str>) {
        self.memory.clear(scope);
        self.answered.clear(scope);
    }

    /// The answer that memory holds under a key, if the request's statement uses it.
    pub(super) fn held(&self, key: &CacheKey, request: &Request) -> Option<Arc<Answer>> {
        request.operation.statement.cache_use().memory.then(|| self.memory.get(key)).flatten()
    }

    /// The newer of the answers that memory and store hold under a key: another process may have asked since.
    pub(super) async fn newest(&self, key: &CacheKey, scope: &Arc<str>, request: &Request) -> Option<Arc<Answer>> {
        let held = self.held(key, request);
        let caching = request.operation.statement.cache_use();
        let Some(disk) = self.disk.as_ref().filter(|_| caching.disk) else { return held };
        if self.is_barren(disk.as_ref(), scope, request).await {
            return held;
        }
        let stored = self.told(request, disk.get(key).await).flatten();
        let Some(stored) = stored.and_then(Answer::read) else { return held };
        if held.as_ref().is_some_and(|held| held.received_at >= stored.received_at) {
            return held;
        }
        let stored = Arc::new(stored);
        if caching.memory {
            self.memory.put(key, scope, &stored);
        }
        Some(stored)
    }

    /// Stores an answer where the request's statement wants it: one with a secret in it in memory alone, too large a one
    /// nowhere.
    pub(super) async fn put(
        &self,
        key: &CacheKey,
        scope: &Arc<str>,
        request: &Request,
        answer: &Arc<Answer>,
        policy: &Policy,
        is_secret: bool,
    ) {
        if answer.weight() > LARGEST {
            return self.remove(key, request).await;
        }
        let caching = request.operation.statement.cache_use();
        if caching.memory {
            self.memory.put(key, scope, answer);
        } else if caching.disk {
            // An older one would be found before it.
            self.memory.remove(key);
        }
        if is_secret && caching.disk {
            return self.remove_stored(key, request).await;
        }
        let Some(disk) = self.disk.as_ref().filter(|_| caching.disk) else { return };
        let label = CacheLabel {
            scope: Arc::clone(scope),
            connection: Arc::clone(&request.operation.connection),
            principal: Arc::clone(&request.operation.principal),
            table: request.operation.table.clone(),
            url: redact_url(&request.url),
            status: answer.status.as_u16(),
            fresh_until: policy.fresh_until(),
        };
        self.barren.ends(scope);
        self.told(request, disk.put(key, label, answer.stored()).await);
    }

    /// Whether the store has nothing of the scope, as far as this statement has to know.
    async fn is_barren(&self, disk: &dyn CacheStore, scope: &Arc<str>, request: &Request) -> bool {
        let (statement, now) = (request.operation.statement.id(), self.clock.elapsed());
        if self.barren.is_known(scope, statement, now) {
            return true;
        }
        let puts = self.barren.puts(scope);
        match self.told(request, disk.holds_any(scope).await) {
            Some(false) => self.barren.found(scope, statement, now, puts),
            Some(true) | None => false,
        }
    }

    /// Forgets an answer.
    pub(super) async fn remove(&self, key: &CacheKey, request: &Request) {
        self.memory.remove(key);
        self.remove_stored(key, request).await;
    }

    async fn remove_stored(&self, key: &CacheKey, request: &Request) {
        if let Some(disk) = self.disk.as_ref().filter(|_| request.operation.statement.cache_use().disk) {
            self.told(request, disk.remove(key).await);
        }
    }

    /// Whether the scope was written, by any process, when this was asked for or since. Nobody knows when the store cannot
    /// be read: then it was.
    pub(super) async fn is_written_since(&self, scope: &str, asked_at: SystemTime, request: &Request) -> bool {
        if self.marks.written(scope, self.clock.as_ref()).is_some_and(|written| asked_at <= written) {
            return true;
        }
        let Some(disk) = &self.disk else { return false };
        match self.told(request, disk.written(scope).await) {
            Some(written) => written.is_some_and(|written| asked_at <= written + GRAIN),
            None => true,
        }
    }

    /// Tells other processes of a write.
    pub(super) async fn note_write(&self, scope: &Arc<str>, at: SystemTime, connection: &str) {
        if let Some(disk) = &self.disk
            && let Err(error) = self.telling.tell(scope, at, disk.as_ref()).await
        {
            self.complain(connection, &error);
        }
    }

    /// Counts and logs an answer that took no call.
    pub(super) fn count(&self, request: &Request, answer: &Answer, outcome: CacheOutcome) {
        let operation = &request.operation;
        operation.statement.count_cache(outcome);
        self.log.push(RequestRecord {
            status: Some(answer.status.as_u16()),
            cache: Some(outcome),
            quota_wait: Duration::ZERO,
            bytes: answer.body.len() as u64,
            ..RequestRecord::of(request, self.clock.now())
        });
    }

    /// What a store says; `None` when it fails, which costs calls and is told of once.
    pub(super) fn told<T>(&self, request: &Request, result: Result<T, StoreError>) -> Option<T> {
        result.map_err(|error| self.complain(&request.operation.connection, &error)).ok()
    }

    fn complain(&self, connection: &str, error: &StoreError) {
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            let warn = self.warn.lock().unwrap_or_else(PoisonError::into_inner);
            warn(connection, format!("the cache in the state folder failed, which costs calls: {error}"));
        }
    }
}

impl fmt::Debug for HttpCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpCache").field("disk", &self.disk).field("keeper", &self.keeper).finish_non_exhaustive()
    }
}
