//! Runs the endpoint's state machine: step, request, page, next step.
//!
//! [`paging`] decides what is asked for next, [`ceiling`] how a scan goes on past an API's limit, [`loop_guard`] that
//! the server moves on, [`total`] that all came. A page is decoded and handed on before anything else is asked for;
//! its body is gone by then. Only where the reader has said that it reads to the end is more under way ([`ahead`]).

mod ahead;
mod asking;
mod border;
mod ceiling;
pub(crate) mod cell;
mod layout;
mod link_header;
mod loop_guard;
mod page_size;
mod paging;
mod seen;
mod skip;
mod step;
mod tally;
mod total;
mod window;

use arrow::record_batch::RecordBatch;
use futures::stream::{self, BoxStream, StreamExt};
use http::StatusCode;
use tidegate_spec::{Count, NotFound};
use tidegate_transport::{Purpose, redact_url};
use url::Url;

use crate::decode::Decoder;
use crate::render::Outgoing;
use crate::{Error, ErrorKind, Place, Result, ScanRequest, Source, call, partition, render};
pub use skip::can_skip;
use step::Scan;

pub use tally::{Learnt, Tally};

/// One decoded page.
#[derive(Debug, Clone)]
pub struct Page {
    /// Number from 1.
    pub number: u64,
    /// Its rows, in the columns and order of [`ScanRequest::columns`].
    pub batch: RecordBatch,
    /// Rows that match the request over all pages, as far as the API has told by now.
    pub total: Option<u64>,
}

/// Pages in order. Nothing is asked for before it is polled; an error ends it.
pub type PageStream = BoxStream<'static, Result<Page>>;

/// The pages of a scan. Each request leaves when the reader polls for its page, so that a reader that stops
/// has spent no call more than it read. A page may have no rows.
pub fn scan(source: Source, request: ScanRequest) -> PageStream {
    scan_ahead(source, request, 0)
}

/// The same for a reader that takes all pages or, where the request has a `fetch`, goes on until it has so many rows.
/// Requests that such a reader is going to make are under way while it is busy, `most` of them at once; the pages come
/// in the same order. Where nothing is known of the pages to come, that is one request: the next.
///
/// A scan that is read so takes the calls that [`scan()`] takes. Only one that fails, or is dropped before its end, may
/// have sent up to `most` more; what is under way then is given up.
pub fn scan_ahead(source: Source, request: ScanRequest, most: usize) -> PageStream {
    let filled = partition::for_source(&source, request.clone());
    let told = source.clone();
    let first = match filled.and_then(|request| Scan::new(source.clone(), request, most)) {
        Ok(scan) => scan,
        Err(kind) => {
            let error = Error { place: place(&source, &request, None, None), kind };
            return stream::once(async move { Err(error) }).boxed();
        }
    };
    let pages = stream::unfold((Some(first), source.blanks), |(scan, blanks)| async move {
        let mut scan = scan?;
        match scan.next_page().await {
            Ok(Some(page)) => Some((Ok(page), (Some(scan), blanks))),
            Ok(None) => None,
            Err(error) => Some((Err(error.blanked(&blanks)), (None, blanks))),
        }
    });
    tally::watched(pages.boxed(), &told, &request)
}

/// The number of rows that match the request's filter, as the API counts them: one call.
///
/// # Errors
/// When the endpoint declares no count, or the server does not answer with one.
pub async fn count(source: Source, request: ScanRequest) -> Result<u64> {
    let refused = |kind| Error { place: place(&source, &request, None, None), kind };
    let asked = request.clone();
    let request = partition::for_source(&source, request.clone()).map_err(refused)?;
    let outgoing = count_request(&source, &request).map_err(refused)?;
    let place = place(&source, &request, None, Some(&outgoing.url));
    let counted = count_at(&source, &request, outgoing).await;
    let counted = counted.map_err(|kind| Error { place, kind }.blanked(&source.blanks))?;
    tally::counted(&source, &asked, counted);
    Ok(counted)
}

fn count_request(source: &Source, request: &ScanRequest) -> Result<Outgoing, ErrorKind> {
    let endpoint = request.endpoint()?;
    if endpoint.count.is_none() {
        return Err(ErrorKind::Unsupported(format!("endpoint {} does not count", endpoint.name)));
    }
    render::count(&source.base, request)
}

async fn count_at(source: &Source, request: &ScanRequest, outgoing: Outgoing) -> Result<u64, ErrorKind> {
    let endpoint = request.endpoint()?;
    let operation = source.operation(Some(&request.table.name), &endpoint.name, Purpose::Read, Some(1));
    let answer = call::send(source, outgoing, operation).await?;
    if answer.status == StatusCode::NOT_FOUND && endpoint.not_found == NotFound::Empty {
        return Ok(0);
    }
    let answer = call::expect_ok(source, answer)?;
    let decoded = Decoder::for_request(request, &[])?.decode(&answer.body)?;
    source.statement.count_page(decoded.batch.num_rows() as u64);
    let told = decoded.count.or_else(|| total::in_header(endpoint, &answer.headers)).ok_or_else(|| {
        let remedy = match endpoint.count {
            Some(Count::Told) => "take `count` out of the manifest",
            _ => "set the connection's option totals = 'ignore', and rows are counted here",
        };
        ErrorKind::Body(format!("the answer tells no count, though the endpoint declares that it counts; {remedy}"))
    })?;
    match endpoint.ceiling {
        // Some count no further than they send.
        Some(ceiling) if told == ceiling.rows => Err(ceiling::failure(ceiling, endpoint)),
        _ => Ok(told),
    }
}

/// Where something happened.
fn place(source: &Source, request: &ScanRequest, page: Option<u64>, url: Option<&Url>) -> Place {
    Place {
        connection: source.connection.to_string(),
        table: Some(request.table.name.clone()),
        partition: source.partition.as_deref().map(str::to_owned),
        row: None,
        page,
        url: url.map(|url| clipped(redact_url(url))).unwrap_or_default(),
    }
}

/// Servers make cursors of any length; an error is to be read.
fn clipped(url: String) -> String {
    const LONGEST: usize = 400;
    match url.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &url[..end]),
        None => url,
    }
}

#[cfg(test)]
mod tests;
