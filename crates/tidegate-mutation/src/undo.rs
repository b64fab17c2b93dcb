//! What would undo a mutation: the rows of another one, last change first.
//!
//! Only rows that were done are undone. What the reversal expects to find (`old`) is what the mutation has left: it is run
//! with [`Job::verify`](crate::Job), so that a row which somebody else has changed since is skipped. A row that was undone
//! before, and not been done again, is none of them: where the API makes keys nothing else would tell.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::SystemTime;

use tidegate_remote::write::Cells;
use tidegate_spec::{NullForm, Table, Write, WriteKind};
use tidegate_state::{Journal, RowChange, RowState};

use crate::book::{Ending, change, rows};
use crate::wire::key_columns;
use crate::{Error, Row};

/// Ordinals that are read at a time.
const PAGE: u64 = 500;

/// A row of the reversal.
#[derive(Debug, Clone, PartialEq)]
pub struct Reversed {
    /// Place of the row that it undoes, in its mutation.
    pub of: u64,
    /// The row as it is to be journalled; its ordinal counts from 0.
    pub row: Row,
    /// Why it cannot be undone, as a sentence. Such a row is journalled too, and [`skipped`] at once.
    pub impossible: Option<String>,
}

/// Rows that would undo a mutation, from its last to its first.
#[derive(Debug)]
pub struct Reversal {
    journal: Arc<Journal>,
    mutation: String,
    table: Arc<Table>,
    /// Rows that another reversal has undone.
    undone: BTreeSet<u64>,
    /// Ordinals from here on were read.
    end: u64,
    made: u64,
    limit: u64,
}

impl Reversal {
    /// Whether anything that was written to this table can be undone.
    ///
    /// # Errors
    /// Why not: a sentence for the user.
    pub fn check(table: &Table) -> Result<(), String> {
        match &table.writes.insert {
            Some(insert) if insert.append_only => Err(format!(
                "{} only takes rows: they have no identity by which they could be changed or removed again",
                table.name
            )),
            _ => Ok(()),
        }
    }

    /// The reversal of a mutation, of its last `limit` rows that were done and not undone since.
    ///
    /// # Errors
    /// When the journal cannot be read, or has no such mutation.
    pub async fn of(journal: &Arc<Journal>, id: &str, table: &Arc<Table>, limit: Option<u64>) -> Result<Self, Error> {
        let mutation = id.to_owned();
        let record = ask(journal, &mutation, Journal::mutation).await?;
        let counts = record.ok_or_else(|| Error::Missing(mutation.clone()))?.counts;
        let done = counts.selected + counts.sent + counts.applied + counts.accepted;
        let end = done + counts.failed + counts.skipped + counts.unknown;
        let undone = ask(journal, &mutation, Journal::undone).await?;
        let limit = limit.unwrap_or(u64::MAX);
        Ok(Self { journal: Arc::clone(journal), mutation, table: Arc::clone(table), undone, end, made: 0, limit })
    }

    /// The next rows, some hundred at most; none at the end.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn next(&mut self) -> Result<Vec<Reversed>, Error> {
        let mut page = VecDeque::new();
        while page.is_empty() && self.end > 0 && self.made < self.limit {
            let start = self.end.saturating_sub(PAGE);
            let (end, after) = (self.end, start.checked_sub(1));
            // Ordinals have no gaps, so that so many rows reach to the end of the page.
            let read = move |journal: &Journal, id: &str| {
                journal.rows(id, after, PAGE as u32, Some(&[RowState::Applied]), None)
            };
            let done = rows(ask(&self.journal, &self.mutation, read).await?)?;
            let is_to_undo = |row: &Row| row.ordinal < end && !self.undone.contains(&row.ordinal);
            page = done.into_iter().rev().filter(is_to_undo).collect();
            self.end = start;
        }
        let most = usize::try_from(self.limit - self.made).unwrap_or(usize::MAX);
        page.truncate(most);
        let first = self.made;
        self.made += page.len() as u64;
        Ok(page.into_iter().zip(first..).map(|(row, ordinal)| reverse(&self.table, &row, ordinal)).collect())
    }
}

/// The outcome of a row that is not sent, for a reason.
#[must_use]
pub fn skipped(row: &Row, why: String, at: SystemTime) -> RowChange {
    change(row.ordinal, Ending::without(RowState::Skipped, None, why), at)
}

