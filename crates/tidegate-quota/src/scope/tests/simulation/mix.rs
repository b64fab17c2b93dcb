//! What is simulated: limits, latencies, demand and mischief, at random from a seed.

use std::sync::Arc;
use std::time::Duration;

use super::random::Random;
use super::server::{Rule, What};
use super::world::scope_use;
use crate::{Call, Limit, Priority, Quota, Unit, Window};

const SECOND: i64 = 1_000_000;

/// What responses tell of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Silent,
    /// What is left.
    Left,
    /// What was used.
    Used,
    /// What is left and the reset, to the microsecond.
    Exact,
    /// The reset in whole seconds.
    RoundedUp,
    /// The reset in whole seconds, rounded down, which the reader makes good.
    RoundedDown,
    /// As time of day, with up to two seconds too much.
    Epoch,
}

/// What the client is told of a limit before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Declared {
    /// All.
    Exactly,
    /// How many, and how long.
    LengthOnly,
    /// Its window, not how many.
    WindowOnly,
    Nothing,
}

#[derive(Debug, Clone)]
pub(super) struct Limited {
    pub(super) rule: Rule,
    pub(super) what: What,
    pub(super) limit: u64,
    pub(super) style: Style,
    pub(super) declared: Declared,
    pub(super) hides_limit: bool,
    pub(super) tells_window: bool,
    /// Place of its scope in a call; of a partition's own, which.
    pub(super) scope: usize,
    pub(super) partition: Option<usize>,
    pub(super) name: Arc<str>,
}

/// A range of times, with a tail.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Times {
    pub(super) least: i64,
    pub(super) most: i64,
    /// Percent of calls that take ten times as long.
    pub(super) tail: i64,
}

