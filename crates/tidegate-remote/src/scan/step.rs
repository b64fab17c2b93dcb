//! One scan under way: asks for a page, decodes it, and hands it on.
//!
//! [`Pager`] decides what comes next, [`Slices`] how it goes on past a ceiling, [`LoopGuard`] that the server moves on, and
//! [`Border`] that no row comes twice where pages meet.
//! A service that refuses to tell the total is asked again without. Where the reader is going to read on, [`Ahead`] has
//! the next requests under way before their turn.

use std::sync::Arc;

use http::StatusCode;
use tidegate_spec::NotFound;
use tidegate_transport::{Operation, Statement};

use arrow::record_batch::RecordBatch;

use super::ahead::{Ahead, Early};
use super::asking::{Asking, write};
use super::border::Border;
use super::ceiling::{self, Slices};
use super::layout::{self, Layout};
use super::loop_guard::LoopGuard;
use super::paging::{Ask, Pager, Told};
use super::{Page, place, total};
use crate::call::Answer;
use crate::decode::{Decoded, Decoder};
use crate::render::Outgoing;
use crate::{Error, ErrorKind, Result, ScanRequest, Source, call};

/// A scan under way.
pub(super) struct Scan {
    source: Source,
    asking: Asking,
    /// What is asked for: of a scan in slices, by this one.
    request: ScanRequest,
    layout: Layout,
    decoder: Decoder,
    guard: LoopGuard,
    pager: Pager,
    slices: Option<Slices>,
    border: Option<Border>,
    /// The request that was last written, where the server names URLs: what is behind them is asked for likewise.
    written: Option<Arc<Outgoing>>,
    /// What ends the scan when it is asked to go on.
    failure: Option<ErrorKind>,
    /// Requests so far.
    pages: u64,
    /// Rows at the front that are on their way with others and not wanted.
    unwanted: u64,
    /// What is under way before its turn; `None` where nothing may be.
    ahead: Option<Ahead>,
    /// As it was begun, to begin anew.
    begun: (ScanRequest, usize),
    /// Whether it was begun anew, because what was stored of its first page may be older than what follows.
    anew: bool,
    /// The first page as it was handed on, while it is not known whether what is stored of it still holds.
    unconfirmed: Option<RecordBatch>,
    is_unconfirmed: bool,
    /// The first page's part of the statement, where it matters whether that is a stored one.
    first: Option<Arc<Statement>>,
    /// The next request, if it was made before its turn.
    upcoming: Option<Result<Option<Arc<Outgoing>>, ErrorKind>>,
}

/// What an answer is.
enum Taken {
    Page(Page),
    /// How the server says that there are no more.
    End,
    /// Nothing to build on: rows may have come since the page in front of it was answered.
    Behind,
}

impl Scan {
    /// A scan that has up to `most` requests under way before their turn.
    pub(super) fn new(source: Source, mut request: ScanRequest, most: usize) -> Result<Self, ErrorKind> {
        let begun = (request.clone(), most);
        let layout = Layout::new(&request)?;
        let decoder = Decoder::for_request(&request, &layout.columns)?;
        let slices = Slices::new(&mut request, &layout, decoder.schema());
        let pager = Pager::new(&request, &source.base)?;
        Ok(Self {
            asking: Asking::new(&request)?,
            guard: LoopGuard::new(layout.key.clone()),
            unwanted: request.skip.saturating_sub(pager.skipped()),
            pager,
            border: Border::new(&request.endpoint()?.paging, &layout.key),
            ahead: Ahead::new(most),
            begun,
            anew: false,
            first: None,
            unconfirmed: None,
            is_unconfirmed: false,
            upcoming: None,
            source,
            request,
            layout,
            decoder,
            slices,
            written: None,
            failure: None,
            pages: 0,
        })
    }

    /// Asks for the next page; `None` after the last.
    pub(super) async fn next_page(&mut self) -> Result<Option<Page>> {
        match self.try_next_page().await {
            Err(error) if self.total_refused(&error.kind) => {
                self.pager.restart_without_total();
                self.pages = 0;
                self.try_next_page().await
            }
            result => result,
        }
    }

