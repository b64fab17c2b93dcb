//! An API whose lists lack columns that only its single rows have, and a session over it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value as Json, json};
use tidegate_engine::{
    Connect, Connection, ConnectionDef, Connector, Engine, EngineParts, Error, ErrorKind, Partition, Partitions,
    Session,
};
use tidegate_quota::{Ledger, MemoryStore};
use tidegate_spec::Manifest;
use tidegate_state::{Journal, State};
use tidegate_transport::{Metering, Request, RequestLog, Response, TestClock, Transport};
use url::Url;

use crate::script::drain;

/// Issues, whose lists have neither bodies nor the last comment; their authors; and a job, which lags behind.
const MANIFEST: &str = r#"
connector: hub
url: https://hub.example/v1/
tables:
  issues:
    key: number
    columns: { number: int, title: text, state: text, created: int!, author: text, last: int, _NONE_ }
    list:
      path: "BASEissues"
      paging: { page: page, short: last }
      page_size: { parameter: size, max: 4 }
      filters: { state: { "=": { parameter: state, exact: true } } }
      sort: { parameter: sort, columns: [created], nulls: lowest, descending: "-{column}" }
    get: { path: "BASEissue/{number}" }
    writes: { update: { patch: "issues/{number}", columns: [title] } }
    details:
      full:
        path: "BASEissues/{number}"
        fields: { parameter: fields }
        columns: { body: text, comments: { type: int, path: counts.comments } }
      comment:
        path: "BASEcomments"
        filters: { last: { "=": id } }
        not_found: empty
        columns: { comment: { path: text } }
      lagging:
        path: "BASElagging/{number}"
        consistency: eventual
        columns: { views: int }
  authors:
    key: name
    columns: { name: text, team: text }
    list: { path: "BASEauthors" }
  notes:
    key: [issue, id]
    columns: { issue: { type: int, from: request }, id: int }
    list: { path: "BASEnotes/{issue}" }
    details:
      text: { path: "BASEnotes/{issue}/{id}", columns: { text: text } }
"#;

/// The API.
#[derive(Debug)]
pub(super) struct Hub {
    requests: Mutex<Vec<String>>,
    active: AtomicUsize,
    most_active: AtomicUsize,
    /// Issues that are answered with this status, in their details alone.
    pub(super) refused: Mutex<BTreeMap<i64, u16>>,
    /// Titles that were set.
    titles: Mutex<BTreeMap<i64, String>>,
}

/// Number, state, created, author and last comment of each issue.
const ISSUES: &[(i64, &str, i64, &str, Option<i64>)] = &[
    (1, "open", 50, "ann", Some(7)),
    (2, "closed", 40, "bob", None),
    (3, "open", 90, "ann", Some(7)),
    (4, "open", 10, "cid", Some(8)),
    (5, "closed", 60, "bob", Some(404)),
    (6, "open", 30, "ann", None),
    (7, "open", 80, "dee", Some(9)),
    (8, "closed", 20, "bob", Some(7)),
    (9, "open", 70, "ann", Some(8)),
    (10, "open", 100, "cid", None),
];

