//! Looks, before rows are sent, whether they still are what was selected: after APPLY and UNDO, and when a selection is old.
//! Rows that are not are skipped, and say why. Nothing is read where the API compares the row's version itself.

use std::collections::BTreeSet;

use tidegate_remote::write::{Cell, Cells};
use tidegate_spec::{Table, WriteKind};

use crate::clear::version;
use crate::found::different;
use crate::item::Item;
use crate::reselect::{reselected, taking};
use crate::run::Run;
use crate::wire::{self, Halt};
use crate::{Lane, Row};

/// Longest value that an explanation shows, in characters.
const SHOWN: usize = 60;

/// Those of these rows that may be sent, in their order. The others have their outcome.
pub(crate) async fn verify(run: &Run<'_>, lane: &Lane, items: Vec<Item>) -> Result<Vec<Item>, Halt> {
    if run.job.reselect.is_some() {
        return by_selecting(run, lane, items).await;
    }
    let table = &run.job.table;
    let (read, mut sure): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| has_to_be_read(table, &item.row));
    let (read, blind): (Vec<_>, Vec<_>) = read.into_iter().partition(|item| wire::can_read(table, &wanted(&item.row)));
    let rows: Vec<Row> = read.iter().map(|item| wanted(&item.row)).collect();
    let found = if rows.is_empty() {
        Vec::new()
    } else {
        wire::read(run.job, lane, &rows.iter().collect::<Vec<_>>(), &columns(table, &rows)).await?
    };
    for item in blind {
        run.skipped(
            &item.row,
            "it cannot be read back, so that nothing tells whether it was changed since it was selected",
        );
    }
    for (item, now) in read.into_iter().zip(found) {
        match changed(table, &item.row, now.as_ref()) {
            Some(why) => run.skipped(&item.row, why),
            None => sure.push(with_version(run, item, now.as_ref())),
        }
    }
    sure.sort_by_key(|item| item.row.ordinal);
    Ok(sure)
}

/// The statement itself says which rows it still selects, and with which values.
async fn by_selecting(run: &Run<'_>, lane: &Lane, items: Vec<Item>) -> Result<Vec<Item>, Halt> {
    let (inserts, items): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| item.row.kind == WriteKind::Insert);
    let now = reselected(run, lane, &items).await?;
    let mut sure = inserts;
    for (item, now) in items.into_iter().zip(now) {
        let Some(now) = now else {
            run.skipped(&item.row, "the WHERE no longer holds");
            continue;
        };
        let before = item.row.start();
        let item = taking(item, now);
        if item.row.start() != before {
            run.book.reselected(&item.row);
        }
        sure.push(item);
    }
    sure.sort_by_key(|item| item.row.ordinal);
    Ok(sure)
}

/// Whether only reading tells that the row is as it was. A row that is made and has no key yet cannot be there.
fn has_to_be_read(table: &Table, row: &Row) -> bool {
    match row.kind {
        WriteKind::Insert => !row.key.is_empty() && wire::can_read(table, &wanted(row)),
        WriteKind::Update | WriteKind::Delete => !wire::compares(table, row),
    }
}

/// The row whose `new` values are those that have to be there before it is sent.
fn wanted(row: &Row) -> Row {
    let old = row.old.iter().filter(|(name, _)| row.kind == WriteKind::Delete || row.new.contains_key(*name));
    let new: Cells = match row.kind {
        WriteKind::Insert => row.key.clone(),
        WriteKind::Update | WriteKind::Delete => old.map(|(name, cell)| (name.clone(), cell.clone())).collect(),
    };
    // As an update: what has to be read are the columns of `new`.
    Row { kind: WriteKind::Update, new, ..row.clone() }
}

fn columns(table: &Table, wanted: &[Row]) -> Vec<usize> {
    let names = wanted.iter().flat_map(|row| row.new.keys().chain(row.key.keys())).map(String::as_str);
    let kinds = [WriteKind::Update, WriteKind::Delete];
    let versions = kinds.iter().filter_map(|kind| wire::version_column(table, *kind));
    let columns: BTreeSet<usize> = names.chain(versions).filter_map(|name| table.column_index(name)).collect();
    columns.into_iter().collect()
}

/// Why the row is not what was selected.
fn changed(table: &Table, row: &Row, now: Option<&Cells>) -> Option<String> {
    let (Some(now), false) = (now, row.kind == WriteKind::Insert) else {
        return match (row.kind, now) {
            (WriteKind::Insert, None) => None,
            (WriteKind::Insert, Some(_)) => Some("a row with this key is there".to_owned()),
            _ => Some("the row is gone".to_owned()),
        };
    };
    let wanted = wanted(row).new;
    if row.kind == WriteKind::Update && row.new.keys().any(|name| !wanted.contains_key(name)) {
        return Some("nothing tells what it was when it was selected".to_owned());
    }
    let column = different(table, &wanted, now)?;
    let value = now.get(column).map_or_else(|| "not told".to_owned(), shown);
    Some(format!("changed since it was selected: {column} is {value}"))
}

fn shown(cell: &Cell) -> String {
    let text = cell.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The row with the version that it was read with, so that no change can come between.
fn with_version(run: &Run<'_>, mut item: Item, now: Option<&Cells>) -> Item {
    let column = wire::version_column(&run.job.table, item.row.kind);
    let read = column.and_then(|name| version(now?.get(name)?));
    if read.is_some() && read != item.row.version {
        item.row.version = read;
        run.book.reselected(&item.row);
    }
    item
}
