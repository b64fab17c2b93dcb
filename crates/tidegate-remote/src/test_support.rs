//! A table with a column of every kind, and a transport that answers from a script.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use tidegate_spec::{
    Column, ColumnFilter, ColumnSource, ColumnType, Count, Dialect, Endpoint, Envelope, Exactness, Filters, NullOrder,
    ODataVersion, Operator, Paging, Projection, SortColumn, Table, TimestampFormat, Window,
};
use tidegate_transport::{Body, Request, Response, Statement, Transport};
use url::Url;

use crate::{BadValue, ScanRequest, Source};

pub(crate) const OPERATORS: [Operator; 13] = [
    Operator::Eq,
    Operator::NotEq,
    Operator::Lt,
    Operator::LtEq,
    Operator::Gt,
    Operator::GtEq,
    Operator::In,
    Operator::StartsWith,
    Operator::EndsWith,
    Operator::Contains,
    Operator::NotLike,
    Operator::IsNull,
    Operator::IsNotNull,
];

/// Columns by name: `id` is the key, `id` and `guid` are never null.
pub(crate) const ID: usize = 0;
pub(crate) const NAME: usize = 1;
pub(crate) const REVENUE: usize = 2;
pub(crate) const ACTIVE: usize = 3;
pub(crate) const FOUNDED: usize = 4;
pub(crate) const CREATED: usize = 5;
pub(crate) const OPENS: usize = 6;
pub(crate) const GUID: usize = 7;
pub(crate) const RATING: usize = 8;
pub(crate) const WEIGHT: usize = 9;
pub(crate) const SERIAL: usize = 10;
pub(crate) const CITY: usize = 11;
pub(crate) const SIZE: usize = 12;
pub(crate) const LOCAL: usize = 13;
pub(crate) const PHOTO: usize = 14;

pub(crate) fn table(version: ODataVersion) -> Table {
    let format = TimestampFormat::Iso8601;
    let columns = vec![
        column("id", "ID", ColumnType::Int32, false),
        column("name", "Name", ColumnType::Text, true),
        column("revenue", "Revenue", ColumnType::Decimal { precision: 15, scale: 2 }, true),
        column("active", "Active", ColumnType::Bool, true),
        column("founded", "Founded", ColumnType::Date, true),
        column("created", "Created", ColumnType::Timestamp { format, instant: true }, true),
        column("opens", "Opens", ColumnType::Time, true),
        column("guid", "Guid", ColumnType::Uuid, false),
        column("rating", "Rating", ColumnType::Float64, true),
        column("weight", "Weight", ColumnType::Float32, true),
        column("serial", "Serial", ColumnType::Int64, true),
        column("city", "Address/City", ColumnType::Text, true),
        column("größe", "Größe", ColumnType::Text, true),
        column("local", "Local", ColumnType::Timestamp { format, instant: false }, true),
        column("photo", "Photo", ColumnType::Binary, true),
    ];
    let every = |column| ColumnFilter {
        column,
        operators: OPERATORS.iter().map(|&operator| (operator, Exactness::Exact)).collect(),
        required: false,
    };
    let count = columns.len();
    Table {
        name: "accounts".to_owned(),
        api_name: "Accounts".to_owned(),
        description: None,
        columns,
        key: vec![ID],
        details: Vec::new(),
        writes: tidegate_spec::Writes::default(),
        endpoints: vec![Endpoint {
            envelope: envelope(version),
            paging: Paging::NextUrl,
            window: Some(Window::TopSkip),
            filters: Filters {
                dialect: Some(Dialect::OData(version)),
                or: true,
                columns: (0..count).map(every).collect(),
                ..Filters::default()
            },
            sort: (0..count).map(|column| SortColumn { column, nulls: NullOrder::Lowest }).collect(),
            projection: Projection::Select,
            count: Some(Count::Inline),
            max_url_length: 4096,
            ..Endpoint::new("list", "Accounts")
        }],
    }
}

fn column(name: &str, path: &str, data_type: ColumnType, nullable: bool) -> Column {
    let path = path.split('/').map(str::to_owned).collect();
    Column { name: name.to_owned(), path, data_type, nullable, description: None, source: ColumnSource::Row }
}

fn envelope(version: ODataVersion) -> Envelope {
    let path = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
    if version >= ODataVersion::V4 {
        let one = |name: &str| vec![vec![name.to_owned()]];
        Envelope { rows: one("value"), next: one("@odata.nextLink"), count: one("@odata.count"), ..Envelope::default() }
    } else {
        Envelope {
            rows: vec![path("d/results"), path("d")],
            next: vec![path("d/__next")],
            count: vec![path("d/__count")],
            ..Envelope::default()
        }
    }
}

/// A scan of two columns without filter, sort or limit.
pub(crate) fn request(table: Table) -> ScanRequest {
    ScanRequest {
        table: Arc::new(table),
        endpoint: 0,
        columns: vec![NAME, ID],
        filter: None,
        sort: Vec::new(),
        fetch: None,
        skip: 0,
        on_bad_value: BadValue::Fail,
    }
}

