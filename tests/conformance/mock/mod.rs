//! An API that is nothing but its declaration: it answers each endpoint of a table as the typed model describes it,
//! and refuses what the model does not declare.
//!
//! It reads requests with code of its own ([`read`]): a mistake in what the product renders is not made twice. It
//! stands in place of the network, so that every layer of the product's transport is part of what is tested.

mod behaviour;
mod condition;
mod items;
mod page;
mod read;
mod sort;
#[cfg(test)]
mod tests;
mod text;
mod tokens;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value as Json, json};
use tidegate::transport::{Body, Error, ErrorKind, Request, Response, Sent, Transport};
use tidegate_spec::{EndpointKind, Method, Operator, Table};
use url::{Position, Url};

pub(crate) use self::behaviour::{Behaviour, Fault, FaultKind, Links, Next, NoToken};
pub(crate) use self::condition::{Condition, Fidelity};
use self::page::Answer;
pub(crate) use self::page::OWN_PAGE_SIZE;
pub(crate) use self::read::Asked;
use self::read::Refusal;
pub(crate) use self::tokens::ACCESS;
use self::tokens::Tokens;
use super::data::Row;

/// Another host, on which the same is served.
pub(crate) const ELSEWHERE: &str = "elsewhere.example";

/// The server.
#[derive(Debug)]
pub(crate) struct Mock {
    base: Url,
    /// Query parameters that carry credentials.
    credentials: Vec<String>,
    /// Where tokens are given out, if they are.
    tokens: Option<Tokens>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    table: Option<Arc<Table>>,
    rows: Vec<Row>,
    behaviour: Behaviour,
    log: Vec<Entry>,
    /// Next URLs and tokens that were given out, and where they lead.
    issued: HashMap<String, Place>,
}

/// A place in the rows of one query.
#[derive(Debug, Clone)]
struct Place {
    endpoint: usize,
    asked: Asked,
    start: u64,
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// Index of the endpoint that it is for.
    pub(crate) endpoint: Option<usize>,
    pub(crate) asked: Asked,
    pub(crate) status: u16,
    pub(crate) rows: usize,
    /// What was wrong with it.
    pub(crate) refused: Option<String>,
}

impl Entry {
    /// Columns and operators that it filters by.
    pub(crate) fn filters(&self) -> Vec<(usize, Operator)> {
        self.asked.conditions.iter().flat_map(Condition::leaves).collect()
    }
}

impl Mock {
    pub(crate) fn new(base: Url, credentials: Vec<String>) -> Self {
        Self { base, credentials, tokens: None, state: Mutex::default() }
    }

    /// Gives out tokens at this URL, and takes no request without the newest one.
    pub(crate) fn with_tokens(self, url: Url) -> Self {
        Self { tokens: Some(Tokens::new(url)), ..self }
    }

    /// Requests for tokens so far: headers and body of each.
    pub(crate) fn token_requests(&self) -> Vec<(HeaderMap, String)> {
        self.tokens.as_ref().map(Tokens::requests).unwrap_or_default()
    }

    /// Serves these rows of this table from now on, and forgets what was asked so far.
    pub(crate) fn serve(&self, table: &Table, rows: &[Row], behaviour: Behaviour) {
        *self.lock() =
            State { table: Some(Arc::new(table.clone())), rows: rows.to_vec(), behaviour, ..State::default() };
    }

    /// Requests so far, in order; they are forgotten.
    pub(crate) fn take_log(&self) -> Vec<Entry> {
        std::mem::take(&mut self.lock().log)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request's path below the base URL, and its path and query without credentials.
    fn locate(&self, url: &Url) -> (Option<String>, String) {
        let mut bare = url.clone();
        let kept: Vec<&str> = url.query().unwrap_or_default().split('&').collect();
        let is_credential = |pair: &str| self.credentials.iter().any(|name| pair.starts_with(&format!("{name}=")));
        let kept: Vec<&str> = kept.into_iter().filter(|pair| !pair.is_empty() && !is_credential(pair)).collect();
        bare.set_query(Some(kept.join("&")).filter(|query| !query.is_empty()).as_deref());
        if url.host_str() == Some(ELSEWHERE) {
            bare.set_host(self.base.host_str()).expect("a host");
        }
        let is_ours = bare.origin() == self.base.origin();
        let path = url.path().strip_prefix(self.base.path()).filter(|_| is_ours);
        (path.map(str::to_owned), bare[Position::BeforePath..].to_owned())
    }
}

#[async_trait]
impl Transport for Mock {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        if let Some(answer) = self.tokens.as_ref().and_then(|tokens| tokens.answer(&request)) {
            return Ok(answer.response(request.url));
        }
        let (path, bare) = self.locate(&request.url);
        let mut state = self.lock();
        let number = state.log.len() + 1;
        let answered = match &self.tokens {
            Some(tokens) => tokens.check(&request),
            None => Ok(()),
        };
        let answered = answered.and_then(|()| state.answer(path.as_deref(), &bare, &request, &self.credentials));
        let mut entry = Entry {
            url: request.url.clone(),
            headers: request.headers.clone(),
            body: String::from_utf8_lossy(&request.body).into_owned(),
            endpoint: None,
            asked: Asked::default(),
            status: 200,
            rows: 0,
            refused: None,
        };
        let answer = match answered {
            Ok((place, answer)) => {
                (entry.endpoint, entry.asked, entry.rows) = (Some(place.endpoint), place.asked, answer.rows);
                answer
            }
            Err(refusal) => {
                entry.refused = Some(refusal.message.clone());
                Answer::of(refusal.status, &json!({"message": refusal.message, "error": {"message": refusal.message}}))
            }
        };
        let fault = state.behaviour.fault.as_ref();
        let fault = fault.filter(|fault| number == fault.at || (fault.is_lasting && number > fault.at));
        let fault = fault.filter(|_| entry.refused.is_none()).map(|fault| fault.kind.clone());
        let is_spoilt = fault.is_some();
        let envelope = entry.endpoint.and_then(|endpoint| Some(&state.table.as_ref()?.endpoints[endpoint].envelope));
        let result = match fault {
            Some(kind) => spoilt(kind, answer, envelope, request.url),
            None => Ok(answer.response(request.url)),
        };
        entry.status = result.as_ref().map_or(0, |response| response.status.as_u16());
        if is_spoilt {
            entry.rows = 0;
        }
        state.log.push(entry);
        result
    }
}

