//! Rows that somebody else has changed are selected anew, once: they are sent with their new version if the statement's
//! WHERE still holds.

use std::collections::HashMap;

use tidegate_remote::write::{Cells, Why};

use crate::item::Item;
use crate::run::Run;
use crate::wire::Halt;
use crate::{Lane, Reselected};

/// Most rows that are selected anew at a time.
const CHUNK: usize = 200;

/// Selects stale rows anew. What is to be sent comes back; the others have their outcome.
pub(crate) async fn select_anew(run: &Run<'_>, lane: &Lane, stale: Vec<Item>) -> (Vec<Item>, Option<Halt>) {
    let can = run.job.reselect.is_some();
    let (items, others): (Vec<_>, Vec<_>) = stale.into_iter().partition(|item| can && !item.reselected);
    for item in others {
        let why =
            if item.reselected { "changed again after it was selected anew" } else { "changed since it was selected" };
        run.skipped(&item.row, why);
    }
    let mut ready = Vec::new();
    match reselected(run, lane, &items).await {
        Ok(now) => {
            for (item, now) in items.into_iter().zip(now) {
                match now {
                    Some(now) => {
                        let item = taking(item, now);
                        run.book.reselected(&item.row);
                        ready.push(Item { reselected: true, ..item });
                    }
                    None => run.skipped(&item.row, "changed since it was selected; the WHERE no longer holds"),
                }
            }
            (ready, None)
        }
        Err(halt) => {
            run.book.returned(items.iter().filter(|item| !item.in_doubt));
            (ready, Some(halt))
        }
    }
}

/// What these rows are now, for those of which the WHERE holds.
pub(crate) async fn reselected(run: &Run<'_>, lane: &Lane, items: &[Item]) -> Result<Vec<Option<Reselected>>, Halt> {
    let mut all = Vec::with_capacity(items.len());
    let Some(reselect) = run.job.reselect.as_ref().filter(|_| !items.is_empty()) else { return Ok(all) };
    let cancellation = run.job.statement.cancellation();
    for chunk in items.chunks(CHUNK) {
        let keys: Vec<Cells> = chunk.iter().map(|item| item.row.key.clone()).collect();
        let selected = tokio::select! {
            selected = reselect.reselect(lane.partition.as_deref(), &keys) => selected,
            () = cancellation.cancelled() => {
                return Err(Halt { why: Why::Cancelled, said: "the statement was cancelled".to_owned() });
            }
        };
        let selected = selected.map_err(|said| Halt { why: Why::Connection, said })?;
        let mut by_key: HashMap<String, Reselected> = selected.into_iter().map(|row| (name(&row.key), row)).collect();
        all.extend(chunk.iter().map(|item| by_key.remove(&name(&item.row.key))));
    }
    Ok(all)
}

/// The row with the values that it has now.
pub(crate) fn taking(mut item: Item, now: Reselected) -> Item {
    item.row.old = now.old;
    item.row.new = now.new;
    item.row.version = now.version;
    item.renewed()
}

fn name(key: &Cells) -> String {
    crate::row::text(key).unwrap_or_default()
}
