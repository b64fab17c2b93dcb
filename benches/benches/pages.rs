//! What a page costs between the request that is rendered and the batch that is decoded: a scan through all layers, as
//! the facade puts them together, over answers in memory and over a server on this machine.
//!
//! `cargo bench -p tidegate-benches --bench pages` prints times. Exact counts come of callgrind: the difference of two
//! runs that differ in `--sample-size`, with `--sample-count 1`. `fetched_bare` is the same download by the HTTP client
//! alone: what is above it is ours. Must not depend on the engine.

#![allow(clippy::unwrap_used, reason = "what cannot be set up has nothing to be measured")]

#[path = "pages/server.rs"]
mod server;

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use bytes::Bytes;
use divan::Bencher;
use divan::counter::ItemsCount;
use futures::StreamExt;
use http::{HeaderMap, HeaderValue, StatusCode};
use tidegate_quota::{Clock, Ledger, MemoryStore, SystemClock};
use tidegate_remote::{BadValue, ScanRequest, Source, scan_ahead};
use tidegate_spec::{
    Column, ColumnSource, ColumnType, End, Endpoint, Envelope, PageSize, Paging, Place, Table, TimestampFormat,
};
use tidegate_transport::{
    Auth, Body, Cache, Caching, Collect, Credentials, Http, HttpCache, HttpOptions, Jitter, Meter, Metering, Observe,
    OriginGuard, Redirect, Request, RequestLog, Response, Result, Retry, RetryPolicy, Secret, Statement, Transport,
};
use tokio::runtime::Runtime;
use url::Url;

/// Pages of one scan, each with [`ROWS`] rows of about 550 bytes: 6,000 rows, which is no number at which services cap totals.
const PAGES: usize = 60;
const ROWS: usize = 100;

/// Requests that may be under way before their turn, as for one scan in one partition.
const AHEAD: usize = 8;

fn main() {
    divan::main();
}

/// How the pages are found.
#[derive(Debug, Clone, Copy)]
enum Style {
    /// By number, with a total.
    Number,
    /// By a token of the page before.
    Cursor,
}

/// The scan over answers in memory: decoding and all layers but the network.
#[divan::bench]
fn numbers_in_memory(bencher: Bencher<'_, '_>) {
    scanned(bencher, Style::Number, Arc::new(Canned), &nowhere(), AHEAD);
}

/// The same with each request sent in its turn.
#[divan::bench]
fn numbers_in_turn(bencher: Bencher<'_, '_>) {
    scanned(bencher, Style::Number, Arc::new(Canned), &nowhere(), 0);
}

/// Tokens in place of numbers.
#[divan::bench]
fn cursors_in_memory(bencher: Bencher<'_, '_>) {
    scanned(bencher, Style::Cursor, Arc::new(Canned), &nowhere(), 1);
}

/// The scan over the network.
#[divan::bench]
fn numbers_over_http(bencher: Bencher<'_, '_>) {
    scanned(bencher, Style::Number, http(), &server::start(answers()), AHEAD);
}

/// The same with tokens, over one connection.
#[divan::bench]
fn cursors_over_http(bencher: Bencher<'_, '_>) {
    scanned(bencher, Style::Cursor, http(), &server::start(answers()), 1);
}

/// The same bytes by the HTTP client alone, one after the other.
#[divan::bench]
fn fetched_bare(bencher: Bencher<'_, '_>) {
    let base = server::start(answers());
    let runtime = runtime();
    // The client wants a provider for TLS, though it needs none here.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap();
    bencher.counter(ItemsCount::new(PAGES)).bench_local(|| {
        runtime.block_on(async {
            for page in 0..PAGES {
                let url = base.join(&format!("items?page={page}&limit={ROWS}")).unwrap();
                let body = client.get(url).send().await.unwrap().bytes().await.unwrap();
                assert!(body.len() > ROWS * 500);
            }
        });
    });
}

fn http() -> Arc<dyn Transport> {
    Arc::new(Http::new(HttpOptions::default()))
}

fn nowhere() -> Url {
    Url::parse("https://api.example/v1/").unwrap()
}

fn scanned(bencher: Bencher<'_, '_>, style: Style, bottom: Arc<dyn Transport>, base: &Url, ahead: usize) {
    let runtime = runtime();
    let transport = stack(bottom, base);
    let request = request(style);
    bencher.counter(ItemsCount::new(PAGES)).bench_local(|| {
        let source = source(Arc::clone(&transport), base);
        let rows = runtime.block_on(async {
            let mut pages = scan_ahead(source, request.clone(), ahead);
            let mut rows = 0;
            while let Some(page) = pages.next().await {
                rows += page.unwrap().batch.num_rows();
            }
            rows
        });
        assert_eq!(rows, PAGES * ROWS);
    });
}

