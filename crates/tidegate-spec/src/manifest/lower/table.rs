//! Tables and columns.

use crate::manifest::document::{
    Column as ColumnSpec, ColumnMembers, Endpoint as EndpointSpec, Source, Table as TableSpec,
};
use crate::manifest::problem::{At, quoted};
use crate::manifest::{template, types};
use crate::model::{Column, ColumnSource, Table};
use crate::{ColumnType, Endpoint};

use super::writes::is_append_only;
use super::{Lower, Scope};

/// Endpoints that can be written beside columns.
const SHORT: [&str; 4] = ["list", "get", "get_many", "search"];

impl Lower<'_, '_, '_> {
    /// A table with its columns, and behind them those of its details.
    pub(super) fn table(&mut self, at: &At, name: &str, spec: &TableSpec) -> Option<Table> {
        if !template::is_lower_name(name) {
            self.report.say(at, format!("{} is no name of a table: {NAME_RULE}", quoted(name)));
        }
        let keys: &[String] = spec.key.as_ref().map(|key| key.as_slice()).unwrap_or_default();
        let columns = self.columns(at, spec, keys);
        let written = self.written_columns(at);
        let in_details = self.written_in_details(at);
        let mut scope = Scope { at: at.clone(), columns: &columns, key: &[], written, in_details };
        let key = self.key(&scope, keys);
        scope.key = &key;
        let endpoints = self.endpoints(&scope, spec);
        let writes = self.writes(&scope, spec);
        let (details, of_details) = self.details(&scope, spec);
        let api_name = spec.api_name.clone().unwrap_or_else(|| name.to_owned());
        let description = spec.description.clone();
        // Rows that can only be added need not be readable.
        let is_whole = !endpoints.is_empty() || (writes.insert.as_ref().is_some_and(|insert| insert.append_only));
        let columns = [columns.as_slice(), &of_details].concat();
        is_whole.then(|| Table {
            name: name.to_owned(),
            api_name,
            description,
            key,
            endpoints,
            columns,
            writes,
            details,
        })
    }

    fn written_columns(&self, at: &At) -> Vec<String> {
        let columns = self.report.root().find(at.steps());
        let columns = columns.and_then(|table| table.get("columns"));
        columns.map(|columns| columns.members().iter().map(|member| member.name.clone()).collect()).unwrap_or_default()
    }

    fn columns(&mut self, at: &At, spec: &TableSpec, keys: &[String]) -> Vec<Column> {
        let at = at.member("columns");
        if spec.columns.is_empty() {
            self.report.say(&at, "there is no column; a table has at least one");
        }
        let mut columns: Vec<Column> = Vec::with_capacity(spec.columns.0.len());
        for (name, column) in spec.columns.iter() {
            let at = at.member(name);
            if !template::is_lower_name(name) {
                self.report.say(&at, format!("{} is no name of a column: {NAME_RULE}", quoted(name)));
            }
            if let Some(same) = columns.iter().find(|column| column.name.to_lowercase() == name.to_lowercase()) {
                self.report.say(&at, format!("column {name:?} has the same name in SQL as column {:?}", same.name));
            }
            let in_key = keys.iter().any(|key| key == name);
            columns.push(self.table_column(&at, name, column, in_key));
        }
        columns
    }

    pub(super) fn table_column(&mut self, at: &At, name: &str, spec: &ColumnSpec, in_key: bool) -> Column {
        let short;
        let members = match spec {
            ColumnSpec::Members(members) => members,
            ColumnSpec::Type(data_type) => {
                short = ColumnMembers { data_type: Some(data_type.clone()), ..ColumnMembers::default() };
                &short
            }
        };
        let at_type = if matches!(spec, ColumnSpec::Type(_)) { at.clone() } else { at.member("type") };
        let (data_type, nullable) =
            match members.data_type.as_deref().map_or(Ok((ColumnType::Text, None)), types::parse) {
                Ok(parsed) => parsed,
                Err(message) => {
                    self.report.say(&at_type, message);
                    (ColumnType::Text, None)
                }
            };
        if in_key && nullable == Some(true) {
            self.report.say(&at_type, "a column of the key is never null; leave out the `?`");
        }
        let is_request = members.from == Source::Request;
        if members.from == Source::Annotation && members.path.is_none() {
            self.report.say(at, "an annotation needs its `path`, such as '@odata\\.etag'");
        }
        self.written(at, members);
        if is_request && members.path.is_some() {
            let message = "a column from the request has no path in the row; leave out `path` or `from`";
            self.report.say(&at.member("path"), message);
        }
        let path = members.path.as_deref().and_then(|path| {
            if path.is_empty() {
                self.report.say(&at.member("path"), "the path is empty; expected members joined by `.`");
                return None;
            }
            self.steps(path, &at.member("path"))
        });
        Column {
            name: name.to_owned(),
            path: path.unwrap_or_else(|| vec![name.to_owned()]),
            data_type,
            nullable: nullable.unwrap_or(!in_key),
            description: members.description.clone(),
            source: match members.from {
                Source::Row => ColumnSource::Row,
                Source::Request => ColumnSource::Request,
                Source::Annotation => ColumnSource::Annotation,
            },
        }
    }

    /// Where a column is written.
    fn written(&mut self, at: &At, members: &ColumnMembers) {
        let Some(path) = &members.written else { return };
        let at = at.member("written");
        if members.read_only || members.from == Source::Annotation {
            self.report.say(&at, "the column is never written; leave out `written` or `read_only`");
        } else if path.is_empty() {
            self.report.say(&at, "the path is empty; expected members joined by `.`");
        } else {
            self.steps(path, &at);
        }
    }

    fn key(&mut self, scope: &Scope<'_>, keys: &[String]) -> Vec<usize> {
        let at = scope.at.member("key");
        let mut key = Vec::with_capacity(keys.len());
        for name in keys {
            if let Some(index) = self.column(scope, name, &at) {
                if key.contains(&index) {
                    self.report.say(&at, format!("column {name:?} stands in the key twice"));
                } else {
                    key.push(index);
                }
            }
        }
        key
    }

    fn endpoints(&mut self, scope: &Scope<'_>, spec: &TableSpec) -> Vec<Endpoint> {
        let short = [&spec.list, &spec.get, &spec.get_many, &spec.search];
        let mut specs: Vec<(At, &str, &EndpointSpec)> = Vec::new();
        for (name, endpoint) in SHORT.iter().zip(short) {
            if let Some(endpoint) = endpoint {
                specs.push((scope.at.member(name), name, endpoint));
            }
        }
        for (name, endpoint) in spec.endpoints.iter() {
            let at = scope.at.member("endpoints").member(name);
            if !template::is_lower_name(name) {
                self.report.say(&at, format!("{} is no name of an endpoint: {NAME_RULE}", quoted(name)));
            }
            if specs.iter().any(|(_, other, _)| *other == name) {
                self.report.say(&at, format!("the table has an endpoint {name:?} beside its columns already"));
            }
            specs.push((at, name, endpoint));
        }
        let can_be_unread = spec.writes.as_ref().is_some_and(is_append_only);
        if specs.is_empty() && !can_be_unread && !self.has_written_endpoint(&scope.at) {
            self.report.say(&scope.at, "the table has no endpoint; expected `list` or another one of `endpoints`");
        }
        specs.into_iter().filter_map(|(at, name, endpoint)| self.endpoint(scope, &at, name, endpoint)).collect()
    }

    fn has_written_endpoint(&self, at: &At) -> bool {
        let table = self.report.root().find(at.steps());
        table.is_some_and(|table| {
            SHORT.iter().any(|name| table.get(name).is_some())
                || table.get("endpoints").is_some_and(|endpoints| !endpoints.members().is_empty())
        })
    }
}

/// What a name in SQL looks like.
pub(super) const NAME_RULE: &str = "expected lower-case letters, digits and `_`, a letter first, at most 63";
