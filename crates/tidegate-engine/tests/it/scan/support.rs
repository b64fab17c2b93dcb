//! A scripted transport, a table over it, and sessions that read it.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::common::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::{ExecutionPlan, collect, displayable};
use datafusion::prelude::SessionContext;
use http::{HeaderMap, StatusCode};
use tidegate_engine::scan::{ApiTable, Notices, ScanContext, optimizer_rules, session_config};
use tidegate_engine::{Connection, ConnectionDef, Connector, Partitions, Settings};
use tidegate_quota::{Ledger, MemoryStore};
use tidegate_remote::BadValue;
use tidegate_spec::{
    Column, ColumnFilter, ColumnSource, ColumnType, Count, Dialect, Endpoint, Envelope, Exactness, Filters, NullOrder,
    ODataVersion, Operator, Paging, Projection, SortColumn, Table, Window, odata,
};
use tidegate_transport::{Meter, Metering, Request, Response, Spending, Statement, Transport};
use url::Url;

/// Answers requests, and remembers them.
struct Script {
    answers: Answers,
    requests: Mutex<Vec<String>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    answered: AtomicUsize,
}

enum Answers {
    /// In order, each with this status. A missing answer never comes.
    List(u16, Mutex<VecDeque<String>>),
    /// After a while, by what is asked for: status and body.
    By(Box<Answer>),
}

/// What an API answers a request, as [`readable`] writes it.
type Answer = dyn Fn(&str) -> (u16, String) + Send + Sync;

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

impl Script {
    fn new(answers: Answers) -> Arc<Self> {
        let [under_way, most_under_way, answered] = [0; 3].map(AtomicUsize::new);
        Arc::new(Self { answers, requests: Mutex::default(), under_way, most_under_way, answered })
    }

    async fn answer(&self, request: &str) -> (u16, String) {
        match &self.answers {
            Answers::List(status, answers) => {
                let answer = answers.lock().expect("no panic").pop_front();
                let Some(answer) = answer else { return std::future::pending().await };
                (*status, answer)
            }
            Answers::By(answer) => {
                let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
                self.most_under_way.fetch_max(under_way, Ordering::SeqCst);
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                self.under_way.fetch_sub(1, Ordering::SeqCst);
                self.answered.fetch_add(1, Ordering::SeqCst);
                answer(request)
            }
        }
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request) -> tidegate_transport::Result<Response> {
        request.operation.statement.count_call(false);
        let asked = readable(&request.url);
        self.requests.lock().expect("no panic").push(asked.clone());
        let (status, answer) = self.answer(&asked).await;
        request.operation.statement.count_bytes(answer.len() as u64);
        Ok(Response {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: HeaderMap::new(),
            url: request.url,
            body: Bytes::from(answer).into(),
        })
    }
}

