//! The statement that requests belong to: its counters, its retry budget and its cancellation.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::kept::KeptPages;
use crate::{CacheOutcome, Caching, KeptUse, Left, Spending, Waiting};

/// Most remarks of one statement that are kept.
const MOST_REMARKS: usize = 100;

/// Identifies a statement in the system tables.
pub type StatementId = u64;

/// Retries that one statement may spend, whatever the number of its requests.
pub const DEFAULT_RETRY_BUDGET: u64 = 20;

/// Shared by all requests of one statement.
///
/// The retry budget is the statement's and not the request's: a failing server must not be asked ten times
/// for each of a thousand pages.
#[derive(Debug)]
pub struct Statement {
    id: StatementId,
    parent: Option<Arc<Statement>>,
    cancel: CancellationToken,
    retry_budget: AtomicU64,
    /// Whether retries are taken from its own budget although it has a parent.
    has_own_budget: bool,
    calls: AtomicU64,
    retries: AtomicU64,
    bytes: AtomicU64,
    pages: AtomicU64,
    rows: AtomicU64,
    waited_nanos: AtomicU64,
    spending: Spending,
    caching: Caching,
    hits: AtomicU64,
    revalidated: AtomicU64,
    kept: AtomicU64,
    kept_pages: KeptPages,
    /// Scopes that it has written to.
    written: Mutex<Vec<Arc<str>>>,
    /// What its user should know, each with its connection.
    remarks: Mutex<Vec<(Arc<str>, String)>>,
    /// Calls that were begun under [`Spending::max_calls`].
    begun: AtomicU64,
    left: Mutex<Option<Left>>,
    /// What its tasks wait for, by the number of the wait.
    waiting: Mutex<Vec<(u64, Waiting)>>,
    waits: AtomicU64,
}

/// What a statement has spent so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatementCounts {
    /// HTTP attempts, whatever they were for.
    pub calls: u64,
    /// Those of the calls that repeated an earlier one.
    pub retries: u64,
    /// Bytes of response bodies, after decompression.
    pub bytes: u64,
    /// Pages decoded.
    pub pages: u64,
    /// Rows decoded from pages.
    pub rows: u64,
    /// Time spent waiting: for quotas, and before a retry.
    pub waited: Duration,
    /// Answers that took no call: stored ones, those of equal requests under way, and pages that were kept.
    pub cache_hits: u64,
    /// Calls that were answered with "still holds".
    pub revalidated: u64,
    /// Those of the hits that an earlier run of the statement has paid for.
    pub kept: u64,
}

impl Statement {
    /// A statement with the default retry budget.
    #[must_use]
    pub fn new(id: StatementId) -> Self {
        Self::with_retry_budget(id, DEFAULT_RETRY_BUDGET)
    }

    /// A statement that may retry `retries` times in all.
    #[must_use]
    pub fn with_retry_budget(id: StatementId, retries: u64) -> Self {
        Self {
            id,
            parent: None,
            cancel: CancellationToken::new(),
            retry_budget: AtomicU64::new(retries),
            has_own_budget: false,
            calls: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            pages: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            waited_nanos: AtomicU64::new(0),
            spending: Spending::default(),
            caching: Caching::OFF,
            hits: AtomicU64::new(0),
            revalidated: AtomicU64::new(0),
            kept: AtomicU64::new(0),
            kept_pages: KeptPages::default(),
            written: Mutex::default(),
            remarks: Mutex::default(),
            begun: AtomicU64::new(0),
            left: Mutex::default(),
            waiting: Mutex::default(),
            waits: AtomicU64::new(0),
        }
    }

    /// The same within these bounds.
    #[must_use]
    pub fn spending(self, spending: Spending) -> Self {
        Self { spending, ..self }
    }

    /// The same with the use of earlier answers that this says. Without it none is used and none stored.
    #[must_use]
    pub fn caching(self, caching: Caching) -> Self {
        Self { caching, ..self }
    }

    /// What of earlier answers it may use: as the whole.
    #[must_use]
    pub fn cache_use(&self) -> &Caching {
        &self.whole().caching
    }

    /// The pages that it keeps and has taken.
    pub(crate) fn kept_pages(&self) -> &KeptPages {
        &self.whole().kept_pages
    }

    /// Pages of earlier runs that it has used, by connection.
    #[must_use]
    pub fn kept_use(&self) -> BTreeMap<Arc<str>, KeptUse> {
        self.kept_pages().taken()
    }

    /// Ends what it keeps for a repetition: thrown away when it `ended_well`, else left for the next run. Dropped before, it
    /// has not ended well. Of no effect on a part of a statement.
    pub fn end(&self, ended_well: bool) {
        if self.parent.is_none() {
            self.kept_pages.finish(ended_well);
        }
    }

    /// Notes that it writes to a scope of the cache.
    pub(crate) fn note_written(&self, scope: &Arc<str>) {
        let mut written = lock(&self.whole().written);
        if !written.contains(scope) {
            written.push(Arc::clone(scope));
        }
    }

    /// Whether it has written to a scope of the cache.
    pub(crate) fn has_written(&self, scope: &Arc<str>) -> bool {
        lock(&self.whole().written).contains(scope)
    }

    /// Notes what its user should know of a connection, once. The first hundred are kept.
    pub fn remark(&self, connection: &Arc<str>, message: String) {
        let mut remarks = lock(&self.whole().remarks);
        let is_known = remarks.iter().any(|(known, text)| known == connection && *text == message);
        if !is_known && remarks.len() < MOST_REMARKS {
            remarks.push((Arc::clone(connection), message));
        }
    }

    /// What was remarked so far.
    #[must_use]
    pub fn remarks(&self) -> Vec<(Arc<str>, String)> {
        lock(&self.whole().remarks).clone()
    }

