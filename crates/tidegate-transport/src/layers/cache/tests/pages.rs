//! Pages that a statement keeps until it has ended well.

use super::*;
use crate::KeptRun;

/// Keeps in memory. A name is open once at a time.
#[derive(Debug, Default)]
struct Keeper {
    shelves: Mutex<HashMap<CacheKey, HashMap<CacheKey, StoredAnswer>>>,
    open: Mutex<Vec<CacheKey>>,
    fails: AtomicBool,
}

#[derive(Debug)]
struct Shelf {
    keeper: Arc<Keeper>,
    name: CacheKey,
    /// What earlier runs have kept.
    earlier: HashMap<CacheKey, StoredAnswer>,
    is_over: AtomicBool,
}

#[async_trait]
impl PageKeeper for Arc<Keeper> {
    async fn begin(&self, name: &CacheKey) -> Result<Option<Arc<dyn KeptRun>>, StoreError> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(StoreError("the disk is full".to_owned()));
        }
        let mut open = self.open.lock().unwrap();
        if open.contains(name) {
            return Ok(None);
        }
        open.push(*name);
        let earlier = self.shelves.lock().unwrap().get(name).cloned().unwrap_or_default();
        Ok(Some(Arc::new(Shelf { keeper: self.clone(), name: *name, earlier, is_over: AtomicBool::new(false) })))
    }
}

#[async_trait]
impl KeptRun for Shelf {
    async fn kept(&self, digest: &CacheKey) -> Result<Option<StoredAnswer>, StoreError> {
        Ok(self.earlier.get(digest).cloned())
    }

    async fn keep(&self, digest: &CacheKey, page: StoredAnswer) -> Result<(), StoreError> {
        if !self.is_over.load(Ordering::Relaxed) {
            self.keeper.shelves.lock().unwrap().entry(self.name).or_default().insert(*digest, page);
        }
        Ok(())
    }

    fn finish(&self, ended_well: bool) {
        if !self.is_over.swap(true, Ordering::Relaxed) {
            self.keeper.open.lock().unwrap().retain(|open| *open != self.name);
            if ended_well {
                self.keeper.shelves.lock().unwrap().remove(&self.name);
            }
        }
    }
}

fn bed(answers: impl IntoIterator<Item = Result<Response>>) -> (Bed, Arc<Keeper>) {
    let keeper = Arc::<Keeper>::default();
    let bed = Bed::with(answers, |shared| shared.keeping(Arc::new(keeper.clone())));
    (bed, keeper)
}

fn run(name: &str) -> Arc<Statement> {
    let caching = Caching { resumes: Some(name.into()), ..on() };
    Arc::new(Statement::new(7).caching(caching))
}

fn page(number: u64, statement: &Arc<Statement>) -> Request {
    let mut request = request(&format!("{URL}?page={number}"), Repeat::Safe, statement);
    request.operation.keeps = true;
    request
}

fn plain(body: &str) -> Result<Response> {
    answer(200, &[], body)
}

#[tokio::test]
async fn a_repetition_goes_on_where_the_first_run_failed() {
    for (what, end) in [("failed", Some(false)), ("never ended", None), ("ended well", Some(true))] {
        let (bed, keeper) = bed([plain("1"), plain("2"), answer(500, &[], ""), plain("3"), plain("x"), plain("y")]);
        let first = run("s");
        for number in 1..=3 {
            bed.send(page(number, &first)).await;
        }
        match end {
            Some(ended_well) => first.end(ended_well),
            // The process was killed, and its locks went with it.
            None => keeper.open.lock().unwrap().clear(),
        }
        bed.wait(60);
        let second = run("s");
        let mut told = Vec::new();
        for number in 1..=3 {
            told.push(bed.send(page(number, &second)).await);
        }
        if end == Some(true) {
            assert_eq!(told, ["ask 200 3", "ask 200 x", "ask 200 y"]);
            continue;
        }
        assert_eq!(told, ["kept 200 1", "kept 200 2", "ask 200 3"], "{what}");
        assert_eq!(second.counts().kept, 2);
        let used = second.kept_use()["crm"];
        assert_eq!((used.pages, used.oldest), (2, bed.clock.now() - Duration::from_secs(60)));
        // The second run fails too: what both have paid for is there for the third.
        second.end(false);
        let third = run("s");
        for number in 1..=3 {
            assert_eq!(bed.send(page(number, &third)).await, format!("kept 200 {number}"));
        }
        third.end(true);
        assert_eq!(bed.send(page(1, &run("s"))).await, "ask 200 x", "{what}: all is thrown away");
    }
}

