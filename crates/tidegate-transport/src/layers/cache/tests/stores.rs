//! Where answers are held: memory with its bound, a store beyond it, and stores that fail.

use super::super::memory::Memory;
use super::*;
use crate::{Blanks, Credentials, Secret, Warn};

fn held(size: usize) -> Arc<Answer> {
    let (asked_at, received_at) = (SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH);
    let body = Bytes::from(vec![b'x'; size]);
    Arc::new(Answer { status: StatusCode::OK, headers: HeaderMap::new(), body, asked_at, received_at })
}

#[test]
fn memory_is_bounded_and_forgets_what_was_used_longest_ago() {
    let memory = Memory::new(10_000);
    let scope: Arc<str> = "scope".into();
    let key = |at: u8| [at; 32];
    for at in 0..4 {
        memory.put(&key(at), &scope, &held(2_000));
    }
    assert!(memory.get(&key(0)).is_some());
    memory.put(&key(4), &scope, &held(2_000));
    let known: Vec<bool> = (0..5).map(|at| memory.get(&key(at)).is_some()).collect();
    assert_eq!(known, [true, false, true, true, true]);
    memory.put(&key(5), &scope, &held(2_500));
    assert!(memory.get(&key(5)).is_none(), "it would take more than a quarter");
    memory.put(&key(4), &scope, &held(10));
    memory.put(&key(3), &scope, &held(3_000));
    assert!(memory.get(&key(3)).is_none(), "what became too large is gone, not left as it was");
    memory.put(&key(6), &"other".into(), &held(10));
    memory.clear(Some("scope"));
    assert_eq!([0, 2, 4, 6].map(|at| memory.get(&key(at)).is_some()), [false, false, false, true]);
    memory.clear(None);
    assert_eq!(memory.bytes(), 0);
}

#[test]
fn answers_are_read_as_they_were_written() {
    let mut headers = HeaderMap::new();
    for (name, value) in [("link", &b"<a>"[..]), ("link", b"<b>"), ("x-latin", b"caf\xe9"), ("x-empty", b"")] {
        headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::from_bytes(value).unwrap());
    }
    let answer = Answer { headers, ..Answer::clone(&held(5)) };
    let stored = answer.stored();
    assert_eq!(Answer::read(stored.clone()), Some(answer.clone()));
    let none = Answer { headers: HeaderMap::new(), ..answer };
    assert_eq!(Answer::read(none.stored()), Some(none));
    for at in 0..stored.meta.len() {
        // Torn or of another version: no answer, or at least no panic.
        let _ = Answer::read(StoredAnswer { meta: stored.meta[..at].to_vec(), ..stored.clone() });
    }
    for meta in ["", "\n", "tidegate-answer 2\n200\n", "tidegate-answer 1\nabc\n", "tidegate-answer 1\n200\nnofield\n"]
    {
        assert_eq!(Answer::read(StoredAnswer { meta: meta.into(), ..stored.clone() }), None, "{meta:?}");
    }
}

#[tokio::test]
async fn secrets_and_matters_of_the_connection_are_not_stored() {
    let told = [
        ("cache-control", "max-age=60"),
        ("set-cookie", "sid=s3cret"),
        ("x-auth-token", "s3cret"),
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("keep-alive", "timeout=5"),
        ("x-continuation-token", "7"),
    ];
    let disk = Arc::<Disk>::default();
    let bed = Bed::with([answer(200, &told, "a")], |shared| shared.storing(disk.clone()));
    bed.get().await;
    let answers = disk.answers.lock().unwrap();
    let (label, stored) = answers.values().next().unwrap();
    let meta = String::from_utf8(stored.meta.clone()).unwrap();
    assert_eq!(meta, "tidegate-answer 1\n200\ncache-control:max-age=60\nx-continuation-token:7\n");
    assert_eq!((&*label.scope, &*label.connection, label.status), ("scope", "crm", 200));
    assert_eq!(label.fresh_until, Some(bed.clock.now() + Duration::from_secs(60)));
}

/// Two processes with one store.
fn pair(disk: &Arc<Disk>, answers: impl IntoIterator<Item = Result<Response>>) -> (Bed, Cache) {
    let bed = Bed::with(answers, |shared| shared.storing(disk.clone()));
    let other = HttpCache::new(bed.clock.clone(), bed.log.clone()).storing(disk.clone());
    let other = Cache::new(bed.server.clone(), Arc::new(other), "scope");
    (bed, other)
}

