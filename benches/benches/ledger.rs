//! The quota ledger: what it costs to acquire and settle a call in two scopes with a daily and a minutely quota, which are
//! never spent. Several processes at once: `tidegate-benches ledger`.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot begin has nothing to say")]

use std::sync::Arc;
use std::time::Duration;

use divan::Bencher;
use tidegate_quota::{
    Answer, Call, FolderStore, Ledger, Limit, MemoryStore, Patience, Priority, Quota, ScopeKey, ScopeUse, Settlement,
    SpendKey, Store, SystemClock, Unit, Window,
};
use tokio::runtime::{Builder, Runtime};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Calls under way at once, as of a scan that reads ahead.
const AT_ONCE: usize = 8;

fn main() {
    divan::main();
}

#[divan::bench]
fn in_memory(bencher: Bencher<'_, '_>) {
    one_by_one(bencher, Arc::<MemoryStore>::default());
}

#[divan::bench]
fn on_disk(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    one_by_one(bencher, Arc::new(FolderStore::in_folder(folder.path())));
}

#[divan::bench]
fn in_memory_eight_at_once(bencher: Bencher<'_, '_>) {
    at_once(bencher, Arc::<MemoryStore>::default());
}

#[divan::bench]
fn on_disk_eight_at_once(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    at_once(bencher, Arc::new(FolderStore::in_folder(folder.path())));
}

/// Opening the store is not what is measured.
fn begin(store: Arc<dyn Store>) -> (Runtime, Ledger, Arc<Call>) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let ledger = Ledger::new(store, Arc::new(SystemClock::default()));
    let call = Arc::new(call());
    runtime.block_on(one(&ledger, &call));
    (runtime, ledger, call)
}

fn one_by_one(bencher: Bencher<'_, '_>, store: Arc<dyn Store>) {
    let (runtime, ledger, call) = begin(store);
    bencher.bench_local(|| runtime.block_on(one(&ledger, &call)));
    runtime.block_on(ledger.flush()).unwrap();
}

fn at_once(bencher: Bencher<'_, '_>, store: Arc<dyn Store>) {
    let (runtime, ledger, call) = begin(store);
    let all = || futures_of(&ledger, &call);
    bencher.counter(AT_ONCE).bench_local(|| runtime.block_on(all()));
    runtime.block_on(ledger.flush()).unwrap();
}

async fn futures_of(ledger: &Ledger, call: &Arc<Call>) {
    let one = || one(ledger, call);
    tokio::join!(one(), one(), one(), one(), one(), one(), one(), one());
}

async fn one(ledger: &Ledger, call: &Arc<Call>) {
    match ledger.acquire(call, Patience { at_most: DAY, on_wait: &|_| {} }).await.unwrap() {
        Answer::Granted(grant) => ledger.settle(grant, Settlement::answered()).await.unwrap(),
        Answer::Refused(refusal) => panic!("refused: {refusal:?}"),
    };
}

fn call() -> Call {
    let quota = |name: &str, window| {
        let limit = Limit::Window { limit: Some(1 << 40), window };
        Arc::new(Quota { name: name.into(), unit: Unit::Calls, limit, is_reported: false })
    };
    let scope = |key: &str, quotas| ScopeUse { key: ScopeKey(key.into()), quotas, is_paced: false };
    let minutely = Window::FirstCall(Duration::from_secs(60));
    let spend = SpendKey {
        principal: "local".into(),
        connection: "erp".into(),
        partition: None,
        table: Some("accounts".into()),
        label: None,
    };
    Call {
        scopes: vec![
            scope("erp|https://erp.example|f00d", vec![quota("daily", Window::Aligned(DAY))]),
            scope("erp|https://erp.example|f00d|connection:erp", vec![quota("minutely", minutely)]),
        ],
        points: 1,
        is_token_request: false,
        reserve: Arc::new([]),
        priority: Priority::Normal,
        spend: Some(spend),
    }
}
