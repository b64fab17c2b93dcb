//! Which filters an endpoint cannot do without, and which of several for one place is sent.

use tidegate_spec::{Endpoint, Place};

use super::PushedFilter;
use crate::Predicate;
use crate::render::way::{column_and_operator, conjuncts, form_of};

/// Columns without a filter on which the endpoint cannot be asked: those declared so, and those in its path.
pub(super) fn needed(endpoint: &Endpoint) -> Vec<usize> {
    let mut columns: Vec<usize> = endpoint.filters.required().map(|entry| entry.column).collect();
    let in_path = endpoint.filters.forms.iter().filter(|form| is_open_path(endpoint, &form.place));
    for form in in_path {
        if !columns.contains(&form.column) {
            columns.push(form.column);
        }
    }
    columns
}

/// Whether these filters, all of which are sent, hold one on a column that the endpoint needs.
pub(super) fn satisfies(endpoint: &Endpoint, sent: &[Predicate], column: usize) -> bool {
    let fills = |place: &Place| {
        sent.iter().any(|leaf| form_of(&endpoint.filters, leaf).is_some_and(|form| form.place == *place))
    };
    let mut of_path = endpoint.filters.forms.iter().filter(|form| form.column == column);
    sent.iter().any(|part| constrains(part, column))
        && of_path.all(|form| !is_open_path(endpoint, &form.place) || fills(&form.place))
}

/// Whether every row that passes has passed a comparison on the column.
pub(crate) fn constrains(predicate: &Predicate, column: usize) -> bool {
    match predicate {
        Predicate::And(parts) => parts.iter().any(|part| constrains(part, column)),
        Predicate::Or(parts) => !parts.is_empty() && parts.iter().all(|part| constrains(part, column)),
        leaf => column_and_operator(leaf).is_some_and(|(of, _)| of == column),
    }
}

fn is_open_path(endpoint: &Endpoint, place: &Place) -> bool {
    matches!(place, Place::Path(_)) && !endpoint.constants.iter().any(|(constant, _)| constant == place)
}

/// Leaves one filter for each place: the first, or the first of those that the endpoint needs.
pub(super) fn settle(endpoint: &Endpoint, pushed: PushedFilter) -> PushedFilter {
    let parts = conjuncts(pushed.predicate.as_ref());
    let needed = needed(endpoint);
    let is_needed = |part: &Predicate| needed.iter().any(|&column| constrains(part, column));
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&index| !is_needed(&parts[index]));
    let mut kept = vec![true; parts.len()];
    let mut exact = pushed.exact;
    let mut taken: Vec<(&Place, &Predicate)> = Vec::new();
    for index in order {
        let Some(form) = form_of(&endpoint.filters, &parts[index]) else { continue };
        match taken.iter().find(|(place, _)| *place == &form.place) {
            None => taken.push((&form.place, &parts[index])),
            Some((_, first)) => {
                kept[index] = false;
                exact &= **first == parts[index];
            }
        }
    }
    if kept.iter().all(|kept| *kept) {
        return pushed;
    }
    let parts = parts.iter().zip(kept).filter(|(_, kept)| *kept).map(|(part, _)| part.clone()).collect();
    PushedFilter { predicate: joined(parts), exact }
}

/// The parts, all of which must hold, as one predicate.
pub(super) fn joined(mut parts: Vec<Predicate>) -> Option<Predicate> {
    if parts.len() > 1 { Some(Predicate::And(parts)) } else { parts.pop() }
}
