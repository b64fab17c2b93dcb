//! Calls of this process that wait, in the order in which they are served.
//!
//! Calls that come out of the same quotas wait in one lane, by priority and then by when they came. Only the first of a
//! lane tries, under the lane's place in the store's queue. When the lane had its turn for a moment, its next place is
//! behind those of other lanes and processes: not after each call, since those find out by looking that it is their turn.
//! What the first learns of its wait holds for the whole lane.
//!
//! Where calls follow one another in a run (`runs`), a lease goes from call to call without the store: to the first of
//! the lane, and then to the next. None of them tries as long as what the last one was told is new.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::batch::{Job, Place, Settled};
use super::desk;
use super::shared::Shared;
use crate::{Because, Call, Fate, Moment, Priority, ScopeView, Wait};

/// Lanes that are woken by one settlement; others find out by themselves.
const WOKEN: usize = 8;

/// How long a lane's turn lasts.
const TURN: Duration = Duration::from_millis(100);

/// All lanes with waiting calls.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    lanes: Mutex<HashMap<u64, Lane>>,
    state: RandomState,
    arrivals: AtomicU64,
}

#[derive(Debug)]
struct Lane {
    call: Arc<Call>,
    ticket: u64,
    /// Since when the lane waits for its turn.
    since: Option<Moment>,
    /// When its turn began.
    turn: Option<Moment>,
    /// Whether the ticket may be in the store.
    is_queued: bool,
    expected: Option<Expected>,
    /// Until when nobody tries, since calls are served by runs. The lane stays as long, even without waiting calls.
    served_until: Option<Moment>,
    waiters: Vec<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    arrival: u64,
    priority: Priority,
    wake: Arc<Notify>,
}

/// What the first of a lane was told.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) wait: Wait,
    /// When to try again.
    pub(crate) at: Option<Moment>,
    /// When it was told.
    pub(crate) asked: Moment,
}

/// A waiting call's place in its lane; given up when dropped.
pub(crate) struct Spot {
    shared: Arc<Shared>,
    lane: u64,
    arrival: u64,
    pub(crate) wake: Arc<Notify>,
    is_granted: bool,
}

/// What a waiting call does.
pub(crate) enum Role {
    /// It tries.
    First(Place),
    /// It would, but another has just been told this.
    Told(Expected),
    /// It waits until it is woken.
    Behind(Option<Expected>),
}

impl Lanes {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lane of a call: of all that it needs.
    pub(crate) fn of(&self, call: &Call) -> u64 {
        let mut hasher = self.state.build_hasher();
        for scope in &call.scopes {
            scope.key.hash(&mut hasher);
            scope.quotas.iter().for_each(|quota| quota.name.hash(&mut hasher));
        }
        (call.points, call.is_token_request, &call.reserve).hash(&mut hasher);
        hasher.finish()
    }

