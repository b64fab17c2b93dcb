//! What a scan asks for next.
//!
//! ```text
//! First ──next link──> Follow ──next link──> Follow … ──no next link──> Done
//!   └─ or, when exactly `$top` rows came and no next link: Skip (the rows after them, `$top` growing)
//! ```
//!
//! A scan to the end asks for the total, too. A service that refuses that is asked again without.

use http::StatusCode;
use tidegate_spec::{Count, ODataVersion, Paging, Window};
use tidegate_transport::Purpose;
use url::Url;

use super::loop_guard::LoopGuard;
use super::{Page, place, total};
use crate::decode::{Decoded, Decoder};
use crate::odata::query::{self, Range};
use crate::odata::url as odata_url;
use crate::{Error, ErrorKind, Result, ScanRequest, Source, call};

/// `$top` of the first request after the rows wanted at first did not do. Each one after it is four times as
/// large: few calls, and no service is asked for a whole table because ten rows were not enough.
const SECOND_TOP: u64 = 1000;

/// What is asked for next.
#[derive(Debug)]
enum Step {
    /// The rows from the start.
    First,
    /// A next link.
    Follow(Url),
    /// The rows after those that were read, since `$top` had cut them off.
    Skip,
    /// Nothing.
    Done,
}

/// `$top` as it was sent, and what has come of it.
#[derive(Debug, Clone, Copy)]
struct Asked {
    top: u64,
    received: u64,
}

/// A scan under way.
pub(super) struct Scan {
    source: Source,
    request: ScanRequest,
    version: ODataVersion,
    /// Columns of a response: those wanted, then what the guard looks at.
    columns: Vec<usize>,
    decoder: Decoder,
    guard: LoopGuard,
    step: Step,
    asked: Option<Asked>,
    /// Whether the first request asks for the total.
    asks_total: bool,
    pages: u64,
    rows: u64,
}

impl Scan {
    pub(super) fn new(source: Source, request: ScanRequest) -> Result<Self, ErrorKind> {
        let version = query::version(&request)?;
        let columns = columns_to_read(&request);
        let endpoint = request.endpoint()?;
        let decoder = Decoder::new(&request.table, &columns, &endpoint.envelope, request.on_bad_value);
        let key = request.table.key.iter().filter_map(|key| columns.iter().position(|column| column == key)).collect();
        let guard = LoopGuard::new(key);
        let asks_total = request.fetch.is_none() && endpoint.count == Some(Count::Inline);
        Ok(Self {
            source,
            request,
            version,
            columns,
            decoder,
            guard,
            step: Step::First,
            asked: None,
            asks_total,
            pages: 0,
            rows: 0,
        })
    }

    /// Asks for the next page; `None` after the last.
    pub(super) async fn next_page(&mut self) -> Result<Option<Page>> {
        match self.try_next_page().await {
            Err(error) if self.total_refused(&error.kind) => {
                (self.asks_total, self.step, self.pages) = (false, Step::First, 0);
                self.try_next_page().await
            }
            result => result,
        }
    }

    /// Whether the first request may have failed for nothing but its asking for the total.
    fn total_refused(&self, error: &ErrorKind) -> bool {
        let refusals = [StatusCode::BAD_REQUEST, StatusCode::NOT_IMPLEMENTED];
        let refused = matches!(error, ErrorKind::Status { status, .. } if refusals.contains(status));
        refused && self.asks_total && self.pages == 1
    }

    async fn try_next_page(&mut self) -> Result<Option<Page>> {
        let url = match self.next_url() {
            Ok(Some(url)) => url,
            Ok(None) => return Ok(None),
            Err(kind) => {
                return Err(Error { place: place(&self.source, &self.request, Some(self.pages + 1), None), kind });
            }
        };
        self.pages += 1;
        let place = place(&self.source, &self.request, Some(self.pages), Some(&url));
        self.read(url).await.map(Some).map_err(|kind| Error { place, kind })
    }

