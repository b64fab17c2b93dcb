//! Calls, quotas and stores for the tests.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tokio::sync::Semaphore;

pub(super) use super::super::*;
pub(super) use crate::{
    Because, Change, Fate, Limit, MemoryStore, Never, Priority, Quota, Refusal, ScopeKey, SpendKey, SystemClock,
    TestClock, Throttling, Unit, Window,
};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3_600);

/// A Thursday, a quarter past eight in the morning.
pub(super) fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_790_000_000 / 86_400 * 86_400 + 8 * 3_600 + 900)
}

pub(super) fn test_clock() -> Arc<TestClock> {
    Arc::new(TestClock::new(start()))
}

pub(super) fn quota(name: &str, limit: Limit) -> Arc<Quota> {
    Arc::new(Quota { name: name.into(), unit: Unit::Calls, limit, is_reported: false })
}

/// So many calls in a window that begins with the first one.
pub(super) fn window(name: &str, limit: u64, length: Duration) -> Arc<Quota> {
    quota(name, Limit::Window { limit: Some(limit), window: Window::FirstCall(length) })
}

pub(super) fn concurrent(limit: u64) -> Arc<Quota> {
    quota("at_once", Limit::Concurrent { limit })
}

/// A call in one scope.
pub(super) fn call(key: &str, quotas: &[&Arc<Quota>]) -> Call {
    Call {
        scopes: vec![scope(key, quotas)],
        points: 1,
        is_token_request: false,
        reserve: Arc::new([]),
        priority: Priority::Normal,
        spend: None,
    }
}

pub(super) fn scope(key: &str, quotas: &[&Arc<Quota>]) -> ScopeUse {
    ScopeUse {
        key: ScopeKey(key.into()),
        quotas: quotas.iter().map(|&quota| Arc::clone(quota)).collect(),
        is_paced: false,
    }
}

/// A ledger in memory on a clock for tests.
pub(super) fn ledger() -> (Arc<Ledger>, Arc<TestClock>) {
    let clock = test_clock();
    (Arc::new(Ledger::new(Arc::<MemoryStore>::default(), Arc::clone(&clock) as _)), clock)
}

/// Patience for so long.
pub(super) fn patient(at_most: Duration) -> Patience<'static> {
    Patience { at_most, on_wait: &|_| {} }
}

/// A grant, waited for as long as need be.
pub(super) async fn granted(ledger: &Ledger, call: &Arc<Call>) -> Grant {
    match ledger.acquire(call, patient(24 * HOUR)).await.unwrap() {
        Answer::Granted(grant) => grant,
        Answer::Refused(refusal) => panic!("refused: {refusal:?}"),
    }
}

/// A refusal, without waiting.
pub(super) async fn refused(ledger: &Ledger, call: &Arc<Call>) -> Refusal {
    match ledger.acquire(call, patient(Duration::ZERO)).await.unwrap() {
        Answer::Refused(refusal) => refusal,
        Answer::Granted(grant) => panic!("{grant:?}"),
    }
}

/// Whether a call is granted without waiting; it is answered at once.
pub(super) async fn passes(ledger: &Ledger, call: &Arc<Call>) -> bool {
    match ledger.acquire(call, patient(Duration::ZERO)).await.unwrap() {
        Answer::Granted(grant) => {
            ledger.settle(grant, Settlement::answered()).await.unwrap();
            true
        }
        Answer::Refused(_) => false,
    }
}

pub(super) async fn view(ledger: &Ledger, call: &Call) -> ScopeView {
    ledger.views(&call.scopes).await.unwrap().remove(0)
}

/// A store in memory that counts, fails and is slow on demand.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) inner: MemoryStore,
    pub(super) updates: AtomicUsize,
    /// Message of the error that every update fails with.
    pub(super) failure: Mutex<Option<&'static str>>,
    /// Updates that may begin.
    pub(super) gate: Semaphore,
    /// How many times each change is run, as a store that compares and swaps may do.
    pub(super) runs: usize,
}

impl Watched {
    pub(super) fn new() -> Self {
        Self {
            inner: MemoryStore::default(),
            updates: AtomicUsize::new(0),
            failure: Mutex::new(None),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            runs: 1,
        }
    }
}

#[async_trait]
impl Store for Watched {
    async fn update(&self, keys: Vec<String>, mut change: Change) -> Result<()> {
        self.gate.acquire().await.unwrap().forget();
        if let Some(message) = *self.failure.lock().unwrap() {
            return Err(Error::new(message));
        }
        self.updates.fetch_add(1, Ordering::Relaxed);
        let runs = self.runs;
        let repeated: Change = Box::new(move |slots| {
            let before = slots.to_vec();
            for _ in 0..runs {
                slots.clone_from_slice(&before);
                change(slots);
            }
        });
        self.inner.update(keys, repeated).await
    }

    async fn get(&self, keys: Vec<String>) -> Result<Vec<Option<Vec<u8>>>> {
        self.inner.get(keys).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>> {
        self.inner.list(prefix).await
    }
}
