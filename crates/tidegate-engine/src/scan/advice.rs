//! What would make a scan cheaper: one sentence each, of what its table declares.

use std::collections::BTreeSet;

use tidegate_remote::Predicate;
use tidegate_spec::{Endpoint, EndpointKind, Operator, Table};

use super::filters::{is_required, parts, single_column};
use crate::cost::is_list;
use crate::sql::quote;

/// Columns that a sentence names.
const NAMED: usize = 3;

/// A scan that could be cheaper.
#[derive(Debug)]
pub(super) struct Scanned<'a> {
    pub(super) table: &'a Table,
    pub(super) endpoint: &'a Endpoint,
    pub(super) requests: usize,
    pub(super) partitions: usize,
    /// Expected calls.
    pub(super) calls: u64,
    pub(super) filter: Option<&'a Predicate>,
    /// Names of the columns that are compared here.
    pub(super) residual: BTreeSet<String>,
    /// Whether it ends early.
    pub(super) is_bounded: bool,
    /// Whether its first rows in an order are wanted that is made here.
    pub(super) sorts_first: bool,
}

/// The sentences; none for a scan whose requests take a call each.
pub(super) fn of_scan(scanned: &Scanned<'_>) -> Vec<String> {
    let least = scanned.requests.saturating_mul(scanned.partitions) as u64;
    if scanned.calls <= least || !is_list(scanned.endpoint) {
        return Vec::new();
    }
    [by_key(scanned), pushed(scanned), sorted(scanned), limited(scanned)].into_iter().flatten().collect()
}

/// Rows can be asked for by their key.
fn by_key(scanned: &Scanned<'_>) -> Option<String> {
    let Scanned { table, .. } = scanned;
    let by_key = table.endpoints.iter().find(|endpoint| !is_list(endpoint))?;
    if table.key.is_empty() {
        return None;
    }
    let asked: BTreeSet<usize> = columns(scanned.filter).collect();
    if table.key.iter().all(|key| asked.contains(key)) {
        return None;
    }
    let names: Vec<String> = table.key.iter().filter_map(|key| name(table, *key)).collect();
    let many = if by_key.kind == EndpointKind::GetMany { " or IN (…)" } else { "" };
    Some(format!("a filter {} = …{many} asks by key, by the endpoint {}", names.join(" = … AND "), by_key.name))
}

/// Filters that the API would evaluate.
fn pushed(scanned: &Scanned<'_>) -> Option<String> {
    let Scanned { table, endpoint, residual, .. } = scanned;
    let asked: BTreeSet<usize> = columns(scanned.filter).collect();
    let takes = endpoint.filters.columns.iter().filter(|filter| {
        !filter.operators.is_empty() && !asked.contains(&filter.column) && !is_required(endpoint, filter.column)
    });
    let text = |column: usize, operators: &[(Operator, _)]| {
        let operators: Vec<&str> = operators.iter().map(|(operator, _)| operator.sql()).collect();
        Some(format!("{} ({})", name(table, column)?, operators.join(", ")))
    };
    let (compared, others): (Vec<_>, Vec<_>) = takes
        .partition(|filter| table.columns.get(filter.column).is_some_and(|column| residual.contains(&column.name)));
    let said = |filters: &[&tidegate_spec::ColumnFilter]| {
        let texts = filters.iter().filter_map(|filter| text(filter.column, &filter.operators));
        texts.take(NAMED).collect::<Vec<_>>().join(", ")
    };
    if !compared.is_empty() {
        return Some(format!("the API takes other filters on these columns: {}", said(&compared)));
    }
    let more = if others.len() > NAMED { " and others" } else { "" };
    (!others.is_empty()).then(|| format!("a filter on one of these would be pushed: {}{more}", said(&others)))
}

/// Orders that the API keeps.
fn sorted(scanned: &Scanned<'_>) -> Option<String> {
    let names = scanned.endpoint.sort.iter().filter_map(|sort| name(scanned.table, sort.column));
    let names: Vec<String> = names.take(NAMED).collect();
    let more = if scanned.endpoint.sort.len() > NAMED { ", …" } else { "" };
    (scanned.sorts_first && !names.is_empty())
        .then(|| format!("ordered by {}{more} the API could return the first rows alone", names.join(" or ")))
}

fn limited(scanned: &Scanned<'_>) -> Option<String> {
    let is_open = !scanned.is_bounded && !scanned.sorts_first;
    is_open.then(|| "a LIMIT would stop after the page that reaches it".to_owned())
}

fn columns(filter: Option<&Predicate>) -> impl Iterator<Item = usize> {
    filter.map(parts).unwrap_or_default().iter().filter_map(single_column)
}

fn name(table: &Table, column: usize) -> Option<String> {
    table.columns.get(column).map(|column| quote(&column.name))
}
