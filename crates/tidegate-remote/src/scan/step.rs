//! One scan under way: asks for a page, decodes it, and hands it on.
//!
//! [`Pager`] decides what comes next, [`Slices`] how it goes on past a ceiling, [`LoopGuard`] that the server moves on, and
//! [`Border`] that no row comes twice where pages meet.
//! A service that refuses to tell the total is asked again without.

use http::StatusCode;
use tidegate_spec::{NotFound, Paging};
use tidegate_transport::{Operation, Purpose};

use arrow::record_batch::RecordBatch;

use super::border::Border;
use super::ceiling::{self, Slices};
use super::layout::Layout;
use super::loop_guard::LoopGuard;
use super::paging::{Ask, Pager, Told};
use super::{Page, cell, place, total};
use crate::call::Answer;
use crate::decode::{Decoded, Decoder};
use crate::render::Outgoing;
use crate::{Error, ErrorKind, Result, ScanRequest, Source, call, render};

/// A scan under way.
pub(super) struct Scan {
    source: Source,
    /// What is asked for: of a scan in slices, by this one.
    request: ScanRequest,
    layout: Layout,
    decoder: Decoder,
    guard: LoopGuard,
    pager: Pager,
    slices: Option<Slices>,
    border: Option<Border>,
    /// The request that was last written: what the server names a URL for is asked likewise.
    written: Option<Outgoing>,
    /// What ends the scan when it is asked to go on.
    failure: Option<ErrorKind>,
    /// Requests so far.
    pages: u64,
}

impl Scan {
    pub(super) fn new(source: Source, mut request: ScanRequest) -> Result<Self, ErrorKind> {
        let layout = Layout::new(&request)?;
        let decoder = Decoder::for_request(&request, &layout.columns)?;
        let slices = Slices::new(&mut request, &layout, decoder.schema());
        Ok(Self {
            guard: LoopGuard::new(layout.key.clone()),
            pager: Pager::new(&request, &source.base)?,
            border: Border::new(&request.endpoint()?.paging, &layout.key),
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
            let outgoing = match self.next_request() {
                Ok(Some(outgoing)) => outgoing,
                Ok(None) => return Ok(None),
                Err(kind) => {
                    let place = place(&self.source, &self.request, Some(self.pages + 1), None);
                    return Err(Error { place, kind });
                }
            };
            self.pages += 1;
            let place = place(&self.source, &self.request, Some(self.pages), Some(&outgoing.url));
            if let Some(page) = self.read(outgoing).await.map_err(|kind| Error { place, kind })? {
                return Ok(Some(page));
            }
        }
    }

    fn next_request(&mut self) -> Result<Option<Outgoing>, ErrorKind> {
        if let Some(failure) = self.failure.take() {
            self.pager.stop();
            return Err(failure);
        }
        let Some(ask) = self.pager.ask() else { return Ok(None) };
        let followed = matches!(ask, Ask::Follow(_));
        let outgoing = match (ask, self.written.clone()) {
            (Ask::Written { range, page }, _) => {
                let endpoint = self.request.endpoint()?;
                let write = |columns: &[usize]| render::rows(&self.source.base, &self.request, columns, range, &page);
                let narrow = write(&self.layout.columns)?;
                // Whole rows are what was asked for, and more; a URL that is too long is no answer at all.
                let is_long = narrow.url.as_str().len() > endpoint.max_url_length;
                let written = if is_long { write(&[])? } else { narrow };
                self.written.insert(written).clone()
            }
            (Ask::Follow(url), Some(written)) => Outgoing { url, ..written },
            (Ask::Follow(_), None) => return Err(ErrorKind::Loop("a link before the first page".to_owned())),
        };
        self.guard.asking(&outgoing, followed)?;
        Ok(Some(outgoing))
    }

    /// Sends the request and decodes its page; `None` when there is none. The body is dropped when this returns.
    async fn read(&mut self, outgoing: Outgoing) -> Result<Option<Page>, ErrorKind> {
        let endpoint = self.request.endpoint()?;
        let not_found = endpoint.not_found;
        let table = Some(self.request.table.name.as_str());
        let operation = Operation {
            keeps: endpoint.stable || endpoint.paging == Paging::Single,
            ..self.source.operation(table, &endpoint.name, Purpose::Read, Some(self.pages))
        };
        let answer = call::send(&self.source, outgoing, operation).await?;
        if answer.status == StatusCode::NOT_FOUND && not_found == NotFound::Empty && self.pages == 1 {
            self.pager.stop();
            return self.page(RecordBatch::new_empty(self.decoder.schema().clone())).map(Some);
        }
        if self.pager.is_end(answer.status) {
            self.pager.stop();
            return self.ended().map(|()| None);
        }
        let answer = call::expect_ok(&self.source, answer)?;
        if answer.body.is_empty() {
            return Err(ErrorKind::Body("the body is empty where a page of rows was expected".to_owned()));
        }
        let decoded = self.decoder.decode(&answer.body)?;
        if self.pager.repeats_at_the_end() && self.guard.is_repeated(&decoded.batch)? {
            self.source.statement.count_page(0);
            self.pager.stop();
            return self.ended().map(|()| None);
        }
        self.take(&answer, decoded).map(Some)
    }

    /// Takes a page that is new.
    fn take(&mut self, answer: &Answer, decoded: Decoded) -> Result<Page, ErrorKind> {
        let Decoded { batch, next, more, count } = decoded;
        if self.layout.is_guarded {
            self.guard.received(&batch).map_err(|error| self.advised(error))?;
        }
        let (first, last) = self.keys(&batch);
        let endpoint = self.request.endpoint()?;
        self.pager.take(&Told {
            rows: batch.num_rows() as u64,
            next: next.as_deref(),
            more,
            total: count.or_else(|| total::in_header(endpoint, &answer.headers)),
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
        self.source.statement.count_page(batch.num_rows() as u64);
        self.ended()?;
        self.page(batch)
    }

    /// The values that a keyset's column has in the first row and in the last, as text.
    fn keys(&self, batch: &RecordBatch) -> (Option<String>, Option<String>) {
        let text = |row: usize| {
            let at = self.layout.keyset?;
            let column = self.request.table.columns.get(*self.layout.columns.get(at)?)?;
            cell::text(&cell::scalar(batch.column(at), row)?, &column.data_type)
        };
        (text(0), batch.num_rows().checked_sub(1).and_then(text))
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
                self.request = ScanRequest { fetch: None, ..request };
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
        let wanted: Vec<usize> = (0..self.request.columns.len()).collect();
        let batch = batch.project(&wanted).map_err(|error| ErrorKind::Body(error.to_string()))?;
        // Of a scan in slices each tells what is left.
        let total = self.pager.total().filter(|&total| self.slices.is_none() && !total::is_a_cap(total));
        Ok(Page { number: self.pages, batch, total })
    }
}