impl Hub {
    /// Path and query of each request since the last call of this.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().expect("no panic"))
    }

    /// Most requests that were under way at once.
    pub(super) fn most_active(&self) -> usize {
        self.most_active.load(Ordering::SeqCst)
    }

    fn issue(&self, &(number, state, created, author, last): &(i64, &str, i64, &str, Option<i64>)) -> Json {
        let titles = self.titles.lock().expect("no panic");
        let title = titles.get(&number).cloned().unwrap_or_else(|| format!("issue {number}"));
        json!({"number": number, "title": title, "state": state, "created": created, "author": author, "last": last})
    }

    fn list(&self, url: &Url) -> Json {
        let option = |name: &str| url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value);
        let number = |name: &str, default: usize| option(name).map_or(default, |text| text.parse().expect("a number"));
        let state = option("state");
        let mut issues: Vec<_> =
            ISSUES.iter().filter(|issue| state.as_deref().is_none_or(|state| issue.1 == state)).collect();
        match option("sort").as_deref() {
            Some("created") => issues.sort_by_key(|issue| issue.2),
            Some("-created") => issues.sort_by_key(|issue| -issue.2),
            _ => {}
        }
        let size = number("size", 4);
        let page = issues.into_iter().skip((number("page", 1) - 1) * size).take(size);
        page.map(|issue| self.issue(issue)).collect()
    }

    fn answer(&self, request: &Request) -> (u16, Json) {
        let path = request.url.path().trim_start_matches("/v1/");
        let path: Vec<&str> = path.split('/').skip_while(|segment| matches!(*segment, "p1" | "p2")).collect();
        let number = || path.get(1).and_then(|text| text.parse::<i64>().ok()).unwrap_or_default();
        let partition = request.operation.partition.as_deref().unwrap_or_default();
        let found = || ISSUES.iter().find(|issue| issue.0 == number());
        match (request.method.as_str(), path.as_slice()) {
            ("GET", ["issues"]) => (200, self.list(&request.url)),
            ("GET", ["issue", _]) => match found() {
                Some(issue) => (200, self.issue(issue)),
                None => (404, json!({})),
            },
            ("GET", ["issues", _]) => match (self.refused.lock().expect("no panic").get(&number()), found()) {
                (Some(status), _) => (*status, json!({"message": "no such luck"})),
                (None, Some(issue)) => {
                    let mut issue = self.issue(issue);
                    issue["body"] = json!(format!("body {}{partition}", number()));
                    issue["counts"] = json!({"comments": number() % 3});
                    (200, issue)
                }
                (None, None) => (404, json!({})),
            },
            ("PATCH", ["issues", _]) => {
                let body: Json = serde_json::from_slice(&request.body).expect("JSON");
                self.titles
                    .lock()
                    .expect("no panic")
                    .insert(number(), body["title"].as_str().expect("a text").to_owned());
                (200, json!({}))
            }
            ("GET", ["comments"]) => match request.url.query() {
                Some("id=404") => (404, json!({})),
                query => (200, json!({"text": format!("comment {}", query.unwrap_or_default())})),
            },
            ("GET", ["lagging", _]) => (200, json!({"views": number() * 10})),
            ("GET", ["authors"]) => (
                200,
                json!([{"name": "ann", "team": "red"}, {"name": "bob", "team": "blue"}, {"name": "eve", "team": "red"}]),
            ),
            ("GET", ["notes", _]) => (200, json!([{"id": 1}, {"id": 2}])),
            ("GET", ["notes", issue, id]) => (200, json!({"text": format!("note {issue}.{id}")})),
            _ => (404, json!({})),
        }
    }
}

#[async_trait]
impl Transport for Hub {
    async fn send(&self, request: Request) -> tidegate_transport::Result<Response> {
        request.operation.statement.count_call(false);
        let fresh = if request.operation.fresh { " fresh" } else { "" };
        let path = request.url.as_str().trim_start_matches("https://hub.example/v1/");
        let method = if request.method == "GET" { String::new() } else { format!("{} ", request.method) };
        self.requests.lock().expect("no panic").push(format!("{method}{path}{fresh}"));
        self.most_active.fetch_max(self.active.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        // Some that are asked for later are answered first.
        for _ in 0..20 - path.len() % 9 - path.bytes().map(usize::from).sum::<usize>() % 5 {
            tokio::task::yield_now().await;
        }
        self.active.fetch_sub(1, Ordering::SeqCst);
        let (status, body) = self.answer(&request);
        let body = Bytes::from(body.to_string()).into();
        let status = StatusCode::from_u16(status).expect("a status");
        Ok(Response { status, headers: HeaderMap::new(), url: request.url, body })
    }
}

#[derive(Debug)]
struct Open(Arc<Hub>);

impl Connect for Open {
    fn open(&self, def: &ConnectionDef) -> tidegate_engine::Result<Connection> {
        let base = if def.partitions.is_some() { "{partition}/" } else { "" };
        let text = MANIFEST.replace("BASE", base).replace(", _NONE_", "");
        let manifest = Manifest::parse(&text, "hub.yaml").unwrap_or_else(|problems| panic!("{problems:?}"));
        let ledger = Ledger::new(Arc::<MemoryStore>::default(), Arc::<tidegate_transport::SystemClock>::default());
        Ok(Connection {
            def: def.clone(),
            base: Url::parse("https://hub.example/v1/").expect("a URL"),
            transport: Arc::clone(&self.0) as Arc<dyn Transport>,
            connector: Connector::Manifest(Arc::new(manifest.compile(&BTreeMap::new()).expect("a model"))),
            blanks: Default::default(),
            fingerprint: "hub".to_owned(),
            writes: true,
            partitions: def.partitions.clone().map_or(Partitions::None, |named| Partitions::Named(named.into())),
            metering: Arc::new(Metering::new(Arc::new(ledger), "test", "test")),
        })
    }
}

pub(super) struct Fixture {
    pub(super) hub: Arc<Hub>,
    pub(super) session: Session,
    folder: tempfile::TempDir,
}

impl Fixture {
    /// Connection `hub`.
    pub(super) fn new() -> Self {
        Self::with(None)
    }

