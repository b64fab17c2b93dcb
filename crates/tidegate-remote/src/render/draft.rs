//! Puts together what a request says at which place.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value as Json;
use tidegate_spec::{Endpoint, Method, Place};
use url::Url;

use super::form::Written;
use super::{Outgoing, body, path};
use crate::ErrorKind;
use crate::odata::url as odata_url;

/// What a value is for. Of two for one place the later kind is written: a constant is what is sent where nothing else
/// is, and the next page of a keyset begins behind where its filter does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Constant,
    Query,
    Page,
}

/// A request in the making.
#[derive(Debug, Default)]
pub(super) struct Draft {
    entries: Vec<(Kind, Place, Written)>,
    items: Option<(Vec<String>, Vec<Json>)>,
    headers: HeaderMap,
}

impl Draft {
    /// Headers that go with every request in the endpoint's language.
    pub(super) fn with_headers(headers: HeaderMap) -> Self {
        Self { headers, ..Self::default() }
    }

    pub(super) fn say(&mut self, kind: Kind, place: Place, written: Written) {
        self.entries.push((kind, place, written));
    }

    pub(super) fn text(&mut self, kind: Kind, place: Place, text: impl Into<String>) {
        self.say(kind, place, Written::Text(text.into()));
    }

    /// Items to add to an array of the body.
    pub(super) fn add_items(&mut self, at: &[String], items: Vec<Json>) {
        self.items = Some((at.to_vec(), items));
    }

    /// The request, in the order in which its parts were said.
    pub(super) fn finish(mut self, base: &Url, endpoint: &Endpoint) -> Result<Outgoing, ErrorKind> {
        self.settle()?;
        let mut document = endpoint.body.clone();
        let mut path_values: Vec<(&str, &str)> = Vec::new();
        let mut query: Vec<(&str, &str)> = Vec::new();
        for (_, place, written) in &self.entries {
            match (place, written) {
                (Place::Path(name), Written::Text(text)) => path_values.push((name, text)),
                (Place::Query(name), Written::Text(text)) => query.push((name, text)),
                (Place::Query(name), Written::Repeated(texts)) => {
                    query.extend(texts.iter().map(|text| (name.as_str(), text.as_str())));
                }
                (Place::Header(name), Written::Text(text)) => set_header(&mut self.headers, name, text)?,
                (Place::Body(at), Written::Text(text)) => {
                    body::put(document.get_or_insert(Json::Null), at, Json::String(text.clone()))?;
                }
                (Place::Body(at), Written::Json(value)) => {
                    body::put(document.get_or_insert(Json::Null), at, value.clone())?;
                }
                _ => return Err(ErrorKind::Unsupported(format!("{} cannot hold such a value", shown(place)))),
            }
        }
        if let Some((at, items)) = self.items.take() {
            body::append(document.get_or_insert(Json::Null), &at, items)?;
        }
        let url = odata_url::below(base, &path::fill(&endpoint.path, &path_values)?, query.into_iter())?;
        let mut headers = self.headers;
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        if document.is_some() {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        }
        let method = match endpoint.method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
        };
        let body = document.map_or_else(Bytes::new, |document| Bytes::from(document.to_string()));
        Ok(Outgoing { method, url, headers, body })
    }

    /// Leaves out what a later kind says at the same place. A constant may stand there several times.
    fn settle(&mut self) -> Result<(), ErrorKind> {
        let beaten = |(kind, place, _): &(Kind, Place, Written)| {
            self.entries.iter().any(|(other, at, _)| other > kind && at == place)
        };
        let mut kept = self.entries.iter().map(|entry| !beaten(entry)).collect::<Vec<_>>().into_iter();
        self.entries.retain(|_| kept.next() == Some(true));
        for (index, (kind, place, _)) in self.entries.iter().enumerate() {
            let before = &self.entries[..index];
            if *kind != Kind::Constant && before.iter().any(|(_, other, _)| other == place) {
                let message = format!("{} is asked to hold two values at once", shown(place));
                return Err(ErrorKind::Unsupported(message));
            }
        }
        Ok(())
    }
}

/// A value is left out of the message: it may be a secret.
fn set_header(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), ErrorKind> {
    let bad = |what: &str| ErrorKind::Unsupported(format!("header {name:?}: its {what} cannot be sent"));
    let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("name"))?;
    let value = HeaderValue::from_str(value).map_err(|_| bad("value"))?;
    headers.insert(header, value);
    Ok(())
}

fn shown(place: &Place) -> String {
    match place {
        Place::Path(name) => format!("{{{name}}} of the path"),
        Place::Query(name) => format!("parameter {name}"),
        Place::Header(name) => format!("header {name}"),
        Place::Body(at) => format!("{} of the body", at.join(".")),
    }
}