    /// Whether the first request may have failed for nothing but its asking for the total.
    fn total_refused(&self, error: &ErrorKind) -> bool {
        let refusals = [StatusCode::BAD_REQUEST, StatusCode::NOT_IMPLEMENTED];
        let refused = matches!(error, ErrorKind::Status { status, .. } if refusals.contains(status));
        refused && self.pager.asks_total() && self.pages == 1
    }

    async fn try_next_page(&mut self) -> Result<Option<Page>> {
        // An answer may tell no more than that a slice has ended; the pager knows what comes then, if anything.
        loop {
            if let Some(stored) = self.unconfirmed.take() {
                self.confirm(&stored).await?;
            }
            let upcoming = self.upcoming.take();
            let outgoing = match upcoming.unwrap_or_else(|| self.next_request()) {
                Ok(Some(outgoing)) => outgoing,
                Ok(None) => return Ok(None),
                Err(kind) => {
                    let place = place(&self.source, &self.request, Some(self.pages + 1), None);
                    return Err(Error { place, kind });
                }
            };
            self.pages += 1;
            let number = self.pages;
            let page = self.read(&outgoing).await;
            let page = page.and_then(|page| self.begins_anew().map(|anew| page.filter(|_| !anew)));
            let page = page.map_err(|kind| {
                let place = place(&self.source, &self.request, Some(number), Some(&outgoing.url));
                Error { place, kind }
            })?;
            if let Some(page) = page {
                self.unconfirmed = std::mem::take(&mut self.is_unconfirmed).then(|| page.batch.clone());
                self.look_ahead();
                return Ok(Some(page));
            }
        }
    }

    fn next_request(&mut self) -> Result<Option<Arc<Outgoing>>, ErrorKind> {
        if let Some(failure) = self.failure.take() {
            self.pager.stop();
            return Err(failure);
        }
        let Some(ask) = self.pager.ask() else { return Ok(None) };
        let followed = matches!(ask, Ask::Follow(_));
        let outgoing = match (ask, &self.written) {
            (Ask::Written { range, page }, _) => {
                let said = (range, page);
                let written = match self.ahead.as_ref().and_then(|ahead| ahead.written(&said)) {
                    Some(written) => written,
                    None => Arc::new(write(&self.source, &self.request, &self.layout, range, &said.1)?),
                };
                self.written = self.pager.follows_links().then(|| Arc::clone(&written));
                written
            }
            (Ask::Follow(url), Some(written)) => {
                let (method, headers) = (written.method.clone(), written.headers.clone());
                Arc::new(Outgoing { method, url, headers, body: written.body.clone() })
            }
            (Ask::Follow(_), None) => return Err(ErrorKind::Loop("a link before the first page".to_owned())),
        };
        self.guard.asking(&outgoing, followed)?;
        Ok(Some(outgoing))
    }

    /// Begins anew if the first page was a stored one, and others follow: rows that came or went since then have moved
    /// between pages.
    fn begins_anew(&mut self) -> Result<bool, ErrorKind> {
        let is_stored = self.first.take().is_some_and(|first| first.counts().cache_hits > 0);
        if !is_stored || self.anew || self.pages != 1 || self.pager.is_done() {
            return Ok(false);
        }
        // Who wants no more than this page has will hardly ask for another.
        self.is_unconfirmed = self.request.fetch.is_some_and(|fetch| self.pager.rows() >= fetch);
        if !self.is_unconfirmed {
            self.begin_anew()?;
        }
        Ok(!self.is_unconfirmed)
    }

    fn begin_anew(&mut self) -> Result<(), ErrorKind> {
        let (request, most) = self.begun.clone();
        *self = Self { anew: true, ..Self::new(self.source.clone(), request, most)? };
        Ok(())
    }

    /// Asks again for a first page that was a stored one, since another is asked for after all.
    async fn confirm(&mut self, stored: &RecordBatch) -> Result<()> {
        let place = place(&self.source, &self.request, Some(1), None);
        let begun = self.begin_anew();
        if let Err(kind) = begun {
            return Err(Error { place, kind });
        }
        let page = Box::pin(self.try_next_page()).await?;
        if page.is_some_and(|page| page.batch == *stored) {
            return Ok(());
        }
        let message = "the first page has changed since it was stored, and others follow it; run the query again";
        Err(Error { place, kind: ErrorKind::Body(message.to_owned()) })
    }

