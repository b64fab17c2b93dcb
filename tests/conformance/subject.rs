//! A manifest with an engine over the mock in place of its API.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use tidegate::{Error, Session, TestClock};
use tidegate_engine::{Connect, Connection, ConnectionDef, Connector, Engine, EngineParts, OptionValue, Partitions};
use tidegate_quota::{Ledger, MemoryStore};
use tidegate_spec::{Endpoint, Model, Table};
use tidegate_state::State;
use tidegate_tests::run::{Outcome, run};
use tidegate_transport::{
    Auth, Clock, Collect, Credentials, Jitter, Meter, Metering, Observe, OriginGuard, Redirect, RequestLog, Retry,
    RetryPolicy,
};
use url::Url;

use super::cases::Case;
use super::data::{Row, Shape};
use super::manifests::Described;
use super::mock::{ACCESS, Behaviour, Entry, Mock};
use super::tokens::Renewed;

/// Name of the connection in SQL.
pub(crate) const CONNECTION: &str = "api";

/// Where the mock answers.
pub(crate) const BASE: &str = "https://api.example/base%20path/v1/";

/// What each option is set to begins with this.
pub(crate) const SECRET: &str = "s3cret-";

/// A manifest under test.
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) tables: Vec<Table>,
    pub(crate) mock: Arc<Mock>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) session: Session,
    /// What it is opened by, where that can be done again.
    def: ConnectionDef,
    /// Whether the manifest is one of the suite's own.
    pub(crate) is_fixture: bool,
}

#[derive(Debug)]
struct Layers {
    mock: Arc<Mock>,
    clock: Arc<TestClock>,
    requests: Arc<RequestLog>,
    model: Arc<Model>,
}

impl Connect for Layers {
    fn open(&self, def: &ConnectionDef) -> Result<Connection, Error> {
        let base = Url::parse(BASE).unwrap();
        let clock: Arc<dyn Clock> = self.clock.clone();
        let credentials = Credentials::Token(Arc::new(Renewed::default()));
        let auth = Auth::new(self.mock.clone(), base.origin(), credentials);
        let observe = Observe::new(Arc::new(auth), self.requests.clone(), clock.clone());
        let collect = Arc::new(Collect::new(Arc::new(observe)));
        let ledger = Arc::new(Ledger::new(Arc::<MemoryStore>::default(), clock.clone()));
        let metering = Arc::new(Metering::new(ledger, "test", "test"));
        let meter = Arc::new(Meter::new(collect, Arc::clone(&metering), clock.clone()).at(base.origin()));
        let retry = Retry::new(meter, RetryPolicy::default(), clock, Arc::new(Jitter::seeded(1)));
        let retry = retry.metered().renewing(base.origin());
        let guard = OriginGuard::new(Arc::new(retry), base.origin(), Vec::new());
        Ok(Connection {
            def: def.clone(),
            base,
            transport: Arc::new(Redirect::new(Arc::new(guard))),
            connector: Connector::Manifest(self.model.clone()),
            blanks: Default::default(),
            fingerprint: "mock".to_owned(),
            writes: false,
            partitions: Partitions::None,
            metering,
        })
    }
}

/// A session of an engine over the mock.
fn session(name: &str, def: &ConnectionDef, mock: &Arc<Mock>, clock: &Arc<TestClock>) -> Session {
    let engine = tidegate::Engine::builder()
        .network(mock.clone())
        .clock(clock.clone())
        .jitter_seed(1)
        .environment(|_| None)
        .connection(def.clone())
        .build()
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    engine.session("test")
}

impl Subject {
    /// Opens a connection described by this file.
    pub(crate) fn open(name: &str, file: &Path) -> Self {
        Self::open_with(name, file, &[])
    }

    /// The same with more options.
    pub(crate) fn open_with(name: &str, file: &Path, more: &[(&str, &str)]) -> Self {
        let mut described = super::manifests::read(file);
        described.options.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let (mock, clock) = (mock(&described), clock());
        let path = file.to_str().expect("a path in UTF-8").to_owned();
        let options = described.options.iter().map(|(name, value)| (name.clone(), OptionValue::Text(value.clone())));
        let def = ConnectionDef::new(CONNECTION, &path, options.collect());
        let session = session(name, &def, &mock, &clock);
        Self::new(name, file, described, mock, clock, def, session)
    }

    /// The same with an engine that has seen nothing: one that knows how few rows there are need not filter.
    pub(crate) fn anew(&self) -> Self {
        let session = session(&self.name, &self.def, &self.mock, &self.clock);
        Self {
            name: self.name.clone(),
            tables: self.tables.clone(),
            mock: self.mock.clone(),
            clock: self.clock.clone(),
            session,
            def: self.def.clone(),
            is_fixture: self.is_fixture,
        }
    }

