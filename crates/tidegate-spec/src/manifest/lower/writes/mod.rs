//! Writes: what each says itself, what it takes from `defaults`, and what no write of its kind can have.
//!
//! A write with a problem is left out; nothing here guesses what was not declared.

use crate::ODataVersion;
use crate::manifest::document::{
    ODataVersionName, Table as TableSpec, Write as WriteSpec, WriteMembers, Writes as WritesSpec,
};
use crate::manifest::problem::At;
use crate::write::{Sends, Write, WriteKind, WriteMethod, Writes};

use super::path::EndpointPath;
use super::{Lower, Scope};

mod answer;
mod batch;
mod columns;
mod items;
mod places;
mod single;

/// The write that is lowered.
struct Context<'s> {
    scope: &'s Scope<'s>,
    table: &'s TableSpec,
    kind: WriteKind,
    at: &'s At,
    own: &'s WriteMembers,
    /// What it has where it does not say otherwise, the nearest first.
    shared: Vec<(&'s WriteMembers, At)>,
}

impl<'s> Context<'s> {
    /// The member that `pick` picks, and where it stands: its own, or that of `defaults`.
    fn get<T: ?Sized>(
        &self,
        name: &str,
        pick: impl Fn(&'s WriteMembers) -> Option<&'s T>,
    ) -> Option<(&'s T, At, bool)> {
        if let Some(own) = pick(self.own) {
            return Some((own, self.at.member(name), false));
        }
        self.shared.iter().find_map(|(shared, at)| Some((pick(shared)?, at.member(name), true)))
    }

    /// `an update`, as a message says it.
    fn name(&self) -> String {
        let article = if self.kind == WriteKind::Delete { "a" } else { "an" };
        format!("{article} {}", self.kind.name())
    }
}

/// A request as it is written: its method, its path and where that stands.
type Request<'s> = (WriteMethod, &'s str, At);

/// Members that name a request's method.
type Methods<'s> = [(&'static str, WriteMethod, &'s Option<String>); 4];

