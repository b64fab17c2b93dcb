//! The ledger: grants calls and settles them, for all tasks of this process, beside other processes.

mod batch;
mod desk;
mod grant;
mod lanes;
mod prune;
mod recent;
mod runs;
mod shared;
mod terms;
mod wait;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::batch::{Job, SCOPE_PREFIX};
pub use self::grant::Grant;
use self::shared::Shared;
use self::terms::Terms;
use self::wait::Acquiring;
use crate::scope::{self, Now, ScopeRecord};
use crate::{
    Answer, Call, Clock, Error, MeterView, Result, ScopeUse, ScopeView, Settlement, Slot, Spend, Store, Wait, spend,
    timeline,
};

/// Grants calls and settles them. Shared by all connections of an engine.
///
/// A settlement that nobody waits for stays in memory for a few milliseconds, so that it is written with the next call;
/// [`Ledger::flush`] writes it at the end. Leases of calls under way are renewed by tasks of the runtime that live as
/// long as there are any.
pub struct Ledger {
    shared: Arc<Shared>,
}

/// How long a call may wait for room, and who wants to know.
pub struct Patience<'a> {
    /// Longest wait for times: windows, refilling, refusals. A wait that is known to be longer is refused at once. Waiting
    /// for calls under way, whose end nobody knows, does not count; it is given up after this time or ten minutes,
    /// whichever is longer.
    pub at_most: Duration,
    /// Told when waiting begins or its reason changes (`Some`), and when it has ended (`None`).
    pub on_wait: &'a (dyn Fn(Option<&Wait>) + Send + Sync),
}

impl Ledger {
    /// A ledger kept in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self::with_terms(store, clock, Terms::default())
    }

    pub(crate) fn with_terms(store: Arc<dyn Store>, clock: Arc<dyn Clock>, terms: Terms) -> Self {
        Self { shared: Arc::new(Shared::new(store, clock, terms)) }
    }

    /// Waits for room, at most as long as `patience` says, and takes it. Dropping the future gives up waiting.
    ///
    /// # Errors
    /// When the ledger cannot be read or written: no call is sent that is not booked.
    pub async fn acquire(&self, call: &Arc<Call>, patience: Patience<'_>) -> Result<Answer> {
        // Those that wait come first.
        if !self.shared.lanes.wait_for(call)
            && let Some(grant) = self.shared.next_of_run(call)
        {
            return Ok(Answer::Granted(grant.deliver(Duration::ZERO)));
        }
        Acquiring::new(&self.shared, call, patience)?.run().await
    }

    /// Books what became of a call. Returns the quotas that it came out of, as they are now, for showing what is left.
    ///
    /// # Errors
    /// When the ledger cannot be written. It is then written with the next update, unless the entry is damaged.
    pub async fn settle(&self, mut grant: Grant, settlement: Settlement) -> Result<Vec<MeterView>> {
        if grant.rests(&settlement) {
            // It came out of no quota that is known.
            return Ok(Vec::new());
        }
        let Some(settled) = grant.end().and_then(|flight| flight.settled(settlement)) else { return Ok(Vec::new()) };
        let settled = Arc::new(settled);
        let is_awaited = !self.shared.clock.is_real()
            || settled.settlement.throttled.is_some()
            || self.shared.lanes.wait_for(&settled.call);
        if !is_awaited && let Some((false, views)) = self.shared.recent.settle(&settled) {
            self.shared.leave(settled);
            return Ok(views);
        }
        desk::ask(&self.shared, Job::Settle(Arc::clone(&settled))).await?;
        let now = self.shared.timeline.now().unwrap_or(settled.at);
        Ok(self.shared.recent.views(now, &settled.call))
    }

    /// The counters of these scopes, as they are now. Of calls that wait in other processes for the same quotas, one is
    /// counted.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn views(&self, scopes: &[ScopeUse]) -> Result<Vec<ScopeView>> {
        self.write_all().await?;
        let names = scopes.iter().map(|scope| format!("{SCOPE_PREFIX}{}", scope.key));
        let keys: Vec<String> = std::iter::once(timeline::KEY.to_owned()).chain(names).collect();
        let mut found = keys.iter().cloned().zip(self.shared.store.get(keys.clone()).await?);
        let time = found.next().and_then(|(_, value)| value);
        let now = self.now(time)?;
        let view = |(scope, (key, value)): (&ScopeUse, (String, Option<Vec<u8>>))| {
            let record = match value {
                Some(bytes) => serde_json::from_slice(&bytes).map_err(|source| Error::entry(&key, source))?,
                None => ScopeRecord::default(),
            };
            Ok(scope::view(now, &record, scope))
        };
        let mut views = scopes.iter().zip(found).map(view).collect::<Result<Vec<_>>>()?;
        self.shared.lanes.add_waiting(&mut views);
        Ok(views)
    }

    /// All that was spent, by day.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn spent(&self) -> Result<Vec<Spend>> {
        self.write_all().await?;
        let books = self.shared.store.list(spend::PREFIX).await?;
        let ahead = self.shared.runs.ahead();
        let made = |(key, value): &(String, Vec<u8>)| {
            let not_made: u64 = ahead.iter().filter(|(of, _)| **of == **key).map(|(_, calls)| u64::from(*calls)).sum();
            Ok(spend::read(key, value)?.map(|spend| spend.without(not_made)))
        };
        books.iter().filter_map(|book| made(book).transpose()).collect()
    }

    /// Writes what is booked in memory alone: before a process ends, and before its figures are read elsewhere.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn flush(&self) -> Result<()> {
        self.write_all().await?;
        match self.shared.timeline.now() {
            Some(now) => self.shared.prune(now).await,
            None => Ok(()),
        }
    }

    async fn write_all(&self) -> Result<()> {
        self.shared.end_all_runs();
        match self.shared.desk.is_idle() {
            true => Ok(()),
            // What was posted before is done before, or with it.
            false => desk::ask(&self.shared, Job::Nothing).await.map(drop),
        }
    }

    /// The time by the store's entry.
    fn now(&self, entry: Option<Vec<u8>>) -> Result<Now> {
        let mut slot = Slot { key: timeline::KEY.to_owned(), value: entry, is_changed: false };
        self.shared.timeline.read(&mut slot)
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("store", &self.shared.store).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
