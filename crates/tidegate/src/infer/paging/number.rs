//! Pages by number and by offset, and the size of a page.

use super::{Basis, Candidate, Style, Told, is_one_of, with_parameter};
use crate::infer::names::plain;
use crate::infer::page::Page;

/// Parameters that take the number of a page, without case and signs.
const PAGES: &[&str] = &["currentpage", "p", "page", "pageindex", "pageno", "pagenum", "pagenumber"];

/// Parameters that take the number of rows to leave out at the front.
const OFFSETS: &[&str] = &["from", "offset", "pageoffset", "skip", "start", "startat", "startindex"];

/// Parameters that take the size of a page.
const SIZES: &[&str] = &[
    "count",
    "first",
    "limit",
    "maxitems",
    "maxrecords",
    "maxresults",
    "pagelen",
    "pagelimit",
    "pagesize",
    "perpage",
    "rows",
    "size",
    "take",
    "top",
];

/// Parameters that take a token, and so say that the URL given is not that of the first page.
const TOKENS: &[&str] = &[
    "after",
    "continuationtoken",
    "continue",
    "cursor",
    "marker",
    "nexttoken",
    "pageafter",
    "pagecursor",
    "pagetoken",
    "skiptoken",
    "startcursor",
    "startingafter",
];

/// Members that tell the number of pages.
const PAGE_COUNTS: &[&str] = &["lastpage", "pagecount", "pages", "totalpages"];

/// The size of a page as far as it is known.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::infer) struct PageSize {
    pub(in crate::infer) parameter: String,
    /// Rows that the API is known to give when asked for as many.
    pub(in crate::infer) rows: u64,
}

/// Whether a parameter of the URL given is the paging's and no constant of the manifest.
pub(in crate::infer) fn is_about_pages(name: &str, value: &str) -> bool {
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let is_position = || [PAGES, OFFSETS].iter().any(|names| names.contains(&plain(name).as_str()));
    is_token(name) || (is_number && (is_size(name) || is_position()))
}

/// Whether a parameter of this name takes the size of a page.
pub(in crate::infer) fn is_size(name: &str) -> bool {
    SIZES.contains(&plain(name).as_str())
}

/// Whether a parameter of this name takes a token.
pub(in crate::infer) fn is_token(name: &str) -> bool {
    TOKENS.contains(&plain(name).as_str())
}

/// The parameter of the URL given, or of the link to the next page, that asks for the size of a page.
pub(in crate::infer) fn page_size(page: &Page<'_>, candidate: Option<&Candidate>) -> Option<PageSize> {
    let next = candidate.filter(|candidate| candidate.basis == Basis::Told).and_then(|told| told.next.as_ref());
    let (parameter, asked) = [Some(page.url), next].into_iter().flatten().find_map(|url| {
        let mut pairs = url.query_pairs();
        pairs.find_map(|(name, value)| {
            let asked: u64 = value.parse().ok().filter(|rows| *rows > 0)?;
            is_size(&name).then(|| (name.into_owned(), asked))
        })
    })?;
    // A page that came with fewer, though another follows, was cut.
    let got = page.rows().len() as u64;
    let is_cut =
        got > 0 && got < asked && candidate.is_some_and(|told| told.basis == Basis::Told && told.next.is_some());
    Some(PageSize { parameter, rows: if is_cut { got } else { asked } })
}

/// Pages by the parameter that the URL given has.
pub(super) fn given(page: &Page<'_>) -> Vec<Candidate> {
    let numbers = page.url.query_pairs().filter_map(|(name, value)| Some((name.into_owned(), value.parse().ok()?)));
    let found = numbers.filter_map(|(name, value): (String, u64)| {
        let plain = plain(&name);
        if PAGES.contains(&plain.as_str()) {
            Some(by_page(page, name, value, Basis::Given))
        } else if OFFSETS.contains(&plain.as_str()) {
            Some(by_offset(page, name, value, Basis::Given))
        } else {
            None
        }
    });
    found.take(1).collect()
}

/// Pages by a parameter of the name under which the response tells which page it is.
pub(super) fn echoed(page: &Page<'_>, told: &Told) -> Vec<Candidate> {
    let around = page.around();
    let number = |names: &[&str]| {
        around.iter().find_map(|(path, value)| Some((path.last()?, value.count().filter(|_| is_one_of(path, names))?)))
    };
    let page_count = number(PAGE_COUNTS);
    if let Some((name, current)) = number(PAGES)
        && (told.has_more(page) || page_count.is_some_and(|(_, pages)| pages > current))
    {
        let parameter = if plain(name) == "currentpage" { "page" } else { name };
        return vec![by_page(page, parameter.to_owned(), current, Basis::Tried)];
    }
    match number(OFFSETS) {
        Some((name, offset)) if told.has_more(page) => vec![by_offset(page, name.clone(), offset, Basis::Tried)],
        _ => Vec::new(),
    }
}

/// The most usual ways, for a response that only says that there is more.
pub(super) fn tried(page: &Page<'_>) -> Vec<Candidate> {
    vec![by_page(page, "page".to_owned(), 1, Basis::Tried), by_offset(page, "offset".to_owned(), 0, Basis::Tried)]
}

fn by_page(page: &Page<'_>, parameter: String, current: u64, basis: Basis) -> Candidate {
    let next = with_parameter(page.url, &parameter, &current.saturating_add(1).to_string());
    let first = u64::from(current > 0);
    Candidate { style: Style::Page { parameter, first }, next: Some(next), basis }
}

fn by_offset(page: &Page<'_>, parameter: String, current: u64, basis: Basis) -> Candidate {
    let offset = current.saturating_add(page.rows().len() as u64);
    let next = with_parameter(page.url, &parameter, &offset.to_string());
    Candidate { style: Style::Offset { parameter }, next: Some(next), basis }
}
