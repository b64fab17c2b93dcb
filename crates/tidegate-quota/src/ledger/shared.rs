//! What the tasks of one ledger share: its store, its time, its calls under way.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::runtime::Handle;

use super::batch::{Batch, Job, KnownScopes, Outcome, Settled};
use super::desk::{self, Desk, Posted};
use super::grant::{Flight, Grant};
use super::lanes::Lanes;
use super::prune::Pruned;
use super::recent::Recent;
use super::runs::Runs;
use super::terms::Terms;
use crate::error::ErrorKind;
use crate::scope::{Decision, Now};
use crate::timeline::Timeline;
use crate::{Call, Change, Clock, Error, Moment, Result, Store};

/// Beneath a [`Ledger`](crate::Ledger).
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timeline: Timeline,
    pub(crate) terms: Terms,
    pub(crate) desk: Desk,
    pub(crate) lanes: Lanes,
    pub(crate) recent: Recent,
    pub(crate) runs: Runs,
    pub(crate) pruned: Pruned,
    /// Tells this process's leases from others'.
    holder: u64,
    next_id: AtomicU64,
    leases: Mutex<HashMap<u64, Lease>>,
    is_flushing: AtomicBool,
    is_renewing: AtomicBool,
}

/// A lease of this process.
struct Lease {
    call: Arc<Call>,
    until: Moment,
}

/// What became of a job.
#[derive(Debug)]
pub(crate) enum Done {
    /// The call may be sent.
    Granted(Grant),
    /// It may not; as of then.
    Denied(Decision, Now),
    /// Nothing is to be said.
    Written,
}

/// A number that other processes do not have: from the randomness that hash maps are seeded with.
fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}

