//! Which endpoint is asked, where several could answer: the one with the fewest expected calls.
//!
//! A pure function over data: no statistics are known here, so that the number of pages is an assumption, the same for
//! all tables. Whether an endpoint can answer at all is decided before.

use tidegate_remote::{CompareOp, Predicate};
use tidegate_spec::{Endpoint, EndpointKind, Paging};

use super::filters::{is_required, parts};

/// Endpoints among the offers that list rows: what all of them must be asked for narrows none of them.
type Lists<'a> = [&'a Endpoint];

/// Pages that a list is taken to have.
const PAGES: u64 = 10;

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

/// The place of the best offer. Among equals one whose answers do not lag behind writes, then one that returns what was
/// asked for and no more, then the first.
pub(super) fn choose(offers: &[Offer<'_>]) -> Option<usize> {
    let lists = lists(offers);
    let cost = |offer: &Offer<'_>| (offer.calls(&lists), offer.endpoint.eventual, !is_by_key(offer.endpoint.kind));
    offers.iter().enumerate().min_by_key(|(_, offer)| cost(offer)).map(|(place, _)| place)
}

/// Calls that the offer at a place is expected to take.
pub(super) fn expected(offers: &[Offer<'_>], place: usize) -> u64 {
    offers.get(place).map_or(0, |offer| offer.calls(&lists(offers)))
}

fn lists<'a>(offers: &[Offer<'a>]) -> Vec<&'a Endpoint> {
    offers.iter().map(|offer| offer.endpoint).filter(|endpoint| !is_by_key(endpoint.kind)).collect()
}

fn is_by_key(kind: EndpointKind) -> bool {
    matches!(kind, EndpointKind::Get | EndpointKind::GetMany)
}

impl Offer<'_> {
    /// Calls that it is expected to take.
    fn calls(&self, lists: &Lists<'_>) -> u64 {
        (self.requests as u64).saturating_mul(self.pages(lists))
    }

    /// Pages of each request: one where that is known, else [`PAGES`], a quarter of them for each equality that is
    /// pushed and half of them for any other condition. Filters that all lists require do not count: what is left of
    /// the table under them is what each of them lists.
    fn pages(&self, lists: &Lists<'_>) -> u64 {
        let endpoint = self.endpoint;
        let is_one = match endpoint.kind {
            EndpointKind::Get | EndpointKind::GetMany => true,
            _ => endpoint.paging == Paging::Single || self.wanted.is_some_and(|wanted| fits_a_page(endpoint, wanted)),
        };
        if is_one {
            return 1;
        }
        let conditions = self.pushed.map(parts).unwrap_or_default();
        let halvings: u32 = conditions.iter().map(|condition| halvings(lists, condition)).sum();
        PAGES.checked_shr(halvings).unwrap_or(0).max(1)
    }
}

fn fits_a_page(endpoint: &Endpoint, wanted: u64) -> bool {
    endpoint.window.is_some() || endpoint.page_size.as_ref().is_some_and(|size| wanted <= size.max)
}

fn halvings(lists: &Lists<'_>, condition: &Predicate) -> u32 {
    let in_all = |column| lists.iter().all(|endpoint| is_required(endpoint, column));
    match condition {
        Predicate::Compare { column, .. } | Predicate::In { column, .. } if in_all(*column) => 0,
        Predicate::Compare { op: CompareOp::Eq, .. } | Predicate::In { negated: false, .. } => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use tidegate_remote::Scalar;
    use tidegate_spec::{ColumnFilter, PageSize};

    use super::*;

    fn endpoint(name: &str, kind: EndpointKind) -> Endpoint {
        let size = PageSize { place: None, max: 50 };
        Endpoint { kind, paging: Paging::LinkHeader, page_size: Some(size), ..Endpoint::new(name, name) }
    }

    fn offer(endpoint: &Endpoint, requests: usize) -> Offer<'_> {
        Offer { endpoint, requests, pushed: None, wanted: None }
    }

    #[track_caller]
    fn check(offers: &[Offer<'_>], expected: &str) {
        let chosen = choose(offers).map(|place| offers[place].endpoint.name.as_str());
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
        assert_eq!(choose(&[]), None);
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

    #[test]
    fn among_equals_what_does_not_lag_and_then_the_first() {
        let first = endpoint("first", EndpointKind::List);
        let second = endpoint("second", EndpointKind::List);
        let search = Endpoint { eventual: true, ..endpoint("search", EndpointKind::Search) };
        check(&[offer(&search, 1), offer(&first, 1), offer(&second, 1)], "first");
        check(&[offer(&search, 1), offer(&first, 2)], "search");
    }
}