async fn ask<T: Send + 'static>(
    journal: &Arc<Journal>,
    id: &str,
    read: impl FnOnce(&Journal, &str) -> tidegate_state::Result<T> + Send + 'static,
) -> Result<T, Error> {
    let (journal, id) = (Arc::clone(journal), id.to_owned());
    let read = tokio::task::spawn_blocking(move || read(&journal, &id)).await;
    Ok(read.map_err(|error| Error::Stopped(error.to_string()))??)
}

/// What undoes a row that was done.
fn reverse(table: &Table, row: &Row, ordinal: u64) -> Reversed {
    let (kind, made) = match row.kind {
        WriteKind::Update => (WriteKind::Update, updated_back(table, row)),
        WriteKind::Delete => (WriteKind::Insert, inserted_again(table, row)),
        WriteKind::Insert => (WriteKind::Delete, deleted_again(table, row)),
    };
    let empty = Row { key: row.key.clone(), ..Row::selected(ordinal, row.partition.clone(), kind) };
    let (row_back, impossible) = match made {
        Ok(made) => (Row { ordinal, partition: row.partition.clone(), ..made }, None),
        Err(why) => (empty, Some(why)),
    };
    Reversed { of: row.ordinal, row: row_back, impossible }
}

/// The old values are written, if the row still has the new ones.
fn updated_back(table: &Table, row: &Row) -> Result<Row, String> {
    offered(table, WriteKind::Update)?;
    if let Some(column) = row.new.keys().find(|name| !row.old.contains_key(*name)) {
        return Err(format!("the old value of {column} is not known"));
    }
    let new = row.old.iter().filter(|(name, _)| row.new.contains_key(*name));
    let new = new.map(|(name, cell)| (name.clone(), cell.clone())).collect();
    // Old values of columns that do not change go with requests that carry whole rows.
    let old = row.old.iter().map(|(name, cell)| (name.clone(), cell.clone())).chain(left(row)).collect();
    Ok(Row { key: row.key.clone(), old, new, ..Row::selected(row.ordinal, None, WriteKind::Update) })
}

/// The row is made again, with all that an insert can write and that was known of it.
fn inserted_again(table: &Table, row: &Row) -> Result<Row, String> {
    let insert = offered(table, WriteKind::Insert)?;
    let mut new = Cells::new();
    for column in &insert.columns {
        let name = &table.columns[column.column].name;
        match row.old.get(name).or_else(|| row.key.get(name)) {
            // A row without it is NULL there too, where NULL cannot be written.
            Some(cell) if cell.is_null() && column.null != NullForm::Null => {}
            Some(cell) => {
                new.insert(name.clone(), cell.clone());
            }
            None if column.required => return Err(format!("{name} is needed to make the row again, and is not known")),
            None => {}
        }
    }
    let chosen = |name: &&str| new.contains_key(*name);
    let key = if key_columns(table).iter().all(chosen) { row.key.clone() } else { Cells::new() };
    Ok(Row { key, new, ..Row::selected(row.ordinal, None, WriteKind::Insert) })
}

/// The row that was made is removed, if it still has the values that it was made with.
fn deleted_again(table: &Table, row: &Row) -> Result<Row, String> {
    offered(table, WriteKind::Delete)?;
    let key = key_columns(table);
    if key.is_empty() || !key.iter().all(|name| row.key.contains_key(*name)) {
        return Err("the API did not tell its key".to_owned());
    }
    Ok(Row { key: row.key.clone(), old: left(row).collect(), ..Row::selected(row.ordinal, None, WriteKind::Delete) })
}

/// What the mutation has left in the columns that it wrote: what the API said, else what was sent.
fn left(row: &Row) -> impl Iterator<Item = (String, tidegate_remote::write::Cell)> {
    row.new.iter().map(|(name, cell)| (name.clone(), row.returned.get(name).unwrap_or(cell).clone()))
}

fn offered(table: &Table, kind: WriteKind) -> Result<&Write, String> {
    let sql = kind.sql();
    table.writes.get(kind).ok_or_else(|| format!("{} takes no {sql}, which would be needed", table.name))
}

#[cfg(test)]
mod tests;
