//! Endpoints: what each says itself, and what it takes from `defaults`.

use crate::manifest::document::{
    Columns, Consistency, Endpoint as EndpointSpec, Kind, MethodName, NotFound as NotFoundName, OneOrMany,
};
use crate::manifest::problem::At;
use crate::model::{ColumnSource, DEFAULT_MAX_URL_LENGTH, Endpoint, EndpointKind, Envelope, Method, NotFound, Path};
use crate::{ColumnFilter, Count, Filters, Operator, Paging, Projection};

use super::filters::Context;
use super::paging::PagingContext;
use super::path::EndpointPath;
use super::{Lower, Scope};

/// A member of an endpoint: its own, or that of `defaults`.
struct Merged<'s> {
    own: &'s EndpointSpec,
    shared: Option<&'s EndpointSpec>,
    at: &'s At,
    at_shared: At,
    /// A single row takes nothing that is about lists.
    is_single: bool,
}

impl<'s> Merged<'s> {
    /// The member that `pick` picks, where it stands, and whether that is `defaults`.
    fn get<T>(&self, name: &str, pick: impl Fn(&'s EndpointSpec) -> Option<&'s T>) -> Option<(&'s T, At, bool)> {
        const OF_SINGLE: [&str; 6] = ["absent", "fields", "failure", "success", "max_url_length", "method"];
        if let Some(own) = pick(self.own) {
            return Some((own, self.at.member(name), false));
        }
        if self.is_single && !OF_SINGLE.contains(&name) {
            return None;
        }
        self.shared.and_then(pick).map(|shared| (shared, self.at_shared.member(name), true))
    }
}

impl Lower<'_, '_, '_> {
    pub(super) fn endpoint(&mut self, scope: &Scope<'_>, at: &At, name: &str, spec: &EndpointSpec) -> Option<Endpoint> {
        let endpoint = self.any_endpoint(scope, at, name, spec)?;
        self.kind_rules(scope, at, spec, &endpoint);
        Some(endpoint)
    }

    /// The same without the rules for what endpoints of its kind need.
    pub(super) fn any_endpoint(
        &mut self,
        scope: &Scope<'_>,
        at: &At,
        name: &str,
        spec: &EndpointSpec,
    ) -> Option<Endpoint> {
        let kind = kind(name, spec.kind);
        let document = self.document;
        let shared = document.defaults.as_deref();
        let at_shared = At::root().member("defaults");
        let merged = Merged { own: spec, shared, at, at_shared, is_single: kind == EndpointKind::Get };
        let path = match &spec.path {
            Some(path) => self.path(scope, path, &at.member("path")),
            None => {
                if !self.is_written(&at.member("path")) {
                    self.report.say(at, "\"path\" is missing: what follows `url`; \"\" for nothing");
                }
                None
            }
        };
        let has_path = path.is_some();
        let path = path.unwrap_or_else(|| EndpointPath { text: String::new(), columns: Vec::new() });
        let mut endpoint = self.request(&merged, at, kind, name, &path);
        self.response(&merged, &mut endpoint);
        let forms = self.asked(scope, &merged, &path, &mut endpoint);
        self.paged(scope, &merged, &mut endpoint);
        if let Some(aggregate) = &spec.aggregate {
            endpoint.aggregate = self.aggregation(scope, aggregate, &at.member("aggregate"), (&endpoint, &path));
        }
        endpoint.columns = self.returned(scope, spec, at, &endpoint.filters);
        self.places(scope, at, &endpoint, &forms);
        has_path.then_some(endpoint)
    }

    pub(super) fn is_written(&self, at: &At) -> bool {
        self.report.root().find(at.steps()).is_some()
    }

    /// Method, path, constants and body.
    fn request(
        &mut self,
        merged: &Merged<'_>,
        at: &At,
        kind: EndpointKind,
        name: &str,
        path: &EndpointPath,
    ) -> Endpoint {
        let mut endpoint = Endpoint::new(name, path.text.clone());
        endpoint.kind = kind;
        let method = merged.get("method", |spec| spec.method.as_ref());
        let is_own = merged.own.method.is_some();
        endpoint.method = match method {
            Some((MethodName::Post, ..)) if is_own || kind != EndpointKind::Get => Method::Post,
            _ => Method::Get,
        };
        endpoint.constants = self.constants(merged.own, at);
        if let Some((body, at, is_default)) = merged.get("body", |spec| spec.body.as_ref())
            && !(is_default && endpoint.method == Method::Get)
        {
            endpoint.body = Some(self.body(body, &at));
        }
        let length = merged.get("max_url_length", |spec| spec.max_url_length.as_ref());
        endpoint.max_url_length =
            length.map_or(DEFAULT_MAX_URL_LENGTH, |(length, ..)| usize::try_from(*length).unwrap_or(usize::MAX));
        endpoint
    }