impl Times {
    pub(super) fn sample(self, random: &mut Random) -> i64 {
        let time = random.between(self.least, self.most);
        if self.tail > 0 && random.is(self.tail) { time * 10 } else { time }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Mix {
    pub(super) seed: u64,
    pub(super) limits: Vec<Limited>,
    pub(super) partitions: usize,
    pub(super) processes: usize,
    /// Calls at once, of one process and partition.
    pub(super) slots: usize,
    pub(super) is_paced: bool,
    pub(super) up: Times,
    pub(super) work: Times,
    pub(super) down: Times,
    /// Time between a process's calls; 0 for as many as may be.
    pub(super) think: i64,
    /// Least and most cost of a call.
    pub(super) cost: (u64, u64),
    pub(super) tells_cost: bool,
    /// Percent of calls that fail, are lost, or are answered without figures.
    pub(super) errors: i64,
    pub(super) lost: i64,
    pub(super) silent: i64,
    /// Mean time between calls of other clients; 0 for none.
    pub(super) foreign: i64,
    /// Time that the wall clock is wrong at a stretch, and by how much at the most; 0 for never.
    pub(super) jumps: i64,
    pub(super) jump_by: i64,
    /// Time between deaths of processes; 0 for none.
    pub(super) deaths: i64,
    pub(super) calls: u64,
    pub(super) until: i64,
}

impl Limited {
    pub(super) fn place(&self) -> (usize, Arc<str>) {
        (self.scope, Arc::clone(&self.name))
    }

    pub(super) fn is_known_from_the_start(&self) -> bool {
        matches!(self.declared, Declared::Exactly | Declared::LengthOnly)
    }

    /// Whether all that is known of its windows is told in whole seconds, which are a good part of them.
    fn is_vague(&self) -> bool {
        let is_rounded = matches!(self.style, Style::RoundedUp | Style::RoundedDown | Style::Epoch);
        let is_short = self.length().is_some_and(|length| length < 200 * SECOND);
        let is_shortest = self.length().is_some_and(|length| length <= 2 * SECOND);
        is_rounded && (is_shortest || is_short && self.declared == Declared::Nothing && !self.tells_window)
    }

    pub(super) fn length(&self) -> Option<i64> {
        match self.rule {
            Rule::Aligned { length, .. } | Rule::FirstCall { length } | Rule::Sliding { length } => Some(length),
            Rule::Bucket { per_second } => Some((self.limit as f64 / per_second * 1e6) as i64),
            Rule::Concurrent => None,
        }
    }

    pub(super) fn window(&self) -> Option<Duration> {
        Some(Duration::from_micros(u64::try_from(self.length()?).expect("positive")))
    }

    fn quota(&self) -> Option<Arc<Quota>> {
        let length = self.window().unwrap_or_default();
        let window = match (self.rule, self.declared) {
            (_, Declared::LengthOnly) | (Rule::Sliding { .. }, _) => Window::Sliding(length),
            (Rule::FirstCall { .. }, _) => Window::FirstCall(length),
            (Rule::Aligned { length: DAY, .. }, _) => Window::Day(chrono_tz::Etc::GMTMinus1),
            (Rule::Aligned { .. }, _) => Window::Aligned(length),
            _ => Window::Sliding(length),
        };
        let limit = match self.rule {
            Rule::Bucket { per_second } => Limit::Bucket { capacity: self.limit as f64, per_second },
            Rule::Concurrent => Limit::Concurrent { limit: self.limit },
            _ => {
                let limit = (self.declared != Declared::WindowOnly).then_some(self.limit);
                Limit::Window { limit, window }
            }
        };
        let unit = match self.what {
            What::Requests => Unit::Calls,
            What::Cost => Unit::Points,
            What::Errors => Unit::Errors,
        };
        let is_reported = self.style != Style::Silent;
        (self.declared != Declared::Nothing)
            .then(|| Arc::new(Quota { name: Arc::clone(&self.name), unit, limit, is_reported }))
    }
}

pub(super) const DAY: i64 = 86_400 * SECOND;

impl Mix {
    pub(super) fn limiters_of(&self, partition: usize) -> Vec<usize> {
        let is_mine = |limit: &Limited| limit.partition.is_none_or(|of| of == partition);
        (0..self.limits.len()).filter(|index| is_mine(&self.limits[*index])).collect()
    }

    pub(super) fn call(&self, partition: usize) -> Arc<Call> {
        let quotas = |scope: usize| {
            let is_here = |limit: &&Limited| limit.scope == scope && limit.partition.is_none_or(|of| of == partition);
            self.limits.iter().filter(is_here).filter_map(Limited::quota).collect::<Vec<_>>()
        };
        let scopes = vec![
            scope_use("credential", quotas(0), false),
            scope_use("connection", quotas(1), self.is_paced),
            scope_use("partition", quotas(2), false),
        ];
        let (reserve, points) = (Arc::from([]), self.cost.1);
        Arc::new(Call { scopes, points, is_token_request: false, reserve, priority: Priority::Normal, spend: None })
    }

    pub(super) fn shortest(&self) -> i64 {
        self.limits.iter().filter_map(Limited::length).min().unwrap_or(SECOND)
    }

    pub(super) fn longest(&self) -> i64 {
        self.up.most + self.work.most + self.down.most
    }

    /// Whether as many calls may be under way as it takes to use the limits up.
    pub(super) fn has_room(&self) -> bool {
        let at_once = self.limits.iter().filter(|limit| limit.rule == Rule::Concurrent).map(|limit| limit.limit).min();
        let at_once = at_once.unwrap_or(u64::MAX).min(if self.is_paced { 4 } else { u64::MAX });
        at_once >= self.needed_at_once() as u64 && !self.limits.iter().any(Limited::is_vague)
    }

    /// Calls at once that use the tightest limit up in a part of its window.
    fn needed_at_once(&self) -> usize {
        let owners = self.partitions as f64;
        let rate = |limit: &Limited| {
            let cost = if limit.what == What::Cost { self.cost.0 + self.cost.1 } else { 2 } as f64 / 2.0;
            let times = if limit.partition.is_some() { owners } else { 1.0 };
            Some(limit.limit as f64 * times / cost / limit.length()? as f64)
        };
        let least = self.limits.iter().filter_map(rate).fold(f64::MAX, f64::min);
        (least * self.longest() as f64 * 3.0).ceil() as usize + 1
    }

    /// A mix in which demand suffices and latency hardly varies; `is_calm` leaves out all mischief.
    pub(super) fn random(seed: u64, calls: u64, is_calm: bool) -> Self {
        let mut random = Random::new(seed);
        let partitions = random.between(1, 3) as usize;
        let processes = random.pick(&[1, 1, 2, 4]);
        let mut mix = Self {
            seed,
            limits: Vec::new(),
            partitions,
            processes,
            slots: random.pick(&[2, 4, 8, 16]),
            is_paced: random.is(30),
            up: Times::default(),
            work: Times::default(),
            down: Times::default(),
            think: 0,
            cost: random.pick(&[(1, 1), (1, 1), (1, 3), (2, 10)]),
            tells_cost: random.is(70),
            errors: 0,
            lost: 0,
            silent: random.pick(&[0, 0, 0, 10]),
            foreign: 0,
            jumps: 0,
            jump_by: 0,
            deaths: 0,
            calls,
            until: i64::MAX / 4,
        };
        mix.add_limits(&mut random, is_calm);
        mix.set_latencies(&mut random, is_calm);
        if !is_calm {
            mix.add_mischief(&mut random);
        }
        mix
    }

    fn add_limits(&mut self, random: &mut Random, is_calm: bool) {
        let length = random.pick(&[SECOND, 3 * SECOND, 10 * SECOND, 60 * SECOND, 3600 * SECOND, DAY]);
        let limit = random.between(5, 200) as u64;
        let of = random.between(0, 2) as usize;
        let owners: Vec<Option<usize>> = if of == 2 { (0..self.partitions).map(Some).collect() } else { vec![None] };
        let first = Self::limited(random, length, limit, self.cost.1);
        for (index, owner) in owners.into_iter().enumerate() {
            let name = Arc::from(format!("first{}", if of == 2 { String::new() } else { index.to_string() }));
            self.limits.push(Limited { scope: of, partition: owner, name, ..first.clone() });
        }
        let more = random.between(0, 2);
        for index in 0..more {
            // Another one, which is not as tight.
            let longer = random.pick(&[1, 7, 20]);
            let scope = random.between(0, 1) as usize;
            let shared = if of == 2 { self.partitions as u64 } else { 1 };
            let mut other = Self::limited(random, length * longer, limit * longer as u64 * shared * 2, self.cost.1);
            if other.what == What::Cost && first.what != What::Cost {
                other.limit *= self.cost.1;
            } else if first.what == What::Cost && other.what != What::Cost {
                other.limit = other.limit.max(4);
            }
            if let Rule::Bucket { per_second } = &mut other.rule {
                *per_second = other.limit as f64 / (length * longer) as f64 * 1e6;
            }
            self.limits.push(Limited { scope, name: Arc::from(format!("more{index}")), ..other });
        }
        if random.is(25) {
            let mut other = Self::limited(random, length, 1, 1);
            (other.rule, other.what, other.limit) = (Rule::Concurrent, What::Requests, random.between(2, 12) as u64);
            (other.style, other.declared) = (Style::Silent, Declared::Exactly);
            self.limits.push(Limited { scope: 1, name: "at_once".into(), ..other });
        }
        if !is_calm && random.is(30) {
            let mut other = Self::limited(random, length, 1, 1);
            (other.rule, other.what) = (Rule::FirstCall { length: length * 5 }, What::Errors);
            (other.limit, other.style, other.declared) = (10, Style::Silent, Declared::Exactly);
            self.limits.push(Limited { scope: 1, name: "errors".into(), ..other });
            self.errors = 3;
        }
    }

    fn limited(random: &mut Random, length: i64, limit: u64, cost: u64) -> Limited {
        let offset = if length == DAY { -3600 * SECOND - EPOCH_IN_DAY } else { -(EPOCH % length) };
        let aligned = Rule::Aligned { length, offset };
        let per_second = limit as f64 / length as f64 * 1e6;
        let rule = random.pick(&[
            aligned,
            aligned,
            Rule::FirstCall { length },
            Rule::FirstCall { length },
            Rule::Sliding { length },
            Rule::Sliding { length },
            Rule::Bucket { per_second },
        ]);
        let what = if random.is(25) { What::Cost } else { What::Requests };
        let has_reset = matches!(rule, Rule::Aligned { .. } | Rule::FirstCall { .. });
        let style = match has_reset {
            _ if random.is(35) => Style::Silent,
            true => random.pick(&[Style::Exact, Style::RoundedUp, Style::RoundedDown, Style::Epoch]),
            false => random.pick(&[Style::Left, Style::Used]),
        };
        let declared = match (style, rule) {
            (Style::Silent, Rule::Bucket { .. }) => Declared::Exactly,
            (Style::Silent, _) => random.pick(&[Declared::Exactly, Declared::LengthOnly]),
            (_, Rule::Bucket { .. }) => Declared::Exactly,
            (_, Rule::Sliding { .. }) => random.pick(&[Declared::Exactly, Declared::WindowOnly]),
            _ if what == What::Cost => random.pick(&[Declared::Exactly, Declared::LengthOnly]),
            _ => random.pick(&[Declared::Exactly, Declared::LengthOnly, Declared::WindowOnly, Declared::Nothing]),
        };
        let limit = if what == What::Cost { limit.max(cost) } else { limit };
        let hides_limit = style != Style::Used && style != Style::RoundedDown && random.is(15);
        let tells_window = random.is(50);
        Limited {
            rule,
            what,
            limit,
            style,
            declared,
            hides_limit,
            tells_window,
            scope: 0,
            partition: None,
            name: "".into(),
        }
    }

    fn set_latencies(&mut self, random: &mut Random, is_calm: bool) {
        let window = self.shortest();
        // Together at most 1 % of the window, unless it does not matter.
        let jitter = if is_calm { window / 300 } else { random.pick(&[window / 300, window / 30, window / 3]) };
        let jitter = jitter.min(2 * SECOND);
        let base = random.pick(&[window / 1000, window / 100, window / 20]).min(SECOND);
        let mut part = |share: i64| {
            let least = (base * share / 10).max(10);
            Times { least, most: least + random.between(0, jitter), tail: 0 }
        };
        (self.up, self.work, self.down) = (part(2), part(5), part(3));
        if !is_calm && random.is(30) {
            (self.up.tail, self.down.tail) = (1, 2);
        }
        if is_calm {
            // What is not told cannot be used, and what is left may be less than what a call may cost.
            self.tells_cost = true;
            for limit in self.limits.iter_mut().filter(|limit| limit.what == What::Cost) {
                limit.limit *= 10 * self.cost.1;
                if let Rule::Bucket { per_second } = &mut limit.rule {
                    *per_second *= 10.0 * self.cost.1 as f64;
                }
            }
            self.slots = self.slots.max(self.needed_at_once());
        }
    }

    fn add_mischief(&mut self, random: &mut Random) {
        let window = self.shortest();
        self.lost = random.pick(&[0, 0, 2, 5]);
        self.silent = random.pick(&[0, 0, 10, 50]);
        if random.is(40) {
            self.foreign = window / random.between(2, 50);
        }
        if random.is(30) {
            self.jumps = window / 3 + random.between(1, window / 3);
            self.jump_by = random.pick(&[(window / 500).max(SECOND), 100 * SECOND, 3600 * SECOND, 40 * DAY]);
        }
        if random.is(30) {
            self.deaths = random.between(20, 200).max(window / 5 / SECOND) * SECOND;
        }
        if random.is(30) {
            self.think = random.between(window / 500, window / 5);
        }
    }
}

/// Ledger time at the beginning, and its place in a day.
const EPOCH: i64 = 1_700_000_000_000_000;
const EPOCH_IN_DAY: i64 = EPOCH % DAY;
