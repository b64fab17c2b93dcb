//! Whether a call may be sent now.

use std::sync::Arc;

use super::pacing::Pacing;
use super::record::{Lease, Place, ScopeRecord};
use super::{CONCURRENCY, Decision, NewLease, Now, THROTTLED, Ticket};
use crate::meter::{Ask, Meter, Verdict};
use crate::{Because, Call, Moment, ScopeUse};

/// Decides on a call. `records` are those of `call.scopes`, in their order. When it is granted, the lease is taken in all
/// of them and the ticket is given back; when it must wait, the ticket is put in or renewed in all of them.
pub(crate) fn decide(
    now: Now,
    records: &mut [ScopeRecord],
    call: &Call,
    lease: NewLease,
    ticket: Option<Ticket>,
) -> Decision {
    // Who has no ticket came last.
    let newcomer = Ticket { id: u64::MAX, priority: call.priority, since: Moment(i64::MAX), until: Moment(i64::MAX) };
    let place = Place::new(ticket.unwrap_or(newcomer), call.is_token_request);
    let mut decision = Decision::Granted;
    for (index, (record, scope)) in records.iter_mut().zip(&call.scopes).enumerate() {
        record.expire(now);
        record.prepare(now, scope);
        record.ask(now, call, index, &place, &mut decision);
    }
    for (index, (record, scope)) in records.iter_mut().zip(&call.scopes).enumerate() {
        record.tickets.retain(|other| other.id != place.id);
        match &decision {
            Decision::Granted => record.grant(now, call, scope, lease),
            Decision::Wait { scope: at_scope, quota, at, because } if ticket.is_some() => {
                let mut place = place.clone();
                place.takes = record.takes(call, scope);
                place.meter = (*at_scope == index).then(|| Arc::clone(quota));
                place.at = *at;
                place.is_reserve = *because == Because::Reserve;
                record.tickets.push(place);
            }
            _ => {}
        }
    }
    decision
}

impl ScopeRecord {
    /// Makes the meters of declared quotas, and leaves behind what is over in all that a call of this scope comes out
    /// of.
    pub(super) fn prepare(&mut self, now: Now, scope: &ScopeUse) {
        let way = self.latency.way();
        self.meters.retain(|_, meter| !meter.is_forgotten(now.at));
        for quota in &scope.quotas {
            let meter = match self.meters.get_mut(&quota.name) {
                Some(meter) => {
                    meter.declare(quota, now.at);
                    meter
                }
                None => {
                    let meter = Meter::declared(quota, now.at);
                    self.meters.entry(Arc::clone(&quota.name)).or_insert(meter)
                }
            };
            let window = match quota.limit {
                crate::Limit::Window { window, .. } => Some(window),
                _ => None,
            };
            meter.roll(now.at, now.wall, window, way);
        }
        for meter in self.meters.values_mut().filter(|meter| !meter.is_declared) {
            meter.roll(now.at, now.wall, None, way);
        }
    }

    /// Asks the block, the pacing and all meters; the answer that matters most is kept in `decision`.
    fn ask(&self, now: Now, call: &Call, index: usize, place: &Place, decision: &mut Decision) {
        let scope = &call.scopes[index];
        let mut keep = |quota: &str, verdict: Verdict, needs: u64| {
            let new = match verdict {
                Verdict::Fits => return,
                Verdict::Wait { at, because } => Decision::Wait { scope: index, quota: quota.into(), at, because },
                Verdict::Never { limit } => Decision::Never { scope: index, quota: quota.into(), limit, needs },
            };
            if weight(&new) > weight(decision) {
                *decision = new;
            }
        };
        if let Some(block) = self.block.filter(|block| block.until > now.at) {
            keep(THROTTLED, Verdict::Wait { at: Some(block.until), because: Because::Blocked }, 1);
        }
        if scope.is_paced && !call.is_token_request {
            keep(CONCURRENCY, self.ask_pacing(now, place), 1);
        }
        let way = self.latency.way();
        for (name, meter) in self.meters_of(scope) {
            let ask = Ask {
                needs: meter.needs(call.points, call.is_token_request),
                reserve: call.reserved(name),
                ahead: self.ahead(place, name, meter.is_declared, now.at),
                under_way: self.under_way(name, meter.is_declared),
            };
            keep(name, meter.ask(ask, now.at, way), ask.needs);
        }
    }

    fn ask_pacing(&self, now: Now, place: &Place) -> Verdict {
        let most = self.pacing.unwrap_or_default().most();
        let room = most.saturating_sub(self.paced());
        match room {
            0 => Verdict::Wait { at: None, because: Because::Concurrency },
            _ if room > self.paced_ahead(place, now.at) => Verdict::Fits,
            _ => Verdict::Wait { at: None, because: Because::Queue },
        }
    }

    /// The meters that a call of this scope comes out of: those of its declared quotas, and what the server told of
    /// without its being declared.
    pub(super) fn meters_of<'a>(&'a self, scope: &'a ScopeUse) -> impl Iterator<Item = (&'a Arc<str>, &'a Meter)> {
        let is_used = |name: &Arc<str>| scope.quotas.iter().any(|quota| quota.name == *name);
        self.meters.iter().filter(move |(name, meter)| !meter.is_declared || is_used(name))
    }

    /// What a call takes of declared quotas.
    fn takes(&self, call: &Call, scope: &ScopeUse) -> Vec<(Arc<str>, u64)> {
        let declared = self.meters_of(scope).filter(|(_, meter)| meter.is_declared);
        declared
            .map(|(name, meter)| (Arc::clone(name), meter.needs(call.points, call.is_token_request)))
            .filter(|(_, units)| *units > 0)
            .collect()
    }

    fn grant(&mut self, now: Now, call: &Call, scope: &ScopeUse, lease: NewLease) {
        let mut granted = Lease::new(lease, now.at, call.is_token_request);
        granted.takes = self.takes(call, scope);
        for (name, needs) in &granted.takes {
            let under_way = self.under_way(name, true);
            if let Some(meter) = self.meters.get_mut(name) {
                meter.grant(*needs, under_way, now.at);
            }
        }
        self.leases.push(granted);
        self.last_call = Some(now.at);
        if scope.is_paced && self.pacing.is_none() {
            self.pacing = Some(Pacing::default());
        }
    }
}

/// How much an answer matters: never before the longest wait that is known before one that depends on others.
fn weight(decision: &Decision) -> (u8, i64) {
    match decision {
        Decision::Granted => (0, 0),
        Decision::Wait { at: None, because: Because::Queue, .. } => (1, 0),
        Decision::Wait { at: None, .. } => (1, 1),
        Decision::Wait { at: Some(at), .. } => (2, at.0),
        Decision::Never { .. } => (3, 0),
    }
}
