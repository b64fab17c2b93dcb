//! What became of a call, in one meter.

use super::window::Figures;
use super::{ASSUMED, Body, Counted, Meter, Told, float, micros};
use crate::{Moment, Observation};

impl Meter {
    /// Books a settled call, with what its response says of this quota, if anything. `under_way` are other calls' units.
    pub(crate) fn settle(&mut self, call: Counted, seen: Option<&Observation>, under_way: u64, now: Moment) {
        if let Some(seen) = seen {
            self.observed_at = Some(now);
            self.learn(seen, call.sent, now);
        }
        let limit = self.limit().filter(|_| matches!(self.body, Body::Window(_)));
        match (&mut self.body, seen) {
            (Body::Concurrent, _) => {}
            (Body::Bucket(bucket), seen) => {
                bucket.take(call.units, now);
                let capacity = bucket.most();
                let left = seen
                    .and_then(|seen| seen.remaining.or_else(|| seen.used.map(|used| capacity.saturating_sub(used))));
                if let Some(left) = left {
                    bucket.told(left, call.units, call.sent, now);
                }
            }
            (Body::Window(meter), None) => meter.book(call, under_way),
            (Body::Window(meter), Some(seen)) => meter.observe(call, figures(seen, limit), under_way),
        }
    }

    /// Takes over limits, lengths and rates that a response tells.
    fn learn(&mut self, seen: &Observation, sent: Moment, now: Moment) {
        let limit = seen.limit.or_else(|| match self.body {
            Body::Window(_) => seen.used?.checked_add(seen.remaining?),
            _ => None,
        });
        if let Some(limit) = limit
            && self.told.is_none_or(|told| sent >= told.sent)
        {
            self.told = Some(Told { limit, sent });
        }
        let told = self.told;
        match &mut self.body {
            Body::Bucket(bucket) => {
                let capacity = told.map_or(bucket.capacity, |told| float(told.limit));
                let per_second = seen.per_second.unwrap_or(bucket.per_second);
                if (bucket.capacity, bucket.per_second) != (capacity, per_second) {
                    bucket.resize(capacity, per_second, now);
                }
            }
            Body::Window(meter) if !self.is_declared => {
                let longest = seen.resets_in.map(micros);
                let known = (meter.length != ASSUMED).then_some(meter.length);
                let length = seen.window.map(micros).or(longest.max(known)).unwrap_or(meter.length);
                meter.length = length.max(1);
                self.is_length_told |= seen.window.is_some();
            }
            _ => {}
        }
    }
}

fn figures(seen: &Observation, limit: Option<u64>) -> Figures {
    // A count belongs to the limit of its own response.
    let by_left = seen.remaining.zip(seen.limit.or(limit)).map(|(left, limit)| limit.saturating_sub(left));
    Figures { used: seen.used.max(by_left), left: seen.remaining, resets_in: seen.resets_in.map(micros) }
}