    fn operation(&mut self, page: u64) -> Operation {
        let operation = self.asking.operation(&self.source, page, self.anew);
        if page != 1 || self.asking.is_stable {
            return operation;
        }
        let first = Arc::new(self.source.statement.child());
        self.first = Some(Arc::clone(&first));
        Operation { statement: first, ..operation }
    }

    /// Sends what the reader is going to need next, as far as there is room for it.
    fn look_ahead(&mut self) {
        // Whoever wants so many rows may have enough.
        let may_stop = self.request.fetch.is_some_and(|fetch| self.pager.rows() >= fetch);
        if self.ahead.is_none() || may_stop {
            return;
        }
        let upcoming = self.next_request();
        if let (Ok(Some(next)), Some(ahead)) = (&upcoming, &mut self.ahead) {
            if !ahead.has_next(next) {
                let operation = self.asking.operation(&self.source, self.pages + 1, self.anew);
                ahead.send(&self.source, Arc::clone(next), None, operation);
            }
            while ahead.has_room() {
                let foreseen = ahead.foresee(self.pager.total(), || self.pager.foresight());
                let Some(Ask::Written { range, page }) = foreseen else { break };
                let Ok(request) = write(&self.source, &self.request, &self.layout, range, &page) else { break };
                let number = self.pages + 1 + ahead.len() as u64;
                let operation = self.asking.operation(&self.source, number, self.anew);
                if !ahead.send(&self.source, Arc::new(request), Some((range, page)), operation) {
                    break;
                }
            }
        }
        self.upcoming = Some(upcoming);
    }

    /// Has the request sent and decodes its page; `None` when there is none. The body is dropped when this returns.
    async fn read(&mut self, outgoing: &Arc<Outgoing>) -> Result<Option<Page>, ErrorKind> {
        let Some(early) = self.early(outgoing) else { return self.read_now(outgoing).await };
        let is_foreseen = early.is_foreseen;
        match self.accept(early.answer().await?, is_foreseen)? {
            Taken::Page(page) => Ok(Some(page)),
            Taken::End => Ok(None),
            Taken::Behind => {
                self.ahead = None;
                self.read_now(outgoing).await
            }
        }
    }

    /// The answer to this request, sent now unless it is under way; `None` where it is sent by this scan itself.
    fn early(&mut self, outgoing: &Arc<Outgoing>) -> Option<Early> {
        if self.ahead.as_mut().is_some_and(|ahead| !ahead.has_next(outgoing)) {
            let operation = self.operation(self.pages);
            if let Some(ahead) = &mut self.ahead {
                ahead.send(&self.source, Arc::clone(outgoing), None, operation);
            }
        }
        self.ahead.as_mut()?.take(outgoing)
    }

    async fn read_now(&mut self, outgoing: &Outgoing) -> Result<Option<Page>, ErrorKind> {
        let operation = self.operation(self.pages);
        let answer = call::send(&self.source, outgoing.clone(), operation).await?;
        Ok(match self.accept(answer, false)? {
            Taken::Page(page) => Some(page),
            Taken::End | Taken::Behind => None,
        })
    }

    /// What the answer is; `is_foreseen` when the page in front of it had not come when it was asked for.
    fn accept(&mut self, answer: Answer, is_foreseen: bool) -> Result<Taken, ErrorKind> {
        let endpoint = self.request.endpoint()?;
        if answer.status == StatusCode::NOT_FOUND && endpoint.not_found == NotFound::Empty && self.pages == 1 {
            self.pager.stop();
            return self.page(RecordBatch::new_empty(self.decoder.schema().clone())).map(Taken::Page);
        }
        if self.pager.is_end(answer.status) {
            self.pager.stop();
            return self.ended().map(|()| Taken::End);
        }
        let answer = call::expect_ok(&self.source, answer)?;
        if answer.body.is_empty() {
            return Err(ErrorKind::Body("the body is empty where a page of rows was expected".to_owned()));
        }
        let mut decoded = self.decoder.decode(&answer.body)?;
        decoded.count = decoded.count.or_else(|| total::in_header(endpoint, &answer.headers));
        if is_foreseen && self.pager.is_behind(decoded.count) {
            return Ok(Taken::Behind);
        }
        if self.pager.repeats_at_the_end() && self.guard.is_repeated(&decoded.batch)? {
            self.source.statement.count_page(0);
            self.pager.stop();
            return self.ended().map(|()| Taken::End);
        }
        self.take(&answer, decoded).map(Taken::Page)
    }