#[tokio::test]
async fn pages_are_of_the_same_request_statement_and_credential() {
    let post = |statement: &Arc<Statement>, body: &'static str| {
        let request = page(1, statement);
        Request { method: Method::POST, body: Bytes::from_static(body.as_bytes()), ..request }
    };
    let (bed, _) = bed([plain("1"), plain("2"), plain("3"), plain("4"), plain("5"), plain("6"), plain("7")]);
    let first = run("s");
    bed.send(post(&first, "q=1")).await;
    first.end(false);
    let second = run("s");
    assert_eq!(bed.send(post(&second, "q=2")).await, "ask 200 2", "another body");
    assert_eq!(bed.send(page(1, &second)).await, "ask 200 3", "another method");
    assert_eq!(bed.send(post(&second, "q=1")).await, "kept 200 1");
    second.end(false);
    assert_eq!(bed.send(post(&run("t"), "q=1")).await, "ask 200 4", "another statement");
    assert_eq!(bed.through(&bed.scope("other"), post(&run("s"), "q=1")).await, "ask 200 5", "another credential");
    let mut unkept = post(&run("s"), "q=1");
    unkept.operation.keeps = false;
    assert_eq!(bed.send(unkept).await, "ask 200 6", "paging that keeps no place");
    let no_disk = Arc::new(Statement::new(7).caching(Caching { disk: false, resumes: Some("s".into()), ..on() }));
    assert_eq!(bed.send(post(&no_disk, "q=1")).await, "ask 200 7");
}

#[tokio::test]
async fn pages_end_with_time_and_writes_and_are_not_kept_against_the_servers_word() {
    for (what, later, write_between, headers, expected) in [
        ("in time", 3_600, false, &[][..], "kept 200 1"),
        ("too late", 3_601, false, &[], "ask 200 2"),
        ("written since", 1, true, &[], "ask 200 2"),
        ("no-store", 1, false, &[("cache-control", "no-store")], "ask 200 2"),
    ] {
        let mut answers = vec![answer(200, headers, "1")];
        answers.extend(write_between.then(|| answer(204, &[], "")));
        answers.push(plain("2"));
        let (bed, _) = bed(answers);
        let first = run("s");
        bed.send(page(1, &first)).await;
        first.end(false);
        bed.wait(later);
        if write_between {
            bed.send(write()).await;
        }
        assert_eq!(bed.send(page(1, &run("s"))).await, expected, "{what}");
    }
}

#[tokio::test]
async fn a_run_takes_nothing_of_its_own_nor_of_one_that_goes_on() {
    let (bed, _) = bed([plain("1"), plain("2"), plain("3")]);
    let first = run("s");
    assert_eq!(bed.send(page(1, &first)).await, "ask 200 1");
    assert_eq!(bed.send(page(1, &first)).await, "ask 200 2");
    let second = run("s");
    assert_eq!(bed.send(page(1, &second)).await, "ask 200 3");
    second.end(true);
    first.end(false);
    assert_eq!(bed.send(page(1, &run("s"))).await, "kept 200 2");
}

#[tokio::test]
async fn a_cursor_that_is_no_more_is_refused_once() {
    let (bed, _) = bed([plain("1"), answer(410, &[], "gone"), plain("new 1"), plain("new 2")]);
    let first = run("s");
    bed.send(page(1, &first)).await;
    first.end(false);
    let second = run("s");
    assert_eq!(bed.send(page(1, &second)).await, "kept 200 1");
    assert_eq!(bed.send(page(2, &second)).await, "ask 410 gone");
    second.end(false);
    let third = run("s");
    assert_eq!(bed.send(page(1, &third)).await, "ask 200 new 1");
    assert_eq!(bed.send(page(2, &third)).await, "ask 200 new 2");
}

#[tokio::test]
async fn a_statement_that_is_dropped_has_not_ended_well() {
    let (keeper, statement) = (Arc::<Keeper>::default(), run("s"));
    let opened = statement.kept_pages().run(&[1; 32], &keeper).await.unwrap();
    opened
        .unwrap()
        .keep(
            &[2; 32],
            StoredAnswer {
                meta: Vec::new(),
                body: Bytes::new(),
                asked_at: SystemTime::UNIX_EPOCH,
                stored_at: SystemTime::UNIX_EPOCH,
            },
        )
        .await
        .unwrap();
    drop(statement);
    assert!(keeper.open.lock().unwrap().is_empty(), "the next run may have it");
    assert_eq!(keeper.shelves.lock().unwrap()[&[1; 32]].len(), 1);
}

#[tokio::test]
async fn a_keeper_that_fails_costs_calls() {
    let (bed, keeper) = bed([plain("1"), plain("2")]);
    keeper.fails.store(true, Ordering::Relaxed);
    let first = run("s");
    assert_eq!(bed.send(page(1, &first)).await, "ask 200 1");
    first.end(false);
    assert_eq!(bed.send(page(1, &run("s"))).await, "ask 200 2");
}

#[tokio::test]
async fn a_statement_that_has_ended_keeps_nothing_more() {
    let (bed, keeper) = bed([plain("1"), plain("2")]);
    let first = run("s");
    bed.send(page(1, &first)).await;
    first.end(true);
    bed.send(page(2, &first)).await;
    assert!(keeper.shelves.lock().unwrap().is_empty());
}
