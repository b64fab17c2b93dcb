//! Meters: what is kept of one quota in one scope, and its arithmetic. Pure.
//!
//! A meter is made from a declared [`Quota`], or from what a server told of without its being declared. It never asks
//! for the time, and never looks at other meters: the scope does both.

mod booking;
mod bucket;
mod calendar;
mod log;
mod unit;
mod window;

#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use self::bucket::Bucket;
pub(crate) use self::window::{Counted, Way};
use self::window::{Opens, Shape, WindowMeter};
use crate::{Because, Limit, Moment, Observation, Quota, Unit, Window};

/// Length that is assumed of a window of which nothing is known, in microseconds: figures older than that are void.
const ASSUMED: i64 = 60_000_000;

/// What is kept of one quota in one scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Meter {
    #[serde(rename = "u", with = "unit", default)]
    pub(crate) unit: Unit,
    /// Whether a manifest declares it. Else it holds for every call of the scope.
    #[serde(rename = "d", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_declared: bool,
    /// Whether the server's responses tell what is left, so that nothing is known until they have.
    #[serde(rename = "r", default, skip_serializing_if = "std::ops::Not::not")]
    is_reported: bool,
    /// The declared limit.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
    /// The limit that the server told last.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    told: Option<Told>,
    #[serde(rename = "b")]
    body: Body,
    /// Until when the server wants no call that comes out of it.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(crate) block: Option<Block>,
    #[serde(rename = "f", default, skip_serializing_if = "is_zero")]
    pub(crate) refused: u64,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(crate) observed_at: Option<Moment>,
    /// Whether the server told how long the window is. Else its length is made of the resets that were seen, and is
    /// good for deciding but not for showing.
    #[serde(rename = "w", default, skip_serializing_if = "std::ops::Not::not")]
    is_length_told: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Told {
    #[serde(rename = "l")]
    limit: u64,
    #[serde(rename = "s")]
    sent: Moment,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Body {
    #[serde(rename = "w")]
    Window(WindowMeter),
    #[serde(rename = "b")]
    Bucket(Bucket),
    #[serde(rename = "c")]
    Concurrent,
}

/// A time in which the server wants no call.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Block {
    #[serde(rename = "u")]
    pub(crate) until: Moment,
    /// When the refusal came in that set it: refusals of calls that were sent before are of the same kind.
    #[serde(rename = "s")]
    pub(crate) since: Moment,
    /// Refusals in a row.
    #[serde(rename = "n")]
    pub(crate) row: u32,
}

impl Block {
    /// The block after one more refusal, of a call that was sent at `sent`.
    pub(crate) fn after(block: Option<Self>, wait: Option<Duration>, sent: Moment, now: Moment) -> Self {
        const LONGEST: u64 = 60;
        let row = match block {
            Some(block) if sent < block.since => block.row,
            Some(block) => block.row.saturating_add(1),
            None => 1,
        };
        // "Wait 0 seconds" is what servers say that do not know.
        let wait = wait.filter(|wait| !wait.is_zero());
        let wait = wait.unwrap_or_else(|| Duration::from_secs((1 << (row.max(1) - 1).min(6)).min(LONGEST)));
        let until = block.map_or(now, |block| block.until).max(now + wait);
        let since = block.filter(|block| sent < block.since).map_or(now, |block| block.since);
        Self { until, since, row }
    }
}

/// What a call asks of a meter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    pub(crate) needs: u64,
    /// What must be left over.
    pub(crate) reserve: u64,
    /// What those want that go before it.
    pub(crate) ahead: u64,
    /// What calls under way have taken.
    pub(crate) under_way: u64,
}

/// What a meter answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Fits,
    Wait {
        at: Option<Moment>,
        because: Because,
    },
    /// It is more than the limit, less what must be left over.
    Never {
        limit: u64,
    },
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "limits below 2^53")]
fn float(units: u64) -> f64 {
    units as f64
}

