//! Equal requests under way: one asks, and nobody waits in vain.

use std::collections::VecDeque;

use tokio::sync::Semaphore;

use super::*;
use crate::testing::failure;

/// Answers one request for each permit.
#[derive(Debug)]
struct Gate {
    open: Semaphore,
    answers: Mutex<VecDeque<Result<Response>>>,
    asked: std::sync::atomic::AtomicUsize,
}

#[async_trait]
impl Transport for Gate {
    async fn send(&self, request: Request) -> Result<Response> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.open.acquire().await.unwrap().forget();
        let answer = self.answers.lock().unwrap().pop_front().expect("a request beyond the script");
        answer.map(|response| Response { url: request.url, ..response })
    }
}

struct Crowd {
    gate: Arc<Gate>,
    cache: Arc<Cache>,
    log: Arc<RequestLog>,
}

type Task = tokio::task::JoinHandle<Result<String, ErrorKind>>;

impl Crowd {
    fn new(answers: impl IntoIterator<Item = Result<Response>>) -> Self {
        let gate = Arc::new(Gate {
            open: Semaphore::new(0),
            answers: Mutex::new(answers.into_iter().collect()),
            asked: Default::default(),
        });
        let log = Arc::new(RequestLog::new(100));
        let shared = Arc::new(HttpCache::new(clock(), log.clone()));
        let cache = Arc::new(Cache::new(gate.clone(), shared, "scope"));
        Self { gate, cache, log }
    }

    /// A request that has come as far as it can.
    async fn ask(&self, request: Request) -> Task {
        let cache = self.cache.clone();
        let task = tokio::spawn(async move {
            let response = cache.send(request).await.map_err(|error| error.kind())?;
            let body = response.body.collect(99).await.unwrap();
            Ok(String::from_utf8(body.to_vec()).unwrap())
        });
        settle().await;
        task
    }

    fn asked(&self) -> usize {
        self.gate.asked.load(Ordering::Relaxed)
    }

    async fn answer(&self, times: usize) {
        self.gate.open.add_permits(times);
        settle().await;
    }

    fn shared(&self) -> usize {
        self.log.snapshot().iter().filter(|record| record.cache == Some(CacheOutcome::Shared)).count()
    }
}

/// Lets all tasks go as far as they can.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn equal_requests_are_one_call() {
    for (what, headers) in [("fresh", &[("cache-control", "max-age=60")][..]), ("nothing said", &[])] {
        let crowd = Crowd::new([answer(200, headers, "a")]);
        let tasks = [crowd.ask(read(on())).await, crowd.ask(read(on())).await, crowd.ask(read(on())).await];
        assert_eq!(crowd.asked(), 1);
        crowd.answer(1).await;
        for task in tasks {
            assert_eq!(task.await.unwrap().unwrap(), "a", "{what}");
        }
        assert_eq!(crowd.shared(), 2);
    }
}

#[tokio::test]
async fn others_ask_themselves_when_there_is_nothing_to_share() {
    let outcomes: [fn() -> Result<Response>; 4] = [
        || answer(200, &[("cache-control", "no-store")], "a"),
        || answer(200, &[("vary", "*")], "a"),
        || answer(500, &[], "a"),
        || failure(ErrorKind::Broken, Sent::Maybe),
    ];
    for (at, first) in outcomes.iter().enumerate() {
        let crowd = Crowd::new([first(), answer(200, &[], "b"), answer(200, &[], "b")]);
        let leader = crowd.ask(read(on())).await;
        let others = [crowd.ask(read(on())).await, crowd.ask(read(on())).await];
        crowd.answer(1).await;
        assert_eq!(crowd.asked(), 3, "both at once, not one after the other: {at}");
        crowd.answer(2).await;
        assert_eq!(leader.await.unwrap().is_ok(), at < 3);
        for other in others {
            assert_eq!(other.await.unwrap().unwrap(), "b", "{at}");
        }
        assert_eq!(crowd.shared(), 0);
    }
}

#[tokio::test]
async fn a_leader_that_is_dropped_leaves_nobody_waiting() {
    let crowd = Crowd::new([answer(200, &[], "b"), answer(200, &[], "c")]);
    let leader = crowd.ask(read(on())).await;
    let follower = crowd.ask(read(on())).await;
    leader.abort();
    settle().await;
    assert_eq!(crowd.asked(), 2);
    crowd.answer(1).await;
    assert_eq!(follower.await.unwrap().unwrap(), "b");
    let next = crowd.ask(read(on())).await;
    crowd.answer(1).await;
    assert_eq!(next.await.unwrap().unwrap(), "c", "and nothing of it is left behind");
}

#[tokio::test]
async fn a_follower_that_is_cancelled_ends_at_once() {
    let crowd = Crowd::new([answer(200, &[], "a")]);
    let leader = crowd.ask(read(on())).await;
    let request = read(on());
    let statement = request.operation.statement.clone();
    let follower = crowd.ask(request).await;
    statement.cancellation().cancel();
    assert_eq!(follower.await.unwrap().unwrap_err(), ErrorKind::Cancelled);
    crowd.answer(1).await;
    assert_eq!(leader.await.unwrap().unwrap(), "a");
}

#[tokio::test]
async fn what_was_asked_before_a_write_is_not_shared_after_it() {
    let crowd = Crowd::new([answer(201, &[], ""), answer(200, &[], "old"), answer(200, &[], "new")]);
    let write = crowd.ask(write()).await;
    let before = crowd.ask(read(on())).await;
    crowd.answer(1).await;
    write.await.unwrap().unwrap();
    let after = crowd.ask(read(on())).await;
    let with_it = crowd.ask(read(on())).await;
    assert_eq!(crowd.asked(), 3);
    crowd.answer(2).await;
    assert_eq!(before.await.unwrap().unwrap(), "old");
    assert_eq!(after.await.unwrap().unwrap(), "new");
    assert_eq!(with_it.await.unwrap().unwrap(), "new");
}

#[tokio::test]
async fn statements_without_a_cache_go_alone() {
    let crowd = Crowd::new([answer(200, &[], "a"), answer(200, &[], "b")]);
    let first = crowd.ask(read(on())).await;
    let second = crowd.ask(read(Caching::OFF)).await;
    assert_eq!(crowd.asked(), 2);
    crowd.answer(2).await;
    assert_eq!([first.await.unwrap().unwrap(), second.await.unwrap().unwrap()], ["a", "b"]);
}