    /// A part of this statement with counters of its own. What it spends is counted for both; number, retry
    /// budget and cancellation are those of the whole.
    #[must_use]
    pub fn child(self: &Arc<Self>) -> Self {
        Self { parent: Some(Arc::clone(self)), cancel: self.cancel.clone(), ..Self::with_retry_budget(self.id, 0) }
    }

    /// A part like [`Statement::child`] that is not cancelled with the whole, and may retry `retries` times by itself:
    /// for what must not be given up half way, such as the exchange of a token that can be used once.
    #[must_use]
    pub fn uncancelled_child(self: &Arc<Self>, retries: u64) -> Self {
        Self { parent: Some(Arc::clone(self)), has_own_budget: true, ..Self::with_retry_budget(self.id, retries) }
    }

    /// The statement that this is a part of, or itself.
    fn whole(&self) -> &Self {
        self.parent.as_deref().map_or(self, Self::whole)
    }

    /// Its bounds: those of the whole.
    #[must_use]
    pub fn bounds(&self) -> &Spending {
        &self.whole().spending
    }

    /// Takes one call out of [`Spending::max_calls`]; false when that many were begun. Taken before an attempt waits for
    /// its quotas, so that parallel attempts cannot go past the bound together.
    #[must_use]
    pub fn begin_call(&self) -> bool {
        let whole = self.whole();
        let most = whole.spending.max_calls.unwrap_or(u64::MAX);
        let next = |begun: u64| (begun < most).then_some(begun + 1);
        whole.begun.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }

    /// Gives back what [`Statement::begin_call`] took, for an attempt that was not made after all.
    pub fn unbegin_call(&self) {
        self.whole().begun.fetch_sub(1, Ordering::Relaxed);
    }

    /// Notes what is left of a quota; the tightest of each moment is kept.
    pub fn note_left(&self, left: Left) {
        let share = |left: &Left| left.remaining as f64 / left.limit.max(1) as f64;
        let mut kept = lock(&self.whole().left);
        let is_same = |kept: &Left| {
            kept.quota == left.quota && kept.partition == left.partition && kept.connection == left.connection
        };
        if kept.as_ref().is_none_or(|kept| is_same(kept) || share(&left) <= share(kept)) {
            *kept = Some(left);
        }
    }

    /// What is left of the tightest quota that it has come across.
    #[must_use]
    pub fn left(&self) -> Option<Left> {
        lock(&self.whole().left).clone()
    }

    /// Notes that a task of it begins to wait; the number is for [`Statement::end_wait`].
    #[must_use]
    pub fn begin_wait(&self, waiting: Waiting) -> u64 {
        let whole = self.whole();
        let number = whole.waits.fetch_add(1, Ordering::Relaxed);
        lock(&whole.waiting).push((number, waiting));
        number
    }

    /// Notes that the wait of this number has ended.
    pub fn end_wait(&self, number: u64) {
        lock(&self.whole().waiting).retain(|(begun, _)| *begun != number);
    }

    /// What its tasks wait for now.
    #[must_use]
    pub fn waiting(&self) -> Vec<Waiting> {
        lock(&self.whole().waiting).iter().map(|(_, waiting)| waiting.clone()).collect()
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> StatementId {
        self.id
    }

    /// Cancelled when the user gave up: no new call is sent from then on.
    #[must_use]
    pub fn cancellation(&self) -> &CancellationToken {
        &self.cancel
    }

    /// Takes one retry out of the budget; false when it is used up.
    #[must_use]
    pub fn take_retry(&self) -> bool {
        if let Some(parent) = self.parent.as_ref().filter(|_| !self.has_own_budget) {
            return parent.take_retry();
        }
        self.retry_budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    /// Counts an attempt that is about to be sent.
    pub fn count_call(&self, is_retry: bool) {
        if let Some(parent) = &self.parent {
            parent.count_call(is_retry);
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.retries.fetch_add(u64::from(is_retry), Ordering::Relaxed);
    }

    /// Counts what the cache did.
    pub fn count_cache(&self, outcome: CacheOutcome) {
        if let Some(parent) = &self.parent {
            parent.count_cache(outcome);
        }
        let counter = match outcome {
            CacheOutcome::Miss => return,
            CacheOutcome::Revalidated => &self.revalidated,
            CacheOutcome::Hit | CacheOutcome::StaleIfError | CacheOutcome::Shared | CacheOutcome::Kept => &self.hits,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.kept.fetch_add(u64::from(outcome == CacheOutcome::Kept), Ordering::Relaxed);
    }

    /// Counts bytes of a response body.
    pub fn count_bytes(&self, bytes: u64) {
        if let Some(parent) = &self.parent {
            parent.count_bytes(bytes);
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts a decoded page.
    pub fn count_page(&self, rows: u64) {
        if let Some(parent) = &self.parent {
            parent.count_page(rows);
        }
        self.pages.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// Counts time spent waiting.
    pub fn count_wait(&self, waited: Duration) {
        if let Some(parent) = &self.parent {
            parent.count_wait(waited);
        }
        let nanos = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
        self.waited_nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// What it has spent so far.
    #[must_use]
    pub fn counts(&self) -> StatementCounts {
        StatementCounts {
            calls: self.calls.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            pages: self.pages.load(Ordering::Relaxed),
            rows: self.rows.load(Ordering::Relaxed),
            waited: Duration::from_nanos(self.waited_nanos.load(Ordering::Relaxed)),
            cache_hits: self.hits.load(Ordering::Relaxed),
            revalidated: self.revalidated.load(Ordering::Relaxed),
            kept: self.kept.load(Ordering::Relaxed),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
