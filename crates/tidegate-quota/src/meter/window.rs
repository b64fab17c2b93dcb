//! Units in a window: what the server has, certainly or possibly, counted.
//!
//! Three sources are merged. Own calls under way are the caller's to add (`under_way`). Calls that were settled without
//! figures are `loose`, until a response that was sent after them tells a count that includes them. A response with
//! figures is the `base`: within one window the server only counts up, so the highest count is the latest, and whoever
//! was told a lower one is in it.
//!
//! A server counts a call somewhere between its being sent and its response's arrival. What may have been counted on
//! either side of a window's end therefore counts on both.

mod told;

use serde::{Deserialize, Serialize};

pub(super) use self::told::Figures;
use super::log::Log;
use crate::Moment;

/// When windows begin and end, where the server does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Shape {
    /// Any interval of the length.
    #[default]
    #[serde(rename = "s")]
    Sliding,
    /// From the first call after the end of the one before.
    #[serde(rename = "f")]
    FirstCall,
    /// By the calendar.
    #[serde(rename = "c")]
    Calendar,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct WindowMeter {
    #[serde(rename = "s")]
    pub(crate) shape: Shape,
    /// Length in microseconds.
    #[serde(rename = "w")]
    pub(crate) length: i64,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    open: Option<Open>,
    /// The window that was over last.
    #[serde(rename = "z", default, skip_serializing_if = "Option::is_none")]
    closed: Option<Closed>,
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    base: Option<Base>,
    #[serde(rename = "l", default, skip_serializing_if = "Log::is_empty")]
    loose: Log,
    /// All own units of the last `length` and a little before; of sliding windows only.
    #[serde(rename = "g", default, skip_serializing_if = "Log::is_empty")]
    log: Log,
    /// Units of the log that are not later are surely out of the window.
    #[serde(rename = "v", default)]
    over: Moment,
    /// When a count was last told that own calls cannot explain.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    foreign: Option<Moment>,
    /// Highest number that the server said was left in this window, or in the last one of which it told, where it does
    /// not tell the limit.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    ceiling: Option<u64>,
    /// When the last call was settled.
    #[serde(rename = "t", default)]
    last: Moment,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    wall: Option<Wall>,
}

/// A window that is open.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Open {
    /// Calls that were sent from then on are surely not of the window before.
    #[serde(rename = "s")]
    since: Moment,
    /// Its end is not before.
    #[serde(rename = "l")]
    lo: Moment,
    /// Its end is not after; `None` until its first call was answered.
    #[serde(rename = "h")]
    hi: Option<Moment>,
    #[serde(rename = "k")]
    kind: Kind,
}

/// Where the end of an open window comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    /// From the server.
    #[serde(rename = "t")]
    Told,
    /// From the calendar.
    #[serde(rename = "c")]
    Calendar,
    /// From its first call.
    #[serde(rename = "f")]
    Begun,
    /// Only calls on the edge of the window before may be in it. `hi` is then when they are surely left behind; it says
    /// nothing of a window that a later call begins.
    #[serde(rename = "e")]
    Edge,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Closed {
    #[serde(rename = "l")]
    lo: Moment,
    #[serde(rename = "h")]
    hi: Moment,
    #[serde(rename = "e")]
    ends: Moment,
}

/// The wall clock when a calendar's window was opened.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Wall {
    /// How far it was ahead of the ledger's time, in microseconds.
    #[serde(rename = "o")]
    offset: i64,
}

/// The latest count that the server told in the window that is open.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Base {
    #[serde(rename = "u")]
    used: u64,
    #[serde(rename = "s")]
    sent: Moment,
    #[serde(rename = "r")]
    received: Moment,
    /// Whether it is known which own calls it includes: none of them may have left the window while the response was on
    /// its way.
    #[serde(rename = "e", default)]
    is_exact: bool,
}

/// A settled call, as one meter sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    pub(crate) sent: Moment,
    /// When it had surely been counted: now, or later when it may still arrive.
    pub(crate) by: Moment,
    /// Whether it was counted at all.
    pub(crate) is_sure: bool,
    pub(crate) units: u64,
}

/// What is known of the way to the server, in microseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Way {
    /// From a response's arrival back to when it was made, and from a call's being sent to its arrival: at least this,
    /// both together.
    pub(crate) least: i64,
    /// Longest time to a response that was seen lately.
    pub(crate) most: i64,
}

/// Why there is no room, and when there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opens {
    At(Moment),
    /// When calls under way have been settled.
    Settled,
}

fn back(moment: Moment, micros: i64) -> Moment {
    Moment(moment.0.saturating_sub(micros))
}

fn on(moment: Moment, micros: i64) -> Moment {
    Moment(moment.0.saturating_add(micros))
}

impl WindowMeter {
    pub(crate) fn new(shape: Shape, length: i64) -> Self {
        Self { shape, length, ..Self::default() }
    }

