//! How the next page may be asked for: candidates from a first response, each with the request that tries it.

mod body;
mod link;
mod number;
mod verdict;

use url::Url;

use super::json::{Json, Path};
use super::names::plain;
use super::page::Page;

pub(super) use number::{PageSize, is_about_pages, is_size, is_token, page_size};
pub(super) use verdict::{Verdict, verdict};

/// Names of members that tell whether there is a next page.
const MORE: &[&str] = &["hasmore", "hasnext", "hasnextpage", "more", "morerecords", "moreresults", "moreitems"];

/// Names of members with the number of all rows that match.
const TOTALS: &[&str] = &[
    "count",
    "found",
    "hits",
    "numfound",
    "odatacount",
    "recordcount",
    "rowcount",
    "total",
    "totalcount",
    "totalelements",
    "totalhits",
    "totalitems",
    "totalrecords",
    "totalresults",
    "totalrows",
    "totalsize",
];

/// Headers with the number of all rows that match.
const TOTAL_HEADERS: &[&str] = &["x-total-count", "x-total", "x-wp-total", "total-count", "x-count"];

/// A way in which the next page may be asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub(super) style: Style,
    /// The request for the next page; `None` when this response has no token or link for it.
    pub(super) next: Option<Url>,
    pub(super) basis: Basis,
}

/// What speaks for a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Basis {
    /// The response says so.
    Told,
    /// The URL that was given has its parameter.
    Given,
    /// The response has a token or flag, and the parameter is the usual one.
    Usual,
    /// There are more rows, and APIs often do it so.
    Tried,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Style {
    Link,
    NextUrl(Path),
    Cursor { parameter: String, token: Path },
    Keyset { parameter: String, column: Path },
    Page { parameter: String, first: u64 },
    Offset { parameter: String },
}

/// What a response tells of the list as a whole.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    /// Member that tells whether there is a next page, and what it says.
    pub(super) more: Option<(Path, bool)>,
    /// Where the number of all rows is, and that number.
    pub(super) total: Option<(TotalAt, u64)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TotalAt {
    Body(Path),
    Header(&'static str),
}

impl Told {
    pub(super) fn read(page: &Page<'_>) -> Self {
        let around = page.around();
        let more = around.iter().find_map(|(path, value)| match value {
            Json::Bool(more) if is_one_of(path, MORE) => Some((path.clone(), *more)),
            _ => None,
        });
        let rows = page.rows().len() as u64;
        // Fewer than the rows of this page is something else, and as many says nothing yet.
        let in_body = around.iter().find_map(|(path, value)| {
            let total = value.count().filter(|total| *total > rows && is_one_of(path, TOTALS))?;
            Some((TotalAt::Body(path.clone()), total))
        });
        let in_header = || {
            TOTAL_HEADERS.iter().find_map(|name| {
                let total: u64 = page.headers.get(*name)?.to_str().ok()?.trim().parse().ok()?;
                (total >= rows).then_some((TotalAt::Header(name), total))
            })
        };
        Self { more, total: in_body.or_else(in_header) }
    }

    /// Whether there are rows beyond this page, for sure.
    pub(super) fn has_more(&self, page: &Page<'_>) -> bool {
        let is_above = |total: u64| total > page.rows().len() as u64;
        self.more.as_ref().is_some_and(|(_, more)| *more) || self.total.as_ref().is_some_and(|(_, n)| is_above(*n))
    }
}

/// Ways to ask for the next page, the likeliest first.
pub(super) fn candidates(page: &Page<'_>) -> Vec<Candidate> {
    let told = Told::read(page);
    if let Some(link) = link::candidate(page) {
        return vec![link];
    }
    let in_body = body::candidates(page);
    if in_body.iter().any(|candidate| candidate.next.is_some()) {
        return in_body;
    }
    let given = number::given(page);
    if !given.is_empty() {
        return given;
    }
    // A member such as `next` that is null: nothing to try, and better than to know of no page.
    if !in_body.is_empty() {
        return in_body;
    }
    let echoed = number::echoed(page, &told);
    if !echoed.is_empty() {
        return echoed;
    }
    let keyset = body::keyset(page, &told);
    if !keyset.is_empty() {
        return keyset;
    }
    if told.has_more(page) { number::tried(page) } else { Vec::new() }
}

fn is_one_of(path: &[String], names: &[&str]) -> bool {
    path.last().is_some_and(|last| names.contains(&plain(last).as_str()))
}

/// The URL with this parameter, in place of the one of the same name if there is one.
fn with_parameter(url: &Url, name: &str, value: &str) -> Url {
    let mut changed = url.clone();
    let others: Vec<(String, String)> = url.query_pairs().into_owned().filter(|(other, _)| other != name).collect();
    changed.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
    changed
}
