//! Columns of a write: which, where they stand, and how NULL is written.

use crate::manifest::document::{Body, BodyWord, Column as ColumnSpec, NullName, NullNames, WriteColumns};
use crate::manifest::problem::At;
use crate::model::{ColumnSource, Path};
use crate::write::{NullForm, WriteColumn, WriteKind};

use super::super::Lower;
use super::super::path::EndpointPath;
use super::Context;

impl Lower<'_, '_, '_> {
    /// Columns that the write carries. An insert must have those in its path; a delete has none.
    pub(super) fn write_columns(&mut self, cx: &Context<'_>, paths: &[&EndpointPath]) -> Vec<WriteColumn> {
        if cx.kind == WriteKind::Delete {
            return Vec::new();
        }
        let mut in_path: Vec<usize> = Vec::new();
        for column in paths.iter().flat_map(|path| &path.columns) {
            if !in_path.contains(column) {
                in_path.push(*column);
            }
        }
        let mut columns = self.named_columns(cx, &in_path);
        if cx.kind == WriteKind::Insert {
            let missing: Vec<usize> = in_path.iter().copied().filter(|column| !columns.contains(column)).collect();
            columns.extend(missing);
            columns.sort_unstable();
        }
        let required = self.required(cx, &columns);
        let nulls = self.nulls(cx, &columns);
        let write_columns = columns.iter().map(|&column| WriteColumn {
            column,
            at: self.place_in_row(cx, column),
            required: cx.kind == WriteKind::Insert && (required.contains(&column) || in_path.contains(&column)),
            null: if in_path.contains(&column) { NullForm::Refused } else { nulls(column) },
        });
        let write_columns: Vec<WriteColumn> = write_columns.collect();
        if write_columns.is_empty() && !self.has(&cx.at.member("columns")) {
            let message = format!("there is no column that {} could write; expected `columns`", cx.name());
            self.report.say(cx.at, message);
        }
        write_columns
    }

    /// Columns that `columns` names, or all that can be written.
    fn named_columns(&mut self, cx: &Context<'_>, in_path: &[usize]) -> Vec<usize> {
        let at = cx.at.member("columns");
        let usual = |column: &usize| {
            let found = &cx.scope.columns[*column];
            found.source == ColumnSource::Row
                && !cx.scope.key.contains(column)
                && !in_path.contains(column)
                && !is_read_only(cx, *column)
        };
        let all = || (0..cx.scope.columns.len()).filter(usual);
        match &cx.own.columns {
            None | Some(WriteColumns::All(_)) => all().collect(),
            Some(WriteColumns::Except(except)) => {
                let at = at.member("except");
                let names = except.except.iter().enumerate();
                let left_out: Vec<usize> =
                    names.filter_map(|(index, name)| self.column(cx.scope, name, &at.member(index))).collect();
                all().filter(|column| !left_out.contains(column)).collect()
            }
            Some(WriteColumns::Names(names)) => {
                let mut columns = Vec::with_capacity(names.len());
                for (index, name) in names.iter().enumerate() {
                    let at = at.member(index);
                    let Some(column) = self.column(cx.scope, name, &at) else { continue };
                    if columns.contains(&column) {
                        self.report.say(&at, format!("column {name:?} stands in the list twice"));
                    } else if self.may_write(cx, column, &at) {
                        columns.push(column);
                    }
                }
                columns.sort_unstable();
                columns
            }
        }
    }

    /// Whether a column that was named can be written; says why not.
    fn may_write(&mut self, cx: &Context<'_>, column: usize, at: &At) -> bool {
        let found = &cx.scope.columns[column];
        let name = &found.name;
        let problem = if is_read_only(cx, column) {
            format!("{name} is `read_only`, so no write may name it")
        } else if found.source == ColumnSource::Annotation {
            format!("{name} is an annotation, which the API alone sets")
        } else if cx.kind == WriteKind::Update && cx.scope.key.contains(&column) {
            format!("{name} is in the key, which an update does not change")
        } else if cx.kind == WriteKind::Update && found.source == ColumnSource::Request {
            format!("{name} comes from the request, and is no member of the row that could be changed")
        } else {
            return true;
        };
        self.report.say(at, problem);
        false
    }

    fn required(&mut self, cx: &Context<'_>, columns: &[usize]) -> Vec<usize> {
        let at = cx.at.member("required");
        let names = cx.own.required.iter().flatten().enumerate();
        let mut required = Vec::new();
        for (index, name) in names {
            let at = at.member(index);
            let Some(column) = self.column(cx.scope, name, &at) else { continue };
            if columns.contains(&column) {
                required.push(column);
            } else {
                self.report.say(&at, format!("{name} must be given, and is not among the columns that are written"));
            }
        }
        required
    }

    /// How each column's NULL is written.
    fn nulls<'c>(&mut self, cx: &'c Context<'_>, columns: &[usize]) -> impl Fn(usize) -> NullForm + use<'c> {
        let is_form = cx.get("body", |write| write.body.as_ref()).is_some_and(|(body, ..)| is_form(body));
        let mut of_all = if is_form { NullForm::Refused } else { NullForm::Null };
        let mut of_columns: Vec<(usize, NullForm)> = Vec::new();
        if let Some((nulls, at, is_default)) = cx.get("nulls", |write| write.nulls.as_ref()) {
            let form = |lower: &mut Self, name: NullName, at: &At| {
                if is_form && name == NullName::Json {
                    lower.report.say(at, "a form has no null; expected empty or refused");
                }
                null_form(name)
            };
            match nulls {
                NullNames::All(name) => of_all = form(self, *name, &at),
                NullNames::Columns(names) => {
                    for (name, null) in names.iter() {
                        let at = at.member(name);
                        let null = form(self, *null, &at);
                        if is_default && !cx.scope.columns.iter().any(|column| column.name == name) {
                            continue;
                        }
                        let Some(column) = self.column(cx.scope, name, &at) else { continue };
                        if !columns.contains(&column) && !is_default {
                            self.report.say(&at, format!("{name} is not among the columns that are written"));
                        }
                        of_columns.push((column, null));
                    }
                }
            }
        }
        let scope = cx.scope;
        move |column| {
            let own = of_columns.iter().find(|(known, _)| *known == column).map(|(_, null)| *null);
            let usual = if scope.columns[column].nullable { of_all } else { NullForm::Refused };
            own.unwrap_or(usual)
        }
    }

    /// Where a column stands in what is written. What is wrong with it was said where columns are lowered.
    pub(super) fn place_in_row(&self, cx: &Context<'_>, column: usize) -> Path {
        let found = &cx.scope.columns[column];
        let written = match cx.table.columns.get(&found.name) {
            Some(ColumnSpec::Members(members)) => members.written.as_deref(),
            _ => None,
        };
        let written = written.and_then(|path| crate::manifest::template::steps(path).ok());
        written.filter(|steps| !steps.is_empty()).unwrap_or_else(|| found.path.clone())
    }
}

fn is_read_only(cx: &Context<'_>, column: usize) -> bool {
    let spec = cx.table.columns.get(&cx.scope.columns[column].name);
    matches!(spec, Some(ColumnSpec::Members(members)) if members.read_only)
}

fn is_form(body: &Body) -> bool {
    matches!(body, Body::Word(BodyWord::Form) | Body::Form(_))
}

fn null_form(name: NullName) -> NullForm {
    match name {
        NullName::Json => NullForm::Null,
        NullName::Empty => NullForm::Empty,
        NullName::Refused => NullForm::Refused,
    }
}
