//! A manifest to begin with, from what an API answers.
//!
//! Two parts. [`samples`] asks: the URL and, to see how pages follow each other, one or two more. [`manifest`] is pure:
//! it finds the rows, the columns, the key and the paging in those answers and writes a manifest with a comment
//! beside each guess.
//!
//! Samples prove little, and the reader of the manifest knows more. So what is not seen at work is marked, what was
//! tried and failed is written as a comment, and an endpoint that is known to have more rows than a request brings
//! fails until its paging is set. Values of rows never get into the manifest; a URL with a secret is refused.

mod address;
mod ask;
mod columns;
mod draft;
mod failure;
mod json;
mod names;
mod page;
mod paging;
mod plan;
mod rows;
#[cfg(test)]
mod tests;
mod texts;
mod yaml;

use http::{HeaderMap, StatusCode};
use url::Url;

pub use ask::samples;

use crate::{Error, ErrorKind, Result};
use draft::Draft;

/// A name for the connector of the API at this URL: the last part of its host that says something.
#[must_use]
pub fn connector_name(url: &Url) -> String {
    let Some(url::Host::Domain(host)) = url.host() else { return "api".to_owned() };
    let labels: Vec<&str> = host.split('.').collect();
    // `shop.co.uk`: what stands before the last label may be as general as that.
    let general = ["ac", "co", "com", "gov", "net", "org"];
    let owned = labels.len().saturating_sub(1);
    let label = labels[..owned].iter().rev().find(|label| !general.contains(label));
    names::snake(label.or(labels.first()).copied().unwrap_or("api"))
}

/// One answer of an API. Its `Debug` shows neither headers nor body.
#[derive(Clone)]
pub struct Sample {
    /// URL that was asked; for the first of several the one that answered, which is another after a redirect.
    pub url: Url,
    /// HTTP status.
    pub status: StatusCode,
    /// Headers of the response.
    pub headers: HeaderMap,
    /// Body, decompressed.
    pub body: Vec<u8>,
    /// Whether a token was sent with the request.
    pub signed: bool,
}

impl std::fmt::Debug for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sample")
            .field("url", &tidegate_transport::redact_url(&self.url))
            .field("status", &self.status)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("signed", &self.signed)
            .finish_non_exhaustive()
    }
}

/// A manifest that was inferred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inferred {
    /// The manifest's text, the same for the same samples.
    pub yaml: String,
    /// What was found and what is to be checked, one sentence each.
    pub notes: Vec<String>,
}

/// Writes the manifest of a connector called `name` with one table.
///
/// The first sample that is not a 401 or 403 is the list; the ones behind it may show how its pages follow each other,
/// in the way in which [`samples`] asks for them. A token, or an answer that wants one, gives the manifest an option
/// for it.
///
/// `variable` is the one that a connection reads its token from; by default it is named after the connector.
///
/// # Errors
/// A name that is not `[a-z][a-z0-9_]*`, a URL with a secret in it, and a first answer without rows: another status
/// than 200, no JSON, one object, an empty list.
pub fn manifest(name: &str, samples: &[Sample], variable: Option<&str>) -> Result<Inferred> {
    if !names::is_name(name) {
        let message = format!(
            "{name:?} is no name of a connector: it takes lower-case letters, digits and _, and begins with a letter"
        );
        return Err(Error::new(ErrorKind::Name, message));
    }
    let is_refused = |sample: &Sample| matches!(sample.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    let list = samples.iter().position(|sample| !is_refused(sample)).unwrap_or(0);
    let Some((first, further)) = samples.get(list..).and_then(<[Sample]>::split_first) else {
        return Err(Error::new(ErrorKind::Unsupported, "there is no sample to infer a manifest from"));
    };
    address::check(&first.url)?;
    let wants_token = samples.iter().any(|sample| sample.signed || is_refused(sample));
    let page = page::Page::read(first)?;
    Ok(Draft::new(name, &page, further, wants_token).reading(variable).write())
}
