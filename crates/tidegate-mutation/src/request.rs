//! From rows to a request that is ready to leave: with its number, keys and digest.

use std::sync::atomic::Ordering;

use tidegate_remote::write::{Composed, RowWrite, Way, compose};
use tidegate_spec::{Table, WriteKind};
use tidegate_state::RowState;

use crate::book::Ending;
use crate::decide::After;
use crate::group::split;
use crate::item::{Doubted, Group, Item, Parcel, Ready, Said};
use crate::keys;
use crate::run::Run;
use crate::wire::{Keying, keying, not_before};
use crate::{Lane, Row};

/// What became of rows that were to be a request.
pub(crate) enum Made {
    /// A request.
    Request(Parcel, Box<Composed>),
    /// It would be too large, or cannot be made of one of these rows: they are tried apart.
    Smaller(Vec<Group>),
    /// It would not be the same as before.
    Unclear(Doubted),
    /// No request can be made of this row: it has failed.
    Nothing,
}

/// Makes the next request.
pub(crate) fn make(run: &Run<'_>, lane: &Lane, ready: Ready) -> Made {
    match ready {
        Ready::New(group) => make_new(run, lane, group),
        Ready::Again(parcel) => make_again(run, lane, parcel),
    }
}

fn make_new(run: &Run<'_>, lane: &Lane, Group { items, way }: Group) -> Made {
    let table = &run.job.table;
    let Some(kind) = items.first().map(|item| item.row.kind) else { return Made::Nothing };
    let keying = keying(table, kind, way);
    let number = run.numbers.fetch_add(1, Ordering::Relaxed) + 1;
    let writes: Vec<RowWrite> = items.iter().map(|item| write(run, keying, number, item)).collect();
    let key = matches!(keying, Keying::Request(_))
        .then(|| keys::request_key(run.book.mutation(), number, items.iter().map(|item| &item.row)));
    let composed = match compose(&lane.source, table, kind, way, &writes, key.as_deref()) {
        Ok(composed) if items.len() > 1 && is_too_large(table, kind, way, composed.bytes) => {
            return Made::Smaller(split(table, items));
        }
        Ok(composed) => composed,
        Err(_) if items.len() > 1 => return Made::Smaller(split(table, items)),
        Err(error) => {
            items.into_iter().for_each(|item| fail(run, item, error.to_string()));
            return Made::Nothing;
        }
    };
    let is_again = items.iter().any(|item| item.row_key.is_some());
    let parcel = Parcel {
        number,
        way,
        key,
        has_row_keys: matches!(keying, Keying::Row(_)),
        digest: composed.digest.clone(),
        sent_at: run.job.clock.now(),
        is_again: false,
        writes,
        open: items.into_iter().enumerate().collect(),
    };
    Made::Request(parcel, Box::new(if is_again { composed.again() } else { composed }))
}

/// The same request again. Should it not have the same bytes, it is not sent.
fn make_again(run: &Run<'_>, lane: &Lane, parcel: Parcel) -> Made {
    let kind = parcel.open.first().map(|(_, item)| item.row.kind);
    let Some(kind) = kind else { return Made::Nothing };
    match compose(&lane.source, &run.job.table, kind, parcel.way, &parcel.writes, parcel.key.as_deref()) {
        Ok(composed) if composed.digest == parcel.digest => {
            Made::Request(Parcel { is_again: true, ..parcel }, Box::new(composed.again()))
        }
        _ => {
            let not_before = not_before(run.job.clock.as_ref(), 0);
            Made::Unclear(Doubted { parcel: Parcel { key: None, ..parcel }, after: After::Again, not_before })
        }
    }
}

/// The row as a request carries it.
fn write(run: &Run<'_>, keying: Keying, number: u64, item: &Item) -> RowWrite {
    let key = match (&item.row_key, keying) {
        (Some(key), _) => key.clone(),
        (None, Keying::Row(_)) => keys::row_key(run.book.mutation(), number, &item.row),
        (None, _) => keys::trace(run.book.mutation(), &item.row),
    };
    item.row.write(key)
}

/// The row as a request of an earlier run carried it.
pub(crate) fn written(run: &Run<'_>, keying: Keying, row: &Row) -> RowWrite {
    let key = row.idempotency_key.clone().filter(|_| matches!(keying, Keying::Row(_)));
    row.write(key.unwrap_or_else(|| keys::trace(run.book.mutation(), row)))
}

fn is_too_large(table: &Table, kind: WriteKind, way: Way, bytes: usize) -> bool {
    let batch = table.writes.get(kind).and_then(|write| write.batch.as_ref()).filter(|_| way == Way::Batch);
    batch.and_then(|batch| batch.max_bytes).is_some_and(|most| bytes > most)
}

/// A row that surely was not done, and cannot be.
fn fail(run: &Run<'_>, item: Item, why: String) {
    if item.in_doubt {
        // An earlier request with it was composed: it is not the row's fault, and not known to be undone.
        let state = RowState::Unknown;
        return run.end(&item.row, Ending::without(state, item.said.status, why));
    }
    run.failed(&item.row, &Said { status: None, message: Some(why) });
}

impl Parcel {
    /// Its rows as they are once it is on disk that it leaves.
    pub(crate) fn left(mut self) -> Self {
        let first_sent: Vec<_> = self.open.iter().map(|(_, item)| self.first_sent(item)).collect();
        let keys: Vec<_> = self.open.iter().map(|(place, _)| self.key_of(*place)).collect();
        for (((_, item), sent_at), key) in self.open.iter_mut().zip(first_sent).zip(keys) {
            item.row.state = RowState::Sent;
            item.row.attempts += 1;
            item.row.request = Some(self.number);
            item.row.sent_at = Some(sent_at);
            item.row.idempotency_key = key;
        }
        self
    }
}
