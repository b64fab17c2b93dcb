//! From rows to one request. Pure: the same rows make the same bytes every time, in every process.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use tidegate_spec::{Batch, BatchForm, DEFAULT_MAX_URL_LENGTH, Idempotency, Per, Single, Table, WriteKind};
use tidegate_transport::{redact_header, redact_url};

use super::node::Node;
use super::parts::{Context, Parts};
use super::{RowWrite, batch, single};
use crate::odata::query;
use crate::odata::url::below;
use crate::render::Outgoing;
use crate::{ErrorKind, Source, partition};

/// Which of a write's two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// One row by a request of its own.
    Single,
    /// Several rows by one.
    Batch,
}

/// A request ready to be sent. Its `Debug` shows no values of rows.
#[derive(Clone)]
pub struct Composed {
    /// SHA-256 of method, URL and body, in hexadecimal.
    pub digest: String,
    /// Bytes of the body.
    pub bytes: usize,
    pub(super) way: Way,
    pub(super) kind: WriteKind,
    /// Whether every row stands under a key, so that the request may be sent again.
    pub(super) is_keyed: bool,
    /// Whether the same request was sent before.
    pub(super) is_again: bool,
    pub(super) outgoing: Outgoing,
}

impl std::fmt::Debug for Composed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Composed")
            .field("method", &self.outgoing.method)
            .field("url", &redact_url(&self.outgoing.url))
            .field("bytes", &self.bytes)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

/// A request as EXPLAIN shows it: without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// HTTP method.
    pub method: String,
    /// URL.
    pub url: String,
    /// Headers but those that the connection's layers add.
    pub headers: Vec<(String, String)>,
    /// Body, if there is one.
    pub body: Option<String>,
}

impl Composed {
    /// The request as it may be shown.
    #[must_use]
    pub fn shown(&self, source: &Source) -> Shown {
        let blank = |text: String| source.blanks.apply(text);
        let header =
            |(name, value): (&HeaderName, &HeaderValue)| (name.as_str().to_owned(), blank(redact_header(name, value)));
        let body = &self.outgoing.body;
        Shown {
            method: self.outgoing.method.to_string(),
            url: blank(redact_url(&self.outgoing.url)),
            headers: self.outgoing.headers.iter().map(header).collect(),
            body: (!body.is_empty()).then(|| blank(String::from_utf8_lossy(body).into_owned())),
        }
    }

    /// The same for a request that was sent before, by whatever process: that the API refuses its key (409) may then mean
    /// that the earlier one is still under way.
    #[must_use]
    pub fn again(self) -> Self {
        Self { is_again: true, ..self }
    }
}

/// The request that writes these rows. `request_key` is the key under which the API does it once, where it takes one.
///
/// # Errors
/// [`ErrorKind::Unsupported`] when it cannot be made: the table offers no such write; a row has a column that is not
/// written, lacks one that is needed, or has a value that the API's form cannot hold; too many rows, or too many bytes.
/// With several rows the fault may be one row's: each by itself tells which.
pub fn compose(
    source: &Source,
    table: &Table,
    kind: WriteKind,
    way: Way,
    rows: &[RowWrite],
    request_key: Option<&str>,
) -> Result<Composed, ErrorKind> {
    partition::check_base(source)?;
    let context = Context::new(table, kind, source.partition.as_deref())?.of_rows(rows);
    if rows.iter().any(|row| row.kind != kind) {
        return Err(ErrorKind::Unsupported("rows of several kinds cannot be written by one request".to_owned()));
    }
    let (method, parts, idempotency) = match way {
        Way::Single => {
            let (single, row) = of_single(&context, rows)?;
            (single.method, single::parts(&context, single, row, request_key)?, single.idempotency.as_ref())
        }
        Way::Batch => {
            let batch = of_batch(&context, rows)?;
            (batch.method, batch::parts(&context, batch, rows, request_key)?, keys_of(&context, batch))
        }
    };
    // Each request within OData's batch says it for itself.
    let json = if way == Way::Batch { "application/json" } else { context.wire.content_type() };
    let outgoing = outgoing(source, &context, single::method(method), parts, json)?;
    if let Some(batch) = context.write.batch.as_ref().filter(|_| way == Way::Batch) {
        check_size(batch, &outgoing)?;
    }
    let is_keyed = idempotency.is_some_and(|declared| match declared.per {
        Per::Request => request_key.is_some_and(|key| !key.is_empty()),
        Per::Row => rows.iter().all(|row| !row.row_key.is_empty()),
    });
    let digest = digest(&outgoing);
    Ok(Composed { digest, bytes: outgoing.body.len(), way, kind, is_keyed, is_again: false, outgoing })
}

fn of_single<'a>(context: &Context<'a>, rows: &'a [RowWrite]) -> Result<(&'a Single, &'a RowWrite), ErrorKind> {
    let none = || ErrorKind::Unsupported(format!("{} of one row by itself is not offered", context.kind.sql()));
    let single = context.write.single.as_ref().ok_or_else(none)?;
    let [row] = rows else {
        return Err(ErrorKind::Unsupported(format!("{} rows for a request that writes one", rows.len())));
    };
    Ok((single, row))
}

