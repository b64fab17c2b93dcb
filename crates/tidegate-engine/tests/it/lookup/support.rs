//! Services that evaluate what they are asked, and a session over them: what was sent is asserted beside the rows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tidegate_engine::{
    Connect, Connection, ConnectionDef, Connector, Engine, EngineParts, Error, Partition, Partitions, Session,
};
use tidegate_quota::{Ledger, MemoryStore};
use tidegate_spec::{
    ColumnFilter, ColumnSource, ColumnType, End, Endpoint, EndpointKind, Envelope, Exactness, FilterForm, ListForm,
    ListStyle, Model, NotFound, Operator, PageSize, Paging, Place, ShortPage, Table, ValueForm,
};
use tidegate_state::State;
use tidegate_transport::{ErrorKind, Metering, Request, RequestLog, Response, Sent, SystemClock, Transport};
use url::Url;

use crate::scan::support::{column, member};
use crate::script::drain;

/// Most values that a list in a query takes.
pub(super) const MOST: usize = 15;

/// Rows of a table: JSON values in the order of its columns.
pub(super) type Rows = Vec<Vec<String>>;

/// A table as its service keeps it. A row may have the code of its partition behind its values.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) table: Table,
    pub(super) rows: Rows,
}

/// A table whose lists are all the same one page.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    pub(super) table: Table,
    pub(super) body: String,
}

/// Lists rows by the parameters and places of the path that are named like columns, a page at a time.
#[derive(Debug)]
struct Service {
    tables: Vec<Stored>,
    raw: Vec<Raw>,
    /// Whether `a` finds `A`.
    folds: bool,
    /// Whether paths begin with the code of a partition.
    is_divided: bool,
    requests: Arc<Mutex<Vec<String>>>,
    /// Paths that are refused.
    refused: Arc<Mutex<Vec<String>>>,
}

