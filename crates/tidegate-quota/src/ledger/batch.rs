//! One update of the store: what several tasks want of it, done together.
//!
//! A batch is planned (which entries it needs), run inside the store's transaction, perhaps several times, and what the
//! last run decided holds. It gathers its results in an [`Outcome`]; who waits for them is not its business.

use std::collections::HashMap;
use std::sync::Arc;

use super::runs::Rest;
use super::terms::Terms;
use crate::scope::{self, Decision, NewLease, Now, ScopeRecord, Ticket};
use crate::spend::{self, Entered};
use crate::timeline::{self, Timeline};
use crate::{Call, Error, Fate, Moment, Priority, Result, Settlement, Slot};

/// What the entries of scopes begin with.
pub(crate) const SCOPE_PREFIX: &str = "scope|";

/// What is to be done.
#[derive(Debug, Clone)]
pub(crate) enum Job {
    /// Take a lease if there is room, for so many more calls if no limit is known.
    Try { call: Arc<Call>, lease: u64, place: Option<Place>, spend: Option<Arc<str>>, ahead: u32 },
    /// Book what became of a call.
    Settle(Arc<Settled>),
    /// Give a place in the queue back.
    Withdraw { call: Arc<Call>, ticket: u64 },
    /// Nothing but what every batch does.
    Nothing,
}

/// A place in the queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) ticket: u64,
    pub(crate) priority: Priority,
    /// `None` for now.
    pub(crate) since: Option<Moment>,
}

/// A call, and what became of it.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) call: Arc<Call>,
    pub(crate) lease: u64,
    /// When the answer came.
    pub(crate) at: Now,
    pub(crate) settlement: Settlement,
    /// Entry that the call is booked on.
    pub(crate) spend: Option<Arc<str>>,
    /// What else its lease has served.
    pub(crate) rest: Rest,
}

/// A scope's record as it was last read or written, with the bytes that it was read from.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) record: Arc<ScopeRecord>,
}

/// Records by key of the scope.
pub(crate) type KnownScopes = HashMap<Arc<str>, Known>;

/// A planned update.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) jobs: Vec<Job>,
    /// Leases of this process that are to be renewed.
    pub(crate) renewals: Vec<(Arc<Call>, u64)>,
    pub(crate) holder: u64,
    pub(crate) terms: Terms,
    /// What is known of the records, so that they need not be decoded.
    pub(crate) known: KnownScopes,
    /// Scopes in the order of their slots, which come after the timeline's.
    scopes: Vec<Arc<str>>,
    places: HashMap<Arc<str>, usize>,
    spends: HashMap<Arc<str>, usize>,
}

/// What a run decided.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) now: Now,
    /// The decision for each [`Job::Try`] by its place among the jobs.
    pub(crate) decisions: Vec<Option<Decision>>,
    /// Calls that were granted ahead, in the same way; `None` where a limit is known.
    pub(crate) ahead: Vec<Option<u32>>,
    pub(crate) known: KnownScopes,
}

impl Batch {
    pub(crate) fn new(jobs: Vec<Job>, holder: u64, terms: Terms) -> Self {
        Self {
            jobs,
            renewals: Vec::new(),
            holder,
            terms,
            known: HashMap::new(),
            scopes: Vec::new(),
            places: HashMap::new(),
            spends: HashMap::new(),
        }
    }

    /// The entries that it needs, in the order in which [`Batch::run`] takes them.
    pub(crate) fn plan(&mut self) -> Vec<String> {
        let mut spends = Vec::new();
        let jobs = self.jobs.iter().filter_map(Job::call);
        for call in jobs.chain(self.renewals.iter().map(|(call, _)| call)) {
            for scope in &call.scopes {
                if !self.places.contains_key(&scope.key.0) {
                    self.places.insert(Arc::clone(&scope.key.0), self.scopes.len());
                    self.scopes.push(Arc::clone(&scope.key.0));
                }
            }
        }
        for entry in self.jobs.iter().filter_map(Job::books) {
            if !self.spends.contains_key(entry) {
                self.spends.insert(Arc::clone(entry), 1 + self.scopes.len() + spends.len());
                spends.push(entry.to_string());
            }
        }
        let scopes = self.scopes.iter().map(|key| format!("{SCOPE_PREFIX}{key}"));
        std::iter::once(timeline::KEY.to_owned()).chain(scopes).chain(spends).collect()
    }

    /// The scopes that it needs.
    pub(crate) fn scopes(&self) -> &[Arc<str>] {
        &self.scopes
    }

