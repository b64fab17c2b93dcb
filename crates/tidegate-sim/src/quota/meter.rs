//! The arithmetic of one counter. Times are microseconds since 1970 and are handed in; they never go back.

use std::collections::VecDeque;
use std::time::Duration;

use super::Rule;

const SECOND: f64 = 1e6;
const DAY: u64 = 86_400_000_000;

/// A counter under one rule.
#[derive(Debug)]
pub(crate) enum Meter {
    /// Start of the window, if one is running, and units in it.
    Window(Option<u64>, u64),
    /// When units were taken, the oldest first, and how many.
    Log(VecDeque<(u64, u64)>),
    /// Units in the bucket at a time.
    Level(f64, u64),
    /// Calls in work.
    Running(u64),
}

/// What can be told of a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) limit: u64,
    pub(crate) used: u64,
    /// When the window ends or the bucket is full again; for a log, when its oldest unit falls out.
    pub(crate) resets_at: u64,
}

impl Rule {
    pub(crate) fn meter(&self, now: u64) -> Meter {
        match self {
            Self::Aligned { .. } | Self::FirstCall { .. } | Self::Day { .. } => Meter::Window(None, 0),
            Self::Sliding { .. } => Meter::Log(VecDeque::new()),
            Self::Bucket { capacity, .. } => Meter::Level(*capacity, now),
            Self::Concurrent { .. } => Meter::Running(0),
        }
    }

    /// Length of the window in microseconds; 0 where there is none.
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Aligned { window, .. } | Self::FirstCall { window, .. } | Self::Sliding { window, .. } => {
                micros(*window)
            }
            Self::Day { .. } => DAY,
            Self::Bucket { .. } | Self::Concurrent { .. } => 0,
        }
    }

    fn limit(&self) -> u64 {
        match self {
            Self::Aligned { limit, .. }
            | Self::FirstCall { limit, .. }
            | Self::Sliding { limit, .. }
            | Self::Day { limit, .. }
            | Self::Concurrent { limit } => *limit,
            Self::Bucket { capacity, .. } => *capacity as u64,
        }
    }

    /// Start of the window that a call at this time belongs to when no window is running.
    fn start(&self, now: u64) -> u64 {
        match self {
            Self::Day { offset_minutes, .. } => {
                // Shifted by two days so that a zone behind UTC does not go below zero.
                let shift = 2 * DAY as i64 + i64::from(*offset_minutes) * 60_000_000;
                let local = now as i64 + shift;
                (local - local % DAY as i64 - shift).max(0) as u64
            }
            Self::Aligned { .. } => now - now % self.length(),
            _ => now,
        }
    }
}

impl Meter {
    /// Drops what has passed.
    pub(crate) fn roll(&mut self, rule: &Rule, now: u64) {
        match self {
            Self::Window(start, used) => {
                if start.is_some_and(|start| now >= start + rule.length()) {
                    (*start, *used) = (None, 0);
                }
            }
            Self::Log(entries) => {
                while entries.front().is_some_and(|(at, _)| now >= at + rule.length()) {
                    entries.pop_front();
                }
            }
            Self::Level(level, at) => {
                if let Rule::Bucket { capacity, per_second } = rule {
                    *level = capacity.min(*level + per_second * now.saturating_sub(*at) as f64 / SECOND);
                    *at = now;
                }
            }
            Self::Running(_) => {}
        }
    }

    /// Time until there is room for so many units: zero if there is, `None` if it cannot be told. Rolled before.
    pub(crate) fn wait(&self, rule: &Rule, now: u64, need: u64) -> Option<u64> {
        let used = self.used(rule);
        match (self, rule) {
            (Self::Level(level, _), Rule::Bucket { capacity, per_second }) => {
                let missing = need as f64 - level;
                match missing <= 0.0 {
                    true => Some(0),
                    false if need as f64 > *capacity || *per_second <= 0.0 => None,
                    false => Some((missing / per_second * SECOND).ceil() as u64),
                }
            }
            _ if used + need <= rule.limit() => Some(0),
            (Self::Window(..), _) => Some(self.end(rule, now) - now),
            (Self::Log(entries), _) => {
                let mut over = (used + need).saturating_sub(rule.limit());
                let freed = entries.iter().find(|(_, units)| {
                    over = over.saturating_sub(*units);
                    over == 0
                });
                freed.map(|(at, _)| at + rule.length() - now)
            }
            _ => None,
        }
    }

    /// Counts units. Rolled before.
    pub(crate) fn take(&mut self, rule: &Rule, now: u64, units: u64) {
        match self {
            Self::Window(start, used) => {
                *start = start.or(Some(rule.start(now)));
                *used += units;
            }
            Self::Log(entries) => entries.push_back((now, units)),
            Self::Level(level, _) => *level -= units as f64,
            Self::Running(running) => *running += 1,
        }
    }

    /// Gives back units that were taken at this time, unless their window is over. Rolled before.
    pub(crate) fn give(&mut self, rule: &Rule, taken_at: u64, units: u64) {
        match self {
            Self::Window(start, used) => {
                if start.is_some_and(|start| taken_at >= start) {
                    *used = used.saturating_sub(units);
                }
            }
            Self::Log(entries) => {
                if let Some((_, taken)) = entries.iter_mut().find(|(at, taken)| *at == taken_at && *taken >= units) {
                    *taken -= units;
                }
            }
            Self::Level(level, _) => *level = (*level + units as f64).min(rule.limit() as f64),
            Self::Running(_) => {}
        }
    }

