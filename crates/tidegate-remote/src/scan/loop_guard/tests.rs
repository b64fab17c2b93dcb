//! What the guard bears and what it does not.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, StringArray};
use arrow::record_batch::RecordBatch;
use url::Url;

use super::{LoopGuard, MAX_EMPTY, MAX_EQUAL, MAX_KEPT};
use crate::ErrorKind;

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

#[test]
fn a_url_is_asked_for_once() {
    let url = |n: usize| Url::parse(&format!("https://u:p@h/Accounts?$skiptoken={n}")).unwrap();
    let mut guard = keyed();
    guard.asking(&url(1)).unwrap();
    guard.asking(&url(2)).unwrap();
    let message = message(guard.asking(&url(1)));
    assert!(message.contains("https://h/Accounts?$skiptoken=1"), "{message}");
}

#[test]
fn memory_is_bounded_and_a_circle_is_still_seen() {
    let url = |n: usize| Url::parse(&format!("https://h/?{n}")).unwrap();
    let mut guard = keyed();
    for n in 0..MAX_KEPT + 10 {
        guard.asking(&url(n)).unwrap();
    }
    assert!(guard.urls.len() <= MAX_KEPT);
    message(guard.asking(&url(MAX_KEPT + 5)));
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