impl Shared {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, terms: Terms) -> Self {
        Self {
            store,
            timeline: Timeline::new(Arc::clone(&clock)),
            clock,
            terms,
            desk: Desk::default(),
            lanes: Lanes::default(),
            recent: Recent::default(),
            runs: Runs::default(),
            pruned: Pruned::default(),
            holder: random(),
            next_id: AtomicU64::new(random()),
            leases: Mutex::default(),
            is_flushing: AtomicBool::new(false),
            is_renewing: AtomicBool::new(false),
        }
    }

    /// A number for a lease or a place in the queue.
    pub(crate) fn id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    fn leases(&self) -> MutexGuard<'_, HashMap<u64, Lease>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call of this lease is no longer under way.
    pub(crate) fn forget(&self, lease: u64) {
        self.leases().remove(&lease);
    }

    /// Does these jobs in one update, and tells who waits for them.
    pub(crate) async fn run_batch(self: &Arc<Self>, posted: Vec<Posted>) {
        if posted.is_empty() {
            return;
        }
        match self.update(posted.iter().map(|posted| posted.job.clone()).collect()).await {
            Ok(outcome) => self.tell(posted, outcome),
            // An entry that is damaged fails those who need it, not those who came with them.
            Err(error) if error.kind() == ErrorKind::Entry && posted.len() > 1 => {
                for posted in posted {
                    match self.update(vec![posted.job.clone()]).await {
                        Ok(outcome) => self.tell(vec![posted], outcome),
                        Err(error) => self.tell_failed(vec![posted], &error),
                    }
                }
            }
            Err(error) => self.tell_failed(posted, &error),
        }
    }

    async fn update(self: &Arc<Self>, jobs: Vec<Job>) -> Result<Outcome> {
        let mut batch = Batch::new(jobs, self.holder, self.terms);
        batch.renewals = self.renewals();
        let keys = batch.plan();
        batch.known = self.recent.known(batch.scopes());
        let outcome: Arc<Mutex<Option<Result<Outcome>>>> = Arc::default();
        let (shared, result) = (Arc::clone(self), Arc::clone(&outcome));
        let change: Change = Box::new(move |slots| {
            let run = batch.run(&shared.timeline, slots);
            *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(run);
        });
        self.store.update(keys, change).await?;
        let outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
        outcome.unwrap_or_else(|| Err(Error::interrupted()))
    }

    /// Leases that are so old that this update renews them.
    fn renewals(&self) -> Vec<(Arc<Call>, u64)> {
        let Some(now) = self.timeline.now() else { return Vec::new() };
        let left = self.terms.lease.saturating_sub(self.terms.renew_after);
        let mut leases = self.leases();
        let due = leases.iter_mut().filter(|(_, lease)| lease.until < now.at + left);
        let renewed = due.map(|(id, lease)| {
            lease.until = now.at + self.terms.lease;
            (Arc::clone(&lease.call), *id)
        });
        renewed.collect()
    }

    fn tell(self: &Arc<Self>, posted: Vec<Posted>, outcome: Outcome) {
        let Outcome { now, decisions, ahead, known } = outcome;
        self.keep(known);
        for (posted, (decision, ahead)) in posted.into_iter().zip(decisions.into_iter().zip(ahead)) {
            let done = match (posted.job, decision) {
                (Job::Try { call, lease, spend, .. }, Some(Decision::Granted)) => {
                    self.leases().insert(lease, Lease { call: Arc::clone(&call), until: now.at + self.terms.lease });
                    if let Some(ahead) = ahead.filter(|_| self.clock.is_real()) {
                        self.runs.begin(lease, &call, spend.as_ref(), ahead, now.at);
                    }
                    Done::Granted(Grant::new(Flight { shared: Arc::clone(self), call, lease, spend, taken: now.at }))
                }
                (_, Some(decision)) => Done::Denied(decision, now),
                (Job::Settle(settled), None) => {
                    self.lanes.given_back(&settled);
                    Done::Written
                }
                (_, None) => Done::Written,
            };
            if let Some(reply) = posted.reply {
                // Who does not want it any more drops it, and a grant is then given back.
                let _ = reply.send(Ok(done));
            }
        }
        self.start_renewing();
        self.prune_some_time(now);
    }

    /// Who waits hears of the error. Unless an entry is damaged, what was settled or withdrawn stays to be written: a
    /// refusal must hold the next calls up, and a place that nobody wants any more must not. All who are queued hear of
    /// the error too, since what stays comes before them, and may be more than one update does.
    fn tell_failed(&self, mut posted: Vec<Posted>, error: &Error) {
        let is_kept = error.kind() != ErrorKind::Entry;
        if is_kept {
            posted.extend(self.desk.take_all());
        }
        let mut kept = Vec::new();
        for Posted { job, reply, .. } in posted {
            if is_kept && matches!(job, Job::Settle(_) | Job::Withdraw { .. }) {
                kept.push(job);
            }
            if let Some(reply) = reply {
                let _ = reply.send(Err(error.clone()));
            }
        }
        self.desk.put_back(kept);
    }

    fn keep(&self, known: KnownScopes) {
        let leases = self.leases();
        self.recent.keep(known, || {
            leases.values().flat_map(|lease| &lease.call.scopes).map(|scope| Arc::clone(&scope.key.0)).collect()
        });
    }

    /// Leaves a settlement to the next update, or to one that comes soon.
    pub(crate) fn leave(self: &Arc<Self>, settled: Arc<Settled>) {
        self.desk.leave(Job::Settle(settled));
        self.flush_soon();
    }

    /// A lease for a call, of a run that waits for one like it.
    pub(crate) fn next_of_run(self: &Arc<Self>, call: &Arc<Call>) -> Option<Grant> {
        if self.runs.is_empty() {
            return None;
        }
        let taken = self.timeline.now()?.at;
        let (lease, spend) = self.runs.next(call, taken, self.terms.linger)?;
        let (shared, call) = (Arc::clone(self), Arc::clone(call));
        Some(Grant::new(Flight { shared, call, lease, spend, taken }))
    }

    /// Whether the lease of an answered call waits for the next one.
    pub(crate) fn rests(self: &Arc<Self>, lease: u64, taken: Moment, call: &Call) -> bool {
        let Some(now) = self.timeline.now() else { return false };
        let rests = !self.lanes.others_wait_for(call) && self.runs.rests(lease, taken, now, self.terms.linger);
        if rests {
            self.flush_soon();
            self.lanes.wake_like(call);
        }
        rests
    }

    /// Ends runs without a call under way of which `is_it` says so: the next update writes what became of them.
    pub(crate) fn end_runs(&self, is_it: impl Fn(&Call) -> bool) {
        let Some(now) = self.timeline.now() else { return };
        for settled in self.runs.end_idle(now.at, self.terms.linger, is_it) {
            self.forget(settled.lease);
            self.desk.leave(Job::Settle(Arc::new(settled)));
        }
    }

    /// Ends all runs without a call under way, and the lanes that stayed for them.
    pub(crate) fn end_all_runs(&self) {
        self.end_runs(|_| true);
        self.lanes.sweep().into_iter().for_each(|job| self.desk.leave(job));
    }

    /// Has what waits for an update written before long.
    fn flush_soon(self: &Arc<Self>) {
        let Ok(runtime) = Handle::try_current() else { return };
        if self.is_flushing.swap(true, Ordering::AcqRel) {
            return;
        }
        let flushing = Flag(Arc::downgrade(self), |shared| &shared.is_flushing);
        let (clock, linger, shared) = (Arc::clone(&self.clock), self.terms.linger, Arc::clone(self));
        runtime.spawn(async move {
            clock.sleep(linger).await;
            drop(flushing);
            shared.end_all_runs();
            if !shared.desk.is_empty() {
                desk::post(&shared, Job::Nothing);
            }
        });
    }

    /// Renews leases for as long as calls are under way. On a clock that stands still other updates do.
    fn start_renewing(self: &Arc<Self>) {
        if !self.clock.is_real() || self.leases().is_empty() {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        if self.is_renewing.swap(true, Ordering::AcqRel) {
            return;
        }
        let renewing = Flag(Arc::downgrade(self), |shared| &shared.is_renewing);
        let (clock, pause) = (Arc::clone(&self.clock), self.terms.renew_after / 2);
        runtime.spawn(async move {
            loop {
                clock.sleep(pause).await;
                match renewing.0.upgrade() {
                    Some(shared) if !shared.leases().is_empty() => desk::post(&shared, Job::Nothing),
                    _ => return,
                }
            }
        });
    }
}

/// A flag that is set while a task lives.
struct Flag(Weak<Shared>, fn(&Shared) -> &AtomicBool);

impl Drop for Flag {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            (self.1)(&shared).store(false, Ordering::Release);
        }
    }
}