    /// A call is done.
    pub(crate) fn leave(&mut self) {
        if let Self::Running(running) = self {
            *running = running.saturating_sub(1);
        }
    }

    /// Rolled before.
    pub(crate) fn figures(&self, rule: &Rule, now: u64) -> Figures {
        Figures { limit: rule.limit(), used: self.used(rule), resets_at: self.end(rule, now) }
    }

    fn used(&self, rule: &Rule) -> u64 {
        match self {
            Self::Window(_, used) | Self::Running(used) => *used,
            Self::Log(entries) => entries.iter().map(|(_, units)| units).sum(),
            Self::Level(level, _) => (rule.limit() as f64 - level).max(0.0).ceil() as u64,
        }
    }

    fn end(&self, rule: &Rule, now: u64) -> u64 {
        match (self, rule) {
            (Self::Window(start, _), _) => start.unwrap_or_else(|| rule.start(now)) + rule.length(),
            (Self::Log(entries), _) => entries.front().map_or(now, |(at, _)| at + rule.length()),
            (Self::Level(level, _), Rule::Bucket { capacity, per_second }) if *per_second > 0.0 => {
                now + ((capacity - level) / per_second * SECOND).max(0.0) as u64
            }
            _ => now,
        }
    }
}

/// At least a millisecond.
fn micros(length: Duration) -> u64 {
    (length.as_micros() as u64).max(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000;
    const WINDOW: Duration = Duration::from_secs(3);

    /// Whether calls at these times (milliseconds) get in; `true` is granted.
    fn check(rule: Rule, calls: &[(u64, bool)]) {
        let mut meter = rule.meter(0);
        for (ms, granted) in calls {
            let now = ms * 1_000;
            meter.roll(&rule, now);
            let wait = meter.wait(&rule, now, 1);
            assert_eq!(wait == Some(0), *granted, "{rule:?} at {ms} ms: {meter:?}");
            if *granted {
                meter.take(&rule, now, 1);
            }
        }
    }

    #[test]
    fn each_rule_grants_what_it_says() {
        let (limit, window) = (2, WINDOW);
        let open = [(4_000, true), (4_001, true), (5_999, false)];
        let after = |more: &[(u64, bool)]| [&open, more].concat();
        check(Rule::Aligned { limit, window }, &after(&[(6_000, true), (6_000, true), (8_999, false), (9_000, true)]));
        check(
            Rule::FirstCall { limit, window },
            &after(&[(6_999, false), (7_000, true), (7_500, true), (9_999, false)]),
        );
        check(Rule::Sliding { limit, window }, &after(&[(6_999, false), (7_000, true), (7_000, false), (7_001, true)]));
        let bucket = Rule::Bucket { capacity: 2.0, per_second: 0.5 };
        check(bucket, &[(0, true), (0, true), (1_999, false), (2_000, true), (3_000, false), (4_000, true)]);
        for (offset_minutes, midnight) in [(120, 22), (-300, 5), (0, 24)] {
            let day = Rule::Day { limit: 1, offset_minutes };
            let at = |hours: u64| (48 + hours) * 3_600_000;
            let next = midnight + 24;
            check(day, &[(at(0), true), (at(midnight) - 1, false), (at(midnight), true)]);
            check(day, &[(at(midnight), true), (at(next) - 1, false), (at(next), true)]);
        }
    }

    #[test]
    fn waits_are_exact() {
        let cases = [
            (Rule::Aligned { limit: 2, window: WINDOW }, 2, 1, Some(2 * S)),
            (Rule::FirstCall { limit: 2, window: WINDOW }, 2, 1, Some(3 * S)),
            (Rule::Sliding { limit: 2, window: WINDOW }, 1, 2, Some(3 * S)),
            (Rule::Sliding { limit: 2, window: WINDOW }, 1, 3, None),
            (Rule::Bucket { capacity: 10.0, per_second: 4.0 }, 10, 6, Some(1_500_000)),
            (Rule::Bucket { capacity: 10.0, per_second: 4.0 }, 0, 11, None),
            (Rule::Concurrent { limit: 1 }, 1, 1, None),
        ];
        for (rule, taken, need, wait) in cases {
            let mut meter = rule.meter(4 * S);
            meter.take(&rule, 4 * S, taken);
            assert_eq!(meter.wait(&rule, 4 * S, need), wait, "{rule:?}");
        }
    }

    #[test]
    fn points_come_back_within_their_window_only() {
        let rule = Rule::Aligned { limit: 10, window: WINDOW };
        let mut meter = rule.meter(0);
        meter.take(&rule, 2 * S, 8);
        meter.give(&rule, 2 * S, 5);
        assert_eq!(meter.figures(&rule, 2 * S).used, 3);
        meter.roll(&rule, 4 * S);
        meter.take(&rule, 4 * S, 8);
        meter.give(&rule, 2 * S, 3);
        assert_eq!(meter.figures(&rule, 4 * S), Figures { limit: 10, used: 8, resets_at: 6 * S });
    }
}
