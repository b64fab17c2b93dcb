//! Rows out of the journal, a page at a time: first those whose outcome an earlier run has left open, then those to be sent.

use std::time::SystemTime;

use tidegate_remote::write::{Way, compose};
use tidegate_spec::WriteKind;
use tidegate_state::RowState;

use crate::decide::After;
use crate::group::way;
use crate::item::{Doubted, Item, Parcel};
use crate::request::written;
use crate::run::Run;
use crate::verify::verify;
use crate::wire::{Halt, Keying, keying, not_before};
use crate::{Error, Lane, Row};

/// Sent, and no outcome is on disk; or an earlier run could not find out.
const OPEN: &[RowState] = &[RowState::Sent, RowState::Unknown];

/// Not sent yet, or surely without effect.
const TO_SEND: &[RowState] = &[RowState::Selected, RowState::Failed];

/// Most rows of a page.
const MOST: usize = 500;

/// Fewest rows of a page: many lanes at once must not hold many rows each.
const FEWEST: usize = 32;

/// Where a lane is in the journal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    states: &'static [RowState],
    after: Option<u64>,
}

impl Page {
    /// The first rows in doubt.
    pub(crate) fn first() -> Self {
        Self { states: OPEN, after: None }
    }

    /// The first rows to be sent.
    pub(crate) fn rows(self) -> Self {
        Self { states: TO_SEND, after: None }
    }

    /// Whether it is of rows in doubt.
    pub(crate) fn is_recall(self) -> bool {
        self.states == OPEN
    }
}

/// A page of rows.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) next: Page,
    pub(crate) has_more: bool,
    pub(crate) items: Vec<Item>,
    /// By request; one whose rows stand on several pages comes with each of them.
    pub(crate) doubted: Vec<Doubted>,
    pub(crate) halt: Option<Halt>,
}

/// Loads a page.
pub(crate) async fn load(run: &Run<'_>, lane: &Lane, page: Page) -> Result<Loaded, Error> {
    let limit = page_size(run);
    let rows = run.book.rows(page.after, limit, page.states, lane.partition.clone()).await?;
    let next = Page { after: rows.last().map(|row| row.ordinal).or(page.after), ..page };
    let has_more = rows.len() == limit as usize;
    let mut loaded = Loaded { next, has_more, items: Vec::new(), doubted: Vec::new(), halt: None };
    if page.is_recall() {
        loaded.doubted = recall(run, lane, rows).await?;
        return Ok(loaded);
    }
    let items = rows.into_iter().map(Item::new).collect();
    match if run.job.verify { verify(run, lane, items).await } else { Ok(items) } {
        Ok(items) => loaded.items = items,
        // Nothing of them was sent: they are as they were.
        Err(halt) => loaded.halt = Some(halt),
    }
    Ok(loaded)
}

/// Enough for some rounds of requests, within bounds.
fn page_size(run: &Run<'_>) -> u32 {
    let table = &run.job.table;
    let kinds = [WriteKind::Insert, WriteKind::Update, WriteKind::Delete];
    let batch = kinds.iter().filter_map(|kind| tidegate_remote::write::batch_max(table, *kind)).max().unwrap_or(1);
    let rounds = run.job.policy.concurrency.saturating_mul(batch).saturating_mul(8);
    let size = if run.job.verify { MOST } else { rounds.clamp(FEWEST, MOST) };
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// The requests of earlier runs that carried these rows. One of this run has taken up a row of an earlier page's request:
/// it is being sent, or has been, and must not be taken up twice.
async fn recall(run: &Run<'_>, lane: &Lane, rows: Vec<Row>) -> Result<Vec<Doubted>, Error> {
    let mut doubted: Vec<Doubted> = Vec::new();
    for row in rows {
        let Some(number) = row.request.filter(|number| *number <= run.earlier) else { continue };
        if doubted.iter().any(|doubted| doubted.parcel.number == number) {
            continue;
        }
        let parcel = recalled(run, lane, number, run.book.request(number).await?);
        let not_before = not_before(run.job.clock.as_ref(), 0);
        doubted.extend(parcel.map(|parcel| Doubted { parcel, after: After::Again, not_before }));
    }
    Ok(doubted)
}

/// A request of an earlier run, as far as its rows tell.
fn recalled(run: &Run<'_>, lane: &Lane, number: u64, rows: Vec<Row>) -> Option<Parcel> {
    let first = rows.iter().find(|row| OPEN.contains(&row.state))?;
    let (table, kind) = (&run.job.table, first.kind);
    let way = way(table, kind, rows.len());
    let keying = keying(table, kind, way);
    let mut parcel = Parcel {
        number,
        way,
        key: first.idempotency_key.clone().filter(|_| matches!(keying, Keying::Request(_))),
        has_row_keys: matches!(keying, Keying::Row(_)),
        digest: first.digest.clone().unwrap_or_default(),
        sent_at: first.sent_at.unwrap_or(SystemTime::UNIX_EPOCH),
        is_again: false,
        writes: rows.iter().map(|row| written(run, keying, row)).collect(),
        open: Vec::new(),
    };
    if parcel.key.is_some() && !is_the_same(run, lane, kind, way, &parcel) {
        parcel.key = None;
    }
    let is_open = |(_, row): &(usize, Row)| OPEN.contains(&row.state);
    let item = |(place, row)| (place, Item { in_doubt: true, ..Item::new(row) });
    parcel.open = rows.into_iter().enumerate().filter(is_open).map(item).collect();
    Some(parcel)
}

/// Whether the request can be made again with the same bytes: the API would take another one for a mistake, or do it.
fn is_the_same(run: &Run<'_>, lane: &Lane, kind: WriteKind, way: Way, parcel: &Parcel) -> bool {
    let composed = compose(&lane.source, &run.job.table, kind, way, &parcel.writes, parcel.key.as_deref());
    composed.is_ok_and(|composed| composed.digest == parcel.digest)
}
