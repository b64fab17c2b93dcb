//! A request that writes several rows.

use crate::manifest::document::{
    Batch as BatchSpec, BatchKeys, BatchKeysMembers, BatchRows, BatchRowsMembers, Job as JobSpec, SameValues,
};
use crate::manifest::problem::At;
use crate::manifest::template;
use crate::write::{Batch, BatchForm, Idempotency, Job, NullForm, Per, WriteBody, WriteColumn, WriteKind};
use crate::{ListForm, ListStyle, Place};

use super::super::Lower;
use super::super::filters::list_style;
use super::super::path::EndpointPath;
use super::single::default_body;
use super::{Context, methods};

/// Seconds between two looks at a job, and most looks, where nothing else is declared.
const JOB_INTERVAL: u64 = 1;
const JOB_POLLS: u32 = 60;

impl Lower<'_, '_, '_> {
    /// The path of the write's batch, if it has one.
    pub(super) fn batch_path(&mut self, cx: &Context<'_>) -> Option<EndpointPath> {
        let spec = cx.own.batch.as_deref()?;
        let at = cx.at.member("batch");
        let request = self.request_of(&methods([&spec.post, &spec.put, &spec.patch, &spec.delete]), &at);
        let Some((_, path, at)) = request else {
            if !["post", "put", "patch", "delete"].iter().any(|name| self.has(&at.member(name))) {
                self.report
                    .say(&at, "nothing says where it goes; expected one of post, put, patch and delete with a path");
            }
            return None;
        };
        self.path(cx.scope, path, &at)
    }

    pub(super) fn batch(
        &mut self,
        cx: &Context<'_>,
        spec: &BatchSpec,
        path: &EndpointPath,
        columns: &[WriteColumn],
    ) -> Option<Batch> {
        let at = cx.at.member("batch");
        let written = methods([&spec.post, &spec.put, &spec.patch, &spec.delete]);
        let method = written.iter().find(|(.., path)| path.is_some()).map(|(_, method, _)| *method)?;
        let mut constants = self.write_constants(cx, &spec.query, &spec.headers, &at);
        if !self.has(&at.member("max")) {
            self.report.say(&at, "\"max\" is missing: the most rows in one request");
        }
        let max = spec.max.map_or(1, |max| usize::try_from(max).unwrap_or(usize::MAX));
        let form = self.batch_form(cx, (spec, max), path, &mut constants);
        let idempotency = self.batch_idempotency(spec, &at, form.as_ref());
        let answer = self.batch_answer(cx, spec, columns);
        let job = spec.job.as_ref().map(|job| self.job(job, &at.member("job")));
        if spec.odata && (spec.answer.is_some() || spec.job.is_some()) {
            let name = if spec.answer.is_some() { "answer" } else { "job" };
            self.report.say(&at.member(name), "an OData batch answers each request by itself; leave it out");
        }
        Some(Batch {
            max,
            max_bytes: spec.max_bytes.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
            method,
            path: path.text.clone(),
            constants,
            form: form?,
            idempotency,
            atomic: spec.atomic,
            answer: answer?,
            job: match job {
                Some(job) => Some(job?),
                None => None,
            },
        })
    }

    fn batch_form(
        &mut self,
        cx: &Context<'_>,
        (spec, max): (&BatchSpec, usize),
        path: &EndpointPath,
        constants: &mut Vec<(Place, String)>,
    ) -> Option<BatchForm> {
        let at = cx.at.member("batch");
        let given = [
            ("rows", spec.rows.is_some()),
            ("keys", spec.keys.is_some()),
            ("same", spec.same.is_some()),
            ("odata", spec.odata),
        ];
        let mut given = given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name);
        let first = given.next();
        for other in given {
            let message = format!("rows stand in a batch in one way; found {} and {other}", first.unwrap_or_default());
            self.report.say(&at.member(other), message);
        }
        let is_written = ["rows", "keys", "same", "odata"].iter().any(|name| self.has(&at.member(name)));
        if first.is_none() && !is_written {
            self.report.say(&at, "nothing says how rows stand in it; expected one of rows, keys, same and odata");
        }
        if let Some(rows) = &spec.rows {
            return self.batch_rows(cx, rows, path);
        }
        if let Some(keys) = &spec.keys {
            return self.batch_keys(cx, keys, path);
        }
        if let Some(same) = &spec.same {
            return self.same_values(cx, (same, max), path, constants);
        }
        if spec.odata && cx.own.odata.is_none() {
            let message =
                "an OData batch holds the write's own requests; expected `odata` at the write, such as `odata: v4`";
            self.report.say(&at.member("odata"), message);
        }
        spec.odata.then_some(BatchForm::ODataJson)
    }

    fn batch_rows(&mut self, cx: &Context<'_>, spec: &BatchRows, path: &EndpointPath) -> Option<BatchForm> {
        let at = cx.at.path(&["batch", "rows"]);
        let (array, template, key) = match spec {
            BatchRows::At(array) => (self.steps(array, &at)?, None, None),
            BatchRows::Members(BatchRowsMembers { at: array, template, key }) => {
                let (array, template) = self.array_in(array, template.as_ref(), &at);
                (array, template, key.as_ref())
            }
        };
        let at = at.member("key");
        if key.is_some() && cx.kind == WriteKind::Insert {
            self.report.say(&at, "a row that is inserted has no key yet; name a key that it chooses in `columns`");
        }
        let column = |column, steps| WriteColumn { column, at: steps, required: true, null: NullForm::Refused };
        let mut columns = Vec::new();
        if let Some(key) = key {
            for (name, place) in key.iter() {
                let at = at.member(name);
                let found = self.key_column(cx, name, &at);
                let steps = self.steps(place, &at).filter(|steps| !steps.is_empty());
                columns.extend(found.zip(steps).map(|(found, steps)| column(found, steps)));
            }
        } else if cx.kind != WriteKind::Insert {
            let key = cx.scope.key.iter().filter(|column| !path.columns.contains(column));
            columns = key.map(|&key| column(key, self.place_in_row(cx, key))).collect();
        }
        if cx.kind != WriteKind::Insert {
            let named = |key: &usize| columns.iter().any(|column| column.column == *key) || path.columns.contains(key);
            let missing = cx.scope.key.iter().filter(|key| !named(key));
            let missing: Vec<&str> = missing.map(|&key| cx.scope.columns[key].name.as_str()).collect();
            if !missing.is_empty() {
                self.report.say(&at, format!("the whole key is needed; {} is missing", missing.join(", ")));
            }
        }
        Some(BatchForm::Rows { at: array, template, key: columns })
    }

    fn batch_keys(&mut self, cx: &Context<'_>, spec: &BatchKeys, path: &EndpointPath) -> Option<BatchForm> {
        let at = cx.at.path(&["batch", "keys"]);
        if cx.kind != WriteKind::Delete {
            self.report.say(&at, format!("an array of keys says nothing else; {} needs `rows` or `same`", cx.name()));
            return None;
        }
        let (array, template, column) = match spec {
            BatchKeys::At(array) => (self.steps(array, &at)?, None, None),
            BatchKeys::Members(BatchKeysMembers { at: array, template, column }) => {
                let (array, template) = self.array_in(array, template.as_ref(), &at);
                (array, template, column.as_deref())
            }
        };
        let column = self.the_key(cx, column, path, &at)?;
        Some(BatchForm::Keys { at: array, template, column })
    }

    fn same_values(
        &mut self,
        cx: &Context<'_>,
        (spec, max): (&SameValues, usize),
        path: &EndpointPath,
        constants: &mut Vec<(Place, String)>,
    ) -> Option<BatchForm> {
        let at = cx.at.path(&["batch", "same"]);
        if cx.kind == WriteKind::Insert {
            self.report.say(&at, "a write by query changes rows that are there; an insert needs `rows`");
            return None;
        }
        let place = self.place_needed(spec.parameter.as_deref(), spec.header.as_deref(), spec.body.as_deref(), &at);
        let style = list_style(spec.list.as_deref(), spec.body.is_some());
        let is_array = style == ListStyle::Array;
        if is_array != spec.body.is_some() && (is_array || style == ListStyle::Repeated) {
            self.report.say(&at.member("list"), "an array stands in a body, and `repeat` outside of it");
        }
        let column = self.the_key(cx, spec.column.as_deref(), path, &at);
        let limit = match &spec.limit {
            Some(limit) => Some(self.place_spec(limit, &at.member("limit"))?),
            None => None,
        };
        let body = match &spec.values {
            Some(values) => self.body_form(values, &at.member("values"), constants),
            None if matches!(place, Some(Place::Body(_))) => default_body(WriteKind::Update),
            None => default_body(cx.kind),
        };
        let in_body = |place: &Option<Place>| matches!(place, Some(Place::Body(_)));
        if body == WriteBody::None && (in_body(&place) || in_body(&limit) || cx.kind == WriteKind::Update) {
            self.report
                .say(&at.member("values"), "something stands in the body, and there is none; expected json or form");
        }
        Some(BatchForm::Same { column: column?, place: place?, list: ListForm { style, max }, limit, body })
    }

    /// The column of the key that is named, else the one that the path does not have.
    fn the_key(&mut self, cx: &Context<'_>, name: Option<&str>, path: &EndpointPath, at: &At) -> Option<usize> {
        let mut open = cx.scope.key.iter().filter(|column| !path.columns.contains(column));
        match (name, open.next(), open.next()) {
            (Some(name), ..) => self.key_column(cx, name, &at.member("column")),
            (None, Some(only), None) => Some(*only),
            // Without a key of the table that was said before.
            (None, ..) if cx.scope.key.is_empty() => None,
            (None, None, _) => {
                self.report.say(at, "the path has the whole key: nothing is left to tell several rows apart");
                None
            }
            (None, Some(_), Some(_)) => {
                let message = "several columns of the key are not in the path; expected all but one of them there";
                self.report.say(at, message);
                None
            }
        }
    }

    /// A column of the key by its name.
    pub(super) fn key_column(&mut self, cx: &Context<'_>, name: &str, at: &At) -> Option<usize> {
        let column = self.column(cx.scope, name, at)?;
        if !cx.scope.key.contains(&column) {
            self.report.say(at, format!("{name} is not in the table's key"));
            return None;
        }
        Some(column)
    }

    fn batch_idempotency(&mut self, spec: &BatchSpec, at: &At, form: Option<&BatchForm>) -> Option<Idempotency> {
        let key = self.idempotency(spec.idempotency.as_ref()?, &at.member("idempotency"))?;
        let at = at.member("idempotency");
        let is_in_rows = matches!(form, Some(BatchForm::Rows { .. }) | None);
        if key.per == Per::Row && !(is_in_rows && matches!(key.place, Place::Body(_))) {
            self.report
                .say(&at, "a key of each row stands in the row; expected `rows`, and `body` for where it stands");
        }
        if key.per == Per::Request
            && matches!((&key.place, form), (Place::Body(_), Some(BatchForm::Rows { at, .. } | BatchForm::Keys { at, .. })) if at.is_empty())
        {
            self.report.say(&at, "the body is the array of rows: a key of the request has no place in it");
        }
        Some(key)
    }

    fn job(&mut self, spec: &JobSpec, at: &At) -> Option<Job> {
        let place = self.steps(&spec.at, &at.member("at"));
        let path = match &spec.path {
            Some(path) => Some(self.job_path(path, &at.member("path"))?),
            None => None,
        };
        let state = self.steps(&spec.state, &at.member("state"));
        if spec.done.is_empty() {
            self.report.say(&at.member("done"), "there is no state in which it is done; expected at least one");
        }
        if let Some(both) = spec.done.iter().find(|state| spec.failed.contains(state)) {
            self.report.say(&at.member("failed"), format!("{both:?} is a state in which it is done, too"));
        }
        let interval = spec.every.as_deref().map(|every| template::duration(every).map_or(0, |every| every.as_secs()));
        if interval == Some(0) {
            self.report.say(&at.member("every"), "expected a length of time of at least a second, such as 5s");
        }
        Some(Job {
            at: place?,
            path,
            state: state?,
            done: spec.done.clone(),
            failed: spec.failed.clone(),
            interval: interval.unwrap_or(JOB_INTERVAL),
            max_polls: spec.most.unwrap_or(JOB_POLLS),
        })
    }
}
