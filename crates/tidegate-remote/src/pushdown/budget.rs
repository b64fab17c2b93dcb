//! Keeps a pushed filter short enough for the URL that it will stand in.

use tidegate_spec::{ODataVersion, Table};

use super::PushedFilter;
use crate::Predicate;
use crate::odata::{filter, url};

/// Bytes of a URL left to everything but the filter: the connection's base, which is not known when a query is
/// planned, the endpoint's path, `$orderby`, `$top` and `$skip`. `$select` has no share in it: a scan whose URL
/// is too long with it asks for whole rows.
const ALLOWANCE: usize = 512;

/// The filter less the conjuncts that do not fit, the longest first. Fewer conjuncts let more rows pass, so the
/// rest is no longer exact.
pub(super) fn keep_within(table: &Table, version: ODataVersion, longest: usize, pushed: PushedFilter) -> PushedFilter {
    let PushedFilter { predicate: Some(predicate), exact } = pushed else { return pushed };
    let budget = longest.saturating_sub(ALLOWANCE);
    let length =
        |predicate: &Predicate| filter::render(table, version, predicate).ok().map(|text| url::encode(&text).len());
    match length(&predicate) {
        Some(length) if length <= budget => return PushedFilter { predicate: Some(predicate), exact },
        _ => {}
    }
    let Predicate::And(parts) = predicate else { return PushedFilter::NOTHING };
    // A part that cannot be written goes first.
    let mut parts: Vec<(usize, Predicate)> =
        parts.into_iter().map(|part| (length(&part).unwrap_or(usize::MAX), part)).collect();
    while !parts.is_empty() {
        let largest = (0..parts.len()).max_by_key(|&index| parts[index].0).unwrap_or_default();
        parts.remove(largest);
        let kept = match parts.as_slice() {
            [] => break,
            [(_, one)] => one.clone(),
            several => Predicate::And(several.iter().map(|(_, part)| part.clone()).collect()),
        };
        if length(&kept).is_some_and(|length| length <= budget) {
            return PushedFilter { predicate: Some(kept), exact: false };
        }
    }
    PushedFilter::NOTHING
}