    /// The same with partitions `p1` and `p2`, each of which has all rows.
    pub(super) fn divided() -> Self {
        Self::with(Some(["p1", "p2"].map(|code| Partition { code: code.to_owned(), name: None }).into()))
    }

    fn with(partitions: Option<Vec<Partition>>) -> Self {
        let hub = Arc::new(Hub {
            requests: Mutex::default(),
            active: AtomicUsize::new(0),
            most_active: AtomicUsize::new(0),
            refused: Mutex::default(),
            titles: Mutex::default(),
        });
        let clock = Arc::new(TestClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
        let folder = tempfile::tempdir().expect("a folder");
        let engine = Engine::new(EngineParts {
            connect: Arc::new(Open(Arc::clone(&hub))),
            journal: Arc::new(Journal::in_folder(folder.path())),
            state: Arc::new(State::in_folder(folder.path())),
            requests: Arc::new(RequestLog::new(100)),
            ledger: Arc::new(Ledger::new(Arc::<MemoryStore>::default(), Arc::clone(&clock) as _)),
            clock: Arc::clone(&clock) as _,
            cache: None,
            working_dir: folder.path().to_owned(),
        });
        let def = ConnectionDef { partitions, ..ConnectionDef::odata("hub", "") };
        engine.add_connection(&def).expect("a new name");
        Self { hub, session: engine.session("ann"), folder }
    }

    pub(super) async fn try_rows(&self, sql: &str) -> Result<Vec<String>, Error> {
        assert!(self.folder.path().exists(), "the state folder lives as long as the engine");
        drain(self.session.prepare(sql).await?.execute(Vec::new()).await?).await
    }

    pub(super) async fn rows(&self, sql: &str) -> Vec<String> {
        self.try_rows(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub(super) async fn error(&self, sql: &str) -> (ErrorKind, String) {
        match self.try_rows(sql).await {
            Ok(rows) => panic!("{sql}: no error but {rows:?}"),
            Err(error) => (error.kind(), error.to_string()),
        }
    }

    /// Rows in their order, and what was asked for them: lists in their order, then details in theirs. Without pushdown
    /// the rows are the same.
    #[track_caller]
    pub(super) fn check<'a>(
        &'a self,
        sql: &'a str,
        rows: &'a [&'a str],
        asked: &'a [&'a str],
    ) -> impl Future<Output = ()> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            self.hub.take();
            let found = self.rows(sql).await;
            assert_eq!(found, rows, "{sql} ({caller})");
            assert_eq!(self.hub.take(), asked, "{sql} ({caller})");
            self.rows("SET tidegate.pushdown = false").await;
            assert_eq!(self.rows(sql).await, rows, "{sql} without pushdown ({caller})");
            self.rows("SET tidegate.pushdown = true").await;
            self.hub.take();
        }
    }
}
