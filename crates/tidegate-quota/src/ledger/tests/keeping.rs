//! What is written when: settlements, books, leases, pruning.

use std::sync::atomic::Ordering;

use super::support::*;

fn spend_key(table: &str) -> SpendKey {
    SpendKey {
        principal: "local".into(),
        connection: "gh".into(),
        partition: None,
        table: Some(table.into()),
        label: None,
    }
}

fn on_real_clock(store: &Arc<Watched>) -> Ledger {
    Ledger::new(Arc::clone(store) as _, Arc::new(SystemClock::default()))
}

#[tokio::test]
async fn a_sequential_scan_costs_one_write_a_call() {
    let store = Arc::new(Watched::new());
    let ledger = on_real_clock(&store);
    let unlimited = Call { spend: Some(spend_key("issues")), ..call("a", &[&window("daily", 100_000, 24 * HOUR)]) };
    let unlimited = Arc::new(unlimited);
    for _ in 0..100 {
        assert!(passes(&ledger, &unlimited).await);
    }
    let written = store.updates.load(Ordering::Relaxed);
    assert!((100..=110).contains(&written), "{written} updates for 100 calls");
    ledger.flush().await.unwrap();
    let shown = view(&ledger, &unlimited).await;
    assert_eq!((shown.in_flight, shown.meters[0].used), (0, Some(100)));
}

