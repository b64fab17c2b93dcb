//! Which rows a page holds, and where the next one begins.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::config::NextLinks;
use crate::data::schema::EntitySet;
use crate::data::value::Value;
use crate::fault::What;

use super::Call;
use super::filter::ast::{Cmp, Expr};
use super::filter::eval::{Row, order_nulls_low};
use super::query::{Position, Query};

/// Results kept, so that a walk through sorted pages does not sort at every page.
const KEPT: usize = 8;

/// What servers leave unencoded in the links they make.
const LINK: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b',')
    .remove(b'/')
    .remove(b':');

/// Recently computed row lists, oldest first, by division, set, filter and order.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<VecDeque<(String, Arc<Vec<u64>>)>>);

impl Cache {
    fn get(&self, key: &str, make: impl FnOnce() -> Vec<u64>) -> Arc<Vec<u64>> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, hit)) = lock().iter().find(|(k, _)| k == key) {
            return hit.clone();
        }
        let made = Arc::new(make());
        let mut kept = lock();
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((key.to_owned(), made.clone()));
        made
    }
}

/// A page of rows.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) rows: Vec<u64>,
    pub(crate) next: Option<String>,
    pub(crate) count: Option<u64>,
}

/// Selects the rows of a page.
pub(crate) fn select(call: &Call<'_>, set: &EntitySet, query: &Query) -> Page {
    let position = query.position.unwrap_or_default();
    let skip = if query.position.is_some() { 0 } else { query.skip };
    let limit = match (query.preferred, call.config.page_size) {
        (Some(n), _) => n as u64,
        (None, 0) => u64::MAX,
        (None, n) => n as u64,
    };
    let left = query.top.map_or(u64::MAX, |top| top.saturating_sub(position.taken));
    let want = limit.min(left);
    let (rows, more) = match (&query.filter, query.order.is_empty()) {
        (None, true) if call.data.is_whole(set) => {
            let end = call.data.end(set);
            let first = position.at.saturating_add(skip).min(end);
            let last = first.saturating_add(want).min(end);
            ((first..last).collect(), (last < end).then_some(last))
        }
        (_, true) => scan(call, set, query, position.at, skip, want),
        (_, false) => {
            let sorted = sorted(call, set, query);
            let end = sorted.len() as u64;
            let first = position.at.saturating_add(skip).min(end);
            let last = first.saturating_add(want).min(end);
            (sorted[first as usize..last as usize].to_vec(), (last < end).then_some(last))
        }
    };
    let taken = position.taken + rows.len() as u64;
    let more = more.filter(|_| query.top.is_none_or(|top| taken < top));
    let next = more.map(|at| Position { at, taken, echo: 0 });
    Page { next: next_link(call, set, next, position), count: query.count.then(|| total(call, set, query)), rows }
}

/// Rows that pass the filter from `at` on, and the row to continue from, if any is left.
fn scan(call: &Call<'_>, set: &EntitySet, query: &Query, at: u64, skip: u64, want: u64) -> (Vec<u64>, Option<u64>) {
    let mut rows = Vec::new();
    let mut to_skip = skip;
    for row in candidates(call, set, query).range(at) {
        if !keeps(call, set, query, row) {
            continue;
        }
        if to_skip > 0 {
            to_skip -= 1;
        } else if rows.len() as u64 == want {
            return (rows, Some(row));
        } else {
            rows.push(row);
        }
    }
    (rows, None)
}

fn keeps(call: &Call<'_>, set: &EntitySet, query: &Query, row: u64) -> bool {
    call.data.has(set, row) && query.filter.as_ref().is_none_or(|f| view(call, set, row).keeps(f))
}

/// Rows that may pass a filter.
enum Candidates {
    All(u64),
    /// In ascending order.
    Some(Vec<u64>),
}

impl Candidates {
    fn range(&self, from: u64) -> Box<dyn Iterator<Item = u64> + '_> {
        match self {
            Self::All(end) => Box::new(from..*end),
            Self::Some(rows) => Box::new(rows.iter().copied().filter(move |row| *row >= from)),
        }
    }
}

fn candidates(call: &Call<'_>, set: &EntitySet, query: &Query) -> Candidates {
    let [key] = set.key else { return Candidates::All(call.data.end(set)) };
    let mut keys = Vec::new();
    match query.filter.as_ref().is_some_and(|filter| asks_for_keys(filter, *key, &mut keys)) {
        true => {
            let mut rows: Vec<u64> =
                keys.iter().filter_map(|key| call.data.find(set, std::slice::from_ref(key))).collect();
            rows.sort_unstable();
            rows.dedup();
            Candidates::Some(rows)
        }
        false => Candidates::All(call.data.end(set)),
    }
}

