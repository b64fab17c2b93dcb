//! What is known of the numbers of rows of one table, as it was when a query was planned.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tidegate_remote::{CompareOp, Predicate};
use tidegate_spec::{Endpoint, EndpointKind, Table};

use super::{Basis, Paged, shape};
use crate::scan::is_required;

/// Age up to which what was seen is believed enough to refuse a statement for it.
const RECENT: Duration = Duration::from_secs(24 * 60 * 60);

/// Full pages that a list is taken to have of which nothing is known.
const PAGES: u64 = 10;

/// A number of rows that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) rows: u64,
    pub(crate) basis: Basis,
    pub(crate) at: SystemTime,
}

/// Numbers of rows of a table: by shape, then by partition (empty for none).
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TableRows {
    shapes: HashMap<String, HashMap<String, Seen>>,
}

/// A number of rows that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) expected: u64,
    /// There are surely no more.
    pub(crate) most: Option<u64>,
    pub(crate) basis: Basis,
    /// Whether just these rows were seen lately.
    pub(crate) is_recent: bool,
}

/// What is known of a table. Nothing of it need outlive the plan.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    rows: Arc<TableRows>,
    now: SystemTime,
}

impl Known {
    /// Nothing.
    pub(crate) fn nothing() -> Self {
        Self::new(Arc::default(), SystemTime::UNIX_EPOCH)
    }

    /// These numbers, at this time.
    pub(crate) fn new(rows: Arc<TableRows>, now: SystemTime) -> Self {
        Self { rows, now }
    }

    /// The endpoint with what is known of its pages.
    pub(crate) fn paged<'a>(&self, endpoint: &'a Endpoint) -> Paged<'a> {
        let rows = |shape: &str| self.rows.usual(shape).map(|seen| seen.rows);
        let paged = Paged::new(endpoint, rows(&shape::full_page(endpoint)), rows(&shape::longest_page(endpoint)));
        if rows(shape::ALL).is_some() { paged.of_counted() } else { paged }
    }

    /// Rows that satisfy `filter` in a partition. `lists` are the endpoints that list them: what all of these must be
    /// asked for narrows none of them.
    pub(crate) fn rows(
        &self,
        table: &Table,
        lists: &[&Endpoint],
        filter: Option<&Predicate>,
        partition: Option<&str>,
    ) -> Rows {
        let most = filter.and_then(|filter| of_keys(table, filter));
        let seen = |shape: &str| self.rows.seen(shape, partition);
        if let Some((seen, is_own)) = seen(&shape::exact(table, filter)) {
            return Rows { most, is_recent: is_own && self.is_recent(seen.at), ..seen.into() };
        }
        if let Some(most) = most {
            return Rows { expected: most, most: Some(most), basis: Basis::Exact, is_recent: false };
        }
        let form = filter.and_then(|filter| shape::form(table, filter));
        if let Some((seen, _)) = form.and_then(|form| seen(&form)) {
            return seen.into();
        }
        let parts = filter.map(shape::parts).unwrap_or_default();
        let in_all = |part: &Predicate| {
            equals(part).is_some_and(|column| lists.iter().all(|endpoint| is_required(endpoint, column)))
        };
        let (required, narrowing): (Vec<&Predicate>, Vec<&Predicate>) = parts.iter().partition(|part| in_all(part));
        let base = match required.as_slice() {
            [] => seen(shape::ALL),
            required => {
                let required = Predicate::And(required.iter().map(|part| (*part).clone()).collect());
                shape::form(table, &required).and_then(|form| seen(&form))
            }
        };
        let (all, basis) = base.map_or((default_rows(table), Basis::Default), |(seen, _)| (seen.rows, Basis::Share));
        let expected = narrowing.iter().fold(all, |rows, part| share(rows, part));
        Rows { expected: if all == 0 { 0 } else { expected.max(1) }, most: None, basis, is_recent: false }
    }

    /// Rows that so many of the keys have of which the filter asks for some, if such were asked for before.
    pub(crate) fn rows_of_keys(&self, table: &Table, filter: &Predicate, keys: u64) -> Option<u64> {
        let (shape, _) = shape::of_keys(table, filter)?;
        let seen = self.rows.usual(&shape)?;
        Some(u128::from(seen.rows).saturating_mul(u128::from(keys)).div_ceil(u128::from(shape::KEYS)))
            .map(|rows| u64::try_from(rows).unwrap_or(u64::MAX))
    }

    fn is_recent(&self, at: SystemTime) -> bool {
        self.now.duration_since(at).is_ok_and(|age| age <= RECENT)
    }
}

