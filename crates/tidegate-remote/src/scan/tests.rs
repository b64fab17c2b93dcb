//! Paging, stopping, counting and failing against a scripted service.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int32Type;
use futures::StreamExt;
use tidegate_spec::{ODataVersion, Paging};
use tidegate_transport::Purpose;

use super::{Page, count, scan};
use crate::test_support::{self as columns, Reply, Script, request, table};
use crate::{CompareOp, Error, ErrorKind, Predicate, Scalar, ScanRequest};

mod rest;
mod skip;

fn v4() -> ScanRequest {
    request(table(ODataVersion::V4))
}

fn fetching(rows: u64) -> ScanRequest {
    ScanRequest { fetch: Some(rows), ..v4() }
}

async fn read(script: &Arc<Script>, request: ScanRequest) -> Result<Vec<Page>, Error> {
    scan(script.source(), request).collect::<Vec<_>>().await.into_iter().collect()
}

fn ids(pages: &[Page]) -> Vec<i32> {
    let of_page = |page: &Page| page.batch.column(1).as_primitive::<Int32Type>().values().to_vec();
    pages.iter().flat_map(of_page).collect()
}

/// Reads all with these answers; the ids and what was asked.
async fn check(request: ScanRequest, replies: Vec<Reply>, expected: Vec<i32>, asked: &[&str]) {
    let script = Script::replies(replies);
    let pages = read(&script, request).await.unwrap();
    assert_eq!(ids(&pages), expected);
    assert_eq!(script.asked(), asked);
    assert_eq!(pages.iter().map(|page| page.number).collect::<Vec<_>>(), (1..=asked.len() as u64).collect::<Vec<_>>());
}

/// Reads until an error; its text, and the rows before it.
async fn check_error(script: &Arc<Script>, request: ScanRequest, expected: &[&str]) -> ErrorKind {
    let results: Vec<_> = scan(script.source(), request).collect().await;
    let (last, before) = results.split_last().unwrap();
    assert!(before.iter().all(Result::is_ok), "the stream goes on after an error");
    let error = last.as_ref().unwrap_err();
    for part in expected {
        assert!(error.to_string().contains(part), "{error} does not say {part}");
    }
    match results.into_iter().next_back() {
        Some(Err(error)) => error.kind,
        _ => unreachable!(),
    }
}

const ALL: &str = "Accounts?$select=Name,ID&$count=true";

#[tokio::test]
async fn one_page() {
    check(v4(), vec![Reply::page([1, 2], None)], vec![1, 2], &[ALL]).await;
    check(v4(), vec![Reply::page([], None)], vec![], &[ALL]).await;
}

#[tokio::test]
async fn follows_next_links_of_every_form() {
    for (link, asked) in [
        ("https://api.test/odata/Accounts?$skiptoken=x", "Accounts?$skiptoken=x"),
        ("Accounts?%24select=Name&%24skiptoken=2", "Accounts?$select=Name&$skiptoken=2"),
        ("/odata/Accounts?$skiptoken=2", "Accounts?$skiptoken=2"),
        ("?$skip=2", "Accounts?$skip=2"),
        ("https://other.test/x", "https://other.test/x"),
    ] {
        check(v4(), vec![Reply::page([1, 2], Some(link)), Reply::page([3], None)], vec![1, 2, 3], &[ALL, asked]).await;
    }
}

#[tokio::test]
async fn empty_pages_and_empty_links() {
    let replies = vec![
        Reply::page([], Some("Accounts?t=1")),
        Reply::page([1], Some("Accounts?t=2")),
        Reply::page([], Some("Accounts?t=3")),
        Reply::page([], Some("")),
    ];
    check(v4(), replies, vec![1], &[ALL, "Accounts?t=1", "Accounts?t=2", "Accounts?t=3"]).await;
}