/// Whether only rows with some keys can pass; adds these keys. As a server with an index does it: without, reading many
/// rows back by their keys would take as many looks at the whole set.
fn asks_for_keys(filter: &Expr, key: usize, keys: &mut Vec<Value>) -> bool {
    // `5.0` equals 5 and is another text.
    let is_exact = |value: &Value| matches!(value, Value::Int(_) | Value::Guid(_));
    let is_key = |expr: &Expr| matches!(expr, Expr::Prop { column, field: None, .. } if *column == key);
    match filter {
        Expr::Cmp(Cmp::Eq, left, right) => match (left.as_ref(), right.as_ref()) {
            (left, Expr::Lit(value)) if is_key(left) && is_exact(value) => {
                keys.push(value.clone());
                true
            }
            _ => false,
        },
        Expr::In(left, values) if is_key(left) && values.iter().all(is_exact) => {
            keys.extend_from_slice(values);
            true
        }
        Expr::Or(left, right) => asks_for_keys(left, key, keys) && asks_for_keys(right, key, keys),
        Expr::And(left, right) => {
            let known = keys.len();
            asks_for_keys(left, key, keys) || {
                keys.truncate(known);
                asks_for_keys(right, key, keys)
            }
        }
        _ => false,
    }
}

fn view<'a>(call: &'a Call<'_>, set: &'a EntitySet, row: u64) -> Row<'a> {
    let collation = call.config.odata.collation;
    Row { data: call.data, set, row, collation, dialect: call.dialect }
}

/// Number of rows that pass the filter.
pub(crate) fn total(call: &Call<'_>, set: &EntitySet, query: &Query) -> u64 {
    if query.filter.is_none() {
        return call.data.count(set);
    }
    matching(call, set, query).len() as u64
}

fn matching(call: &Call<'_>, set: &EntitySet, query: &Query) -> Arc<Vec<u64>> {
    let key = format!("{}\n{}\n{}\n{}", call.root, call.data.writes(), set.name, query.filter_text);
    let all = || candidates(call, set, query).range(0).filter(|row| keeps(call, set, query, *row)).collect();
    call.cache.get(&key, all)
}

fn sorted(call: &Call<'_>, set: &EntitySet, query: &Query) -> Arc<Vec<u64>> {
    let writes = call.data.writes();
    let key = format!("{}\n{writes}\n{}\n{}\n{}", call.root, set.name, query.filter_text, query.order_text);
    let collation = call.config.odata.collation;
    call.cache.get(&key, || {
        let keys =
            |row: u64| -> Vec<Value> { query.order.iter().map(|(e, _)| view(call, set, row).eval(e, None)).collect() };
        let mut rows: Vec<(Vec<Value>, u64)> = candidates(call, set, query)
            .range(0)
            .filter(|r| keeps(call, set, query, *r))
            .map(|r| (keys(r), r))
            .collect();
        // Stable, so rows with equal keys stay in the order of the set and pages do not overlap.
        rows.sort_by(|(a, _), (b, _)| {
            let ranks = query.order.iter().zip(a.iter().zip(b));
            ranks.fold(std::cmp::Ordering::Equal, |so_far, ((_, desc), (x, y))| {
                so_far.then_with(|| {
                    let order = order_nulls_low(x, y, collation);
                    if *desc { order.reverse() } else { order }
                })
            })
        });
        rows.into_iter().map(|(_, row)| row).collect()
    })
}

pub(crate) fn next_link(call: &Call<'_>, set: &EntitySet, next: Option<Position>, current: Position) -> Option<String> {
    for fault in call.faults {
        match fault {
            What::NextIsSelf => return Some(link(call, set, None, call.origin, true)),
            What::NextIsFirst => return Some(link(call, set, None, call.origin, false)),
            What::RepeatLast if next.is_none() => {
                let echo = Position { echo: current.echo + 1, ..current };
                return Some(link(call, set, Some(echo), call.origin, false));
            }
            What::NextElsewhere(origin) => {
                let absolute = link(call, set, Some(next.unwrap_or(current)), "", false);
                let path = absolute.strip_prefix(call.root).unwrap_or(&absolute);
                return Some(format!("{}{}{path}", origin.trim_end_matches('/'), call.root));
            }
            _ => {}
        }
    }
    next.map(|position| link(call, set, Some(position), call.origin, false))
}

/// A link to a page of the current query. With `own`, to this very page.
fn link(call: &Call<'_>, set: &EntitySet, to: Option<Position>, origin: &str, own: bool) -> String {
    let mut options: Vec<String> = Vec::new();
    for (name, value) in call.pairs {
        let dropped = match name.as_str() {
            // The first page carries the count; a position includes what was skipped.
            "$count" | "$inlinecount" | "$skip" => to.is_some(),
            "$skiptoken" => !own,
            _ => false,
        };
        if !dropped {
            options.push(format!("{}={}", utf8_percent_encode(name, LINK), utf8_percent_encode(value, LINK)));
        }
    }
    if let Some(position) = to {
        options.push(format!("$skiptoken={}", position.token()));
    }
    let mark = if options.is_empty() { "" } else { "?" };
    let tail = format!("{}{mark}{}", set.name, options.join("&"));
    match call.config.odata.next_links {
        NextLinks::Absolute => format!("{origin}{}{tail}", call.root),
        NextLinks::Relative => tail,
        NextLinks::PathAbsolute => format!("{}{tail}", call.root),
    }
}
