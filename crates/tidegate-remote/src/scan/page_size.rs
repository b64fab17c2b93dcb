//! How many rows a page is asked to have, and whether a page was the last by how many it has.

use tidegate_spec::{Endpoint, EndpointKind, Paging, Place, ShortPage};

/// Fewest rows asked for where few are wanted: a call costs more than rows.
const FEWEST: u64 = 20;

/// The page sizes of one sequence of requests.
#[derive(Debug, Clone)]
pub(super) struct PageSizes {
    place: Option<Place>,
    first: u64,
    later: u64,
}

impl PageSizes {
    /// The sizes for a scan of which `fetch` rows are wanted at first, behind `skip` others; `None` when nothing is known
    /// of pages.
    pub(super) fn new(endpoint: &Endpoint, fetch: Option<u64>, skip: u64) -> Option<Self> {
        let declared = endpoint.page_size.as_ref().filter(|_| endpoint.kind != EndpointKind::Get)?;
        let max = declared.max.max(1);
        let few = fetch.filter(|_| declared.place.is_some()).map_or(max, |rows| rows.max(FEWEST).min(max));
        let (first, later) = match &endpoint.paging {
            // There is no second page that could have the rest.
            Paging::Single => (max, max),
            // Pages of another size would begin at other rows.
            Paging::Page { .. } => {
                let size = fetch.map_or(few, |rows| of_fewest_pages(skip, rows, few, max));
                (size, size)
            }
            _ => (few, max),
        };
        Some(Self { place: declared.place.clone(), first, later })
    }

    /// Rows of the first page or of a later one.
    pub(super) fn rows(&self, is_first: bool) -> u64 {
        if is_first { self.first } else { self.later }
    }

    /// How a size is written; `None` when it cannot be chosen.
    pub(super) fn written(&self, rows: u64) -> Option<(Place, String)> {
        Some((self.place.clone()?, rows.to_string()))
    }

    /// Whether the size can be chosen.
    pub(super) fn is_chosen(&self) -> bool {
        self.place.is_some()
    }
}

/// The smallest page size from `least` to `most` whose pages have `rows` rows behind `skip` others on as few as can be.
fn of_fewest_pages(skip: u64, rows: u64, least: u64, most: u64) -> u64 {
    let pages = |size: &u64| (skip % size).saturating_add(rows).div_ceil(*size);
    (least..=most).min_by_key(pages).unwrap_or(least)
}

/// How long the pages of a sequence were.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lengths {
    longest: u64,
}

impl Lengths {
    /// Takes a page with `rows` rows, at least one, that was asked to have `asked`, and tells whether it was the last.
    ///
    /// A server may have a smaller greatest page than it is declared to, and cut pages down to it in silence. A page
    /// before that was longer proves that it did not cut this one; nothing else does.
    pub(super) fn is_last(&mut self, rows: u64, asked: Option<u64>, short: ShortPage) -> bool {
        let before = self.longest;
        self.longest = before.max(rows);
        if short == ShortPage::Open || asked.is_some_and(|asked| rows >= asked) {
            return false;
        }
        if rows < before {
            return true;
        }
        match (asked, short) {
            // Of what length a full page is, only the next page can tell.
            (None, _) => false,
            (Some(_), ShortPage::Last) => true,
            (Some(_), _) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_spec::PageSize;

    use super::*;

    #[test]
    fn pages_are_as_long_as_they_are_wanted() {
        let page = |place: bool| Place::Query(if place { "page" } else { "offset" }.to_owned());
        let styles = [
            ("single", Paging::Single),
            ("page", Paging::Page { place: page(true), first: 1, end: Default::default() }),
            ("offset", Paging::Offset { place: page(false), end: Default::default() }),
            ("link", Paging::LinkHeader),
        ];
        let cases = [
            ("single", Some(5), 100, (100, 100)),
            ("page", None, 100, (100, 100)),
            ("page", Some(5), 100, (20, 20)),
            ("page", Some(5), 10, (10, 10)),
            ("page", Some(500), 100, (100, 100)),
            ("offset", Some(0), 100, (20, 100)),
            ("offset", Some(30), 100, (30, 100)),
            ("link", Some(30), 100, (30, 100)),
        ];
        for (style, fetch, max, expected) in cases {
            let paging = styles.iter().find(|(name, _)| *name == style).map(|(_, paging)| paging.clone()).unwrap();
            let size = PageSize { place: Some(Place::Query("limit".to_owned())), max };
            let mut endpoint = Endpoint { paging, page_size: Some(size), ..Endpoint::new("list", "x") };
            let sizes = PageSizes::new(&endpoint, fetch, 0).unwrap();
            assert_eq!((sizes.rows(true), sizes.rows(false)), expected, "{style} {fetch:?} {max}");
            endpoint.page_size = Some(PageSize { place: None, max });
            let sizes = PageSizes::new(&endpoint, fetch, 0).unwrap();
            assert_eq!((sizes.rows(true), sizes.written(max)), (max, None), "{style}: the size cannot be chosen");
        }
    }

    #[test]
    fn rows_behind_others_stand_on_as_few_pages_as_can_be() {
        let cases = [
            ((0, 5, 20, 200), 20),
            ((400, 5, 20, 200), 20),
            ((398, 5, 20, 200), 22),
            ((199, 2, 20, 100), 21),
            ((99, 100, 100, 100), 100),
            ((10, 500, 200, 200), 200),
        ];
        for ((skip, rows, least, most), expected) in cases {
            assert_eq!(of_fewest_pages(skip, rows, least, most), expected, "{rows} behind {skip}");
        }
    }

    /// Rows asked for, how short pages are taken, lengths, and which of them was the last.
    type Case = (Option<u64>, ShortPage, &'static [u64], &'static [bool]);

    #[test]
    fn the_last_page_is_known_by_its_length() {
        use ShortPage::{Last, Likely, Open};
        let cases: &[Case] = &[
            (Some(100), Likely, &[100, 100, 37], &[false, false, true]),
            (Some(100), Likely, &[100, 50], &[false, true]),
            (Some(100), Likely, &[7], &[false]),
            (Some(100), Likely, &[37, 37, 19], &[false, false, true]),
            (Some(100), Last, &[7], &[true]),
            (Some(100), Likely, &[50, 50, 50, 10], &[false, false, false, true]),
            (Some(100), Likely, &[24, 1], &[false, true]),
            (Some(100), Likely, &[16], &[false]),
            (Some(100), Likely, &[20, 37], &[false, false]),
            (Some(100), Likely, &[20, 50], &[false, false]),
            (Some(100), Likely, &[150, 100], &[false, false]),
            (Some(100), Last, &[100, 50], &[false, true]),
            (Some(100), Last, &[50], &[true]),
            (Some(100), Open, &[100, 50, 3], &[false, false, false]),
            (None, Likely, &[7, 7, 3], &[false, false, true]),
            (None, Last, &[50, 50, 20], &[false, false, true]),
            (None, Open, &[50, 20], &[false, false]),
        ];
        for (asked, short, lengths, expected) in cases {
            let mut seen = Lengths::default();
            let found: Vec<bool> = lengths.iter().map(|&rows| seen.is_last(rows, *asked, *short)).collect();
            assert_eq!(found, *expected, "{asked:?} {short:?} {lengths:?}");
        }
    }
}