#[tokio::test]
async fn processes_share_a_store() {
    let (bed, other) =
        pair(&Arc::default(), [fresh("a"), fresh("b"), answer(304, &[("cache-control", "max-age=9")], "")]);
    assert_eq!(bed.get().await, "ask 200 a");
    assert_eq!(bed.through(&other, read(on())).await, "hit 200 a");
    let no_disk = Caching { disk: false, ..on() };
    assert_eq!(bed.through(&other, read(no_disk.clone())).await, "hit 200 a", "now it is in memory too");
    bed.wait(61);
    assert_eq!(bed.through(&other, read(on())).await, "ask(\"e1\") 200 b");
    assert_eq!(bed.get().await, "hit 200 b", "the store has a newer one than memory");
    bed.wait(61);
    assert_eq!(bed.get().await, "ask(\"e1\") 200 b");
    assert_eq!(bed.through(&other, read(on())).await, "hit 200 b");
}

#[tokio::test]
async fn stores_are_used_as_the_statement_says() {
    let disk = Arc::<Disk>::default();
    let (bed, _) = pair(&disk, [fresh("a"), fresh("b"), fresh("c"), fresh("d")]);
    let uses = |memory, disk| read(Caching { memory, disk, ..on() });
    assert_eq!(bed.send(uses(true, false)).await, "ask 200 a");
    assert_eq!(disk.answers.lock().unwrap().len(), 0);
    assert_eq!(bed.send(uses(false, true)).await, "ask 200 b");
    assert_eq!(bed.send(uses(false, true)).await, "hit 200 b");
    assert_eq!(bed.send(uses(true, false)).await, "ask 200 c", "an older one in memory would contradict the store");
    assert_eq!(bed.send(uses(false, false)).await, "ask 200 d");
}

#[tokio::test]
async fn pages_are_not_looked_for_where_nothing_is_stored() {
    let disk = Arc::<Disk>::default();
    let unstored = |body: &str| answer(200, &[("cache-control", "no-store")], body);
    let (bed, other) = pair(&disk, [unstored("a"), unstored("b"), fresh("c"), fresh("d")]);
    let looks = || disk.looks.swap(0, Ordering::Relaxed);
    let scan = Arc::new(Statement::new(7).caching(Caching { memory: false, ..on() }));
    let page = |number: u32| request(&format!("{URL}?page={number}"), Repeat::Safe, &scan);
    assert_eq!(bed.send(page(1)).await, "ask 200 a");
    assert_eq!(bed.send(page(2)).await, "ask 200 b");
    assert_eq!(looks(), 0, "the store has nothing of the connection");
    // Another process stores a page that this statement comes to later: seen a little later.
    let elsewhere = request(&format!("{URL}?page=4"), Repeat::Safe, &Arc::new(Statement::new(8).caching(on())));
    assert_eq!(bed.through(&other, elsewhere.clone()).await, "ask 200 c");
    looks();
    bed.wait(1);
    assert_eq!(bed.send(page(4)).await, "hit 200 c");
    assert_eq!(looks(), 1);
    // What this process stores itself is seen at once.
    disk.answers.lock().unwrap().clear();
    assert_eq!(bed.send(page(5)).await, "ask 200 d");
    assert_eq!(bed.send(page(5)).await, "hit 200 d");
}

#[tokio::test]
async fn every_statement_looks_for_itself() {
    let (bed, other) = pair(&Arc::default(), [answer(200, &[("cache-control", "no-store")], "a"), fresh("b")]);
    let statement = |id| request(URL, Repeat::Safe, &Arc::new(Statement::new(id).caching(on())));
    assert_eq!(bed.send(statement(1)).await, "ask 200 a");
    assert_eq!(bed.through(&other, statement(2)).await, "ask 200 b");
    assert_eq!(bed.send(statement(3)).await, "hit 200 b", "no time has passed since the first found nothing");
}