impl Meter {
    /// That of a declared quota.
    pub(crate) fn declared(quota: &Quota, now: Moment) -> Self {
        let body = match &quota.limit {
            Limit::Window { window, .. } => Body::Window(WindowMeter::new(shape_of(*window), micros(window.length()))),
            Limit::Bucket { capacity, per_second } => Body::Bucket(Bucket::new(*capacity, *per_second, now)),
            Limit::Concurrent { .. } => Body::Concurrent,
        };
        let mut meter = Self::of(quota.unit, body);
        meter.declare(quota, now);
        meter
    }

    fn of(unit: Unit, body: Body) -> Self {
        Self {
            unit,
            is_declared: false,
            is_reported: true,
            limit: None,
            told: None,
            body,
            block: None,
            refused: 0,
            observed_at: None,
            is_length_told: false,
        }
    }

    /// That of a quota which only the server tells of.
    pub(crate) fn observed(seen: &Observation, now: Moment) -> Self {
        let body = match seen.per_second {
            Some(per_second) => {
                let capacity = seen.limit.or(seen.remaining).unwrap_or(1);
                Body::Bucket(Bucket::new(float(capacity), per_second, now))
            }
            None => Body::Window(WindowMeter::new(Shape::Sliding, ASSUMED)),
        };
        Self::of(Unit::Calls, body)
    }

    /// Takes over what is declared now, which may have changed. What was counted is kept if the quota is still of its
    /// kind.
    pub(crate) fn declare(&mut self, quota: &Quota, now: Moment) {
        self.is_declared = true;
        self.is_reported = quota.is_reported;
        self.unit = quota.unit;
        match (&quota.limit, &mut self.body) {
            (Limit::Window { limit, window }, Body::Window(meter)) => {
                self.limit = *limit;
                meter.shape = shape_of(*window);
                meter.length = micros(window.length());
            }
            (Limit::Bucket { capacity, per_second }, Body::Bucket(bucket)) => {
                self.limit = None;
                let capacity = self.told.map_or(*capacity, |told| float(told.limit));
                if (bucket.capacity, bucket.per_second) != (capacity, *per_second) {
                    bucket.resize(capacity, *per_second, now);
                }
            }
            (Limit::Concurrent { limit }, Body::Concurrent) => self.limit = Some(*limit),
            _ => {
                let refused = self.refused;
                *self = Self { refused, ..Self::declared(quota, now) };
            }
        }
    }

    /// Units that a call takes.
    pub(crate) fn needs(&self, points: u64, is_token_request: bool) -> u64 {
        match (self.unit, is_token_request) {
            (Unit::TokenRequests, true) | (Unit::Calls | Unit::Errors, false) => 1,
            (Unit::Points, false) => match self.body {
                Body::Concurrent => 1,
                _ => points,
            },
            _ => 0,
        }
    }

    /// The limit as it is known: that of the latest response, else the declared one.
    pub(crate) fn limit(&self) -> Option<u64> {
        match &self.body {
            Body::Bucket(bucket) => Some(bucket.most()),
            _ => self.told.map(|told| told.limit).or(self.limit),
        }
    }