impl Lower<'_, '_, '_> {
    pub(super) fn writes(&mut self, scope: &Scope<'_>, table: &TableSpec) -> Writes {
        let at = scope.at.member("writes");
        let document = self.document;
        let mut shared: Vec<(&WriteMembers, At)> = Vec::new();
        if let Some(defaults) = table.writes.as_ref().and_then(|writes| writes.defaults.as_deref()) {
            shared.push((defaults, at.member("defaults")));
        }
        if let Some(defaults) = document.write_defaults.as_deref() {
            shared.push((defaults, At::root().member("write_defaults")));
        }
        for (defaults, at) in &shared {
            self.write_defaults(defaults, at);
        }
        let Some(spec) = &table.writes else { return Writes::default() };
        if !["insert", "update", "delete"].iter().any(|name| self.has(&at.member(name))) {
            self.report.say(&at, "no write is declared; expected insert, update or delete");
        }
        let writes = Writes {
            insert: self.write(scope, table, WriteKind::Insert, spec.insert.as_ref(), &shared),
            update: self.write(scope, table, WriteKind::Update, spec.update.as_ref(), &shared),
            delete: self.write(scope, table, WriteKind::Delete, spec.delete.as_ref(), &shared),
        };
        self.append_only(spec, &at);
        writes
    }

    /// What `defaults` cannot say.
    fn write_defaults(&mut self, defaults: &WriteMembers, at: &At) {
        let given = [
            ("post", defaults.post.is_some()),
            ("put", defaults.put.is_some()),
            ("patch", defaults.patch.is_some()),
            ("delete", defaults.delete.is_some()),
            ("odata", defaults.odata.is_some()),
            ("columns", defaults.columns.is_some()),
            ("required", defaults.required.is_some()),
            ("sends", defaults.sends.is_some()),
            ("append_only", defaults.append_only.is_some()),
            ("batch", defaults.batch.is_some()),
        ];
        for (name, _) in given.into_iter().filter(|(_, is_given)| *is_given) {
            self.report.say(&at.member(name), format!("defaults have no {name:?}; each write says it itself"));
        }
    }

    /// Rows that can only be added have no other write.
    fn append_only(&mut self, spec: &WritesSpec, at: &At) {
        if !is_append_only(spec) {
            return;
        }
        for (name, is_given) in [("update", spec.update.is_some()), ("delete", spec.delete.is_some())] {
            if is_given {
                self.report
                    .say(&at.member(name), format!("rows that can only be added (`append_only`) have no {name}"));
            }
        }
    }

    fn write(
        &mut self,
        scope: &Scope<'_>,
        table: &TableSpec,
        kind: WriteKind,
        spec: Option<&WriteSpec>,
        shared: &[(&WriteMembers, At)],
    ) -> Option<Write> {
        let spec = spec?;
        let at = scope.at.path(&["writes", kind.name()]);
        let short;
        let (own, short_path) = match spec {
            WriteSpec::Members(members) => (members.as_ref(), None),
            WriteSpec::Path(path) => {
                short = WriteMembers::default();
                (&short, Some(path.as_str()))
            }
        };
        let cx = Context { scope, table, kind, at: &at, own, shared: shared.to_vec() };
        self.kind_members(&cx);
        let request = match short_path {
            Some(path) => Some((default_method(kind), path, at.clone())),
            None => self.own_request(&cx),
        };
        let path = request.as_ref().map(|(_, path, at)| self.path(scope, path, at));
        let batch_path = self.batch_path(&cx);
        let in_paths: Vec<&EndpointPath> = path.iter().flatten().chain(&batch_path).collect();
        let columns = self.write_columns(&cx, &in_paths);
        let version = self.version(&cx);
        let is_put = request.as_ref().is_some_and(|(method, ..)| *method == WriteMethod::Put);
        let sends = match own.sends {
            Some(crate::manifest::document::SendsName::Whole) => Sends::Whole,
            Some(crate::manifest::document::SendsName::Changed) => Sends::Changed,
            None if is_put && kind == WriteKind::Update => Sends::Whole,
            None => Sends::Changed,
        };
        let had_request = request.is_some();
        let single = request.zip(path.flatten()).map(|(request, path)| self.single(&cx, &request, &path, &columns));
        let batch =
            own.batch.as_deref().zip(batch_path).and_then(|(batch, path)| self.batch(&cx, batch, &path, &columns));
        if kind != WriteKind::Delete {
            self.write_places(&cx, &columns, version.as_ref(), single.as_ref(), batch.as_ref());
        }
        let is_whole = single.is_some() == had_request && batch.is_some() == own.batch.is_some();
        let append_only = own.append_only.unwrap_or(false);
        (is_whole && (single.is_some() || batch.is_some())).then_some(Write {
            single,
            batch,
            columns,
            sends,
            version,
            append_only,
        })
    }

    /// The request for one row; says so when there is neither that nor a batch.
    fn own_request<'s>(&mut self, cx: &Context<'s>) -> Option<Request<'s>> {
        let own = cx.own;
        let request = self.request_of(&methods([&own.post, &own.put, &own.patch, &own.delete]), cx.at);
        let is_written = ["post", "put", "patch", "delete", "batch"].iter().any(|name| self.has(&cx.at.member(name)));
        if !is_written {
            let message =
                "nothing says what is sent; expected one of post, put, patch and delete with a path, or `batch`";
            self.report.say(cx.at, message);
        }
        request
    }

    /// The one method that is given, with its path.
    fn request_of<'s>(&mut self, methods: &Methods<'s>, at: &At) -> Option<Request<'s>> {
        let mut given = methods.iter().filter_map(|(name, method, path)| Some((name, *method, path.as_deref()?)));
        let (name, method, path) = given.next()?;
        for (other, ..) in given {
            self.report.say(&at.member(other), format!("a request has one method; found {name} and {other}"));
        }
        Some((method, path, at.member(name)))
    }

    /// Members that a write of this kind cannot have.
    fn kind_members(&mut self, cx: &Context<'_>) {
        let WriteMembers { required, sends, append_only, columns, row, if_match, .. } = cx.own;
        let is = |kind| cx.kind == kind;
        let wrong = [
            ("required", required.is_some() && !is(WriteKind::Insert), "insert"),
            ("append_only", append_only.is_some() && !is(WriteKind::Insert), "insert"),
            ("sends", sends.is_some() && !is(WriteKind::Update), "update"),
            ("columns", columns.is_some() && is(WriteKind::Delete), "insert and update"),
            ("row", row.is_some() && is(WriteKind::Delete), "insert and update"),
            ("if_match", if_match.is_some() && is(WriteKind::Insert), "update and delete"),
        ];
        for (name, _, kinds) in wrong.into_iter().filter(|(_, is_wrong, _)| *is_wrong) {
            self.report.say(&cx.at.member(name), format!("{} has no {name:?}; it is for {kinds}", cx.name()));
        }
        if !is(WriteKind::Insert) && cx.scope.key.is_empty() && !self.has(&cx.scope.at.member("key")) {
            self.report.say(cx.at, format!("{} needs the table's key; expected `key` at the table", cx.name()));
        }
    }

    /// Whether something is written there, be it right or wrong.
    fn has(&self, at: &At) -> bool {
        self.report.root().find(at.steps()).is_some()
    }
}

/// Whether the table's rows can only be added.
pub(super) fn is_append_only(spec: &WritesSpec) -> bool {
    matches!(&spec.insert, Some(WriteSpec::Members(insert)) if insert.append_only == Some(true))
}

fn methods<'s>([post, put, patch, delete]: [&'s Option<String>; 4]) -> Methods<'s> {
    [
        ("post", WriteMethod::Post, post),
        ("put", WriteMethod::Put, put),
        ("patch", WriteMethod::Patch, patch),
        ("delete", WriteMethod::Delete, delete),
    ]
}

fn default_method(kind: WriteKind) -> WriteMethod {
    match kind {
        WriteKind::Insert => WriteMethod::Post,
        WriteKind::Update => WriteMethod::Patch,
        WriteKind::Delete => WriteMethod::Delete,
    }
}

fn odata_version(name: ODataVersionName) -> ODataVersion {
    match name {
        ODataVersionName::V2 => ODataVersion::V2,
        ODataVersionName::V3 => ODataVersion::V3,
        ODataVersionName::V4 => ODataVersion::V4,
        ODataVersionName::V401 => ODataVersion::V401,
    }
}
