//! A bucket: refilled at a steady rate, emptied by what calls cost.
//!
//! A cost is taken out when the call is settled, and subtracted as under way until then. The server takes it out earlier,
//! so its level is never below the one here less what is under way.

use serde::{Deserialize, Serialize};

use crate::Moment;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bucket {
    /// Most that it holds.
    #[serde(rename = "c")]
    pub(crate) capacity: f64,
    /// Units a second.
    #[serde(rename = "r")]
    pub(crate) per_second: f64,
    /// What was in it at `at`. Below zero when more was taken than was thought to be there.
    #[serde(rename = "l")]
    level: f64,
    #[serde(rename = "a")]
    at: Moment,
    /// Costs that were taken out lately, by the moment of their settlement: a response that was sent before may not know
    /// of them.
    #[serde(rename = "x", default, skip_serializing_if = "Vec::is_empty")]
    lately: Vec<(Moment, u64)>,
    /// When the response that the level was last taken from came in.
    #[serde(rename = "o", default)]
    told: Option<Moment>,
}

/// Most costs that are remembered one by one; older ones are merged.
const LATELY: usize = 32;

#[expect(clippy::cast_precision_loss, reason = "units below 2^53")]
fn float(units: u64) -> f64 {
    units as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped by the conversion itself")]
fn whole(units: f64) -> u64 {
    units.max(0.0) as u64
}

/// Seconds between two moments; 0 when `from` is later.
fn seconds(from: Moment, to: Moment) -> f64 {
    to.since(from).as_secs_f64()
}

impl Bucket {
    /// A full one.
    pub(crate) fn new(capacity: f64, per_second: f64, now: Moment) -> Self {
        Self { capacity, per_second, level: capacity, at: now, lately: Vec::new(), told: None }
    }

    /// Changes its size and rate from now on. What was in a full one is not made more.
    pub(crate) fn resize(&mut self, capacity: f64, per_second: f64, now: Moment) {
        self.refill(now);
        self.level = self.level.min(capacity);
        (self.capacity, self.per_second) = (capacity, per_second);
    }

    fn refill(&mut self, now: Moment) {
        self.level = self.level_at(now);
        self.at = self.at.max(now);
    }

    fn level_at(&self, now: Moment) -> f64 {
        (self.level + seconds(self.at, now) * self.per_second).min(self.capacity)
    }

    /// Whole units that are in it.
    pub(crate) fn level(&self, now: Moment) -> u64 {
        whole(self.level_at(now) + EPSILON)
    }

    /// Most whole units that it can hold.
    pub(crate) fn most(&self) -> u64 {
        whole(self.capacity)
    }

    /// When it will hold `units`, if nothing is taken out; `None` when never.
    pub(crate) fn holds(&self, units: u64, now: Moment) -> Option<Moment> {
        let missing = float(units) - self.level_at(now);
        if missing <= EPSILON {
            return Some(now);
        }
        if self.per_second <= 0.0 || float(units) > self.capacity {
            return None;
        }
        // Rounded up to the next microsecond, lest the caller come too soon by less than one.
        let wait = (missing / self.per_second).min(MOST_SECONDS);
        Some(now + std::time::Duration::from_secs_f64(wait) + std::time::Duration::from_micros(1))
    }

    /// Takes the cost of a settled call out.
    pub(crate) fn take(&mut self, units: u64, now: Moment) {
        self.refill(now);
        self.level -= float(units);
        self.lately.push((now, units));
        if self.lately.len() > LATELY {
            let (_, oldest) = self.lately.remove(0);
            self.lately[0].1 = self.lately[0].1.saturating_add(oldest);
        }
    }

    /// What the server says is left, in the response to a call that was sent at `sent` and has been taken out already.
    ///
    /// Of what was settled after `sent`, the server may not have known: it is subtracted, but for the call itself (`own`).
    /// A response that was surely sent after the one before it came in is believed; one that may be older than that can
    /// only lower the level.
    pub(crate) fn told(&mut self, remaining: u64, own: u64, sent: Moment, now: Moment) {
        self.refill(now);
        let unknown: u64 = self.lately.iter().filter(|cost| cost.0 > sent).map(|cost| cost.1).sum();
        let level = (float(remaining) - float(unknown.saturating_sub(own))).min(self.capacity);
        let is_newer = self.told.is_none_or(|told| sent >= told);
        if is_newer || level < self.level {
            self.level = level;
        }
        if is_newer {
            self.told = Some(now);
            self.lately.retain(|cost| cost.0 > sent);
        }
    }

    /// Whether the server has ever said what is left.
    pub(crate) fn is_told(&self) -> bool {
        self.told.is_some()
    }

    /// When it is full; `None` when it is, or never will be.
    pub(crate) fn full(&self, now: Moment) -> Option<Moment> {
        self.holds(self.most(), now).filter(|full| *full > now)
    }
}

/// Sums of fractions of units are a little off.
const EPSILON: f64 = 1e-6;
/// Ten years: beyond it, "never" and "then" are the same.
const MOST_SECONDS: f64 = 10.0 * 365.25 * 86_400.0;
