//! One response, read: its rows, and what stands around them.

use http::HeaderMap;
use tidegate_transport::redact_url;
use url::Url;

use super::address::Address;
use super::json::{Json, Path};
use super::rows::{self, Found};
use super::{Sample, failure};
use crate::{Error, ErrorKind, Result};

/// Members between the body and a value around the rows, at most.
const MAX_DEPTH: usize = 5;

/// A response with rows.
#[derive(Debug)]
pub(super) struct Page<'s> {
    pub(super) url: &'s Url,
    pub(super) headers: &'s HeaderMap,
    body: Json,
    rows_at: Path,
    is_named: bool,
}

impl<'s> Page<'s> {
    /// Reads a first response.
    ///
    /// # Errors
    /// Any status but 200, a body that is no JSON or has no rows. The message says what to do.
    pub(super) fn read(sample: &'s Sample) -> Result<Self> {
        let body = body(sample)?;
        let table = Address::new(&sample.url).table;
        let shown = redact_url(&sample.url);
        let fail = |message: String| Err(Error::new(ErrorKind::Unsupported, format!("{shown}: {message}")));
        match rows::find(&body, &table) {
            Found::Rows { path, is_named } => {
                Ok(Self { url: &sample.url, headers: &sample.headers, body, rows_at: path, is_named })
            }
            Found::Empty(path) => fail(format!(
                "{} is empty, so that its columns cannot be seen; ask for a list that has rows",
                said(&path)
            )),
            Found::Values(path) => fail(format!(
                "{} has values that are no objects; rows are objects, whose members are the columns",
                said(&path)
            )),
            Found::Nothing => fail(nothing(&body)),
        }
    }

    /// Reads a further response, whose rows are where those of the first are; `None` when it has no such array.
    pub(super) fn further<'n>(&self, sample: &'n Sample) -> Option<Page<'n>> {
        let body = body(sample).ok()?;
        let rows = body.at(&self.rows_at)?;
        let usable = matches!(rows, Json::List(rows) if rows.iter().all(|row| matches!(row, Json::Object(_))));
        usable.then(|| Page {
            url: &sample.url,
            headers: &sample.headers,
            rows_at: self.rows_at.clone(),
            body,
            is_named: self.is_named,
        })
    }

    pub(super) fn rows(&self) -> &[Json] {
        self.body.at(&self.rows_at).map(Json::items).unwrap_or_default()
    }

    /// Members from the body to the rows; empty when it is the rows.
    pub(super) fn rows_at(&self) -> &[String] {
        &self.rows_at
    }

    /// Whether the rows are called as lists are; else they are the longest list there is.
    pub(super) fn is_named(&self) -> bool {
        self.is_named
    }

    /// Null, booleans, numbers and texts around the rows, nearest to the body first.
    pub(super) fn around(&self) -> Vec<(Path, &Json)> {
        let mut found = Vec::new();
        let mut level: Vec<(Path, &Json)> = vec![(Path::new(), &self.body)];
        for _ in 0..MAX_DEPTH {
            let mut next = Vec::new();
            for (path, object) in &level {
                for (name, value) in object.members() {
                    let path: Path = path.iter().chain([name]).cloned().collect();
                    match value {
                        Json::Object(_) => next.push((path, value)),
                        Json::List(_) => {}
                        _ => found.push((path, value)),
                    }
                }
            }
            level = next;
        }
        found
    }

    /// A member of the body.
    pub(super) fn member(&self, name: &str) -> Option<&Json> {
        self.body.get(name)
    }
}

/// The JSON of a response.
fn body(sample: &Sample) -> Result<Json> {
    failure::of_status(sample)?;
    serde_json::from_slice(sample.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&sample.body))
        .map_err(|error| failure::no_json(sample, &error))
}

fn said(path: &[String]) -> String {
    if path.is_empty() { "the list".to_owned() } else { format!("the list {:?}", path.join(".")) }
}

fn nothing(body: &Json) -> String {
    match body {
        Json::Object(members) => {
            let names: Vec<&str> = members.iter().take(8).map(|(name, _)| name.as_str()).collect();
            format!(
                "the body is one object (with {}) and not a list; ask for the URL of the list, such as …/orders in \
                 place of …/orders/7. Lists are arrays of objects, at most four members deep",
                if names.is_empty() { "no members".to_owned() } else { names.join(", ") }
            )
        }
        _ => "the body is no list of objects; rows are objects, whose members are the columns".to_owned(),
    }
}
