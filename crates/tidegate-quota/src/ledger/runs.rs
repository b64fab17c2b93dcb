//! Leases that serve several calls, one after the other: where no limit is known, a call each few hundred microseconds would
//! otherwise be an update of the store each.
//!
//! A run is granted for calls whose scopes keep no counters at all and are not blocked. Its calls are in the books before
//! they are made, as one lease; what became of them is written when the run ends, and calls that it
//! did not need are given back. It ends when its calls are used up, when an answer says anything of limits or trouble, when
//! another call of this process needs a place of the same scope, and in any case after [`Terms::linger`]: so long it may
//! take until a run sees what other processes have learned meanwhile. A process that is killed leaves the calls that
//! it did not come to in the books, as if they had been made.
//!
//! [`Terms::linger`]: super::terms::Terms

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::batch::Settled;
use crate::scope::{Now, Served};
use crate::{Call, Moment, Settlement};

/// Most calls that a run has ahead.
const MOST: u32 = 64;
/// Kinds of calls whose pace is remembered.
const PACES: usize = 64;
/// How long it is.
const REMEMBERED: Duration = Duration::from_secs(1);

/// The runs of this process.
#[derive(Debug, Default)]
pub(crate) struct Runs(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    /// By lease.
    runs: HashMap<u64, Run>,
    paces: Vec<Pace>,
}

/// A lease that may serve more calls.
#[derive(Debug)]
struct Run {
    call: Arc<Call>,
    spend: Option<Arc<str>>,
    /// Calls that are in the books and not begun.
    ahead: u32,
    granted: Moment,
    /// When the call under way was begun, if it is not the first.
    sent: Option<Moment>,
    /// Calls that were answered.
    served: Vec<Served>,
    /// Whether no call is under way.
    is_idle: bool,
    is_over: bool,
}

/// How many calls of a kind a run should have.
#[derive(Debug)]
struct Pace {
    call: Arc<Call>,
    calls: u32,
    seen: Moment,
}

/// What is left to be written of a run.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    /// Calls that were answered before the one under way.
    pub(crate) served: Vec<Served>,
    /// When the call under way was begun, if that is not when the lease was taken.
    pub(crate) sent: Option<Moment>,
    /// Calls that are in the books and were not made.
    pub(crate) ahead: u32,
}

impl Runs {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().runs.is_empty()
    }

    /// How many calls should be granted ahead, as fast as those of this kind follow one another.
    pub(crate) fn wanted(&self, call: &Call, now: Moment) -> u32 {
        let table = self.lock();
        let pace = table.paces.iter().find(|pace| *pace.call == *call);
        pace.filter(|pace| now.since(pace.seen) < REMEMBERED).map_or(0, |pace| pace.calls)
    }

    /// A lease was granted where no limit is known, with so many calls ahead.
    pub(crate) fn begin(&self, lease: u64, call: &Arc<Call>, spend: Option<&Arc<str>>, ahead: u32, granted: Moment) {
        let run = Run {
            call: Arc::clone(call),
            spend: spend.cloned(),
            ahead,
            granted,
            sent: None,
            served: Vec::new(),
            is_idle: false,
            is_over: false,
        };
        self.lock().runs.insert(lease, run);
    }

    /// A run's call was answered, and the answer said nothing. Whether the run goes on: else it is to be settled.
    pub(crate) fn rests(&self, lease: u64, taken: Moment, now: Now, linger: Duration) -> bool {
        let mut table = self.lock();
        let Some(run) = table.runs.get_mut(&lease) else { return false };
        if run.is_over || run.ahead == 0 || now.at.since(run.granted) >= linger {
            return false;
        }
        run.served.push(Served { sent: run.sent.unwrap_or(taken), at: now });
        run.is_idle = true;
        true
    }

    /// A lease for a call, of a run that waits for one like it.
    pub(crate) fn next(&self, call: &Call, now: Moment, linger: Duration) -> Option<(u64, Option<Arc<str>>)> {
        let mut table = self.lock();
        let (lease, run) = table.runs.iter_mut().find(|(_, run)| run.is_idle && *run.call == *call)?;
        if run.is_over || now.since(run.granted) >= linger {
            return None;
        }
        run.ahead -= 1;
        run.sent = Some(now);
        run.is_idle = false;
        Some((*lease, run.spend.clone()))
    }

    /// Ends a run whose call under way is to be settled.
    pub(crate) fn end(&self, lease: u64, now: Moment, linger: Duration) -> Rest {
        let mut table = self.lock();
        let Some(run) = table.runs.remove(&lease) else { return Rest::default() };
        let used = u32::try_from(run.served.len()).unwrap_or(u32::MAX).saturating_add(1);
        table.learn(&run, used, now, linger);
        Rest { served: run.served, sent: run.sent, ahead: run.ahead }
    }

    /// Ends the runs without a call under way of which `is_it` says so; what is to be settled.
    pub(crate) fn end_idle(&self, now: Moment, linger: Duration, is_it: impl Fn(&Call) -> bool) -> Vec<Settled> {
        let mut table = self.lock();
        if table.runs.is_empty() {
            return Vec::new();
        }
        let idle = table.runs.extract_if(|_, run| run.is_idle && is_it(&run.call)).collect::<Vec<_>>();
        let ended = idle.into_iter().filter_map(|(lease, mut run)| {
            let used = u32::try_from(run.served.len()).unwrap_or(u32::MAX);
            table.learn(&run, used, now, linger);
            let Served { sent, at } = run.served.pop()?;
            let rest = Rest { served: run.served, sent: Some(sent), ahead: run.ahead };
            Some(Settled { call: run.call, lease, at, settlement: Settlement::answered(), spend: run.spend, rest })
        });
        ended.collect()
    }

    /// An answer said something of limits or trouble: runs that share a scope with its call end with the call that they
    /// have under way.
    pub(crate) fn have_news(&self, call: &Call) {
        let shares = |other: &Call| other.scopes.iter().any(|scope| call.scopes.iter().any(|of| of.key == scope.key));
        self.lock().runs.values_mut().filter(|run| shares(&run.call)).for_each(|run| run.is_over = true);
    }

    /// Calls that are in the books and not begun, with the entries that they are booked on.
    pub(crate) fn ahead(&self) -> Vec<(Arc<str>, u32)> {
        let table = self.lock();
        table.runs.values().filter_map(|run| Some((run.spend.clone()?, run.ahead))).collect()
    }
}

impl Table {
    /// Those that were used up in time were too few; else as many as were used.
    fn learn(&mut self, run: &Run, used: u32, now: Moment, linger: Duration) {
        self.paces.retain(|pace| *pace.call != *run.call && now.since(pace.seen) < REMEMBERED);
        let is_used_up = run.ahead == 0 && now.since(run.granted) < linger;
        let calls = if is_used_up { used.saturating_mul(2) } else { used.saturating_sub(1) };
        if calls > 0 && self.paces.len() < PACES {
            self.paces.push(Pace { call: Arc::clone(&run.call), calls: calls.min(MOST), seen: now });
        }
    }
}
