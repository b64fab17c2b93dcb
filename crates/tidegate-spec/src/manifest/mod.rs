//! Manifests: an API described in YAML, as users write it, and the typed [`Model`] behind it.
//!
//! Flow: [`yaml`] reads the text into a tree that knows lines; [`walk`] checks the tree against the JSON Schema that
//! [`schema`] generates from the types in [`document`], and serde reads what is right of it; [`check`] looks at what
//! concerns the connection, and [`lower`] at tables while it makes the model of them. Nothing stops at the first
//! problem. This module reads no file and no environment: the caller hands in texts and the values of options.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::Model;

mod access;
mod check;
pub mod document;
mod lower;
mod problem;
mod quota;
mod reference;
mod schema;
mod secrets;
mod template;
mod tree;
mod types;
mod walk;
mod yaml;

pub use access::{Auth, ConnectorOption, Credential, Grant, OAuth2, Partitions, Throttled, ThrottledBody};
pub use document::{
    Amount, Bucket, ClientAuth, Quota, QuotaOperations, QuotaScope, QuotaUnit, Rate, Reported, ReportedForm,
    WindowStart,
};
pub use problem::Problem;
pub use quota::{FigurePlace, QuotaFigures, QuotaLimit, QuotaProblem, QuotaTerms, QuotaWindow};
pub use reference::reference;
pub use template::Template;
pub use tree::Named;

use document::Document;
use lower::values::{self, Use, Values};
use lower::{Lower, model};
use problem::{At, Report};
use yaml::Node;

/// A manifest that was read and found right.
#[derive(Debug, Clone)]
pub struct Manifest {
    file: String,
    document: Document,
    root: Node,
}

impl Manifest {
    /// Reads a manifest; `file_name` is said in problems, and not opened.
    ///
    /// ```
    /// let manifest = tidegate_spec::Manifest::parse(
    ///     "connector: notes\nurl: https://notes.example/\ntables:\n  notes:\n    columns: {id: int, title: text}\n    list: {path: notes}\n",
    ///     "notes.yaml",
    /// );
    /// assert_eq!(manifest.map(|manifest| manifest.name().to_owned()), Ok("notes".to_owned()));
    /// ```
    ///
    /// # Errors
    /// All that is wrong with it, in the order of the file; only what is no YAML at all stops at the first.
    pub fn parse(text: &str, file_name: &str) -> Result<Self, Vec<Problem>> {
        let (root, faults) = match yaml::read(text) {
            Ok(read) => read,
            Err(fault) => {
                let (file, path) = (file_name.to_owned(), String::new());
                let yaml::Fault { line, column, message } = fault;
                return Err(vec![Problem { file, line, column, path, message }]);
            }
        };
        let mut report = Report::new(file_name, &root);
        for fault in faults {
            report.push(fault.line, fault.column, &At::root(), fault.message);
        }
        let document = Self::read(&mut report);
        if let Some(document) = &document {
            check::document(document, &mut report);
        }
        let problems = report.finish();
        match document {
            Some(document) if problems.is_empty() => Ok(Self { file: file_name.to_owned(), document, root }),
            _ => Err(problems),
        }
    }

    /// The part of the document that is as the schema says.
    fn read(report: &mut Report<'_>) -> Option<Document> {
        let tree = walk::check(report, schema::schema())?;
        match Document::deserialize(&tree) {
            Ok(document) => Some(document),
            Err(error) => {
                report.say(&At::root(), format!("this cannot be read: {error}"));
                None
            }
        }
    }

    /// The model, with the values of options put in: those that are given (read the environment for those that name a
    /// variable, see [`Self::options`]), else their defaults. No value of a secret option gets into it.
    ///
    /// # Errors
    /// Options that are not known, and those that are needed and not set.
    pub fn compile(&self, options: &BTreeMap<String, String>) -> Result<Model, Vec<Problem>> {
        let values = Values::given(&self.document, options);
        let mut report = Report::new(&self.file, &self.root);
        self.check_options(options, &mut report);
        let model = model(&mut Lower { document: &self.document, values: &values, report: &mut report });
        let problems = report.finish();
        if problems.is_empty() { Ok(model) } else { Err(problems) }
    }

    /// The base URL, with a `/` at its end: the option `url` if it is given, else the manifest's. `{partition}` is kept
    /// where it stands.
    ///
    /// # Errors
    /// Options in it that are not set, or that no URL can be made of.
    pub fn url(&self, options: &BTreeMap<String, String>) -> Result<String, Vec<Problem>> {
        let values = Values::given(&self.document, options);
        let mut report = Report::new(&self.file, &self.root);
        let at = At::root().member("url");
        let mut lower = Lower { document: &self.document, values: &values, report: &mut report };
        let url = match (options.get("url"), &self.document.url) {
            (Some(url), _) => Some(url.clone()),
            (None, Some(url)) => lower.expand(url, Use::Url, &at),
            (None, None) => {
                report.say(&At::root(), "the option \"url\" is not set; this connector has no URL of its own");
                None
            }
        };
        if let Some(url) = &url
            && let Err(message) = check::url::form(url)
        {
            report.say(&at, message);
        }
        let problems = report.finish();
        match url {
            Some(mut url) if problems.is_empty() => {
                if !url.ends_with('/') {
                    url.push('/');
                }
                Ok(url)
            }
            _ => Err(problems),
        }
    }

    fn check_options(&self, options: &BTreeMap<String, String>, report: &mut Report<'_>) {
        let at = At::root().member("options");
        let known = || self.document.options.names().chain(values::COMMON_OPTIONS);
        for name in options.keys().filter(|name| !known().any(|known| known == name.as_str())) {
            let hint = problem::suggestion(name, known());
            report.say(&at, format!("{name:?} is no option of the connector {}{hint}", self.document.connector));
        }
        for (name, option) in self.document.options.iter() {
            if option.required && !options.contains_key(name) {
                let how = values::how_to_set(name, Some(option));
                report.say(&at.member(name), format!("the option {name:?} is required; {how}"));
            }
        }
    }

    /// Name of the connector.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.document.connector
    }

    /// Name of the file, as given to [`Self::parse`].
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// What the API offers.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.document.description.as_deref()
    }

    /// Link to the API's documentation.
    #[must_use]
    pub fn docs(&self) -> Option<&str> {
        self.document.docs.as_deref()
    }

    /// The document as it was written, with its short forms.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The JSON Schema (2020-12) of manifests, for editors.
    #[must_use]
    pub fn schema() -> Json {
        schema::schema().clone()
    }
}

#[cfg(test)]
mod tests;