    /// Does it all, on the entries of [`Batch::plan`]. Writes nothing when it fails.
    pub(crate) fn run(&self, timeline: &Timeline, slots: &mut [Slot]) -> Result<Outcome> {
        let outcome = self.try_run(timeline, slots);
        if outcome.is_err() {
            slots.iter_mut().for_each(|slot| slot.is_changed = false);
        }
        outcome
    }

    fn try_run(&self, timeline: &Timeline, slots: &mut [Slot]) -> Result<Outcome> {
        let (time, entries) = slots.split_first_mut().ok_or_else(Error::interrupted)?;
        let now = timeline.read(time)?;
        let records = entries.iter().zip(&self.scopes).map(|(slot, key)| self.decode(key, slot));
        let mut records = Records { records: records.collect::<Result<_>>()?, places: &self.places };
        self.renew(now, &mut records);
        let mut decisions = vec![None; self.jobs.len()];
        let mut ahead = vec![None; self.jobs.len()];
        let mut booked = Vec::new();
        // What is given back first serves those who wait.
        for job in &self.jobs {
            if let Job::Settle(settled) = job {
                settle(settled, &mut records, &mut booked)?;
            }
        }
        for (job, (decision, ahead)) in self.jobs.iter().zip(decisions.iter_mut().zip(&mut ahead)) {
            *decision = self.decide(job, now, &mut records)?;
            if *decision == Some(Decision::Granted) {
                *ahead = enter(job, &mut records, &mut booked)?;
            }
        }
        for (entry, entered) in booked {
            let slot = self.spends.get(entry).and_then(|place| slots.get_mut(*place));
            spend::enter(slot.ok_or_else(Error::interrupted)?, entered)?;
        }
        let known = self.encode(records.records, slots.get_mut(1..).unwrap_or_default())?;
        if let Some((time, others)) = slots.split_first_mut() {
            time.is_changed |= others.iter().any(|slot| slot.is_changed);
        }
        Ok(Outcome { now, decisions, ahead, known })
    }

    fn renew(&self, now: Now, records: &mut Records<'_>) {
        for (call, lease) in &self.renewals {
            for scope in &call.scopes {
                if let Some(record) = records.get(&scope.key.0) {
                    scope::renew(record, &[*lease], now.at + self.terms.lease);
                }
            }
        }
    }

    fn decide(&self, job: &Job, now: Now, records: &mut Records<'_>) -> Result<Option<Decision>> {
        match job {
            Job::Try { call, lease, place, .. } => {
                let lease = NewLease { id: *lease, holder: self.holder, until: now.at + self.terms.lease };
                let ticket = place.map(|place| Ticket {
                    id: place.ticket,
                    priority: place.priority,
                    since: place.since.unwrap_or(now.at),
                    until: now.at + self.terms.ticket,
                });
                let decide =
                    |ticket| move |records: &mut [ScopeRecord]| scope::decide(now, records, call, lease, ticket);
                let mut decision = records.with(call, decide(ticket))?;
                if let (Decision::Wait { at: Some(at), .. }, Some(ticket)) = (&decision, ticket) {
                    // Its owner sleeps until then, or until it looks again: decided once more, the place lasts as long.
                    let until = (*at).min(now.at + self.terms.look).max(now.at) + self.terms.ticket;
                    decision = records.with(call, decide(Some(Ticket { until, ..ticket })))?;
                }
                Ok(Some(decision))
            }
            Job::Withdraw { call, ticket } => {
                for scope in &call.scopes {
                    if let Some(record) = records.get(&scope.key.0) {
                        scope::withdraw(record, *ticket);
                    }
                }
                Ok(None)
            }
            Job::Settle(_) | Job::Nothing => Ok(None),
        }
    }

    fn decode(&self, key: &Arc<str>, slot: &Slot) -> Result<ScopeRecord> {
        let Some(bytes) = &slot.value else { return Ok(ScopeRecord::default()) };
        match self.known.get(key) {
            Some(known) if *known.bytes == **bytes => Ok((*known.record).clone()),
            _ => serde_json::from_slice(bytes).map_err(|source| Error::entry(&slot.key, source)),
        }
    }

