//! Paths of endpoints.

use crate::manifest::problem::{At, quoted, suggestion};
use crate::manifest::template::{self, Part};

use super::details::out_of_place;
use super::values::{PARTITION, Use};
use super::{Lower, Scope};

/// Name of a job's id in the path that asks after it.
const JOB: &str = "job";

/// A path, and the columns that stand in it.
pub(super) struct EndpointPath {
    /// Percent-encoded, with `{column}` and `{partition}`.
    pub(super) text: String,
    /// Columns in it, each once.
    pub(super) columns: Vec<usize>,
}

impl Lower<'_, '_, '_> {
    /// A path with options put in. Says what is wrong with it.
    pub(super) fn path(&mut self, scope: &Scope<'_>, text: &str, at: &At) -> Option<EndpointPath> {
        self.path_keeping(scope, text, at, &[PARTITION])
    }

    /// The path to ask after a job: `{job}` stands for its id.
    pub(super) fn job_path(&mut self, text: &str, at: &At) -> Option<String> {
        let scope = Scope { at: at.clone(), columns: &[], key: &[], written: Vec::new(), in_details: Vec::new() };
        let path = self.path_keeping(&scope, text, at, &[PARTITION, JOB])?.text;
        if !path.contains("{job}") {
            self.report.say(at, "the path does not say which job it is; expected {job} in it");
        }
        Some(path)
    }

    /// A path in which some names stay as they are.
    fn path_keeping(&mut self, scope: &Scope<'_>, text: &str, at: &At, kept: &[&str]) -> Option<EndpointPath> {
        let parts = match template::parse(text) {
            Ok(parts) => parts,
            Err(message) => {
                self.report.say(at, message);
                return None;
            }
        };
        self.path_form(text, at);
        let mut path = EndpointPath { text: String::with_capacity(text.len()), columns: Vec::new() };
        for part in parts {
            match part {
                Part::Text(literal) => path.text.push_str(&template::encode_path(&literal)),
                Part::Name(name) if kept.contains(&name.as_str()) => path.text.push_str(&format!("{{{name}}}")),
                Part::Name(name) => self.path_name(scope, &name, at, &mut path)?,
            }
        }
        let start = path.text.len() - path.text.trim_start_matches('/').len();
        path.text.drain(..start);
        // An option's value may have brought such a segment, or an encoded one, which servers take for the same.
        let is_dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
        if path.text.split('/').any(is_dots) {
            self.report.say(at, format!("{} is no path: it has a segment `.` or `..`", quoted(&path.text)));
            return None;
        }
        Some(path)
    }

    fn path_name(&mut self, scope: &Scope<'_>, name: &str, at: &At, path: &mut EndpointPath) -> Option<()> {
        let is_option = self.document.options.get(name).is_some();
        let column = scope.columns.iter().position(|column| column.name == name);
        match (column, is_option) {
            (Some(_), true) => {
                self.report
                    .say(at, format!("{{{name}}} is both a column and an option; give one of them another name"));
                None
            }
            (Some(column), false) => {
                path.text.push_str(&format!("{{{name}}}"));
                if !path.columns.contains(&column) {
                    path.columns.push(column);
                }
                Some(())
            }
            (None, true) => {
                let value = self.option(name, Use::Url, at)?;
                path.text.push_str(&template::encode_path(&value));
                Some(())
            }
            (None, false) => {
                let names =
                    scope.columns.iter().map(|column| column.name.as_str()).chain(self.document.options.names());
                if scope.in_details.iter().any(|of_detail| of_detail == name) {
                    self.report.say(at, out_of_place(name));
                } else if !scope.written.iter().any(|written| written == name) {
                    let hint = suggestion(name, names);
                    self.report.say(at, format!("{{{name}}} is neither a column of the table nor an option{hint}"));
                }
                None
            }
        }
    }

    fn path_form(&mut self, text: &str, at: &At) {
        let problem = if text.contains("://") {
            "a path is relative to `url`; expected no scheme and host"
        } else if text.contains('?') {
            "a path has no query; write parameters under `query` and filters under `filters`"
        } else if text.contains('#') {
            "a path has no `#`"
        } else if text.split('/').any(|segment| matches!(segment, "." | "..")) {
            "a path has no segment `.` or `..`"
        } else if text.trim_start_matches('/').contains("//") || text.starts_with("//") {
            "a path has no empty segment (`//`)"
        } else if text.chars().any(|letter| letter.is_control() || letter == ' ' || letter == '\\') {
            "a path has no blanks, backslashes or control characters; write a blank as %20"
        } else {
            return;
        };
        self.report.say(at, format!("{} is no path: {problem}", quoted(text)));
    }
}
