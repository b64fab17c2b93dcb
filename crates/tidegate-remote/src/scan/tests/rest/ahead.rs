//! Requests that are under way before their turn: the same ones, the same rows, never one more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt;
use tidegate_spec::{End, Endpoint, PageSize, Paging, Place, ShortPage};
use url::Url;

use super::super::super::scan_ahead;
use super::ceiling::{answer as with_ceiling, search};
use super::{Page, RANK, cursor, exact, ids, items, keyset, offset, page, path, query, read, request};
use crate::test_support::{Reply, Script};
use crate::{Error, ScanRequest};

const MOST: usize = 8;

/// The answer of a list with so many rows, at most `longest` in a page, that has these members.
fn list(rows: i32, longest: i32, members: &str, url: &Url) -> Reply {
    let length = number(url, "limit").unwrap_or(longest).min(longest);
    let page = number(url, "page").map(|page| (page - 1) * length);
    let since = number(url, "since").map(|last| last + 1);
    let first = number(url, "offset").or(number(url, "after")).or(since).or(page).unwrap_or(0);
    let end = (first + length).min(rows).max(first);
    let next = if end < rows { end.to_string() } else { "end".to_owned() };
    items(first..end, &format!(r#"{members}"next":"{next}""#))
}

fn number(url: &Url, name: &str) -> Option<i32> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.parse().unwrap())
}

async fn read_ahead(script: &Arc<Script>, request: ScanRequest) -> Result<Vec<Page>, Error> {
    scan_ahead(script.source(), request, MOST).collect::<Vec<_>>().await.into_iter().collect()
}

/// Reads one page after the other, and ahead: the same rows by the same requests in the same order, of which at most
/// `at_once` were under way.
async fn check(
    what: &str,
    request: ScanRequest,
    answer: impl Fn(usize, &Url) -> Reply + Clone + Send + Sync + 'static,
    at_once: usize,
) {
    let in_turn = Script::new(answer.clone());
    let pages = read(&in_turn, request.clone()).await.unwrap();
    let ahead = Script::taking_turns(answer);
    let found = read_ahead(&ahead, request).await.unwrap();
    assert_eq!(ids(&found), ids(&pages), "{what}");
    assert_eq!(ahead.asked(), in_turn.asked(), "{what}");
    let numbers = |script: &Script| script.requests().iter().map(|request| request.operation.page).collect::<Vec<_>>();
    assert_eq!(numbers(&ahead), numbers(&in_turn), "{what}");
    assert_eq!(ahead.under_way(), (0, at_once), "{what}");
}

