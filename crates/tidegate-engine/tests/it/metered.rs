//! A connection over partitions whose calls are booked in a ledger, with a clock that tests move.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tidegate_engine::{
    Connect, Connection, ConnectionDef, Connector, Engine, EngineParts, Error, ErrorKind, Execution, Partition,
    Partitions, Session,
};
use tidegate_quota::{Ledger, Limit, MemoryStore, Quota, Unit, Window};
use tidegate_spec::odata;
use tidegate_state::State;
use tidegate_transport::{
    Clock, Figures, Meter, MeteredQuota, Metering, Observe, Operations, Per, Request, RequestLog, Response, TestClock,
    Transport,
};

use crate::script::{ACCOUNTS, METADATA, drain};

/// A quota of so many calls for each partition.
pub(crate) fn calls(name: &str, limit: u64, window: Window) -> MeteredQuota {
    let limit = Limit::Window { limit: Some(limit), window };
    let quota = Quota { name: name.into(), unit: Unit::Calls, limit, is_reported: false };
    MeteredQuota {
        quota: Arc::new(quota),
        per: Per::Partition,
        only: Vec::new(),
        operations: Operations::All,
        each_endpoint: false,
        free: Vec::new(),
        cost: 1,
        figures: Figures::default(),
    }
}

/// Answers every request, and remembers it as `partition path`.
#[derive(Debug, Default)]
struct Server {
    requests: Mutex<Vec<String>>,
    /// Headers of every answer.
    headers: Mutex<HeaderMap>,
    /// Partitions whose requests fail.
    broken: Mutex<BTreeSet<String>>,
    /// Whether a list has a second page.
    has_more: Mutex<bool>,
}

