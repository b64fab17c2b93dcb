//! All counters of a server, and what they say to a call.

use std::collections::HashMap;
use std::time::Duration;

use super::dialect;
use super::meter::{Figures, Meter};
use super::{Cost, Counts, OtherClient, Quota, Rule};

/// Division under which shared counters are kept.
const ALL: u32 = u32::MAX;

/// Most calls of other clients that are made up for at once: a clock that a test moves by years must not hang it.
const MOST_CALLS: usize = 10_000_000;

/// Where a quota of a division stands.
#[derive(Debug, Clone, PartialEq)]
pub struct QuotaState {
    /// Name of the quota.
    pub name: String,
    /// Most units.
    pub limit: u64,
    /// Units spent, those of other clients among them.
    pub used: u64,
    /// Units left.
    pub remaining: u64,
    /// When the window ends, in milliseconds since 1970.
    pub resets_at_ms: u64,
    /// Units a second that a bucket is filled with; 0 where there is none.
    pub per_second: f64,
    /// Calls that were counted in it so far, in all windows, those of other clients among them.
    pub granted: u64,
    /// Calls that it has refused so far.
    pub refused: u64,
}

#[derive(Debug)]
struct Counter {
    meter: Meter,
    granted: u64,
    refused: u64,
}

/// Counters of all quotas and divisions.
#[derive(Debug)]
pub(crate) struct Counters {
    quotas: Vec<Quota>,
    cost: Cost,
    /// By division and index of the quota.
    counters: HashMap<(u32, usize), Counter>,
    /// Other clients, and when each calls next, in microseconds since 1970.
    others: Vec<(OtherClient, u64)>,
}

/// A call that was let in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    division: u32,
    at: u64,
}

/// A call that was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Name of the quota that it would have to wait for longest.
    pub(crate) quota: String,
    /// How long; `None` if that cannot be told.
    pub(crate) wait: Option<Duration>,
}

impl Counters {
    /// Nothing is spent; other clients begin now.
    pub(crate) fn new(quotas: Vec<Quota>, cost: Cost, others: &[OtherClient], now: u64) -> Self {
        let others = others.iter().filter(|other| other.per_second > 0.0).map(|other| (*other, now)).collect();
        Self { quotas, cost, counters: HashMap::new(), others }
    }

    /// A call arrives.
    pub(crate) fn arrive(&mut self, division: u32, now: u64) -> Result<Entry, Refused> {
        self.catch_up(now);
        self.call(division, now, self.cost.asked)
    }

    /// A call is answered, for so many points, or given up (`None`).
    pub(crate) fn leave(&mut self, entry: Entry, now: u64, points: Option<u64>) {
        let asked = self.cost.asked;
        self.each(entry.division, now, |quota, counter| {
            counter.meter.leave();
            if quota.counts == Counts::Points
                && let Some(points) = points
            {
                counter.meter.give(&quota.rule, entry.at, asked.saturating_sub(points));
            }
        });
    }

    /// A call has ended that takes nothing.
    pub(crate) fn forgive(&mut self, entry: Entry, now: u64) {
        let asked = self.cost.asked;
        self.each(entry.division, now, |quota, counter| {
            counter.meter.leave();
            counter.meter.give(&quota.rule, entry.at, if quota.counts == Counts::Points { asked } else { 1 });
        });
    }

    /// Headers that tell where the quotas of a division stand.
    pub(crate) fn headers(&mut self, division: u32, now: u64, counts: Counts) -> Vec<(String, String)> {
        let mut figures = Vec::new();
        self.each(division, now, |quota, counter| figures.push(counter.meter.figures(&quota.rule, now)));
        let told: Vec<(&Quota, Figures)> =
            self.quotas.iter().zip(figures).filter(|(quota, _)| quota.counts == counts).collect();
        dialect::headers(&told, now)
    }

    /// Where the quotas of a division stand, in the order in which they are configured.
    pub(crate) fn states(&mut self, division: u32, now: u64) -> Vec<QuotaState> {
        self.catch_up(now);
        let mut states = Vec::new();
        self.each(division, now, |quota, counter| {
            let Figures { limit, used, resets_at } = counter.meter.figures(&quota.rule, now);
            states.push(QuotaState {
                name: quota.name.clone(),
                limit,
                used,
                remaining: limit.saturating_sub(used),
                resets_at_ms: resets_at / 1_000,
                per_second: if let Rule::Bucket { per_second, .. } = quota.rule { per_second } else { 0.0 },
                granted: counter.granted,
                refused: counter.refused,
            });
        });
        states
    }

    /// Where the first quota of points stands.
    pub(crate) fn points(&mut self, division: u32, now: u64) -> Option<QuotaState> {
        let index = self.quotas.iter().position(|quota| quota.counts == Counts::Points)?;
        self.states(division, now).into_iter().nth(index)
    }

    /// The calls that other clients have made meanwhile, in the order of their times.
    fn catch_up(&mut self, now: u64) {
        for _ in 0..MOST_CALLS {
            let due = self.others.iter_mut().filter(|(_, next)| *next <= now).min_by_key(|(_, next)| *next);
            let Some((other, next)) = due else { return };
            let (division, at) = (other.division, *next);
            *next += ((1e6 / other.per_second) as u64).max(1);
            if let Ok(entry) = self.call(division, at, 1) {
                self.each(entry.division, at, |_, counter| counter.meter.leave());
            }
        }
    }