    /// Numbers the calls in the order in which they come.
    pub(crate) fn arrival(&self) -> u64 {
        self.arrivals.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether calls wait in this lane.
    pub(crate) fn has(&self, lane: u64) -> bool {
        self.lock().contains_key(&lane)
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Adds the calls that wait behind the first of their lanes: the store knows of the first alone.
    pub(crate) fn add_waiting(&self, views: &mut [ScopeView]) {
        for lane in self.lock().values() {
            let behind = lane.waiters.len().saturating_sub(1) as u64;
            let is_used = |view: &&mut ScopeView| lane.call.scopes.iter().any(|scope| scope.key == view.key);
            for view in views.iter_mut().filter(is_used) {
                view.waiting += behind;
                let wait = lane.expected.as_ref().map(|expected| &expected.wait).filter(|wait| wait.scope == view.key);
                let meters = view.meters.iter_mut().filter(|meter| wait.is_some_and(|wait| wait.quota == meter.name));
                meters.for_each(|meter| meter.waiting += behind);
            }
        }
    }

    /// Joins a lane.
    pub(crate) fn enter(shared: &Arc<Shared>, lane: u64, call: &Arc<Call>, arrival: u64) -> Spot {
        let wake = Arc::new(Notify::new());
        let waiter = Waiter { arrival, priority: call.priority, wake: Arc::clone(&wake) };
        let mut lanes = shared.lanes.lock();
        let lane_of_it = lanes.entry(lane).or_insert_with(|| Lane {
            call: Arc::clone(call),
            ticket: shared.id(),
            since: shared.timeline.now().map(|now| now.at),
            turn: None,
            is_queued: false,
            expected: None,
            served_until: None,
            waiters: Vec::new(),
        });
        let rank = |waiter: &Waiter| (std::cmp::Reverse(waiter.priority), waiter.arrival);
        let place = lane_of_it.waiters.partition_point(|other| rank(other) < rank(&waiter));
        lane_of_it.waiters.insert(place, waiter);
        Spot { shared: Arc::clone(shared), lane, arrival, wake, is_granted: false }
    }

    /// Whether calls wait that come out of what this one comes out of.
    pub(crate) fn wait_for(&self, call: &Call) -> bool {
        self.lock().values().any(|lane| !lane.waiters.is_empty() && overlap(&lane.call, call))
    }

    /// The same of calls that a lease of this one cannot serve.
    pub(crate) fn others_wait_for(&self, call: &Call) -> bool {
        let waits = |lane: &Lane| !lane.waiters.is_empty() && *lane.call != *call && overlap(&lane.call, call);
        self.lock().values().any(waits)
    }

    /// Wakes the call that a lease of this one can serve.
    pub(crate) fn wake_like(&self, call: &Call) {
        let lanes = self.lock();
        let mut like = lanes.values().filter(|lane| *lane.call == *call);
        if let Some(first) = like.find_map(|lane| lane.waiters.first()) {
            first.wake.notify_one();
        }
    }

    /// Forgets lanes that stayed without waiting calls; the places in the store's queue that they leave behind.
    pub(crate) fn sweep(&self) -> Vec<Job> {
        let mut lanes = self.lock();
        let gone = lanes.extract_if(|_, lane| lane.waiters.is_empty()).map(|(_, lane)| lane);
        gone.filter(|lane| lane.is_queued).map(|lane| Job::Withdraw { call: lane.call, ticket: lane.ticket }).collect()
    }

    /// Wakes those who may get what a settled call has given back: those who wait for calls under way, and, when the
    /// settlement may have changed what is left, those who wait for a time.
    pub(crate) fn given_back(&self, settled: &Settled) {
        let mut lanes = self.lock();
        if lanes.is_empty() {
            return;
        }
        let Settled { settlement, call, .. } = settled;
        let has_news = settlement.fate == Fate::NotSent
            || settlement.points.is_some()
            || !settlement.free.is_empty()
            || !settlement.observations.is_empty();
        let is_for = |lane: &&Lane| {
            let is_timed = lane.expected.as_ref().is_some_and(|expected| expected.at.is_some());
            (has_news || !is_timed) && overlap(&lane.call, call)
        };
        lanes.values_mut().filter(|lane| is_for(&&**lane)).for_each(|lane| lane.served_until = None);
        let mut first: Vec<&Waiter> = lanes.values().filter(is_for).filter_map(|lane| lane.waiters.first()).collect();
        first.sort_by_key(|waiter| (std::cmp::Reverse(waiter.priority), waiter.arrival));
        first.iter().take(WOKEN).for_each(|waiter| waiter.wake.notify_one());
    }
}

fn overlap(one: &Call, other: &Call) -> bool {
    one.scopes.iter().any(|scope| other.scopes.iter().any(|with| with.key == scope.key))
}

impl Spot {
    /// Whether it is the first of its lane.
    pub(crate) fn is_first(&self) -> bool {
        self.shared.lanes.lock().get(&self.lane).is_some_and(|lane| lane.begins_with(self.arrival))
    }

    /// What to do now.
    pub(crate) fn role(&self) -> Role {
        let now = self.shared.timeline.now().map(|now| now.at);
        let mut lanes = self.shared.lanes.lock();
        let Some(lane) = lanes.get_mut(&self.lane) else { return Role::Behind(None) };
        match lane.waiters.first() {
            Some(first) if first.arrival == self.arrival => {
                if let (Some(until), Some(expected)) = (lane.served_until, &lane.expected)
                    && now.is_some_and(|now| now < until)
                {
                    return Role::Told(expected.clone());
                }
                lane.is_queued = true;
                Role::First(Place { ticket: lane.ticket, priority: first.priority, since: lane.since })
            }
            _ => Role::Behind(lane.expected.clone()),
        }
    }

    /// Keeps what the first was told, for all of the lane. Wakes them when it is another reason than before, or when they
    /// have no time of their own to look.
    pub(crate) fn expect(&self, expected: &Expected, wakes_all: bool) {
        let mut lanes = self.shared.lanes.lock();
        let Some(lane) = lanes.get_mut(&self.lane) else { return };
        let is_new = lane.expected.as_ref().is_none_or(|before| !before.is_like(expected));
        lane.expected = Some(expected.clone());
        lane.since.get_or_insert(expected.asked);
        if is_new || wakes_all {
            let behind = lane.waiters.iter().filter(|waiter| waiter.arrival != self.arrival);
            behind.for_each(|waiter| waiter.wake.notify_one());
        }
    }

    /// The call was served by a run: the next of the lane waits for a run, too, as long as what this one was told is new.
    pub(crate) fn served(self, linger: Duration) {
        let now = self.shared.timeline.now().map(|now| now.at);
        if let Some(lane) = self.shared.lanes.lock().get_mut(&self.lane) {
            lane.served_until = lane.expected.as_ref().map(|expected| expected.asked + linger);
            lane.take_turn(now);
        }
    }

    /// The call was granted: the next of the lane tries.
    pub(crate) fn granted(mut self) {
        self.is_granted = true;
    }
}

impl Drop for Spot {
    fn drop(&mut self) {
        let mut lanes = self.shared.lanes.lock();
        let Some(lane) = lanes.get_mut(&self.lane) else { return };
        let was_first = lane.begins_with(self.arrival);
        lane.waiters.retain(|waiter| waiter.arrival != self.arrival);
        if self.is_granted {
            lane.take_turn(self.shared.timeline.now().map(|now| now.at));
            lane.is_queued = false;
            lane.expected = None;
            lane.served_until = None;
        }
        match lane.waiters.first() {
            Some(next) if was_first || self.is_granted => next.wake.notify_one(),
            Some(_) => {}
            // What the last one was told may be of use to the next that comes: the end of its run sweeps the lane.
            None if lane.served_until.is_some() => {}
            None => {
                let left = lanes.remove(&self.lane).filter(|lane| lane.is_queued);
                drop(lanes);
                if let Some(lane) = left {
                    desk::post(&self.shared, Job::Withdraw { call: lane.call, ticket: lane.ticket });
                }
            }
        }
    }
}

impl Lane {
    fn begins_with(&self, arrival: u64) -> bool {
        self.waiters.first().is_some_and(|first| first.arrival == arrival)
    }

    /// One of its calls was granted. When its turn has lasted long enough, it goes to the end of the queue.
    fn take_turn(&mut self, now: Option<Moment>) {
        let Some(now) = now else { return };
        if now.since(*self.turn.get_or_insert(now)) >= TURN {
            (self.since, self.turn) = (None, None);
        }
    }
}

impl Expected {
    /// Whether it is the same wait, as far as anybody sees.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        const WOBBLE: i64 = 1_000_000;
        let near = match (self.at, other.at) {
            (Some(one), Some(other)) => one.0.abs_diff(other.0) <= WOBBLE.unsigned_abs(),
            (one, other) => one == other,
        };
        let reason = |wait: &Wait| -> (Arc<str>, Because) { (Arc::clone(&wait.quota), wait.because) };
        near && reason(&self.wait) == reason(&other.wait) && self.wait.scope == other.wait.scope
    }
}
