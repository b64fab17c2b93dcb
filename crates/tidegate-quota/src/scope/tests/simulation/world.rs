//! Client processes, the way between, and the server: a queue of events in fake time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::mix::Mix;
use super::random::Random;
use super::server::{Known, Limiter, Report, Rule, What};
use crate::scope::{Decision, NewLease, Now, ScopeRecord, Ticket, decide, is_urgent, renew, settle, view};
use crate::{Call, Fate, Moment, Priority, ScopeKey, ScopeUse, Settlement, Throttling};

/// Ledger time at the beginning; true time begins at 0.
const EPOCH: i64 = 1_700_000_000_000_000;
const LEASE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Try { process: usize, partition: usize },
    Arrive { request: usize },
    Respond { request: usize },
    Receive { request: usize },
    GiveUp { request: usize },
    Foreign,
    Jump,
    Die,
    Renew,
}

#[derive(Debug)]
struct Request {
    process: usize,
    partition: usize,
    call: Arc<Call>,
    lease: u64,
    sent: i64,
    cost: u64,
    is_error: bool,
    /// What was known of each limiter when it was sent.
    known: Vec<Option<Known>>,
    /// The answer: figures by limiter, or refused by one.
    answer: Option<Answer>,
    is_over: bool,
    is_lost: bool,
}

#[derive(Debug, Clone)]
struct Answer {
    refused_by: Option<usize>,
    reports: Vec<(usize, Report, Known)>,
}

/// One lane of a process: its calls of one partition.
#[derive(Debug, Clone, Default)]
struct Lane {
    under_way: usize,
    waits_since: Option<i64>,
    /// The only event that may try again.
    next_try: Option<i64>,
    is_over: bool,
}

/// What came out.
#[derive(Debug, Default, Clone)]
pub(super) struct Outcome {
    pub(super) calls: u64,
    pub(super) decisions: u64,
    /// Calls that were more than what was known allowed.
    pub(super) excess: u64,
    /// Refusals by the server, once what it limits was known.
    pub(super) refused: u64,
    /// Refusals before.
    pub(super) surprises: u64,
    /// By limiter: what part of it was used, if that can be told.
    pub(super) use_of: Vec<Option<f64>>,
    pub(super) until: i64,
    pub(super) first_excess: Option<String>,
}

pub(super) struct World<'a> {
    mix: &'a Mix,
    random: Random,
    now: i64,
    number: u64,
    queue: BinaryHeap<Reverse<(i64, u64, Event)>>,
    /// Connection, credential, then one per partition.
    records: Vec<ScopeRecord>,
    limiters: Vec<Limiter>,
    /// Latest response that came in, by limiter.
    latest: Vec<Option<Known>>,
    requests: Vec<Request>,
    lanes: Vec<Vec<Lane>>,
    /// Call and limiters of each partition.
    calls: Vec<(Arc<Call>, Arc<[usize]>)>,
    jump: i64,
    /// Requests that are not over, and whether their leases are going to be renewed.
    live: Vec<usize>,
    is_renewing: bool,
    settled: u64,
    out: Outcome,
}

impl<'a> World<'a> {
    pub(super) fn new(mix: &'a Mix) -> Self {
        let limiters =
            mix.limits.iter().map(|limit| Limiter::new(limit.rule, limit.what, limit.limit)).collect::<Vec<_>>();
        let mut world = Self {
            mix,
            random: Random::new(mix.seed ^ 0x5EED),
            now: 0,
            number: 0,
            queue: BinaryHeap::new(),
            records: vec![ScopeRecord::default(); 2 + mix.partitions],
            latest: vec![None; limiters.len()],
            limiters,
            requests: Vec::new(),
            lanes: vec![vec![Lane::default(); mix.partitions]; mix.processes],
            calls: (0..mix.partitions).map(|at| (mix.call(at), mix.limiters_of(at).into())).collect(),
            jump: 0,
            live: Vec::new(),
            is_renewing: false,
            settled: 0,
            out: Outcome::default(),
        };
        for process in 0..mix.processes {
            for partition in 0..mix.partitions {
                let at = world.random.between(0, 1000);
                world.try_at(at, process, partition);
            }
        }
        if mix.foreign > 0 {
            world.at(mix.foreign, Event::Foreign);
        }
        if mix.jumps > 0 {
            world.at(mix.jumps, Event::Jump);
        }
        if mix.deaths > 0 {
            world.at(mix.deaths, Event::Die);
        }
        world
    }

