//! Waiting: for how long, in which order, who is told, and giving it up.

use std::sync::Mutex;

use tokio::task::{JoinHandle, yield_now};

use super::support::*;
use crate::ledger::batch::Place;
use crate::ledger::shared::Done;
use crate::scope::Decision;

/// Lets other tasks run until they wait.
async fn settle_down() {
    for _ in 0..50 {
        yield_now().await;
    }
}

/// A task that waits for a grant, puts its name down, and answers it.
fn waiter(
    ledger: &Arc<Ledger>,
    call: Call,
    name: &'static str,
    served: &Arc<Mutex<Vec<&'static str>>>,
) -> JoinHandle<()> {
    let (ledger, served, call) = (Arc::clone(ledger), Arc::clone(served), Arc::new(call));
    tokio::spawn(async move {
        let grant = granted(&ledger, &call).await;
        served.lock().unwrap().push(name);
        ledger.settle(grant, Settlement::answered()).await.unwrap();
    })
}

#[tokio::test]
async fn a_call_waits_until_the_window_opens_and_tells_so() {
    let (ledger, clock) = ledger();
    let call = Arc::new(call("a", &[&window("minutely", 2, MINUTE)]));
    assert!(passes(&ledger, &call).await && passes(&ledger, &call).await);
    let told = Mutex::new(Vec::new());
    let on_wait = |wait: Option<&Wait>| told.lock().unwrap().push(wait.cloned());
    let answer = ledger.acquire(&call, Patience { at_most: MINUTE, on_wait: &on_wait }).await.unwrap();
    let Answer::Granted(grant) = answer else { panic!("{answer:?}") };
    assert_eq!(grant.waited, MINUTE);
    assert_eq!(clock.elapsed(), MINUTE);
    let told = told.into_inner().unwrap();
    let [Some(wait), None] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((&*wait.quota, wait.because, wait.after), ("minutely", Because::Spent, Some(MINUTE)));
    assert_eq!(wait.until, Some(start() + MINUTE));
    assert_eq!(wait.scope, call.scopes[0].key);
}

#[tokio::test]
async fn a_wait_that_is_known_to_be_too_long_is_refused_at_once() {
    let (ledger, clock) = ledger();
    let call = Arc::new(call("a", &[&window("hourly", 1, HOUR)]));
    assert!(passes(&ledger, &call).await);
    for at_most in [Duration::ZERO, HOUR - SECOND] {
        let answer = ledger.acquire(&call, patient(at_most)).await.unwrap();
        let Answer::Refused(Refusal::Wait(wait)) = answer else { panic!("{answer:?}") };
        assert_eq!(wait.after, Some(HOUR));
    }
    assert_eq!(clock.elapsed(), Duration::ZERO);
    assert_eq!(view(&ledger, &call).await.waiting, 0, "nobody is left in the queue");
    granted(&ledger, &call).await;
    assert_eq!(clock.elapsed(), HOUR);
}

#[tokio::test]
async fn what_never_fits_is_another_answer() {
    let (ledger, _) = ledger();
    let mut never = call("a", &[&window("hourly", 10, HOUR)]);
    never.reserve = Arc::new([("hourly".to_owned(), 10)]);
    let refusal = refused(&ledger, &Arc::new(never)).await;
    let Refusal::Never(Never { quota, limit, needs, .. }) = refusal else { panic!("{refusal:?}") };
    assert_eq!((&*quota, limit, needs), ("hourly", 0, 1));
}

#[tokio::test]
async fn a_settlement_lets_the_next_call_go() {
    let (ledger, clock) = ledger();
    let call = Arc::new(call("a", &[&concurrent(1)]));
    let first = granted(&ledger, &call).await;
    let served = Arc::default();
    let waiting = waiter(&ledger, (*call).clone(), "second", &served);
    settle_down().await;
    assert_eq!(view(&ledger, &call).await.waiting, 1);
    assert!(served.lock().unwrap().is_empty());
    ledger.settle(first, Settlement::answered()).await.unwrap();
    waiting.await.unwrap();
    assert_eq!(view(&ledger, &call).await.waiting, 0);
    assert_eq!(clock.elapsed(), Duration::ZERO, "it did not look at the clock");
}