impl From<Seen> for Rows {
    fn from(seen: Seen) -> Self {
        Self { expected: seen.rows, most: None, basis: seen.basis, is_recent: false }
    }
}

impl TableRows {
    /// Keeps a number. Of two of one moment the one that is better founded stays.
    pub(crate) fn keep(&mut self, shape: &str, partition: &str, seen: Seen) {
        let of = self.shapes.entry(shape.to_owned()).or_default();
        let is_better = of.get(partition).is_none_or(|old| (old.at, seen.basis) <= (seen.at, old.basis));
        if is_better {
            of.insert(partition.to_owned(), seen);
        }
    }

    /// Forgets the shape that was seen longest ago where there are more than `most`.
    pub(crate) fn keep_within(&mut self, most: usize) {
        while self.shapes.len() > most {
            let newest = |of: &HashMap<String, Seen>| of.values().map(|seen| seen.at).max();
            let oldest = self.shapes.iter().min_by_key(|(_, of)| newest(of)).map(|(shape, _)| shape.clone());
            let Some(oldest) = oldest else { return };
            self.shapes.remove(&oldest);
        }
    }

    /// What was seen of a shape in the partition, else in the others on average, and whether it was just there.
    pub(crate) fn seen(&self, shape: &str, partition: Option<&str>) -> Option<(Seen, bool)> {
        let own = self.shapes.get(shape)?.get(partition.unwrap_or_default());
        own.map(|seen| (*seen, true)).or_else(|| Some((self.usual(shape)?, false)))
    }

    /// The average over partitions.
    fn usual(&self, shape: &str) -> Option<Seen> {
        let of = self.shapes.get(shape)?;
        let sum = of.values().fold(0_u64, |sum, seen| sum.saturating_add(seen.rows));
        let newest = of.values().max_by_key(|seen| seen.at)?;
        Some(Seen { rows: sum.div_ceil(of.len() as u64), ..*newest })
    }
}

/// Rows of a table of which nothing is known. The same for all of its endpoints, so that these can be compared. The last
/// page is half full: whether a further one is asked for is left out.
fn default_rows(table: &Table) -> u64 {
    let lists = table.endpoints.iter().filter(|endpoint| is_list(endpoint));
    let page = lists.map(|endpoint| Paged::new(endpoint, None, None).size).max();
    let page = page.unwrap_or(1);
    page.saturating_mul(PAGES) - page / 2
}

/// Whether it lists rows, rather than finding them by their keys.
pub(crate) fn is_list(endpoint: &Endpoint) -> bool {
    !matches!(endpoint.kind, EndpointKind::Get | EndpointKind::GetMany)
}

/// What of so many rows satisfies a condition: a fifth for each equality, half for any other.
fn share(rows: u64, condition: &Predicate) -> u64 {
    match condition {
        Predicate::Compare { op: CompareOp::Eq, .. } => rows / 5,
        Predicate::In { values, negated: false, .. } => (rows / 5).saturating_mul(values.len() as u64).min(rows),
        _ => rows / 2,
    }
}

fn equals(part: &Predicate) -> Option<usize> {
    match part {
        Predicate::Compare { column, op: CompareOp::Eq, .. } | Predicate::In { column, negated: false, .. } => {
            Some(*column)
        }
        _ => None,
    }
}

/// Rows that the values of the whole key leave.
fn of_keys(table: &Table, filter: &Predicate) -> Option<u64> {
    let values = |key: &usize| {
        shape::parts(filter).iter().find_map(|part| match part {
            Predicate::Compare { column, op: CompareOp::Eq, .. } if column == key => Some(1),
            Predicate::In { column, values, negated: false } if column == key => Some(values.len() as u64),
            _ => None,
        })
    };
    if table.key.is_empty() {
        return None;
    }
    table.key.iter().map(values).try_fold(1_u64, |product, values| Some(product.saturating_mul(values?)))
}

#[cfg(test)]
mod tests {
    use tidegate_remote::Scalar;