    fn at(&mut self, at: i64, event: Event) {
        self.number += 1;
        self.queue.push(Reverse((at, self.number, event)));
    }

    pub(super) fn run(mut self) -> Outcome {
        let mut events = 0;
        while let Some(Reverse((at, _, event))) = self.queue.pop() {
            self.now = at;
            events += 1;
            let is_stuck = self.out.decisions > 30 * self.mix.calls || events > 200 * self.mix.calls;
            if self.out.calls >= self.mix.calls || at > self.mix.until || is_stuck {
                break;
            }
            self.happen(event);
        }
        self.out.until = self.now;
        self.out.use_of = self.limiters.iter().map(use_of).collect();
        self.out
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Try { process, partition } => {
                let lane = &mut self.lanes[process][partition];
                if lane.next_try == Some(self.now) {
                    lane.next_try = None;
                    self.send(process, partition);
                }
            }
            Event::Arrive { request } => self.arrive(request),
            Event::Respond { request } => self.respond(request),
            Event::Receive { request } => self.receive(request),
            Event::GiveUp { request } => self.give_up(request),
            Event::Foreign => {
                let index = self.random.between(0, self.limiters.len() as i64 - 1) as usize;
                let now = self.now;
                let limiter = &mut self.limiters[index];
                limiter.advance(now);
                if limiter.what == What::Requests && limiter.length().is_some() && limiter.admits(1) {
                    limiter.count(1, false);
                }
                let next = self.random.between(1, 2 * self.mix.foreign);
                self.at(now + next, Event::Foreign);
            }
            Event::Jump => {
                self.jump = match self.jump {
                    0 => self.random.between(self.mix.jump_by / 2, self.mix.jump_by) * self.random.pick(&[1, -1]),
                    _ => 0,
                };
                let next = if self.jump == 0 { self.mix.jumps * 3 } else { self.mix.jumps };
                self.at(self.now + next, Event::Jump);
            }
            Event::Die => {
                let process = self.random.between(0, self.mix.processes as i64 - 1) as usize;
                for &request in &self.live {
                    self.requests[request].is_over |= self.requests[request].process == process;
                }
                for partition in 0..self.mix.partitions {
                    self.lanes[process][partition] = Lane::default();
                    self.try_at(self.now + 1, process, partition);
                }
                self.at(self.now + self.mix.deaths, Event::Die);
            }
            Event::Renew => self.renew(),
        }
    }

    fn renew(&mut self) {
        let requests = &self.requests;
        self.live.retain(|request| !requests[*request].is_over);
        let live: Vec<u64> = self.live.iter().map(|request| requests[*request].lease).collect();
        let until = self.moment(self.now) + LEASE;
        for record in &mut self.records {
            renew(record, &live, until);
        }
        self.is_renewing = !live.is_empty();
        if self.is_renewing {
            self.at(self.now + 10_000_000, Event::Renew);
        }
    }

    fn moment(&self, at: i64) -> Moment {
        Moment(EPOCH + at)
    }

    fn time(&self) -> Now {
        let wall = EPOCH + self.now + self.jump;
        Now {
            at: self.moment(self.now),
            wall: SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(wall).expect("after 1970")),
        }
    }

    fn try_at(&mut self, at: i64, process: usize, partition: usize) {
        let at = at.max(self.now);
        let lane = &mut self.lanes[process][partition];
        if lane.is_over || lane.next_try.is_some_and(|next| next <= at && next >= self.now) {
            return;
        }
        lane.next_try = Some(at);
        self.at(at, Event::Try { process, partition });
    }

    /// The records of a partition's calls, in the order of their scopes.
    fn with<T>(&mut self, partition: usize, act: impl FnOnce(&mut [ScopeRecord]) -> T) -> T {
        let places = [0, 1, 2 + partition];
        let mut records = places.map(|place| std::mem::take(&mut self.records[place]));
        let result = act(&mut records);
        for (place, record) in places.into_iter().zip(records) {
            self.records[place] = record;
        }
        result
    }

    /// Sends calls while they are granted.
    fn send(&mut self, process: usize, partition: usize) {
        while self.lanes[process][partition].under_way < self.mix.slots {
            let now = self.time();
            let call = Arc::clone(&self.calls[partition].0);
            let since = *self.lanes[process][partition].waits_since.get_or_insert(self.now);
            let id = (process * self.mix.partitions + partition) as u64 + 1;
            let until = now.at + Duration::from_secs(2);
            let ticket = Ticket { id, priority: Priority::Normal, since: self.moment(since), until };
            self.number += 1;
            let lease = NewLease { id: self.number, holder: process as u64, until: now.at + LEASE };
            self.out.decisions += 1;
            let decision = self.with(partition, |records| decide(now, records, &call, lease, Some(ticket)));
            match decision {
                Decision::Granted => {
                    self.lanes[process][partition].waits_since = None;
                    self.granted(process, partition, call, lease.id);
                    if self.mix.think > 0 {
                        let next = self.random.between(1, 2 * self.mix.think);
                        return self.try_at(self.now + next, process, partition);
                    }
                }
                Decision::Wait { at, .. } => {
                    // As often as matters.
                    let most = 50_000.min(self.mix.shortest() / 200).max(self.mix.longest() / 5).max(400);
                    let poll = self.now + self.random.between(most / 10, most);
                    let at = at.map_or(poll, |at| at.0 - EPOCH);
                    assert!(at > self.now, "a wait that is over: {decision:?} at {}", self.now);
                    return self.try_at(at.min(self.now + 60_000_000_000), process, partition);
                }
                Decision::Never { .. } => {
                    self.lanes[process][partition].is_over = true;
                    return;
                }
            }
        }
    }

    fn granted(&mut self, process: usize, partition: usize, call: Arc<Call>, lease: u64) {
        self.out.calls += 1;
        let cost = self.random.between(self.mix.cost.0 as i64, self.mix.cost.1 as i64) as u64;
        let up = self.mix.up.sample(&mut self.random);
        let request = self.requests.len();
        self.requests.push(Request {
            process,
            partition,
            call,
            lease,
            sent: self.now,
            cost,
            is_error: self.random.is(self.mix.errors),
            known: self.latest.clone(),
            answer: None,
            is_over: false,
            is_lost: self.out.calls > 100 && self.random.is(self.mix.lost),
        });
        self.live.push(request);
        if !self.is_renewing {
            self.is_renewing = true;
            self.at(self.now + 10_000_000, Event::Renew);
        }
        self.lanes[process][partition].under_way += 1;
        self.at(self.now + up, Event::Arrive { request });
        if self.requests[request].is_lost {
            // Cut off at any time, also before it has arrived.
            let after = self.random.between(1, 3 * self.mix.longest());
            self.at(self.now + after, Event::GiveUp { request });
        }
    }

    fn units(&self, limiter: usize, request: usize) -> u64 {
        match self.limiters[limiter].what {
            What::Requests => 1,
            What::Cost => self.requests[request].cost,
            What::Errors => u64::from(self.requests[request].is_error),
        }
    }

    fn arrive(&mut self, request: usize) {
        let now = self.now;
        let partition = self.requests[request].partition;
        let mine = Arc::clone(&self.calls[partition].1);
        let mut refused_by = None;
        let at_once = if self.mix.foreign > 0 { (self.mix.slots * self.mix.processes) as u64 } else { 0 };
        for &index in &*mine {
            self.limiters[index].advance(now);
            let units = self.units(index, request);
            let limiter = &self.limiters[index];
            let known = self.requests[request].known[index];
            let is_known = self.mix.limits[index].is_known_from_the_start() || known.is_some();
            let asked = if limiter.what == What::Errors { 1 } else { units };
            // The place of a lost call is free at once: nobody knows how long the server works at it.
            let is_excused = limiter.rule == Rule::Concurrent && self.mix.lost + self.mix.deaths > 0;
            let is_known = is_known && !is_excused;
            if is_known && limiter.is_excess(asked, known.as_ref(), at_once) {
                self.out.excess += 1;
                let text = || format!("limiter {index} at {now}, sent {}: {limiter:?}", self.requests[request].sent);
                self.out.first_excess.get_or_insert_with(text);
            }
            if !limiter.admits(units) {
                refused_by = refused_by.or(Some((index, is_known)));
            }
        }
        if let Some((_, is_known)) = refused_by {
            *(if is_known { &mut self.out.refused } else { &mut self.out.surprises }) += 1;
        } else {
            for &index in &*mine {
                let units = self.units(index, request);
                self.limiters[index].count(units, true);
            }
        }
        let mut reports = Vec::new();
        for &index in &*mine {
            reports.push((index, self.limiters[index].report(), self.limiters[index].known()));
        }
        self.requests[request].answer = Some(Answer { refused_by: refused_by.map(|by| by.0), reports });
        let work = self.mix.work.sample(&mut self.random);
        self.at(now + work, Event::Respond { request });
    }

    fn respond(&mut self, request: usize) {
        let partition = self.requests[request].partition;
        if self.requests[request].answer.as_ref().is_some_and(|answer| answer.refused_by.is_none()) {
            for &index in &*Arc::clone(&self.calls[partition].1) {
                self.limiters[index].end();
            }
        }
        if !self.requests[request].is_lost {
            let down = self.mix.down.sample(&mut self.random);
            self.at(self.now + down, Event::Receive { request });
        }
    }

    fn receive(&mut self, request: usize) {
        if self.requests[request].is_over {
            return;
        }
        let answer = self.requests[request].answer.clone().expect("it arrived");
        let mut settlement = Settlement::answered();
        settlement.is_error = self.requests[request].is_error && answer.refused_by.is_none();
        if self.mix.tells_cost {
            settlement.points = Some(if answer.refused_by.is_some() { 0 } else { self.requests[request].cost });
        }
        let is_silent = self.random.is(self.mix.silent);
        for (index, report, known) in &answer.reports {
            if is_silent {
                break;
            }
            let Some(seen) = self.mix.observe(*index, report) else { continue };
            settlement.observations.push(seen);
            // What was on its way for a good part of the window may be of another one.
            let is_old = self.limiters[*index]
                .length()
                .is_some_and(|length| self.now - self.requests[request].sent > length / 2);
            let latest = &mut self.latest[*index];
            if !is_old && latest.is_none_or(|latest| latest.at <= known.at) {
                *latest = Some(*known);
            }
        }
        if let Some(index) = answer.refused_by {
            let wait = self.random.is(50).then_some(Duration::from_millis(200));
            let (scope, _) = self.mix.limits[index].place();
            settlement.throttled = Some(Throttling { scope, quota: None, wait });
        }
        self.settle(request, &settlement);
    }

    fn give_up(&mut self, request: usize) {
        if !self.requests[request].is_over {
            let mut settlement = Settlement::of(Fate::Lost);
            settlement.is_error = self.requests[request].is_error;
            self.settle(request, &settlement);
        }
    }

    fn settle(&mut self, request: usize, settlement: &Settlement) {
        self.requests[request].is_over = true;
        let now = self.time();
        let (process, partition) = (self.requests[request].process, self.requests[request].partition);
        let (call, lease) = (Arc::clone(&self.requests[request].call), self.requests[request].lease);
        self.with(partition, |records| settle(now, records, &call, lease, settlement));
        let lane = &mut self.lanes[process][partition];
        lane.under_way = lane.under_way.saturating_sub(1);
        if self.mix.think == 0 || lane.next_try.is_none() || lane.waits_since.is_some() {
            self.try_at(self.now, process, partition);
        }
        self.settled += 1;
        if self.settled.is_multiple_of(256) {
            self.look(&call, partition);
        }
    }

    /// Views, and what is written and read again.
    fn look(&mut self, call: &Call, partition: usize) {
        let now = self.time();
        self.with(partition, |records| {
            let _ = is_urgent(now, records, call);
            for (record, scope) in records.iter_mut().zip(&call.scopes) {
                for meter in view(now, record, scope).meters {
                    if let (Some(limit), Some(left)) = (meter.limit, meter.remaining) {
                        assert!(left <= limit, "{meter:?}");
                    }
                }
                let text = serde_json::to_string(record).expect("written");
                *record = serde_json::from_str(&text).expect("read");
            }
        });
    }
}

/// What part of what a limiter allowed was used, once it was under way: by how long it took to use it up many times.
fn use_of(limiter: &Limiter) -> Option<f64> {
    const LEAST: usize = 20;
    let skip = 4 + usize::try_from(80 / limiter.limit).expect("small");
    let (first, last) = (limiter.marks.get(skip)?, limiter.marks.last()?);
    let times = limiter.marks.len() - 1 - skip;
    let ideal = limiter.length()? as f64 * times as f64;
    (times >= LEAST).then(|| ideal / (last - first) as f64)
}

/// A scope's use.
pub(super) fn scope_use(name: &str, quotas: Vec<Arc<crate::Quota>>, is_paced: bool) -> ScopeUse {
    ScopeUse { key: ScopeKey(name.into()), quotas, is_paced }
}
