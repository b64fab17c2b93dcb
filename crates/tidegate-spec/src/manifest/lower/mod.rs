//! A manifest's document as the typed model: short forms are expanded, names looked up, options put in.
//!
//! The same pass checks: [`super::Manifest::parse`] runs it with stand-ins for the options, so that whatever cannot be
//! expressed in the model is a problem with a line, and [`super::Manifest::compile`] with their values.

use crate::model::{Endpoint, Model, Path, QUOTA_CHECK, Table};
use crate::{ColumnType, Place};

use super::document::{Document, PlaceSpec};
use super::problem::{At, Report, quoted, suggestion};
use super::quota::is_header;
use super::template;

mod aggregate;
mod constants;
mod details;
mod endpoint;
mod filters;
mod operators;
mod paging;
mod path;
mod places;
mod table;
pub(super) mod values;
mod writes;

use values::Values;

/// What lowering needs everywhere.
pub(super) struct Lower<'d, 'r, 'a> {
    pub(super) document: &'d Document,
    pub(super) values: &'r Values<'d>,
    pub(super) report: &'r mut Report<'a>,
}

/// The table whose endpoints are lowered.
struct Scope<'t> {
    at: At,
    columns: &'t [crate::Column],
    key: &'t [usize],
    /// Columns that the file has, with those that could not be read.
    written: Vec<String>,
    /// Names of columns of details: no endpoint, key or write can have them.
    in_details: Vec<String>,
}

/// The model; a table or endpoint with problems is left out.
pub(super) fn model(lower: &mut Lower<'_, '_, '_>) -> Model {
    let at = At::root().member("tables");
    let document = lower.document;
    let written: Vec<&str> = lower
        .report
        .root()
        .get("tables")
        .map(|tables| tables.members().iter().map(|member| member.name.as_str()).collect())
        .unwrap_or_default();
    if written.is_empty()
        && lower.report.root().get("tables").is_some_and(|tables| tables.kind != super::yaml::Kind::Null)
    {
        lower.report.say(&at, "there is no table; a connector has at least one");
    }
    for (index, name) in written.iter().enumerate() {
        let same = written[..index].iter().find(|before| before.to_lowercase() == name.to_lowercase());
        if let Some(same) = same {
            lower.report.say(&at.member(name), format!("table {name:?} has the same name in SQL as table {same:?}"));
        }
    }
    let tables: Vec<Table> =
        document.tables.iter().filter_map(|(name, table)| lower.table(&at.member(name), name, table)).collect();
    let quota_check = lower.quota_check();
    Model { tables, notes: Vec::new(), quota_check }
}

impl Lower<'_, '_, '_> {
    /// The request that tells of quotas.
    fn quota_check(&mut self) -> Option<Endpoint> {
        let at = At::root().member("quota_check");
        let path = self.document.quota_check.as_deref()?;
        let scope = Scope { at: at.clone(), columns: &[], key: &[], written: Vec::new(), in_details: Vec::new() };
        let path = self.path(&scope, path, &at)?;
        Some(Endpoint { constants: self.shared_headers(), ..Endpoint::new(QUOTA_CHECK, path.text) })
    }

    /// Index of a column; says so when there is none.
    fn column(&mut self, scope: &Scope<'_>, name: &str, at: &At) -> Option<usize> {
        let found = scope.columns.iter().position(|column| column.name == name);
        if scope.in_details.iter().any(|of_detail| of_detail == name) && found.is_none() {
            self.report.say(at, details::out_of_place(name));
        } else if found.is_none() && !scope.written.iter().any(|written| written == name) {
            let hint = suggestion(name, scope.columns.iter().map(|column| column.name.as_str()));
            self.report.say(at, format!("the table has no column {}{hint}", quoted(name)));
        }
        found
    }

    /// Steps of a path to a member of a body.
    pub(super) fn steps(&mut self, text: &str, at: &At) -> Option<Path> {
        match template::steps(text) {
            Ok(steps) => Some(steps),
            Err(message) => {
                self.report.say(at, message);
                None
            }
        }
    }

    fn paths(&mut self, texts: &[String], at: &At) -> Vec<Path> {
        texts.iter().filter_map(|text| self.steps(text, at)).collect()
    }

    /// The place that at most one of three members names.
    fn place(&mut self, parameter: Option<&str>, header: Option<&str>, body: Option<&str>, at: &At) -> Option<Place> {
        match (parameter, header, body) {
            (None, None, None) => None,
            (Some(name), None, None) => {
                if name.is_empty() {
                    self.report.say(at, "a query parameter has no name; expected its name");
                    return None;
                }
                Some(Place::Query(name.to_owned()))
            }
            (None, Some(name), None) => self.header_name(name, at).then(|| Place::Header(name.to_owned())),
            (None, None, Some(path)) => {
                let steps = self.steps(path, at)?;
                if steps.is_empty() {
                    self.report.say(at, "a member of the body has no name; expected its steps, joined by `.`");
                    return None;
                }
                Some(Place::Body(steps))
            }
            _ => {
                self.report.say(at, "found several of parameter, header and body; expected one");
                None
            }
        }
    }

    /// As [`Self::place`], where one must be given.
    fn place_needed(
        &mut self,
        parameter: Option<&str>,
        header: Option<&str>,
        body: Option<&str>,
        at: &At,
    ) -> Option<Place> {
        if parameter.is_none() && header.is_none() && body.is_none() {
            self.report.say(at, "nothing says where it is written; expected one of parameter, header and body");
        }
        self.place(parameter, header, body, at)
    }

    fn place_spec(&mut self, spec: &PlaceSpec, at: &At) -> Option<Place> {
        match spec {
            PlaceSpec::Parameter(name) => self.place(Some(name), None, None, at),
            PlaceSpec::Elsewhere(place) => {
                let (parameter, header, body) =
                    (place.parameter.as_deref(), place.header.as_deref(), place.body.as_deref());
                self.place_needed(parameter, header, body, at)
            }
        }
    }

    /// Whether a text can be the name of a header that a manifest may set; says so otherwise.
    pub(super) fn header_name(&mut self, name: &str, at: &At) -> bool {
        const OWN: [&str; 6] = ["host", "content-length", "connection", "transfer-encoding", "cookie", "te"];
        let is_token = is_header(name);
        if !is_token {
            self.report.say(at, format!("{} is no name of a header", quoted(name)));
        } else if name.eq_ignore_ascii_case("authorization") {
            self.report.say(at, "the header Authorization cannot be set here; use `auth`");
            return false;
        } else if OWN.contains(&name.to_lowercase().as_str()) {
            self.report.say(at, format!("the header {name} cannot be set: it belongs to the connection"));
            return false;
        }
        is_token
    }
}

/// Type as a message says it.
fn type_name(data_type: &ColumnType) -> &'static str {
    match data_type {
        ColumnType::Bool => "bool",
        ColumnType::Int16 => "int16",
        ColumnType::Int32 => "int32",
        ColumnType::Int64 => "int",
        ColumnType::Float32 => "float32",
        ColumnType::Float64 => "float",
        ColumnType::Decimal { .. } => "decimal",
        ColumnType::Text => "text",
        ColumnType::Uuid => "uuid",
        ColumnType::Date => "date",
        ColumnType::Time => "time",
        ColumnType::Timestamp { instant: true, .. } => "timestamp",
        ColumnType::Timestamp { .. } => "local_timestamp",
        ColumnType::Binary => "binary",
        ColumnType::Json => "json",
        ColumnType::List(_) => "list",
        ColumnType::Struct(_) => "struct",
    }
}
