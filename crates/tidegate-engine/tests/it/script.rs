//! A scripted API and sessions over it: what was sent is asserted beside the rows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::scalar::ScalarValue;
use futures::StreamExt;
use http::{HeaderMap, HeaderValue, StatusCode};
use tidegate_engine::{
    Connect, Connection, ConnectionDef, Connector, Engine, EngineParts, Error, ErrorKind, Execution, OptionValue,
    Partitions, Session, StatementKind,
};
use tidegate_quota::{Ledger, MemoryStore};
use tidegate_spec::{Model, odata};
use tidegate_state::{CacheDb, State};
use tidegate_transport::{
    ErrorKind as TransportErrorKind, Metering, Request, RequestLog, Response, Sent, TestClock, Transport,
};
use url::Url;

/// A service with accounts and orders.
pub(crate) const METADATA: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
  <edmx:DataServices>
    <Schema Namespace="Sales" xmlns="http://docs.oasis-open.org/odata/ns/edm">
      <EntityType Name="Account">
        <Key><PropertyRef Name="ID"/></Key>
        <Property Name="ID" Type="Edm.Int32" Nullable="false"/>
        <Property Name="Name" Type="Edm.String"/>
        <Property Name="Revenue" Type="Edm.Decimal" Precision="15" Scale="2"/>
      </EntityType>
      <EntityType Name="Order">
        <Key><PropertyRef Name="ID"/></Key>
        <Property Name="ID" Type="Edm.Int32" Nullable="false"/>
        <Property Name="AccountID" Type="Edm.Int32"/>
      </EntityType>
      <EntityContainer Name="Container">
        <EntitySet Name="Accounts" EntityType="Sales.Account"/>
        <EntitySet Name="Orders" EntityType="Sales.Order"/>
      </EntityContainer>
    </Schema>
  </edmx:DataServices>
</edmx:Edmx>"#;

/// Rows of `Accounts`.
pub(crate) const ACCOUNTS: &str = r#"{"value": [
    {"ID": 1, "Name": "Acme", "Revenue": 10.5},
    {"ID": 2, "Name": "Bolt", "Revenue": 20},
    {"ID": 3, "Name": null, "Revenue": null}
]}"#;

/// What the API does, which a test may change while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Answers.
    Up,
    /// Nothing accepts a connection.
    Down,
    /// Answers metadata, and never anything else.
    Silent,
    /// Never answers.
    Dead,
    /// Answers with XML that describes no service.
    Odd,
}

/// Answers every request by its path, and remembers it.
#[derive(Debug)]
pub(crate) struct Api {
    mood: Mutex<Mood>,
    requests: Mutex<Vec<String>>,
}

impl Api {
    pub(crate) fn set(&self, mood: Mood) {
        *self.mood.lock().expect("no panic") = mood;
    }

    /// Paths that were asked for since the last call of this, `304` marked.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().expect("no panic"))
    }
}

#[async_trait]
impl Transport for Api {
    async fn send(&self, request: Request) -> tidegate_transport::Result<Response> {
        let operation = &request.operation;
        operation.statement.count_call(false);
        let name = request.url.path_segments().and_then(|mut path| path.next_back()).unwrap_or_default().to_owned();
        let shown = format!("{}/{}", operation.connection, name.replace("%24", "$"));
        let is_metadata = shown.ends_with("$metadata");
        let has_validator = request.headers.contains_key(http::header::IF_NONE_MATCH);
        let note = if has_validator { " revalidated" } else { "" };
        self.requests.lock().expect("no panic").push(format!("{shown}{note}"));
        let mood = *self.mood.lock().expect("no panic");
        if mood == Mood::Down {
            let message = "could not connect to erp.example";
            return Err(tidegate_transport::Error::new(TransportErrorKind::Connect, Sent::No, message));
        }
        if mood == Mood::Dead || (mood == Mood::Silent && !is_metadata) {
            return std::future::pending().await;
        }
        let (status, body) = match name.as_str() {
            _ if mood == Mood::Odd => (StatusCode::OK, "<feed/>"),
            _ if is_metadata && has_validator => (StatusCode::NOT_MODIFIED, ""),
            _ if is_metadata => (StatusCode::OK, METADATA),
            "Accounts" => (StatusCode::OK, ACCOUNTS),
            "Orders" => (StatusCode::OK, r#"{"value": [{"ID": 7, "AccountID": 1}]}"#),
            _ => (StatusCode::NOT_FOUND, ""),
        };
        let mut headers = HeaderMap::new();
        headers.insert(http::header::ETAG, HeaderValue::from_static("\"v1\""));
        Ok(Response { status, headers, url: request.url, body: Bytes::from_static(body.as_bytes()).into() })
    }
}

/// Opens connections to scripted APIs, one by name.
#[derive(Debug, Default)]
struct Scripted {
    apis: Mutex<BTreeMap<String, Arc<Api>>>,
    manifests: Mutex<BTreeMap<String, Arc<Model>>>,
}

impl Scripted {
    fn api(&self, name: &str) -> Arc<Api> {
        let new = || Arc::new(Api { mood: Mutex::new(Mood::Up), requests: Mutex::default() });
        Arc::clone(self.apis.lock().expect("no panic").entry(name.to_owned()).or_insert_with(new))
    }
}

impl Connect for Scripted {
    fn open(&self, def: &ConnectionDef) -> tidegate_engine::Result<Connection> {
        let Some(OptionValue::Text(url)) = def.options.get("url") else {
            return Err(Error::new(ErrorKind::Connection, format!("{}: the option url is missing", def.name)));
        };
        Ok(Connection {
            def: def.clone(),
            base: Url::parse(url).expect("a URL"),
            transport: self.api(&def.name),
            connector: match self.manifests.lock().expect("no panic").get(&def.name) {
                Some(model) => Connector::Manifest(Arc::clone(model)),
                None => Connector::OData(odata::Options::default()),
            },
            blanks: Default::default(),
            fingerprint: url.clone(),
            writes: false,
            partitions: Partitions::None,
            metering: Arc::new(Metering::new(
                Arc::new(Ledger::new(Arc::<MemoryStore>::default(), Arc::<tidegate_transport::SystemClock>::default())),
                "test",
                "test",
            )),
        })
    }
}

/// An engine over scripted APIs, and one session of it.
pub(crate) struct Fixture {
    pub(crate) engine: Engine,
    pub(crate) session: Session,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) state: Arc<State>,
    pub(crate) cache: Arc<CacheDb>,
    connect: Arc<Scripted>,
    folder: tempfile::TempDir,
}

