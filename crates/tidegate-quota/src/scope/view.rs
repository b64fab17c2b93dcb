//! Counters as they are shown.

use std::sync::Arc;

use super::Now;
use super::record::ScopeRecord;
use crate::meter::Meter;
use crate::{Call, MeterView, ScopeUse, ScopeView, Source};

/// The counters of a scope, as they are now. Changes nothing: what is over by now is left out.
pub(crate) fn view(now: Now, record: &ScopeRecord, scope: &ScopeUse) -> ScopeView {
    let mut record = record.clone();
    record.expire(now);
    record.prepare(now, scope);
    record.roll_endpoints(now, scope);
    let meters = record.shown(scope).map(|(name, meter)| record.view_of(now, name, meter)).collect();
    let blocks = record.meters.values().filter_map(|meter| meter.block).chain(record.block);
    let blocked_until = blocks.map(|block| block.until).filter(|until| *until > now.at).max();
    ScopeView {
        key: scope.key.clone(),
        meters,
        in_flight: record.leases.len() as u64,
        waiting: record.tickets.len() as u64,
        refused: record.refused,
        blocked_until: blocked_until.map(|until| now.wall_of(until)),
        last_call: record.last_call.map(|at| now.wall_of(at)),
    }
}

/// The quota that has the counters of this endpoint: `errors` of `errors@issues.list`.
fn base(name: &str) -> Option<&str> {
    name.split_once('@').map(|(base, _)| base)
}

/// Whether this is the counter of an endpoint, of a quota of the scope.
fn is_of_endpoint(scope: &ScopeUse, name: &str) -> bool {
    base(name).is_some_and(|base| scope.quotas.iter().any(|quota| *quota.name == *base))
}

impl ScopeRecord {
    /// The meters of a scope whose quotas are all named. Of one with counters for each endpoint these are shown, as soon
    /// as there are any.
    fn shown<'a>(&'a self, scope: &'a ScopeUse) -> impl Iterator<Item = (&'a Arc<str>, &'a Meter)> {
        let has_endpoints = |name: &str| self.meters.keys().any(|other| base(other) == Some(name));
        let own = self.meters_of(scope).filter(move |(name, _)| !has_endpoints(name));
        own.chain(self.meters.iter().filter(|(name, meter)| meter.is_declared && is_of_endpoint(scope, name)))
    }

    fn roll_endpoints(&mut self, now: Now, scope: &ScopeUse) {
        let way = self.latency.way();
        for (_, meter) in self.meters.iter_mut().filter(|(name, _)| is_of_endpoint(scope, name)) {
            meter.roll(now.at, now.wall, None, way);
        }
    }

    fn view_of(&self, now: Now, name: &Arc<str>, meter: &Meter) -> MeterView {
        let in_flight = self.under_way(name, meter.is_declared);
        let counters = meter.counters(in_flight, now.at);
        let calls = self.leases.iter().filter(|lease| match meter.is_declared {
            true => lease.takes.iter().any(|(taken, _)| taken == name),
            false => !lease.is_token_request,
        });
        MeterView {
            name: Arc::clone(name),
            unit: meter.unit,
            limit: meter.limit(),
            used: counters.used,
            remaining: counters.left,
            resets_at: counters.resets.map(|at| now.wall_of(at)),
            window: meter.length(),
            source: match (meter.is_limit_declared(), meter.observed_at) {
                (true, Some(_)) => Source::Both,
                (false, Some(_)) => Source::Observed,
                (_, None) => Source::Declared,
            },
            in_flight: calls.count() as u64,
            waiting: self.tickets.iter().filter(|place| place.meter.as_ref() == Some(name)).count() as u64,
            refused: meter.refused,
            observed_at: meter.observed_at.map(|at| now.wall_of(at)),
        }
    }
}

/// Whether others may wait for what a settlement of this call gives back, so that it should be written at once.
pub(crate) fn is_urgent(now: Now, records: &[ScopeRecord], call: &Call) -> bool {
    /// Calls that may be under way unseen: with so few left, what comes back matters.
    const FEW: u64 = 16;
    records.iter().zip(&call.scopes).any(|(record, scope)| {
        if !record.tickets.is_empty() {
            return true;
        }
        let most = record.pacing.unwrap_or_default().most();
        if scope.is_paced && record.paced().saturating_mul(2) > most {
            return true;
        }
        record.meters_of(scope).any(|(name, meter)| {
            let needs = meter.needs(call.points, call.is_token_request);
            let left = meter.left(record.under_way(name, meter.is_declared), now.at);
            needs > 0 && (meter.is_concurrent() || left.is_some_and(|left| left < needs.saturating_mul(FEW)))
        })
    })
}
