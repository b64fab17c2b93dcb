//! How rows flow through a whole statement: the first one comes with the first answer, and no more is under way, or held,
//! than the reader can be said to need soon.
//!
//! Answers take virtual time; what is under way at once takes it once.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderMap, StatusCode};
use tidegate::transport::{Body, Clock, Request, Response, Result, Transport};
use tidegate::{ConnectionDef, Engine, Execution, Session, StateLocation, TestClock};

/// Lists whose pages are named by the page before, and are numbered; lists of partitions, and of parents.
const MANIFEST: &str = "
connector: shop
url: https://shop.example/v1/
options: { secret: { secret: true, required: true } }
auth:
  oauth2: { grant: client_credentials, token_url: 'https://shop.example/token', client_id: me, client_secret: '{secret}' }
partitions: { table: offices, code: code }
quotas:
  - { name: daily, window: day, limit: 1000000, per: partition }
tables:
  offices:
    key: code
    columns: { code: text }
    list: { path: offices }
  linked:
    key: id
    columns: { id: int, city: text }
    list: { path: linked, rows: rows, paging: { cursor: after, next: next } }
  numbered:
    key: id
    columns: { id: int, city: text }
    list: { path: numbered, rows: rows, count: total, paging: { page: page, short: last } }
  orders:
    key: id
    columns: { id: int, city: text }
    list: { path: '{partition}/orders', rows: rows, paging: { cursor: after, next: next } }
  parts:
    key: [bin, id]
    columns: { bin: int, id: int, city: text }
    list: { path: 'bins/{bin}/parts', rows: rows, paging: { cursor: after, next: next } }
";

/// What an answer takes where time is told.
const ROUND_TRIP: Duration = Duration::from_millis(50);
/// Rows of a page.
const ROWS: usize = 10;

/// Plays that API.
#[derive(Debug)]
struct Shop {
    clock: Arc<TestClock>,
    partitions: usize,
    /// Pages of each list.
    pages: usize,
    round_trip: Duration,
    asked: Mutex<Vec<String>>,
    answered: AtomicUsize,
}

impl Shop {
    fn new(clock: &Arc<TestClock>, partitions: usize, pages: usize, round_trip: Duration) -> Arc<Self> {
        let clock = Arc::clone(clock);
        Arc::new(Self { clock, partitions, pages, round_trip, asked: Mutex::default(), answered: AtomicUsize::new(0) })
    }

