//! All that was inferred, put together and written.

use tidegate_transport::redact_url;

use super::address::Address;
use super::columns::{self, Column, Key};
use super::json::{Json, Path};
use super::page::Page;
use super::paging::{self, Candidate, PageSize, Told, TotalAt, Verdict};
use super::plan::{Plan, plan};
use super::yaml::{Lines, literal, members, quoted, scalar};
use super::{Inferred, Sample};

/// All that was inferred.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    name: &'a str,
    wants_token: bool,
    /// Variable that a connection reads its token from.
    variable: String,
    address: Address,
    url: String,
    rows_at: Path,
    is_named: bool,
    rows: usize,
    pages: usize,
    columns: Vec<Column>,
    key: Option<Key>,
    plan: Plan,
    page_size: Option<PageSize>,
    /// The number of all rows, and whether a second page says the same.
    total: Option<(TotalAt, bool)>,
    success: Option<&'static str>,
    failure: Option<&'static str>,
    is_odata: bool,
}

impl<'a> Draft<'a> {
    pub(super) fn new(name: &'a str, page: &Page<'_>, further: &[Sample], wants_token: bool) -> Self {
        let address = Address::new(page.url);
        let told = Told::read(page);
        let judged = paging::verdict(page, paging::candidates(page), further);
        let second = match &judged {
            Some((_, Verdict::Moved(second))) => Some(second),
            _ => None,
        };
        let rows: Vec<&Json> = page.rows().iter().chain(second.into_iter().flat_map(Page::rows)).collect();
        let columns = columns::columns(&rows);
        let plan = plan(page, &told, &columns, judged.as_ref());
        let candidate: Option<&Candidate> = judged.as_ref().map(|(candidate, _)| candidate);
        let page_size = paging::page_size(page, candidate).filter(|_| plan.declared.is_some());
        let total = told.total.filter(|_| plan.declared.is_some()).map(|(at, total)| {
            let same = second.and_then(|second| Told::read(second).total).is_some_and(|(_, again)| again == total);
            (at, same)
        });
        let present = |names: &[&'static str], wanted: fn(&Json) -> bool| {
            names.iter().copied().find(|name| page.member(name).is_some_and(wanted))
        };
        let key = columns::key(&address.table, &columns, &rows);
        Self {
            url: redact_url(page.url),
            rows_at: page.rows_at().to_vec(),
            is_named: page.is_named(),
            rows: rows.len(),
            pages: 1 + usize::from(second.is_some()),
            success: present(&["ok", "success"], |value| *value == Json::Bool(true)),
            failure: present(&["error", "errors"], is_nothing),
            is_odata: page.member("@odata.context").is_some() || page.member("odata.metadata").is_some(),
            name,
            wants_token,
            variable: format!("{}_TOKEN", name.to_ascii_uppercase()),
            address,
            columns,
            key,
            plan,
            page_size,
            total,
        }
    }

    pub(super) fn write(&self) -> Inferred {
        let mut out = Lines::default();
        self.head(&mut out);
        self.access(&mut out);
        out.line(0, "tables:");
        out.line(2, &format!("{}:", scalar(&self.address.table)));
        self.write_key(&mut out);
        self.write_columns(&mut out);
        self.write_endpoint(&mut out);
        Inferred { yaml: out.finish(), notes: self.notes() }
    }

    fn head(&self, out: &mut Lines) {
        out.comment(
            0,
            &format!(
                "Inferred from {} of {}. Samples prove little: read each comment, and check types, key and paging \
                 against the API's documentation.",
                self.seen(),
                self.url
            ),
        );
        out.line(0, &format!("connector: {}", scalar(self.name)));
        out.line(0, &format!("url: {}", quoted(&literal(&self.address.base))));
    }

    /// `45 rows on 2 pages`
    fn seen(&self) -> String {
        let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        format!("{} on {}", plural(self.rows, "row"), plural(self.pages, "page"))
    }

    /// The same with another variable for the token.
    pub(super) fn reading(mut self, variable: Option<&str>) -> Self {
        if let Some(variable) = variable {
            variable.clone_into(&mut self.variable);
        }
        self
    }