#[tokio::test]
async fn v2_pages() {
    let request = request(table(ODataVersion::V2));
    let page =
        |id: i32, next: &str| Reply::new(200, format!(r#"{{"d":{{"results":[{{"ID":{id},"Name":"x"}}]{next}}}}}"#));
    let replies = vec![page(1, r#","__next":"https://api.test/odata/Accounts?$skiptoken='1'""#), page(2, "")];
    check(
        request,
        replies,
        vec![1, 2],
        &[&ALL.replace("$count=true", "$inlinecount=allpages"), "Accounts?$skiptoken='1'"],
    )
    .await;
}

#[tokio::test]
async fn asks_no_page_that_nobody_wants() {
    let script = Script::new(|n, _| Reply::page([n as i32], Some(&format!("Accounts?t={n}"))));
    let mut pages = scan(script.source(), v4());
    assert_eq!(script.asked().len(), 0);
    pages.next().await.unwrap().unwrap();
    pages.next().await.unwrap().unwrap();
    assert_eq!(script.asked().len(), 2);
}

#[tokio::test]
async fn top_is_followed_by_skip_when_more_is_wanted() {
    // Each window came full, the last did not.
    let replies = vec![Reply::page(0..2, None), Reply::page(2..1002, None), Reply::page(1002..1005, None)];
    let asked = [
        "Accounts?$select=Name,ID&$top=2",
        "Accounts?$select=Name,ID&$skip=2&$top=1000",
        "Accounts?$select=Name,ID&$skip=1002&$top=4000",
    ];
    check(fetching(2), replies, (0..1005).collect(), &asked).await;
}

#[tokio::test]
async fn top_with_fewer_rows_is_the_end() {
    check(fetching(5), vec![Reply::page(0..4, None)], (0..4).collect(), &["Accounts?$select=Name,ID&$top=5"]).await;
    check(fetching(5), vec![Reply::page([], None)], vec![], &["Accounts?$select=Name,ID&$top=5"]).await;
}

#[tokio::test]
async fn a_service_that_ignores_top_sent_everything() {
    check(fetching(2), vec![Reply::page(0..5, None)], (0..5).collect(), &["Accounts?$select=Name,ID&$top=2"]).await;
}

#[tokio::test]
async fn a_window_may_come_in_pages() {
    let replies = vec![
        Reply::page(0..2, Some("Accounts?$top=3&$skiptoken=a")),
        Reply::page(2..3, None),
        Reply::page(3..4, Some("Accounts?$skiptoken=b")),
        Reply::page([], None),
    ];
    let asked = [
        "Accounts?$select=Name,ID&$top=3",
        "Accounts?$top=3&$skiptoken=a",
        "Accounts?$select=Name,ID&$skip=3&$top=1000",
        "Accounts?$skiptoken=b",
    ];
    check(fetching(3), replies, (0..4).collect(), &asked).await;
}

#[tokio::test]
async fn without_a_window_nothing_but_pages() {
    let mut table = table(ODataVersion::V4);
    table.endpoints[0].window = None;
    let request = ScanRequest { fetch: Some(1), ..request(table) };
    check(request, vec![Reply::page(0..1, None)], vec![0], &["Accounts?$select=Name,ID"]).await;
    check(fetching(0), vec![Reply::page(0..1, None)], vec![0], &["Accounts?$select=Name,ID"]).await;
}

#[tokio::test]
async fn a_table_without_a_key_has_no_window() {
    let mut table = table(ODataVersion::V4);
    table.key.clear();
    table.columns.truncate(2);
    let request = ScanRequest { fetch: Some(2), ..request(table) };
    check(request, vec![Reply::page(0..3, None)], vec![0, 1, 2], &["Accounts?$select=Name,ID"]).await;
}

#[tokio::test]
async fn the_key_is_read_along_and_not_handed_on() {
    let request = ScanRequest { columns: vec![columns::NAME], ..v4() };
    let script = Script::replies([Reply::page([1, 2], None)]);
    let pages = read(&script, request).await.unwrap();
    assert_eq!(script.asked(), [ALL]);
    assert_eq!(pages[0].batch.num_columns(), 1);
    assert_eq!(pages[0].batch.schema().field(0).name(), "name");

    let request = ScanRequest { columns: Vec::new(), ..v4() };
    let script = Script::replies([Reply::page([1, 2], None)]);
    let pages = read(&script, request).await.unwrap();
    assert_eq!(script.asked(), ["Accounts?$select=ID&$count=true"]);
    assert_eq!((pages[0].batch.num_columns(), pages[0].batch.num_rows()), (0, 2));
}

#[tokio::test]
async fn a_url_that_is_too_long_asks_for_whole_rows() {
    let mut table = table(ODataVersion::V4);
    table.endpoints[0].max_url_length = 40;
    check(request(table), vec![Reply::page([1], None)], vec![1], &["Accounts?$count=true"]).await;
}

#[tokio::test]
async fn sends_headers_and_what_the_request_is_for() {
    let script = Script::replies([Reply::page([1], Some("Accounts?t=1")), Reply::page([2], None)]);
    read(&script, v4()).await.unwrap();
    let requests = script.requests();
    for (index, request) in requests.iter().enumerate() {
        assert_eq!(request.headers["accept"], "application/json");
        assert_eq!(request.headers["odata-maxversion"], "4.0");
        assert_eq!(request.operation.purpose, Purpose::Read);
        assert_eq!(request.operation.table.as_deref(), Some("accounts"));
        assert_eq!(&*request.operation.endpoint, "list");
        assert_eq!(request.operation.page, Some(index as u64 + 1));
    }
    let counts = requests[1].operation.statement.counts();
    assert_eq!((counts.pages, counts.rows), (2, 2));
}

#[tokio::test]
async fn a_server_that_does_not_move_on_is_an_error() {
    // The same link for ever.
    let script = Script::new(|_, _| Reply::page([1], Some("Accounts?t=1")));
    let kind = check_error(&script, v4(), &["crm.accounts, page 2", "same row"]).await;
    assert!(matches!(kind, ErrorKind::Loop(_)), "{kind:?}");
    let script = Script::new(|_, _| Reply::page([], Some("Accounts?t=1")));
    check_error(&script, v4(), &["crm.accounts, page 3", "in a circle"]).await;
    assert_eq!(script.asked().len(), 2);
    // The last page for ever, each time under a new token.
    let script = Script::new(|n, _| Reply::page(if n == 1 { 0..3 } else { 3..6 }, Some(&format!("Accounts?t={n}"))));
    check_error(&script, v4(), &["crm.accounts, page 3", "repeats itself"]).await;
    // Nothing, for ever.
    let script = Script::new(|n, _| Reply::page([], Some(&format!("Accounts?t={n}"))));
    check_error(&script, v4(), &["page 1000", "without rows"]).await;
    // `$skip` is ignored.
    let script = Script::new(|n, _| Reply::page(0..if n == 1 { 2 } else { 1000 }, None));
    check_error(&script, fetching(2), &["page 2", "repeats itself"]).await;
}

#[tokio::test]
async fn equal_values_under_other_keys_are_no_loop() {
    let script = Script::new(|n, _| {
        let first = n as i32 * 10;
        let next = format!("Accounts?t={n}");
        Reply::page(first..first + 10, (n < 20).then_some(&next))
    });
    let pages = read(&script, ScanRequest { columns: vec![columns::NAME], ..v4() }).await.unwrap();
    assert_eq!(pages.len(), 20);
}

#[tokio::test]
async fn a_table_without_a_key_reads_whole_rows() {
    let mut table = table(ODataVersion::V4);
    table.key.clear();
    table.columns.truncate(2);
    let row = r#"{"ID":7,"Name":"x"}"#;
    let page = move |n: usize, last: usize| {
        let next = if n < last { format!(r#","@odata.nextLink":"Accounts?t={n}""#) } else { String::new() };
        Reply::new(200, format!(r#"{{"value":[{row}]{next}}}"#))
    };
    let request = ScanRequest { columns: vec![columns::NAME], ..request(table) };
    let script = Script::new(move |n, _| page(n, 50));
    assert_eq!(read(&script, request.clone()).await.unwrap().len(), 50);
    assert_eq!(script.asked()[0], ALL);
    let script = Script::new(move |n, _| page(n, usize::MAX));
    check_error(&script, request, &["page 100", "same rows"]).await;
}

#[tokio::test]
async fn refusals_say_where_and_what() {
    let error = r#"{"error":{"code":"x","message":"Property \"nosuch\"\r\ndoes not exist"}}"#;
    for (status, body, expected) in [
        (400, error, "400 Bad Request: Property \"nosuch\" does not exist"),
        (401, "", "401 Unauthorized: check the credentials of connection crm"),
        (403, r#"{"error":{"message":{"value":"no"}}}"#, "403 Forbidden: no; check the credentials"),
        (500, "<html><title>Oops</title></html>", "500 Internal Server Error: Oops"),
        (503, "", "503 Service Unavailable"),
        (204, "", "204 No Content: a page of rows comes with status 200"),
        (302, "", "302 Found: the redirect cannot be followed"),
        (304, "", "304 Not Modified: it says that nothing has changed, though it was not asked that"),
        (200, "", "the body is empty"),
        (200, "<html><title>Log in</title></html>", "HTML page"),
        (200, r#"{"value":[{"ID":1,"Na"#, "ends in the middle"),
        (200, r#"{"value":[{"ID":1,}]}"#, "not JSON"),
    ] {
        let replies = [Reply::page([1], Some("Accounts?t=1")), Reply::new(status, body)];
        let script = Script::replies(replies);
        let place = "crm.accounts, page 2 (https://api.test/odata/Accounts?t=1)";
        check_error(&script, v4(), &[place, expected]).await;
        assert_eq!(script.asked().len(), 2);
    }
}

#[tokio::test]
async fn a_single_page_that_goes_on_is_an_error() {
    let mut table = table(ODataVersion::V4);
    table.endpoints[0].paging = Paging::Single;
    let script = Script::replies([Reply::page([1], Some("Accounts?t=1"))]);
    check_error(&script, request(table), &["page 1", "declares one page"]).await;
}

#[tokio::test]
async fn cancellation_stops_the_next_call() {
    let script = Script::new(|n, _| Reply::page([n as i32], Some(&format!("Accounts?t={n}"))));
    let source = script.source();
    let statement = Arc::clone(&source.statement);
    let mut pages = scan(source, v4());
    pages.next().await.unwrap().unwrap();
    statement.cancellation().cancel();
    assert!(pages.next().await.unwrap().unwrap_err().is_cancelled());
    assert!(pages.next().await.is_none());
    assert_eq!(script.asked().len(), 1);
}

#[tokio::test]
async fn counts_in_one_call() {
    let filter = Predicate::Compare { column: columns::ID, op: CompareOp::Gt, value: Scalar::Int(5) };
    let request = ScanRequest { filter: Some(filter), ..v4() };
    let script = Script::replies([Reply::new(200, r#"{"@odata.count":20000,"value":[]}"#)]);
    assert_eq!(count(script.source(), request.clone()).await.unwrap(), 20_000);
    assert_eq!(script.asked(), ["Accounts?$filter=ID gt 5&$count=true&$top=0"]);

    let v2 = crate::test_support::request(table(ODataVersion::V2));
    let script = Script::replies([Reply::new(200, r#"{"d":{"__count":"42","results":[]}}"#)]);
    assert_eq!(count(script.source(), v2).await.unwrap(), 42);
    assert_eq!(script.asked(), ["Accounts?$inlinecount=allpages&$top=0"]);

    let script = Script::replies([Reply::new(200, r#"{"value":[]}"#)]);
    let error = count(script.source(), request.clone()).await.unwrap_err().to_string();
    assert!(error.contains("crm.accounts (https://api.test") && error.contains("no count"), "{error}");

    let mut table = table(ODataVersion::V4);
    table.endpoints[0].count = None;
    let error = count(script.source(), crate::test_support::request(table)).await.unwrap_err().to_string();
    assert!(error.contains("does not count"), "{error}");
}

/// A page that tells the total.
fn counted(total: u64, ids: std::ops::Range<i32>, next: Option<&str>) -> Reply {
    let mut reply = Reply::page(ids, next);
    reply.body = reply.body.replacen('{', &format!(r#"{{"@odata.count":{total},"#), 1);
    reply
}

#[tokio::test]
async fn an_empty_last_page_is_not_asked_for() {
    let next = "Accounts?%24skiptoken=";
    let replies = vec![counted(4, 0..2, Some(&format!("{next}2"))), counted(4, 2..4, Some(&format!("{next}4")))];
    check(v4(), replies, (0..4).collect(), &[ALL, "Accounts?$skiptoken=2"]).await;
    // The rows have become more meanwhile.
    let replies = vec![
        counted(4, 0..2, Some(&format!("{next}2"))),
        counted(5, 2..4, Some(&format!("{next}4"))),
        counted(5, 4..5, None),
    ];
    check(v4(), replies, (0..5).collect(), &[ALL, "Accounts?$skiptoken=2", "Accounts?$skiptoken=4"]).await;
    // A token that is no offset proves nothing.
    let replies = vec![counted(2, 0..2, Some("Accounts?$skiptoken=abc")), counted(2, 2..3, None)];
    check(v4(), replies, (0..3).collect(), &[ALL, "Accounts?$skiptoken=abc"]).await;
}

#[tokio::test]
async fn fewer_rows_than_the_server_tells_of_are_an_error() {
    let script = Script::replies([counted(7, 0..2, Some("Accounts?t=1")), counted(7, 2..4, None)]);
    check_error(&script, v4(), &["crm.accounts, page 2", "7 rows match, sent 4"]).await;
}

#[tokio::test]
async fn a_service_that_refuses_to_count_is_read_without() {
    for status in [400, 501] {
        let replies = vec![Reply::new(status, ""), Reply::page(0..2, None)];
        let script = Script::replies(replies);
        let pages = read(&script, v4()).await.unwrap();
        assert_eq!((ids(&pages), pages[0].number), (vec![0, 1], 1));
        assert_eq!(script.asked(), [ALL, "Accounts?$select=Name,ID"]);
    }
    let script = Script::new(|_, _| Reply::new(400, ""));
    check_error(&script, v4(), &["page 1", "400"]).await;
    assert_eq!(script.asked().len(), 2);
}