    /// Leaves behind what is over.
    pub(crate) fn roll(&mut self, now: Moment, way: Way) {
        // What is on the edge of one window may be over itself.
        for _ in 0..2 {
            if let Some(open) = self.open
                && let Some(ends) = open.ends(way).filter(|ends| *ends <= now)
            {
                self.close(open, ends);
                if open.kind == Kind::Edge {
                    self.loose.drop_until(back(ends, self.length));
                }
                if self.shape == Shape::FirstCall
                    && let Some(last) = self.loose.last()
                {
                    let hi = Some(on(last, self.length));
                    self.open = Some(Open { since: ends, lo: on(open.lo, self.length), hi, kind: Kind::Edge });
                }
            }
        }
        self.roll_sliding(now, way);
    }

    /// Calls that are sent from `ends` on are surely not of `open`.
    fn close(&mut self, open: Open, ends: Moment) {
        self.closed = Some(Closed { lo: open.lo, hi: open.hi.unwrap_or(open.lo), ends });
        self.open = None;
        self.base = None;
        self.loose.drop_until(open.lo);
    }

    fn roll_sliding(&mut self, now: Moment, way: Way) {
        if self.shape != Shape::Sliding {
            return;
        }
        let before = self.over;
        self.over = before.max(on(back(now, self.length), way.least));
        let over = self.over;
        if self.open.is_none()
            && let Some(base) = &mut self.base
        {
            if self.log.first(before).is_some_and(|first| first <= over) {
                // Own units that a count includes leave it when they leave the window; but it surely includes only those
                // that were not about to leave when it was taken.
                let surely_in = on(back(base.received, self.length), way.most);
                let left = before.max(surely_in);
                let gone = self.log.sum_after(left).saturating_sub(self.log.sum_after(over.max(left)));
                base.used = base.used.saturating_sub(gone);
                let unclear = before.max(back(base.received, self.length));
                base.is_exact &= self.log.sum_after(unclear) == self.log.sum_after(surely_in.min(over).max(unclear));
            }
            if on(base.received, self.length) <= now {
                self.base = None;
            }
        }
        self.log.drop_until(back(over, way.most.saturating_mul(2)));
        if self.open.is_none() {
            self.loose.drop_until(over);
        }
    }

    /// Sets the end of the calendar's window. Does nothing while one is open. `offset` is how far the wall clock is
    /// ahead of the ledger's time, in microseconds; `end_after` is the calendar by that wall clock.
    ///
    /// When the wall clock has jumped since the last time, the window is as long as usual, whatever the calendar says;
    /// when it still stands so at its end, it is believed. No window is much shorter than usual, lest one be granted
    /// twice.
    pub(crate) fn open_calendar(&mut self, now: Moment, offset: i64, end_after: impl Fn(Moment) -> Option<Moment>) {
        /// Clocks drift apart by less, in parts of a window.
        const DRIFT: i64 = 5_000;
        if self.open.is_some() {
            return;
        }
        let Some(mut end) = end_after(now) else { return };
        let length = self.length.max(1);
        let has_jumped = self.wall.is_some_and(|wall| (wall.offset - offset).abs() > (length / DRIFT).max(20_000));
        if let Some(closed) = self.closed {
            if has_jumped {
                let whole = (now.0 - closed.hi.0).max(0) / length + 1;
                end = on(closed.hi, whole.saturating_mul(length));
            }
            let least = on(closed.hi, length - length / 10);
            while end < least
                && let Some(next) = end_after(end).filter(|next| *next > end)
            {
                end = next;
            }
        }
        self.wall = Some(Wall { offset });
        let since = self.closed.map_or(now, |closed| closed.ends);
        self.open = Some(Open { since, lo: end, hi: Some(end), kind: Kind::Calendar });
    }

    /// A call was granted, beside `under_way` units of other calls.
    pub(crate) fn grant(&mut self, now: Moment, under_way: u64) {
        if self.shape != Shape::FirstCall || self.open.is_some_and(|open| open.kind != Kind::Edge) {
            return;
        }
        // Calls on the edge were sent before: one of them may have begun the window, but not before the last one's end.
        let is_edge = under_way > 0 || !self.loose.is_empty();
        let begin = self.closed.filter(|_| is_edge).map_or(now, |closed| closed.lo);
        let since = self.closed.map_or(now, |closed| closed.ends);
        self.open = Some(Open { since, lo: on(begin, self.length), hi: None, kind: Kind::Begun });
    }

    /// A granted call turned out to count for nothing. `under_way` are other calls' units.
    pub(crate) fn release(&mut self, under_way: u64) {
        let is_unused = under_way == 0 && self.base.is_none();
        let Some(open) = self.open.filter(|open| is_unused && open.kind == Kind::Begun && open.hi.is_none()) else {
            return;
        };
        self.open = self.loose.last().map(|last| Open { hi: Some(on(last, self.length)), kind: Kind::Edge, ..open });
    }