impl Service {
    fn answer(&self, path: &str, query: &[(String, String)]) -> Option<String> {
        let (code, path) = if self.is_divided { path.split_once('/')? } else { ("", path) };
        for Raw { table, body } in &self.raw {
            let lists = table.endpoints.iter().filter(|endpoint| endpoint.kind != EndpointKind::Get);
            if lists.clone().any(|endpoint| captured(&endpoint.path, path).is_some()) {
                return Some(body.clone());
            }
        }
        let is_of = |row: &[String], columns: usize| !self.is_divided || row.get(columns).is_some_and(|of| of == code);
        for Stored { table, rows } in &self.tables {
            for endpoint in &table.endpoints {
                let Some(mut wanted) = captured(&endpoint.path, path) else { continue };
                wanted.extend(query.iter().filter(|(name, _)| name != "page").cloned());
                let rows: Vec<&Vec<String>> = rows
                    .iter()
                    .filter(|row| is_of(row, table.columns.len()) && self.matches(table, row, &wanted))
                    .collect();
                if endpoint.kind == EndpointKind::Get {
                    return rows.first().map(|row| object(table, row));
                }
                let size = endpoint.page_size.as_ref().map_or(usize::MAX, |size| size.max as usize);
                let page =
                    query.iter().find(|(name, _)| name == "page").map_or(1, |(_, page)| page.parse().expect("n"));
                let rows = rows.iter().skip((page - 1) * size.min(1_000_000)).take(size);
                let rows: Vec<String> = rows.map(|row| object(table, row)).collect();
                return Some(format!(r#"{{"items": [{}]}}"#, rows.join(", ")));
            }
        }
        None
    }

    fn matches(&self, table: &Table, row: &[String], wanted: &[(String, String)]) -> bool {
        let fold = |text: &str| if self.folds { text.to_lowercase() } else { text.to_owned() };
        wanted.iter().all(|(name, values)| {
            let place = table.column_index(name).expect("a column");
            let value = fold(row[place].trim_matches('"'));
            row[place] != "null" && values.split(',').any(|wanted| fold(wanted) == value)
        })
    }
}

/// The values of the template's places, if the path is one of it.
fn captured(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    if template.len() != path.len() {
        return None;
    }
    let mut values = Vec::new();
    for (expected, part) in template.iter().zip(path) {
        match expected.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => values.push((name.to_owned(), part.replace("%20", " "))),
            None if *expected == part => {}
            None => return None,
        }
    }
    Some(values)
}

fn object(table: &Table, row: &[String]) -> String {
    let own = table.columns.iter().zip(row).filter(|(column, _)| column.source == ColumnSource::Row);
    let members: Vec<String> = own.map(|(column, value)| format!("\"{}\": {value}", column.name)).collect();
    format!("{{{}}}", members.join(", "))
}

#[async_trait]
impl Transport for Service {
    async fn send(&self, request: Request) -> tidegate_transport::Result<Response> {
        let operation = &request.operation;
        if operation.statement.bounds().max_calls.is_some_and(|most| operation.statement.counts().calls >= most) {
            return Err(tidegate_transport::Error::new(ErrorKind::CallBound, Sent::No, "no more calls"));
        }
        operation.statement.count_call(false);
        let query: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
        let shown: Vec<String> = query
            .iter()
            .filter(|(name, value)| !(name == "page" && value == "1"))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let path = request.url.path().trim_start_matches("/v1/");
        let host = request.url.host_str().unwrap_or_default().trim_end_matches(".example");
        let shown = if shown.is_empty() { path.to_owned() } else { format!("{path}?{}", shown.join("&")) };
        self.requests.lock().expect("no panic").push(format!("{host}/{shown}"));
        tokio::task::yield_now().await;
        let is_refused = self.refused.lock().expect("no panic").iter().any(|refused| path.contains(refused.as_str()));
        let (status, body) = match self.answer(path, &query) {
            _ if is_refused => (StatusCode::FORBIDDEN, "{}".to_owned()),
            Some(body) => (StatusCode::OK, body),
            None => (StatusCode::NOT_FOUND, "{}".to_owned()),
        };
        Ok(Response { status, headers: HeaderMap::new(), url: request.url, body: Bytes::from(body).into() })
    }
}

/// Connections by name.
#[derive(Debug)]
struct Open {
    services: BTreeMap<String, Arc<Service>>,
}

impl Connect for Open {
    fn open(&self, def: &ConnectionDef) -> tidegate_engine::Result<Connection> {
        let service = Arc::clone(&self.services[&def.name]);
        let stored = service.tables.iter().map(|stored| &stored.table);
        let tables: Vec<Table> = stored.chain(service.raw.iter().map(|raw| &raw.table)).cloned().collect();
        let ledger = Ledger::new(Arc::<MemoryStore>::default(), Arc::<SystemClock>::default());
        Ok(Connection {
            def: def.clone(),
            base: Url::parse(&format!(
                "https://{}.example/v1/{}",
                def.name,
                if service.is_divided { "{partition}/" } else { "" }
            ))
            .expect("a URL"),
            transport: service as Arc<dyn Transport>,
            connector: Connector::Manifest(Arc::new(Model { tables, ..Model::default() })),
            blanks: Default::default(),
            fingerprint: def.name.clone(),
            writes: false,
            partitions: match &def.partitions {
                Some(named) => Partitions::Named(named.clone().into()),
                None => Partitions::None,
            },
            metering: Arc::new(Metering::new(Arc::new(ledger), "test", "test")),
        })
    }
}

/// Connections over services, and a session with them.
pub(super) struct World {
    pub(super) session: Session,
    requests: Arc<Mutex<Vec<String>>>,
    pub(super) refused: Arc<Mutex<Vec<String>>>,
}

impl World {
    /// A connection for each name with its tables; one whose name begins with `folding` folds case, one that begins with
    /// `divided` has the partitions 101, 102 and 103.
    pub(super) fn new(connections: Vec<(&str, Vec<Stored>)>) -> Self {
        Self::with(connections.into_iter().map(|(name, tables)| (name, tables, Vec::new())).collect())
    }

    /// One connection with these tables.
    pub(super) fn raw(name: &str, tables: Vec<Raw>) -> Self {
        Self::with(vec![(name, Vec::new(), tables)])
    }

    fn with(connections: Vec<(&str, Vec<Stored>, Vec<Raw>)>) -> Self {
        let (requests, refused) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<Vec<String>>>::default());
        let names: Vec<String> = connections.iter().map(|(name, ..)| (*name).to_owned()).collect();
        let service = |(name, tables, raw): (&str, Vec<Stored>, Vec<Raw>)| {
            let (requests, refused) = (Arc::clone(&requests), Arc::clone(&refused));
            let (folds, is_divided) = (name.starts_with("folding"), name.starts_with("divided"));
            let service = Service { tables, raw, folds, is_divided, requests, refused };
            (name.to_owned(), Arc::new(service))
        };
        let services: BTreeMap<String, Arc<Service>> = connections.into_iter().map(service).collect();
        let clock: Arc<SystemClock> = Arc::default();
        let engine = Engine::new(EngineParts {
            connect: Arc::new(Open { services }),
            journal: Arc::new(tidegate_state::Journal::in_memory()),
            state: Arc::new(State::in_memory()),
            cache: None,
            requests: Arc::new(RequestLog::new(100)),
            ledger: Arc::new(Ledger::new(Arc::<MemoryStore>::default(), Arc::clone(&clock) as _)),
            clock,
            working_dir: std::path::PathBuf::from("."),
        });
        for name in &names {
            let codes = ["101", "102", "103"].map(|code| Partition { code: code.to_owned(), name: None });
            let partitions = name.starts_with("divided").then(|| codes.into());
            let def = ConnectionDef { partitions, ..ConnectionDef::odata(name, "") };
            engine.add_connection(&def).expect("a new name");
        }
        Self { session: engine.session("analyst"), requests, refused }
    }