    /// Takes a page that is new.
    fn take(&mut self, answer: &Answer, decoded: Decoded) -> Result<Page, ErrorKind> {
        let Decoded { batch, next, more, count } = decoded;
        if self.layout.is_guarded {
            self.guard.received(&batch).map_err(|error| self.advised(error))?;
        }
        let (first, last) = self.layout.keyset_of(&batch, &self.request.table);
        self.pager.take(&Told {
            rows: batch.num_rows() as u64,
            next: next.as_deref(),
            more,
            total: count,
            headers: &answer.headers,
            answered: &answer.url,
            first,
            last,
        })?;
        let batch = match (&mut self.slices, &mut self.border) {
            (Some(slices), _) => slices.take(&batch)?,
            (None, Some(border)) => border.take(batch)?,
            (None, None) => batch,
        };
        let batch = self.without_unwanted(batch);
        self.source.statement.count_page(batch.num_rows() as u64);
        self.ended()?;
        self.page(batch)
    }

    fn without_unwanted(&mut self, page: RecordBatch) -> RecordBatch {
        let rows = page.num_rows();
        let unwanted = usize::try_from(self.unwanted).unwrap_or(usize::MAX).min(rows);
        self.unwanted -= unwanted as u64;
        page.slice(unwanted, rows - unwanted)
    }

    /// After a page, or after it was told that there is none: what follows from how many rows came.
    fn ended(&mut self) -> Result<(), ErrorKind> {
        let endpoint = self.request.endpoint()?;
        let Some(ceiling) = endpoint.ceiling else { return self.checked() };
        let is_told = self.pager.total().is_some_and(|total| total > ceiling.rows);
        let crosses = self.slices.is_some() && self.pager.next_page_crosses(ceiling.rows);
        let reached = self.pager.rows() >= ceiling.rows || crosses || (is_told && self.pager.is_done());
        let Some(slices) = &mut self.slices else {
            let failure = ceiling::failure(ceiling, endpoint);
            // Who wants but a few rows may stop before.
            if is_told && self.request.fetch.is_none() {
                return Err(failure);
            }
            self.failure = reached.then_some(failure);
            return if reached { Ok(()) } else { self.checked() };
        };
        if !reached {
            return self.checked();
        }
        match slices.next(&self.request, ceiling) {
            Ok(request) => {
                if request.fetch.is_some() {
                    // How many of them are wanted still is the reader's to say.
                    self.ahead = None;
                }
                self.request = ScanRequest { fetch: None, ..request };
                if let Some(ahead) = &mut self.ahead {
                    ahead.give_up();
                }
                self.pager = Pager::new(&self.request, &self.source.base)?;
                self.guard = LoopGuard::new(self.layout.key.clone());
            }
            Err(failure) => self.failure = Some(failure),
        }
        Ok(())
    }

    fn checked(&self) -> Result<(), ErrorKind> {
        if self.pager.is_done() { self.pager.check_complete() } else { Ok(()) }
    }

    fn advised(&self, error: ErrorKind) -> ErrorKind {
        match (error, self.pager.advice()) {
            (ErrorKind::Loop(what), Some(advice)) => ErrorKind::Loop(format!("{what}; {advice}")),
            (error, _) => error,
        }
    }

    /// The wanted columns as a page.
    fn page(&self, batch: RecordBatch) -> Result<Page, ErrorKind> {
        let batch = layout::wanted(batch, self.request.columns.len())?;
        // Of a scan in slices each tells what is left.
        let total = self.pager.total().filter(|&total| self.slices.is_none() && !total::is_a_cap(total));
        Ok(Page { number: self.pages, batch, total })
    }
}
