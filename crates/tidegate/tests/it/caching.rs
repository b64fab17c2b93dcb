//! Answers that are used again, and pages that a repetition takes, in SQL and with the state folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tidegate::transport::{Body, Request, Response, Result, Transport};
use tidegate::{ConnectionDef, Engine, Error, Session, StateLocation, TestClock};

/// A list of four pages, whose cursors stay where they are.
const MANIFEST: &str = "
connector: shop
url: https://shop.example/v1/
options: { key: { secret: true } }
auth: [ { header: { name: X-Key, value: '{key}' } }, none ]
tables:
  orders:
    key: id
    columns: { id: int, city: text }
    list: { path: orders, rows: orders, paging: { cursor: after, next: next }, stable: true }
    writes: { insert: { post: orders, columns: [id, city] } }
";

const ALL: &str = "SELECT id FROM shop.orders";
const PAGES: u64 = 4;

/// Plays that API, with these headers on each page.
#[derive(Debug)]
struct Shop {
    headers: Mutex<Vec<(&'static str, &'static str)>>,
    /// `METHOD page`, with the condition that it had.
    seen: Mutex<Vec<String>>,
    /// The page that cannot be had, if any.
    fails: Mutex<Option<u64>>,
}

impl Shop {
    fn new(headers: &[(&'static str, &'static str)]) -> Arc<Self> {
        Arc::new(Self { headers: Mutex::new(headers.to_vec()), seen: Mutex::default(), fails: Mutex::default() })
    }

    /// What was asked since the last call.
    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    fn fail_at(&self, page: Option<u64>) {
        *self.fails.lock().unwrap() = page;
    }
}

