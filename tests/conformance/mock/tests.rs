//! The mock keeps to what a model declares, and says what it does not know.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Value as Json, json};
use tidegate::transport::{BodyMode, Operation, Purpose, Repeat, Request, Statement, Transport};
use tidegate_spec::{
    Column, ColumnFilter, ColumnSource, ColumnType, Dialect, Endpoint, Envelope, Exactness, FilterForm, ListForm,
    ListStyle, Operator, PageSize, Paging, Place, Table, TextDialect, TextTerm, ValueForm,
};
use url::Url;

use super::*;
use crate::conformance::data::Cell;

fn column(name: &str, data_type: ColumnType, nullable: bool) -> Column {
    Column {
        name: name.to_owned(),
        path: vec![name.to_owned()],
        data_type,
        nullable,
        description: None,
        source: ColumnSource::Row,
    }
}

fn query(name: &str) -> Place {
    Place::Query(name.to_owned())
}

/// `id` 1 to 7 with names that alternate.
fn table(paging: Paging) -> (Table, Vec<Row>) {
    let form =
        |column, operator, place, list| FilterForm { column, operator, place, value: ValueForm::default(), list };
    let term = |operator, before: &str| TextTerm {
        column: 1,
        operator,
        value: ValueForm { before: before.to_owned(), ..ValueForm::default() },
        list: ListForm::default(),
        quoted: true,
    };
    let mut endpoint = Endpoint::new("list", "{org}/things");
    endpoint.paging = paging;
    endpoint.page_size = Some(PageSize { place: Some(query("limit")), max: 3 });
    let path = |name: &str| vec![vec![name.to_owned()]];
    endpoint.envelope = Envelope { rows: path("rows"), next: path("next"), more: path("more"), ..Envelope::default() };
    endpoint.constants = vec![(query("view"), "full".to_owned())];
    endpoint.filters.forms = vec![
        form(2, Operator::Eq, Place::Path("org".to_owned()), ListForm::default()),
        form(0, Operator::In, query("id"), ListForm { style: ListStyle::Repeated, max: 3 }),
        form(0, Operator::Eq, query("id"), ListForm::default()),
    ];
    endpoint.filters.dialect = Some(Dialect::Text(Box::new(TextDialect {
        place: query("q"),
        constant: None,
        and: " ".to_owned(),
        or: Some(" OR ".to_owned()),
        group: ("(".to_owned(), ")".to_owned()),
        quote: "\"".to_owned(),
        escape: Some("\\".to_owned()),
        terms: vec![term(Operator::Eq, "name:"), term(Operator::NotEq, "-name:")],
        max_terms: Some(3),
    })));
    let filter =
        |column, required| ColumnFilter { column, operators: vec![(Operator::Eq, Exactness::Superset)], required };
    endpoint.filters.columns = vec![filter(2, true), filter(0, false), filter(1, false)];
    let columns = vec![
        column("id", ColumnType::Int64, false),
        column("name", ColumnType::Text, true),
        column("org", ColumnType::Text, false),
    ];
    let table = Table {
        name: "things".to_owned(),
        api_name: "things".to_owned(),
        description: None,
        columns,
        key: vec![0],
        details: Vec::new(),
        writes: tidegate_spec::Writes::default(),
        endpoints: vec![endpoint],
    };
    let name = |n: i64| if n % 2 == 0 { Cell::Text("say \"a b\" OR c".to_owned()) } else { Cell::Null };
    let rows = (1..=7).map(|n| vec![Cell::Int(n), name(n), Cell::Text("a/b".to_owned())]).collect();
    (table, rows)
}

fn request(url: &str) -> Request {
    let operation = Operation {
        principal: Arc::from("test"),
        connection: Arc::from("api"),
        partition: None,
        table: None,
        endpoint: Arc::from("list"),
        purpose: Purpose::Read,
        repeat: Repeat::Safe,
        page: None,
        attempt: 1,
        quota_wait: std::time::Duration::ZERO,
        body: BodyMode::default(),
        keeps: false,
        reuse: true,
        fresh: false,
        cache: None,
        statement: Arc::new(Statement::new(1)),
    };
    let url = Url::parse(url).unwrap();
    Request { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new(), operation }
}

async fn answer(mock: &Mock, url: &str) -> (u16, HeaderMap, Json) {
    let response = mock.send(request(url)).await.unwrap();
    let (status, headers) = (response.status.as_u16(), response.headers);
    let body = response.body.collect(1 << 20).await.unwrap();
    (status, headers, serde_json::from_slice(&body).unwrap())
}

fn served(paging: Paging, behaviour: Behaviour) -> Mock {
    let mock = Mock::new(Url::parse("https://api.example/v1/").unwrap(), vec!["api_key".to_owned()]);
    let (table, rows) = table(paging);
    mock.serve(&table, &rows, behaviour);
    mock
}

fn offset() -> Paging {
    Paging::Offset { place: query("skip"), end: Default::default() }
}

