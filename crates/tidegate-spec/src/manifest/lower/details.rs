//! Details: requests for columns that rows of lists do not have.
//!
//! The request is lowered as an endpoint that gets one row. What is its own is checked here: it takes values of the row
//! alone, and its columns stand nowhere else.

use crate::manifest::document::{
    Column as ColumnSpec, ColumnMembers, Detail as DetailSpec, Endpoint as EndpointSpec, Kind, NotFound, Source,
    Table as TableSpec,
};
use crate::manifest::problem::{At, quoted};
use crate::manifest::{template, types};
use crate::model::{Column, ColumnSource, Detail};
use crate::{Endpoint, Operator};

use super::table::NAME_RULE;
use super::{Lower, Scope};

/// What is said where a column of a detail stands among those of the rows.
pub(super) fn out_of_place(name: &str) -> String {
    format!(
        "{name} is a column of a detail: it has its value when the row is known, so that neither key, endpoints, writes \
         nor details can name it"
    )
}

impl Lower<'_, '_, '_> {
    /// Names of all columns that the file has in a table's details, also of those that could not be read.
    pub(super) fn written_in_details(&self, at: &At) -> Vec<String> {
        let details = self.report.root().find(at.member("details").steps());
        let details = details.map(|details| details.members()).unwrap_or_default();
        let columns = details.iter().filter_map(|detail| detail.value.get("columns"));
        columns.flat_map(|columns| columns.members()).map(|column| column.name.clone()).collect()
    }

    /// The details of a table, and their columns: those that stand behind the scope's.
    pub(super) fn details(&mut self, scope: &Scope<'_>, spec: &TableSpec) -> (Vec<Detail>, Vec<Column>) {
        let (mut details, mut columns) = (Vec::new(), Vec::new());
        for (name, detail) in spec.details.iter() {
            let at = scope.at.member("details").member(name);
            self.detail_name(&at, name, spec);
            let first = scope.columns.len() + columns.len();
            self.detail_columns(scope, &at, detail, &mut columns);
            let own: Vec<usize> = (first..scope.columns.len() + columns.len()).collect();
            let endpoint = self.any_endpoint(scope, &at, name, &endpoint(detail));
            let Some(endpoint) = endpoint else { continue };
            let parameters = self.parameters(&at, scope, &endpoint, &detail.path);
            details.push(Detail {
                endpoint: Endpoint { columns: Some(own.clone()), ..endpoint },
                parameters,
                columns: own,
            });
        }
        (details, columns)
    }

    fn detail_name(&mut self, at: &At, name: &str, spec: &TableSpec) {
        if !template::is_lower_name(name) {
            self.report.say(at, format!("{} is no name of a detail: {NAME_RULE}", quoted(name)));
        }
        let short = [("list", &spec.list), ("get", &spec.get), ("get_many", &spec.get_many), ("search", &spec.search)];
        let is_short = short.iter().any(|(short, endpoint)| *short == name && endpoint.is_some());
        if is_short || spec.endpoints.get(name).is_some() {
            self.report.say(at, format!("the table has an endpoint {name:?} already; give the detail another name"));
        }
    }

    fn detail_columns(&mut self, scope: &Scope<'_>, at: &At, spec: &DetailSpec, columns: &mut Vec<Column>) {
        let at = at.member("columns");
        if spec.columns.is_empty() {
            self.report.say(&at, "there is no column; a detail has at least one");
        }
        for (name, column) in spec.columns.iter() {
            let at = at.member(name);
            if !template::is_lower_name(name) {
                self.report.say(&at, format!("{} is no name of a column: {NAME_RULE}", quoted(name)));
            }
            let is_same = |known: &&Column| known.name.to_lowercase() == name.to_lowercase();
            if scope.columns.iter().any(|known| is_same(&known)) {
                self.report.say(&at, format!("the rows have a column {name:?} already; a column stands at one place"));
            } else if columns.iter().any(|known| is_same(&known)) {
                self.report.say(&at, format!("the details have two columns {name:?}; a column stands at one place"));
            }
            self.detail_column(&at, column);
            let lowered = self.table_column(&at, name, column, false);
            columns.push(Column { nullable: true, source: ColumnSource::Detail, ..lowered });
        }
    }

    /// What a column of a detail cannot say.
    fn detail_column(&mut self, at: &At, spec: &ColumnSpec) {
        let (data_type, at_type) = match spec {
            ColumnSpec::Type(data_type) => (Some(data_type), at.clone()),
            ColumnSpec::Members(members) => (members.data_type.as_ref(), at.member("type")),
        };
        if data_type.is_some_and(|text| matches!(types::parse(text), Ok((_, Some(false))))) {
            let message =
                "a column of a detail may always be NULL, since a row may have no such request; leave out the `!`";
            self.report.say(&at_type, message);
        }
        let ColumnSpec::Members(ColumnMembers { from, read_only, written, .. }) = spec else { return };
        for (name, is_given) in
            [("from", *from != Source::Row), ("read_only", *read_only), ("written", written.is_some())]
        {
            if is_given {
                let message =
                    format!("a column of a detail is read from its answer and never written; leave out `{name}`");
                self.report.say(&at.member(name), message);
            }
        }
    }

    /// Columns whose values the request takes from the row.
    fn parameters(&mut self, at: &At, scope: &Scope<'_>, endpoint: &Endpoint, path: &str) -> Vec<usize> {
        let mut parameters = Vec::with_capacity(endpoint.filters.columns.len());
        for filter in &endpoint.filters.columns {
            parameters.push(filter.column);
            let others: Vec<&str> = filter
                .operators
                .iter()
                .map(|(operator, _)| *operator)
                .filter(|one| *one != Operator::Eq)
                .map(Operator::sql)
                .collect();
            if !others.is_empty() {
                let name = &scope.columns[filter.column].name;
                let message = format!(
                    "a detail is asked for with the row's value alone; expected `=`, found {}",
                    others.join(", ")
                );
                self.report.say(&at.member("filters").member(name), message);
            }
        }
        let names_column = scope.columns.iter().any(|column| path.contains(&format!("{{{}}}", column.name)));
        if parameters.is_empty() && !names_column && !self.is_written(&at.member("filters")) {
            let message = "the request is the same for all rows; expected a {column} in the path, or one in `filters`";
            self.report.say(&at.member("path"), message);
        }
        parameters
    }
}

/// The request as an endpoint that gets one row.
fn endpoint(spec: &DetailSpec) -> EndpointSpec {
    EndpointSpec {
        kind: Some(Kind::Get),
        method: spec.method,
        path: Some(spec.path.clone()),
        query: spec.query.clone(),
        headers: spec.headers.clone(),
        body: spec.body.clone(),
        filters: spec.filters.clone(),
        fields: spec.fields.clone(),
        rows: spec.rows.clone(),
        failure: spec.failure.clone(),
        success: spec.success.clone(),
        absent: spec.absent.clone(),
        consistency: spec.consistency,
        not_found: Some(spec.not_found.unwrap_or(NotFound::Fail)),
        ..EndpointSpec::default()
    }
}