    fn next_url(&mut self) -> Result<Option<Url>, ErrorKind> {
        let url = match std::mem::replace(&mut self.step, Step::Done) {
            Step::Done => return Ok(None),
            Step::Follow(url) => url,
            Step::First => {
                let window = self.request.endpoint()?.window;
                // Going on behind `$top` needs a key: without one nothing tells a service that ignores `$skip` and
                // sends the first rows again.
                let has_window = window == Some(Window::TopSkip) && !self.request.table.key.is_empty();
                let top = self.request.fetch.filter(|&rows| rows > 0 && has_window);
                self.render(None, top)?
            }
            Step::Skip => {
                let top = self.asked.map_or(SECOND_TOP, |asked| asked.top.saturating_mul(4).max(SECOND_TOP));
                self.render(Some(self.rows), Some(top))?
            }
        };
        self.guard.asking(&url)?;
        Ok(Some(url))
    }

    fn render(&mut self, skip: Option<u64>, top: Option<u64>) -> Result<Url, ErrorKind> {
        self.asked = top.map(|top| Asked { top, received: 0 });
        let range = Range { skip, top, total: self.asks_total && skip.is_none() };
        let endpoint = self.request.endpoint()?;
        let url = |columns: &[usize]| {
            let options = query::rows(&self.request, self.version, columns, range)?;
            odata_url::resource(&self.source.base, &endpoint.path, &options)
        };
        let narrow = url(&self.columns)?;
        // Whole rows are what was asked for, and more; a URL that is too long is no answer at all.
        if narrow.as_str().len() > endpoint.max_url_length { url(&[]) } else { Ok(narrow) }
    }

    /// Sends the request and decodes its page. The body is dropped when this returns.
    async fn read(&mut self, url: Url) -> Result<Page, ErrorKind> {
        let endpoint = self.request.endpoint()?;
        let table = Some(self.request.table.name.as_str());
        let operation = self.source.operation(table, &endpoint.name, Purpose::Read, Some(self.pages));
        let headers = query::headers(self.version);
        let answer = call::expect_ok(&self.source, call::get(&self.source, url, headers, operation).await?)?;
        if answer.body.is_empty() {
            return Err(ErrorKind::Body("the body is empty where a page of rows was expected".to_owned()));
        }
        let Decoded { batch, next, count } = self.decoder.decode(&answer.body)?;
        self.source.statement.count_page(batch.num_rows() as u64);
        self.guard.received(&batch)?;
        self.rows += batch.num_rows() as u64;
        self.step = self.after(batch.num_rows() as u64, next.as_deref(), count, &answer.url)?;
        let wanted: Vec<usize> = (0..self.request.columns.len()).collect();
        let batch = batch.project(&wanted).map_err(|error| ErrorKind::Body(error.to_string()))?;
        Ok(Page { number: self.pages, batch })
    }

    fn after(&mut self, rows: u64, next: Option<&str>, total: Option<u64>, answered: &Url) -> Result<Step, ErrorKind> {
        // One that was not asked for may count something else, such as the rows before `$top`.
        let total = total.filter(|_| self.asks_total);
        let endpoint = self.request.endpoint()?;
        if let Some(asked) = &mut self.asked {
            asked.received += rows;
        }
        match next.filter(|link| !link.is_empty()) {
            Some(link) if endpoint.paging == Paging::NextUrl => {
                let next = odata_url::next_link(&self.source.base, &endpoint.path, answered, link)?;
                let is_past_the_end = total::is_past_the_end(&next, total, self.rows);
                Ok(if is_past_the_end { Step::Done } else { Step::Follow(next) })
            }
            Some(_) => Err(ErrorKind::Body("the answer goes on, though the endpoint declares one page".to_owned())),
            // Fewer rows than wanted: these were all. More: the service ignored `$top`, and these were all too.
            None if self.asked.is_some_and(|asked| asked.received == asked.top) => Ok(Step::Skip),
            None => total::check_complete(total, self.rows).map(|()| Step::Done),
        }
    }
}

/// The columns wanted, then those of the key, by which the guard tells pages apart. Without a key it can only
/// compare whole rows, so all columns are read.
fn columns_to_read(request: &ScanRequest) -> Vec<usize> {
    let mut columns = request.columns.clone();
    let all: Vec<usize> = (0..request.table.columns.len()).collect();
    let guarded = if request.table.key.is_empty() { &all } else { &request.table.key };
    for column in guarded {
        if !columns.contains(column) {
            columns.push(*column);
        }
    }
    columns
}