#[tokio::test]
async fn a_store_that_fails_costs_calls_and_is_told_of_once() {
    let disk = Arc::<Disk>::default();
    let told = Arc::new(Mutex::new(Vec::new()));
    let warn: Box<Warn> = {
        let told = told.clone();
        Box::new(move |connection, message| told.lock().unwrap().push(format!("{connection}: {message}")))
    };
    let answers = [fresh("a"), fresh("b"), fresh("c"), answer(201, &[], "w")];
    let bed = Bed::with(answers, |shared| shared.storing(disk.clone()).warning(warn));
    disk.fails.store(true, Ordering::Relaxed);
    assert_eq!(bed.get().await, "ask 200 a");
    assert_eq!(bed.get().await, "ask(\"e1\") 200 b", "whether another process has written cannot be read");
    let only_memory = Caching { disk: false, ..on() };
    assert_eq!(bed.send(read(only_memory)).await, "ask(\"e1\") 200 c");
    assert_eq!(bed.send(write()).await, "ask 201 w", "and writes go on");
    insta::assert_snapshot!(told.lock().unwrap().join("\n"), @"crm: the cache in the state folder failed, which costs calls: the disk is full");
    disk.fails.store(false, Ordering::Relaxed);
}

#[tokio::test]
async fn too_large_an_answer_is_stored_nowhere() {
    let disk = Arc::<Disk>::default();
    let large = "x".repeat(super::super::http_cache::LARGEST);
    let medium = "x".repeat(3 * 1024 * 1024);
    let bed = Bed::with([fresh(&medium), fresh(&large), fresh("c")], |shared| shared.storing(disk.clone()));
    let only_memory = || read(Caching { disk: false, ..on() });
    assert!(bed.get().await.starts_with("ask 200 x"));
    assert!(bed.get().await.starts_with("hit 200 x"), "above a quarter of memory: in the store alone");
    bed.wait(61);
    assert!(bed.get().await.starts_with("ask(\"e1\") 200 x"));
    assert!(disk.answers.lock().unwrap().is_empty(), "what it took the place of is gone");
    assert_eq!(bed.send(only_memory()).await, "ask 200 c");
}

#[tokio::test]
async fn an_answer_that_repeats_a_secret_is_on_no_disk() {
    let secret = || Credentials::Query { name: "key".to_owned(), value: Secret::new("s3cret/9") };
    for (headers, body) in [
        (vec![("link", "<https://a.example/2?key=s3cret%2F9>; rel=next")], "[]"),
        (vec![], "{\"next\": \"/2?key=s3cret/9\"}"),
    ] {
        let disk = Arc::<Disk>::default();
        let told = [vec![("cache-control", "max-age=60")], headers].concat();
        let bed = Bed::with([answer(200, &told, body)], |shared| shared.storing(disk.clone()));
        let cache = bed.scope("scope").without(Blanks::new(&[secret()]));
        bed.through(&cache, read(on())).await;
        assert!(disk.answers.lock().unwrap().is_empty());
        assert!(bed.through(&cache, read(on())).await.starts_with("hit 200"), "memory has it");
    }
}

#[tokio::test]
async fn what_may_not_be_used_as_it_is_is_asked_about() {
    let bed = Bed::new([fresh("a"), answer(304, &[], ""), fresh("b")]);
    bed.get().await;
    let mut request = read(on());
    request.operation.reuse = false;
    assert_eq!(bed.send(request.clone()).await, "ask(\"e1\") 200 a");
    request.operation.statement = Arc::new(Statement::new(9).caching(Caching { stale_if_error: HOUR, ..on() }));
    let down = Bed::new([fresh("a"), answer(503, &[], "")]);
    down.get().await;
    assert_eq!(down.send(request).await, "ask(\"e1\") 503", "a page of another time stands in for none");
}

#[tokio::test]
async fn a_statement_asks_once() {
    let plain = |body| answer(200, &[], body);
    let bed = Bed::new([plain("a"), plain("b"), answer(200, &[("cache-control", "no-store")], "c"), plain("d")]);
    let once = Caching { once: true, ..on() };
    let of = |id| request(URL, Repeat::Safe, &Arc::new(Statement::new(id).caching(once.clone())));
    assert_eq!(bed.send(of(1)).await, "ask 200 a");
    assert_eq!(bed.send(of(1)).await, "shared 200 a");
    let mut anew = of(1);
    anew.operation.reuse = false;
    assert_eq!(bed.send(anew).await, "ask 200 b", "a page that must be of now");
    assert_eq!(bed.send(of(2)).await, "ask 200 c", "another statement");
    assert_eq!(bed.send(of(2)).await, "ask 200 d", "which may not be kept");
}

const HOUR: Duration = Duration::from_secs(3_600);
