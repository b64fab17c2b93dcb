//! Leases that serve several calls where no limit is known: what they save, what they keep to, and when they end.

use std::sync::atomic::Ordering;

use super::support::*;
use crate::Observation;

fn books() -> Option<SpendKey> {
    Some(SpendKey { principal: "local".into(), connection: "api".into(), partition: None, table: None, label: None })
}

/// A call of which no limit is known.
fn open(key: &str) -> Arc<Call> {
    let mut call = Call { spend: books(), ..call(key, &[]) };
    call.scopes[0].is_paced = true;
    Arc::new(call)
}

fn on_real_clock(store: &Arc<Watched>) -> Ledger {
    Ledger::new(Arc::clone(store) as _, Arc::new(SystemClock::default()))
}

async fn scan(ledger: &Ledger, call: &Arc<Call>, calls: u32) {
    for _ in 0..calls {
        assert!(passes(ledger, call).await);
    }
}

fn updates(store: &Watched) -> usize {
    store.updates.swap(0, Ordering::Relaxed)
}

async fn spent(ledger: &Ledger) -> (u64, u64) {
    let spent = ledger.spent().await.unwrap();
    (spent.iter().map(|spend| spend.calls).sum(), spent.iter().map(|spend| spend.points).sum())
}

#[tokio::test]
async fn a_fast_scan_costs_few_writes() {
    let store = Arc::new(Watched::new());
    let (ledger, other) = (on_real_clock(&store), on_real_clock(&store));
    let call = open("a");
    scan(&ledger, &call, 500).await;
    // How many depends on the machine's pace; without runs they are 500.
    let written = updates(&store);
    assert!(written < 250, "{written} updates for 500 calls");
    ledger.flush().await.unwrap();
    assert_eq!(spent(&other).await, (500, 500), "what was booked ahead and not made is given back");
    let shown = view(&other, &call).await;
    assert_eq!((shown.in_flight, shown.waiting), (0, 0));
}

#[tokio::test]
async fn calls_are_in_the_books_before_they_are_made() {
    let store = Arc::new(Watched::new());
    let (ledger, other) = (on_real_clock(&store), on_real_clock(&store));
    let call = open("a");
    for made in 1..=200 {
        let grant = granted(&ledger, &call).await;
        assert_eq!(view(&other, &call).await.in_flight, 1);
        assert!(spent(&other).await.0 >= made, "another process sees those that were granted, and those ahead");
        ledger.settle(grant, Settlement::answered()).await.unwrap();
    }
    assert_eq!(spent(&ledger).await, (200, 200), "this process knows which were made");
}

