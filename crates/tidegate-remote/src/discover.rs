//! Asks an API to describe itself.

use http::StatusCode;
use http::header::{ACCEPT, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use tidegate_transport::{Purpose, redact_url};
use url::Url;

use crate::call::{self, Answer};
use crate::odata::url as odata_url;
use crate::{Error, ErrorKind, Place, Result, Source, partition, server_message};

/// Name of the description below the service root (OData 4.01 part 2, 4.2).
const METADATA: &str = "$metadata";

/// A description as the server sent it, with what revalidates it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The document (`$metadata`): XML, for [`tidegate_spec::odata::parse`].
    pub document: String,
    /// `ETag`, if the server sent one.
    pub etag: Option<String>,
    /// `Last-Modified`, if the server sent one.
    pub last_modified: Option<String>,
}

/// Fetches `$metadata`, in one call. `Ok(None)` means that the cached one (given by its validators) still holds.
///
/// # Errors
/// When the server does not answer with XML. Whether that is a service description is not looked at here.
pub async fn odata_metadata(source: &Source, cached: Option<&Description>) -> Result<Option<Description>> {
    let place = |url: Option<&Url>| Place {
        connection: source.connection.to_string(),
        partition: source.partition.as_deref().map(str::to_owned),
        url: url.map(redact_url).unwrap_or_default(),
        ..Place::default()
    };
    partition::check_base(source).map_err(|kind| Error { place: place(None), kind })?;
    let url =
        odata_url::resource(&source.base, METADATA, &Vec::new()).map_err(|kind| Error { place: place(None), kind })?;
    let place = place(Some(&url));
    fetch(source, url, cached).await.map_err(|kind| Error { place, kind })
}

async fn fetch(source: &Source, url: Url, cached: Option<&Description>) -> Result<Option<Description>, ErrorKind> {
    let operation = source.operation(None, METADATA, Purpose::Metadata, None);
    let answer = call::get(source, url, headers(cached), operation).await?;
    match answer.status {
        StatusCode::NOT_MODIFIED if cached.is_some() => return Ok(None),
        StatusCode::NOT_FOUND => return Err(not_found(source, &answer)),
        _ => {}
    }
    let answer = call::expect_ok(source, answer)?;
    let document = document(&answer)?;
    Ok(Some(Description {
        document,
        etag: text_of(&answer.headers, &ETAG),
        last_modified: text_of(&answer.headers, &LAST_MODIFIED),
    }))
}

fn headers(cached: Option<&Description>) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/xml"))]);
    let Some(cached) = cached else { return headers };
    for (name, value) in [(IF_NONE_MATCH, &cached.etag), (IF_MODIFIED_SINCE, &cached.last_modified)] {
        // A validator that cannot be sent only means that the whole document comes again.
        if let Some(value) = value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    }
    headers
}

fn not_found(source: &Source, answer: &Answer) -> ErrorKind {
    let root = redact_url(&source.base);
    let advice = format!("is {root} the service root? It is the URL below which $metadata stands");
    let said = server_message::extract(&answer.body).filter(|_| !is_page(&answer.body));
    let message = said.map_or_else(|| advice.clone(), |said| format!("{said}; {advice}"));
    ErrorKind::Status { status: answer.status, message: Some(message) }
}

/// The body as XML text, or why it is none.
fn document(answer: &Answer) -> Result<String, ErrorKind> {
    let text = std::str::from_utf8(&answer.body)
        .map_err(|_| ErrorKind::Body("the service description is not UTF-8".to_owned()))?;
    let text = text.trim_start_matches('\u{feff}');
    let start = text.trim_start();
    let problem = if start.is_empty() {
        "an empty body".to_owned()
    } else if server_message::is_html(text) {
        let title = server_message::extract(&answer.body).unwrap_or_default();
        let title: String = title.chars().take(80).collect();
        format!("an HTML page ({title}): it may want a login, or the url is not the service root")
    } else if start.starts_with(['{', '[']) {
        let said = server_message::extract(&answer.body).unwrap_or_default();
        let said: String = said.chars().take(80).collect();
        format!("JSON ({said}): only descriptions in XML are read, and the url has to be the service root")
    } else if !start.starts_with('<') {
        "something that is not XML: is the url the service root?".to_owned()
    } else {
        return Ok(text.to_owned());
    };
    Err(ErrorKind::Body(format!("in place of the service description the server sent {problem}")))
}

fn is_page(body: &[u8]) -> bool {
    std::str::from_utf8(body).is_ok_and(server_message::is_html)
}

fn text_of(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

#[cfg(test)]
mod tests;