fn of_batch<'a>(context: &Context<'a>, rows: &[RowWrite]) -> Result<&'a Batch, ErrorKind> {
    let none = || ErrorKind::Unsupported(format!("{} of several rows at once is not offered", context.kind.sql()));
    let batch = context.write.batch.as_ref().ok_or_else(none)?;
    if rows.is_empty() || rows.len() > batch.max {
        let message = format!("{} rows in one request, which takes 1 to {}", rows.len(), batch.max);
        return Err(ErrorKind::Unsupported(message));
    }
    let shares = |row: &RowWrite| batch::shares_path(context.kind, &batch.path, &rows[0], row);
    if !rows.iter().all(shares) {
        let message = format!("rows with other values in the path {} cannot be written by one request", batch.path);
        return Err(ErrorKind::Unsupported(message));
    }
    Ok(batch)
}

/// Refuses what the API would: too long a body, or a URL with more keys than a server takes.
fn check_size(batch: &Batch, outgoing: &Outgoing) -> Result<(), ErrorKind> {
    let too_long = |what: &str, bytes: usize, most: usize| {
        let message =
            format!("the {what} of the request has {bytes} bytes, and {most} is the most: send fewer rows at once");
        Err(ErrorKind::Unsupported(message))
    };
    let url = outgoing.url.as_str().len();
    match batch.max_bytes {
        Some(most) if outgoing.body.len() > most => too_long("body", outgoing.body.len(), most),
        _ if url > DEFAULT_MAX_URL_LENGTH => too_long("url", url, DEFAULT_MAX_URL_LENGTH),
        _ => Ok(()),
    }
}

/// The key of a batch; in OData's each request has that of the single one.
pub(super) fn keys_of<'a>(context: &Context<'a>, batch: &'a Batch) -> Option<&'a Idempotency> {
    match (&batch.idempotency, &batch.form) {
        (Some(declared), _) => Some(declared),
        (None, BatchForm::ODataJson) => context.write.single.as_ref()?.idempotency.as_ref(),
        _ => None,
    }
}

fn outgoing(
    source: &Source,
    context: &Context<'_>,
    method: http::Method,
    parts: Parts,
    json: &'static str,
) -> Result<Outgoing, ErrorKind> {
    let query = parts.query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let url = below(&source.base, &parts.path, query)?;
    let mut headers = context.wire.odata.map(query::headers).unwrap_or_default();
    for (name, value) in &parts.headers {
        set_header(&mut headers, name, value)?;
    }
    headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
    let (body, content_type) = match &parts.body {
        None => (Bytes::new(), None),
        Some(body) if parts.is_form => (form(body)?, Some("application/x-www-form-urlencoded")),
        Some(body) => (Bytes::from(body.bytes()?), Some(json)),
    };
    if let Some(content_type) = content_type {
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type));
    }
    Ok(Outgoing { method, url, headers, body })
}

/// The value is left out of the message: it may be a secret.
fn set_header(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), ErrorKind> {
    let bad = |what: &str| ErrorKind::Unsupported(format!("header {name:?}: its {what} cannot be sent"));
    let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("name"))?;
    // Beyond ASCII a header has no encoding that servers agree on.
    let value = if value.is_ascii() { HeaderValue::from_str(value).ok() } else { None };
    headers.insert(header, value.ok_or_else(|| bad("value"))?);
    Ok(())
}

/// The document as a form: what is nested stands in brackets, `address[city]`, `items[0][price]`.
fn form(body: &Node) -> Result<Bytes, ErrorKind> {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    let mut rest: Vec<(String, &Node)> = vec![(String::new(), body)];
    while let Some((name, node)) = rest.pop() {
        let inner = |step: &str| if name.is_empty() { step.to_owned() } else { format!("{name}[{step}]") };
        match node {
            Node::Object(members) => {
                rest.extend(members.iter().rev().map(|(member, node)| (inner(member), node)));
            }
            Node::List(items) => {
                rest.extend(items.iter().enumerate().rev().map(|(index, node)| (inner(&index.to_string()), node)));
            }
            Node::Digits(digits) => {
                pairs.append_pair(&name, digits.get());
            }
            Node::Leaf(Json::String(text)) => {
                pairs.append_pair(&name, text);
            }
            Node::Leaf(Json::Null) => {
                return Err(ErrorKind::Unsupported(format!("{name}: a form has no NULL")));
            }
            Node::Leaf(value) => {
                pairs.append_pair(&name, &value.to_string());
            }
        }
    }
    Ok(Bytes::from(pairs.finish()))
}

fn digest(outgoing: &Outgoing) -> String {
    let mut hash = Sha256::new();
    for part in [outgoing.method.as_str().as_bytes(), outgoing.url.as_str().as_bytes(), &outgoing.body] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