    /// Puts the records into their slots.
    fn encode(&self, records: Vec<ScopeRecord>, slots: &mut [Slot]) -> Result<KnownScopes> {
        let mut known = HashMap::with_capacity(records.len());
        for ((record, slot), key) in records.into_iter().zip(slots).zip(&self.scopes) {
            let bytes = serde_json::to_vec(&record).map_err(|source| Error::entry(&slot.key, source))?;
            known.insert(Arc::clone(key), Known { bytes: bytes.as_slice().into(), record: Arc::new(record) });
            if slot.value.as_deref() != Some(&bytes) {
                slot.value = Some(bytes);
                slot.is_changed = true;
            }
        }
        Ok(known)
    }
}

impl Job {
    pub(crate) fn call(&self) -> Option<&Arc<Call>> {
        match self {
            Self::Try { call, .. } | Self::Withdraw { call, .. } => Some(call),
            Self::Settle(settled) => Some(&settled.call),
            Self::Nothing => None,
        }
    }

    /// The entry of the books that it may change.
    fn books(&self) -> Option<&Arc<str>> {
        match self {
            Self::Try { spend, .. } => spend.as_ref(),
            Self::Settle(settled) => settled.entered().and(settled.spend.as_ref()),
            Self::Withdraw { .. } | Self::Nothing => None,
        }
    }
}

/// Enters a granted call, and those ahead of it, into the books; how many those are.
fn enter<'a>(
    job: &'a Job,
    records: &mut Records<'_>,
    booked: &mut Vec<(&'a Arc<str>, Entered)>,
) -> Result<Option<u32>> {
    let Job::Try { call, spend, ahead, .. } = job else { return Ok(None) };
    let ahead = records.with(call, |records| scope::is_open(records))?.then_some(*ahead);
    if let Some(entry) = spend {
        let calls = 1 + i64::from(ahead.unwrap_or(0));
        let points = signed(scope::points(call, None)).saturating_mul(calls);
        booked.push((entry, Entered { calls, points }));
    }
    Ok(ahead)
}

impl Settled {
    /// By what the books are wrong that were kept when the call was granted.
    fn entered(&self) -> Option<Entered> {
        let expected = signed(scope::points(&self.call, None));
        let unused = i64::from(self.rest.ahead);
        let not_made = Entered { calls: -unused, points: expected.saturating_mul(-unused) };
        let entered = match self.settlement.fate {
            Fate::NotSent => Entered { calls: not_made.calls - 1, points: not_made.points - expected },
            Fate::Answered | Fate::Lost => {
                let real = signed(scope::points(&self.call, Some(&self.settlement)));
                Entered { points: not_made.points + real - expected, ..not_made }
            }
        };
        (entered != Entered { calls: 0, points: 0 }).then_some(entered)
    }
}

fn settle<'a>(
    settled: &'a Settled,
    records: &mut Records<'_>,
    booked: &mut Vec<(&'a Arc<str>, Entered)>,
) -> Result<()> {
    let Settled { call, lease, at, settlement, spend, rest } = settled;
    records.with(call, |records| {
        if let Some(sent) = rest.sent {
            scope::serve(records, call, *lease, &rest.served, sent);
        }
        scope::settle(*at, records, call, *lease, settlement);
    })?;
    booked.extend(spend.as_ref().zip(settled.entered()));
    Ok(())
}

fn signed(points: u64) -> i64 {
    i64::try_from(points).unwrap_or(i64::MAX)
}

/// The records of a batch.
struct Records<'a> {
    records: Vec<ScopeRecord>,
    places: &'a HashMap<Arc<str>, usize>,
}

impl Records<'_> {
    fn get(&mut self, key: &str) -> Option<&mut ScopeRecord> {
        self.places.get(key).and_then(|place| self.records.get_mut(*place))
    }

    /// Runs `work` on the records of a call's scopes, in their order.
    fn with<T>(&mut self, call: &Call, work: impl FnOnce(&mut [ScopeRecord]) -> T) -> Result<T> {
        let mut places = Vec::with_capacity(call.scopes.len());
        for scope in &call.scopes {
            match self.places.get(&scope.key.0) {
                Some(place) if !places.contains(place) => places.push(*place),
                _ => {
                    return Err(Error::new(format!(
                        "a call names the scope '{}' twice; please report this",
                        scope.key
                    )));
                }
            }
        }
        let taken = places.iter().filter_map(|place| Some(std::mem::take(self.records.get_mut(*place)?)));
        let mut taken: Vec<ScopeRecord> = taken.collect();
        let done = work(&mut taken);
        for (place, record) in places.into_iter().zip(taken) {
            if let Some(slot) = self.records.get_mut(place) {
                *slot = record;
            }
        }
        Ok(done)
    }
}
