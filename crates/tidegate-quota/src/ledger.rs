//! The ledger: grants calls and settles them, for all tasks of this process, beside other processes.

use std::sync::Arc;
use std::time::Duration;

use crate::{Answer, Call, Clock, MeterView, Result, ScopeUse, ScopeView, Settlement, Spend, Store, Wait};

/// Grants calls and settles them. Shared by all connections of an engine.
#[derive(Debug)]
pub struct Ledger {
    #[expect(dead_code, reason = "seam")]
    store: Arc<dyn Store>,
    #[expect(dead_code, reason = "seam")]
    clock: Arc<dyn Clock>,
}

/// How long a call may wait for room, and who wants to know.
pub struct Patience<'a> {
    /// Longest wait. A wait that is known to be longer is refused at once.
    pub at_most: Duration,
    /// Told when waiting begins or its reason changes (`Some`), and when it has ended (`None`).
    pub on_wait: &'a (dyn Fn(Option<&Wait>) + Send + Sync),
}

/// A granted call. It must be settled; dropped, it is settled as lost.
#[derive(Debug)]
pub struct Grant {
    /// Time that was spent waiting for it.
    pub waited: Duration,
}

impl Ledger {
    /// A ledger kept in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Waits for room, at most as long as `patience` says, and takes it. Dropping the future gives up waiting.
    ///
    /// # Errors
    /// When the ledger cannot be read or written: no call is sent that is not booked.
    pub async fn acquire(&self, _call: &Arc<Call>, _patience: Patience<'_>) -> Result<Answer> {
        Ok(Answer::Granted(Grant { waited: Duration::ZERO }))
    }

    /// Books what became of a call. Returns the quotas that it came out of, as they are now, for showing what is left.
    ///
    /// # Errors
    /// When the ledger cannot be written. The call then stays under way until its lease ends.
    pub async fn settle(&self, _grant: Grant, _settlement: Settlement) -> Result<Vec<MeterView>> {
        Ok(Vec::new())
    }

    /// The counters of these scopes, as they are now.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn views(&self, _scopes: &[ScopeUse]) -> Result<Vec<ScopeView>> {
        Ok(Vec::new())
    }

    /// All that was spent, by day.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn spent(&self) -> Result<Vec<Spend>> {
        Ok(Vec::new())
    }

    /// Writes what is booked in memory alone: before a process ends, and before its figures are read elsewhere.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn flush(&self) -> Result<()> {
        Ok(())
    }
}