#[tokio::test]
async fn pages_of_a_known_total_come_side_by_side() {
    let sized = |endpoint, max| Endpoint { page_size: Some(PageSize { place: Some(query("limit")), max }), ..endpoint };
    let unsized_ = |endpoint| Endpoint { page_size: None, ..endpoint };
    let open = offset(End { short: ShortPage::Open, ..End::default() });
    let cases = [
        ("pages", page(exact()), 4, r#""total":50,"#, MOST),
        ("offsets", offset(exact()), 4, r#""total":50,"#, MOST),
        ("the last is full", page(exact()), 5, r#""total":50,"#, MOST),
        ("cut by the server", sized(offset(End::default()), 100), 5, r#""total":50,"#, MOST),
        ("of unknown length", unsized_(page(exact())), 5, r#""total":50,"#, MOST),
        ("few", page(exact()), 13, r#""total":50,"#, 2),
        ("one", page(exact()), 50, r#""total":50,"#, 1),
        ("more than told", page(exact()), 4, r#""total":30,"#, 6),
        ("no total", page(exact()), 4, "", 1),
        ("begun by what came", open, 4, r#""total":50,"#, 1),
        ("cursors", cursor(None), 4, r#""total":50,"#, 1),
        ("keys", keyset(exact()), 4, r#""total":50,"#, 1),
    ];
    for (what, endpoint, longest, members, at_once) in cases {
        let endpoint = if what == "few" || what == "one" { sized(endpoint, 100) } else { endpoint };
        check(what, request(endpoint), move |_, url: &Url| list(50, longest, members, url), at_once).await;
    }
    // A total that one page lacks tells nothing of what came between.
    let now_and_then = |n: usize, url: &Url| list(50, 4, if n.is_multiple_of(2) { r#""total":50,"# } else { "" }, url);
    check("now and then", request(page(exact())), now_and_then, 1).await;
    let sliced = search(
        Endpoint { page_size: Some(PageSize { place: Some(query("limit")), max: 2 }), ..offset(exact()) },
        Some(RANK),
    );
    let ranks: Vec<i64> = (0..25).collect();
    check("past a ceiling", request(sliced), move |_, url: &Url| with_ceiling(&ranks, true, url), 3).await;
}

#[tokio::test]
async fn numbers_in_a_body_are_foreseen_too() {
    let at = |name: &str| Place::Body(path(name));
    let paging = Paging::Page { place: at("page"), first: 1, end: exact() };
    let size = Some(PageSize { place: Some(at("limit")), max: 4 });
    let (method, body) = (tidegate_spec::Method::Post, Some(serde_json::json!({})));
    let endpoint = Endpoint { method, body, page_size: size, ..super::endpoint(paging) };
    let in_order = AtomicUsize::new(0);
    let script = Script::taking_turns(move |_, _| {
        let page = i32::try_from(in_order.fetch_add(1, Ordering::SeqCst)).unwrap();
        items(page * 4..(page * 4 + 4).min(50), r#""total":50"#)
    });
    assert_eq!(ids(&read_ahead(&script, request(endpoint)).await.unwrap()), (0..50).collect::<Vec<_>>());
    let pages: Vec<_> = script
        .requests()
        .iter()
        .map(|request| serde_json::from_slice::<serde_json::Value>(&request.body).unwrap()["page"].clone())
        .collect();
    assert_eq!(pages, (1..=13).map(serde_json::Value::from).collect::<Vec<_>>());
    assert_eq!(script.under_way(), (0, MOST));
}

/// Reads until so many rows came.
async fn read_some(script: &Arc<Script>, request: ScanRequest, rows: usize) {
    let mut pages = scan_ahead(script.source(), request, MOST);
    let mut came = 0;
    while came < rows {
        came += pages.next().await.unwrap().unwrap().batch.num_rows();
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn nothing_is_asked_for_past_the_rows_that_are_wanted() {
    for (fetch, calls, at_once) in
        [(1, 1, 1), (4, 1, 1), (5, 2, 1), (10, 3, 1), (30, 8, 6), (40, 10, MOST), (41, 11, MOST)]
    {
        for endpoint in [page(exact()), offset(exact()), cursor(None)] {
            let at_once = if matches!(endpoint.paging, Paging::Cursor { .. }) { 1 } else { at_once };
            let script = Script::taking_turns(|_, url| list(1_000, 4, r#""total":1000,"#, url));
            let wanted = ScanRequest { fetch: Some(fetch), ..request(endpoint) };
            read_some(&script, wanted, usize::try_from(fetch).unwrap()).await;
            assert_eq!((script.asked().len(), script.under_way().1), (calls, at_once), "{fetch}");
        }
    }
}

#[tokio::test]
async fn a_reader_that_goes_away_leaves_nothing_under_way() {
    let script = Script::taking_turns(|_, url| list(1_000, 4, r#""total":1000,"#, url));
    read_some(&script, request(page(exact())), 12).await;
    assert_eq!(script.under_way(), (0, MOST));
    assert_eq!(script.asked().len(), 3 + MOST, "no more than were under way");
}

#[tokio::test]
async fn a_failure_comes_in_its_turn_and_ends_the_scan() {
    let script = Script::taking_turns(|_, url| match number(url, "page") {
        Some(6) => Reply::new(500, r#"{"message":"broken"}"#),
        _ => list(1_000, 4, r#""total":1000,"#, url),
    });
    let results: Vec<_> = scan_ahead(script.source(), request(page(exact())), MOST).collect().await;
    assert_eq!(results.len(), 6);
    let error = results[5].as_ref().unwrap_err().to_string();
    assert!(
        error.contains("page 6 (https://api.test/odata/items?page=6&limit=4)") && error.contains("broken"),
        "{error}"
    );
    assert!(script.asked().len() <= 5 + MOST, "{:?}", script.asked());
}

#[tokio::test]
async fn rows_that_come_between_two_answers_are_not_missed() {
    // Row 100 comes in front after page 5 was answered and before page 4 was: 15 is pushed onto page 5.
    let script = Script::taking_turns(|n, url| {
        let shifted = |page: i32| {
            let rows = (page * 4 - 5)..(page * 4 - 1).min(50);
            items(rows, r#""total":51"#)
        };
        match number(url, "page").unwrap() {
            ..=3 => list(50, 4, r#""total":50,"#, url),
            page if page == 5 && n <= 2 + MOST => list(50, 4, r#""total":50,"#, url),
            page => shifted(page),
        }
    });
    let pages = read_ahead(&script, request(page(exact()))).await.unwrap();
    assert_eq!(ids(&pages), (0..50).collect::<Vec<_>>());
    let again = script.asked().iter().filter(|url| url.contains("page=5&")).count();
    assert_eq!(again, 2, "{:?}", script.asked());
    assert_eq!(script.under_way(), (0, MOST));
}
