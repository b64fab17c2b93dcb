//! An engine over an API of JSON arrays: `crm` without partitions, `erp` with four.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::catalog::{CatalogProviderList, MemoryCatalogProviderList};
use datafusion::execution::SessionState;
use datafusion::scalar::ScalarValue;
use http::{HeaderMap, StatusCode};
use tidegate_quota::{Ledger, MemoryStore};
use tidegate_spec::{
    Column, ColumnSource, ColumnType, Endpoint, EndpointKind, Model, NullForm, Sends, Single, Table, TimestampFormat,
    Version, Write, WriteBody, WriteColumn, WriteMethod, Writes,
};
use tidegate_state::{Journal, State};
use tidegate_transport::{
    Clock, ErrorKind as TransportErrorKind, Metering, Request, RequestLog, Response, Sent, Statement, SystemClock,
    Transport,
};
use url::Url;

use super::super::plan::{Selection, plan};
use super::super::rows::Selected;
use crate::catalog::{CATALOG, MAIN, SessionCatalog};
use crate::partitions::Selection as Chosen;
use crate::scan::{Notices, ScanContext};
use crate::session::{Planner, Run, Shared};
use crate::sql::{MutationStatement, Parsed, parse};
use crate::{
    Connect, Connection, ConnectionDef, Connector, Engine, EngineParts, Partition, Partitions, Result, Settings,
    StatementKind,
};

/// Rows by the path that returns them.
#[derive(Debug, Default)]
pub(super) struct Api {
    rows: Mutex<BTreeMap<String, Vec<String>>>,
    broken: Mutex<BTreeSet<String>>,
    requests: Mutex<Vec<String>>,
}

impl Api {
    /// Paths that were asked for since the last call of this.
    pub(super) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    /// Puts rows behind a path.
    pub(super) fn put(&self, path: &str, rows: impl IntoIterator<Item = String>) {
        self.rows.lock().unwrap().insert(path.to_owned(), rows.into_iter().collect());
    }

    /// Lets a path fail.
    pub(super) fn break_path(&self, path: &str) {
        self.broken.lock().unwrap().insert(path.to_owned());
    }
}

#[async_trait]
impl Transport for Api {
    async fn send(&self, request: Request) -> tidegate_transport::Result<Response> {
        let path = request.url.path().trim_start_matches('/').to_owned();
        self.requests.lock().unwrap().push(path.clone());
        if self.broken.lock().unwrap().contains(&path) {
            return Err(tidegate_transport::Error::new(TransportErrorKind::Connect, Sent::No, "no connection"));
        }
        let rows = self.rows.lock().unwrap().get(&path).cloned();
        let body = format!("[{}]", rows.unwrap_or_default().join(","));
        Ok(Response {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            url: request.url,
            body: Bytes::from(body).into(),
        })
    }
}

/// Opens both connections over one API.
#[derive(Debug)]
struct Layers {
    api: Arc<Api>,
    clock: Arc<dyn Clock>,
}

impl Connect for Layers {
    fn open(&self, def: &ConnectionDef) -> Result<Connection> {
        let is_partitioned = def.partitions.is_some();
        let base = if is_partitioned { "https://api.example/{partition}/" } else { "https://api.example/" };
        let ledger = Ledger::new(Arc::<MemoryStore>::default(), Arc::clone(&self.clock));
        Ok(Connection {
            def: def.clone(),
            base: Url::parse(base).unwrap(),
            transport: Arc::clone(&self.api) as _,
            connector: Connector::Manifest(Arc::new(model())),
            blanks: Default::default(),
            fingerprint: def.name.clone(),
            writes: def.name != "closed",
            partitions: match &def.partitions {
                Some(named) => Partitions::Named(named.clone().into()),
                None => Partitions::None,
            },
            metering: Arc::new(Metering::new(Arc::new(ledger), "test", "test")),
        })
    }
}

fn column(name: &str, data_type: ColumnType, nullable: bool) -> Column {
    let source = ColumnSource::Row;
    Column { name: name.to_owned(), path: vec![name.to_owned()], data_type, nullable, description: None, source }
}

