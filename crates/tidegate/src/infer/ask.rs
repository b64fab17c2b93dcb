//! Asks for samples: the list and, as far as it says how, its next page.

use std::sync::Arc;

use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, Method};
use tidegate_transport::{
    BodyMode, ErrorKind as TransportErrorKind, Operation, Purpose, Repeat, Request, Secret, Statement, Transport,
    redact_text, redact_url,
};
use url::Url;

use super::page::Page;
use super::paging::{Verdict, candidates, verdict};
use super::{Sample, address};
use crate::{Error, ErrorKind, Result};

/// Ways of paging that are tried: with the list itself, three calls.
const TRIES: usize = 2;

/// Largest body that is read, in bytes: a page of some hundred rows is far smaller.
const BODY_CAP: u64 = 16 * 1024 * 1024;

/// Asks for a list and, where the answer lets one guess how, for its next page: three calls at most.
///
/// `transport` is a connection's whole stack, which guards its origin and signs requests; `token` is what it signs
/// with, so that no message repeats it.
///
/// # Errors
/// A URL with a secret in it, an API that cannot be reached, and all that keeps [`super::manifest`] from finding rows
/// in the first answer. A next page that fails is no error: it confirms nothing.
pub async fn samples(
    transport: &Arc<dyn Transport>,
    statement: &Arc<Statement>,
    url: &Url,
    token: Option<&Secret>,
) -> Result<Vec<Sample>> {
    let secrets: Vec<Secret> = token.into_iter().cloned().collect();
    let blank = |error: Error| Error::new(error.kind(), redact_text(&error.to_string(), &secrets));
    address::check(url)?;
    let call = |url: Url, page: u64| send(transport, statement, url, page, token.is_some());
    let first = call(url.clone(), 1).await.map_err(|error| blank(unreachable(url, error)))?;
    let page = Page::read(&first).map_err(blank)?;
    let mut further: Vec<Sample> = Vec::new();
    let candidates = candidates(&page);
    let next = candidates.iter().filter_map(|candidate| candidate.next.as_ref());
    for next in next.filter(|next| next.origin() == first.url.origin()).take(TRIES) {
        match call(next.clone(), further.len() as u64 + 2).await {
            Ok(sample) => further.push(Sample { url: next.clone(), ..sample }),
            Err(error) if error.is_cancelled() => return Err(error.into()),
            Err(_) => break,
        }
        if let Some((_, Verdict::Moved(_))) = verdict(&page, candidates.clone(), &further) {
            break;
        }
    }
    further.insert(0, first);
    Ok(further)
}

async fn send(
    transport: &Arc<dyn Transport>,
    statement: &Arc<Statement>,
    url: Url,
    page: u64,
    signed: bool,
) -> tidegate_transport::Result<Sample> {
    let operation = Operation {
        principal: Arc::from("connector new"),
        connection: Arc::from("new"),
        partition: None,
        table: None,
        endpoint: Arc::from("sample"),
        purpose: Purpose::Read,
        repeat: Repeat::Safe,
        page: Some(page),
        attempt: 1,
        quota_wait: std::time::Duration::ZERO,
        body: BodyMode::Collect { cap: BODY_CAP },
        keeps: false,
        reuse: true,
        fresh: false,
        cache: None,
        statement: Arc::clone(statement),
    };
    let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
    let request = Request { method: Method::GET, url, headers, body: Bytes::new(), operation };
    let response = transport.send(request).await?;
    let body = response.body.collect(BODY_CAP).await?.to_vec();
    Ok(Sample { url: response.url, status: response.status, headers: response.headers, body, signed })
}

/// An error of the way to the API, with what to do where this command knows more than the layers.
fn unreachable(url: &Url, error: tidegate_transport::Error) -> Error {
    let shown = redact_url(url);
    let message = match error.kind() {
        TransportErrorKind::TooLarge => {
            let cap = BODY_CAP / (1024 * 1024);
            format!(
                "{shown}: the answer is larger than {cap} MB; ask for fewer rows, such as with ?limit=50 or ?per_page=50"
            )
        }
        TransportErrorKind::OriginRefused => {
            format!("{shown}: it redirects to another origin; if that is the API, give its URL ({error})")
        }
        TransportErrorKind::Redirect => format!("{shown}: {error}"),
        _ => return error.into(),
    };
    Error::new(ErrorKind::Remote, message).with_source(error)
}
