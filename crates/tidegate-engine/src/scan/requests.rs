//! The requests that a scan is made of, where its filter has to be asked for value by value.

use tidegate_remote::pushdown::{Alternative, push_filter};
use tidegate_remote::{CompareOp, Predicate, Scalar, ScanRequest};

use super::filters::{all, parts};
use super::keys::Key;
use super::order::Segment;
use crate::pushdown::in_list;

/// The filter that the alternatives stand for together, as it is shown: they differ in the values of their keys.
pub(super) fn together(alternatives: &[Alternative]) -> Option<Predicate> {
    let first = alternatives.first()?.pushed.predicate.as_ref()?;
    let widened = parts(first).iter().map(|part| match valued(part).filter(|_| alternatives.len() > 1) {
        Some(column) => match union(alternatives, column) {
            values if values.is_empty() => part.clone(),
            values => in_list(column, values, false),
        },
        None => part.clone(),
    });
    all(widened.collect())
}

/// The column of `column = value` and `column IN (…)`.
fn valued(part: &Predicate) -> Option<usize> {
    match part {
        Predicate::Compare { column, op: CompareOp::Eq, .. } | Predicate::In { column, negated: false, .. } => {
            Some(*column)
        }
        _ => None,
    }
}

/// Values of a key over all alternatives, each once, in their order.
fn union(alternatives: &[Alternative], column: usize) -> Vec<Scalar> {
    let mut values: Vec<Scalar> = Vec::new();
    for (_, more) in alternatives.iter().flat_map(|alternative| &alternative.keys).filter(|(key, _)| *key == column) {
        for value in more {
            if !values.contains(value) {
                values.push(value.clone());
            }
        }
    }
    values
}

/// A request for each alternative. Keys that are the same in all of them are checked with the filters.
pub(super) fn requests(common: &ScanRequest, alternatives: &[Alternative]) -> Vec<Segment> {
    let varies = |(column, values): &(usize, Vec<Scalar>)| {
        alternatives.iter().any(|other| !other.keys.iter().any(|(key, same)| key == column && same == values))
    };
    let segment = |alternative: &Alternative| {
        let keys = alternative.keys.iter().filter(|key| varies(key));
        keyed(common, alternative, keys.filter_map(|values| key(common, values)).collect(), None)
    };
    alternatives.iter().map(segment).collect()
}

/// The request of an alternative, for the rows with these keys, in the partition with this code or in all that are read.
pub(super) fn keyed(
    common: &ScanRequest,
    alternative: &Alternative,
    keys: Vec<Key>,
    partition: Option<String>,
) -> Segment {
    let request = ScanRequest { filter: alternative.pushed.predicate.clone(), ..common.clone() };
    Segment { request, nulls: None, keys, partition }
}

/// The check that rows have these values; `None` for a column that is not fetched.
pub(super) fn key(common: &ScanRequest, (column, values): &(usize, Vec<Scalar>)) -> Option<Key> {
    let place = common.columns.iter().position(|have| have == column)?;
    let condition = in_list(*column, values.clone(), false);
    let exact = push_filter(&common.table, common.endpoint, &condition).exact;
    Some(Key { column: place, values: values.clone(), exact })
}