#[tokio::test]
async fn calls_are_served_by_priority_and_then_as_they_came() {
    let (ledger, _) = ledger();
    let call = call("a", &[&concurrent(1)]);
    let first = granted(&ledger, &Arc::new(call.clone())).await;
    let served = Arc::default();
    let of = |priority| Call { priority, ..call.clone() };
    let mut tasks = Vec::new();
    for (name, priority) in [
        ("low", Priority::Low),
        ("first", Priority::Normal),
        ("second", Priority::Normal),
        ("high", Priority::High),
        ("third", Priority::Normal),
    ] {
        tasks.push(waiter(&ledger, of(priority), name, &served));
        settle_down().await;
        let shown = view(&ledger, &call).await;
        assert_eq!((shown.waiting, shown.meters[0].waiting), (tasks.len() as u64, tasks.len() as u64));
    }
    ledger.settle(first, Settlement::answered()).await.unwrap();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*served.lock().unwrap(), ["high", "first", "second", "third", "low"]);
}

#[tokio::test]
async fn a_call_that_must_leave_more_over_holds_nobody_up() {
    let (ledger, clock) = ledger();
    let quota = window("hourly", 3, HOUR);
    let plain = Arc::new(call("a", &[&quota]));
    let modest = Call { reserve: Arc::new([("hourly".to_owned(), 2)]), ..(*plain).clone() };
    assert!(passes(&ledger, &plain).await);
    let refusal = refused(&ledger, &Arc::new(modest)).await;
    assert!(matches!(refusal, Refusal::Wait(Wait { because: Because::Reserve, .. })), "{refusal:?}");
    assert!(passes(&ledger, &plain).await);
    assert_eq!(clock.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn who_gives_up_waiting_leaves_the_queue() {
    let (ledger, _) = ledger();
    let call = Arc::new(call("a", &[&concurrent(1)]));
    let first = granted(&ledger, &call).await;
    let served = Arc::default();
    let gone = [waiter(&ledger, (*call).clone(), "gone", &served), waiter(&ledger, (*call).clone(), "gone", &served)];
    settle_down().await;
    gone.iter().for_each(JoinHandle::abort);
    settle_down().await;
    assert_eq!(view(&ledger, &call).await.waiting, 0);
    assert_eq!(ledger.shared.lanes.count(), 0);

    let gone = waiter(&ledger, (*call).clone(), "gone", &served);
    settle_down().await;
    let next = waiter(&ledger, (*call).clone(), "next", &served);
    settle_down().await;
    gone.abort();
    settle_down().await;
    ledger.settle(first, Settlement::answered()).await.unwrap();
    next.await.unwrap();
    assert_eq!(*served.lock().unwrap(), ["next"]);
}

#[tokio::test]
async fn who_waits_behind_another_is_refused_as_soon_as_its_patience_is_known_not_to_suffice() {
    let (ledger, clock) = ledger();
    let call = Arc::new(call("a", &[&window("hourly", 1, HOUR)]));
    assert!(passes(&ledger, &call).await);
    let long = tokio::spawn({
        let (ledger, call) = (Arc::clone(&ledger), Arc::clone(&call));
        async move { granted(&ledger, &call).await.waited }
    });
    yield_now().await;
    let answer = ledger.acquire(&call, patient(MINUTE)).await.unwrap();
    assert!(matches!(answer, Answer::Refused(Refusal::Wait(_))), "{answer:?}");
    assert_eq!(long.await.unwrap(), HOUR);
    assert_eq!(clock.elapsed(), HOUR);
}

#[tokio::test]
async fn a_surprise_holds_everybody_up_until_its_time() {
    let (ledger, clock) = ledger();
    let call = Arc::new(call("a", &[]));
    let grant = granted(&ledger, &call).await;
    let wait = Some(7 * SECOND);
    let throttled = Some(Throttling { scope: 0, quota: None, wait });
    ledger.settle(grant, Settlement { throttled, ..Settlement::answered() }).await.unwrap();
    let refusal = refused(&ledger, &call).await;
    let Refusal::Wait(Wait { because: Because::Blocked, after, .. }) = refusal else { panic!("{refusal:?}") };
    assert_eq!(after, wait);
    let shown = view(&ledger, &call).await;
    assert_eq!((shown.refused, shown.blocked_until), (1, Some(start() + 7 * SECOND)));
    assert_eq!(granted(&ledger, &call).await.waited, 7 * SECOND);
    assert_eq!(clock.elapsed(), 7 * SECOND);
}

/// Tries once under this ticket, as the first of a lane does, and does not look again.
async fn try_once(ledger: &Ledger, call: &Arc<Call>, ticket: u64) -> Done {
    let place = Some(Place { ticket, priority: Priority::Normal, since: None });
    let job = Job::Try { call: Arc::clone(call), lease: ticket, place, spend: None, ahead: 0 };
    desk::ask(&ledger.shared, job).await.unwrap()
}

/// The place of a call that waits for this quota is kept for so long.
async fn check_place_is_kept(quota: &Arc<Quota>, kept: Duration) {
    for (waited, waiting) in [(kept - SECOND, 1), (kept + SECOND, 0)] {
        let (ledger, clock) = ledger();
        let call = Arc::new(call("a", &[quota]));
        let mut under_way = Some(granted(&ledger, &call).await);
        // When a window opens is known once nothing is under way.
        if let Some(grant) = under_way.take_if(|_| matches!(quota.limit, Limit::Window { .. })) {
            ledger.settle(grant, Settlement::answered()).await.unwrap();
        }
        assert!(matches!(try_once(&ledger, &call, 7).await, Done::Denied(..)));
        clock.advance(waited);
        assert_eq!(view(&ledger, &call).await.waiting, waiting, "{} after {waited:?}", quota.name);
    }
}

#[tokio::test]
async fn a_place_is_kept_until_its_owner_looks_again() {
    let Terms { ticket, look, .. } = Terms::default();
    check_place_is_kept(&concurrent(1), ticket).await;
    check_place_is_kept(&window("short", 1, look / 2), look / 2 + ticket).await;
    check_place_is_kept(&window("long", 1, HOUR), look + ticket).await;
}

#[tokio::test]
async fn who_sleeps_until_a_window_opens_goes_before_who_comes_then() {
    let (ledger, clock) = ledger();
    let call = Arc::new(call("a", &[&window("short", 1, 30 * SECOND)]));
    assert!(passes(&ledger, &call).await);
    assert!(matches!(try_once(&ledger, &call, 7).await, Done::Denied(..)));
    clock.advance(31 * SECOND);
    let late = try_once(&ledger, &call, 8).await;
    let Done::Denied(Decision::Wait { because: Because::Queue, .. }, _) = late else { panic!("{late:?}") };
    let early = try_once(&ledger, &call, 7).await;
    assert!(matches!(early, Done::Granted(_)), "{early:?}");
}

#[tokio::test]
async fn waiting_for_calls_under_way_ends_in_the_end() {
    let clock = test_clock();
    let terms = Terms { stuck: 40 * Duration::from_millis(1), ..Terms::default() };
    let ledger = Ledger::with_terms(Arc::<MemoryStore>::default(), Arc::clone(&clock) as _, terms);
    let call = Arc::new(call("a", &[&concurrent(1)]));
    let _first = granted(&ledger, &call).await;
    let refusal = refused(&ledger, &call).await;
    let Refusal::Wait(Wait { because: Because::Concurrency, after: None, quota, .. }) = refusal else {
        panic!("{refusal:?}")
    };
    assert_eq!(&*quota, "at_once");
    assert!(clock.elapsed() >= terms.stuck && clock.elapsed() < SECOND, "{:?}", clock.elapsed());
}
