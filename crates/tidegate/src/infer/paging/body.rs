//! Next links, tokens and flags in the body.

use url::Url;

use super::{Basis, Candidate, Style, Told, is_one_of, with_parameter};
use crate::infer::json::{Json, Path};
use crate::infer::names::plain;
use crate::infer::page::Page;

/// Names of members with the URL of the next page, without case and signs.
const NEXT_URLS: &[&str] = &[
    "next",
    "nexthref",
    "nextlink",
    "nextpage",
    "nextpagelink",
    "nextpageurl",
    "nextrecordsurl",
    "nexturi",
    "nexturl",
    "odatanextlink",
];

/// Names that the URL has within a link object.
const TARGETS: &[&str] = &["href", "link", "uri", "url"];

/// Names of members with a token for the next page that are the name of its parameter too.
const TOKENS: &[&str] = &[
    "after",
    "bookmark",
    "continuation",
    "continuationtoken",
    "continue",
    "cursor",
    "marker",
    "nexttoken",
    "pagetoken",
    "scrollid",
];

/// Names of members that, behind `next`, are those of the parameter: `nextPageToken`, `next_marker`.
const NEXT: &[&str] = &[
    "continuationtoken",
    "cursor",
    "cursormark",
    "marker",
    "offset",
    "page",
    "pageid",
    "pagenumber",
    "pagetoken",
    "startkey",
];

/// Longest token that is put into a URL.
const LONGEST_TOKEN: usize = 2_000;

/// Next links and tokens; those that are null in this response come last.
pub(super) fn candidates(page: &Page<'_>) -> Vec<Candidate> {
    let around = page.around();
    let links = around.iter().filter(|(path, _)| is_next_url(path)).filter_map(|(path, value)| {
        let next = match value {
            Json::Text(text) if is_url(text) => Some(page.url.join(text).ok()?),
            Json::Text(text) if text.is_empty() => None,
            Json::Null => None,
            _ => return None,
        };
        Some(Candidate { style: Style::NextUrl(path.clone()), next, basis: Basis::Told })
    });
    let tokens = around.iter().flat_map(|(path, value)| token(page, path, value));
    let mut found: Vec<Candidate> = links.chain(tokens).collect();
    // Of a link and a token the link needs no guess. Two ways are the most that are tried.
    found.sort_by_key(|candidate| (candidate.next.is_none(), candidate.basis == Basis::Usual));
    let first = found.first().map(|candidate| (candidate.basis, candidate.next.is_some()));
    found.retain(|candidate| Some((candidate.basis, candidate.next.is_some())) == first);
    found
}

fn is_next_url(path: &[String]) -> bool {
    is_one_of(path, NEXT_URLS)
        || (is_one_of(path, TARGETS) && path.len() > 1 && is_one_of(&path[..path.len() - 1], NEXT_URLS))
}

fn is_url(text: &str) -> bool {
    let starts = ["http://", "https://", "/", "?"].iter().any(|start| text.starts_with(start));
    starts || (text.contains('?') && text.contains('=')) || (text.contains('/') && Url::parse(text).is_ok())
}

fn token(page: &Page<'_>, path: &Path, value: &Json) -> Vec<Candidate> {
    let Some((parameters, is_named_next)) = parameters(path) else { return Vec::new() };
    let token = match value {
        Json::Text(text) if text.contains("://") || text.len() > LONGEST_TOKEN => return Vec::new(),
        // Airtable's offset is a text of its own; a number is where this page begins.
        Json::Text(text) if is_one_of(path, &["offset"]) && value.count().is_some() && !text.is_empty() => {
            return Vec::new();
        }
        Json::Text(text) if !text.is_empty() => Some(text.clone()),
        Json::Int(number) if is_named_next => Some(number.to_string()),
        // What is not named after the next page may be the request's own and absent, or anything.
        Json::Null | Json::Text(_) if is_named_next => None,
        _ => return Vec::new(),
    };
    let candidate = |parameter: String| {
        let next = token.as_ref().map(|token| with_parameter(page.url, &parameter, token));
        Candidate { style: Style::Cursor { parameter, token: path.clone() }, next, basis: Basis::Usual }
    };
    parameters.into_iter().map(candidate).collect()
}

/// Parameters that take the token at this path, the most usual first, and whether its name speaks of the next page.
fn parameters(path: &[String]) -> Option<(Vec<String>, bool)> {
    let last = path.last()?;
    let own = last.trim_start_matches(['_', '@', '$']).to_owned();
    let name = plain(last);
    let parent = path.len().checked_sub(2).map(|at| plain(&path[at])).unwrap_or_default();
    let found = match name.as_str() {
        "endcursor" => vec!["after".to_owned()],
        "next" => vec!["cursor".to_owned(), "next".to_owned()],
        "nextcursor" if parent != "next" => vec![behind_next(&own), "start_cursor".to_owned()],
        "nexttoken" => vec![own, "pagination_token".to_owned()],
        _ if name.strip_prefix("next").is_some_and(|rest| NEXT.contains(&rest)) => vec![behind_next(&own)],
        _ if TOKENS.contains(&name.as_str()) => {
            return Some((vec![own], matches!(parent.as_str(), "next" | "metadata") || name == "continuationtoken"));
        }
        "offset" => return Some((vec![own], false)),
        _ => return None,
    };
    Some((found, true))
}

/// `next_page_token` is `page_token`, `nextPageToken` is `pageToken`.
fn behind_next(name: &str) -> String {
    let rest = name.get(4..).unwrap_or(name).trim_start_matches(['_', '-']);
    let mut letters = rest.chars();
    letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
}

/// The last row's id, where the response says whether there is more and nothing else.
pub(super) fn keyset(page: &Page<'_>, told: &Told) -> Vec<Candidate> {
    let Some((_, more)) = &told.more else { return Vec::new() };
    let id = match page.rows().last().and_then(|row| row.get("id")) {
        Some(Json::Text(text)) => text.clone(),
        Some(Json::Int(number)) => number.to_string(),
        _ => return Vec::new(),
    };
    let candidate = |parameter: &str| Candidate {
        style: Style::Keyset { parameter: parameter.to_owned(), column: vec!["id".to_owned()] },
        next: more.then(|| with_parameter(page.url, parameter, &id)),
        basis: Basis::Usual,
    };
    let parameters: &[&str] = if *more { &["starting_after", "after"] } else { &["starting_after"] };
    parameters.iter().map(|parameter| candidate(parameter)).collect()
}
