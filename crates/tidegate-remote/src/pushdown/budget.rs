//! Keeps a pushed filter short enough for the URL that it will stand in, and for the language that it is said in.

use tidegate_spec::{Dialect, Endpoint, Table};

use super::PushedFilter;
use super::places::{constrains, joined, needed};
use crate::Predicate;
use crate::render::way::{conjuncts, form_of};
use crate::render::{text, url_length};

/// Bytes of a URL left to everything but the filter: the connection's base, which is not known when a query is
/// planned, the endpoint's path, `$orderby`, `$top` and `$skip`. `$select` has no share in it: a scan whose URL
/// is too long with it asks for whole rows.
const ALLOWANCE: usize = 512;

/// Bytes of the endpoint's URLs that filters may take.
pub(super) fn of(endpoint: &Endpoint) -> usize {
    endpoint.max_url_length.saturating_sub(ALLOWANCE)
}

/// The filter less the conjuncts that do not fit, the longest first. Fewer conjuncts let more rows pass, so the
/// rest is no longer exact. Those that the endpoint needs stay, however long they are.
pub(super) fn keep_within(table: &Table, endpoint: &Endpoint, pushed: PushedFilter) -> PushedFilter {
    let needed = needed(endpoint);
    let parts = conjuncts(pushed.predicate.as_ref()).iter();
    let mut parts: Vec<Part> = parts.map(|part| Part::new(table, endpoint, &needed, part.clone())).collect();
    let mut dropped = false;
    while let Some(excess) = excess(table, endpoint, &parts) {
        let droppable = |part: &&Part| !part.needed && part.counts(excess);
        let longest = parts.iter().filter(droppable).map(|part| part.length).max();
        let last = longest.and_then(|longest| {
            parts.iter().rposition(|part| !part.needed && part.counts(excess) && part.length == longest)
        });
        let Some(last) = last else { break };
        parts.remove(last);
        dropped = true;
    }
    if !dropped {
        return pushed;
    }
    PushedFilter { predicate: joined(parts.into_iter().map(|part| part.predicate).collect()), exact: false }
}

/// What there is too much of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Excess {
    /// The URL.
    Length,
    /// Terms or items.
    Terms,
}

struct Part {
    predicate: Predicate,
    /// Bytes in the URL; a part that cannot be written goes first.
    length: usize,
    /// Terms or items.
    terms: usize,
    needed: bool,
}

impl Part {
    fn new(table: &Table, endpoint: &Endpoint, needed: &[usize], predicate: Predicate) -> Self {
        Self {
            length: url_length(table, endpoint, &predicate).unwrap_or(usize::MAX),
            terms: if form_of(&endpoint.filters, &predicate).is_some() { 0 } else { text::terms(&predicate) },
            needed: needed.iter().any(|&column| constrains(&predicate, column)),
            predicate,
        }
    }

    /// Whether there is less of what is too much without it.
    fn counts(&self, excess: Excess) -> bool {
        match excess {
            Excess::Length => self.length > 0,
            Excess::Terms => self.terms > 0,
        }
    }
}

fn excess(table: &Table, endpoint: &Endpoint, parts: &[Part]) -> Option<Excess> {
    let whole = joined(parts.iter().map(|part| part.predicate.clone()).collect())?;
    let length = url_length(table, endpoint, &whole).unwrap_or(usize::MAX);
    if length > of(endpoint) {
        return Some(Excess::Length);
    }
    let most = match &endpoint.filters.dialect {
        Some(Dialect::Text(dialect)) => {
            let constant = usize::from(dialect.constant.is_some());
            dialect.max_terms.map(|most| most.saturating_sub(constant))
        }
        Some(Dialect::Items(items)) => items.max_items,
        _ => None,
    };
    let terms: usize = parts.iter().map(|part| part.terms).sum();
    most.is_some_and(|most| terms > most).then_some(Excess::Terms)
}
