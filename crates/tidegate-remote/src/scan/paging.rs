//! What the endpoint's paging style asks for next. Pure decisions: nothing is sent here.
//!
//! ```text
//!            ┌── next link ──> Follow ──┐
//! First ─────┼── number, offset, token, key ──> Marked ──┤── … ──> Done
//!            └── `$top` rows came and no next link: Skip ┘
//! ```
//!
//! A [`Pager`] is good for one sequence of requests: from the first page to the one after which nothing is to come.

mod foresight;

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use tidegate_spec::{Count, Dialect, End, Endpoint, EndpointKind, Paging, PastEnd, Place, Window as SpecWindow};
use url::Url;

use super::page_size::{Lengths, PageSizes};
use super::seen::Seen;
use super::window::Window;
use super::{link_header, total};
use crate::odata::url as odata_url;
use crate::render::Range;
use crate::{ErrorKind, ScanRequest};
pub(super) use foresight::Foresight;
use foresight::Steady;

/// What is asked for next.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ask {
    /// A request that is written from the endpoint's declaration.
    Written {
        /// Rows, in the dialect's own words.
        range: Range,
        /// Where the page and its size are written.
        page: Vec<(Place, String)>,
    },
    /// The URL that the server named.
    Follow(Url),
}

/// What a page told.
#[derive(Debug)]
pub(super) struct Told<'a> {
    /// Number of its rows.
    pub(super) rows: u64,
    /// Link or token in its body.
    pub(super) next: Option<&'a str>,
    /// Whether there is a next page.
    pub(super) more: Option<bool>,
    /// Number of rows over all pages.
    pub(super) total: Option<u64>,
    /// Its headers.
    pub(super) headers: &'a HeaderMap,
    /// The URL that answered.
    pub(super) answered: &'a Url,
    /// Value of a keyset's column in its first row, and in its last.
    pub(super) first: Option<String>,
    pub(super) last: Option<String>,
}

/// What comes next.
#[derive(Debug, Clone)]
enum Step {
    /// The rows from the start.
    First,
    /// What the server named.
    Follow(Url),
    /// The page with this number, offset, token or key.
    Marked(String),
    /// The rows after those that were read, since `$top` had cut them off.
    Skip,
    /// Nothing.
    Done,
}

/// One sequence of requests.
#[derive(Debug, Clone)]
pub(super) struct Pager {
    endpoint: Arc<Endpoint>,
    base: Url,
    sizes: Option<PageSizes>,
    lengths: Lengths,
    window: Window,
    step: Step,
    /// Whether the first request asks for the total.
    asks_total: bool,
    /// Number of the page that was asked for, where pages have numbers.
    number: u64,
    /// Rows that the page was asked to have.
    asked: Option<u64>,
    /// The key after which the page begins.
    after: Option<String>,
    /// Tokens and keys that were used.
    seen: Seen,
    pages: u64,
    /// Rows so far, with those that the API leaves out at the front.
    rows: u64,
    /// Rows that it leaves out.
    skipped: u64,
    total: Option<u64>,
    steady: Steady,
    /// Rows that are wanted at first.
    fetch: Option<u64>,
}

impl Pager {
    pub(super) fn new(request: &ScanRequest, base: &Url) -> Result<Self, ErrorKind> {
        let endpoint = Arc::new(request.endpoint()?.clone());
        // Going on behind `$top` needs a key: without one nothing tells a service that ignores `$skip` and sends the
        // first rows again.
        let has_window = endpoint.window == Some(SpecWindow::TopSkip)
            && !request.table.key.is_empty()
            && matches!(endpoint.paging, Paging::NextUrl | Paging::Single);
        let sizes = PageSizes::new(&endpoint, request.fetch, request.skip);
        // Pages with numbers are left out whole.
        let (number, skipped) = match (&endpoint.paging, &sizes) {
            (Paging::Page { first, .. }, Some(sizes)) => {
                let pages = request.skip / sizes.rows(true);
                (first.saturating_add(pages), pages.saturating_mul(sizes.rows(true)))
            }
            (Paging::Page { first, .. }, None) => (*first, 0),
            _ => (0, request.skip),
        };
        Ok(Self {
            sizes,
            lengths: Lengths::default(),
            window: Window::new(request.fetch.filter(|_| has_window)),
            step: Step::First,
            asks_total: request.fetch.is_none() && endpoint.count == Some(Count::Inline),
            number,
            asked: None,
            after: None,
            seen: Seen::default(),
            pages: 0,
            rows: skipped,
            skipped,
            total: None,
            steady: Steady::default(),
            fetch: request.fetch,
            base: base.clone(),
            endpoint,
        })
    }

