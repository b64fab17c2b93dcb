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
    let Segment { request, nulls, keys, partition } = segment;
    let condition = Predicate::In { column: list.column, values: values.to_vec(), negated: false };
    let exact = push_filter(&request.table, request.endpoint, &condition).exact;
    let mut filter = request.filter.as_ref().map_or_else(Vec::new, |filter| parts(filter).to_vec());
    if let Some(part) = filter.get_mut(list.part) {
        *part = condition;
    }
    let mut keys: Vec<Key> = keys.iter().filter(|key| key.column != list.place).cloned().collect();
    keys.push(Key { column: list.place, values: values.to_vec(), exact });
    let request = ScanRequest { filter: all(filter), ..request.clone() };
    Segment { request, nulls: *nulls, keys, partition: partition.clone() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_remote::BadValue;
    use tidegate_spec::{Endpoint, Table, Writes};

    use super::*;

    fn list_of(column: usize, values: i64) -> Predicate {
        Predicate::In { column, values: (0..values).map(Scalar::Int).collect(), negated: false }
    }

    fn segment(columns: Vec<usize>, filter: Vec<Predicate>) -> Segment {
        let table = Table {
            name: "t".to_owned(),
            api_name: "t".to_owned(),
            description: None,
            columns: Vec::new(),
            key: Vec::new(),
            details: Vec::new(),
            endpoints: vec![Endpoint::new("list", "t")],
            writes: Writes::default(),
        };
        let request = ScanRequest {
            table: Arc::new(table),
            endpoint: 0,
            columns,
            filter: all(filter),
            sort: Vec::new(),
            skip: 0,
            fetch: None,
            on_bad_value: BadValue::Fail,
        };
        Segment { request, nulls: None, keys: Vec::new(), partition: None }
    }

    /// Columns that are read, lengths of the lists of columns 0 and 1, most values; the column, and its parts.
    type Case = (&'static [usize], [i64; 2], usize, Option<(usize, &'static [usize])>);

    #[test]
    fn the_longest_list_that_is_read_is_divided_evenly() {
        let cases: &[Case] = &[
            (&[0, 1], [10, 3], 5, Some((0, &[5, 5]))),
            (&[0, 1], [10, 3], 4, Some((0, &[4, 4, 2]))),
            (&[0, 1], [2, 7], 6, Some((1, &[4, 3]))),
            (&[1], [10, 3], 2, Some((1, &[2, 1]))),
            (&[0, 1], [2, 1], 1, Some((0, &[1, 1]))),
            (&[0, 1], [2, 1], 0, Some((0, &[1, 1]))),
            (&[0, 1], [1, 1], 1, None),
            (&[], [10, 3], 5, None),
        ];
        for &(columns, [first, second], most, expected) in cases {
            let whole = segment(columns.to_vec(), vec![list_of(0, first), list_of(1, second)]);
            let list = longest(&whole);
            assert_eq!(
                list.map(|list| list.column),
                expected.map(|(column, _)| column),
                "{columns:?} {first} {second}"
            );
            let (Some(list), Some((column, lengths))) = (list, expected) else { continue };
            let parts = divided(&whole, list, most);
            let keys: Vec<&Key> = parts.iter().flat_map(|part| &part.keys).collect();
            assert_eq!(keys.iter().map(|key| key.values.len()).collect::<Vec<_>>(), lengths);
            let values: Vec<Scalar> = keys.iter().flat_map(|key| key.values.clone()).collect();
            assert_eq!(list_of(column, [first, second][column]), Predicate::In { column, values, negated: false });
            for part in &parts {
                assert!(is_divided(part, list) && !is_divided(&whole, list));
                let sent = part.request.filter.as_ref().map_or(&[][..], super::parts);
                let of_keys = part.keys[0].values.clone();
                assert_eq!(sent[column], Predicate::In { column, values: of_keys, negated: false });
                assert_eq!(sent.len(), 2);
            }
        }
    }
}
