//! How many calls so many rows of an endpoint take.

use tidegate_spec::{Count, Endpoint, EndpointKind, Paging, ShortPage};

use super::{Estimate, Rows};

/// Rows of a page of which nothing is known.
const PAGE: u64 = 100;

/// The same where the rows were counted: common services return from 60 to 5,000 at once, and this is the middle by
/// ratio, which is wrong by the same factor at both ends.
const COUNTED_PAGE: u64 = 500;

/// An endpoint with what is known of its pages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paged<'a> {
    pub(crate) endpoint: &'a Endpoint,
    /// Rows of a full page.
    pub(crate) size: u64,
    /// Whether that was seen, or is declared.
    pub(crate) is_known: bool,
}

impl<'a> Paged<'a> {
    /// The endpoint: pages seen to be full tell their size; else what is declared; else what is usual, unless a longer one
    /// was seen.
    pub(crate) fn new(endpoint: &'a Endpoint, full: Option<u64>, longest: Option<u64>) -> Self {
        let declared = endpoint.page_size.as_ref().map(|size| size.max);
        let size = full.or(declared).unwrap_or_else(|| longest.unwrap_or(0).max(PAGE));
        Self { endpoint, size: size.max(1), is_known: full.or(declared).is_some() }
    }

    /// The same for a table of which it is known how many rows it has.
    pub(crate) fn of_counted(self) -> Self {
        if self.is_known { self } else { Self { size: self.size.max(COUNTED_PAGE), ..self } }
    }

    /// Whether each request is one call.
    pub(crate) fn is_one_call(&self) -> bool {
        let by_key = matches!(self.endpoint.kind, EndpointKind::Get | EndpointKind::GetMany);
        by_key || self.endpoint.paging == Paging::Single
    }

    /// Calls of one request of which `wanted` rows are read where there are so many, or all where `None`.
    pub(crate) fn calls(&self, rows: &Rows, wanted: Option<u64>) -> Estimate {
        if self.is_one_call() {
            return Estimate::exact(1);
        }
        let of = |rows: u64| match wanted {
            Some(wanted) if wanted <= rows => wanted.div_ceil(self.size).max(1),
            _ => self.until_end(rows),
        };
        let expected = of(rows.expected);
        // Servers may cut their pages down; how far is not known.
        let high = rows.most.map_or(u64::MAX, |most| most.saturating_add(1)).max(expected);
        Estimate { low: 1, expected, high }
    }

    /// Calls until it is known that there are no more rows.
    fn until_end(&self, rows: u64) -> u64 {
        let pages = rows.div_ceil(self.size).max(1);
        let (short, may_count) = match &self.endpoint.paging {
            Paging::Page { end, .. } | Paging::Offset { end, .. } => (end.short, true),
            Paging::Keyset { end, .. } => (end.short, false),
            _ => return pages,
        };
        let is_told =
            !self.endpoint.envelope.more.is_empty() || (may_count && self.endpoint.count == Some(Count::Told));
        let is_full = rows.is_multiple_of(self.size);
        let asks_size = self.endpoint.page_size.is_some();
        let is_open = match short {
            _ if is_told || rows == 0 => false,
            ShortPage::Open => true,
            ShortPage::Last => is_full || (!asks_size && rows < self.size),
            // A first page that is short proves nothing.
            ShortPage::Likely => is_full || rows < self.size,
        };
        pages + u64::from(is_open)
    }
}

#[cfg(test)]
mod tests {
    use tidegate_spec::{End, PageSize, PastEnd, Place};

    use super::*;
    use crate::cost::Basis;

    fn end(short: ShortPage) -> End {
        End { short, past: PastEnd::Empty }
    }

    /// Paging, rows, rows wanted, calls.
    type Case = (Paging, u64, Option<u64>, u64);

    #[test]
    fn calls_follow_from_rows_and_page() {
        use ShortPage::{Last, Likely, Open};
        let place = || Place::Query("p".to_owned());
        let page = |short| Paging::Page { place: place(), first: 1, end: end(short) };
        let offset = |short| Paging::Offset { place: place(), end: end(short) };
        let cases: Vec<Case> = vec![
            (Paging::Single, 1_000, None, 1),
            (Paging::LinkHeader, 0, None, 1),
            (Paging::LinkHeader, 100, None, 1),
            (Paging::LinkHeader, 101, None, 2),
            (Paging::NextUrl, 1_000, Some(5), 1),
            (Paging::NextUrl, 1_000, Some(101), 2),
            (Paging::NextUrl, 150, Some(1_000), 2),
            (page(Last), 150, None, 2),
            (page(Last), 200, None, 3),
            (page(Likely), 150, None, 2),
            (page(Likely), 50, None, 2),
            (page(Open), 150, None, 3),
            (offset(Open), 0, None, 1),
            (offset(Likely), 1_000, Some(100), 1),
        ];
        for (paging, rows, wanted, expected) in cases {
            let size = PageSize { place: Some(place()), max: 100 };
            let endpoint = Endpoint { paging: paging.clone(), page_size: Some(size), ..Endpoint::new("list", "x") };
            let known = Rows { expected: rows, most: None, basis: Basis::Scan, is_recent: true };
            let calls = Paged::new(&endpoint, None, None).calls(&known, wanted).expected;
            assert_eq!(calls, expected, "{paging:?} {rows} {wanted:?}");
        }
    }

    #[test]
    fn a_page_is_as_long_as_it_was_seen_to_be() {
        let plain = Endpoint { paging: Paging::NextUrl, ..Endpoint::new("list", "x") };
        let size = PageSize { place: None, max: 50 };
        let declared = Endpoint { page_size: Some(size), ..plain.clone() };
        let cases = [
            (&plain, None, None, PAGE, COUNTED_PAGE),
            (&plain, Some(20), Some(20), 20, 20),
            (&plain, None, Some(3), PAGE, COUNTED_PAGE),
            (&plain, None, Some(1_000), 1_000, 1_000),
            (&declared, None, Some(7), 50, 50),
            (&declared, Some(20), Some(20), 20, 20),
        ];
        for (endpoint, full, longest, expected, counted) in cases {
            let paged = Paged::new(endpoint, full, longest);
            assert_eq!((paged.size, paged.of_counted().size), (expected, counted), "{full:?} {longest:?}");
            assert_eq!(paged.is_known, full.is_some() || endpoint.page_size.is_some(), "{full:?} {longest:?}");
        }
    }

    #[test]
    fn rows_that_are_bounded_bound_the_calls() {
        let endpoint = Endpoint { paging: Paging::NextUrl, ..Endpoint::new("list", "x") };
        let rows = Rows { expected: 1, most: Some(1), basis: Basis::Exact, is_recent: false };
        let calls = Paged::new(&endpoint, None, None).calls(&rows, None);
        assert_eq!(calls, Estimate { low: 1, expected: 1, high: 2 });
    }
}
