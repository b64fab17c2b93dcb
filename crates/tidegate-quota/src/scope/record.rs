//! What is kept of one scope.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::latency::Latency;
use super::pacing::Pacing;
use super::{Now, Ticket};
use crate::meter::{Block, Counted, Meter};
use crate::{Moment, Priority};

/// What is kept of one scope: one entry of the store, as JSON. Unknown fields are tolerated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScopeRecord {
    /// Version of the format: 0, as long as readers of it understand what is written.
    #[serde(rename = "v", default)]
    version: u32,
    #[serde(rename = "m", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) meters: BTreeMap<Arc<str>, Meter>,
    /// Calls under way.
    #[serde(rename = "l", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) leases: Vec<Lease>,
    /// Calls that wait.
    #[serde(rename = "q", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) tickets: Vec<Place>,
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(super) block: Option<Block>,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub(super) pacing: Option<Pacing>,
    #[serde(rename = "y", default)]
    pub(super) latency: Latency,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(super) last_call: Option<Moment>,
    /// Calls that the server refused, ever.
    #[serde(rename = "f", default)]
    pub(super) refused: u64,
}

/// A call under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Lease {
    #[serde(rename = "i")]
    pub(super) id: u64,
    #[serde(rename = "h")]
    holder: u64,
    /// When it was granted.
    #[serde(rename = "s")]
    pub(super) sent: Moment,
    #[serde(rename = "u")]
    pub(super) until: Moment,
    #[serde(rename = "k", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_token_request: bool,
    /// Units that it has taken of declared quotas.
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) takes: Vec<(Arc<str>, u64)>,
}

impl Lease {
    pub(super) fn new(lease: super::NewLease, sent: Moment, is_token_request: bool) -> Self {
        Self { id: lease.id, holder: lease.holder, sent, until: lease.until, is_token_request, takes: Vec::new() }
    }
}

/// A place in the queue, with what it waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Place {
    #[serde(rename = "i")]
    pub(super) id: u64,
    /// The higher, the sooner.
    #[serde(rename = "p")]
    rank: i8,
    #[serde(rename = "s")]
    since: Moment,
    #[serde(rename = "u")]
    until: Moment,
    #[serde(rename = "k", default, skip_serializing_if = "std::ops::Not::not")]
    is_token_request: bool,
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) takes: Vec<(Arc<str>, u64)>,
    /// The quota of this scope that it waits for.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub(super) meter: Option<Arc<str>>,
    /// When it will try again; `None` when that depends on others.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<Moment>,
    /// Whether it leaves what is left to others.
    #[serde(rename = "r", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_reserve: bool,
}

impl Place {
    pub(super) fn new(ticket: Ticket, is_token_request: bool) -> Self {
        let rank = match ticket.priority {
            Priority::Low => -1,
            Priority::Normal => 0,
            Priority::High => 1,
        };
        Self {
            id: ticket.id,
            rank,
            since: ticket.since,
            until: ticket.until,
            is_token_request,
            takes: Vec::new(),
            meter: None,
            at: None,
            is_reserve: false,
        }
    }

    /// Whether it goes before another.
    fn is_before(&self, other: &Self) -> bool {
        (-self.rank, self.since, self.id) < (-other.rank, other.since, other.id)
    }

    /// Whether it would take of this quota if it could. One that waits until a time that is known takes of nothing
    /// before, but for the quota that it waits for: else others would always be there first.
    fn wants(&self, meter: Option<&Arc<str>>, now: Moment) -> bool {
        if self.at.is_none_or(|at| at <= now) {
            return true;
        }
        !self.is_reserve && meter.is_some() && self.meter.as_ref() == meter
    }
}

/// Units of `takes` that are of one meter.
fn taken(takes: &[(Arc<str>, u64)], name: &Arc<str>, is_declared: bool, is_token_request: bool) -> u64 {
    if !is_declared {
        return u64::from(!is_token_request);
    }
    takes.iter().find(|(taken, _)| taken == name).map_or(0, |(_, units)| *units)
}

impl ScopeRecord {
    /// Units of one meter that calls under way have taken. Of quotas that are not declared, each call takes one.
    pub(super) fn under_way(&self, name: &Arc<str>, is_declared: bool) -> u64 {
        let units = |lease: &Lease| taken(&lease.takes, name, is_declared, lease.is_token_request);
        self.leases.iter().map(units).fold(0, u64::saturating_add)
    }

    /// Units of one meter that those want that go before `place`.
    pub(super) fn ahead(&self, place: &Place, name: &Arc<str>, is_declared: bool, now: Moment) -> u64 {
        let before = |other: &&Place| other.id != place.id && other.is_before(place) && other.wants(Some(name), now);
        let units = |other: &Place| taken(&other.takes, name, is_declared, other.is_token_request);
        self.tickets.iter().filter(before).map(units).fold(0, u64::saturating_add)
    }

    /// Whether it keeps no counters and is not blocked.
    pub(super) fn is_open(&self) -> bool {
        self.meters.is_empty() && self.block.is_none()
    }

    /// Calls under way that are paced.
    pub(super) fn paced(&self) -> u64 {
        self.leases.iter().filter(|lease| !lease.is_token_request).count() as u64
    }

    /// Calls that go before `place` and are paced.
    pub(super) fn paced_ahead(&self, place: &Place, now: Moment) -> u64 {
        let before = |other: &&Place| {
            !other.is_token_request && other.id != place.id && other.is_before(place) && other.wants(None, now)
        };
        self.tickets.iter().filter(before).count() as u64
    }

    /// Ends what nobody has renewed. The units of a lost call count as spent; its place among calls at once is free.
    pub(super) fn expire(&mut self, now: Now) {
        self.tickets.retain(|place| place.until > now.at);
        if self.leases.iter().all(|lease| lease.until > now.at) {
            return;
        }
        let way = self.latency.way();
        let (live, dead): (Vec<_>, Vec<_>) = self.leases.drain(..).partition(|lease| lease.until > now.at);
        self.leases = live;
        for lease in dead {
            for (name, meter) in &mut self.meters {
                let units = taken(&lease.takes, name, meter.is_declared, lease.is_token_request);
                if units > 0 {
                    meter.roll(now.at, now.wall, None, way);
                    let call = Counted { sent: lease.sent, by: lease.until, is_sure: false, units };
                    meter.settle(call, None, 0, now.at);
                }
            }
        }
    }
}