/// One answer of a [`Script`].
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    /// The URL that answered, where it is not the one that was asked for.
    pub(crate) answered: Option<&'static str>,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into(), headers: Vec::new(), answered: None }
    }

    /// A page of accounts with these ids; every name is the same.
    pub(crate) fn page(ids: impl IntoIterator<Item = i32>, next: Option<&str>) -> Self {
        let rows: Vec<_> = ids.into_iter().map(|id| serde_json::json!({"ID": id, "Name": "Acme"})).collect();
        let mut page = serde_json::json!({"@odata.context": "$metadata#Accounts", "value": rows});
        if let Some(next) = next {
            page["@odata.nextLink"] = next.into();
        }
        Self::new(200, page.to_string())
    }
}

type Answer = dyn Fn(usize, &Url) -> Reply + Send + Sync;

/// Answers the n-th request (from 1) as a function says, and remembers what was asked.
pub(crate) struct Script {
    answer: Box<Answer>,
    asked: Mutex<Vec<Request>>,
    alive: Arc<AtomicUsize>,
    /// Times that the runtime turns to others before an answer comes.
    turns: usize,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

impl Script {
    pub(crate) fn new(answer: impl Fn(usize, &Url) -> Reply + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self::slow(answer, 0))
    }

    /// The same with answers that take a while, so that others can be asked for meanwhile.
    pub(crate) fn taking_turns(answer: impl Fn(usize, &Url) -> Reply + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self::slow(answer, 20))
    }

    fn slow(answer: impl Fn(usize, &Url) -> Reply + Send + Sync + 'static, turns: usize) -> Self {
        Self {
            answer: Box::new(answer),
            asked: Mutex::default(),
            alive: Arc::default(),
            turns,
            under_way: AtomicUsize::default(),
            most_under_way: AtomicUsize::default(),
        }
    }

    /// Requests without an answer, now and at most.
    pub(crate) fn under_way(&self) -> (usize, usize) {
        (self.under_way.load(Ordering::SeqCst), self.most_under_way.load(Ordering::SeqCst))
    }

    /// Bodies that somebody holds.
    pub(crate) fn bodies(&self) -> usize {
        self.alive.load(Ordering::SeqCst)
    }

    /// These answers in order; a further request is answered 599.
    pub(crate) fn replies(replies: impl IntoIterator<Item = Reply>) -> Arc<Self> {
        let replies: Vec<_> = replies.into_iter().collect();
        Self::new(move |n, _| replies.get(n - 1).cloned().unwrap_or_else(|| Reply::new(599, "one request too many")))
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }

    /// Path and query of each request, decoded.
    pub(crate) fn asked(&self) -> Vec<String> {
        let shown = |request: &Request| {
            let text = request.url.as_str().trim_start_matches("https://api.test/odata/").to_owned();
            percent_encoding::percent_decode_str(&text).decode_utf8().unwrap().into_owned()
        };
        self.requests().iter().map(shown).collect()
    }

    pub(crate) fn source(self: &Arc<Self>) -> Source {
        Source {
            transport: Arc::clone(self) as Arc<dyn Transport>,
            base: Url::parse("https://api.test/odata/").unwrap(),
            principal: "me".into(),
            connection: "crm".into(),
            partition: None,
            statement: Arc::new(Statement::new(1)),
            fresh: false,
            tally: None,
            blanks: Default::default(),
        }
    }
}

/// A body that counts itself while it lives.
struct Living(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Living {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Counts a request until it is answered or given up.
struct UnderWay<'a>(&'a Script);

impl<'a> UnderWay<'a> {
    fn new(script: &'a Script) -> Self {
        let now = script.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        script.most_under_way.fetch_max(now, Ordering::SeqCst);
        Self(script)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request) -> tidegate_transport::Result<Response> {
        let held = self.alive.load(Ordering::SeqCst);
        assert!(self.turns > 0 || held == 0, "a body is still held while the next one is asked for");
        let n = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(request.clone());
            asked.len()
        };
        let under_way = UnderWay::new(self);
        for _ in 0..self.turns {
            tokio::task::yield_now().await;
        }
        drop(under_way);
        let reply = (self.answer)(n, &request.url);
        let mut headers = HeaderMap::new();
        for (name, value) in reply.headers {
            headers.insert(name, HeaderValue::from_static(value));
        }
        self.alive.fetch_add(1, Ordering::SeqCst);
        let body = Bytes::from_owner(Living(reply.body.into_bytes(), Arc::clone(&self.alive)));
        let url = reply.answered.map_or(request.url, |url| Url::parse(url).unwrap());
        Ok(Response { status: StatusCode::from_u16(reply.status).unwrap(), headers, url, body: Body::from(body) })
    }
}