    /// Books a call of which the server told nothing. `under_way` are other calls' units.
    pub(crate) fn book(&mut self, call: Counted, under_way: u64) {
        self.note(call);
        if call.units == 0 {
            return self.release(under_way);
        }
        self.loose.add(call.by, call.units, self.length);
        if self.shape != Shape::FirstCall {
            return;
        }
        let hi = on(call.by, self.length);
        let Some(open) = &mut self.open else {
            // The window that it was granted in is over.
            let begin = self.closed.map_or(call.sent, |closed| closed.lo.max(call.sent));
            let since = self.closed.map_or(call.sent, |closed| closed.ends);
            let kind = if call.is_sure && call.sent >= since { Kind::Begun } else { Kind::Edge };
            self.open = Some(Open { since, lo: on(begin, self.length), hi: Some(hi), kind });
            return;
        };
        // Only what was surely counted in it tells when a window ends.
        let is_in = call.is_sure && call.sent >= open.since;
        match open.kind {
            Kind::Edge if is_in => (open.kind, open.hi) = (Kind::Begun, Some(hi)),
            Kind::Edge => open.hi = open.hi.max(Some(hi)),
            Kind::Begun if is_in => open.end_by(hi),
            Kind::Begun if open.hi.is_none() => (open.kind, open.hi) = (Kind::Edge, Some(hi)),
            _ => {}
        }
    }

    fn note(&mut self, call: Counted) {
        self.last = self.last.max(call.by);
        if self.shape == Shape::Sliding {
            self.log.add(call.by, call.units, self.length);
        }
    }

    /// Whether others spend of a sliding window too, as far as that is known. If they do not, the own log tells exactly
    /// what is used; a count does so only within what arrives and expires while its response is on its way.
    fn is_shared(&self) -> bool {
        self.foreign.is_some_and(|seen| self.over < on(seen, self.length))
    }

    /// Units that count against the limit now, or, where that is not known, against the ceiling. `under_way` are those
    /// of calls under way.
    pub(crate) fn used(&self, is_limit_known: bool, under_way: u64) -> u64 {
        let counted = self.base.map_or(0, |base| base.used).saturating_add(self.loose.sum());
        let counted = match (self.shape, self.base, self.open) {
            // What was spent before the ceiling was told does not count against it.
            (Shape::Sliding, Some(_), _) if !is_limit_known => counted,
            (Shape::Sliding, Some(base), None) if base.is_exact || self.is_shared() => {
                counted.max(self.log.sum_after(self.over))
            }
            (Shape::Sliding, None, _) | (Shape::Sliding, _, None) => self.log.sum_after(self.over),
            _ => counted,
        };
        counted.saturating_add(under_way)
    }

    /// Whether one call may go out although own units of the last length say no: the server told of an end that is over,
    /// and nothing was sent since. A server with fixed windows has room for all, one with sliding windows for this one;
    /// its response tells which.
    pub(crate) fn may_probe(&self, under_way: u64) -> bool {
        let is_unknown = self.shape == Shape::Sliding && self.open.is_none() && self.base.is_none();
        is_unknown && under_way == 0 && self.closed.is_some_and(|closed| self.last < closed.ends)
    }

    /// When there may be room again for `missing` units more than there are now.
    pub(crate) fn opens(&self, missing: u64, way: Way) -> Opens {
        let is_log = self.shape == Shape::Sliding && (self.base.is_none() || self.open.is_none());
        if !is_log {
            return self.open.and_then(|open| open.ends(way)).map_or(Opens::Settled, Opens::At);
        }
        let expiry = |at: Moment| back(on(at, self.length), way.least);
        let by_log = self.log.oldest(missing, self.over).map(expiry);
        let is_counted = |base: &Base| base.is_exact || self.is_shared() || self.ceiling.is_some();
        let by_count = self.base.filter(is_counted).map(|base| on(base.received, self.length));
        match (by_log, by_count) {
            (None, None) => Opens::Settled,
            (Some(at), None) | (None, Some(at)) => Opens::At(at),
            (Some(log), Some(count)) => Opens::At(log.min(count)),
        }
    }

    /// The limit of a window whose limit is not known: what was left of it when the server first told. What is left of a
    /// window of which it has not told is thought to be as much as of the last one, and never nothing.
    pub(crate) fn ceiling(&self) -> Option<u64> {
        self.ceiling.map(|ceiling| if self.base.is_some() { ceiling } else { ceiling.max(1) })
    }

    /// Whether the server has told a count in the window that is open.
    pub(crate) fn is_told(&self) -> bool {
        self.base.is_some()
    }

    /// When the window ends, or the oldest units come back.
    pub(crate) fn resets(&self) -> Option<Moment> {
        match self.open {
            Some(open) => open.hi,
            None => self.log.first(self.over).map(|at| on(at, self.length)),
        }
    }
}

impl Open {
    fn end_by(&mut self, hi: Moment) {
        let hi = self.hi.map_or(hi, |known| known.min(hi));
        self.hi = Some(hi);
        self.lo = self.lo.min(hi);
    }

    /// Calls that are sent from then on arrive after the end: a response, and the call after it, are on their way for at
    /// least [`Way::least`].
    fn ends(self, way: Way) -> Option<Moment> {
        let slack = if matches!(self.kind, Kind::Told | Kind::Begun) { way.least } else { 0 };
        self.hi.map(|hi| back(hi, slack))
    }
}