    /// Where things stand in a response, and what it means.
    fn response(&mut self, merged: &Merged<'_>, endpoint: &mut Endpoint) {
        let rows = self.member_paths(merged.get("rows", |spec| spec.rows.as_ref()));
        endpoint.envelope = Envelope {
            rows: if rows.is_empty() { vec![Path::new()] } else { rows },
            next: Vec::new(),
            more: self.member_paths(merged.get("more", |spec| spec.more.as_ref())),
            count: self.member_paths(merged.get("count", |spec| spec.count.as_ref())),
            count_header: merged.get("count_header", |spec| spec.count_header.as_ref()).map(|(name, ..)| name.clone()),
            failure: self.member_paths(merged.get("failure", |spec| spec.failure.as_ref())),
            success: self.member_paths(merged.get("success", |spec| spec.success.as_ref())),
            absent: self.member_paths(merged.get("absent", |spec| spec.absent.as_ref())),
        };
        let not_found = merged.get("not_found", |spec| spec.not_found.as_ref()).map(|(what, ..)| *what);
        let default = if endpoint.kind == EndpointKind::Get { NotFoundName::Empty } else { NotFoundName::Fail };
        endpoint.not_found = match not_found.unwrap_or(default) {
            NotFoundName::Empty => NotFound::Empty,
            NotFoundName::Fail => NotFound::Fail,
        };
        endpoint.stable = merged.get("stable", |spec| spec.stable.as_ref()).is_some_and(|(stable, ..)| *stable);
        let consistency = merged.get("consistency", |spec| spec.consistency.as_ref());
        endpoint.eventual = consistency.is_some_and(|(consistency, ..)| *consistency == Consistency::Eventual);
    }

    fn member_paths(&mut self, member: Option<(&OneOrMany<String>, At, bool)>) -> Vec<Path> {
        member.map(|(texts, at, _)| self.paths(texts.as_slice(), &at)).unwrap_or_default()
    }

    /// Filters, order, projection and count.
    fn asked(
        &mut self,
        scope: &Scope<'_>,
        merged: &Merged<'_>,
        path: &EndpointPath,
        endpoint: &mut Endpoint,
    ) -> Vec<(crate::FilterForm, At)> {
        // A language of its own takes the place of that in `defaults`.
        let own = [merged.own.text.is_some(), merged.own.items.is_some(), merged.own.odata.is_some()];
        let inherits = |mine: usize| own[mine] || !own.contains(&true);
        let text = merged.get("text", |spec| spec.text.as_ref()).filter(|_| inherits(0));
        let items = merged.get("items", |spec| spec.items.as_ref()).filter(|_| inherits(1));
        let odata = merged.get("odata", |spec| spec.odata.as_ref()).filter(|_| inherits(2));
        let odata = odata.map(|(version, ..)| *version);
        let cx = Context {
            scope,
            at: merged.at,
            path,
            text: text.map(|(text, at, _)| (text, at)),
            items: items.map(|(items, at, _)| (items, at)),
            odata,
            or: merged.get("or", |spec| spec.or.as_ref()).map(|(or, ..)| *or),
        };
        let (mut filters, forms) = self.filters(&cx, merged.own);
        require_key(&mut filters, endpoint.kind, scope.key);
        endpoint.filters = filters;
        if let Some((sort, at, is_default)) = merged.get("sort", |spec| spec.sort.as_ref()) {
            let (columns, sorting) = self.sort(sort, &at, scope, (is_default, odata.is_some()));
            endpoint.sorting = sorting.filter(|_| !columns.is_empty());
            endpoint.sort = columns;
        }
        if let Some((fields, at, _)) = merged.get("fields", |spec| spec.fields.as_ref()) {
            endpoint.projection = self.projection(fields, &at, odata.is_some()).unwrap_or(Projection::Whole);
        }
        let is_counted = !endpoint.envelope.count.is_empty() || endpoint.envelope.count_header.is_some();
        endpoint.count = match (is_counted, odata) {
            (true, Some(_)) if !endpoint.envelope.count.is_empty() => Some(Count::Inline),
            (true, _) => Some(Count::Told),
            (false, _) => None,
        };
        forms
    }

    /// Paging, page size and ceiling.
    fn paged(&mut self, scope: &Scope<'_>, merged: &Merged<'_>, endpoint: &mut Endpoint) {
        let next = merged.get("next", |spec| spec.next.as_ref());
        if let Some((paging, at, _)) = merged.get("paging", |spec| spec.paging.as_ref()) {
            let next = next.map(|(next, ..)| next);
            let mut cx = PagingContext { scope, next, envelope: &mut endpoint.envelope };
            endpoint.paging = self.paging(paging, &at, &mut cx).unwrap_or(Paging::Single);
        } else if let Some((_, at, false)) = next {
            self.report.say(&at, "nothing pages by it; expected `paging`, such as `paging: {cursor: after}`");
        }
        let size = merged.get("page_size", |spec| spec.page_size.as_ref());
        endpoint.page_size = size.and_then(|(size, at, _)| self.page_size(size, &at));
        if let Some((ceiling, at, is_default)) = merged.get("ceiling", |spec| spec.ceiling.as_ref()) {
            let asked = (&endpoint.filters, endpoint.sort.as_slice());
            endpoint.ceiling = Some(self.ceiling(ceiling, (&at, is_default), scope, asked));
        }
    }

