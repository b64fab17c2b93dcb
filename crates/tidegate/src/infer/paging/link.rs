//! The `Link` header (RFC 8288).
//!
//! Looks only for what servers write in practice: the manifest's `paging: link` is read by a full parser.

use http::header::LINK;
use url::Url;

use super::{Basis, Candidate, Style};
use crate::infer::page::Page;

/// Present when the header has a link to a page, be it not the next one: the last page has none.
pub(super) fn candidate(page: &Page<'_>) -> Option<Candidate> {
    let headers = page.headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    let links: Vec<(&str, String)> = headers.flat_map(links).collect();
    let target = |rel: &str| links.iter().find(|(_, rels)| rels.split_whitespace().any(|is| is == rel));
    let next: Option<Url> = target("next").and_then(|(target, _)| page.url.join(target).ok());
    let is_paged = next.is_some() || ["prev", "previous", "first", "last"].iter().any(|rel| target(rel).is_some());
    is_paged.then_some(Candidate { style: Style::Link, next, basis: Basis::Told })
}

/// Targets with their relation types in lower case.
fn links(header: &str) -> Vec<(&str, String)> {
    let parts = header.split('<').skip(1);
    parts
        .filter_map(|part| {
            let (target, parameters) = part.split_once('>')?;
            let mut parameters = parameters.split([';', ',']).map(str::trim);
            let rel = parameters.find_map(|parameter| parameter.strip_prefix("rel"))?;
            let rel = rel.trim_start().strip_prefix('=')?.trim().trim_matches('"');
            Some((target.trim(), rel.to_ascii_lowercase()))
        })
        .collect()
}