fn write(columns: &[(usize, bool, NullForm)], method: WriteMethod, path: &str) -> Write {
    let single = Single {
        method,
        path: path.to_owned(),
        odata_key: None,
        constants: Vec::new(),
        body: WriteBody::Json { at: Vec::new(), template: None },
        idempotency: None,
        answer: Default::default(),
    };
    let written = |&(column, required, null): &(usize, bool, NullForm)| WriteColumn {
        column,
        at: vec![format!("c{column}")],
        required,
        null,
    };
    Write {
        single: Some(single),
        batch: None,
        columns: columns.iter().map(written).collect(),
        sends: Sends::Changed,
        version: None,
        append_only: false,
    }
}

/// `accounts` with all writes, `notes` that only a lagging endpoint lists, `events` that only take rows, `views` that can
/// only be read.
fn model() -> Model {
    let columns = || {
        let timestamp = ColumnType::Timestamp { format: TimestampFormat::Iso8601, instant: true };
        vec![
            column("id", ColumnType::Int64, false),
            column("name", ColumnType::Text, true),
            column("status", ColumnType::Text, true),
            column("amount", ColumnType::Decimal { precision: 30, scale: 2 }, true),
            column("quantity", ColumnType::Int32, true),
            column("created", timestamp, true),
            column("etag", ColumnType::Text, true),
        ]
    };
    let table = |name: &str, endpoints: Vec<Endpoint>, writes: Writes| Table {
        name: name.to_owned(),
        api_name: name.to_owned(),
        description: None,
        columns: columns(),
        key: vec![0],
        endpoints,
        details: Vec::new(),
        writes,
    };
    let any = NullForm::Null;
    let insert = write(
        &[(0, false, any), (1, true, NullForm::Refused), (2, false, any), (3, false, any), (4, false, any)],
        WriteMethod::Post,
        "accounts",
    );
    let changed = [(1, false, NullForm::Refused), (2, false, any), (3, false, any), (4, false, any), (5, false, any)];
    let version = Version { column: 6, place: tidegate_spec::Place::Header("If-Match".to_owned()), header: None };
    let update = Write { version: Some(version), ..write(&changed, WriteMethod::Patch, "accounts/{id}") };
    let delete = write(&[], WriteMethod::Delete, "accounts/{id}");
    let all = Writes { insert: Some(insert.clone()), update: Some(update.clone()), delete: Some(delete) };
    let lagging = Endpoint { eventual: true, kind: EndpointKind::Search, ..Endpoint::new("search", "notes") };
    let some = Writes { update: Some(update), ..Writes::default() };
    let events = Writes { insert: Some(Write { append_only: true, ..insert }), ..Writes::default() };
    Model {
        tables: vec![
            table("accounts", vec![Endpoint::new("list", "accounts")], all),
            table("notes", vec![lagging], some),
            table("events", vec![Endpoint::new("list", "events")], events),
            table("views", vec![Endpoint::new("list", "views")], Writes::default()),
        ],
        ..Model::default()
    }
}

/// A row of `accounts`.
pub(super) fn account(id: u64, status: &str) -> String {
    format!(
        r#"{{"id": {id}, "name": "n{id}", "status": "{status}", "amount": "{id}.50", "quantity": {id}, "created": null, "etag": "v{id}"}}"#
    )
}

/// One session, and the API that it is over.
pub(super) struct Fixture {
    pub(super) api: Arc<Api>,
    pub(super) journal: Arc<Journal>,
    shared: Arc<Shared>,
    planner: Planner,
}

