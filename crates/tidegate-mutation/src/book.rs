//! The journal as a run sees it: rows in pages, and changes of rows on their way to the disk.

use std::sync::Arc;
use std::time::SystemTime;

use tidegate_remote::write::{Cells, RowOutcome};
use tidegate_state::{Journal, RowChange, RowCounts, RowRecord, RowState};

use crate::item::{Item, Parcel, Said};
use crate::row::text;
use crate::{Error, Row, Writer};

/// The journal of one mutation.
#[derive(Debug)]
pub(crate) struct Book<'a> {
    writer: &'a Writer,
}

/// How a row ended.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) state: RowState,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<String>,
    /// What the API said the row is now.
    pub(crate) returned: Cells,
    /// Its key, where the API made it.
    pub(crate) key: Cells,
    pub(crate) version: Option<String>,
}

impl Ending {
    /// An end that is no success.
    pub(crate) fn without(state: RowState, status: Option<u16>, why: String) -> Self {
        Self { state, status, error: Some(why), returned: Cells::new(), key: Cells::new(), version: None }
    }

    /// A success that was found by reading the row.
    pub(crate) fn found(status: Option<u16>, version: Option<String>) -> Self {
        let (returned, key) = (Cells::new(), Cells::new());
        Self { state: RowState::Applied, status, error: None, returned, key, version }
    }

    /// A success that an answer tells. `key` are the key's columns: what the API made for a row without a key is in the
    /// row that the answer has.
    pub(crate) fn told(state: RowState, outcome: RowOutcome, key: &[&str]) -> Self {
        let made = key.iter().filter_map(|name| Some(((*name).to_owned(), outcome.row.get(*name)?.clone())));
        let made: Cells = made.filter(|(_, cell)| !cell.is_null()).collect();
        let made = if made.len() == key.len() { made } else { Cells::new() };
        Self { state, status: outcome.status, error: None, returned: outcome.row, key: made, version: outcome.version }
    }

    pub(crate) fn failed(said: &Said) -> Self {
        Self::without(RowState::Failed, said.status, said.sentence())
    }
}

impl<'a> Book<'a> {
    pub(crate) fn new(writer: &'a Writer) -> Self {
        Self { writer }
    }

    pub(crate) fn mutation(&self) -> &str {
        self.writer.mutation()
    }

    /// The next rows of a partition that are in these states, in order.
    pub(crate) async fn rows(
        &self,
        after: Option<u64>,
        limit: u32,
        states: &'static [RowState],
        partition: Option<Arc<str>>,
    ) -> Result<Vec<Row>, Error> {
        let read =
            move |journal: &Journal, id: &str| journal.rows(id, after, limit, Some(states), Some(partition.as_deref()));
        rows(self.ask(read).await?)
    }

    /// All rows of a request, in order.
    pub(crate) async fn request(&self, number: u64) -> Result<Vec<Row>, Error> {
        rows(self.ask(move |journal, id| journal.rows_of_request(id, number)).await?)
    }

    /// Number of the last request; 0 if there was none.
    pub(crate) async fn last_request(&self) -> Result<u64, Error> {
        Ok(self.ask(Journal::max_request).await?.unwrap_or(0))
    }

    pub(crate) async fn counts(&self) -> Result<RowCounts, Error> {
        let record = self.ask(Journal::mutation).await?;
        record.map(|record| record.counts).ok_or_else(|| Error::Missing(self.mutation().to_owned()))
    }

    /// Keeps that the open rows of these requests are about to leave; on the disk when it returns.
    pub(crate) async fn sending(&self, parcels: impl Iterator<Item = &Parcel>) -> Result<(), Error> {
        let change = |parcel: &Parcel, (place, item): &(usize, Item)| RowChange::Sending {
            ordinal: item.row.ordinal,
            request: parcel.number,
            idempotency_key: parcel.key_of(*place),
            digest: Some(parcel.digest.clone()),
            sent_at: parcel.first_sent(item),
        };
        let of = |parcel: &Parcel| parcel.open.iter().map(|open| change(parcel, open)).collect::<Vec<_>>();
        Ok(self.writer.commit(parcels.flat_map(of).collect()).await?)
    }

    /// Keeps that rows have not left.
    pub(crate) fn returned<'b>(&self, items: impl IntoIterator<Item = &'b Item>) {
        self.writer.note(items.into_iter().map(|item| RowChange::Returned { ordinal: item.row.ordinal }).collect());
    }

    /// Keeps what a row is now, before it is sent.
    pub(crate) fn reselected(&self, row: &Row) {
        self.writer.note(vec![RowChange::Reselected { row: row.start() }]);
    }

    /// Keeps a row's outcome.
    pub(crate) fn ended(&self, row: &Row, ending: Ending, at: SystemTime) {
        self.writer.note(vec![change(row.ordinal, ending, at)]);
    }

    /// All that was kept is on the disk when it returns.
    pub(crate) async fn flush(&self) -> Result<(), Error> {
        Ok(self.writer.flush().await?)
    }

    /// Reads on a thread that may block.
    async fn ask<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Journal, &str) -> tidegate_state::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let (journal, id) = (Arc::clone(self.writer.journal()), self.mutation().to_owned());
        let read = tokio::task::spawn_blocking(move || read(&journal, &id)).await;
        Ok(read.map_err(|error| Error::Stopped(error.to_string()))??)
    }
}

pub(crate) fn change(ordinal: u64, ending: Ending, ended_at: SystemTime) -> RowChange {
    let Ending { state, status, error, returned, key, version } = ending;
    RowChange::Ended { ordinal, state, status, error, returned: text(&returned), key: text(&key), version, ended_at }
}

pub(crate) fn rows(records: Vec<RowRecord>) -> Result<Vec<Row>, Error> {
    records.into_iter().map(Row::of).collect()
}
