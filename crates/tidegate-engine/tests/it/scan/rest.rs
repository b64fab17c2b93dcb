//! Tables over endpoints without a query language, as manifests describe them.

use tidegate_engine::Settings;
use tidegate_spec::{
    ColumnFilter, ColumnSource, ColumnType, Count, End, Endpoint, EndpointKind, Envelope, Exactness, FilterForm,
    ListForm, ListStyle, NullOrder, Operator, PageSize, Paging, Place, ShortPage, SortColumn, Sorting, Table,
    ValueForm,
};

use super::support::{Fixture, column, member};

/// Rows in one answer of a list.
const PAGE: u64 = 3;

/// A fixture over `table` without pushdown.
pub(super) fn without_pushdown(table: Table, answers: Vec<String>) -> Fixture {
    Fixture::over(table, answers, Settings { pushdown: false, ..Settings::default() })
}

pub(super) fn fixture(table: Table, answers: Vec<String>) -> Fixture {
    Fixture::over(table, answers, Settings::default())
}

/// A page of a list.
pub(super) fn items(rows: &[&str]) -> String {
    format!(r#"{{"items": [{}]}}"#, rows.join(", "))
}

/// A list whose last page has fewer rows than others.
pub(super) fn list(name: &str, path: &str) -> Endpoint {
    Endpoint {
        envelope: Envelope { rows: member("items"), ..Envelope::default() },
        paging: Paging::Page {
            place: Place::Query("page".to_owned()),
            first: 1,
            end: End { short: ShortPage::Last, ..End::default() },
        },
        page_size: Some(PageSize { place: None, max: PAGE }),
        ..Endpoint::new(name, path)
    }
}

/// The same endpoint with a filter at a place of its own.
pub(super) fn filtered(
    mut endpoint: Endpoint,
    column: usize,
    operator: Operator,
    exactness: Exactness,
    place: Place,
) -> Endpoint {
    let required = matches!(place, Place::Path(_));
    let list = ListForm { style: ListStyle::Joined(",".to_owned()), max: 2 };
    endpoint.filters.forms.push(FilterForm { column, operator, place, value: ValueForm::default(), list });
    match endpoint.filters.columns.iter_mut().find(|filter| filter.column == column) {
        Some(filter) => filter.operators.push((operator, exactness)),
        None => {
            endpoint.filters.columns.push(ColumnFilter { column, operators: vec![(operator, exactness)], required });
        }
    }
    endpoint
}

pub(super) fn query(name: &str) -> Place {
    Place::Query(name.to_owned())
}

fn in_path(endpoint: Endpoint, column: usize, name: &str) -> Endpoint {
    filtered(endpoint, column, Operator::Eq, Exactness::Exact, Place::Path(name.to_owned()))
}

/// Issues of a repository: a list under its parent, and one by its number.
pub(crate) fn issues() -> Table {
    let text = |name, source| column(name, ColumnType::Text, false, source);
    let list = in_path(in_path(list("list", "repos/{owner}/{repo}/issues"), 0, "owner"), 1, "repo");
    let list = filtered(list, 3, Operator::Eq, Exactness::Exact, query("state"));
    let get = Endpoint::new("get", "repos/{owner}/{repo}/issues/{number}");
    let get = in_path(in_path(in_path(get, 0, "owner"), 1, "repo"), 2, "number");
    Table {
        name: "issues".to_owned(),
        api_name: "issues".to_owned(),
        description: None,
        columns: vec![
            text("owner", ColumnSource::Request),
            text("repo", ColumnSource::Request),
            column("number", ColumnType::Int64, false, ColumnSource::Row),
            text("state", ColumnSource::Row),
        ],
        key: vec![0, 1, 2],
        details: Vec::new(),
        writes: tidegate_spec::Writes::default(),
        endpoints: vec![list, Endpoint { kind: EndpointKind::Get, ..get }],
    }
}

/// Members of teams: a list under a team, that the server filters by `exactness`, sorts by id, and counts.
pub(super) fn members(exactness: Exactness) -> Table {
    let list = Endpoint {
        sort: vec![
            SortColumn { column: 0, nulls: NullOrder::Lowest },
            SortColumn { column: 1, nulls: NullOrder::Lowest },
        ],
        sorting: Some(Sorting {
            place: query("sort"),
            direction: None,
            ascending: "{column}".to_owned(),
            descending: "-{column}".to_owned(),
            separator: None,
            names: vec![(0, "id".to_owned()), (1, "team".to_owned())],
        }),
        count: Some(Count::Told),
        ..list("list", "members")
    };
    let mut list = filtered(list, 1, Operator::Eq, exactness, query("team"));
    list.envelope.count = member("total");
    list.filters.columns[0].required = true;
    Table {
        name: "members".to_owned(),
        api_name: "members".to_owned(),
        description: None,
        columns: vec![
            column("id", ColumnType::Int64, false, ColumnSource::Row),
            column("team", ColumnType::Text, false, ColumnSource::Row),
        ],
        key: vec![0],
        endpoints: vec![list],
        details: Vec::new(),
        writes: tidegate_spec::Writes::default(),
    }
}

/// Users: a list of short rows, whole rows by key, one or several, and a search that lags.
pub(crate) fn users() -> Table {
    let short = Endpoint { columns: Some(vec![0, 1]), ..list("list", "users") };
    let many = Endpoint { kind: EndpointKind::GetMany, paging: Paging::Single, ..list("many", "users/many") };
    let mut many = filtered(many, 0, Operator::In, Exactness::Exact, query("ids"));
    many.filters.columns[0].required = true;
    let get = Endpoint { kind: EndpointKind::Get, ..Endpoint::new("get", "users/{id}") };
    let search = Endpoint { kind: EndpointKind::Search, eventual: true, ..list("search", "search") };
    let mut search = filtered(search, 2, Operator::Eq, Exactness::Superset, query("q"));
    search.filters.columns[0].required = true;
    Table {
        name: "users".to_owned(),
        api_name: "users".to_owned(),
        description: None,
        columns: vec![
            column("id", ColumnType::Int64, false, ColumnSource::Row),
            column("login", ColumnType::Text, false, ColumnSource::Row),
            column("name", ColumnType::Text, true, ColumnSource::Row),
        ],
        key: vec![0],
        endpoints: vec![short, many, in_path(get, 0, "id"), search],
        details: Vec::new(),
        writes: tidegate_spec::Writes::default(),
    }
}