    /// A page of the list at this path; of a bin's parts, each names the bin.
    fn page(&self, path: &str, number: usize) -> String {
        let bin = path.strip_prefix("/bins/").and_then(|rest| rest.split('/').next()).unwrap_or("0");
        let row = |row: usize| format!(r#"{{"bin": {bin}, "id": {}, "city": "Gent"}}"#, number * ROWS + row);
        let rows: Vec<String> = (0..ROWS).map(row).collect();
        let next = if number < self.pages { format!(r#", "next": "{}""#, number + 1) } else { String::new() };
        format!(r#"{{"rows": [{}], "total": {}{next}}}"#, rows.join(", "), self.pages * ROWS)
    }

    /// Requests since the last call of this.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

#[async_trait]
impl Transport for Shop {
    async fn send(&self, request: Request) -> Result<Response> {
        let path = request.url.path().trim_start_matches("/v1").to_owned();
        let number = request.url.query_pairs().find(|(name, _)| name == "after" || name == "page");
        let number: usize = number.map_or(1, |(_, number)| number.parse().unwrap());
        self.asked.lock().unwrap().push(format!("{path} {number}"));
        if self.round_trip.is_zero() {
            tokio::task::yield_now().await;
        } else {
            self.clock.sleep(self.round_trip).await;
        }
        let body = match path.as_str() {
            "/token" => r#"{"access_token": "abc", "token_type": "Bearer", "expires_in": 360000}"#.to_owned(),
            "/offices" => {
                let offices: Vec<String> =
                    (0..self.partitions).map(|code| format!(r#"{{"code": "{code}"}}"#)).collect();
                format!("[{}]", offices.join(", "))
            }
            _ => {
                self.answered.fetch_add(1, Ordering::SeqCst);
                self.page(&path, number)
            }
        };
        let body = Body::from(Bytes::from(body));
        Ok(Response { status: StatusCode::OK, headers: HeaderMap::new(), url: request.url, body })
    }
}

/// A program over that API.
struct Program {
    shop: Arc<Shop>,
    clock: Arc<TestClock>,
    session: Session,
    _folder: tempfile::TempDir,
}

impl Program {
    /// With its state in memory, over an API that answers soon.
    fn start(partitions: usize, pages: usize) -> Self {
        Self::over(partitions, pages, Duration::ZERO, |_| StateLocation::Memory)
    }

    fn over(partitions: usize, pages: usize, round_trip: Duration, state: impl Fn(&Path) -> StateLocation) -> Self {
        let clock = Arc::new(TestClock::new(UNIX_EPOCH + Duration::from_secs(1_700_041_600)));
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("shop.yaml");
        std::fs::write(&manifest, MANIFEST).unwrap();
        let shop = Shop::new(&clock, partitions, pages, round_trip);
        let engine = engine(&shop, &clock, &manifest, state(folder.path()));
        Self { session: engine.session("me"), shop, clock, _folder: folder }
    }

    async fn execute(&self, sql: &str) -> Execution {
        let prepared = self.session.prepare(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        prepared.execute(vec![]).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Runs it to its end; the number of its rows.
    async fn run(&self, sql: &str) -> usize {
        let mut execution = self.execute(sql).await;
        let mut rows = 0;
        while let Some(batch) = execution.stream.next().await {
            rows += batch.unwrap_or_else(|error| panic!("{sql}: {error}")).num_rows();
        }
        rows
    }
}

fn engine(shop: &Arc<Shop>, clock: &Arc<TestClock>, manifest: &Path, state: StateLocation) -> Engine {
    let def = ConnectionDef::new("shop", manifest.to_str().unwrap(), Default::default()).with("secret", "s3cret");
    Engine::builder().connection(def).network(shop.clone()).clock(clock.clone()).state(state).build().unwrap()
}

/// Lets everything go on that can go on while nobody reads.
async fn others() {
    for _ in 0..500 {
        tokio::task::yield_now().await;
    }
}

fn bins() -> String {
    (0..100).map(|bin| bin.to_string()).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn the_first_row_comes_with_the_first_answer() {
    let program = Program::over(10, 4, ROUND_TRIP, |folder| StateLocation::Folder(folder.join("state")));
    let cases = [
        ("SELECT id FROM shop.linked", 1),
        ("SELECT id, city FROM shop.linked WHERE id > 3", 1),
        ("SELECT id FROM shop.linked LIMIT 3", 1),
        ("SELECT id FROM shop.numbered", 1),
        ("SELECT upper(city) FROM shop.numbered WHERE city IS NOT NULL", 1),
        ("SELECT id FROM shop.orders", 10),
        ("SELECT id FROM shop.orders WHERE _partition = '7'", 1),
        ("SELECT id FROM shop.parts WHERE bin = 5", 1),
        ("SELECT id FROM shop.parts WHERE bin IN (1, 2, 3)", 3),
        ("SELECT id FROM shop.linked UNION ALL SELECT id FROM shop.numbered", 2),
    ];
    // The token, the list of partitions, and what else is asked for once.
    program.run("SELECT id FROM shop.orders").await;
    for (sql, first) in cases {
        program.clock.advance(Duration::from_secs(3_600));
        let prepared = program.session.prepare(sql).await.unwrap();
        program.shop.asked();
        let began = program.clock.elapsed();
        let mut execution = prepared.execute(vec![]).await.unwrap();
        let batch = execution.stream.next().await.unwrap_or_else(|| panic!("{sql}: no row")).unwrap();
        let taken = program.clock.elapsed() - began;
        let asked = program.shop.asked();
        assert!(batch.num_rows() > 0 && taken <= ROUND_TRIP, "{sql}: the first row came after {taken:?}: {asked:?}");
        assert!(asked.iter().take(first).all(|asked| asked.ends_with(" 1")), "{sql}: {asked:?}");
    }
}

#[tokio::test]
async fn what_nobody_reads_is_not_asked_for() {
    let bins = bins();
    let parts = format!("SELECT id FROM shop.parts WHERE bin IN ({bins})");
    // Of a list whose pages are named by the page before, one is under way; of others, and of lists side by side, so many
    // as are under way at once. The parts of a union are read by tasks that hold a few batches each.
    let cases = [
        ("SELECT id FROM shop.linked", 2),
        ("SELECT id FROM shop.numbered", 1 + 8),
        ("SELECT id FROM shop.linked WHERE id % 2 = 0", 2),
        ("SELECT id FROM shop.orders", 10 * 2),
        (parts.as_str(), 8 * 2),
        ("SELECT id FROM shop.linked UNION ALL SELECT id FROM shop.numbered", 2 + 1 + 8 + 2 * 4),
    ];
    for (sql, most) in cases {
        let program = Program::start(10, 5_000);
        let mut execution = program.execute(sql).await;
        assert!(execution.stream.next().await.unwrap().unwrap().num_rows() > 0);
        others().await;
        let asked = program.shop.asked().into_iter();
        let pages: Vec<String> =
            asked.filter(|asked| !asked.starts_with("/token") && !asked.starts_with("/offices")).collect();
        assert!((1..=most).contains(&pages.len()), "{sql}: {pages:?} for one page that was read");
    }
}

#[tokio::test]
async fn no_more_is_held_however_much_there_is() {
    let parts = format!("SELECT id FROM shop.parts WHERE bin IN ({})", bins());
    let cases = [
        ("SELECT id FROM shop.linked", 100, 2),
        ("SELECT id FROM shop.numbered", 100, 1 + 8),
        ("SELECT id FROM shop.orders", 10, 10 * 4),
        (parts.as_str(), 2, 8 * 2),
    ];
    for (sql, pages, most) in cases {
        let program = Program::start(10, pages);
        let mut execution = program.execute(sql).await;
        let (mut read, mut held) = (0, 0);
        while let Some(batch) = execution.stream.next().await {
            read += batch.unwrap().num_rows();
            if read % (ROWS * 7) == 0 {
                // A reader that is slow now and then.
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
            }
            held = held.max(program.shop.answered.load(Ordering::SeqCst) - read / ROWS);
        }
        let all = program.shop.answered.load(Ordering::SeqCst);
        assert!(read == all * ROWS && all >= pages, "{sql}: {read} rows of {all} pages");
        assert!(held <= most, "{sql}: {held} pages were held");
    }
}