impl Fixture {
    /// Without connections.
    pub(crate) fn new() -> Self {
        Self::with_state(Arc::new(State::in_memory()))
    }

    /// With a connection `erp`.
    pub(crate) fn erp() -> Self {
        let fixture = Self::new();
        fixture.add("erp");
        fixture
    }

    pub(crate) fn with_state(state: Arc<State>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let connect = Arc::new(Scripted::default());
        let clock = Arc::new(TestClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
        let cache = Arc::new(CacheDb::in_folder(&folder.path().join("state")));
        let engine = Engine::new(EngineParts {
            connect: Arc::clone(&connect) as Arc<dyn Connect>,
            journal: Arc::new(tidegate_state::Journal::in_memory()),
            cache: Some(Arc::clone(&cache)),
            state: Arc::clone(&state),
            requests: Arc::new(RequestLog::new(100)),
            ledger: Arc::new(Ledger::new(Arc::<MemoryStore>::default(), Arc::clone(&clock) as _)),
            clock: Arc::clone(&clock) as _,
            working_dir: folder.path().to_owned(),
        });
        Self { session: engine.session("analyst"), engine, clock, state, cache, connect, folder }
    }

    /// Adds a connection for all sessions.
    pub(crate) fn add(&self, name: &str) {
        let url = OptionValue::Text(format!("https://{name}.example/odata/"));
        let options = BTreeMap::from([("url".to_owned(), url)]);
        let def = ConnectionDef::new(name, "odata", options);
        self.engine.add_connection(&def).expect("a new name");
    }

    /// Adds a connection that a manifest describes.
    pub(crate) fn add_manifest(&self, name: &str, model: Model) {
        self.connect.manifests.lock().expect("no panic").insert(name.to_owned(), Arc::new(model));
        self.add(name);
    }

    pub(crate) fn api(&self, name: &str) -> Arc<Api> {
        self.connect.api(name)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Rows of a statement, a line each, values joined by `|`, NULL as nothing.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<String> {
        self.rows_with(sql, Vec::new()).await
    }

    pub(crate) async fn rows_with(&self, sql: &str, params: Vec<ScalarValue>) -> Vec<String> {
        match self.try_rows(sql, params).await {
            Ok(rows) => rows,
            Err(error) => panic!("{sql}: {error}"),
        }
    }

    pub(crate) async fn try_rows(&self, sql: &str, params: Vec<ScalarValue>) -> Result<Vec<String>, Error> {
        let prepared = self.session.prepare(sql).await?;
        let returns_nothing = prepared.kind == StatementKind::Command;
        let rows = drain(prepared.execute(params).await?).await?;
        assert!(rows.is_empty() || !returns_nothing, "{sql}: a command returns no rows");
        Ok(rows)
    }

    /// The message and kind of the error that a statement ends with.
    pub(crate) async fn error(&self, sql: &str) -> (ErrorKind, String) {
        match self.try_rows(sql, Vec::new()).await {
            Ok(rows) => panic!("{sql}: no error but {rows:?}"),
            Err(error) => (error.kind(), error.to_string()),
        }
    }
}

pub(crate) async fn drain(mut execution: Execution) -> Result<Vec<String>, Error> {
    let mut rows = Vec::new();
    while let Some(batch) = execution.stream.next().await {
        rows.extend(lines(&batch?));
    }
    Ok(rows)
}

pub(crate) fn lines(batch: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default();
    let formatters: Vec<ArrayFormatter<'_>> =
        batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).expect("a column")).collect();
    (0..batch.num_rows())
        .map(|row| formatters.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|"))
        .collect()
}
