//! Runs the endpoint's state machine: step, request, page, next step.
//!
//! [`step`] decides what is asked for next, [`loop_guard`] that the server moves on, [`total`] that all came. A page is decoded and
//! handed on before anything else is asked for; its body is gone by then.

mod loop_guard;
mod step;
mod total;

use arrow::record_batch::RecordBatch;
use futures::stream::{self, BoxStream, StreamExt};
use tidegate_spec::Count;
use tidegate_transport::{Purpose, redact_url};
use url::Url;

use crate::decode::Decoder;
use crate::odata::{query, url as odata_url};
use crate::{Error, ErrorKind, Place, Result, ScanRequest, Source, call};
use step::Scan;

/// One decoded page.
#[derive(Debug, Clone)]
pub struct Page {
    /// Number from 1.
    pub number: u64,
    /// Its rows, in the columns and order of [`ScanRequest::columns`].
    pub batch: RecordBatch,
}

/// Pages in order. Nothing is asked for before it is polled; an error ends it.
pub type PageStream = BoxStream<'static, Result<Page>>;

/// The pages of a scan. Each request leaves when the reader polls for its page, so that a reader that stops
/// has spent no call more than it read. A page may have no rows.
pub fn scan(source: Source, request: ScanRequest) -> PageStream {
    let first = match Scan::new(source.clone(), request.clone()) {
        Ok(scan) => scan,
        Err(kind) => {
            let error = Error { place: place(&source, &request, None, None), kind };
            return stream::once(async move { Err(error) }).boxed();
        }
    };
    stream::unfold(Some(first), |scan| async move {
        let mut scan = scan?;
        match scan.next_page().await {
            Ok(Some(page)) => Some((Ok(page), Some(scan))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

/// The number of rows that match the request's filter, as the API counts them: one call.
///
/// # Errors
/// When the endpoint declares no count, or the server does not answer with one.
pub async fn count(source: Source, request: ScanRequest) -> Result<u64> {
    let url =
        count_url(&source, &request).map_err(|kind| Error { place: place(&source, &request, None, None), kind })?;
    let place = place(&source, &request, None, Some(&url));
    count_at(&source, &request, url).await.map_err(|kind| Error { place, kind })
}

fn count_url(source: &Source, request: &ScanRequest) -> Result<Url, ErrorKind> {
    let endpoint = request.endpoint()?;
    if endpoint.count != Some(Count::Inline) {
        return Err(ErrorKind::Unsupported(format!("endpoint {} does not count", endpoint.name)));
    }
    odata_url::resource(&source.base, &endpoint.path, &query::count(request, query::version(request)?)?)
}

async fn count_at(source: &Source, request: &ScanRequest, url: Url) -> Result<u64, ErrorKind> {
    let endpoint = request.endpoint()?;
    let headers = query::headers(query::version(request)?);
    let operation = source.operation(Some(&request.table.name), &endpoint.name, Purpose::Read, Some(1));
    let answer = call::expect_ok(source, call::get(source, url, headers, operation).await?)?;
    let decoder = Decoder::new(&request.table, &[], &endpoint.envelope, request.on_bad_value);
    let decoded = decoder.decode(&answer.body)?;
    source.statement.count_page(decoded.batch.num_rows() as u64);
    decoded.count.ok_or_else(|| {
        ErrorKind::Body("the answer tells no count, though the endpoint declares that it counts".to_owned())
    })
}

/// Where something happened.
fn place(source: &Source, request: &ScanRequest, page: Option<u64>, url: Option<&Url>) -> Place {
    Place {
        connection: source.connection.to_string(),
        table: Some(request.table.name.clone()),
        partition: source.partition.as_deref().map(str::to_owned),
        page,
        url: url.map(redact_url).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
