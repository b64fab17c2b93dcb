//! Requests with a list of values that a server refuses: the list is divided, and its parts are asked for.
//!
//! How long a URL or a list may be is not always declared, or declared wrongly. A list of n values takes at most 2n
//! requests until each value was asked for alone; a refusal of a single value is the error.

use tidegate_remote::pushdown::push_filter;
use tidegate_remote::{Error, ErrorKind, Predicate, Scalar, ScanRequest};

use super::filters::{all, parts};
use super::keys::Key;
use super::order::Segment;

/// Whether the server may have refused the request for the length of its list. `is_made_here` is whether the list was
/// put together here, out of the keys of a join or the parts of a longer one: a bad request may be about nothing else
/// then, while a list that the user has written may be wrong in another way.
pub(super) fn is_refusal(error: &Error, is_made_here: bool) -> bool {
    let ErrorKind::Status { status, .. } = &error.kind else { return false };
    let may_be_its_length = match status.as_u16() {
        413 | 414 | 431 => true,
        400 => is_made_here,
        _ => false,
    };
    // Rows of a page before were handed on already.
    may_be_its_length && error.place.page == Some(1)
}

/// A list of values that a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct List {
    /// Which of the filter's parts.
    part: usize,
    /// Column of the table.
    pub(super) column: usize,
    /// Its place among the fetched columns.
    place: usize,
    /// Number of values.
    pub(super) values: usize,
}

/// The longest list of the request that can be divided: rows of each part have to be told from the others'.
pub(super) fn longest(segment: &Segment) -> Option<List> {
    let request = &segment.request;
    let list = |(part, predicate): (usize, &Predicate)| {
        let Predicate::In { column, values, negated: false } = predicate else { return None };
        let place = request.columns.iter().position(|have| have == column)?;
        (values.len() > 1).then_some(List { part, column: *column, place, values: values.len() })
    };
    parts(request.filter.as_ref()?).iter().enumerate().filter_map(list).max_by_key(|list| list.values)
}

/// Whether the list is a part of a longer one.
pub(super) fn is_divided(segment: &Segment, list: List) -> bool {
    segment.keys.iter().any(|key| key.column == list.place)
}

/// The requests that stand for this one, each with at most `most` values of the list, and all with about as many.
pub(super) fn divided(segment: &Segment, list: List, most: usize) -> Vec<Segment> {
    let filter = segment.request.filter.as_ref();
    let Some(Predicate::In { values, .. }) = filter.and_then(|filter| parts(filter).get(list.part)) else {
        return vec![segment.clone()];
    };
    let parts = values.len().div_ceil(most.max(1)).max(1);
    values.chunks(values.len().div_ceil(parts).max(1)).map(|values| with_values(segment, list, values)).collect()
}

fn with_values(segment: &Segment, list: List, values: &[Scalar]) -> Segment {
    let Segment { request, nulls, keys } = segment;
    let condition = Predicate::In { column: list.column, values: values.to_vec(), negated: false };
    let exact = push_filter(&request.table, request.endpoint, &condition).exact;
    let mut filter = request.filter.as_ref().map_or_else(Vec::new, |filter| parts(filter).to_vec());
    if let Some(part) = filter.get_mut(list.part) {
        *part = condition;
    }
    let mut keys: Vec<Key> = keys.iter().filter(|key| key.column != list.place).cloned().collect();
    keys.push(Key { column: list.place, values: values.to_vec(), exact });
    let request = ScanRequest { filter: all(filter), ..request.clone() };
    Segment { request, nulls: *nulls, keys }
}
