//! Every paging style of APIs without a language of their own, against scripted answers.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int32Type;
use futures::StreamExt;
use tidegate_spec::{
    Column, ColumnSource, ColumnType, End, Endpoint, Envelope, PageSize, Paging, PastEnd, Path, Place, ShortPage, Table,
};

use super::super::{Page, scan};
use crate::test_support::{Reply, Script};
use crate::{BadValue, Error, ScanRequest};

mod ahead;
mod answers;
mod ceiling;
mod count;
mod latency;
mod links;

pub(super) const ID: usize = 0;
pub(super) const RANK: usize = 1;
pub(super) const OWNER: usize = 2;

pub(super) fn path(text: &str) -> Path {
    text.split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

pub(super) fn query(name: &str) -> Place {
    Place::Query(name.to_owned())
}

/// A list of `items` in pages of four.
pub(super) fn endpoint(paging: Paging) -> Endpoint {
    let envelope = Envelope {
        rows: vec![path("items")],
        next: vec![path("next")],
        more: vec![path("more")],
        count: vec![path("total")],
        count_header: Some("x-total".to_owned()),
        failure: vec![path("error")],
        success: vec![path("ok")],
        absent: Vec::new(),
    };
    let page_size = Some(PageSize { place: Some(query("limit")), max: 4 });
    Endpoint { envelope, paging, page_size, ..Endpoint::new("list", "items") }
}

pub(super) fn request(endpoint: Endpoint) -> ScanRequest {
    let column = |name: &str, data_type, nullable, source| {
        let path = path(name);
        Column { name: name.to_owned(), path, data_type, nullable, description: None, source }
    };
    let columns = vec![
        column("id", ColumnType::Int32, false, ColumnSource::Row),
        column("rank", ColumnType::Int64, true, ColumnSource::Row),
        column("owner", ColumnType::Text, false, ColumnSource::Request),
    ];
    let (name, api_name) = ("things".to_owned(), "Things".to_owned());
    let table = Table {
        name,
        api_name,
        description: None,
        columns,
        key: vec![ID],
        endpoints: vec![endpoint],
        details: Vec::new(),
        writes: tidegate_spec::Writes::default(),
    };
    ScanRequest {
        table: Arc::new(table),
        endpoint: 0,
        columns: vec![ID],
        filter: None,
        sort: Vec::new(),
        fetch: None,
        skip: 0,
        on_bad_value: BadValue::Fail,
    }
}

/// A page with these ids and these members beside its rows.
pub(super) fn items(ids: impl IntoIterator<Item = i32>, members: &str) -> Reply {
    let rows: Vec<_> = ids.into_iter().map(|id| format!(r#"{{"id":{id}}}"#)).collect();
    let comma = if members.is_empty() { "" } else { "," };
    Reply::new(200, format!(r#"{{"items":[{}]{comma}{members}}}"#, rows.join(",")))
}

fn with(mut reply: Reply, header: (&'static str, &'static str)) -> Reply {
    reply.headers.push(header);
    reply
}

fn refused(status: u16) -> Reply {
    Reply::new(status, r#"{"message":"no such page"}"#)
}

pub(super) async fn read(script: &Arc<Script>, request: ScanRequest) -> Result<Vec<Page>, Error> {
    scan(script.source(), request).collect::<Vec<_>>().await.into_iter().collect()
}

pub(super) fn ids(pages: &[Page]) -> Vec<i32> {
    pages.iter().flat_map(|page| page.batch.column(0).as_primitive::<Int32Type>().values().to_vec()).collect()
}

/// Reads all: the number of rows, which are numbered from 0, or a part of the error; and what was asked behind `items?`.
pub(super) async fn check(
    what: &str,
    request: ScanRequest,
    replies: Vec<Reply>,
    expected: Result<i32, &str>,
    asked: &[&str],
) {
    let script = Script::replies(replies);
    match (read(&script, request).await, expected) {
        (Ok(pages), Ok(rows)) => assert_eq!(ids(&pages), (0..rows).collect::<Vec<_>>(), "{what}"),
        (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{what}: {error}"),
        (found, _) => panic!("{what}: {found:?}"),
    }
    let queries: Vec<String> =
        script.asked().iter().map(|url| url.replacen("items", "", 1).replacen('?', "", 1)).collect();
    assert_eq!(queries, asked, "{what}");
}

pub(super) fn page(end: End) -> Endpoint {
    endpoint(Paging::Page { place: query("page"), first: 1, end })
}

pub(super) fn offset(end: End) -> Endpoint {
    endpoint(Paging::Offset { place: query("offset"), end })
}

pub(super) fn cursor(header: Option<&str>) -> Endpoint {
    let none = vec!["end".to_owned()];
    endpoint(Paging::Cursor { place: query("after"), header: header.map(str::to_owned), none })
}

pub(super) fn keyset(end: End) -> Endpoint {
    endpoint(Paging::Keyset { place: query("since"), column: ID, end })
}

const PAGES: [&str; 4] = ["page=1&limit=4", "page=2&limit=4", "page=3&limit=4", "page=4&limit=4"];
const OFFSETS: [&str; 3] = ["limit=4", "offset=4&limit=4", "offset=8&limit=4"];

/// Of an API that keeps to the page size that it is asked for.
pub(super) fn exact() -> End {
    End { short: ShortPage::Last, ..End::default() }
}

fn past(past: PastEnd) -> End {
    End { past, ..exact() }
}

#[tokio::test]
async fn numbered_pages() {
    let end = exact();
    let cases = [
        ("many", page(end), vec![items(0..4, ""), items(4..8, ""), items(8..9, "")], Ok(9), 3),
        ("the last is full", page(end), vec![items(0..4, ""), items(4..8, ""), items([], "")], Ok(8), 3),
        ("one", page(end), vec![items(0..3, "")], Ok(3), 1),
        ("no rows", page(end), vec![items([], "")], Ok(0), 1),
        ("refused past the end", page(past(PastEnd::Refused)), vec![items(0..4, ""), refused(404)], Ok(4), 2),
        ("416 likewise", page(past(PastEnd::Refused)), vec![items(0..4, ""), refused(416)], Ok(4), 2),
        ("refused at once", page(past(PastEnd::Refused)), vec![refused(404)], Err("404 Not Found: no such page"), 1),
        ("a failure past the end", page(past(PastEnd::Refused)), vec![items(0..4, ""), refused(500)], Err("500"), 2),
        ("refused, not declared", page(end), vec![items(0..4, ""), refused(404)], Err("404 Not Found"), 2),
        ("repeated", page(past(PastEnd::Repeated)), vec![items(0..4, ""), items(4..8, ""), items(4..8, "")], Ok(8), 3),
        ("repeated, not declared", page(end), vec![items(0..4, ""), items(0..4, "")], Err("`past: repeated`"), 2),
        (
            "an earlier page",
            page(past(PastEnd::Repeated)),
            vec![items(0..4, ""), items(4..8, ""), items(0..4, "")],
            Err("repeats itself"),
            3,
        ),
        ("a total", page(end), vec![items(0..4, r#""total":8"#), items(4..8, r#""total":"8""#)], Ok(8), 2),
        ("a total in a header", page(end), vec![with(items(0..4, ""), ("x-total", " 4"))], Ok(4), 1),
        ("too small a total", page(end), vec![items(0..4, r#""total":2"#), items(4..5, "")], Ok(5), 2),
        (
            "too large a total",
            page(end),
            vec![items(0..4, r#""total":9"#), items(4..7, r#""total":9"#), items([], "")],
            Err("9 rows match, sent 7"),
            3,
        ),
        (
            "a total and a refusal",
            page(past(PastEnd::Refused)),
            vec![items(0..4, r#""total":9"#), refused(404)],
            Err("sent 4"),
            2,
        ),
        ("no more", page(end), vec![items(0..4, r#""more":true"#), items(4..8, r#""more":false"#)], Ok(8), 2),
        (
            "more behind a short page",
            page(end),
            vec![items(0..1, r#""more":"True""#), items(1..4, r#""more":0"#)],
            Ok(4),
            2,
        ),
        ("more is missing", page(end), vec![items(0..4, r#""more":1"#), items(4..7, "")], Ok(7), 2),
        ("more is no truth", page(end), vec![items(0..4, r#""more":"perhaps""#)], Err("neither true nor false"), 1),
        ("no more, but a total", page(end), vec![items(0..4, r#""more":false,"total":5"#)], Err("5 rows match"), 1),
    ];
    for (what, endpoint, replies, expected, asked) in cases {
        check(what, request(endpoint), replies, expected, &PAGES[..asked]).await;
    }
}

#[tokio::test]
async fn short_pages() {
    let short = |short, max| {
        let size = Some(PageSize { place: Some(query("limit")), max });
        Endpoint { page_size: size, ..offset(End { short, ..End::default() }) }
    };
    let (likely, last, open) = (ShortPage::Likely, ShortPage::Last, ShortPage::Open);
    // The server sends no more than five rows of ten.
    let cut = || vec![items(0..5, ""), items(5..10, ""), items(10..12, "")];
    let all: &[&str] = &["limit=10", "offset=5&limit=10", "offset=10&limit=10", "offset=12&limit=10"];
    check("cut", request(short(likely, 10)), cut(), Ok(12), &all[..3]).await;
    check("cut, but declared", request(short(last, 10)), cut(), Ok(5), &all[..1]).await;
    let and_empty = cut().into_iter().chain([items([], "")]).collect();
    check("an empty page alone", request(short(open, 10)), and_empty, Ok(12), all).await;
    check("all at once", request(short(likely, 10)), vec![items(0..5, ""), items([], "")], Ok(5), &all[..2]).await;
    let odd = vec![items(0..7, ""), items(7..9, "")];
    check("cut to no round number", request(short(likely, 10)), odd, Ok(9), &["limit=10", "offset=7&limit=10"]).await;
    let told = vec![items(0..7, r#""total":7"#)];
    check("all, by the total", request(short(likely, 10)), told, Ok(7), &all[..1]).await;
    let unknown = Endpoint { page_size: None, ..offset(exact()) };
    let replies = vec![items(0..3, ""), items(3..6, ""), items(6..7, "")];
    check("of unknown size", request(unknown), replies, Ok(7), &["", "offset=3", "offset=6"]).await;
}

#[tokio::test]
async fn offsets() {
    let end = exact();
    let cases = [
        ("many", offset(end), vec![items(0..4, ""), items(4..8, ""), items(8..9, "")], Ok(9), 3),
        ("the last is full", offset(end), vec![items(0..4, ""), items([], "")], Ok(4), 2),
        ("one", offset(end), vec![items(0..3, "")], Ok(3), 1),
        ("no rows", offset(end), vec![items([], "")], Ok(0), 1),
        ("pushed on by a new row", offset(end), vec![items(0..4, ""), items(3..7, ""), items(7..8, "")], Ok(8), 3),
        ("a total", offset(end), vec![items(0..4, r#""total":8"#), items(4..8, r#""total":8"#)], Ok(8), 2),
        ("too large a total", offset(end), vec![items(0..3, r#""total":4"#), items([], "")], Err("sent 3"), 2),
        ("refused", offset(past(PastEnd::Refused)), vec![items(0..4, ""), refused(400)], Ok(4), 2),
        ("ignored", offset(end), vec![items(0..4, ""), items(0..4, "")], Err("declare `past: repeated`"), 2),
    ];
    for (what, endpoint, replies, expected, asked) in cases {
        let asked: &[&str] = match (what, asked) {
            ("too large a total", _) => &["limit=4", "offset=3&limit=4"],
            _ => &OFFSETS[..asked],
        };
        check(what, request(endpoint), replies, expected, asked).await;
    }
    let replies = vec![items([], r#""more":true"#), items([], r#""more":true"#)];
    let asked = ["limit=4", "offset=0&limit=4"];
    check("more of nothing", request(offset(end)), replies, Err("does not move on"), &asked).await;
}

#[tokio::test]
async fn cursors() {
    let all = ["limit=4", "after=a&limit=4", "after=7&limit=4"];
    let cases = [
        (
            "many",
            cursor(None),
            vec![items(0..4, r#""next":"a""#), items(4..5, r#""next":7"#), items(5..6, r#""next":null"#)],
            Ok(6),
            3,
        ),
        ("an empty last page", cursor(None), vec![items(0..4, r#""next":"a""#), items([], r#""next":"""#)], Ok(4), 2),
        ("one", cursor(None), vec![items(0..4, "")], Ok(4), 1),
        ("no rows", cursor(None), vec![items([], r#""next":"end""#)], Ok(0), 1),
        ("no more", cursor(None), vec![items(0..4, r#""next":"a","more":false"#)], Ok(4), 1),
        ("more without a token", cursor(None), vec![items(0..4, r#""more":true"#)], Err("no token"), 1),
        (
            "repeated",
            cursor(None),
            vec![items(0..4, r#""next":"a""#), items(4..8, r#""next":"a""#)],
            Err("repeated cursor \"a\""),
            2,
        ),
        (
            "the last page again",
            cursor(None),
            vec![items(0..4, r#""next":"a""#), items(0..4, r#""next":"7""#)],
            Err("repeats itself"),
            2,
        ),
        ("an object", cursor(None), vec![items(0..4, r#""next":{}"#)], Err("neither text nor a number"), 1),
        ("too large a total", cursor(None), vec![items(0..4, r#""total":5"#)], Err("5 rows match"), 1),
        (
            "in a header",
            cursor(Some("Locator")),
            vec![with(items(0..4, r#""next":"x""#), ("locator", "a")), with(items(4..5, ""), ("locator", "end"))],
            Ok(5),
            2,
        ),
        ("without the header", cursor(Some("Locator")), vec![items(0..4, r#""next":"x""#)], Ok(4), 1),
    ];
    for (what, endpoint, replies, expected, asked) in cases {
        check(what, request(endpoint), replies, expected, &all[..asked]).await;
    }
}

#[tokio::test]
async fn keysets() {
    let end = exact();
    let all = ["limit=4", "since=3&limit=4", "since=7&limit=4"];
    let cases = [
        ("many", keyset(end), vec![items(0..4, ""), items(4..8, ""), items(8..9, "")], Ok(9), 3),
        ("the last is full", keyset(end), vec![items(0..4, ""), items(4..8, ""), items([], "")], Ok(8), 3),
        ("one", keyset(end), vec![items(0..3, "")], Ok(3), 1),
        ("no rows", keyset(end), vec![items([], "")], Ok(0), 1),
        ("no more", keyset(end), vec![items(0..4, r#""more":true"#), items(4..8, r#""more":false"#)], Ok(8), 2),
        (
            "more of nothing",
            keyset(end),
            vec![items(0..4, ""), items([], r#""more":true"#)],
            Err("no row with a key"),
            2,
        ),
        ("repeated", keyset(past(PastEnd::Repeated)), vec![items(0..4, ""), items(0..4, "")], Ok(4), 2),
        ("ignored", keyset(end), vec![items(0..4, ""), items([0, 1, 2, 3], "")], Err("repeats itself"), 2),
        ("the last row again", keyset(end), vec![items(0..4, ""), items(3..7, "")], Err("begins with it"), 2),
        (
            "another order",
            keyset(end),
            vec![items([0, 9, 5, 3], ""), items([4, 5, 9, 12], "")],
            Err("another order"),
            2,
        ),
        ("in a circle", keyset(end), vec![items(0..4, ""), items([8, 9, 5, 3], "")], Err("repeated last key"), 2),
    ];
    for (what, endpoint, replies, expected, asked) in cases {
        check(what, request(endpoint), replies, expected, &all[..asked]).await;
    }
    // Its column is read along, though nobody wants it.
    let script = Script::replies([items(0..4, ""), items(4..5, "")]);
    let pages = read(&script, ScanRequest { columns: Vec::new(), ..request(keyset(end)) }).await.unwrap();
    assert_eq!(pages.iter().map(|page| page.batch.num_rows()).collect::<Vec<_>>(), [4, 1]);
    assert_eq!(pages[0].batch.num_columns(), 0);
}

#[tokio::test]
async fn a_single_page() {
    let cases = [
        ("all", vec![items(0..3, "")], Ok(3)),
        ("no rows", vec![items([], "")], Ok(0)),
        ("full, and no word of more", vec![items(0..4, "")], Err("declare its `paging`")),
        ("full, and all", vec![items(0..4, r#""total":4"#)], Ok(4)),
        ("it goes on", vec![items(0..3, r#""next":"x""#)], Err("declares one page")),
        ("more", vec![items(0..3, r#""more":true"#)], Err("declares one page")),
    ];
    for (what, replies, expected) in cases {
        check(what, request(endpoint(Paging::Single)), replies, expected, &["limit=4"]).await;
    }
}

#[tokio::test]
async fn few_rows_are_asked_for_where_few_are_wanted() {
    let cases: [(&str, Endpoint, Vec<&str>); 4] = [
        ("page", page(exact()), vec!["page=1&limit=20", "page=2&limit=20"]),
        ("offset", offset(exact()), vec!["limit=20", "offset=20&limit=100"]),
        ("keyset", keyset(exact()), vec!["limit=20", "since=19&limit=100"]),
        ("cursor", cursor(None), vec!["limit=20", "after=a&limit=100"]),
    ];
    for (what, endpoint, asked) in cases {
        let size = Some(PageSize { place: Some(query("limit")), max: 100 });
        let wanted = ScanRequest { fetch: Some(3), ..request(Endpoint { page_size: size, ..endpoint }) };
        let replies = vec![items(0..20, r#""next":"a""#), items(20..21, "")];
        check(what, wanted, replies, Ok(21), &asked).await;
    }
}

#[tokio::test]
async fn a_body_may_ask_for_the_page() {
    let at = |name: &str| Place::Body(path(name));
    let paging = Paging::Cursor { place: at("page.after"), header: None, none: Vec::new() };
    let size = Some(PageSize { place: Some(at("page.size")), max: 2 });
    let method = tidegate_spec::Method::Post;
    let body = Some(serde_json::json!({"kind": "x"}));
    let search = Endpoint { method, body, page_size: size, ..endpoint(paging) };
    let script = Script::replies([items(0..2, r#""next":"a""#), items(2..3, "")]);
    assert_eq!(ids(&read(&script, request(search)).await.unwrap()), [0, 1, 2]);
    let bodies: Vec<serde_json::Value> =
        script.requests().iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect();
    assert_eq!(bodies[0], serde_json::json!({"kind": "x", "page": {"size": 2}}));
    assert_eq!(bodies[1]["page"]["after"], "a");
    assert!(script.requests().iter().all(|request| request.method == http::Method::POST));
    assert_eq!(script.asked(), ["items", "items"]);
}
