//! Rows that the API leaves out at the front.

use tidegate_spec::{Ceiling, End, Endpoint, PageSize, PastEnd, ShortPage, Window};

use super::rest::{endpoint, ids, items, query, request as things};
use super::*;
use crate::can_skip;

fn offset(past: PastEnd) -> Paging {
    Paging::Offset { place: query("offset"), end: End { past, ..End::default() } }
}

fn numbered(short: ShortPage, past: PastEnd) -> Paging {
    Paging::Page { place: query("page"), first: 1, end: End { short, past } }
}

#[tokio::test]
async fn a_page_with_a_number_is_asked_for_directly() {
    let last = || things(endpoint(numbered(ShortPage::Last, PastEnd::Empty)));
    let second = || items(5..9, "");
    // Rows skipped, the answers, the rows that are left, and the pages asked for.
    type Case<'c> = (u64, Vec<Reply>, Vec<i32>, &'c [&'c str]);
    let cases: [Case<'_>; 4] = [
        (4, vec![second(), items(9..10, "")], (5..10).collect(), &["2&limit=4", "3&limit=4"]),
        (6, vec![second(), items(9..10, "")], (7..10).collect(), &["2&limit=4", "3&limit=4"]),
        (2, vec![items(1..4, r#""total": 3"#)], vec![3], &["1&limit=4"]),
        (9, vec![items([], r#""total": 3"#)], vec![], &["3&limit=4"]),
    ];
    for (skip, replies, expected, asked) in cases {
        let script = Script::replies(replies);
        let pages = read(&script, ScanRequest { skip, ..last() }).await.unwrap();
        assert_eq!(ids(&pages), expected, "behind {skip}");
        let asked: Vec<String> = asked.iter().map(|page| format!("items?page={page}")).collect();
        assert_eq!(script.asked(), asked, "behind {skip}");
    }
}

#[tokio::test]
async fn a_page_of_another_size_is_none_that_was_reckoned_with() {
    let request = || ScanRequest { skip: 4, ..things(endpoint(numbered(ShortPage::Last, PastEnd::Empty))) };
    for page in [items(3..5, r#""total": 9"#), items(7..13, "")] {
        check_error(&Script::replies([page]), request(), &["`short: last`"]).await;
    }
}

#[tokio::test]
async fn a_scan_goes_on_behind_what_was_left_out() {
    let script = Script::replies([items(7..11, ""), items(11..13, "")]);
    let request = ScanRequest { skip: 6, ..things(endpoint(offset(PastEnd::Empty))) };
    let pages = read(&script, request).await.unwrap();
    assert_eq!(pages.iter().map(|page| page.batch.num_rows()).sum::<usize>(), 6);
    assert_eq!(script.asked(), ["items?offset=6&limit=4", "items?offset=10&limit=4"]);
}

#[tokio::test]
async fn a_window_begins_behind_it_and_goes_on() {
    let row = |id: i32| format!(r#"{{"ID": {id}, "Name": "a"}}"#);
    let page = |ids: std::ops::Range<i32>| {
        let rows: Vec<String> = ids.map(row).collect();
        Reply::new(200, format!(r#"{{"value": [{}]}}"#, rows.join(",")))
    };
    check(
        ScanRequest { skip: 60, ..fetching(2) },
        vec![page(61..63), page(63..64)],
        vec![61, 62, 63],
        &["Accounts?$select=Name,ID&$skip=60&$top=2", "Accounts?$select=Name,ID&$skip=62&$top=1000"],
    )
    .await;
}

#[tokio::test]
async fn a_total_counts_what_was_left_out() {
    let script = Script::replies([items(7..9, r#""total": 8"#)]);
    let request = ScanRequest { skip: 6, ..things(endpoint(offset(PastEnd::Empty))) };
    assert_eq!(read(&script, request).await.unwrap().len(), 1);
    let missing = Script::replies([items(7..9, r#""total": 9, "more": false"#)]);
    let request = ScanRequest { skip: 6, ..things(endpoint(offset(PastEnd::Empty))) };
    check_error(&missing, request, &["9 rows match"]).await;
}

#[test]
fn only_numbers_of_rows_are_left_to_the_api() {
    let paged = |paging: Paging| things(endpoint(paging));
    let unsized_pages = Endpoint { page_size: None, ..endpoint(numbered(ShortPage::Last, PastEnd::Empty)) };
    let ceiling = Endpoint { ceiling: Some(Ceiling { rows: 9, slice_by: None }), ..endpoint(offset(PastEnd::Empty)) };
    let window = |window, key: bool| {
        let mut table = table(ODataVersion::V4);
        table.endpoints[0].window = window;
        table.key.retain(|_| key);
        request(table)
    };
    let sized = |max| {
        let mut table = table(ODataVersion::V4);
        table.endpoints[0].page_size = Some(PageSize { place: None, max });
        request(table)
    };
    let top_skip = Some(Window::TopSkip);
    let cases = [
        ("offset", paged(offset(PastEnd::Empty)), (3, 2), true),
        ("one page", paged(offset(PastEnd::Empty)), (3, 1), false),
        ("refused past the end", paged(offset(PastEnd::Refused)), (300, 2), false),
        ("repeated past the end", paged(offset(PastEnd::Repeated)), (300, 2), false),
        ("pages that keep to their size", paged(numbered(ShortPage::Last, PastEnd::Empty)), (300, 2), true),
        ("pages that may be cut", paged(numbered(ShortPage::Likely, PastEnd::Empty)), (300, 2), false),
        ("page refused past the end", paged(numbered(ShortPage::Last, PastEnd::Refused)), (300, 2), false),
        ("pages of no size", things(unsized_pages), (300, 2), false),
        ("link", paged(Paging::LinkHeader), (300, 2), false),
        ("ceiling", things(ceiling), (300, 2), false),
        ("window", window(top_skip, true), (49, 2), true),
        ("window, few", window(top_skip, true), (48, 2), false),
        ("window without key", window(top_skip, false), (300, 2), false),
        ("no window", window(None, true), (300, 2), false),
        ("known pages", sized(1_000), (300, 2), false),
        ("known pages, more", sized(1_000), (999, 2), true),
    ];
    for (name, request, (rows, wanted), expected) in cases {
        assert_eq!(can_skip(&request, rows, wanted), expected, "{name}");
    }
}