    /// Rows received.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows at the front that the API leaves out.
    pub(super) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The number of rows that the pages last told.
    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    pub(super) fn asks_total(&self) -> bool {
        self.asks_total
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.step, Step::Done)
    }

    /// Whether the server may name the URL of a page.
    pub(super) fn follows_links(&self) -> bool {
        matches!(self.endpoint.paging, Paging::NextUrl | Paging::LinkHeader)
    }

    /// Starts afresh, and asks for no total.
    pub(super) fn restart_without_total(&mut self) {
        (self.asks_total, self.step) = (false, Step::First);
    }

    /// Nothing is asked for any more.
    pub(super) fn stop(&mut self) {
        self.step = Step::Done;
    }

    /// The next request; `None` at the end.
    pub(super) fn ask(&mut self) -> Option<Ask> {
        let written = |pager: &mut Self, range, marker| {
            let page = pager.places(marker);
            Some(Ask::Written { range, page })
        };
        match std::mem::replace(&mut self.step, Step::Done) {
            Step::Done => None,
            Step::Follow(url) => Some(Ask::Follow(url)),
            Step::First => {
                let is_numbered = matches!(self.endpoint.paging, Paging::Page { .. });
                let skipped = (self.skipped > 0 && !is_numbered).then_some(self.skipped);
                let is_offset = matches!(self.endpoint.paging, Paging::Offset { .. });
                let skip = skipped.filter(|_| !is_offset);
                let range = Range { total: self.asks_total, skip, ..self.window.first() };
                written(self, range, skipped.filter(|_| is_offset).map(|rows| rows.to_string()))
            }
            Step::Skip => {
                let range = self.window.next(self.rows);
                written(self, range, None)
            }
            Step::Marked(marker) => written(self, Range::default(), Some(marker)),
        }
    }

    /// Where the page and its size are written.
    fn places(&mut self, marker: Option<String>) -> Vec<(Place, String)> {
        let marker = match &self.endpoint.paging {
            Paging::Page { .. } => Some(self.number.to_string()),
            _ => marker,
        };
        let place = match &self.endpoint.paging {
            Paging::Page { place, .. }
            | Paging::Offset { place, .. }
            | Paging::Cursor { place, .. }
            | Paging::Keyset { place, .. } => Some(place.clone()),
            _ => None,
        };
        self.asked = self.sizes.as_ref().map(|sizes| self.within_ceiling(sizes.rows(self.pages == 0)));
        let size = self.sizes.as_ref().zip(self.asked).and_then(|(sizes, rows)| sizes.written(rows));
        place.zip(marker).into_iter().chain(size).collect()
    }

    /// Servers refuse a window that reaches past their ceiling, even where rows before it are left.
    fn within_ceiling(&self, rows: u64) -> u64 {
        let is_offset = matches!(self.endpoint.paging, Paging::Offset { .. });
        let is_chosen = self.sizes.as_ref().is_some_and(PageSizes::is_chosen);
        match self.endpoint.ceiling.filter(|_| is_offset && is_chosen) {
            Some(ceiling) if ceiling.rows > self.rows => rows.min(ceiling.rows - self.rows),
            _ => rows,
        }
    }

    /// Whether the next page reaches past the ceiling: a page with a number cannot be made shorter.
    pub(super) fn next_page_crosses(&self, ceiling: u64) -> bool {
        let is_numbered = matches!(self.endpoint.paging, Paging::Page { .. });
        is_numbered && !self.is_done() && self.asked.is_some_and(|rows| self.rows.saturating_add(rows) > ceiling)
    }

    /// Takes a page and decides what comes next.
    pub(super) fn take(&mut self, told: &Told<'_>) -> Result<(), ErrorKind> {
        self.pages += 1;
        self.rows += told.rows;
        self.window.received(told.rows);
        let total = self.trusted(told.total);
        self.steady.take(told.rows, total);
        // Where OData's totals stand on some pages only, that of an earlier page may be of other rows.
        self.total = if self.is_inline() { total } else { total.or(self.total) };
        let endpoint = Arc::clone(&self.endpoint);
        self.step = match &endpoint.paging {
            _ if self.endpoint.kind == EndpointKind::Get => Step::Done,
            Paging::Single => self.single(told)?,
            Paging::NextUrl => {
                let follow = |link| odata_url::next_link(&self.base, &self.endpoint.path, told.answered, link);
                let next = told.next.filter(|link| !link.is_empty()).map(follow).transpose()?;
                self.linked(next, told.more)?
            }
            Paging::LinkHeader => self.linked(link_header::next(told.headers, told.answered)?, told.more)?,
            Paging::Page { end, .. } => {
                self.check_length(told)?;
                self.number += 1;
                if self.goes_on(told, *end, true) { Step::Marked(self.number.to_string()) } else { Step::Done }
            }
            Paging::Offset { end, .. } => {
                if self.goes_on(told, *end, true) {
                    Step::Marked(self.rows.to_string())
                } else {
                    Step::Done
                }
            }
            Paging::Cursor { header, none, .. } => self.cursor(told, header.as_deref(), none)?,
            Paging::Keyset { end, .. } => self.keyset(told, *end)?,
            other => return Err(ErrorKind::Unsupported(format!("pages cannot be asked for by {other:?} yet"))),
        };
        Ok(())
    }

    /// That a page whose number was reckoned from the size of pages has this size.
    fn check_length(&self, told: &Told<'_>) -> Result<(), ErrorKind> {
        let Some(asked) = self.asked.filter(|_| self.skipped > 0) else { return Ok(()) };
        let is_cut = told.rows < asked && told.total.is_some_and(|total| total > self.rows);
        if !is_cut && told.rows <= asked {
            return Ok(());
        }
        Err(ErrorKind::Body(format!(
            "the page has {} rows where {asked} were asked for, so that its number tells nothing of the rows before it: take \
             `short: last` out of the endpoint's paging",
            told.rows
        )))
    }

    fn is_inline(&self) -> bool {
        self.endpoint.count == Some(Count::Inline)
    }

    /// A total that counts what this scan reads. One of OData's that was not asked for may count something else, such
    /// as the rows before `$top`.
    fn trusted(&self, told: Option<u64>) -> Option<u64> {
        let is_odata =
            matches!(self.endpoint.filters.dialect, Some(Dialect::OData(_))) || self.endpoint.window.is_some();
        match self.endpoint.count {
            Some(Count::Inline) => told.filter(|_| self.asks_total),
            None if is_odata => None,
            _ => told,
        }
    }

    fn single(&self, told: &Told<'_>) -> Result<Step, ErrorKind> {
        if told.next.is_some_and(|link| !link.is_empty()) || told.more == Some(true) {
            return Err(ErrorKind::Body("the answer goes on, though the endpoint declares one page".to_owned()));
        }
        if self.window.is_full() {
            return Ok(Step::Skip);
        }
        let is_list = self.endpoint.kind != EndpointKind::GetMany;
        match self.asked.filter(|&asked| is_list && told.rows >= asked && self.total != Some(self.rows)) {
            Some(asked) => Err(ErrorKind::Body(format!(
                "the answer has {} rows, as many as a page of the endpoint has at most ({asked}), and nothing tells \
                 whether there are more: declare its `paging`",
                told.rows
            ))),
            None => Ok(Step::Done),
        }
    }

    fn linked(&self, next: Option<Url>, more: Option<bool>) -> Result<Step, ErrorKind> {
        match next {
            _ if more == Some(false) => Ok(Step::Done),
            Some(next) if total::is_past_the_end(&next, self.total, self.rows) => Ok(Step::Done),
            Some(next) => Ok(Step::Follow(next)),
            None if more == Some(true) => Err(without_next("link to it")),
            // Fewer rows than wanted: these were all. More: the service ignored `$top`, and these were all too.
            None if self.window.is_full() => Ok(Step::Skip),
            None => Ok(Step::Done),
        }
    }

    fn cursor(&mut self, told: &Told<'_>, header: Option<&str>, none: &[String]) -> Result<Step, ErrorKind> {
        let token = match header {
            Some(name) => match told.headers.get(name).map(|value| value.to_str()).transpose() {
                Ok(token) => token.map(str::trim),
                Err(_) => return Err(ErrorKind::Body(format!("the header {name} is no text, so it is no token"))),
            },
            None => told.next,
        };
        match token.filter(|token| !token.is_empty() && none.iter().all(|text| text != token)) {
            _ if told.more == Some(false) => Ok(Step::Done),
            Some(token) if self.seen.is_new(token) => Ok(Step::Marked(token.to_owned())),
            Some(token) => Err(repeated("cursor", token)),
            None if told.more == Some(true) => Err(without_next("token for it")),
            None => Ok(Step::Done),
        }
    }

    fn keyset(&mut self, told: &Told<'_>, end: End) -> Result<Step, ErrorKind> {
        if let Some(first) = told.first.as_ref().filter(|first| self.after.as_ref() == Some(first)) {
            return Err(ErrorKind::Body(format!(
                "the page was to begin after {first:?} and begins with it: rows would come twice"
            )));
        }
        if !self.goes_on(told, end, false) {
            return Ok(Step::Done);
        }
        self.after.clone_from(&told.last);
        match &told.last {
            Some(last) if self.seen.is_new(last) => Ok(Step::Marked(last.clone())),
            Some(last) => Err(repeated("last key", last)),
            None => Err(without_next("row with a key after which it begins")),
        }
    }

    /// Whether another page is asked for, where nothing leads to it. `counts` is whether a total that all rows reached
    /// is the end.
    fn goes_on(&mut self, told: &Told<'_>, end: End, counts: bool) -> bool {
        let is_last = told.rows == 0 || self.lengths.is_last(told.rows, self.asked, end.short);
        match (told.more, self.total) {
            (Some(more), _) => more,
            (None, Some(_)) if told.rows == 0 => false,
            (None, Some(total)) if total > self.rows => true,
            (None, Some(total)) if counts && total == self.rows && !total::is_a_cap(total) => false,
            _ => !is_last,
        }
    }

    fn end(&self) -> Option<End> {
        match &self.endpoint.paging {
            Paging::Page { end, .. } | Paging::Offset { end, .. } | Paging::Keyset { end, .. } => Some(*end),
            _ => None,
        }
    }

    /// Whether an answer with this status is how the server says that there are no more pages.
    pub(super) fn is_end(&self, status: StatusCode) -> bool {
        let statuses = [StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST, StatusCode::RANGE_NOT_SATISFIABLE];
        self.pages > 0 && self.end().is_some_and(|end| end.past == PastEnd::Refused) && statuses.contains(&status)
    }

    /// Whether the last page again is how the server says that there are no more.
    pub(super) fn repeats_at_the_end(&self) -> bool {
        self.pages > 0 && self.end().is_some_and(|end| end.past == PastEnd::Repeated)
    }

    /// What an author of a manifest may declare when pages repeat themselves.
    pub(super) fn advice(&self) -> Option<&'static str> {
        self.end().map(
            |_| "if this is how it answers past the last page, declare `past: repeated` with the endpoint's paging",
        )
    }

    /// That a sequence which ended has all rows that were told of.
    pub(super) fn check_complete(&self) -> Result<(), ErrorKind> {
        total::check_complete(self.total, self.rows, self.is_inline())
    }
}

fn without_next(what: &str) -> ErrorKind {
    ErrorKind::Body(format!("the answer says that there is another page, and has no {what}"))
}

fn repeated(what: &str, value: &str) -> ErrorKind {
    let value = crate::server_message::one_line(value).unwrap_or_default();
    ErrorKind::Loop(format!("the server does not move on: repeated {what} {value:?}, which led to an earlier page"))
}