#[tokio::test]
async fn a_run_ends_by_itself() {
    let store = Arc::new(Watched::new());
    let (ledger, other) = (on_real_clock(&store), on_real_clock(&store));
    let call = open("a");
    scan(&ledger, &call, 20).await;
    for _ in 0..200 {
        if view(&other, &call).await.in_flight == 0 && spent(&other).await == (20, 20) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it was not written within a second");
}

#[tokio::test]
async fn counters_that_are_known_have_no_runs() {
    let store = Arc::new(Watched::new());
    let ledger = on_real_clock(&store);
    let declared = Arc::new(Call { spend: books(), ..call("a", &[&window("daily", 100_000, 24 * HOUR)]) });
    scan(&ledger, &declared, 50).await;
    let written = updates(&store);
    assert!(written >= 50, "{written}");
    // What the server tells without its being declared is a counter, too.
    let call = open("b");
    scan(&ledger, &call, 20).await;
    let grant = granted(&ledger, &call).await;
    let told = Observation {
        scope: 0,
        quota: "calls".into(),
        limit: Some(30),
        remaining: Some(3),
        used: None,
        resets_in: Some(MINUTE),
        window: None,
        per_second: None,
    };
    ledger.settle(grant, Settlement { observations: vec![told], ..Settlement::answered() }).await.unwrap();
    scan(&ledger, &call, 3).await;
    assert!(matches!(refused(&ledger, &call).await, Refusal::Wait(wait) if &*wait.quota == "calls"));
}

#[tokio::test]
async fn a_refusal_stops_all_runs_of_its_scope() {
    let store = Arc::new(Watched::new());
    let ledger = on_real_clock(&store);
    let call = open("a");
    scan(&ledger, &call, 100).await;
    // One waits for its next call while another is refused.
    let (one, two) = (granted(&ledger, &call).await, granted(&ledger, &call).await);
    ledger.settle(one, Settlement::answered()).await.unwrap();
    let throttled = Throttling { scope: 0, quota: None, wait: Some(MINUTE) };
    ledger.settle(two, Settlement { throttled: Some(throttled), ..Settlement::answered() }).await.unwrap();
    assert!(matches!(refused(&ledger, &call).await, Refusal::Wait(wait) if wait.because == Because::Blocked));
    ledger.flush().await.unwrap();
    assert_eq!(spent(&ledger).await, (102, 102));
}

#[tokio::test]
async fn an_idle_lease_keeps_no_other_call_waiting() {
    let store = Arc::new(Watched::new());
    let ledger = on_real_clock(&store);
    // As many kinds of calls as may be under way at once, one after the other: each leaves a lease behind.
    let kinds: Vec<Arc<Call>> = (1..=12).map(|points| Arc::new(Call { points, ..Call::clone(&open("a")) })).collect();
    let at_once = || Patience { at_most: SECOND, on_wait: &|wait| panic!("it waits: {wait:?}") };
    for _ in 0..10 {
        for call in &kinds {
            let Answer::Granted(grant) = ledger.acquire(call, at_once()).await.unwrap() else { panic!("refused") };
            ledger.settle(grant, Settlement::answered()).await.unwrap();
        }
    }
    ledger.flush().await.unwrap();
    assert_eq!((spent(&ledger).await.0, view(&ledger, &kinds[0]).await.in_flight), (120, 0));
}

#[tokio::test]
async fn what_is_not_answered_is_settled_as_it_is() {
    let store = Arc::new(Watched::new());
    let ledger = on_real_clock(&store);
    let call = open("a");
    scan(&ledger, &call, 30).await;
    drop(granted(&ledger, &call).await);
    scan(&ledger, &call, 30).await;
    let grant = granted(&ledger, &call).await;
    ledger.settle(grant, Settlement::of(Fate::NotSent)).await.unwrap();
    ledger.flush().await.unwrap();
    assert_eq!(spent(&ledger).await, (61, 61), "all but the one that was not sent");
    assert_eq!(view(&ledger, &call).await.in_flight, 0);
}

#[tokio::test]
async fn a_clock_that_is_moved_by_hand_sees_every_call_written() {
    let store = Arc::new(Watched::new());
    let ledger = Ledger::new(Arc::clone(&store) as _, test_clock());
    scan(&ledger, &open("a"), 20).await;
    assert_eq!(updates(&store), 40, "a grant and a settlement each");
}

#[tokio::test]
async fn latency_is_learned_from_each_call() {
    let store = Arc::new(Watched::new());
    let ledger = on_real_clock(&store);
    let call = open("a");
    scan(&ledger, &call, 100).await;
    ledger.flush().await.unwrap();
    let record = store.inner.get(vec![format!("{SCOPE_PREFIX}a")]).await.unwrap().remove(0).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
    let seen: u64 = record["y"].as_array().unwrap().iter().map(|generation| generation[0].as_u64().unwrap()).sum();
    assert_eq!(seen, 100, "{record}");
}

/// Eight tasks that read `calls` each.
async fn eight(ledger: &Ledger, call: &Arc<Call>, calls: u32) {
    let task = async || {
        for _ in 0..calls {
            let grant = granted(ledger, call).await;
            tokio::task::yield_now().await;
            ledger.settle(grant, Settlement::answered()).await.unwrap();
        }
    };
    tokio::join!(task(), task(), task(), task(), task(), task(), task(), task());
}

#[tokio::test]
async fn a_lease_goes_to_those_that_wait() {
    let store = Arc::new(Watched::new());
    let (ledger, other) = (on_real_clock(&store), on_real_clock(&store));
    // More tasks than are let call at once: some always wait.
    let call = open("a");
    eight(&ledger, &call, 200).await;
    let written = updates(&store);
    assert!(written < 800, "{written} updates for 1,600 calls");
    ledger.flush().await.unwrap();
    assert_eq!(spent(&other).await, (1_600, 1_600));
    let shown = view(&other, &call).await;
    assert_eq!((shown.in_flight, shown.waiting), (0, 0));
}

#[tokio::test]
async fn runs_leave_room_for_other_calls_and_processes() {
    let store = Arc::new(Watched::new());
    let (ledger, other) = (on_real_clock(&store), on_real_clock(&store));
    let (one, two) = (open("a"), Arc::new(Call { points: 2, ..Call::clone(&open("a")) }));
    let all = async { tokio::join!(eight(&ledger, &one, 100), eight(&ledger, &two, 100), eight(&other, &one, 100)) };
    tokio::time::timeout(MINUTE, all).await.expect("nobody waits for ever");
    ledger.flush().await.unwrap();
    other.flush().await.unwrap();
    assert_eq!(spent(&ledger).await.0, 2_400);
    let shown = view(&other, &one).await;
    assert_eq!((shown.in_flight, shown.waiting), (0, 0));
}
