//! What became of a call.

use std::sync::Arc;

use super::pacing::Sign;
use super::record::{Lease, ScopeRecord};
use super::{Now, Served};
use crate::meter::{Block, Counted, Meter};
use crate::{Call, Fate, Moment, Observation, ScopeUse, Settlement, Throttling, Unit};

/// Books what became of a granted call. A lease that is gone (its holder was thought dead) is no error: what it had was
/// booked as spent when it ended.
pub(crate) fn settle(now: Now, records: &mut [ScopeRecord], call: &Call, lease: u64, settlement: &Settlement) {
    for (index, (record, scope)) in records.iter_mut().zip(&call.scopes).enumerate() {
        record.expire(now);
        record.prepare(now, scope);
        let at_once = record.paced();
        let lease = record.leases.iter().position(|held| held.id == lease).map(|at| record.leases.swap_remove(at));
        let sent = lease.as_ref().map(|lease| lease.sent);
        match (&lease, settlement.fate) {
            (Some(lease), Fate::NotSent) => record.give_back(lease),
            (Some(lease), _) => record.count(now, scope, lease, index, settlement),
            (None, _) => {}
        }
        if let Some(throttling) = settlement.throttled.as_ref().filter(|throttling| throttling.scope == index) {
            record.block(throttling, sent.unwrap_or(now.at), now.at);
        }
        if let Some(sent) = sent {
            record.learn(now, scope, sent, at_once, call, settlement);
        }
    }
}

/// Books the calls that a lease has served before its last one, which was sent at `sent`.
pub(crate) fn serve(records: &mut [ScopeRecord], call: &Call, lease: u64, served: &[Served], sent: Moment) {
    let answered = Settlement::answered();
    for (record, scope) in records.iter_mut().zip(&call.scopes) {
        let at_once = record.paced();
        for Served { sent, at } in served {
            record.learn(*at, scope, *sent, at_once, call, &answered);
        }
        if let Some(lease) = record.leases.iter_mut().find(|held| held.id == lease) {
            lease.sent = sent;
        }
        record.last_call = record.last_call.max(Some(sent));
    }
}

impl ScopeRecord {
    fn give_back(&mut self, lease: &Lease) {
        for (name, _) in &lease.takes {
            let under_way = self.under_way(name, true);
            if let Some(meter) = self.meters.get_mut(name) {
                meter.release(under_way);
            }
        }
    }

    fn count(&mut self, now: Now, scope: &ScopeUse, lease: &Lease, index: usize, settlement: &Settlement) {
        let seen = settlement.observations.iter().filter(|seen| seen.scope == index);
        for seen in seen.clone().filter(|seen| !is_empty(seen)) {
            if !self.meters.contains_key(&seen.quota) {
                self.meters.insert(Arc::clone(&seen.quota), Meter::observed(seen, now.at));
            }
        }
        let by = match settlement.fate {
            // It may still arrive: within the time that calls take, as far as that is known.
            Fate::Lost => Moment(now.at.0.saturating_add(self.latency.way().most.saturating_mul(2))),
            _ => now.at,
        };
        let names: Vec<Arc<str>> = self.meters.keys().cloned().collect();
        for name in names {
            let seen = seen.clone().find(|seen| seen.quota == name);
            let Some(meter) = self.meters.get(&name) else { continue };
            let is_counted = if meter.is_declared {
                lease.takes.iter().any(|(taken, _)| *taken == name)
            } else {
                !lease.is_token_request
            };
            let is_declared_here = scope.quotas.iter().any(|quota| quota.name == name);
            if !is_counted && seen.is_none() {
                continue;
            }
            let taken = lease.takes.iter().find(|(taken, _)| *taken == name).map_or(1, |(_, units)| *units);
            let is_free = settlement.free.iter().any(|(scope, free)| *scope == index && *free == name);
            let units = match meter.unit {
                _ if is_free || !is_counted => 0,
                Unit::Points => settlement.points.unwrap_or(taken),
                Unit::Errors => u64::from(settlement.is_error || settlement.fate == Fate::Lost),
                Unit::Calls | Unit::TokenRequests => taken,
            };
            let is_sure = settlement.fate == Fate::Answered && settlement.throttled.is_none();
            let under_way = self.under_way(&name, meter.is_declared);
            let way = self.latency.way();
            if let Some(meter) = self.meters.get_mut(&name) {
                if meter.is_declared && !is_declared_here {
                    meter.roll(now.at, now.wall, None, way);
                }
                meter.settle(Counted { sent: lease.sent, by, is_sure, units }, seen, under_way, now.at);
            }
        }
    }

    fn block(&mut self, throttling: &Throttling, sent: Moment, now: Moment) {
        self.refused = self.refused.saturating_add(1);
        let meter = throttling.quota.as_ref().and_then(|quota| self.meters.get_mut(quota));
        match meter {
            Some(meter) => {
                meter.refused = meter.refused.saturating_add(1);
                meter.block = Some(Block::after(meter.block, throttling.wait, sent, now));
            }
            None => self.block = Some(Block::after(self.block, throttling.wait, sent, now)),
        }
    }

    /// Latency, pacing, and the end of blocks.
    fn learn(&mut self, now: Now, scope: &ScopeUse, sent: Moment, at_once: u64, call: &Call, settlement: &Settlement) {
        if call.is_token_request || settlement.fate == Fate::NotSent {
            return;
        }
        let micros = now.at.0.saturating_sub(sent.0);
        let is_answered = settlement.fate == Fate::Answered;
        let is_slow = self.latency.bounds().is_some_and(|(least, _)| micros > least.saturating_mul(3));
        if is_answered {
            self.latency.saw(micros);
        }
        let sign = match settlement {
            _ if settlement.throttled.is_some() || settlement.is_overload => Sign::Bad,
            _ if !is_answered => return,
            _ if is_slow => Sign::Slow,
            _ => Sign::Good,
        };
        if scope.is_paced {
            self.pacing.get_or_insert_default().saw(sign, sent, now.at, at_once);
        }
        if settlement.throttled.is_none() && is_answered {
            self.block = self.block.filter(|block| sent < block.since || block.until > now.at);
            for meter in self.meters.values_mut() {
                meter.block = meter.block.filter(|block| sent < block.since || block.until > now.at);
            }
        }
    }
}

/// Whether a response names a quota but tells nothing of it.
fn is_empty(seen: &Observation) -> bool {
    seen.limit.is_none() && seen.remaining.is_none() && seen.used.is_none() && seen.per_second.is_none()
}