    pub(super) async fn try_rows(&self, sql: &str) -> Result<Vec<String>, Error> {
        drain(self.session.prepare(sql).await?.execute(Vec::new()).await?).await
    }

    pub(super) async fn rows(&self, sql: &str) -> Vec<String> {
        self.try_rows(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The same, sorted.
    pub(super) async fn sorted(&self, sql: &str) -> Vec<String> {
        let mut rows = self.rows(sql).await;
        rows.sort_unstable();
        rows
    }

    /// Requests since the last call of this.
    pub(super) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().expect("no panic"))
    }

    /// Runs a query by lookups and without pushdown: the rows are the same, and by lookups these requests are sent, in
    /// whatever order.
    pub(super) async fn check(&self, sql: &str, rows: &[&str], requests: &[&str]) {
        self.requests();
        let found = self.sorted(sql).await;
        let mut sent = self.requests();
        sent.sort_unstable();
        self.rows("SET tidegate.pushdown = false").await;
        let plain = self.try_rows(sql).await;
        self.rows("SET tidegate.pushdown = true").await;
        self.requests();
        let mut expected: Vec<&str> = requests.to_vec();
        expected.sort_unstable();
        let mut rows: Vec<&str> = rows.to_vec();
        rows.sort_unstable();
        assert_eq!(found, rows, "{sql}");
        assert_eq!(sent, expected, "{sql}");
        let mut plain = plain.unwrap_or_else(|error| panic!("{sql}, without pushdown: {error}"));
        plain.sort_unstable();
        assert_eq!(plain, rows, "{sql}, without pushdown");
    }

    pub(super) async fn explain(&self, sql: &str) -> String {
        let plan = self.rows(&format!("EXPLAIN {sql}")).await.join("\n");
        assert_eq!(self.requests(), Vec::<String>::new(), "planning sends nothing");
        plan
    }
}

/// A list in pages of 100.
pub(super) fn list(path: &str) -> Endpoint {
    Endpoint {
        envelope: Envelope { rows: member("items"), ..Envelope::default() },
        paging: Paging::Page {
            place: Place::Query("page".to_owned()),
            first: 1,
            end: End { short: ShortPage::Last, ..End::default() },
        },
        page_size: Some(PageSize { place: None, max: 100 }),
        ..Endpoint::new("list", path)
    }
}

/// The endpoint with a parameter that is named like the column.
pub(super) fn by(endpoint: Endpoint, (place, name): (usize, &str), operator: Operator) -> Endpoint {
    filtered(endpoint, place, operator, Place::Query(name.to_owned()))
}

/// The endpoint with the column in its path.
pub(super) fn under(endpoint: Endpoint, (place, name): (usize, &str)) -> Endpoint {
    filtered(endpoint, place, Operator::Eq, Place::Path(name.to_owned()))
}

pub(super) fn get(path: &str) -> Endpoint {
    Endpoint { kind: EndpointKind::Get, not_found: NotFound::Empty, ..Endpoint::new("get", path) }
}

fn filtered(mut endpoint: Endpoint, column: usize, operator: Operator, place: Place) -> Endpoint {
    let required = matches!(place, Place::Path(_));
    let exactness = if required { Exactness::Exact } else { Exactness::Superset };
    let list = ListForm { style: ListStyle::Joined(",".to_owned()), max: MOST };
    endpoint.filters.forms.push(FilterForm { column, operator, place, value: ValueForm::default(), list });
    match endpoint.filters.columns.iter_mut().find(|filter| filter.column == column) {
        Some(filter) => filter.operators.push((operator, exactness)),
        None => {
            endpoint.filters.columns.push(ColumnFilter { column, operators: vec![(operator, exactness)], required });
        }
    }
    endpoint
}

/// A table with the first column as its key. A column's name ends with `?` where it may be NULL; `@` stands before one
/// that has the value of the request.
pub(super) fn table(name: &str, columns: &[(&str, ColumnType)], endpoints: Vec<Endpoint>) -> Table {
    let column = |(name, data_type): &(&str, ColumnType)| {
        let source = if name.starts_with('@') { ColumnSource::Request } else { ColumnSource::Row };
        column(name.trim_matches(['@', '?']), data_type.clone(), name.ends_with('?'), source)
    };
    Table {
        name: name.to_owned(),
        api_name: name.to_owned(),
        description: None,
        columns: columns.iter().map(column).collect(),
        key: vec![0],
        writes: tidegate_spec::Writes::default(),
        details: Vec::new(),
        endpoints,
    }
}

/// Rows of JSON values.
pub(super) fn rows(values: &[&[&str]]) -> Rows {
    values.iter().map(|row| row.iter().map(|value| (*value).to_owned()).collect()).collect()
}
