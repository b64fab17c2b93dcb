//! A request that writes one row; and what requests for one and for several have alike.

use serde_json::Value as Json;

use crate::Place;
use crate::manifest::document::{Body, BodyWord, Idempotency as IdempotencySpec, IfMatch, IfMatchMembers, PerName};
use crate::manifest::problem::At;
use crate::manifest::template;
use crate::manifest::tree::Named;
use crate::model::Path;
use crate::write::{Answer, Idempotency, Per, Single, Version, WriteBody, WriteColumn, WriteKind, WriteMethod};

use super::super::Lower;
use super::super::path::EndpointPath;
use super::{Context, Request, odata_version};

impl Lower<'_, '_, '_> {
    pub(super) fn single(
        &mut self,
        cx: &Context<'_>,
        (method, _, at): &Request<'_>,
        path: &EndpointPath,
        columns: &[WriteColumn],
    ) -> Single {
        let mut constants = self.write_constants(cx, &cx.own.query, &cx.own.headers, cx.at);
        let body = self.write_body(cx, &mut constants);
        let odata_key = cx.own.odata.map(odata_version);
        if cx.kind != WriteKind::Insert {
            self.whole_key(cx, at, path);
        }
        let has_columns = columns.iter().any(|column| !path.columns.contains(&column.column));
        if body == WriteBody::None && has_columns {
            let message = format!("{} has columns to write, and no body to write them into", cx.name());
            self.report.say(cx.at, message);
        }
        let answer = self.answer(cx);
        let idempotency = cx
            .get("idempotency", |write| write.idempotency.as_ref())
            .filter(|(.., is_default)| !(*is_default && *method == WriteMethod::Delete))
            .and_then(|(spec, at, _)| self.idempotency(spec, &at));
        if let Some(Idempotency { place: Place::Body(_), .. }) = &idempotency
            && body == WriteBody::None
        {
            self.report.say(&cx.at.member("idempotency"), "the key stands in the body, which this request has not");
        }
        Single { method: *method, path: path.text.clone(), odata_key, constants, body, idempotency, answer }
    }

    /// A row that is there is found by its whole key.
    fn whole_key(&mut self, cx: &Context<'_>, at: &At, path: &EndpointPath) {
        if cx.own.odata.is_some() {
            if !path.columns.is_empty() {
                let message =
                    "with `odata` the path is that of the entity set: the key is put behind it; expected no column";
                self.report.say(at, message);
            }
            return;
        }
        let missing = cx.scope.key.iter().filter(|column| !path.columns.contains(column));
        let missing: Vec<String> = missing.map(|&column| format!("{{{}}}", cx.scope.columns[column].name)).collect();
        if !missing.is_empty() {
            let message =
                format!("the path does not say which row it is; expected the whole key: {}", missing.join(", "));
            self.report.say(at, message);
        }
    }

    /// Parameters and headers that are always sent. Of two at one place the nearer wins.
    pub(super) fn write_constants(
        &mut self,
        cx: &Context<'_>,
        query: &Named<String>,
        headers: &Named<String>,
        at: &At,
    ) -> Vec<(Place, String)> {
        let mut constants = self.shared_headers();
        for (shared, at) in cx.shared.iter().rev() {
            self.headers(&shared.headers, &at.member("headers"), &mut constants);
            self.query(&shared.query, &at.member("query"), &mut constants);
        }
        self.headers(headers, &at.member("headers"), &mut constants);
        self.query(query, &at.member("query"), &mut constants);
        constants
    }

    /// The body of a single request; a form's constants are put to the others.
    fn write_body(&mut self, cx: &Context<'_>, constants: &mut Vec<(Place, String)>) -> WriteBody {
        let given = cx.get("body", |write| write.body.as_ref());
        match given.filter(|(.., is_default)| !(*is_default && cx.kind == WriteKind::Delete)) {
            Some((body, at, _)) => self.body_form(body, &at, constants),
            None => default_body(cx.kind),
        }
    }

    pub(super) fn body_form(&mut self, body: &Body, at: &At, constants: &mut Vec<(Place, String)>) -> WriteBody {
        match body {
            Body::Word(BodyWord::None) => WriteBody::None,
            Body::Word(BodyWord::Form) => WriteBody::Form,
            Body::Word(BodyWord::Json) => plain_json(),
            Body::Form(form) => {
                let at = at.member("form");
                for (name, value) in form.form.iter() {
                    let at = at.member(name);
                    let Some(steps) = self.steps(name, &at).filter(|steps| !steps.is_empty()) else { continue };
                    if let Some(value) = self.constant(value, &at) {
                        constants.push((Place::Body(steps), value));
                    }
                }
                WriteBody::Form
            }
            Body::Json(json) => {
                let (path, template) =
                    self.array_in(json.at.as_deref().unwrap_or_default(), json.template.as_ref(), at);
                WriteBody::Json { at: path, template }
            }
        }
    }

    /// A place in a JSON body, and what else stands in the body; says so when the two cannot be together.
    pub(super) fn array_in(&mut self, path: &str, template: Option<&Json>, at: &At) -> (Path, Option<Json>) {
        let steps = self.steps(path, &at.member("at")).unwrap_or_default();
        let template = template.map(|template| self.body(template, &at.member("template")));
        let mut inner = template.as_ref();
        for step in &steps {
            if inner.is_some_and(|inner| !inner.is_object()) {
                let message = format!("{path:?} leads through something in `template` that is no object");
                self.report.say(&at.member("template"), message);
            }
            inner = inner.and_then(|inner| inner.get(step));
        }
        (steps, template)
    }

    pub(super) fn idempotency(&mut self, spec: &IdempotencySpec, at: &At) -> Option<Idempotency> {
        let lifetime = template::duration(&spec.lifetime).map(|lifetime| lifetime.as_secs());
        if lifetime.is_none_or(|seconds| seconds == 0) {
            let message =
                format!("found {:?}; expected a length of time of at least a second, such as 24h", spec.lifetime);
            self.report.say(&at.member("lifetime"), message);
        }
        let place = self.place_needed(spec.parameter.as_deref(), spec.header.as_deref(), spec.body.as_deref(), at)?;
        let per = if spec.per == Some(PerName::Row) { Per::Row } else { Per::Request };
        Some(Idempotency { place, per, lifetime: lifetime?, quoted: spec.quoted })
    }

    /// What tells a row's version; an insert has none yet.
    pub(super) fn version(&mut self, cx: &Context<'_>) -> Option<Version> {
        if cx.kind == WriteKind::Insert {
            return None;
        }
        let (spec, at, is_default) = cx.get("if_match", |write| write.if_match.as_ref())?;
        let short;
        let (members, at_column) = match spec {
            IfMatch::Members(members) => (members, at.member("column")),
            IfMatch::Column(column) => {
                short = IfMatchMembers { column: column.clone(), parameter: None, header: None, body: None, new: None };
                (&short, at.clone())
            }
        };
        // A table without the column has no versions.
        if is_default && !cx.scope.columns.iter().any(|column| column.name == members.column) {
            return None;
        }
        let column = self.column(cx.scope, &members.column, &at_column)?;
        let place = self.place(members.parameter.as_deref(), members.header.as_deref(), members.body.as_deref(), &at);
        let header = members.new.clone().filter(|name| self.header_name(name, &at.member("new")));
        Some(Version { column, place: place.unwrap_or_else(|| Place::Header("If-Match".to_owned())), header })
    }

    /// How the answer for one row is read.
    fn answer(&mut self, cx: &Context<'_>) -> Answer {
        let row = match cx.kind {
            WriteKind::Delete => None,
            _ => cx.get("row", |write| write.row.as_deref()),
        };
        let row = row.and_then(|(path, at, _)| self.steps(path, &at));
        Answer { row, ..self.verdict(cx) }
    }
}

pub(super) fn default_body(kind: WriteKind) -> WriteBody {
    if kind == WriteKind::Delete { WriteBody::None } else { plain_json() }
}

fn plain_json() -> WriteBody {
    WriteBody::Json { at: Path::new(), template: None }
}
