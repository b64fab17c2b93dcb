//! What responses tell of a window, merged with what was counted here.
//!
//! A response does not name its window: only the time to its end, rounded, from a moment that is known to within the time
//! that it was on its way. What cannot be told apart is taken for the window that leaves less.

use super::super::log::Log;
use super::{Base, Counted, Kind, Open, Shape, WindowMeter, back, on};
use crate::Moment;

/// How far a server may have rounded the time to a window's end: up to the next second, and once more where it was
/// turned into the time of day.
const ROUNDING: i64 = 2_000_000;

/// Of windows that are shorter, the calendar is more exact than a time in whole seconds.
const SHORT: i64 = 10_000_000;

/// What a response says of a window, as far as it goes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    /// Units that were spent, with the limit that was known to the server then.
    pub(crate) used: Option<u64>,
    /// Units that are left, where no limit is known.
    pub(crate) left: Option<u64>,
    /// Microseconds to the end of the window.
    pub(crate) resets_in: Option<i64>,
}

/// Which window a response speaks of.
enum Place {
    Older,
    /// Perhaps that before, perhaps the next.
    Unclear,
    Same,
    Newer,
}

impl WindowMeter {
    /// Books a call of which the server told something. `under_way` are other calls' units.
    pub(crate) fn observe(&mut self, call: Counted, figures: Figures, under_way: u64) {
        let was_last = self.last;
        let end = figures.resets_in.map(|micros| {
            let most = if self.length > 0 { micros.min(self.length) } else { micros };
            (back(on(call.sent, micros), ROUNDING), on(call.by, most))
        });
        match (self.place(call.sent, end), end) {
            (Place::Older, _) => return self.note(call),
            (Place::Unclear, _) => return self.book(call, under_way),
            (Place::Same, Some((lo, hi))) => {
                if let Some(open) = self.open.as_mut().filter(|open| open.kind == Kind::Told) {
                    open.lo = open.lo.max(lo);
                    open.end_by(hi);
                }
            }
            (Place::Newer, Some((lo, hi))) => self.adopt(call, lo, hi),
            (_, None) => {}
        }
        let Some(used) = self.normalise(figures) else { return self.book(call, under_way) };
        self.note(call);
        self.suspect(used, call, under_way);
        self.count(used, call, was_last, under_way, end.map(|end| end.1));
    }

    /// Whether a count is more than own calls can have come to.
    fn suspect(&mut self, used: u64, call: Counted, under_way: u64) {
        if self.shape == Shape::Sliding {
            // What was in the window at any time since the call was sent.
            let since = self.over.min(on(back(self.over, call.by.0), call.sent.0));
            if used > self.log.sum_after(since).saturating_add(under_way) {
                self.foreign = Some(call.by);
            }
        }
    }

    fn place(&self, sent: Moment, end: Option<(Moment, Moment)>) -> Place {
        let Some((lo, hi)) = end else {
            let since = self.open.map(|open| open.since).or(self.closed.map(|closed| closed.ends));
            let is_unclear = since.is_some_and(|since| sent < since);
            return if is_unclear { Place::Unclear } else { Place::Same };
        };
        if hi.0.saturating_sub(lo.0) - ROUNDING > self.length / 2 {
            // The response was on its way for so long that nobody knows.
            return Place::Unclear;
        }
        if let Some(open) = self.open.filter(|open| open.kind == Kind::Told) {
            return match open.hi {
                Some(end) if lo > end => Place::Newer,
                _ if hi < open.lo => Place::Older,
                _ => Place::Same,
            };
        }
        if let Some(open) = self.open.filter(|open| open.kind == Kind::Calendar && self.length < SHORT)
            && open.hi.is_some_and(|end| lo <= end && end <= hi)
        {
            return if sent < open.since { Place::Unclear } else { Place::Same };
        }
        match self.closed {
            Some(closed) if sent < closed.ends && lo <= closed.hi => {
                // The next window does not end before that.
                let next = on(closed.lo, self.length);
                if hi < next { Place::Older } else { Place::Unclear }
            }
            _ => Place::Newer,
        }
    }

    /// The server told of a window that was not known.
    fn adopt(&mut self, call: Counted, lo: Moment, hi: Moment) {
        if let Some(open) = self.open.filter(|open| open.kind == Kind::Told) {
            self.close(open, open.hi.map_or(call.by, |hi| hi.min(call.by)));
        }
        self.base = None;
        let since = self.closed.map_or(call.sent, |closed| closed.ends);
        self.open = Some(Open { since, lo: lo.min(hi), hi: Some(hi), kind: Kind::Told });
    }

    /// Units spent, from units spent or left. Where the limit is not known, what was left at first is the ceiling.
    fn normalise(&mut self, figures: Figures) -> Option<u64> {
        if figures.used.is_some() {
            return figures.used;
        }
        let left = figures.left?;
        let ceiling = self.ceiling.filter(|_| self.base.is_some()).unwrap_or(left);
        if let Some(base) = &mut self.base {
            base.used = base.used.saturating_add(left.saturating_sub(ceiling));
        }
        let ceiling = ceiling.max(left);
        self.ceiling = Some(ceiling);
        Some(ceiling - left)
    }

    fn count(&mut self, used: u64, call: Counted, was_last: Moment, under_way: u64, end: Option<Moment>) {
        let is_alone = under_way == 0 && call.sent >= was_last;
        let sliding = self.shape == Shape::Sliding && self.open.is_none();
        let on_its_way = back(self.over, call.by.0.saturating_sub(call.sent.0));
        let mut is_exact = self.log.sum_after(on_its_way) == self.log.sum_after(self.over);
        match self.base {
            Some(base) if used < base.used => {
                if is_alone {
                    self.loose = Log::default();
                } else if sliding && call.sent >= base.received {
                    self.loose = self.log.later_than(call.sent);
                    self.loose.remove(call.by, call.units);
                    is_exact = false;
                } else {
                    // It came before the count that is known; or it is of the next window already.
                    let next = self.open.filter(|open| open.kind == Kind::Told).map(|open| on(open.lo, self.length));
                    if next.is_some_and(|next| end.is_none_or(|end| end >= next)) {
                        self.loose.add(call.by, call.units, self.length);
                    }
                    return;
                }
            }
            _ => self.loose.drop_until(call.sent),
        }
        self.base = Some(Base { used, sent: call.sent, received: call.by, is_exact });
        if sliding && end.is_none() && is_alone {
            self.log.drop_until(self.over);
            self.log.trim_to(used);
        }
    }
}
