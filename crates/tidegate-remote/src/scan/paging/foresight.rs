//! The requests that a sequence is going to make if its pages go on as they did: those of numbered pages and offsets
//! whose total is told. Pure decisions: nothing is sent here.
//!
//! What is foreseen is asked for before the pages in front of it have come, so it must be what a reader of one page
//! after the other asks for, and no page more. Two pages are read first: of the same length, and of the same total. Then
//! the server keeps its page length, and tells the total with each page. Nothing is foreseen past the total, past the
//! rows that are wanted, or past a ceiling; what lies there is left to the reader of one page after the other.
//!
//! # Rows that come and go meanwhile
//! Pages with numbers hold still only while rows do. A reader of one page after the other misses a row when one in front
//! of it goes, and sees one twice when one comes ([`Border`](super::super::border::Border) drops it). Pages side by side
//! are read in a fraction of the time, which makes both rarer; but the server may answer a later page first, and then a
//! row that comes in between is missed: it pushes a row from the earlier page onto the later one, which has been read.
//! That is worse than before, so it is looked for: such a later page tells fewer rows in all than the page before it. The
//! answer is thrown away ([`Pager::is_behind`]), with all that is under way; the page is asked for again, and the scan
//! goes on one page after the other. Where pages do not tell their totals this cannot be seen and nothing is foreseen. A
//! row that comes and one that goes within the moments of one such round hide each other. They did so before, within the
//! time of the whole scan.

use tidegate_spec::{Paging, ShortPage};

use super::{Ask, Pager, Step};

/// Pages that have to be alike before the next ones are foreseen.
const ALIKE: u64 = 2;

/// How the last pages were.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Steady {
    rows: u64,
    total: Option<u64>,
    /// How many pages in a row.
    pages: u64,
}

impl Steady {
    /// Takes a page with so many rows that told this total.
    pub(super) fn take(&mut self, rows: u64, total: Option<u64>) {
        let is_alike = self.pages > 0 && (self.rows, self.total) == (rows, total);
        *self = Self { rows, total, pages: if is_alike { self.pages + 1 } else { 1 } };
    }
}

/// A sequence as it goes on behind the requests that were made.
#[derive(Debug)]
pub(in crate::scan) struct Foresight {
    pager: Pager,
    /// Rows of a page.
    length: u64,
}

impl Pager {
    /// What comes behind the request that was last asked for; `None` where nothing tells.
    pub(in crate::scan) fn foresight(&self) -> Option<Foresight> {
        let is_open = match &self.endpoint.paging {
            Paging::Page { .. } => false,
            // Where the next one begins depends on how many rows come.
            Paging::Offset { end, .. } => end.short == ShortPage::Open,
            _ => return None,
        };
        let Steady { rows, total, pages } = self.steady;
        let is_steady = pages >= ALIKE && rows > 0 && total.is_some() && total == self.total;
        (is_steady && !is_open).then(|| Foresight { pager: self.clone(), length: rows })
    }

    /// Whether a page that tells this total, and was asked for before the page in front of it had come, may have been
    /// answered before that one: rows that came in between would be missed.
    pub(in crate::scan) fn is_behind(&self, told: Option<u64>) -> bool {
        self.trusted(told) < self.steady.total
    }
}

impl Foresight {
    /// The request after the last one, if it is surely made; `total` is what the last page told.
    pub(in crate::scan) fn next(&mut self, total: Option<u64>) -> Option<Ask> {
        let pager = &mut self.pager;
        let before = pager.rows.saturating_add(self.length);
        let most = total?.min(pager.fetch.unwrap_or(u64::MAX));
        let crosses = pager.endpoint.ceiling.is_some_and(|ceiling| before.saturating_add(self.length) > ceiling.rows);
        if before >= most || crosses {
            return None;
        }
        pager.pages += 1;
        pager.rows = before;
        let marker = match pager.endpoint.paging {
            Paging::Page { .. } => {
                pager.number += 1;
                pager.number
            }
            _ => before,
        };
        pager.step = Step::Marked(marker.to_string());
        pager.ask()
    }
}