    fn access(&self, out: &mut Lines) {
        let lines = [
            "options:".to_owned(),
            format!("  token: {{ env: {}, secret: true, description: Access token }}", scalar(&self.variable)),
            "auth:".to_owned(),
            "  bearer: \"{token}\"".to_owned(),
        ];
        out.line(0, "");
        if self.wants_token {
            out.comment(0, "If the token goes elsewhere: header: { name: X-Api-Key, value: \"{token}\" }.");
        } else {
            out.comment(0, "The list was answered without a token. For one, take the # away:");
        }
        for line in lines {
            out.line(0, &if self.wants_token { line } else { format!("# {line}") });
        }
        out.line(0, "");
    }

    fn write_key(&self, out: &mut Lines) {
        match &self.key {
            Some(key) => {
                let strength = if key.is_likely { "" } else { ", which does not prove much" };
                out.comment(
                    4,
                    &format!("Unique in the {} seen{strength}. A wrong key gives wrong results.", self.rows_seen()),
                );
                out.line(4, &format!("key: {}", scalar(&self.columns[key.column].name)));
            }
            None => out.comment(4, "No column is surely the key. If one is, or several are together: key: [a, b]"),
        }
    }

    fn rows_seen(&self) -> String {
        if self.rows == 1 { "one row".to_owned() } else { format!("{} rows", self.rows) }
    }

    fn write_columns(&self, out: &mut Lines) {
        out.line(4, "columns:");
        for column in &self.columns {
            let name = scalar(&column.name);
            let line = if column.is_plain() {
                format!("{name}: {}", scalar(column.data_type))
            } else {
                format!("{name}: {{ type: {}, path: {} }}", scalar(column.data_type), members(&column.path))
            };
            out.remarked(6, &line, column.remark.as_deref());
        }
    }

    fn write_endpoint(&self, out: &mut Lines) {
        out.line(4, "list:");
        if let Some(value) = self.address.values.first() {
            out.comment(
                6,
                &format!(
                    "{value} stands for one parent. To choose it in a query, write {{parent_id}} in its place, and a \
                     column `parent_id: {{ from: request }}`."
                ),
            );
        }
        out.line(6, &format!("path: {}", scalar(&self.address.path)));
        self.write_query(out);
        if !self.rows_at.is_empty() {
            let remark = (!self.is_named).then_some("the longest list of objects: check that it is the one meant");
            out.remarked(6, &format!("rows: {}", members(&self.rows_at)), remark);
        }
        self.write_paging(out);
        self.write_total(out);
        self.write_failure(out);
        out.comment(6, "What the API can filter by is worth most; see its documentation. Such as:");
        for line in ["filters:", "  state: { \"=\": state }", "  updated_at: { \">=\": since }"] {
            out.line(6, &format!("# {line}"));
        }
    }

    /// Parameters of the URL given that are sent with every request: no two of one name, none of paging in use.
    fn constants(&self) -> Vec<(&str, &str)> {
        let mut constants: Vec<(&str, &str)> = Vec::new();
        for (name, value) in &self.address.query {
            let is_new = constants.iter().all(|(known, _)| known != name);
            if is_new && !name.is_empty() && !self.is_about_pages(name, value) {
                constants.push((name, value));
            }
        }
        constants
    }

    /// A size without paging is still wanted: the API would give fewer rows.
    fn is_about_pages(&self, name: &str, value: &str) -> bool {
        let is_unused_size = self.page_size.is_none() && paging::is_size(name);
        paging::is_about_pages(name, value) && !is_unused_size
    }

    fn write_query(&self, out: &mut Lines) {
        let constants = self.constants();
        if !constants.is_empty() {
            out.line(6, "query:");
            for (name, value) in &constants {
                let remark = self.repeated().contains(name).then_some("the first of several values in the URL given");
                out.remarked(8, &format!("{}: {}", scalar(name), scalar(&literal(value))), remark);
            }
        }
    }

