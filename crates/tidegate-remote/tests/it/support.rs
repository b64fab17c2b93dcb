//! A connection to a simulated service, and its `Accounts` as a table.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use futures::StreamExt;
use tidegate_remote::{BadValue, Error, Page, Predicate, ScanRequest, Source, pushdown, scan};
use tidegate_sim::{Config, Shape, Sim};
use tidegate_spec::{
    Column, ColumnFilter, ColumnSource, ColumnType, Count, Dialect, Endpoint, Envelope, Exactness, Filters, NullOrder,
    ODataVersion, Operator, Paging, Projection, SortColumn, Table, TimestampFormat, Window,
};
use tidegate_transport::{Collect, Http, HttpOptions, OriginGuard, Statement, Transport};

pub(crate) const ID: usize = 0;
pub(crate) const NAME: usize = 1;
pub(crate) const REGION: usize = 2;
pub(crate) const REVENUE: usize = 3;
pub(crate) const SEQUENCE: usize = 4;
pub(crate) const ACTIVE: usize = 5;
pub(crate) const CREATED: usize = 6;
pub(crate) const NOTES: usize = 7;
pub(crate) const CITY: usize = 8;

const OPERATORS: [Operator; 13] = [
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

/// A small service: 230 accounts in pages of 50.
pub(crate) fn config(shape: Shape) -> Config {
    Config { shape, rows: 230, page_size: 50, sizes: BTreeMap::new(), ..Config::default() }
}

pub(crate) fn source(sim: &Sim) -> Source {
    let http: Arc<dyn Transport> = Arc::new(Http::new(HttpOptions::default()));
    let base = sim.url();
    let guarded = OriginGuard::new(http, base.origin(), Vec::new());
    Source {
        transport: Arc::new(Collect::new(Arc::new(guarded))),
        base,
        principal: "me".into(),
        connection: "sim".into(),
        partition: None,
        statement: Arc::new(Statement::new(1)),
        fresh: false,
        tally: None,
        blanks: Default::default(),
    }
}

pub(crate) fn accounts(version: ODataVersion) -> Table {
    let column = |name: &str, path: &str, data_type: ColumnType, nullable: bool| Column {
        name: name.to_owned(),
        path: path.split('/').map(str::to_owned).collect(),
        data_type,
        nullable,
        description: None,
        source: ColumnSource::Row,
    };
    let format = if version < ODataVersion::V4 { TimestampFormat::MicrosoftJson } else { TimestampFormat::Iso8601 };
    let columns = vec![
        column("id", "Id", ColumnType::Uuid, false),
        column("name", "Name", ColumnType::Text, false),
        column("region", "Region", ColumnType::Text, true),
        column("revenue", "Revenue", ColumnType::Decimal { precision: 15, scale: 2 }, true),
        column("sequence", "Sequence", ColumnType::Int64, false),
        column("active", "Active", ColumnType::Bool, false),
        column("created_at", "CreatedAt", ColumnType::Timestamp { format, instant: true }, false),
        column("notes", "Notes", ColumnType::Text, true),
        column("city", "Address/City", ColumnType::Text, true),
    ];
    let every = |column| ColumnFilter {
        column,
        operators: OPERATORS.iter().map(|&operator| (operator, Exactness::Exact)).collect(),
        required: false,
    };
    let filters = Filters {
        dialect: Some(Dialect::OData(version)),
        or: true,
        columns: (0..columns.len()).map(every).collect(),
        ..Filters::default()
    };
    Table {
        name: "accounts".to_owned(),
        api_name: "Accounts".to_owned(),
        description: None,
        key: vec![ID],
        details: Vec::new(),
        writes: tidegate_spec::Writes::default(),
        endpoints: vec![Endpoint {
            envelope: envelope(version),
            paging: Paging::NextUrl,
            window: Some(Window::TopSkip),
            filters,
            sort: (0..columns.len()).map(|column| SortColumn { column, nulls: NullOrder::Lowest }).collect(),
            projection: Projection::Select,
            count: Some(Count::Inline),
            max_url_length: 4096,
            ..Endpoint::new("list", "Accounts")
        }],
        columns,
    }
}

fn envelope(version: ODataVersion) -> Envelope {
    let paths = |texts: &[&str]| texts.iter().map(|text| text.split('/').map(str::to_owned).collect()).collect();
    if version >= ODataVersion::V4 {
        Envelope {
            rows: paths(&["value"]),
            next: paths(&["@odata.nextLink"]),
            count: paths(&["@odata.count"]),
            ..Envelope::default()
        }
    } else {
        Envelope {
            rows: paths(&["d/results", "d"]),
            next: paths(&["d/__next"]),
            count: paths(&["d/__count"]),
            ..Envelope::default()
        }
    }
}

/// A scan of all accounts.
pub(crate) fn request(version: ODataVersion, columns: &[usize]) -> ScanRequest {
    ScanRequest {
        table: Arc::new(accounts(version)),
        endpoint: 0,
        columns: columns.to_vec(),
        filter: None,
        sort: Vec::new(),
        fetch: None,
        skip: 0,
        on_bad_value: BadValue::Fail,
    }
}

/// The same with what can be pushed of a filter.
pub(crate) fn filtered(version: ODataVersion, columns: &[usize], filter: &Predicate) -> ScanRequest {
    let mut request = request(version, columns);
    request.filter = pushdown::push_filter(&request.table, 0, filter).predicate;
    request
}

/// All rows in one batch.
pub(crate) async fn read(sim: &Sim, request: ScanRequest) -> Result<RecordBatch, Error> {
    let pages = scan(source(sim), request).collect::<Vec<_>>().await;
    let pages: Vec<Page> = pages.into_iter().collect::<Result<_, _>>()?;
    let batches: Vec<_> = pages.iter().map(|page| &page.batch).collect();
    Ok(arrow::compute::concat_batches(&batches[0].schema(), batches).unwrap())
}
