//! How far the journal may be ahead of the wire: how many requests of a lane may stand there as sent without an answer.
//!
//! A request leaves when its rows are on disk as sent. If each waited for that by itself, a row would take as long as the
//! disk and the API together. So while as many requests as may be are on the wire, the rows of the next ones are written:
//! as many again at most, since all of them are in doubt after a crash, whether they left or not. Where nothing could
//! clear that up, no request is written ahead. Decides, and does nothing.

use std::collections::HashMap;

use tidegate_spec::Table;

use crate::Policy;
use crate::item::{Group, Ready};
use crate::wire::{self, Keying, keying};

/// Requests of a lane between the journal and their answers, as far as they are counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Most on the wire.
    wire: usize,
    /// Most beside them.
    ahead: usize,
}

impl Window {
    pub(crate) fn new(policy: Policy) -> Self {
        let wire = if policy.in_order { 1 } else { policy.concurrency.max(1) };
        // What comes after a row that fails or is in doubt is decided before the next one, where the order counts.
        Self { wire, ahead: if policy.in_order { 0 } else { wire } }
    }

    /// Most requests on the wire.
    pub(crate) fn wire(self) -> usize {
        self.wire
    }

    /// Most requests without an answer.
    pub(crate) fn most(self) -> usize {
        self.wire + self.ahead
    }

    /// Whether more should be written, with so many that have no answer. Not as soon as there is room for one: each write
    /// waits for the disk, and half of those ahead keep the wire busy meanwhile.
    pub(crate) fn is_short(self, open: usize) -> bool {
        open <= self.wire + self.ahead / 2
    }

    /// Whether one more may be written.
    pub(crate) fn has_room(self, open: usize, may_be_ahead: bool) -> bool {
        open < if may_be_ahead { self.most() } else { self.wire }
    }
}

/// Tells which requests may be written before there is room for them on the wire.
#[derive(Debug, Default)]
pub(crate) struct Foresight {
    /// Whether rows can be read back with these columns: the same for all rows of most mutations, and dear to find out.
    readable: HashMap<Vec<usize>, bool>,
}

impl Foresight {
    /// Whether a later run could clear up each row of it, had it left or not.
    pub(crate) fn may_be_ahead(&mut self, table: &Table, ready: &Ready) -> bool {
        match ready {
            // In doubt it is already.
            Ready::Again(_) => true,
            Ready::New(Group { items, way }) => items.iter().all(|item| {
                keying(table, item.row.kind, *way) != Keying::None
                    || wire::compares(table, &item.row)
                    || wire::columns_to_read(table, &item.row).is_some_and(|columns| self.can_read(table, columns))
            }),
        }
    }

    fn can_read(&mut self, table: &Table, columns: Vec<usize>) -> bool {
        if let Some(known) = self.readable.get(&columns) {
            return *known;
        }
        let can = tidegate_remote::write::can_read_back(table, &columns);
        self.readable.insert(columns, can);
        can
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OnError;

    #[test]
    fn at_most_one_group_is_ahead_and_groups_are_not_small() {
        let cases = [
            // Requests at once, in order; then most on the wire, most without an answer, the most with which it is short.
            ((8, false), (8, 16, 12)),
            ((3, false), (3, 6, 4)),
            ((1, false), (1, 2, 1)),
            ((0, false), (1, 2, 1)),
            ((8, true), (1, 1, 1)),
        ];
        for ((concurrency, in_order), (wire, most, short)) in cases {
            let window = Window::new(Policy { on_error: OnError::Stop, concurrency, in_order });
            assert_eq!((window.wire(), window.most()), (wire, most));
            let first = |allows: &dyn Fn(usize) -> bool| (0..100).find(|open| !allows(*open)).unwrap();
            assert_eq!(first(&|open| window.is_short(open)), short + 1, "{concurrency} {in_order}");
            assert_eq!(first(&|open| window.has_room(open, true)), most);
            assert_eq!(first(&|open| window.has_room(open, false)), wire);
        }
    }
}
