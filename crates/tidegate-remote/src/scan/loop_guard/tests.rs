//! What the guard bears and what it does not.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, StringArray};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use http::header::RANGE;
use http::{HeaderMap, HeaderValue, Method};
use url::Url;

use super::{LoopGuard, MAX_EMPTY, MAX_EQUAL};
use crate::ErrorKind;
use crate::render::Outgoing;
use crate::scan::seen::MAX_KEPT;

fn page(ids: &[Option<i32>]) -> RecordBatch {
    let names: StringArray = ids.iter().map(|_| Some("EMEA")).collect();
    let ids: Int32Array = ids.iter().copied().collect();
    RecordBatch::try_from_iter([("region", Arc::new(names) as ArrayRef), ("id", Arc::new(ids) as ArrayRef)]).unwrap()
}

fn keyed() -> LoopGuard {
    LoopGuard::new(vec![1])
}

fn message(result: Result<(), ErrorKind>) -> String {
    match result {
        Err(ErrorKind::Loop(message)) => message,
        other => panic!("expected a loop, got {other:?}"),
    }
}

fn get(url: &str) -> Outgoing {
    Outgoing { method: Method::GET, url: Url::parse(url).unwrap(), headers: HeaderMap::new(), body: Bytes::new() }
}

#[test]
fn a_url_is_asked_for_once() {
    let url = |n: usize| get(&format!("https://u:p@h/Accounts?$skiptoken={n}"));
    let mut guard = keyed();
    guard.asking(&url(1), true).unwrap();
    guard.asking(&url(2), true).unwrap();
    let said = message(guard.asking(&url(1), true));
    assert!(said.contains("next link leads back to https://h/Accounts?$skiptoken=1"), "{said}");
    let said = message(guard.asking(&url(1), false));
    assert!(said.contains("would be asked for as an earlier one was (https://h/"), "{said}");
}

#[test]
fn one_url_may_be_asked_for_several_pages() {
    let mut guard = keyed();
    for n in 0..3_u8 {
        let body = Outgoing { method: Method::POST, body: Bytes::from(vec![n]), ..get("https://h/search") };
        guard.asking(&body, false).unwrap();
        let headers = HeaderMap::from_iter([(RANGE, HeaderValue::from(u64::from(n)))]);
        guard.asking(&Outgoing { headers, ..get("https://h/search") }, false).unwrap();
    }
    let again = Outgoing { method: Method::POST, body: Bytes::from(vec![1]), ..get("https://h/search") };
    message(guard.asking(&again, false));
}

#[test]
fn the_page_before_is_known_again() {
    let keys = |guard: &mut LoopGuard, pages: [&[Option<i32>]; 2]| {
        guard.received(&page(pages[0])).unwrap();
        guard.is_repeated(&page(pages[1])).unwrap()
    };
    for (before, after, by_key, by_rows) in [
        (&[Some(1), Some(2)][..], &[Some(1), Some(2)][..], true, true),
        (&[Some(1), Some(2)], &[Some(1)], true, false),
        (&[Some(1), Some(2)], &[Some(2)], false, false),
        (&[Some(1)], &[], false, false),
        (&[None], &[None], false, true),
    ] {
        assert_eq!(keys(&mut keyed(), [before, after]), by_key, "{before:?} {after:?}");
        assert_eq!(keys(&mut LoopGuard::new(Vec::new()), [before, after]), by_rows, "{before:?} {after:?}");
    }
}

#[test]
fn memory_is_bounded_and_a_circle_is_still_seen() {
    let url = |n: usize| get(&format!("https://h/?{n}"));
    let mut guard = keyed();
    for n in 0..MAX_KEPT + 10 {
        guard.asking(&url(n), true).unwrap();
    }
    assert!(guard.requests.len() <= MAX_KEPT);
    message(guard.asking(&url(MAX_KEPT + 5), true));
}

#[test]
fn equal_rows_with_other_keys_are_no_loop() {
    let mut guard = keyed();
    for n in 0..2000 {
        guard.received(&page(&[Some(n)])).unwrap();
    }
}

#[test]
fn a_page_that_begins_like_an_earlier_one_is_a_loop() {
    let mut guard = keyed();
    guard.received(&page(&[Some(1), Some(2)])).unwrap();
    guard.received(&page(&[Some(3), Some(4)])).unwrap();
    message(guard.received(&page(&[Some(1), Some(2), Some(3)])));
}

#[test]
fn a_key_that_is_null_says_nothing() {
    let mut guard = keyed();
    for _ in 0..3 {
        guard.received(&page(&[None, Some(2)])).unwrap();
    }
}

#[test]
fn empty_pages_are_borne_for_a_while() {
    let mut guard = keyed();
    for _ in 1..MAX_EMPTY {
        guard.received(&page(&[])).unwrap();
    }
    guard.received(&page(&[Some(1)])).unwrap();
    for _ in 1..MAX_EMPTY {
        guard.received(&page(&[])).unwrap();
    }
    message(guard.received(&page(&[])));
}

#[test]
fn without_a_key_equal_pages_are_borne_for_a_while() {
    let mut guard = LoopGuard::new(Vec::new());
    for _ in 1..MAX_EQUAL {
        guard.received(&page(&[Some(1)])).unwrap();
    }
    guard.received(&page(&[Some(2)])).unwrap();
    for _ in 1..MAX_EQUAL {
        guard.received(&page(&[Some(1)])).unwrap();
    }
    message(guard.received(&page(&[Some(1)])));
}
