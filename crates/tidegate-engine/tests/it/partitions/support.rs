//! A service of many divisions, each with orders of its own, and a session over it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tidegate_engine::{
    Connect, Connection, ConnectionDef, Connector, Engine, EngineParts, Error, ErrorKind, Partition, Partitions,
    Session,
};
use tidegate_quota::{Ledger, MemoryStore};
use tidegate_spec::{
    ColumnFilter, ColumnSource, ColumnType, Count, Dialect, Endpoint, Envelope, Exactness, Filters, Model, NullOrder,
    ODataVersion, Operator, Paging, SortColumn, Table, Window, manifest,
};
use tidegate_state::State;
use tidegate_transport::{
    ErrorKind as TransportErrorKind, Metering, Request, RequestLog, Response, Sent, TestClock, Transport,
};
use url::Url;

use crate::scan::support::{column, member};
use crate::script::drain;

/// What the service does when it is asked for a division.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It refuses from this page on.
    Refuse { status: u16, page: usize },
    /// The statement may send no more calls.
    Bound,
}

/// Orders of divisions. `$top`, `$orderby`, `$count` and `id eq n` are understood, and no more.
#[derive(Debug)]
pub(super) struct Service {
    /// Ids of the orders of each division.
    orders: BTreeMap<String, Vec<i64>>,
    page_size: usize,
    /// What the table of divisions has: codes and names, as JSON.
    pub(super) listed: Mutex<Vec<String>>,
    pub(super) faults: Mutex<BTreeMap<String, Fault>>,
    requests: Mutex<Vec<String>>,
    partitions: Mutex<BTreeSet<String>>,
    active: AtomicUsize,
    most_active: AtomicUsize,
}

