//! A granted call, for as long as it is under way.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::batch::{Job, Settled};
use super::desk;
use super::shared::Shared;
use crate::{Call, Fate, Moment, Settlement};

/// A granted call. It must be settled; dropped, it is settled as lost.
pub struct Grant {
    /// Time that was spent waiting for it.
    pub waited: Duration,
    flight: Option<Flight>,
    /// Whether somebody got it, and may have sent the call.
    is_delivered: bool,
}

/// A call under way.
pub(crate) struct Flight {
    pub(crate) shared: Arc<Shared>,
    pub(crate) call: Arc<Call>,
    pub(crate) lease: u64,
    /// Entry that it is booked on.
    pub(crate) spend: Option<Arc<str>>,
    /// When the lease was taken.
    pub(crate) taken: Moment,
}

impl Grant {
    pub(crate) fn new(flight: Flight) -> Self {
        Self { waited: Duration::ZERO, flight: Some(flight), is_delivered: false }
    }

    /// Gives it to the caller, who has waited so long for it.
    pub(crate) fn deliver(mut self, waited: Duration) -> Self {
        self.waited = waited;
        self.is_delivered = true;
        self
    }

    /// Whether the call's answer said nothing, and its lease waits for the next call.
    pub(crate) fn rests(&mut self, settlement: &Settlement) -> bool {
        let Some(Flight { shared, call, lease, taken, .. }) = &self.flight else { return false };
        if *settlement != Settlement::answered() {
            shared.runs.have_news(call);
            return false;
        }
        if !shared.rests(*lease, *taken, call) {
            return false;
        }
        self.flight = None;
        true
    }

    /// Ends it with a settlement that is to be booked.
    pub(crate) fn end(mut self) -> Option<Flight> {
        self.flight.take()
    }
}

impl Flight {
    /// What is to be booked. The call is no longer under way.
    pub(crate) fn settled(self, settlement: Settlement) -> Option<Settled> {
        let Self { shared, call, lease, spend, .. } = self;
        shared.forget(lease);
        // The time is known: it was read when the call was granted.
        let at = shared.timeline.now()?;
        let rest = shared.runs.end(lease, at.at, shared.terms.linger);
        Some(Settled { call, lease, at, settlement, spend, rest })
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        let Some(flight) = self.flight.take() else { return };
        let shared = Arc::clone(&flight.shared);
        let fate = if self.is_delivered { Fate::Lost } else { Fate::NotSent };
        if let Some(settled) = flight.settled(Settlement::of(fate)) {
            desk::post(&shared, Job::Settle(Arc::new(settled)));
        }
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("waited", &self.waited).finish_non_exhaustive()
    }
}