    /// The same below the facade, signed with tokens that are renewed.
    pub(crate) fn open_with_token(name: &str, file: &Path) -> Self {
        let described = super::manifests::read(file);
        let (mock, clock) = (mock(&described), clock());
        let requests = Arc::new(RequestLog::new(10));
        let layers = Layers {
            mock: mock.clone(),
            clock: clock.clone(),
            requests: requests.clone(),
            model: Arc::new(described.model.clone()),
        };
        let engine = Engine::new(EngineParts {
            connect: Arc::new(layers),
            state: Arc::new(State::in_memory()),
            journal: Arc::new(tidegate_state::Journal::in_memory()),
            cache: None,
            requests,
            ledger: Arc::new(Ledger::new(Arc::<MemoryStore>::default(), clock.clone())),
            clock: clock.clone(),
            working_dir: std::env::temp_dir(),
        });
        let def = ConnectionDef::new(CONNECTION, &described.connector, Default::default());
        engine.add_connection(&def).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self::new(name, file, described, mock, clock, def, engine.session("test"))
    }

    fn new(
        name: &str,
        file: &Path,
        described: Described,
        mock: Arc<Mock>,
        clock: Arc<TestClock>,
        def: ConnectionDef,
        session: Session,
    ) -> Self {
        let is_fixture = !file.ends_with("manifest.yaml");
        Self { name: name.to_owned(), tables: described.model.tables, mock, clock, session, def, is_fixture }
    }

    /// Runs a query on these rows; gives what came of it and what was asked for.
    pub(crate) async fn ask(
        &self,
        table: &Table,
        rows: &[Row],
        behaviour: Behaviour,
        sql: &str,
    ) -> (Result<Outcome, Error>, Vec<Entry>) {
        self.mock.serve(table, rows, behaviour);
        let outcome = run(&self.session, sql).await;
        let log = self.mock.take_log();
        if let Some(entry) = log.iter().find(|entry| shows_credentials(entry)) {
            panic!("{}: credentials left their origin: {} {:?}", self.name, entry.url, entry.headers);
        }
        (outcome, log)
    }

    /// Sets whether anything is pushed.
    pub(crate) async fn push_down(&self, on: bool) {
        run(&self.session, &format!("SET tidegate.pushdown = {on}")).await.unwrap();
    }

    /// Which cases this endpoint has to pass: of bundled manifests the first of each style all of them. Of the
    /// fixtures' paging, a table that is asked by GET all, one that is asked by POST those about pages.
    pub(crate) fn scope(&self, table: &Table, endpoint: &Endpoint, styles: &mut Vec<String>) -> Scope {
        match table.name.as_str() {
            "forms" => return Scope::All,
            "items" => return Scope::Pages,
            "body" | "text" => return Scope::None,
            _ if self.is_fixture => return Scope::All,
            _ => {}
        }
        let paging = format!("{:?}", endpoint.paging);
        let paging = paging.split([' ', '{']).next().unwrap_or_default();
        let dialect = endpoint.filters.dialect.as_ref().map(tidegate_spec::Dialect::name);
        let style = format!("{paging} {:?} {dialect:?}", endpoint.kind);
        if styles.contains(&style) {
            return Scope::Brief;
        }
        styles.push(style);
        Scope::All
    }

    /// Whether every way in which this table filters is tried: for fixtures, with one way of paging each.
    pub(crate) fn has_filters_checked(&self, table: &str) -> bool {
        const TRIED: &[(&str, &str)] = &[("page", "forms"), ("cursor", "body"), ("link", "text"), ("offset", "items")];
        !matches!(table, "forms" | "body" | "text" | "items") || TRIED.contains(&(self.name.as_str(), table))
    }
}

/// Cases that an endpoint has to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    All,
    /// Those in which nothing breaks and rows are plain.
    Pages,
    Brief,
    None,
}

impl Scope {
    pub(crate) fn has(self, case: &Case, behaviour: &Behaviour) -> bool {
        match self {
            Self::All => true,
            Self::Pages => behaviour.fault.is_none() && behaviour.shape == Shape::default(),
            Self::Brief => case.is_brief,
            Self::None => false,
        }
    }
}

/// Whether a request to another origin than the connection's bears anything that is secret.
fn shows_credentials(entry: &Entry) -> bool {
    let is_own = entry.url.origin() == Url::parse(BASE).unwrap().origin();
    let signs = ["authorization", "x-api-key", "cookie"];
    let shows = |text: &str| text.contains(SECRET) || text.contains(ACCESS);
    let mut values = entry.headers.values().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let has = signs.iter().any(|name| entry.headers.contains_key(*name)) || values.any(|value| shows(&value));
    !is_own && (has || shows(entry.url.as_str()) || shows(&entry.body))
}

fn mock(described: &Described) -> Arc<Mock> {
    let mock = Mock::new(Url::parse(BASE).unwrap(), described.credential_parameters());
    Arc::new(match described.token_url() {
        Some(url) => mock.with_tokens(url),
        None => mock,
    })
}

fn clock() -> Arc<TestClock> {
    Arc::new(TestClock::new(UNIX_EPOCH + Duration::from_secs(1_800_000_000)))
}