impl Service {
    /// Path and query of each request since the last call of this.
    pub(super) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().expect("no panic"))
    }

    /// Partitions that calls named.
    pub(super) fn partitions(&self) -> BTreeSet<String> {
        self.partitions.lock().expect("no panic").clone()
    }

    /// Most requests that were under way at once.
    pub(super) fn most_active(&self) -> usize {
        self.most_active.load(Ordering::SeqCst)
    }

    fn note(&self, request: &Request) {
        let pairs: Vec<String> = request.url.query_pairs().map(|(name, value)| format!("{name}={value}")).collect();
        let path = request.url.path().trim_start_matches("/v1/");
        let shown = if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) };
        self.requests.lock().expect("no panic").push(shown);
        self.partitions.lock().expect("no panic").extend(request.operation.partition.as_deref().map(str::to_owned));
    }

    fn answer(&self, url: &Url) -> (u16, String) {
        let path: Vec<&str> = url.path_segments().expect("a path").skip(1).collect();
        match path.as_slice() {
            ["divisions"] => (200, format!(r#"{{"value": [{}]}}"#, self.listed.lock().expect("no panic").join(", "))),
            ["users"] => (200, r#"{"value": [{"id": 1}, {"id": 2}]}"#.to_owned()),
            [code, "orders"] => self.orders(code, url),
            _ => (404, "{}".to_owned()),
        }
    }

    fn orders(&self, code: &str, url: &Url) -> (u16, String) {
        let option =
            |wanted: &str| url.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned());
        let skip: usize = option("skip").map_or(0, |skip| skip.parse().expect("a number"));
        let page = skip / self.page_size.max(1) + 1;
        if let Some(Fault::Refuse { status, page: from }) = self.faults.lock().expect("no panic").get(code)
            && page >= *from
        {
            return (*status, format!(r#"{{"error": {{"message": "no access to partition {code}"}}}}"#));
        }
        let Some(ids) = self.orders.get(code) else { return (404, "{}".to_owned()) };
        let mut ids = ids.clone();
        if let Some(filter) = option("$filter") {
            let wanted: i64 = filter.strip_prefix("id eq ").expect("the one filter").parse().expect("a number");
            ids.retain(|id| *id == wanted);
        }
        match option("$orderby").as_deref() {
            Some("id") => ids.sort_unstable(),
            Some("id desc") => ids.sort_unstable_by(|a, b| b.cmp(a)),
            _ => {}
        }
        let total = ids.len();
        let top = option("$top").map_or(usize::MAX, |top| top.parse().expect("a number"));
        let rows: Vec<String> = ids
            .iter()
            .skip(skip)
            .take(self.page_size.min(top))
            .map(|id| format!(r#"{{"id": {id}, "region": "{}"}}"#, if id % 2 == 0 { "even" } else { "odd" }))
            .collect();
        let after = skip + rows.len();
        let next = (after < total && top > self.page_size).then(|| {
            let others = url.query_pairs().filter(|(name, _)| name == "$orderby" || name == "$filter");
            let others: String = others.map(|(name, value)| format!("{name}={value}&")).collect();
            format!(r#", "next": "orders?{others}skip={after}""#)
        });
        let count = option("$count").map(|_| format!(r#", "count": {total}"#));
        let extra = [next, count].into_iter().flatten().collect::<String>();
        (200, format!(r#"{{"value": [{}]{extra}}}"#, rows.join(", ")))
    }
}

#[async_trait]
impl Transport for Service {
    async fn send(&self, request: Request) -> tidegate_transport::Result<Response> {
        let operation = &request.operation;
        operation.statement.count_call(false);
        self.note(&request);
        self.most_active.fetch_max(self.active.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.active.fetch_sub(1, Ordering::SeqCst);
        let fault =
            operation.partition.as_ref().and_then(|code| self.faults.lock().expect("no panic").get(&**code).copied());
        if fault == Some(Fault::Bound) {
            let message = "the statement may send no more calls";
            return Err(tidegate_transport::Error::new(TransportErrorKind::CallBound, Sent::No, message));
        }
        let (status, body) = self.answer(&request.url);
        let status = StatusCode::from_u16(status).expect("a status");
        Ok(Response { status, headers: HeaderMap::new(), url: request.url, body: Bytes::from(body).into() })
    }
}

/// Opens connections to the service.
#[derive(Debug)]
struct Open {
    service: Arc<Service>,
    /// Whether the API lists the divisions.
    lists: bool,
}

impl Connect for Open {
    fn open(&self, def: &ConnectionDef) -> tidegate_engine::Result<Connection> {
        let base = if self.lists { "https://eol.example/v1/" } else { "https://eol.example/v1/{partition}/" };
        let partitions = match (&def.partitions, self.lists) {
            (_, true) => Partitions::Listed(manifest::Partitions {
                table: "divisions".to_owned(),
                code: "code".to_owned(),
                name: Some("name".to_owned()),
            }),
            (Some(named), false) => Partitions::Named(named.clone().into()),
            (None, false) => Partitions::None,
        };
        let base = if def.partitions.is_none() && !self.lists { "https://eol.example/v1/" } else { base };
        let ledger = Ledger::new(Arc::<MemoryStore>::default(), Arc::<tidegate_transport::SystemClock>::default());
        Ok(Connection {
            def: def.clone(),
            base: Url::parse(base).expect("a URL"),
            transport: Arc::clone(&self.service) as Arc<dyn Transport>,
            connector: Connector::Manifest(Arc::new(Model { tables: tables(self.lists), ..Model::default() })),
            blanks: Default::default(),
            fingerprint: "eol".to_owned(),
            writes: false,
            partitions,
            metering: Arc::new(Metering::new(Arc::new(ledger), "test", "test")),
        })
    }
}

fn tables(lists: bool) -> Vec<Table> {
    if lists { vec![divisions(), orders("{partition}/orders"), users()] } else { vec![orders("orders"), own()] }
}

fn table(name: &str, columns: &[(&str, ColumnType, bool)], endpoint: Endpoint) -> Table {
    let column = |(name, data_type, nullable): &(&str, ColumnType, bool)| {
        column(name, data_type.clone(), *nullable, ColumnSource::Row)
    };
    Table {
        name: name.to_owned(),
        api_name: name.to_owned(),
        description: None,
        columns: columns.iter().map(column).collect(),
        key: vec![0],
        details: Vec::new(),
        writes: tidegate_spec::Writes::default(),
        endpoints: vec![endpoint],
    }
}

fn plain(path: &str) -> Endpoint {
    let envelope = Envelope { rows: member("value"), ..Envelope::default() };
    Endpoint { envelope, ..Endpoint::new("list", path) }
}

fn divisions() -> Table {
    let columns = [("code", ColumnType::Int64, true), ("name", ColumnType::Text, true)];
    table("divisions", &columns, plain("divisions"))
}

fn users() -> Table {
    table("users", &[("id", ColumnType::Int64, false)], plain("users"))
}

/// Orders of an API that has a column of the partition's name.
fn own() -> Table {
    let columns = [("id", ColumnType::Int64, false), ("_partition", ColumnType::Text, true)];
    Table { endpoints: orders("orders").endpoints, ..table("own", &columns, plain("orders")) }
}

fn orders(path: &str) -> Table {
    let eq = ColumnFilter { column: 0, operators: vec![(Operator::Eq, Exactness::Exact)], required: false };
    let filters = Filters { dialect: Some(Dialect::OData(ODataVersion::V4)), columns: vec![eq], ..Filters::default() };
    let endpoint = Endpoint {
        envelope: Envelope {
            rows: member("value"),
            next: member("next"),
            count: member("count"),
            ..Envelope::default()
        },
        paging: Paging::NextUrl,
        window: Some(Window::TopSkip),
        filters,
        sort: vec![SortColumn { column: 0, nulls: NullOrder::Lowest }],
        count: Some(Count::Inline),
        ..Endpoint::new("list", path)
    };
    table("orders", &[("id", ColumnType::Int64, false), ("region", ColumnType::Text, true)], endpoint)
}

pub(super) struct Divided {
    pub(super) service: Arc<Service>,
    pub(super) engine: Engine,
    pub(super) session: Session,
    pub(super) clock: Arc<TestClock>,
}

/// Where its partitions are known from.
pub(super) enum Known {
    /// The connection names them.
    Named,
    /// A table lists them.
    Listed(Arc<State>),
}

impl Divided {
    /// Connection `eol` over divisions with these orders, in pages of two.
    pub(super) fn new(orders: &[(&str, &[i64])]) -> Self {
        Self::with(Known::Named, orders, |def| def)
    }

    /// The same over divisions that the table `eol.divisions` lists.
    pub(super) fn listed(orders: &[(&str, &[i64])]) -> Self {
        Self::with(Known::Listed(Arc::new(State::in_memory())), orders, |def| def)
    }

    pub(super) fn with(
        known: Known,
        orders: &[(&str, &[i64])],
        change: impl Fn(ConnectionDef) -> ConnectionDef,
    ) -> Self {
        let codes: Vec<String> = orders.iter().map(|(code, _)| (*code).to_owned()).collect();
        let listed = codes.iter().map(|code| format!(r#"{{"code": {code}, "name": "Division {code}"}}"#));
        let service = Arc::new(Service {
            orders: orders.iter().map(|(code, ids)| ((*code).to_owned(), ids.to_vec())).collect(),
            page_size: 2,
            listed: Mutex::new(listed.collect()),
            faults: Mutex::default(),
            requests: Mutex::default(),
            partitions: Mutex::default(),
            active: AtomicUsize::new(0),
            most_active: AtomicUsize::new(0),
        });
        let (state, lists) = match known {
            Known::Named => (Arc::new(State::in_memory()), false),
            Known::Listed(state) => (state, true),
        };
        let clock = Arc::new(TestClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
        let engine = Engine::new(EngineParts {
            connect: Arc::new(Open { service: Arc::clone(&service), lists }),
            journal: Arc::new(tidegate_state::Journal::in_memory()),
            cache: None,
            state,
            requests: Arc::new(RequestLog::new(100)),
            ledger: Arc::new(Ledger::new(Arc::<MemoryStore>::default(), Arc::clone(&clock) as _)),
            clock: Arc::clone(&clock) as _,
            working_dir: std::path::PathBuf::from("."),
        });
        let named = codes.into_iter().map(|code| Partition { name: None, code });
        let def = ConnectionDef { partitions: (!lists).then(|| named.collect()), ..ConnectionDef::odata("eol", "") };
        engine.add_connection(&change(def)).expect("a new name");
        Self { service, session: engine.session("analyst"), engine, clock }
    }

    pub(super) fn fail(&self, code: &str, status: u16, page: usize) {
        self.service.faults.lock().expect("no panic").insert(code.to_owned(), Fault::Refuse { status, page });
    }

    pub(super) async fn try_rows(&self, sql: &str) -> Result<Vec<String>, Error> {
        drain(self.session.prepare(sql).await?.execute(Vec::new()).await?).await
    }

    /// Rows of a statement in their order, a line each, values joined by `|`.
    pub(super) async fn rows(&self, sql: &str) -> Vec<String> {
        self.try_rows(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The same, sorted.
    pub(super) async fn sorted(&self, sql: &str) -> Vec<String> {
        let mut rows = self.rows(sql).await;
        rows.sort_unstable();
        rows
    }

    pub(super) async fn error(&self, sql: &str) -> (ErrorKind, String) {
        match self.try_rows(sql).await {
            Ok(rows) => panic!("{sql}: no error but {rows:?}"),
            Err(error) => (error.kind(), error.to_string()),
        }
    }

    /// Requests since the last call of this, sorted: partitions are asked at once.
    pub(super) fn requests(&self) -> Vec<String> {
        let mut requests = self.service.take_requests();
        requests.sort_unstable();
        requests
    }

    pub(super) async fn warnings(&self) -> Vec<String> {
        self.rows("SELECT message FROM system.warnings").await
    }
}

/// Three divisions.
pub(super) const THREE: &[(&str, &[i64])] = &[("101", &[5, 1, 3]), ("102", &[2, 6]), ("103", &[4])];