#[tokio::test]
async fn requests_are_read_by_the_declaration() {
    const URL: &str = "https://api.example/v1/a%2Fb/things?view=full";
    let cases: &[(&str, Result<&[i64], &str>)] = &[
        ("", Ok(&[1, 2, 3])),
        ("&api_key=k&limit=2", Ok(&[1, 2])),
        ("&skip=3", Ok(&[4, 5, 6])),
        ("&skip=6&limit=3", Ok(&[7])),
        ("&skip=7", Ok(&[])),
        ("&id=4", Ok(&[4])),
        ("&id=4&id=2", Ok(&[2, 4])),
        ("&q=name:%22say%20%5C%22a%20b%5C%22%20OR%20c%22", Ok(&[2, 4, 6])),
        ("&q=(name:%22x%22%20OR%20name:%22say%20%5C%22a%20b%5C%22%20OR%20c%22)&skip=2", Ok(&[6])),
        ("&q=-name:%22x%22", Ok(&[2, 4, 6])),
        ("&limit=4", Err("a page size of 4")),
        ("&limit=0", Err("a page size of 0")),
        ("&page=1", Err("unknown parameter Query(\"page\")")),
        ("&id=x", Err("is no value")),
        ("&id=1&id=2&id=3&id=4", Err("4 values")),
        ("&q=size:1", Err("unknown term")),
        ("&q=name:%22x", Err("not closed")),
        ("&view=short", Err("unknown parameter")),
    ];
    for (more, expected) in cases {
        let mock = served(offset(), Behaviour::default());
        let (status, _, body) = answer(&mock, &format!("{URL}{more}")).await;
        let refused = mock.take_log()[0].refused.clone();
        match expected {
            Ok(ids) => {
                let rows = body["rows"].as_array().unwrap_or_else(|| panic!("{more}: {body}"));
                let found: Vec<_> = rows.iter().map(|row| row["id"].as_i64().unwrap()).collect();
                assert_eq!((status, found.as_slice()), (200, *ids), "{more}");
            }
            Err(words) => {
                assert_eq!(status, 400, "{more}: {body}");
                assert!(refused.is_some_and(|refused| refused.contains(words)), "{more}: {body}");
            }
        }
    }
    let mock = served(offset(), Behaviour::default());
    for (url, status) in [
        ("https://api.example/v1/a/things", 400),
        ("https://api.example/v1/a/b/things?view=full", 404),
        ("https://nowhere.example/v1/a%2Fb/things?view=full", 404),
    ] {
        assert_eq!(answer(&mock, url).await.0, status, "{url}");
    }
}

#[tokio::test]
async fn pages_follow_one_another_in_every_style() {
    let cursor = |header: Option<&str>| Paging::Cursor {
        place: query("after"),
        header: header.map(str::to_owned),
        none: vec![],
    };
    let keyset = Paging::Keyset { place: query("after"), column: 0, end: Default::default() };
    let page = Paging::Page { place: query("page"), first: 1, end: Default::default() };
    for paging in [offset(), page, cursor(None), cursor(Some("x-next")), keyset, Paging::NextUrl, Paging::LinkHeader] {
        let mock = served(paging.clone(), Behaviour::default());
        let start = "https://api.example/v1/a%2Fb/things?view=full";
        let (mut url, mut ids) = (start.to_owned(), Vec::new());
        for number in 1..=4 {
            let (status, headers, body) = answer(&mock, &url).await;
            assert_eq!(status, 200, "{paging:?}: {url} {body}");
            ids.extend(body["rows"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()));
            if body["more"] == json!(false) {
                break;
            }
            let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
            let token = |text: &str| {
                let mut next = Url::parse(start).unwrap();
                next.query_pairs_mut().append_pair("after", text);
                next.to_string()
            };
            url = match &paging {
                Paging::Offset { .. } => format!("{start}&skip={}", number * 3),
                Paging::Page { .. } => format!("{start}&page={}", number + 1),
                Paging::Keyset { .. } => format!("{start}&after={}", ids.last().unwrap()),
                Paging::Cursor { header: Some(name), .. } => token(&header(name).unwrap()),
                Paging::Cursor { .. } => token(body["next"].as_str().unwrap()),
                Paging::NextUrl => body["next"].as_str().unwrap().to_owned(),
                _ => header("link").unwrap().split('<').nth(2).unwrap().split('>').next().unwrap().to_owned(),
            };
        }
        assert_eq!(ids, [1, 2, 3, 4, 5, 6, 7], "{paging:?}");
        assert_eq!(mock.take_log().len(), 3, "{paging:?}");
    }
}

#[tokio::test]
async fn behaviours_show() {
    let fault = |kind| Behaviour { fault: Some(Fault { at: 1, is_lasting: false, kind }), ..Behaviour::default() };
    let url = "https://api.example/v1/a%2Fb/things?view=full";
    let asked = |query: &'static str| format!("{url}{query}");
    let ignoring = Behaviour { fidelity: Fidelity::Ignoring, ..Behaviour::default() };
    assert_eq!(answer(&served(offset(), ignoring), &asked("&id=7")).await.2["rows"][0]["id"], 1);
    let folding = Behaviour { fidelity: Fidelity::Folding, ..Behaviour::default() };
    let body = answer(&served(offset(), folding), &asked("&q=name:%22SAY%20%5C%22a%20b%5C%22%20OR%20c%20%22")).await.2;
    assert_eq!(body["rows"].as_array().unwrap().len(), 3, "{body}");
    let throttled = answer(&served(offset(), fault(FaultKind::Status(429, &[("retry-after", "7")]))), url).await;
    assert_eq!((throttled.0, throttled.1["retry-after"].to_str().unwrap()), (429, "7"));
    assert!(served(offset(), fault(FaultKind::Reset)).send(request(url)).await.is_err());
    let past = Behaviour { past: Some(tidegate_spec::PastEnd::Repeated), ..Behaviour::default() };
    assert_eq!(answer(&served(offset(), past), &asked("&skip=9")).await.2["rows"][0]["id"], 7);
    let capped = Behaviour { cap: Some(2), ..Behaviour::default() };
    assert_eq!(answer(&served(offset(), capped), &asked("&limit=3")).await.2["rows"].as_array().unwrap().len(), 2);
}