    /// Leaves behind what is over, and opens the window of the calendar.
    pub(crate) fn roll(&mut self, now: Moment, wall: SystemTime, window: Option<Window>, way: Way) {
        let Body::Window(meter) = &mut self.body else { return };
        meter.roll(now, way);
        let Some(window) = window.filter(|_| meter.shape == Shape::Calendar) else { return };
        let since_1970 = |wall: SystemTime| micros(wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
        let offset = since_1970(wall) - now.0;
        meter.open_calendar(now, offset, |after| {
            let wall = Duration::from_micros(u64::try_from(after.0.saturating_add(offset)).unwrap_or(0));
            let end = calendar::end_after(window, SystemTime::UNIX_EPOCH + wall)?;
            Some(Moment(since_1970(end).saturating_sub(offset)))
        });
    }

    /// Whether a call fits.
    pub(crate) fn ask(&self, ask: Ask, now: Moment, way: Way) -> Verdict {
        if ask.needs == 0 {
            return Verdict::Fits;
        }
        if let Some(block) = self.block.filter(|block| block.until > now) {
            return Verdict::Wait { at: Some(block.until), because: Because::Blocked };
        }
        if let Some(verdict) = self.never(ask) {
            return verdict;
        }
        match &self.body {
            Body::Concurrent => self.ask_concurrent(ask),
            Body::Bucket(bucket) => ask_bucket(bucket, ask, now),
            Body::Window(meter) => self.ask_window(meter, ask, way),
        }
    }

    fn never(&self, ask: Ask) -> Option<Verdict> {
        let limit = self.limit()?;
        let most = limit.saturating_sub(ask.reserve);
        // A server that tells of a limit of 0 means "not now".
        let is_fixed = limit > 0 || self.told.is_none();
        (is_fixed && most < ask.needs).then_some(Verdict::Never { limit: most })
    }

    fn ask_concurrent(&self, ask: Ask) -> Verdict {
        let Some(limit) = self.limit() else { return Verdict::Fits };
        let room = limit.saturating_sub(ask.reserve).saturating_sub(ask.under_way);
        waits(room, ask, || (None, Because::Concurrency))
    }

    fn ask_window(&self, meter: &WindowMeter, ask: Ask, way: Way) -> Verdict {
        let Some(limit) = self.open_limit(meter) else { return Verdict::Fits };
        let used = meter.used(self.is_limit_known(meter), ask.under_way);
        let probe = u64::from(meter.may_probe(ask.under_way)).min(limit);
        let left = limit.saturating_sub(used).max(probe);
        waits(left.saturating_sub(ask.reserve), ask, || {
            let wanted = ask.needs.saturating_add(ask.reserve);
            let because = if left >= ask.needs { Because::Reserve } else { Because::Spent };
            // What is under way may come to less than it has taken.
            if limit.saturating_sub(used.saturating_sub(ask.under_way)) >= wanted {
                return (None, because);
            }
            let missing = wanted.saturating_add(used).saturating_sub(limit);
            match meter.opens(missing, way) {
                Opens::At(at) => (Some(at), because),
                Opens::Settled => (None, because),
            }
        })
    }

    /// The limit that holds for the window that is open. A limit of 0 holds only as long as the server said so.
    fn open_limit(&self, meter: &WindowMeter) -> Option<u64> {
        self.known_limit(meter).or(meter.ceiling())
    }

    fn known_limit(&self, meter: &WindowMeter) -> Option<u64> {
        self.limit().filter(|limit| *limit > 0 || self.told.is_none() || meter.is_told())
    }

    fn is_limit_known(&self, meter: &WindowMeter) -> bool {
        self.known_limit(meter).is_some()
    }

    /// A call was granted, beside others that have taken `under_way`.
    pub(crate) fn grant(&mut self, needs: u64, under_way: u64, now: Moment) {
        if let Body::Window(meter) = &mut self.body
            && needs > 0
        {
            meter.grant(now, under_way);
        }
    }

    /// A granted call was not sent after all.
    pub(crate) fn release(&mut self, under_way: u64) {
        if let Body::Window(meter) = &mut self.body {
            meter.release(under_way);
        }
    }

    /// Figures as they are shown: used, left, and when that changes.
    pub(crate) fn counters(&self, under_way: u64, now: Moment) -> Counters {
        let limit = self.limit();
        match &self.body {
            Body::Concurrent => Counters {
                used: Some(under_way),
                left: limit.map(|limit| limit.saturating_sub(under_way)),
                resets: None,
            },
            Body::Bucket(bucket) if self.is_reported && !bucket.is_told() => Counters::default(),
            Body::Bucket(bucket) => {
                let left = bucket.level(now).saturating_sub(under_way);
                Counters { used: Some(bucket.most().saturating_sub(left)), left: Some(left), resets: bucket.full(now) }
            }
            Body::Window(meter) if self.is_reported && !meter.is_told() => Counters::default(),
            Body::Window(meter) => {
                let used = meter.used(self.is_limit_known(meter), under_way);
                let left = self.open_limit(meter).map(|limit| limit.saturating_sub(used));
                let is_relative = limit.is_none() && meter.ceiling().is_some();
                Counters { used: (!is_relative).then_some(used), left, resets: meter.resets() }
            }
        }
    }

    /// Whether nothing was heard for long of a quota that only the server tells of: it may have another name by now.
    pub(crate) fn is_forgotten(&self, now: Moment) -> bool {
        const LONG: Duration = Duration::from_secs(2 * 24 * 60 * 60);
        let length = match &self.body {
            Body::Window(meter) => Duration::from_micros(u64::try_from(meter.length).unwrap_or(0)),
            _ => Duration::ZERO,
        };
        let is_blocked = self.block.is_some_and(|block| block.until > now);
        let is_old = self.observed_at.is_some_and(|at| now.since(at) > LONG.max(length * 2));
        !self.is_declared && !is_blocked && is_old
    }

    /// Length of the window; `None` where it has none, or it is not known.
    pub(crate) fn length(&self) -> Option<Duration> {
        match &self.body {
            Body::Window(meter) if self.is_declared || self.is_length_told => {
                Some(Duration::from_micros(u64::try_from(meter.length).unwrap_or(0)))
            }
            _ => None,
        }
    }

    /// Whether the declared quota tells how much there is.
    pub(crate) fn is_limit_declared(&self) -> bool {
        self.is_declared && (self.limit.is_some() || matches!(self.body, Body::Bucket(_)))
    }

    /// Whether calls under way hold it up, so that one that ends matters to others at once.
    pub(crate) fn is_concurrent(&self) -> bool {
        matches!(self.body, Body::Concurrent)
    }

    /// Units left for more calls; `None` when there is no known limit.
    pub(crate) fn left(&self, under_way: u64, now: Moment) -> Option<u64> {
        match &self.body {
            Body::Concurrent => Some(self.limit()?.saturating_sub(under_way)),
            Body::Bucket(bucket) => Some(bucket.level(now).saturating_sub(under_way)),
            Body::Window(meter) => {
                Some(self.open_limit(meter)?.saturating_sub(meter.used(self.is_limit_known(meter), under_way)))
            }
        }
    }
}

/// What is shown of a meter; `None` where it is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) used: Option<u64>,
    pub(crate) left: Option<u64>,
    pub(crate) resets: Option<Moment>,
}

fn shape_of(window: Window) -> Shape {
    match window {
        Window::Sliding(_) => Shape::Sliding,
        Window::FirstCall(_) => Shape::FirstCall,
        Window::Aligned(_) | Window::Day(_) | Window::Month(_) => Shape::Calendar,
    }
}

/// `Fits` if there is room for the call and for those that go before it.
fn waits(room: u64, ask: Ask, otherwise: impl FnOnce() -> (Option<Moment>, Because)) -> Verdict {
    if room >= ask.needs.saturating_add(ask.ahead) {
        return Verdict::Fits;
    }
    if room >= ask.needs {
        return Verdict::Wait { at: None, because: Because::Queue };
    }
    let (at, because) = otherwise();
    Verdict::Wait { at, because }
}

fn ask_bucket(bucket: &Bucket, ask: Ask, now: Moment) -> Verdict {
    let left = bucket.level(now).saturating_sub(ask.under_way);
    waits(left.saturating_sub(ask.reserve), ask, || {
        let because = if left >= ask.needs { Because::Reserve } else { Because::Spent };
        let wanted = ask.needs.saturating_add(ask.reserve).saturating_add(ask.under_way);
        (bucket.holds(wanted, now), because)
    })
}