#[async_trait]
impl Transport for Shop {
    async fn send(&self, request: Request) -> Result<Response> {
        let page = request.url.query_pairs().find(|(name, _)| name == "after");
        let page: u64 = page.map_or(1, |(_, page)| page.parse().unwrap());
        let condition = request.headers.get("if-none-match").map_or("", |tag| tag.to_str().unwrap());
        self.seen.lock().unwrap().push(format!("{} {page}{condition}", request.method));
        let answer = |status: StatusCode, headers: HeaderMap, body: String| {
            Ok(Response { status, headers, url: request.url.clone(), body: Body::from(Bytes::from(body)) })
        };
        if request.method == Method::POST {
            return answer(StatusCode::CREATED, HeaderMap::new(), String::new());
        }
        if *self.fails.lock().unwrap() == Some(page) {
            return answer(StatusCode::FORBIDDEN, HeaderMap::new(), String::new());
        }
        let given = self.headers.lock().unwrap().clone();
        let headers =
            given.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let headers: HeaderMap = headers.collect();
        if !condition.is_empty() {
            return answer(StatusCode::NOT_MODIFIED, headers, String::new());
        }
        let next = if page < PAGES { format!(r#", "next": "{}""#, page + 1) } else { String::new() };
        answer(StatusCode::OK, headers, format!(r#"{{"orders": [{{"id": {page}, "city": "Gent"}}]{next}}}"#))
    }
}

/// A program over that API, and what it has beside.
struct Program {
    shop: Arc<Shop>,
    clock: Arc<TestClock>,
    folder: tempfile::TempDir,
}

impl Program {
    fn new(headers: &[(&'static str, &'static str)]) -> Self {
        // 09:46:40 UTC.
        let clock = Arc::new(TestClock::new(UNIX_EPOCH + Duration::from_secs(1_700_041_600)));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("shop.yaml"), MANIFEST).unwrap();
        Self { shop: Shop::new(headers), clock, folder }
    }

    fn state(&self) -> &Path {
        self.folder.path()
    }

    /// Starts it.
    fn start(&self) -> Engine {
        self.signed(&[])
    }

    fn signed(&self, options: &[(&str, &str)]) -> Engine {
        let def = ConnectionDef::new("shop", self.folder.path().join("shop.yaml").to_str().unwrap(), BTreeMap::new());
        let def = options.iter().fold(def.with("writes", "true"), |def, (name, value)| def.with(name, value));
        Engine::builder()
            .connection(def)
            .network(self.shop.clone())
            .clock(self.clock.clone())
            .state(StateLocation::Folder(self.state().join("state")))
            .build()
            .unwrap()
    }
}

/// What a statement came to.
#[derive(Debug)]
struct Done {
    rows: usize,
    calls: u64,
    hits: u64,
    revalidated: u64,
    warnings: Vec<String>,
}

async fn run(session: &Session, sql: &str) -> std::result::Result<Done, Error> {
    let execution = session.prepare(sql).await?.execute(vec![]).await?;
    let summary = execution.summary.clone();
    let batches: Vec<_> = execution.stream.try_collect().await.map_err(Error::from)?;
    let counts = summary.counts();
    Ok(Done {
        rows: batches.iter().map(|batch| batch.num_rows()).sum(),
        calls: counts.calls,
        hits: counts.cache_hits,
        revalidated: counts.revalidated,
        warnings: summary.warnings(),
    })
}

/// Rows, calls, and answers that took no call.
async fn cost(session: &Session, sql: &str) -> (usize, u64, u64) {
    let done = run(session, sql).await.unwrap();
    (done.rows, done.calls, done.hits)
}

const FRESH: &[(&str, &str)] = &[("cache-control", "private, max-age=60"), ("etag", "\"v1\"")];

#[tokio::test]
async fn what_is_fresh_costs_nothing_in_all_processes() {
    let program = Program::new(FRESH);
    let (first, second) = (program.start(), program.start());
    let (session, other) = (first.session("me"), second.session("me"));
    assert_eq!(cost(&session, ALL).await, (4, 4, 0));
    assert_eq!(cost(&session, ALL).await, (4, 0, 4));
    assert_eq!(run(&session, ALL).await.unwrap().warnings, [""; 0]);
    drop((session, first));
    assert_eq!(cost(&other, ALL).await, (4, 0, 4), "what the other process has stored");
    let shown = "SELECT 1 FROM system.requests WHERE status = 200 AND bytes > 0";
    assert_eq!(run(&other, shown).await.unwrap().rows, 4, "where the rows came from");
    assert_eq!(run(&other, "SELECT 1 FROM system.cache").await.unwrap().rows, 4);
    // Another's answers are not mine, and another credential's neither.
    assert_eq!(cost(&second.session("you"), ALL).await, (4, 4, 0));
    assert_eq!(cost(&program.signed(&[("key", "s3cret")]).session("me"), ALL).await, (4, 4, 0));
    program.clock.advance(Duration::from_secs(60));
    let done = run(&other, ALL).await.unwrap();
    assert_eq!((done.rows, done.calls, done.revalidated, done.hits), (4, 4, 4, 0), "304s only");
}

#[tokio::test]
async fn statements_say_what_they_use() {
    let program = Program::new(FRESH);
    let engine = program.start();
    let session = engine.session("me");
    cost(&session, ALL).await;
    for (hint, expected) in [
        ("http_cache(false)", (4, 4, 0)),
        ("http_memory_cache(false)", (4, 0, 4)),
        ("http_memory_cache(false), http_disk_cache(false)", (4, 4, 0)),
        ("http_disk_cache(false)", (4, 0, 4)),
    ] {
        assert_eq!(cost(&session, &format!("SELECT /*+ {hint} */ id FROM shop.orders")).await, expected, "{hint}");
    }
    let nothing = Program::new(&[]);
    let engine = nothing.start();
    let session = engine.session("me");
    assert_eq!(cost(&session, ALL).await, (4, 4, 0));
    assert_eq!(cost(&session, ALL).await, (4, 4, 0), "the server says nothing, and so does the user");
    run(&session, "SET tidegate.max_staleness = '5m'").await.unwrap();
    assert_eq!(cost(&session, ALL).await, (4, 4, 0));
    nothing.clock.advance(Duration::from_secs(300));
    assert_eq!(cost(&session, ALL).await, (4, 0, 4));
    nothing.clock.advance(Duration::from_secs(1));
    assert_eq!(cost(&session, ALL).await, (4, 4, 0));
}

#[tokio::test]
async fn our_own_writes_are_seen() {
    let program = Program::new(FRESH);
    let (first, second) = (program.start(), program.start());
    let (session, other) = (first.session("me"), second.session("me"));
    cost(&session, ALL).await;
    cost(&other, ALL).await;
    run(&first.session("you"), "INSERT INTO shop.orders (id, city) VALUES (5, 'Lier')").await.unwrap();
    // What was asked for within the same millisecond counts as from before the write.
    program.clock.advance(Duration::from_millis(2));
    program.shop.seen();
    for session in [&session, &other] {
        assert_eq!(cost(session, ALL).await, (4, 4, 0));
        assert_eq!(program.shop.seen(), ["GET 1\"v1\"", "GET 2\"v1\"", "GET 3\"v1\"", "GET 4\"v1\""]);
        assert_eq!(cost(session, ALL).await, (4, 0, 4), "and then it is known again");
    }
}

#[tokio::test]
async fn a_repetition_takes_what_was_paid_for() {
    let program = Program::new(&[]);
    program.shop.fail_at(Some(4));
    run(&program.start().session("me"), ALL).await.unwrap_err();
    program.shop.fail_at(None);
    program.clock.advance(Duration::from_secs(600));
    program.shop.seen();
    let engine = program.start();
    let done = run(&engine.session("me"), ALL).await.unwrap();
    assert_eq!((done.rows, done.calls, done.hits), (4, 1, 3));
    assert_eq!(program.shop.seen(), ["GET 4"]);
    insta::assert_snapshot!(done.warnings.join("\n"), @"shop: 3 pages of 09:46 UTC or later that an earlier run had paid for were used");
    assert_eq!(cost(&engine.session("me"), ALL).await, (4, 4, 0), "it has ended well");
}

#[tokio::test]
async fn what_was_kept_is_of_one_statement_for_an_hour_and_until_a_write() {
    let write = "INSERT INTO shop.orders (id, city) VALUES (5, 'Lier')";
    let none = (4, 4, 0);
    for (what, principal, sql, later, writes, expected) in [
        ("the same", "me", ALL, 3_600, false, (4, 1, 3)),
        ("too late", "me", ALL, 3_601, false, none),
        ("another principal", "you", ALL, 1, false, none),
        ("another statement", "me", "SELECT id FROM shop.orders WHERE id > 0", 1, false, none),
        ("without the folder", "me", "SELECT /*+ http_disk_cache(false) */ id FROM shop.orders", 1, false, none),
        ("a write", "me", ALL, 1, true, none),
    ] {
        let program = Program::new(&[]);
        program.shop.fail_at(Some(4));
        let engine = program.start();
        run(&engine.session("me"), ALL).await.unwrap_err();
        program.shop.fail_at(None);
        program.clock.advance(Duration::from_secs(later));
        if writes {
            run(&engine.session("me"), write).await.unwrap();
        }
        assert_eq!(cost(&engine.session(principal), sql).await, expected, "{what}");
    }
}

#[tokio::test]
async fn a_limit_that_is_reached_ends_well() {
    let program = Program::new(&[]);
    let engine = program.start();
    let session = engine.session("me");
    let limited = "SELECT id FROM shop.orders LIMIT 2";
    assert_eq!(cost(&session, limited).await, (2, 2, 0));
    assert_eq!(cost(&session, limited).await, (2, 2, 0));
}

#[tokio::test]
async fn nothing_outlives_a_process_without_a_folder_and_a_replay_takes_nothing() {
    let program = Program::new(FRESH);
    let build = || {
        let def = ConnectionDef::new("shop", program.state().join("shop.yaml").to_str().unwrap(), BTreeMap::new());
        Engine::builder().connection(def).network(program.shop.clone()).clock(program.clock.clone())
    };
    let engine = build().build().unwrap();
    assert_eq!(cost(&engine.session("me"), ALL).await, (4, 4, 0));
    assert_eq!(cost(&engine.session("me"), ALL).await, (4, 0, 4), "memory has it");
    assert_eq!(cost(&build().build().unwrap().session("me"), ALL).await, (4, 4, 0));
    let tape = program.state().join("tape");
    assert_eq!(cost(&build().record(&tape).build().unwrap().session("me"), ALL).await, (4, 4, 0));
    let replayed = build().replay(&tape).build().unwrap();
    assert_eq!(cost(&replayed.session("me"), ALL).await, (4, 4, 0));
    let error = run(&replayed.session("me"), ALL).await.unwrap_err();
    assert!(error.to_string().contains("was asked again"), "{error}");
}

#[tokio::test]
async fn mutations_read_what_is_there_now() {
    let program = Program::new(FRESH);
    let engine = program.start();
    let session = engine.session("me");
    cost(&session, ALL).await;
    let sql = "INSERT INTO shop.orders (id, city) SELECT id + 10, city FROM shop.orders";
    assert!(run(&session, sql).await.unwrap().calls >= 8, "four pages and four writes");
}