#[async_trait]
impl Transport for Server {
    async fn send(&self, request: Request) -> tidegate_transport::Result<Response> {
        let partition = request.operation.partition.clone().unwrap_or_else(|| "-".into());
        let path = request.url.path().rsplit('/').find(|part| !part.is_empty()).unwrap_or_default().to_owned();
        let is_second = request.url.query().is_some_and(|query| query.contains("page=2"));
        self.requests.lock().expect("no panic").push(format!("{partition} {path}"));
        let has_more = *self.has_more.lock().expect("no panic") && !is_second;
        let (status, body) = match path.as_str() {
            _ if self.broken.lock().expect("no panic").contains(&*partition) => (StatusCode::FORBIDDEN, String::new()),
            "Accounts" if has_more => {
                let next = r#", "@odata.nextLink": "Accounts?page=2"}"#;
                (StatusCode::OK, format!("{}{next}", ACCOUNTS.trim_end_matches('}')))
            }
            "Accounts" if is_second => (StatusCode::OK, r#"{"value": [{"ID": 4, "Name": "Dyne"}]}"#.to_owned()),
            "Accounts" => (StatusCode::OK, ACCOUNTS.to_owned()),
            "Orders" => (StatusCode::OK, r#"{"value": [{"ID": 7, "AccountID": 1}]}"#.to_owned()),
            _ => (StatusCode::OK, "{}".to_owned()),
        };
        let headers = self.headers.lock().expect("no panic").clone();
        Ok(Response { status, headers, url: request.url, body: Bytes::from(body).into() })
    }
}

/// Opens the one connection.
#[derive(Debug)]
struct Metered {
    server: Arc<Server>,
    ledger: Arc<Ledger>,
    clock: Arc<TestClock>,
    requests: Arc<RequestLog>,
    quotas: Vec<MeteredQuota>,
    partitions: Option<Vec<Partition>>,
}

impl Connect for Metered {
    fn open(&self, def: &ConnectionDef) -> tidegate_engine::Result<Connection> {
        let model = odata::parse(METADATA, &odata::Options::default())
            .map_err(|error| Error::new(ErrorKind::Connection, error.to_string()))?;
        let metering = Metering::new(Arc::clone(&self.ledger), "api|ann", &def.name);
        let metering = Arc::new(Metering { quotas: self.quotas.clone(), ..metering });
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let observed = Observe::new(Arc::clone(&self.server) as _, Arc::clone(&self.requests), Arc::clone(&clock));
        let base =
            if self.partitions.is_some() { "https://api.example/{partition}/" } else { "https://api.example/v1/" };
        Ok(Connection {
            def: def.clone(),
            base: url::Url::parse(base).expect("a URL"),
            transport: Arc::new(Meter::new(Arc::new(observed), Arc::clone(&metering), clock)),
            connector: if def.connector == "odata" {
                Connector::OData(odata::Options::default())
            } else {
                Connector::Manifest(Arc::new(model))
            },
            blanks: Default::default(),
            fingerprint: def.name.clone(),
            writes: false,
            partitions: match &self.partitions {
                Some(partitions) => Partitions::Named(partitions.as_slice().into()),
                None => Partitions::None,
            },
            metering,
        })
    }
}

/// An engine with the connection `eol`, and a session.
pub(crate) struct MeteredFixture {
    pub(crate) engine: Engine,
    pub(crate) session: Session,
    pub(crate) clock: Arc<TestClock>,
    server: Arc<Server>,
}

impl MeteredFixture {
    /// With these partitions, each under these quotas; without any, a connection that has none.
    pub(crate) fn new(partitions: &[&str], quotas: Vec<MeteredQuota>) -> Self {
        // 2023-11-14, 22:13:20.
        let clock = Arc::new(TestClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
        let ledger = Arc::new(Ledger::new(Arc::<MemoryStore>::default(), Arc::clone(&clock) as _));
        let requests = Arc::new(RequestLog::new(1000));
        let server = Arc::<Server>::default();
        let named = |code: &&str| Partition { code: (*code).to_owned(), name: Some(format!("Office {code}")) };
        let connect = Metered {
            server: Arc::clone(&server),
            ledger: Arc::clone(&ledger),
            clock: Arc::clone(&clock),
            requests: Arc::clone(&requests),
            quotas,
            partitions: (!partitions.is_empty()).then(|| partitions.iter().map(named).collect()),
        };
        let engine = Engine::new(EngineParts {
            connect: Arc::new(connect),
            journal: Arc::new(tidegate_state::Journal::in_memory()),
            cache: None,
            state: Arc::new(State::in_memory()),
            requests,
            ledger,
            clock: Arc::clone(&clock) as _,
            working_dir: ".".into(),
        });
        engine.add_connection(&ConnectionDef::new("eol", "books", BTreeMap::new())).expect("a new name");
        Self { session: engine.session("analyst"), engine, clock, server }
    }

    /// Every answer has these headers from now on.
    pub(crate) fn answer_with(&self, headers: &[(&'static str, &str)]) {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header"))
        };
        *self.server.headers.lock().expect("no panic") = headers.iter().map(pair).collect();
    }

    /// Requests of this partition fail from now on.
    pub(crate) fn break_partition(&self, code: &str) {
        self.server.broken.lock().expect("no panic").insert(code.to_owned());
    }

    /// Lists have a second page from now on.
    pub(crate) fn page(&self) {
        *self.server.has_more.lock().expect("no panic") = true;
    }

    /// What was sent since the last call of this, sorted.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        let mut requests = std::mem::take(&mut *self.server.requests.lock().expect("no panic"));
        requests.sort();
        requests
    }

    pub(crate) async fn execute(&self, sql: &str) -> Result<Execution, Error> {
        self.session.prepare(sql).await?.execute(Vec::new()).await
    }

    pub(crate) async fn try_rows(&self, sql: &str) -> Result<Vec<String>, Error> {
        drain(self.execute(sql).await?).await
    }

    pub(crate) async fn rows(&self, sql: &str) -> Vec<String> {
        self.try_rows(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The kind and message of the error that a statement ends with.
    pub(crate) async fn error(&self, sql: &str) -> (ErrorKind, String) {
        match self.try_rows(sql).await {
            Ok(rows) => panic!("{sql}: no error but {rows:?}"),
            Err(error) => (error.kind(), error.to_string()),
        }
    }
}