    use super::*;
    use crate::cost::testing::table;

    const DAY: u64 = 24 * 60 * 60;

    fn equals(column: usize, value: i64) -> Predicate {
        Predicate::Compare { column, op: CompareOp::Eq, value: Scalar::Int(value) }
    }

    fn list(column: usize, values: i64) -> Predicate {
        Predicate::In { column, values: (0..values).map(Scalar::Int).collect(), negated: false }
    }

    fn above(column: usize) -> Predicate {
        Predicate::Compare { column, op: CompareOp::Gt, value: Scalar::Int(1) }
    }

    /// What was seen a day after 1970, and what is known so many seconds later.
    fn known(seen: &[(String, &str, u64)], later: u64) -> Known {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(DAY);
        let mut rows = TableRows::default();
        for (shape, partition, number) in seen {
            rows.keep(shape, partition, Seen { rows: *number, basis: Basis::Scan, at });
        }
        Known::new(Arc::new(rows), at + Duration::from_secs(later))
    }

    /// What was seen, what is asked for, how many rows are expected, and why.
    type Case<'a> = (Vec<(String, &'a str, u64)>, Option<Predicate>, u64, Basis);

    #[test]
    fn the_best_that_is_known_is_taken() {
        let table = table();
        let exact = |filter: &Predicate| shape::exact(&table, Some(filter));
        let all = |rows| (shape::ALL.to_owned(), "", rows);
        let owner = |rows| ("~ owner =".to_owned(), "", rows);
        let both = Predicate::And(vec![equals(1, 7), above(2)]);
        let cases: Vec<Case<'_>> = vec![
            (vec![], None, 950, Basis::Default),
            (vec![], Some(equals(1, 7)), 190, Basis::Default),
            (vec![], Some(above(2)), 475, Basis::Default),
            (vec![], Some(equals(0, 7)), 1, Basis::Exact),
            (vec![], Some(list(0, 40)), 40, Basis::Exact),
            (vec![all(20_000)], None, 20_000, Basis::Scan),
            (vec![all(20_000)], Some(equals(1, 7)), 4_000, Basis::Share),
            (vec![all(20_000)], Some(list(1, 3)), 12_000, Basis::Share),
            (vec![all(20_000)], Some(both.clone()), 2_000, Basis::Share),
            (vec![all(20_000), owner(30)], Some(equals(1, 7)), 30, Basis::Scan),
            (vec![all(20_000), (exact(&both), "", 3)], Some(both), 3, Basis::Scan),
            (vec![all(20_000), (exact(&list(0, 40)), "", 38)], Some(list(0, 40)), 38, Basis::Scan),
            (vec![all(0)], Some(equals(1, 7)), 0, Basis::Share),
            (vec![all(2)], Some(equals(1, 7)), 1, Basis::Share),
        ];
        for (seen, filter, expected, basis) in cases {
            let rows = known(&seen, 0).rows(&table, &[&table.endpoints[0]], filter.as_ref(), None);
            assert_eq!((rows.expected, rows.basis), (expected, basis), "{filter:?} {seen:?}");
        }
    }

    #[test]
    fn only_what_was_seen_lately_in_the_partition_itself_is_believed() {
        let table = table();
        let seen = [(shape::ALL.to_owned(), "1", 10), (shape::ALL.to_owned(), "2", 30)];
        for (partition, later, expected, is_recent) in
            [("1", 0, 10, true), ("1", DAY, 10, true), ("1", DAY + 1, 10, false), ("3", 0, 20, false)]
        {
            let rows = known(&seen, later).rows(&table, &[], None, Some(partition));
            assert_eq!((rows.expected, rows.is_recent), (expected, is_recent), "{partition} {later}");
        }
    }

    #[test]
    fn the_oldest_shapes_are_forgotten() {
        let mut rows = TableRows::default();
        for number in 0..10_u64 {
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(number);
            rows.keep(&number.to_string(), "", Seen { rows: number, basis: Basis::Scan, at });
        }
        rows.keep_within(3);
        let left: Vec<bool> = (0..10).map(|number: u64| rows.seen(&number.to_string(), None).is_some()).collect();
        assert_eq!(left.iter().filter(|left| **left).count(), 3);
        assert!(left[7..].iter().all(|left| *left), "{left:?}");
    }
}