#[tokio::test]
async fn calls_that_a_task_has_under_way_together_are_one_write() {
    let store = Arc::new(Watched::new());
    let ledger = on_real_clock(&store);
    let unlimited = Arc::new(call("a", &[&window("daily", 100_000, 24 * HOUR)]));
    let ask = || granted(&ledger, &unlimited);
    let _grants = tokio::join!(ask(), ask(), ask(), ask());
    assert_eq!(store.updates.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_settlement_that_nobody_waits_for_is_written_soon() {
    let store = Arc::new(Watched::new());
    let (ledger, other) = (on_real_clock(&store), on_real_clock(&store));
    let unlimited = Arc::new(call("a", &[&window("daily", 100_000, 24 * HOUR)]));
    assert!(passes(&ledger, &unlimited).await);
    assert_eq!(store.updates.load(Ordering::Relaxed), 1);
    for _ in 0..200 {
        if view(&other, &unlimited).await.in_flight == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it was not written within a second");
}

#[tokio::test]
async fn a_settlement_tells_what_is_left_whether_written_or_not() {
    let call = Arc::new(call("a", &[&window("daily", 100_000, 24 * HOUR)]));
    let clocks: [Arc<dyn Clock>; 2] = [test_clock(), Arc::new(SystemClock::default())];
    for clock in clocks {
        let ledger = Ledger::new(Arc::<MemoryStore>::default(), clock);
        for left in [99_999, 99_998, 99_997] {
            let grant = granted(&ledger, &call).await;
            let meters = ledger.settle(grant, Settlement::answered()).await.unwrap();
            assert_eq!(meters.len(), 1);
            assert_eq!((&*meters[0].name, meters[0].remaining, meters[0].in_flight), ("daily", Some(left), 0));
        }
    }
}

#[tokio::test]
async fn a_grant_that_is_dropped_is_spent_and_no_longer_under_way() {
    let (ledger, _) = ledger();
    let call = Arc::new(call("a", &[&window("hourly", 5, HOUR), &concurrent(1)]));
    drop(granted(&ledger, &call).await);
    let shown = view(&ledger, &call).await;
    assert_eq!(shown.in_flight, 0);
    let hourly = shown.meters.iter().find(|meter| &*meter.name == "hourly").unwrap();
    assert_eq!(hourly.used, Some(1));
    let grant = granted(&ledger, &call).await;
    ledger.settle(grant, Settlement::of(Fate::NotSent)).await.unwrap();
    let hourly = view(&ledger, &call).await.meters.into_iter().find(|meter| &*meter.name == "hourly").unwrap();
    assert_eq!(hourly.used, Some(1), "what was not sent is given back");
}

#[tokio::test]
async fn what_was_granted_to_nobody_is_given_back() {
    let store = Arc::new(Watched { gate: tokio::sync::Semaphore::new(0), ..Watched::new() });
    let ledger = Ledger::new(Arc::clone(&store) as _, test_clock());
    let call = Arc::new(Call { spend: Some(spend_key("t")), ..call("a", &[&window("hourly", 5, HOUR)]) });
    for _ in 0..2 {
        let asking = ledger.acquire(&call, patient(MINUTE));
        // The update has begun when the task is given up.
        assert!(tokio::time::timeout(Duration::from_millis(5), asking).await.is_err());
    }
    store.gate.add_permits(1_000);
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    let shown = view(&ledger, &call).await;
    assert_eq!((shown.in_flight, shown.meters[0].used), (0, Some(0)));
    assert!(ledger.spent().await.unwrap().iter().all(|spend| (spend.calls, spend.points) == (0, 0)));
}

#[tokio::test]
async fn a_change_that_is_run_twice_counts_once() {
    let store = Arc::new(Watched { runs: 3, ..Watched::new() });
    let ledger = Ledger::new(Arc::clone(&store) as _, test_clock());
    let call = Arc::new(Call { spend: Some(spend_key("t")), ..call("a", &[&window("hourly", 5, HOUR)]) });
    assert!(passes(&ledger, &call).await);
    let shown = view(&ledger, &call).await;
    assert_eq!((shown.in_flight, shown.meters[0].used), (0, Some(1)));
    assert_eq!(ledger.spent().await.unwrap()[0].calls, 1);
}

#[tokio::test]
async fn books_are_kept_by_day_and_key() {
    let (ledger, clock) = ledger();
    let points = Arc::new(Quota {
        name: "points".into(),
        unit: Unit::Points,
        limit: Limit::Window { limit: Some(1_000), window: Window::FirstCall(HOUR) },
        is_reported: false,
    });
    let of = |table: &str| Arc::new(Call { points: 5, spend: Some(spend_key(table)), ..call("a", &[&points]) });
    for (table, settlement) in [
        ("issues", Settlement::answered()),
        ("issues", Settlement { points: Some(9), ..Settlement::answered() }),
        ("issues", Settlement::of(Fate::NotSent)),
        ("größe|\"x", Settlement::of(Fate::Lost)),
    ] {
        let grant = granted(&ledger, &of(table)).await;
        ledger.settle(grant, settlement).await.unwrap();
    }
    clock.advance(24 * HOUR);
    assert!(passes(&ledger, &of("issues")).await);
    let day = i64::try_from(start().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() / 86_400).unwrap();
    let spend = |day, table, calls, points| Spend { day, key: spend_key(table), calls, points };
    assert_eq!(
        ledger.spent().await.unwrap(),
        [spend(day, "größe|\"x", 1, 5), spend(day, "issues", 2, 14), spend(day + 1, "issues", 1, 5)]
    );
}

#[tokio::test]
async fn old_books_and_unused_scopes_go() {
    let (ledger, clock) = ledger();
    let at = |key: &str| Arc::new(Call { spend: Some(spend_key(key)), ..call(key, &[&window("hourly", 5, HOUR)]) });
    assert!(passes(&ledger, &at("old")).await);
    clock.advance(80 * 24 * HOUR);
    assert!(passes(&ledger, &at("new")).await);
    ledger.flush().await.unwrap();
    clock.advance(11 * 24 * HOUR);
    let listed = async || {
        let scopes = ledger.shared.store.list(SCOPE_PREFIX).await.unwrap();
        scopes.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(listed().await, ["scope|new", "scope|old"]);
    assert!(passes(&ledger, &at("newer")).await);
    ledger.flush().await.unwrap();
    assert_eq!(listed().await, ["scope|new", "scope|newer"]);
    assert_eq!(ledger.spent().await.unwrap().len(), 3);
    clock.advance(310 * 24 * HOUR);
    assert!(passes(&ledger, &at("newer")).await);
    ledger.flush().await.unwrap();
    let tables: Vec<_> = ledger.spent().await.unwrap().into_iter().filter_map(|spend| spend.key.table).collect();
    assert_eq!(tables.iter().map(|table| &**table).collect::<Vec<_>>(), ["new", "newer", "newer"]);
}

/// Time that counts as real, and goes on when the test says so.
#[derive(Debug)]
struct Driven(TestClock);

#[async_trait::async_trait]
impl Clock for Driven {
    fn now(&self) -> std::time::SystemTime {
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending().await
    }

    fn uptime(&self) -> Option<crate::Uptime> {
        self.0.uptime()
    }
}

#[tokio::test]
async fn a_process_that_lasts_looks_a_day_later_and_a_short_one_at_its_end() {
    let day = 24 * HOUR;
    let pruned = async |store: &Watched| store.get(vec!["pruned".to_owned()]).await.unwrap()[0].clone();
    let call = Arc::new(call("a", &[&window("hourly", 100_000, HOUR)]));
    for (advances, is_flushed, looks) in
        [(vec![], false, 0), (vec![day / 2], false, 0), (vec![day, day], false, 2), (vec![], true, 1)]
    {
        let (store, clock) = (Arc::new(Watched::new()), Arc::new(Driven(TestClock::new(start()))));
        let ledger = Ledger::new(Arc::clone(&store) as _, Arc::clone(&clock) as _);
        assert!(passes(&ledger, &call).await);
        let mut looked = vec![];
        for advance in &advances {
            clock.0.advance(*advance);
            assert!(passes(&ledger, &call).await);
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            looked.extend(pruned(&store).await);
        }
        if is_flushed {
            ledger.flush().await.unwrap();
            looked.extend(pruned(&store).await);
        }
        looked.dedup();
        assert_eq!(looked.len(), looks, "{advances:?}");
    }
}

#[tokio::test]
async fn a_call_that_lasts_long_keeps_its_lease_and_a_dead_one_does_not() {
    let clock = test_clock();
    let store = Arc::<MemoryStore>::default();
    let ledgers = [(); 2].map(|()| Ledger::new(Arc::clone(&store) as _, Arc::clone(&clock) as _));
    let call = Arc::new(call("a", &[&window("hourly", 5, HOUR), &concurrent(2)]));
    let _alive = granted(&ledgers[0], &call).await;
    std::mem::forget(granted(&ledgers[1], &call).await);
    for _ in 0..10 {
        clock.advance(11 * SECOND);
        // Anything that the process does renews its leases.
        ledgers[0].flush().await.unwrap();
        desk::ask(&ledgers[0].shared, Job::Nothing).await.unwrap();
    }
    let shown = view(&ledgers[0], &call).await;
    assert_eq!(shown.in_flight, 1, "the other did nothing for 110 seconds");
    let hourly = shown.meters.iter().find(|meter| &*meter.name == "hourly").unwrap();
    assert_eq!(hourly.used, Some(2), "its call counts as spent");
    assert!(passes(&ledgers[0], &call).await);
}

#[tokio::test]
async fn leases_are_renewed_while_nothing_else_happens() {
    let terms = Terms { lease: 120 * MILLI, renew_after: 40 * MILLI, ..Terms::default() };
    let store = Arc::<MemoryStore>::default();
    let ledger = Ledger::with_terms(Arc::clone(&store) as _, Arc::new(SystemClock::default()), terms);
    let other = Ledger::with_terms(store, Arc::new(SystemClock::default()), terms);
    let call = Arc::new(call("a", &[&concurrent(1)]));
    let grant = granted(&ledger, &call).await;
    tokio::time::sleep(400 * MILLI).await;
    assert_eq!(view(&other, &call).await.in_flight, 1);
    ledger.settle(grant, Settlement::answered()).await.unwrap();
    ledger.flush().await.unwrap();
    assert_eq!(view(&other, &call).await.in_flight, 0);
}

const MILLI: Duration = Duration::from_millis(1);
