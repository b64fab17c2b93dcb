//! A server with limits, written from the server's side: it shares no code and no idea with the meters.
//!
//! Times are microseconds of true time. A limiter decides when a request arrives, and knows nothing of when it was sent.

use std::collections::VecDeque;

/// How a limiter counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Rule {
    /// Windows begin at multiples of the length, moved on by `offset`.
    Aligned { length: i64, offset: i64 },
    /// A window begins with the first request after the one before.
    FirstCall { length: i64 },
    /// Every request stays for the length.
    Sliding { length: i64 },
    /// A bucket of tokens.
    Bucket { per_second: f64 },
    /// Requests at once.
    Concurrent,
}

/// What a limiter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Requests,
    Cost,
    Errors,
}

#[derive(Debug, Clone)]
pub(super) struct Limiter {
    pub(super) rule: Rule,
    pub(super) what: What,
    pub(super) limit: u64,
    /// Number of the window, which began at `start`.
    window: i64,
    start: Option<i64>,
    used: u64,
    own_in_window: u64,
    entries: VecDeque<(i64, u64, bool)>,
    expired: u64,
    level: f64,
    at: i64,
    pub(super) own_total: u64,
    /// When own requests had taken half of the limit, and again each time that they had taken all of it once more.
    pub(super) marks: Vec<i64>,
}

/// The state of a limiter when a response was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) at: i64,
    window: i64,
    used: u64,
    own_total: u64,
    expired: u64,
    level: f64,
}

/// What a response may tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Report {
    pub(super) limit: u64,
    pub(super) used: u64,
    /// To the end of the window.
    pub(super) resets_in: Option<i64>,
}

impl Limiter {
    pub(super) fn new(rule: Rule, what: What, limit: u64) -> Self {
        Self {
            rule,
            what,
            limit,
            window: 0,
            start: None,
            used: 0,
            own_in_window: 0,
            entries: VecDeque::new(),
            expired: 0,
            level: limit as f64,
            at: 0,
            own_total: 0,
            marks: Vec::new(),
        }
    }

    /// Time in which the limit is granted once.
    pub(super) fn length(&self) -> Option<i64> {
        match self.rule {
            Rule::Aligned { length, .. } | Rule::FirstCall { length } | Rule::Sliding { length } => Some(length),
            Rule::Bucket { per_second } => Some((self.limit as f64 / per_second * 1e6) as i64),
            Rule::Concurrent => None,
        }
    }

    /// Brings it to this time.
    pub(super) fn advance(&mut self, now: i64) {
        match self.rule {
            Rule::Aligned { length, offset } => {
                let window = (now - offset).div_euclid(length);
                if window != self.window {
                    (self.window, self.used, self.own_in_window) = (window, 0, 0);
                }
            }
            Rule::FirstCall { length } => {
                if self.start.is_some_and(|start| now >= start + length) {
                    (self.window, self.start, self.used, self.own_in_window) = (self.window + 1, None, 0, 0);
                }
            }
            Rule::Sliding { length } => {
                while let Some(entry) = self.entries.front().copied().filter(|entry| entry.0 + length <= now) {
                    self.entries.pop_front();
                    self.used -= entry.1;
                    self.own_in_window -= if entry.2 { entry.1 } else { 0 };
                    self.expired += entry.1;
                }
            }
            Rule::Bucket { per_second } => {
                let more = (now - self.at) as f64 / 1e6 * per_second;
                self.level = (self.level + more).min(self.limit as f64);
            }
            Rule::Concurrent => {}
        }
        self.at = now;
    }

    pub(super) fn admits(&self, units: u64) -> bool {
        match self.rule {
            Rule::Bucket { .. } => self.level + 1e-3 >= units as f64,
            // Errors are known when they have happened.
            _ if self.what == What::Errors => self.used < self.limit,
            _ => self.used + units <= self.limit,
        }
    }

    pub(super) fn count(&mut self, units: u64, is_own: bool) {
        let own = if is_own { units } else { 0 };
        match self.rule {
            Rule::Bucket { .. } => self.level -= units as f64,
            Rule::FirstCall { .. } if self.used == 0 && self.start.is_none() && units > 0 => {
                self.start = Some(self.at);
                self.used = units;
                self.own_in_window = own;
            }
            Rule::Sliding { .. } => {
                self.entries.push_back((self.at, units, is_own));
                self.used += units;
                self.own_in_window += own;
            }
            _ => {
                self.used += units;
                self.own_in_window += own;
            }
        }
        let before = (self.own_total + self.limit / 2) / self.limit;
        self.own_total += own;
        if (self.own_total + self.limit / 2) / self.limit > before {
            self.marks.push(self.at);
        }
    }

    /// A request is over.
    pub(super) fn end(&mut self) {
        if self.rule == Rule::Concurrent {
            self.used -= 1;
        }
    }

    pub(super) fn known(&self) -> Known {
        Known {
            at: self.at,
            window: self.window,
            used: self.used,
            own_total: self.own_total,
            expired: self.expired,
            level: self.level,
        }
    }

    /// Whether an own request, arriving now, is more than was allowed by what its sender knew (the latest response that
    /// it had) and by its own requests.
    ///
    /// In a sliding window that others use too, a count is exact only to what arrives and expires while its response is
    /// on its way: `at_once` calls.
    pub(super) fn is_excess(&self, units: u64, known: Option<&Known>, at_once: u64) -> bool {
        let own_since = known.map_or(0, |known| self.own_total - known.own_total);
        match (self.rule, known) {
            (Rule::Concurrent, _) => self.used + units > self.limit,
            (Rule::Bucket { per_second }, Some(known)) => {
                let refilled = (self.at - known.at) as f64 / 1e6 * per_second;
                known.level + refilled + 1e-3 < (own_since + units) as f64
            }
            (Rule::Bucket { .. }, None) => false,
            (Rule::Sliding { length }, Some(known)) if self.at - known.at < length => {
                let left = (known.used + own_since).saturating_sub(self.expired - known.expired);
                left + units > self.limit + at_once
            }
            (Rule::Sliding { .. }, _) => self.own_in_window + units > self.limit,
            (_, Some(known)) if known.window == self.window => known.used + own_since + units > self.limit,
            _ => self.own_in_window + units > self.limit,
        }
    }

    pub(super) fn report(&self) -> Report {
        let (used, resets_in) = match self.rule {
            Rule::Aligned { length, offset } => (self.used, Some((self.window + 1) * length + offset - self.at)),
            Rule::FirstCall { length } => {
                (self.used, Some(self.start.map_or(length, |start| start + length - self.at)))
            }
            Rule::Bucket { .. } => (self.limit - (self.level.max(0.0) as u64).min(self.limit), None),
            Rule::Sliding { .. } | Rule::Concurrent => (self.used, None),
        };
        Report { limit: self.limit, used, resets_in }
    }
}
