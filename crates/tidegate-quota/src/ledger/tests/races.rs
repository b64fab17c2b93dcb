//! Many tasks at once, and two ledgers on one store.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_get_no_more_than_there_is() {
    const LIMIT: usize = 40;
    let store = Arc::<MemoryStore>::default();
    let ledgers = [(); 2].map(|()| Arc::new(Ledger::new(Arc::clone(&store) as _, Arc::new(SystemClock::default()))));
    let call = Arc::new(call("a", &[&window("hourly", 40, HOUR)]));
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let (ledger, call) = (Arc::clone(&ledgers[n % 2]), Arc::clone(&call));
            tokio::spawn(async move { passes(&ledger, &call).await })
        })
        .collect();
    let mut passed = 0;
    for task in tasks {
        passed += usize::from(task.await.unwrap());
    }
    assert_eq!(passed, LIMIT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_more_calls_are_under_way_than_may_be_and_all_get_their_turn() {
    const LIMIT: usize = 3;
    let store = Arc::<MemoryStore>::default();
    let ledgers = [(); 2].map(|()| Arc::new(Ledger::new(Arc::clone(&store) as _, Arc::new(SystemClock::default()))));
    let call = Arc::new(call("a", &[&concurrent(3)]));
    let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..60)
        .map(|n| {
            let (ledger, call) = (Arc::clone(&ledgers[n % 2]), Arc::clone(&call));
            let (under_way, most) = (Arc::clone(&under_way), Arc::clone(&most));
            tokio::spawn(async move {
                let grant = granted(&ledger, &call).await;
                most.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(1)).await;
                under_way.fetch_sub(1, Ordering::SeqCst);
                ledger.settle(grant, Settlement::answered()).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(most.load(Ordering::SeqCst), LIMIT);
}

/// Two ledgers want one place all the time: neither gets much more than the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_ledgers_take_turns() {
    const EACH: usize = 60;
    let store = Arc::<MemoryStore>::default();
    let served: Arc<Mutex<Vec<usize>>> = Arc::default();
    let call = Arc::new(call("a", &[&concurrent(1)]));
    let mut tasks = Vec::new();
    for place in 0..2 {
        let ledger = Arc::new(Ledger::new(Arc::clone(&store) as _, Arc::new(SystemClock::default())));
        for _ in 0..EACH {
            let (ledger, call, served) = (Arc::clone(&ledger), Arc::clone(&call), Arc::clone(&served));
            tasks.push(tokio::spawn(async move {
                let grant = granted(&ledger, &call).await;
                served.lock().unwrap().push(place);
                tokio::time::sleep(Duration::from_millis(5)).await;
                ledger.settle(grant, Settlement::answered()).await.unwrap();
            }));
        }
    }
    for task in tasks {
        task.await.unwrap();
    }
    let served = served.lock().unwrap();
    let half = served[..EACH].iter().filter(|&&place| place == 0).count();
    assert!((EACH / 4..=EACH * 3 / 4).contains(&half), "{half} of the first {EACH}: {served:?}");
}