    /// Columns that the endpoint returns: those that it declares, less those from a request that it does not take.
    fn returned(&mut self, scope: &Scope<'_>, spec: &EndpointSpec, at: &At, filters: &Filters) -> Option<Vec<usize>> {
        let at = at.member("columns");
        let all: Vec<usize> = (0..scope.columns.len()).collect();
        let declared: Vec<usize> = match &spec.columns {
            None | Some(Columns::All(_)) => all.clone(),
            Some(Columns::Names(names)) => names
                .iter()
                .enumerate()
                .filter_map(|(index, name)| self.column(scope, name, &at.member(index)))
                .collect(),
            Some(Columns::Except(except)) => {
                let at = at.member("except");
                let names = except.except.iter().enumerate();
                let left_out: Vec<usize> =
                    names.filter_map(|(index, name)| self.column(scope, name, &at.member(index))).collect();
                all.iter().copied().filter(|column| !left_out.contains(column)).collect()
            }
        };
        let mut returned: Vec<usize> = all
            .iter()
            .copied()
            .filter(|&column| match scope.columns[column].source {
                ColumnSource::Row | ColumnSource::Annotation => declared.contains(&column),
                ColumnSource::Detail => false,
                ColumnSource::Request => filters.exactness(column, Operator::Eq).is_some(),
            })
            .collect();
        returned.dedup();
        (returned.len() < all.len() || !scope.in_details.is_empty()).then_some(returned)
    }

    /// What each kind of endpoint needs.
    fn kind_rules(&mut self, scope: &Scope<'_>, at: &At, spec: &EndpointSpec, endpoint: &Endpoint) {
        let missing = |operator: Operator| {
            let names = scope.key.iter().filter(|&&column| endpoint.filters.exactness(column, operator).is_none());
            names.map(|&column| scope.columns[column].name.as_str()).collect::<Vec<_>>().join(", ")
        };
        if endpoint.kind != EndpointKind::Get && spec.absent.is_some() {
            self.report.say(&at.member("absent"), "only an endpoint of kind get can find that its row is not there");
        }
        match endpoint.kind {
            EndpointKind::Get => {
                if scope.key.is_empty() && !self.is_written(&scope.at.member("key")) {
                    self.report.say(at, "an endpoint of kind get needs the table's `key`");
                }
                let missing = missing(Operator::Eq);
                if !missing.is_empty() {
                    let message = format!(
                        "an endpoint of kind get takes the whole key; `=` on {missing} is neither in its path nor its filters"
                    );
                    self.report.say(at, message);
                }
                if endpoint.paging != Paging::Single {
                    self.report
                        .say(&at.member("paging"), "an endpoint of kind get returns one row; expected no paging");
                }
                for (name, is_given) in [("page_size", spec.page_size.is_some()), ("ceiling", spec.ceiling.is_some())] {
                    if is_given {
                        self.report.say(&at.member(name), "an endpoint of kind get returns one row, and has no pages");
                    }
                }
            }
            EndpointKind::GetMany => {
                let takes_many = |column: &usize| endpoint.filters.exactness(*column, Operator::In).is_some();
                if !scope.key.iter().any(takes_many) && endpoint.filters.dialect.is_none() {
                    self.report.say(at, "an endpoint of kind get_many needs a filter `in` on a column of the key");
                }
            }
            EndpointKind::List | EndpointKind::Search => {}
        }
    }
}

fn kind(name: &str, given: Option<Kind>) -> EndpointKind {
    match (given, name) {
        (Some(Kind::List), _) => EndpointKind::List,
        (Some(Kind::Get), _) | (None, "get") => EndpointKind::Get,
        (Some(Kind::GetMany), _) | (None, "get_many") => EndpointKind::GetMany,
        (Some(Kind::Search), _) | (None, "search") => EndpointKind::Search,
        (None, _) => EndpointKind::List,
    }
}

/// An endpoint that gets rows by their key is asked for nothing else.
fn require_key(filters: &mut Filters, kind: EndpointKind, key: &[usize]) {
    let operators: &[Operator] = match kind {
        EndpointKind::Get => &[Operator::Eq],
        EndpointKind::GetMany => &[Operator::Eq, Operator::In],
        _ => return,
    };
    let is_of_key = |filter: &ColumnFilter| {
        key.contains(&filter.column) && filter.operators.iter().any(|(operator, _)| operators.contains(operator))
    };
    for filter in filters.columns.iter_mut().filter(|filter| is_of_key(filter)) {
        filter.required = true;
    }
}
