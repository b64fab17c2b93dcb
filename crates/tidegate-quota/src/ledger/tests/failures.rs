//! A store that fails, and entries that cannot be understood.

use super::support::*;
use crate::ErrorKind;

#[tokio::test]
async fn no_call_is_granted_that_is_not_booked() {
    let store = Arc::new(Watched::new());
    let ledger = Ledger::new(Arc::clone(&store) as _, test_clock());
    let call = Arc::new(call("a", &[&window("hourly", 5, HOUR)]));
    *store.failure.lock().unwrap() = Some("the disk is full; free some space");
    let error = ledger.acquire(&call, patient(HOUR)).await.unwrap_err();
    assert_eq!(error.to_string(), "the disk is full; free some space");
    *store.failure.lock().unwrap() = None;
    assert_eq!(view(&ledger, &call).await.meters[0].used, Some(0));
    assert!(passes(&ledger, &call).await);
}

#[tokio::test]
async fn a_settlement_that_could_not_be_written_fails_or_is_written_later() {
    let store = Arc::new(Watched::new());
    let call = Arc::new(call("a", &[&window("hourly", 100_000, HOUR)]));
    let strict = Ledger::new(Arc::clone(&store) as _, test_clock());
    let grant = granted(&strict, &call).await;
    *store.failure.lock().unwrap() = Some("full");
    assert_eq!(strict.settle(grant, Settlement::answered()).await.unwrap_err().to_string(), "full");
    *store.failure.lock().unwrap() = None;
    let shown = view(&strict, &call).await;
    assert_eq!((shown.in_flight, shown.meters[0].used), (0, Some(1)), "it is written with the next update");

    let store = Arc::new(Watched::new());
    let ledger = Ledger::new(Arc::clone(&store) as _, Arc::new(SystemClock::default()));
    let grant = granted(&ledger, &call).await;
    *store.failure.lock().unwrap() = Some("full");
    ledger.settle(grant, Settlement::answered()).await.unwrap();
    assert_eq!(ledger.flush().await.unwrap_err().to_string(), "full");
    *store.failure.lock().unwrap() = None;
    ledger.flush().await.unwrap();
    assert_eq!(view(&ledger, &call).await.in_flight, 0);
}

#[tokio::test]
async fn a_refusal_holds_calls_up_though_it_could_not_be_written_at_once() {
    let store = Arc::new(Watched::new());
    let ledger = Ledger::new(Arc::clone(&store) as _, test_clock());
    let call = Arc::new(call("a", &[]));
    let grant = granted(&ledger, &call).await;
    *store.failure.lock().unwrap() = Some("full");
    let throttled = Some(Throttling { scope: 0, quota: None, wait: Some(7 * SECOND) });
    assert!(ledger.settle(grant, Settlement { throttled, ..Settlement::answered() }).await.is_err());
    *store.failure.lock().unwrap() = None;
    let refusal = refused(&ledger, &call).await;
    assert!(matches!(refusal, Refusal::Wait(Wait { because: Because::Blocked, .. })), "{refusal:?}");
}

#[tokio::test]
async fn a_place_that_could_not_be_given_back_is_given_back_later() {
    let store = Arc::new(Watched::new());
    let ledger = Arc::new(Ledger::new(Arc::clone(&store) as _, test_clock()));
    let call = Arc::new(call("a", &[&concurrent(1)]));
    let _first = granted(&ledger, &call).await;
    let waiting = tokio::spawn({
        let (ledger, call) = (Arc::clone(&ledger), Arc::clone(&call));
        async move { ledger.acquire(&call, patient(HOUR)).await.map(drop) }
    });
    while view(&ledger, &call).await.waiting == 0 {
        tokio::task::yield_now().await;
    }
    *store.failure.lock().unwrap() = Some("full");
    assert!(waiting.await.unwrap().is_err());
    *store.failure.lock().unwrap() = None;
    assert_eq!(view(&ledger, &call).await.waiting, 0);
}

