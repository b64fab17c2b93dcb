//! Puts rows together into requests: full ones as soon as there are enough rows, the others at the end. Pure.

use std::collections::{HashSet, VecDeque};

use tidegate_remote::write::{RowWrite, Way, batch_max, can_share};
use tidegate_spec::{Table, WriteKind};

use crate::item::{Group, Item};
use crate::row::text;

/// Most groups that wait for more rows. Rows that cannot share a request with any of them push the oldest out.
const MAX_OPEN: usize = 64;

/// Most rows of a request that was refused as a whole that are sent one by one at once, where that can be.
const FEW: usize = 3;

/// Groups that are not full yet.
#[derive(Debug, Default)]
pub(crate) struct Grouping {
    open: VecDeque<Open>,
    /// Whether rows are sent in their order: a group then ends at the first row that cannot be in it.
    in_order: bool,
}

/// Rows that can share a request.
#[derive(Debug)]
struct Open {
    first: RowWrite,
    max: usize,
    items: Vec<Item>,
    /// Keys of the rows: an API may take a row that comes twice for a mistake.
    keys: HashSet<String>,
}

impl Grouping {
    pub(crate) fn new(in_order: bool) -> Self {
        Self { open: VecDeque::new(), in_order }
    }

    /// Adds a row; what need not wait any longer comes back, in order.
    pub(crate) fn add(&mut self, table: &Table, item: Item) -> Vec<Group> {
        let kind = item.row.kind;
        let max = batch_max(table, kind).unwrap_or(1);
        let write = item.row.write(String::new());
        let key = text(&write.key);
        let mut out = Vec::new();
        let is_new = |open: &Open| key.as_ref().is_none_or(|key| !open.keys.contains(key));
        let fits = |open: &Open| {
            open.first.kind == kind && max > 1 && can_share(table, kind, &open.first, &write) && is_new(open)
        };
        let place = match self.open.iter().position(fits) {
            Some(place) => {
                self.open[place].items.push(item);
                self.open[place].keys.extend(key);
                place
            }
            None => {
                let most = if self.in_order { 1 } else { MAX_OPEN };
                while self.open.len() >= most {
                    out.extend(self.take(table));
                }
                self.open.push_back(Open { first: write, max, items: vec![item], keys: key.into_iter().collect() });
                self.open.len() - 1
            }
        };
        if self.open[place].items.len() >= self.open[place].max {
            out.extend(self.open.remove(place).map(|open| group(table, open.items)));
        }
        out
    }

    /// The oldest group, though it is not full.
    pub(crate) fn take(&mut self, table: &Table) -> Option<Group> {
        self.open.pop_front().map(|open| group(table, open.items))
    }
}

/// A request of these rows: by the batch, unless a row is alone and has a request of its own.
pub(crate) fn group(table: &Table, items: Vec<Item>) -> Group {
    let way = items.first().map_or(Way::Single, |item| way(table, item.row.kind, items.len()));
    Group { items, way }
}

/// How so many rows of a kind are sent.
pub(crate) fn way(table: &Table, kind: WriteKind, rows: usize) -> Way {
    let has_single = table.writes.get(kind).is_some_and(|write| write.single.is_some());
    if rows == 1 && has_single { Way::Single } else { Way::Batch }
}

/// Requests with fewer rows, in the same order: halves, or each row alone where few are left. Each cut at least halves, so
/// that one bad row of `n` is alone after `log2(n)` requests.
pub(crate) fn split(table: &Table, mut items: Vec<Item>) -> Vec<Group> {
    let has_single = items.first().is_some_and(|item| way(table, item.row.kind, 1) == Way::Single);
    if has_single && items.len() <= FEW {
        return items.into_iter().map(|item| group(table, vec![item])).collect();
    }
    let rest = items.split_off(items.len().div_ceil(2));
    [items, rest].into_iter().filter(|items| !items.is_empty()).map(|items| group(table, items)).collect()
}

#[cfg(test)]
mod tests;
