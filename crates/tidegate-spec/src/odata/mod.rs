//! OData service descriptions (`$metadata`, CSDL in XML) as a [`Model`](crate::Model).
//!
//! Reads CSDL 4.0 and 4.01 (OASIS "OData Common Schema Definition Language XML Representation") and 1 to 3
//! (Microsoft MC-CSDL, with the annotations of SAP Gateway). What a service cannot do, and what a table cannot
//! show, is never guessed: it becomes a capability that is not declared, or a note.
//!
//! Flow: [`xml`] reads the document within bounds, [`csdl`] indexes what it declares, [`table`] makes a table of
//! each entity set, [`endpoint`] what can be asked of it, by the [`capabilities`] that the service declares and what its
//! [`comparison`] of each of the [`types`] is worth, and [`write`] how its rows are changed.

use serde::{Deserialize, Serialize};

use crate::Model;

mod aggregation;
mod annotations;
mod capabilities;
mod comparison;
mod csdl;
mod endpoint;
mod notes;
mod table;
mod types;
mod write;
mod xml;

/// How a service's description becomes tables: a connection's options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Options {
    /// SQL names: the API's in lower case, or snake case.
    pub names: crate::names::NameStyle,
    /// How far the service's comparison of text is trusted.
    pub text: TextComparison,
    /// Whether the service's totals are believed.
    pub totals: Totals,
    /// Which tables have versions of rows.
    pub etags: ETags,
    /// Most requests in one JSON batch (`$batch`), where the service takes such batches; `None` where it does not. Without
    /// effect before version 4.
    pub batch: Option<usize>,
    /// Which entity sets are asked for groups of their rows (`$apply`). Without effect before version 4.
    pub apply: Apply,
}

/// Which entity sets are asked for groups of their rows (`$apply`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Apply {
    /// Those of which the service says so.
    #[default]
    Declared,
    /// All.
    Always,
    /// None: rows are grouped here.
    Ignore,
}

/// Which tables have versions of rows (ETags): a column `_etag`, which updates and deletes send as `If-Match`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum ETags {
    /// Those of which the service says so.
    #[default]
    Declared,
    /// All.
    Always,
}

/// Whether a service's count of matching rows (`$count`, `$inlinecount`) is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Totals {
    /// `count(*)` asks for it, and a scan that ends with fewer rows is an error.
    #[default]
    Trust,
    /// It is not asked for: rows are counted here.
    Ignore,
}

/// How far a service's comparison of text is trusted.
///
/// OData leaves collation to the service: one on SQL Server folds case and ignores trailing blanks, so that
/// `eq` returns too many rows (harmless: they are rechecked) and `ne`, `lt` and the like too few (not pushed).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum TextComparison {
    /// Only what can return too many rows is pushed, and rechecked.
    #[default]
    Collated,
    /// Compared and sorted by code point, as SQL does here: everything is pushed, and exact.
    Binary,
}

/// A description that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What was wrong, and where in the document.
    pub message: String,
}

impl Error {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }

    /// An error at this byte of the document.
    fn at(document: &str, at: usize, message: impl Into<String>) -> Self {
        let before = document.as_bytes().get(..at).unwrap_or(document.as_bytes());
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        Self::new(format!("$metadata, line {line}, column {column}: {}", message.into()))
    }
}

/// Reads a service description. A table is made of every entity set that can be read.
///
/// A type that the document names and does not have makes its column [`crate::ColumnType::Json`], or leaves the
/// table out, with a note.
///
/// # Errors
/// When the document is not CSDL in XML, has no entity container, declares types that derive from themselves or
/// have no name, or is larger by far than any known service's.
pub fn parse(document: &str, options: &Options) -> Result<Model, Error> {
    let document = document.trim_start_matches('\u{feff}');
    refuse_other_formats(document)?;
    let root = xml::read(document)?;
    let schemas = csdl::Schemas::new(document, &root)?;
    table::model(&schemas, options)
}

/// The usual things that stand where the description should.
fn refuse_other_formats(document: &str) -> Result<(), Error> {
    let start: String = document.trim_start().chars().take(512).collect::<String>().to_ascii_lowercase();
    let message = if start.is_empty() {
        "the description of the service is empty; check the URL"
    } else if start.starts_with(['{', '[']) {
        "the service answered with JSON where its description ($metadata) should be; CSDL in JSON is not supported, \
         ask for XML (`Accept: application/xml`), and check the URL"
    } else if start.starts_with("<!doctype html") || start.contains("<html") {
        "the service answered with an HTML page where its description ($metadata) should be, often a login or error \
         page; check the URL and the credentials"
    } else if !start.starts_with('<') {
        "the service answered with plain text where its description ($metadata) should be; check the URL"
    } else {
        return Ok(());
    };
    Err(Error::new(message))
}

#[cfg(test)]
mod tests;
