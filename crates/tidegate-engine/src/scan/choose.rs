//! Which endpoint is asked, where several could answer: the one with the fewest expected calls.
//!
//! A pure function over data: what is declared, and what is known of numbers of rows. Where nothing is known of them all
//! tables are taken to be alike. Whether an endpoint can answer at all is decided before.

use std::cmp::Reverse;

use tidegate_remote::Predicate;
use tidegate_spec::{Endpoint, Table};

use super::filters::parts;
use crate::cost::{Known, is_list};

/// Endpoints among the offers that list rows: what all of them must be asked for narrows none of them.
type Lists<'a> = [&'a Endpoint];

/// An endpoint that can answer, and what it would be asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer<'a> {
    pub(super) endpoint: &'a Endpoint,
    /// Requests, each of one or more pages, that it takes.
    pub(super) requests: usize,
    /// What the first of them asks for; the others differ in values alone.
    pub(super) pushed: Option<&'a Predicate>,
    /// Rows wanted, where every row that it returns is one; else `None`.
    pub(super) wanted: Option<u64>,
}

/// The place of the best offer for rows of `table`. Among equals one whose answers do not lag behind writes, then one that
/// returns what was asked for and no more, then the one with the fewest requests, then the one that is asked for
/// the most conditions or sends the fewest rows, then the first.
pub(super) fn choose(offers: &[Offer<'_>], table: &Table, known: &Known) -> Option<usize> {
    let lists = lists(offers);
    let cost = |offer: &Offer<'_>| {
        let rows = known.rows(table, &lists, offer.pushed, None).expected.saturating_mul(offer.requests as u64);
        let asked = offer.pushed.map(parts).map_or(0, <[_]>::len);
        let (calls, lags) = (offer.calls(table, &lists, known), offer.endpoint.eventual);
        (calls, lags, is_list(offer.endpoint), offer.requests, Reverse(asked), rows)
    };
    offers.iter().enumerate().min_by_key(|(_, offer)| cost(offer)).map(|(place, _)| place)
}

/// Calls that the offer at a place is expected to take.
pub(super) fn expected(offers: &[Offer<'_>], place: usize, table: &Table, known: &Known) -> u64 {
    offers.get(place).map_or(0, |offer| offer.calls(table, &lists(offers), known))
}

fn lists<'a>(offers: &[Offer<'a>]) -> Vec<&'a Endpoint> {
    offers.iter().map(|offer| offer.endpoint).filter(|endpoint| is_list(endpoint)).collect()
}