/// Path and query as a person would write them.
fn readable(url: &Url) -> String {
    let query: Vec<String> = url.query_pairs().map(|(name, value)| format!("{name}={value}")).collect();
    let path = url.path().trim_start_matches("/api/");
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// A page of a response, and the link to the next one.
pub(super) fn page(rows: &[&str], next: Option<&str>) -> String {
    let next = next.map(|link| format!(r#", "@odata.nextLink": "{link}""#)).unwrap_or_default();
    format!(r#"{{"value": [{}]{next}}}"#, rows.join(", "))
}

pub(super) struct Fixture {
    script: Arc<Script>,
    pub(super) statement: Arc<Statement>,
    notices: Arc<Mutex<Vec<String>>>,
    context: SessionContext,
}

impl Fixture {
    /// Table `crm.orders` over these answers.
    pub(super) fn new(answers: Vec<String>) -> Self {
        Self::with(answers, Settings::default())
    }

    pub(super) fn without_pushdown(answers: Vec<String>) -> Self {
        Self::with(answers, Settings { pushdown: false, ..Settings::default() })
    }

    pub(super) fn with(answers: Vec<String>, settings: Settings) -> Self {
        Self::over(orders(), answers, settings)
    }

    /// This table of `crm` over these answers.
    pub(super) fn over(table: Table, answers: Vec<String>, settings: Settings) -> Self {
        Self::with_status(StatusCode::OK, table, answers, settings)
    }

    /// The same with this status in every answer.
    pub(super) fn with_status(status: StatusCode, table: Table, answers: Vec<String>, settings: Settings) -> Self {
        let script = Script::new(Answers::List(status.as_u16(), Mutex::new(answers.into())));
        Self::of(table, script, settings, Statement::new(1))
    }

    /// This table of `crm` over an API that answers by what it is asked for, within these bounds.
    pub(super) fn answering(
        table: Table,
        spending: Spending,
        answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let script = Script::new(Answers::By(Box::new(answer)));
        Self::of(table, script, Settings::default(), Statement::new(1).spending(spending))
    }

    fn of(table: Table, script: Arc<Script>, settings: Settings, statement: Statement) -> Self {
        let connection = Arc::new(connection(Arc::clone(&script) as _, statement.bounds().max_calls.is_some()));
        let statement = Arc::new(statement);
        let notices: Arc<Mutex<Vec<String>>> = Arc::default();
        let scans = ScanContext {
            connections: HashMap::from([("crm".to_owned(), Arc::clone(&connection))]),
            principal: Arc::from("ann"),
            statement: Arc::clone(&statement),
            notices: Notices::new({
                let notices = Arc::clone(&notices);
                move |connection, message| {
                    notices.lock().expect("no panic").push(format!("{connection}: {message}"));
                }
            }),
            tally: None,
        };
        let on_bad_value = settings.on_bad_value;
        let config = session_config().with_extension(Arc::new(settings)).with_extension(Arc::new(scans));
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_default_features()
            .with_physical_optimizer_rules(optimizer_rules(PhysicalOptimizer::new().rules))
            .build();
        let context = SessionContext::new_with_state(state);
        let name = table.name.clone();
        let table = ApiTable::with_bad_values(connection, Arc::new(table), on_bad_value);
        context.register_table(name, Arc::new(table)).expect("a new name");
        Self { script, statement, notices, context }
    }

    pub(super) async fn plan(&self, sql: &str) -> Arc<dyn ExecutionPlan> {
        let logical = self.context.sql(sql).await.expect("a query").into_optimized_plan().expect("a plan");
        self.context.state().create_physical_plan(&logical).await.expect("a physical plan")
    }

    /// Why there is no physical plan.
    pub(super) async fn refusal(&self, sql: &str) -> String {
        let logical = self.context.sql(sql).await.expect("a query").into_optimized_plan().expect("a plan");
        let refused = self.context.state().create_physical_plan(&logical).await.expect_err("no plan");
        assert_eq!(self.requests(), Vec::<String>::new(), "planning sends nothing");
        tidegate_engine::Error::from(refused).to_string()
    }

    pub(super) async fn rows(&self, sql: &str) -> Result<String> {
        let plan = self.plan(sql).await;
        let batches = collect(plan, self.context.task_ctx()).await?;
        Ok(pretty_format_batches(&batches)?.to_string())
    }

    pub(super) async fn explain(&self, sql: &str) -> String {
        let text = displayable(self.plan(sql).await.as_ref()).indent(false).to_string();
        assert_eq!(self.requests(), Vec::<String>::new(), "planning sends nothing");
        text
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.script.requests.lock().expect("no panic").clone()
    }

    /// Requests that were under way at most.
    pub(super) fn most_under_way(&self) -> usize {
        self.script.most_under_way.load(Ordering::SeqCst)
    }

    /// Requests that were not given up before their answer came.
    pub(super) fn answered(&self) -> usize {
        self.script.answered.load(Ordering::SeqCst)
    }

    /// What was reported of the API.
    pub(super) fn notices(&self) -> Vec<String> {
        self.notices.lock().expect("no panic").clone()
    }

    pub(super) fn context(&self) -> &SessionContext {
        &self.context
    }
}

/// The connection, with the layer that keeps bounds if there are any.
fn connection(script: Arc<dyn Transport>, is_bounded: bool) -> Connection {
    let clock = Arc::<tidegate_transport::SystemClock>::default();
    let ledger = Arc::new(Ledger::new(Arc::<MemoryStore>::default(), Arc::clone(&clock) as _));
    let metering = Arc::new(Metering::new(ledger, "test", "test"));
    Connection {
        def: ConnectionDef::new("crm", "odata", [].into()),
        base: Url::parse("https://crm.example/api/").expect("a URL"),
        transport: if is_bounded { Arc::new(Meter::new(script, Arc::clone(&metering), clock)) } else { script },
        connector: Connector::OData(odata::Options::default()),
        blanks: Default::default(),
        fingerprint: "crm".to_owned(),
        writes: false,
        partitions: Partitions::None,
        metering,
    }
}

pub(crate) fn column(name: &str, data_type: ColumnType, nullable: bool, source: ColumnSource) -> Column {
    Column { name: name.to_owned(), path: vec![name.to_owned()], data_type, nullable, description: None, source }
}

/// One member of a response's body.
pub(crate) fn member(name: &str) -> Vec<Vec<String>> {
    vec![vec![name.to_owned()]]
}

pub(super) fn orders() -> Table {
    let columns =
        [("id", ColumnType::Int64, false), ("region", ColumnType::Text, true), ("amount", ColumnType::Int32, true)];
    let column = |(name, data_type, nullable)| column(name, data_type, nullable, ColumnSource::Row);
    Table {
        name: "orders".to_owned(),
        api_name: "Orders".to_owned(),
        description: None,
        columns: columns.into_iter().map(column).collect(),
        key: vec![0],
        details: Vec::new(),
        writes: tidegate_spec::Writes::default(),
        endpoints: vec![Endpoint {
            envelope: Envelope {
                rows: member("value"),
                next: member("@odata.nextLink"),
                count: member("@odata.count"),
                ..Envelope::default()
            },
            paging: Paging::NextUrl,
            window: Some(Window::TopSkip),
            filters: filters(),
            sort: [0, 2].map(|column| SortColumn { column, nulls: NullOrder::Lowest }).into(),
            projection: Projection::Select,
            count: Some(Count::Inline),
            max_url_length: 2_000,
            ..Endpoint::new("list", "Orders")
        }],
    }
}

/// Numbers are compared exactly; text is folded by the service, so that only equality is safe.
fn filters() -> Filters {
    use Operator::{Eq, Gt, GtEq, In, IsNotNull, IsNull, Lt, LtEq, NotEq, StartsWith};
    let exact = [Eq, NotEq, Lt, LtEq, Gt, GtEq, In, IsNull, IsNotNull].map(|operator| (operator, Exactness::Exact));
    let text = [(Eq, Exactness::Superset), (StartsWith, Exactness::Superset), (IsNull, Exactness::Exact)];
    let numbers = |column| ColumnFilter { column, operators: exact.into(), required: false };
    Filters {
        dialect: Some(Dialect::OData(ODataVersion::V4)),
        or: true,
        columns: vec![numbers(0), ColumnFilter { column: 1, operators: text.into(), required: false }, numbers(2)],
        ..Filters::default()
    }
}

/// Settings that read bad values as NULL.
pub(super) fn forgiving() -> Settings {
    Settings { on_bad_value: BadValue::Null, ..Settings::default() }
}