    /// Parameters of the URL given of which the manifest takes only the first.
    fn repeated(&self) -> Vec<&str> {
        let query = &self.address.query;
        let is_repeated = |at: usize| query[..at].iter().filter(|(name, _)| *name == query[at].0).count() == 1;
        (0..query.len()).filter(|at| is_repeated(*at)).map(|at| query[at].0.as_str()).collect()
    }

    fn write_paging(&self, out: &mut Lines) {
        out.comment(6, &self.plan.remark);
        match (&self.plan.declared, &self.plan.offered) {
            (Some(value), _) => out.line(6, &format!("paging: {value}")),
            (None, offered) => {
                if let Some(value) = offered {
                    out.line(6, &format!("# paging: {value}"));
                }
                out.line(6, "paging: single");
            }
        }
        match &self.page_size {
            Some(PageSize { parameter, rows }) => {
                out.comment(6, "As many as were seen to come: raise it to what the API allows, for fewer calls.");
                out.line(6, &format!("page_size: {{ parameter: {}, max: {rows} }}", scalar(parameter)));
            }
            None if self.plan.declared.is_some() => {
                out.comment(6, "If the size of a page can be chosen: page_size: { parameter: limit, max: 100 }");
            }
            None => {}
        }
    }

    fn write_total(&self, out: &mut Lines) {
        let Some((at, is_same)) = &self.total else { return };
        let line = match at {
            TotalAt::Body(path) => format!("count: {}", members(path)),
            TotalAt::Header(name) => format!("count_header: {}", scalar(name)),
        };
        if *is_same {
            out.comment(6, "The same on both pages. COUNT(*) trusts it: check that it counts all rows that match.");
            out.line(6, &line);
        } else {
            out.comment(6, "If this is the number of all rows that match, COUNT(*) needs no rows with it:");
            out.line(6, &format!("# {line}"));
        }
    }

    fn write_failure(&self, out: &mut Lines) {
        if let Some(success) = self.success {
            out.line(6, &format!("success: {success}"));
        }
        let guard = self.plan.guard.as_deref().map(members);
        if guard.is_some() {
            out.comment(6, "Until paging is set, a query that has more than one page fails in place of losing rows:");
        }
        match (guard, self.failure) {
            (Some(guard), Some(failure)) => out.line(6, &format!("failure: [{failure}, {guard}]")),
            (Some(guard), None) => out.line(6, &format!("failure: {guard}")),
            (None, Some(failure)) => out.line(6, &format!("failure: {failure}")),
            (None, None) => {}
        }
    }

    fn notes(&self) -> Vec<String> {
        let place = match self.rows_at.as_slice() {
            [] => "the body itself".to_owned(),
            path => path.join("."),
        };
        let mut notes = vec![
            format!("table {}: {} in {place}, {} columns", self.address.table, self.seen(), self.columns.len()),
            match &self.key {
                Some(key) => format!("key: {}, unique in the {} seen", self.columns[key.column].name, self.rows_seen()),
                None => "key: none was found".to_owned(),
            },
            match (&self.plan.declared, &self.plan.offered) {
                (Some(value), _) => format!("paging: {value}. {}", self.plan.remark),
                (None, Some(value)) => format!("paging: not set; {value} was no success. {}", self.plan.remark),
                (None, None) => format!("paging: not set. {}", self.plan.remark),
            },
        ];
        if self.plan.guard.is_some() {
            notes.push(
                "until paging is set, a query that has more than one page fails in place of losing rows".to_owned(),
            );
        }
        if let Some(name) = self.address.query.iter().map(|(name, _)| name).find(|name| paging::is_token(name)) {
            notes.push(format!("the parameter {name} was left out: a scan begins with the first page"));
        }
        notes.extend(self.repeated().iter().map(|name| {
            format!("the parameter {name} stands more than once in the URL; the manifest has only the first")
        }));
        if self.is_odata {
            notes.push(
                "this looks like OData, which describes itself: the connector odata needs no manifest".to_owned(),
            );
        }
        notes
    }
}

fn is_nothing(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => true,
        Json::Text(text) => text.is_empty(),
        Json::List(items) => items.is_empty(),
        _ => false,
    }
}