    fn call(&mut self, division: u32, now: u64, points: u64) -> Result<Entry, Refused> {
        let need = |quota: &Quota| if quota.counts == Counts::Points { points } else { 1 };
        let mut refused: Option<Refused> = None;
        self.each(division, now, |quota, counter| {
            let wait = counter.meter.wait(&quota.rule, now, need(quota));
            if wait == Some(0) {
                return;
            }
            counter.refused += 1;
            if quota.counts_refused {
                counter.meter.take(&quota.rule, now, need(quota));
            }
            let wait = wait.map(Duration::from_micros);
            if refused.as_ref().is_none_or(|other| wait > other.wait) {
                refused = Some(Refused { quota: quota.name.clone(), wait });
            }
        });
        if let Some(refused) = refused {
            return Err(refused);
        }
        self.each(division, now, |quota, counter| {
            counter.meter.take(&quota.rule, now, need(quota));
            counter.granted += 1;
        });
        Ok(Entry { division, at: now })
    }

    /// Visits the counters of a division, rolled.
    fn each(&mut self, division: u32, now: u64, mut visit: impl FnMut(&Quota, &mut Counter)) {
        for (index, quota) in self.quotas.iter().enumerate() {
            let key = (if quota.is_shared { ALL } else { division }, index);
            let counter = self.counters.entry(key).or_insert_with(|| Counter {
                meter: quota.rule.meter(now),
                granted: 0,
                refused: 0,
            });
            counter.meter.roll(&quota.rule, now);
            visit(quota, counter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000;

    fn counters(quotas: Vec<Quota>, others: &[OtherClient]) -> Counters {
        Counters::new(quotas, Cost::default(), others, 120 * S)
    }

    #[test]
    fn a_call_is_counted_in_all_quotas_or_in_none() {
        let mut counters = counters(vec![Quota::day(3), Quota::minute(2)], &[]);
        let now = 120 * S + 500_000;
        assert!(counters.arrive(1, now).is_ok() && counters.arrive(1, now).is_ok());
        let refused = Refused { quota: "minutely".into(), wait: Some(Duration::from_millis(59_500)) };
        assert_eq!(counters.arrive(1, now).unwrap_err(), refused);
        assert!(counters.arrive(2, now).is_ok(), "divisions are apart");
        let used = |counters: &mut Counters, now| counters.states(1, now).iter().map(|s| s.used).collect::<Vec<_>>();
        assert_eq!(used(&mut counters, now), [2, 2]);
        assert!(counters.arrive(1, now + 60 * S).is_ok());
        let refused = counters.arrive(1, now + 60 * S).unwrap_err();
        assert_eq!(refused, Refused { quota: "daily".into(), wait: Some(Duration::from_millis(86_400_000 - 180_500)) });
        assert_eq!(used(&mut counters, now + 60 * S), [3, 1]);
    }

    #[test]
    fn others_spend_at_their_rate() {
        let other = OtherClient { division: 1, per_second: 10.0 };
        let mut counters = counters(vec![Quota::minute(100)], &[other]);
        let state = counters.states(1, 122 * S + 1).remove(0);
        assert_eq!((state.used, state.refused), (21, 0));
        let state = counters.states(1, 179 * S).remove(0);
        assert_eq!((state.used, state.remaining, state.refused), (100, 0, 491));
        assert_eq!(counters.states(2, 179 * S)[0].used, 0);
        assert!(counters.arrive(1, 179 * S).is_err());
    }

    #[test]
    fn concurrency_counts_what_is_in_work() {
        let mut counters = counters(vec![Quota::new("at once", Rule::Concurrent { limit: 2 })], &[]);
        let first = counters.arrive(0, 120 * S).unwrap();
        assert!(counters.arrive(0, 120 * S).is_ok());
        assert_eq!(counters.arrive(0, 120 * S).unwrap_err().wait, None);
        counters.leave(first, 121 * S, Some(1));
        assert!(counters.arrive(0, 121 * S).is_ok());
    }

    #[test]
    fn refused_calls_count_where_they_do() {
        let rule = Rule::Sliding { limit: 1, window: Duration::from_secs(3) };
        for (counts_refused, waits) in [(false, 1), (true, 3)] {
            let mut counters = counters(vec![Quota { counts_refused, ..Quota::new("strict", rule) }], &[]);
            assert!(counters.arrive(0, 120 * S).is_ok());
            assert!(counters.arrive(0, 122 * S).is_err());
            let refused = counters.arrive(0, 122 * S);
            assert_eq!(refused.unwrap_err().wait, Some(Duration::from_secs(waits)), "{counts_refused}");
        }
    }

    #[test]
    fn what_a_call_did_not_cost_comes_back() {
        let bucket = Rule::Bucket { capacity: 100.0, per_second: 10.0 };
        let cost = Cost { asked: 60, per_kib: 1, ..Cost::default() };
        let mut counters = Counters::new(vec![Quota::new("points", bucket).of_points()], cost, &[], 0);
        let entry = counters.arrive(0, 0).unwrap();
        assert_eq!(counters.arrive(0, 0).unwrap_err().wait, Some(Duration::from_secs(2)));
        counters.leave(entry, 0, Some(5));
        assert_eq!(counters.points(0, 0).map(|state| state.remaining), Some(95));
        assert!(counters.arrive(0, 0).is_ok());
    }
}