/// More than one update does is kept, and whoever comes after it hears of the error all the same.
#[tokio::test]
async fn who_waits_behind_much_that_cannot_be_written_is_told() {
    let store = Arc::new(Watched::new());
    let ledger = Ledger::new(Arc::clone(&store) as _, Arc::new(SystemClock::default()));
    let call = Arc::new(call("a", &[&window("hourly", 100_000, HOUR)]));
    let mut grants = Vec::new();
    for _ in 0..200 {
        grants.push(granted(&ledger, &call).await);
    }
    *store.failure.lock().unwrap() = Some("full");
    for grant in grants {
        ledger.settle(grant, Settlement::answered()).await.unwrap();
    }
    let within = async |asking| tokio::time::timeout(5 * SECOND, asking).await.expect("it goes round for ever");
    assert_eq!(within(ledger.flush()).await.unwrap_err().to_string(), "full");
    *store.failure.lock().unwrap() = None;
    within(ledger.flush()).await.unwrap();
    let shown = view(&ledger, &call).await;
    assert_eq!((shown.in_flight, shown.meters[0].used), (0, Some(200)));
}

#[tokio::test]
async fn a_settlement_whose_entry_is_damaged_is_not_tried_again() {
    let (ledger, _) = ledger();
    let call = Arc::new(call("a", &[]));
    let grant = granted(&ledger, &call).await;
    let damage: Change = Box::new(|slots| {
        slots[0].value = Some(b"[[".to_vec());
        slots[0].is_changed = true;
    });
    ledger.shared.store.update(vec!["scope|a".to_owned()], damage).await.unwrap();
    assert_eq!(ledger.settle(grant, Settlement::answered()).await.unwrap_err().kind(), ErrorKind::Entry);
    assert!(ledger.shared.desk.is_idle());
}

#[tokio::test]
async fn a_damaged_entry_fails_those_who_need_it_alone() {
    let store = Arc::new(Watched::new());
    let ledger = Arc::new(Ledger::new(Arc::clone(&store) as _, test_clock()));
    let quota = window("hourly", 5, HOUR);
    let (good, bad) = (Arc::new(call("good", &[&quota])), Arc::new(call("bad", &[&quota])));
    let damage: Change = Box::new(|slots| {
        slots[0].value = Some(b"[[".to_vec());
        slots[0].is_changed = true;
    });
    store.update(vec!["scope|bad".to_owned()], damage).await.unwrap();
    let (one, other) = tokio::join!(ledger.acquire(&bad, patient(HOUR)), ledger.acquire(&good, patient(HOUR)));
    let error = one.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Entry);
    for words in ["scope|bad", "ledger.db", "update Tidegate"] {
        assert!(error.to_string().contains(words), "{error}");
    }
    assert!(matches!(other.unwrap(), Answer::Granted(_)));
    assert!(ledger.views(&bad.scopes).await.is_err());
}

#[tokio::test]
async fn a_call_that_names_a_scope_twice_is_an_error() {
    let (ledger, _) = ledger();
    let mut twice = call("a", &[]);
    twice.scopes.push(scope("a", &[]));
    let error = ledger.acquire(&Arc::new(twice), patient(HOUR)).await.unwrap_err();
    assert!(error.to_string().contains("'a' twice"), "{error}");
}

#[tokio::test]
async fn entries_of_other_versions_are_left_alone() {
    let (ledger, _) = ledger();
    let put: Change = Box::new(|slots| {
        for slot in slots {
            slot.value = Some(b"?".to_vec());
            slot.is_changed = true;
        }
    });
    let keys = ["future", "spend|2|x", "spend|x", "scope2|a"].map(str::to_owned).to_vec();
    ledger.shared.store.update(keys.clone(), put).await.unwrap();
    assert!(passes(&ledger, &Arc::new(call("a", &[]))).await);
    assert_eq!(ledger.spent().await.unwrap(), []);
    ledger.flush().await.unwrap();
    let kept = ledger.shared.store.get(keys).await.unwrap();
    assert_eq!(kept.iter().filter(|value| value.is_some()).count(), 4);
}

#[test]
fn a_ledger_outlives_the_runtime_that_worked_for_it() {
    let store = Arc::new(Watched { gate: tokio::sync::Semaphore::new(0), ..Watched::new() });
    let ledger = Arc::new(Ledger::new(Arc::clone(&store) as _, test_clock()));
    let call = Arc::new(call("a", &[&window("hourly", 5, HOUR)]));
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    first.block_on(async {
        let (ledger, call) = (Arc::clone(&ledger), Arc::clone(&call));
        let task = tokio::spawn(async move { ledger.acquire(&call, patient(HOUR)).await.map(drop) });
        tokio::task::yield_now().await;
        assert!(!task.is_finished());
    });
    drop(first);
    store.gate.add_permits(1_000);
    runtime().block_on(async { assert!(passes(&ledger, &call).await) });
}