impl State {
    fn answer(
        &mut self,
        path: Option<&str>,
        bare: &str,
        request: &Request,
        credentials: &[String],
    ) -> Result<(Place, Answer), Refusal> {
        let Some(table) = self.table.clone() else { panic!("a request before anything is served: {bare}") };
        let place = match self.issued.get(bare).filter(|_| path.is_some()) {
            Some(place) => place.clone(),
            None => self.place(&table, path, request, credentials)?,
        };
        let answer = match table.endpoints[place.endpoint].kind {
            EndpointKind::Get => self.one(&table, &place)?,
            _ => self.page(&table, &place, request)?,
        };
        Ok((place, answer))
    }

    /// Which endpoint is meant: of those that fit, the one that the request was made for, if it takes it.
    fn place(
        &self,
        table: &Table,
        path: Option<&str>,
        request: &Request,
        credentials: &[String],
    ) -> Result<Place, Refusal> {
        let unknown = || Refusal { status: 404, message: format!("nothing at {} {}", request.method, request.url) };
        let path = path.ok_or_else(unknown)?;
        let mut found: Vec<_> = table
            .endpoints
            .iter()
            .enumerate()
            .filter(|(_, endpoint)| (endpoint.method == Method::Post) == (request.method == http::Method::POST))
            .filter_map(|(index, endpoint)| Some((index, endpoint, read::captures(&endpoint.path, path)?)))
            .collect();
        // Several endpoints may have one path, and say different things by one parameter: the product says which it means.
        found.sort_by_key(|(_, endpoint, captured)| (endpoint.name != *request.operation.endpoint, captured.len()));
        let mut refusal = None;
        for (index, endpoint, captured) in found {
            match read::read(table, endpoint, &captured, request, credentials) {
                Ok(asked) => {
                    let start = self.start(table, index, &asked)?;
                    return Ok(Place { endpoint: index, asked, start });
                }
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        Err(refusal.unwrap_or_else(unknown))
    }
}

fn spoilt(
    kind: FaultKind,
    answer: Answer,
    envelope: Option<&tidegate_spec::Envelope>,
    url: Url,
) -> Result<Response, Error> {
    let broken = || Error::new(ErrorKind::Broken, Sent::Maybe, "the connection broke");
    let whole = answer.body.clone();
    let half = whole.slice(..whole.len() / 2);
    let mut response = answer.response(url);
    match kind {
        FaultKind::Status(status, headers) => {
            response.status = StatusCode::from_u16(status).expect("a status");
            response.headers = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            response.body = Bytes::from_static(br#"{"message": "so it is scripted"}"#).into();
        }
        FaultKind::Answer(status, headers, body) => {
            response.status = StatusCode::from_u16(status).expect("a status");
            let header = |(name, value): (String, String)| {
                let name = HeaderName::try_from(name).expect("a header's name");
                (name, HeaderValue::try_from(value).expect("a header's value"))
            };
            response.headers = headers.into_iter().map(header).collect();
            response.body = body.into_bytes().into_body();
        }
        FaultKind::Cut => {
            response.body = Body::from_stream(futures::stream::iter([Ok(half), Err(broken())]));
        }
        FaultKind::Short => response.body = half.into(),
        FaultKind::Html => response.body = Bytes::from_static(b"<!doctype html><title>Sign in</title>").into(),
        FaultKind::Inside => response.body = failure_inside(envelope).to_string().into_bytes().into_body(),
        FaultKind::Reset => return Err(broken()),
    }
    Ok(response)
}

trait IntoBody {
    fn into_body(self) -> Body;
}

impl IntoBody for Vec<u8> {
    fn into_body(self) -> Body {
        Bytes::from(self).into()
    }
}

/// A body that says by the declared sign that it failed.
fn failure_inside(envelope: Option<&tidegate_spec::Envelope>) -> Json {
    let mut body = json!({});
    if let Some(path) = envelope.and_then(|envelope| envelope.failure.first()) {
        super::data::set(&mut body, path, json!([{"message": "so it is scripted"}]));
    }
    if let Some(path) = envelope.and_then(|envelope| envelope.success.first()) {
        super::data::set(&mut body, path, json!(false));
    }
    for path in envelope.iter().flat_map(|envelope| envelope.rows.first()).filter(|path| !path.is_empty()) {
        super::data::set(&mut body, path, json!([]));
    }
    body
}