/// One thread, so that counts are the same in each run.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The layers, in the order and with the settings of the facade.
fn stack(bottom: Arc<dyn Transport>, base: &Url) -> Arc<dyn Transport> {
    let origin = base.origin();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let log = Arc::new(RequestLog::new(1_000));
    let credentials = Credentials::Bearer(Secret::new("a-token-that-is-none"));
    let ledger = Ledger::new(Arc::<MemoryStore>::default(), Arc::clone(&clock));
    let metering = Metering::new(Arc::new(ledger), "bench|https://api.example|0f", "bench");
    let auth = Auth::new(bottom, origin.clone(), credentials);
    let observe = Observe::new(Arc::new(auth), Arc::clone(&log), Arc::clone(&clock));
    let collect = Collect::new(Arc::new(observe));
    let meter = Meter::new(Arc::new(collect), Arc::new(metering), Arc::clone(&clock)).at(origin.clone());
    let jitter = Arc::new(Jitter::seeded(7));
    let retry = Retry::new(Arc::new(meter), RetryPolicy::default(), Arc::clone(&clock), jitter).metered();
    let shared = Arc::new(HttpCache::new(clock, log));
    let cache = Cache::new(Arc::new(retry), shared, "bench-0f").written_at(&origin.ascii_serialization());
    Arc::new(Redirect::new(Arc::new(OriginGuard::new(Arc::new(cache), origin, Vec::new()))))
}

/// A statement's view of the connection, with the cache as a session has it.
fn source(transport: Arc<dyn Transport>, base: &Url) -> Source {
    let caching = Caching { is_on: true, memory: true, disk: true, once: true, ..Caching::OFF };
    Source {
        transport,
        base: base.clone(),
        principal: "local".into(),
        connection: "bench".into(),
        partition: None,
        statement: Arc::new(Statement::new(1).caching(caching)),
        fresh: false,
        tally: None,
        blanks: Default::default(),
    }
}

fn path(text: &str) -> Vec<String> {
    text.split('.').map(str::to_owned).collect()
}

/// A scan of seven of the twelve fields.
fn request(style: Style) -> ScanRequest {
    let query = |name: &str| Place::Query(name.to_owned());
    let paging = match style {
        Style::Number => Paging::Page { place: query("page"), first: 0, end: End::default() },
        Style::Cursor => Paging::Cursor { place: query("cursor"), header: None, none: Vec::new() },
    };
    let column = |(name, data_type): (&str, ColumnType)| Column {
        name: name.to_owned(),
        path: path(name),
        data_type,
        nullable: true,
        description: None,
        source: ColumnSource::Row,
    };
    let created = ColumnType::Timestamp { format: TimestampFormat::Iso8601, instant: true };
    let columns = [
        ("id", ColumnType::Int32),
        ("name", ColumnType::Text),
        ("region", ColumnType::Text),
        ("status", ColumnType::Text),
        ("revenue", ColumnType::Decimal { precision: 15, scale: 2 }),
        ("employees", ColumnType::Int32),
        ("created_at", created),
    ];
    let table = Table {
        name: "items".to_owned(),
        api_name: "items".to_owned(),
        description: None,
        columns: columns.into_iter().map(column).collect(),
        key: vec![0],
        details: Vec::new(),
        writes: tidegate_spec::Writes::default(),
        endpoints: vec![Endpoint {
            envelope: Envelope {
                rows: vec![path("items")],
                next: vec![path("next")],
                count: vec![path("total")],
                ..Envelope::default()
            },
            paging,
            page_size: Some(PageSize { place: Some(query("limit")), max: ROWS as u64 }),
            ..Endpoint::new("list", "items")
        }],
    };
    ScanRequest {
        columns: (0..table.columns.len()).collect(),
        table: Arc::new(table),
        endpoint: 0,
        filter: None,
        sort: Vec::new(),
        fetch: None,
        skip: 0,
        on_bad_value: BadValue::Fail,
    }
}

/// The bodies of all pages.
fn answers() -> &'static [Bytes] {
    static ANSWERS: LazyLock<Vec<Bytes>> = LazyLock::new(|| (0..PAGES).map(body).collect());
    &ANSWERS
}

fn body(page: usize) -> Bytes {
    let rows: Vec<String> = (page * ROWS..(page + 1) * ROWS).map(row).collect();
    let next = if page + 1 < PAGES { format!("\"{}\"", page + 1) } else { "null".to_owned() };
    Bytes::from(format!(r#"{{"items":[{}],"total":{},"next":{next}}}"#, rows.join(","), PAGES * ROWS))
}

fn row(id: usize) -> String {
    let filler = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor. ".repeat(3);
    format!(
        concat!(
            r#"{{"id":{id},"name":"Customer number {id}","region":"EMEA","status":"active","revenue":{revenue}.25,"#,
            r#""employees":{employees},"created_at":"2024-03-0{day}T08:15:30Z","phone":"+31 20 555 {id:06}","#,
            r#""street":"Keizersgracht {id}","notes":"{filler}","tags":["a","b","c"],"#,
            r#""address":{{"city":"Amsterdam","country":"NL","post":"1015 CJ"}}}}"#
        ),
        id = id,
        revenue = id * 37 % 1_000_000,
        employees = id % 5_000,
        day = id % 9 + 1,
        filler = filler
    )
}

/// The page that a request asks for: its number, or its token.
fn asked(query: &str) -> usize {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut marks = pairs.filter(|(name, _)| matches!(*name, "page" | "cursor"));
    marks.next().map_or(0, |(_, value)| value.parse().unwrap())
}

/// Answers from memory, at once.
#[derive(Debug)]
struct Canned;

#[async_trait]
impl Transport for Canned {
    async fn send(&self, request: Request) -> Result<Response> {
        let body = answers()[asked(request.url.query().unwrap_or_default())].clone();
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(http::header::DATE, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
        headers.insert(http::header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        let chunks = futures::stream::iter([Ok(body)]);
        Ok(Response { status: StatusCode::OK, headers, url: request.url, body: Body::from_stream(chunks) })
    }
}
