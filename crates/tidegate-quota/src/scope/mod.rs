//! A scope's record, and what is decided over it: grant, settle, renew, withdraw, expire, view.
//!
//! Pure: the time is an argument, records are values. Several records are decided at once, all or nothing. Who keeps the
//! records, and who waits, is the ledger's business.

mod decide;
mod latency;
mod pacing;
mod record;
mod settle;
mod view;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::SystemTime;

pub(crate) use self::decide::decide;
pub(crate) use self::record::ScopeRecord;
pub(crate) use self::settle::{serve, settle};
pub(crate) use self::view::{is_urgent, view};
use crate::{Because, Call, Moment, Priority, Settlement, Unit};

/// Name of the pacing of a scope, where a quota is named that has no room.
pub(crate) const CONCURRENCY: &str = "concurrency";
/// Name of a refusal by the server that named no quota.
pub(crate) const THROTTLED: &str = "throttled";

/// The time of a decision.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// On the ledger's timeline.
    pub(crate) at: Moment,
    /// The same on the wall clock; only calendars and views look at it.
    pub(crate) wall: SystemTime,
}

/// A lease that is to be taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewLease {
    pub(crate) id: u64,
    /// Process that holds it.
    pub(crate) holder: u64,
    /// When it ends if it is not renewed.
    pub(crate) until: Moment,
}

/// A call that was answered by a lease that went on, and said nothing of limits or trouble.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served {
    /// When it was sent.
    pub(crate) sent: Moment,
    /// When the answer came.
    pub(crate) at: Now,
}

/// A place in the queue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ticket {
    pub(crate) id: u64,
    pub(crate) priority: Priority,
    /// Since when its owner waits.
    pub(crate) since: Moment,
    /// When it is void if it is not renewed.
    pub(crate) until: Moment,
}

/// The answer to a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decision {
    /// The lease is taken in all records.
    Granted,
    /// No record was changed but for the ticket.
    Wait {
        /// Place of the scope in the call.
        scope: usize,
        quota: Arc<str>,
        /// When to try again; `None` when that depends on calls under way.
        at: Option<Moment>,
        because: Because,
    },
    /// It cannot ever fit.
    Never { scope: usize, quota: Arc<str>, limit: u64, needs: u64 },
}

/// Whether nothing is known that could refuse a call of these scopes but how many are made at once.
pub(crate) fn is_open(records: &[ScopeRecord]) -> bool {
    records.iter().all(ScopeRecord::is_open)
}

/// Prolongs those of these leases that the record still has. Tells whether there was any.
pub(crate) fn renew(record: &mut ScopeRecord, leases: &[u64], until: Moment) -> bool {
    let mut was_any = false;
    for lease in record.leases.iter_mut().filter(|lease| leases.contains(&lease.id)) {
        lease.until = lease.until.max(until);
        was_any = true;
    }
    was_any
}

/// Gives a place in the queue back. Tells whether there was one.
pub(crate) fn withdraw(record: &mut ScopeRecord, ticket: u64) -> bool {
    let before = record.tickets.len();
    record.tickets.retain(|place| place.id != ticket);
    record.tickets.len() < before
}

/// Points that a call comes to in the books of what was spent: what it really cost if that is known, else what it was
/// expected to, and 1 where no quota of it counts points.
pub(crate) fn points(call: &Call, settlement: Option<&Settlement>) -> u64 {
    let mut quotas = call.scopes.iter().flat_map(|scope| &scope.quotas);
    if call.is_token_request || !quotas.any(|quota| quota.unit == Unit::Points) {
        return 1;
    }
    settlement.and_then(|settlement| settlement.points).unwrap_or(call.points)
}

impl Now {
    /// A moment on the wall clock, as it stands now.
    pub(crate) fn wall_of(self, moment: Moment) -> SystemTime {
        let wall = if moment >= self.at {
            self.wall.checked_add(moment.since(self.at))
        } else {
            self.wall.checked_sub(self.at.since(moment))
        };
        wall.unwrap_or(self.wall)
    }
}