impl Offer<'_> {
    /// Calls that it is expected to take, in each partition.
    fn calls(&self, table: &Table, lists: &Lists<'_>, known: &Known) -> u64 {
        let rows = known.rows(table, lists, self.pushed, None);
        let paged = known.paged(self.endpoint);
        // A service with a window sends no more than is wanted, and by that in one page.
        let of_one = match self.wanted {
            Some(_) if self.endpoint.window.is_some() => 1,
            wanted => paged.calls(&rows, wanted).expected,
        };
        let requests = self.requests as u64;
        match self.wanted {
            // Those behind the one that has enough are not asked.
            Some(wanted) => of_one.saturating_mul(requests.min(wanted.div_ceil(rows.expected.max(1)))),
            None => of_one.saturating_mul(requests),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use tidegate_remote::{CompareOp, Scalar};
    use tidegate_spec::{ColumnFilter, EndpointKind, PageSize, Paging};

    use super::*;
    use crate::cost::{Basis, Seen, TableRows, testing};

    /// A table without a key whose lists have pages of 50 rows: ten of them where nothing is known.
    fn table() -> Table {
        Table { key: Vec::new(), endpoints: vec![endpoint("list", EndpointKind::List)], ..testing::table() }
    }

    fn endpoint(name: &str, kind: EndpointKind) -> Endpoint {
        let size = PageSize { place: None, max: 50 };
        Endpoint { kind, paging: Paging::LinkHeader, page_size: Some(size), ..Endpoint::new(name, name) }
    }

    fn offer(endpoint: &Endpoint, requests: usize) -> Offer<'_> {
        Offer { endpoint, requests, pushed: None, wanted: None }
    }

    #[track_caller]
    fn check(offers: &[Offer<'_>], expected: &str) {
        let chosen = choose(offers, &table(), &Known::nothing()).map(|place| offers[place].endpoint.name.as_str());
        assert_eq!(chosen, Some(expected));
    }

    #[test]
    fn fewest_calls_win() {
        let list = endpoint("list", EndpointKind::List);
        let get = endpoint("get", EndpointKind::Get);
        let many = endpoint("many", EndpointKind::GetMany);
        check(&[offer(&list, 1), offer(&get, 1)], "get");
        check(&[offer(&list, 1), offer(&get, 11)], "list");
        check(&[offer(&list, 1), offer(&get, 40), offer(&many, 1)], "many");
        check(&[Offer { wanted: Some(50), ..offer(&list, 1) }, offer(&get, 2)], "list");
        check(&[Offer { wanted: Some(51), ..offer(&list, 1) }, offer(&get, 2)], "get");
        let single = Endpoint { paging: Paging::Single, ..list.clone() };
        check(&[offer(&single, 1), offer(&get, 2)], "list");
        check(&[offer(&single, 1), offer(&get, 1)], "get");
        assert_eq!(choose(&[], &table(), &Known::nothing()), None);
    }

    #[test]
    fn conditions_make_a_list_shorter() {
        let compare = |column, op| Predicate::Compare { column, op, value: Scalar::Int(1) };
        let (get, list) = (endpoint("get", EndpointKind::Get), endpoint("list", EndpointKind::List));
        let cases = [
            (compare(0, CompareOp::Eq), 3, "list"),
            (compare(0, CompareOp::Eq), 1, "get"),
            (compare(0, CompareOp::Gt), 6, "list"),
            (compare(0, CompareOp::Gt), 4, "get"),
            (Predicate::And(vec![compare(0, CompareOp::Eq), compare(1, CompareOp::Eq)]), 2, "list"),
        ];
        for (pushed, requests, expected) in cases {
            check(&[Offer { pushed: Some(&pushed), ..offer(&list, 1) }, offer(&get, requests)], expected);
        }
        let mut parent = list;
        parent.filters.columns = vec![ColumnFilter { column: 0, operators: Vec::new(), required: true }];
        let pushed = compare(0, CompareOp::Eq);
        check(&[Offer { pushed: Some(&pushed), ..offer(&parent, 1) }, offer(&get, 9)], "get");
    }

    #[test]
    fn a_list_under_a_parent_is_shorter_than_the_list_of_all() {
        let (all, mut under) = (endpoint("all", EndpointKind::List), endpoint("under", EndpointKind::List));
        under.filters.columns = vec![ColumnFilter { column: 0, operators: Vec::new(), required: true }];
        let pushed = Predicate::Compare { column: 0, op: CompareOp::Eq, value: Scalar::Int(1) };
        let parents = |requests| Offer { pushed: Some(&pushed), ..offer(&under, requests) };
        check(&[offer(&all, 1), parents(1)], "under");
        check(&[offer(&all, 1), parents(2)], "under");
        check(&[offer(&all, 1), parents(20)], "all");
    }

    /// So many rows are in the table.
    fn rows(rows: u64) -> Known {
        let at = SystemTime::UNIX_EPOCH;
        let mut known = TableRows::default();
        known.keep("all", "", Seen { rows, basis: Basis::Scan, at });
        Known::new(Arc::new(known), at)
    }

    #[test]
    fn what_is_known_of_a_table_decides() {
        let list = endpoint("list", EndpointKind::List);
        let get = endpoint("get", EndpointKind::Get);
        let many = endpoint("many", EndpointKind::GetMany);
        let search = Endpoint { eventual: true, ..endpoint("search", EndpointKind::Search) };
        let pushed = Predicate::Compare { column: 0, op: CompareOp::Eq, value: Scalar::Int(1) };
        let filtered = Offer { pushed: Some(&pushed), ..offer(&list, 1) };
        let cases: &[(u64, &[Offer<'_>], &str)] = &[
            (20_000, &[offer(&list, 1), offer(&get, 40)], "get"),
            (20_000, &[offer(&list, 1), offer(&get, 401)], "list"),
            (20_000, &[offer(&list, 1), offer(&get, 40), offer(&many, 2)], "many"),
            (30, &[offer(&list, 1), offer(&get, 2)], "list"),
            (30, &[offer(&list, 1), offer(&get, 1)], "get"),
            (0, &[offer(&list, 1), offer(&get, 2)], "list"),
            (20_000, &[filtered, offer(&get, 80)], "get"),
            (20_000, &[filtered, offer(&get, 81)], "list"),
            (20_000, &[offer(&list, 1), offer(&search, 1)], "list"),
            (20_000, &[offer(&list, 2), offer(&search, 1)], "search"),
            (20_000, &[Offer { wanted: Some(60), ..offer(&list, 1) }, offer(&get, 3)], "list"),
        ];
        for (known, offers, expected) in cases {
            let chosen = choose(offers, &table(), &rows(*known)).map(|place| offers[place].endpoint.name.as_str());
            assert_eq!(chosen, Some(*expected), "{known} rows");
        }
    }

    #[test]
    fn among_equals_what_does_not_lag_and_then_the_first() {
        let first = endpoint("first", EndpointKind::List);
        let second = endpoint("second", EndpointKind::List);
        let search = Endpoint { eventual: true, ..endpoint("search", EndpointKind::Search) };
        check(&[offer(&search, 1), offer(&first, 1), offer(&second, 1)], "first");
        check(&[offer(&search, 1), offer(&first, 2)], "search");
    }
}