impl Fixture {
    /// `crm.accounts` has six rows, two of them with another status; each partition `1` to `4` of `erp` ten.
    pub(super) fn new() -> Self {
        let api = Arc::<Api>::default();
        api.put("accounts", (1..=6).map(|id| account(id, if id < 5 { "P" } else { "C" })));
        for code in 1..=4 {
            api.put(&format!("{code}/accounts"), (1..=10).map(|id| account(id, "P")));
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let journal = Arc::new(Journal::in_memory());
        let engine = Engine::new(EngineParts {
            connect: Arc::new(Layers { api: Arc::clone(&api), clock: Arc::clone(&clock) }),
            state: Arc::new(State::in_memory()),
            journal: Arc::clone(&journal),
            cache: None,
            requests: Arc::new(RequestLog::new(10)),
            ledger: Arc::new(Ledger::new(Arc::<MemoryStore>::default(), Arc::clone(&clock))),
            clock,
            working_dir: PathBuf::from("."),
        });
        for name in ["crm", "closed"] {
            engine.add_connection(&ConnectionDef::new(name, "test", BTreeMap::new())).unwrap();
        }
        let partition = |code: u32| Partition { code: code.to_string(), name: None };
        let partitions = Some((1..=4).map(partition).collect());
        engine
            .add_connection(&ConnectionDef { partitions, ..ConnectionDef::new("erp", "test", BTreeMap::new()) })
            .unwrap();
        let shared = Arc::new(Shared::new(engine.clone(), "me"));
        let catalogs = MemoryCatalogProviderList::new();
        catalogs.register_catalog(CATALOG.to_owned(), Arc::new(SessionCatalog::new(Arc::clone(&shared))));
        let planner = Planner::new(&engine, Arc::new(catalogs)).unwrap();
        Self { api, journal, shared, planner }
    }

    /// `USE codes@erp`
    pub(super) fn choose(&self, codes: &[&str]) {
        let codes = codes.iter().map(|&code| code.to_owned()).collect();
        self.shared.select("erp", Some(Chosen::Only(codes)));
    }

    fn run(&self, sql: &str) -> Run {
        Run::new(Arc::clone(&self.shared), Settings::default(), sql, StatementKind::Mutation)
    }

    pub(super) fn statement(sql: &str) -> Box<MutationStatement> {
        match parse(sql).unwrap_or_else(|error| panic!("{sql}: {error}")) {
            Parsed::Mutation { statement, .. } => statement,
            other => panic!("{sql}: {other:?}"),
        }
    }

    pub(super) async fn target(&self, statement: &MutationStatement) -> super::super::target::Target {
        let run = self.run("");
        super::super::target::Target::resolve(&self.planner, &run, "", statement, MAIN).await.unwrap()
    }

    pub(super) async fn plan(&self, sql: &str) -> Result<Selection> {
        plan(&self.planner, &self.run(sql), sql, &Self::statement(sql), MAIN).await
    }

    /// As a statement is run: connections, and who pays.
    pub(super) fn state(&self) -> SessionState {
        let run = self.run("");
        let mut state = self.planner.state(&run).unwrap();
        state.config_mut().set_extension(Arc::new(ScanContext {
            connections: self.shared.connections().into_iter().collect(),
            principal: Arc::from("me"),
            statement: Arc::new(Statement::new(1)),
            notices: Notices::new(|_, _| {}),
            tally: None,
        }));
        state.mark_start_execution();
        state
    }

    pub(super) async fn selected(&self, sql: &str, params: Vec<ScalarValue>) -> Result<Vec<Selected>> {
        let selection = self.plan(sql).await?.bind(params)?;
        Ok(selection.rows(&self.state(), usize::MAX).await?.first)
    }

    /// Its rows, a line each: `kind [partition] key -> new`, and the old values of what is changed behind `was`.
    pub(super) async fn try_lines(&self, sql: &str) -> Result<Vec<String>> {
        Ok(self.selected(sql, Vec::new()).await?.iter().map(line).collect())
    }

    pub(super) async fn lines(&self, sql: &str) -> Vec<String> {
        self.try_lines(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The error that planning or selecting ends with.
    pub(super) async fn error(&self, sql: &str) -> String {
        match self.try_lines(sql).await {
            Ok(rows) => panic!("{sql}: no error but {rows:?}"),
            Err(error) => error.to_string(),
        }
    }
}

pub(super) fn line(row: &Selected) -> String {
    let cells = |cells: &tidegate_remote::write::Cells| {
        cells.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    let was: Vec<String> = row.new.keys().filter_map(|name| Some(format!("{name}={}", row.old.get(name)?))).collect();
    let mut line = row.kind.name().to_owned();
    line.extend(row.partition.as_ref().map(|code| format!(" in {code}")));
    line.extend((!row.key.is_empty()).then(|| format!(" {}", cells(&row.key))));
    line.extend((!row.new.is_empty()).then(|| format!(" -> {}", cells(&row.new))));
    line.extend((!was.is_empty()).then(|| format!(" was {}", was.join(" "))));
    line.extend(row.version.as_ref().map(|version| format!(" if {version}")));
    line
}
