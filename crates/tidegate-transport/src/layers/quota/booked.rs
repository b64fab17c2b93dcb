//! Granted calls until they are settled, and what is told of them on the way.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use tidegate_quota::{Grant, Limit, MeterView, Settlement, Throttling, Unit};

use super::call::Outlay;
use super::explain;
use super::read::Complaint;
use super::said::{MOST_NAMES, Said};
use crate::{Body, Clock, Error, ErrorKind, Left, Metering, Operation, Response, Result};

/// What the layer and the bodies that are still read have in common.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) metering: Arc<Metering>,
    pub(super) clock: Arc<dyn Clock>,
    said: Said,
}

impl Desk {
    pub(super) fn new(metering: Arc<Metering>, clock: Arc<dyn Clock>) -> Self {
        Self { metering, clock, said: Said::default() }
    }

    fn warn(&self, operation: &Operation, message: String) {
        (self.metering.warn)(&operation.connection, message);
    }

    /// Tells of figures that make no sense, of each place once.
    pub(super) fn complain(&self, operation: &Operation, complaints: &[Complaint]) {
        for complaint in complaints.iter().filter(|complaint| self.said.is_first(&complaint.place)) {
            self.warn(operation, explain::absurd(operation, complaint));
        }
    }

    /// Leaves out quotas that a server names beyond those that are kept: a server could think of ever new names.
    pub(super) fn bound_names(&self, operation: &Operation, outlay: &Outlay<'_>, settlement: &mut Settlement) {
        let is_declared = |name: &Arc<str>| outlay.quotas.iter().any(|counted| counted.name == *name);
        let seen = settlement.observations.len();
        settlement.observations.retain(|seen| is_declared(&seen.quota) || self.said.keeps_name(&seen.quota));
        if settlement.observations.len() < seen && self.said.is_first("names") {
            self.warn(operation, explain::too_many_names(operation, MOST_NAMES));
        }
    }

    /// Tells of a refusal by surprise: once for each scope and the time that it is closed for.
    pub(super) fn warn_of(
        &self,
        operation: &Operation,
        outlay: &Outlay<'_>,
        response: &Response,
        throttling: &Throttling,
    ) {
        let now = self.clock.now();
        let Some(scope) = outlay.call.scopes.get(throttling.scope) else { return };
        if self.said.is_new_block(&scope.key, throttling.wait, now) {
            self.warn(operation, explain::throttled(operation, response, throttling, now));
        }
    }

    /// Notes on the statement what is left of what its calls spend: not of what they occupy, nor of errors.
    fn note_left(&self, operation: &Operation, views: Vec<MeterView>) {
        let is_occupied = |name: &str| {
            let name = name.split('@').next().unwrap_or(name);
            let mut named = self.metering.quotas.iter().filter(|metered| *metered.quota.name == *name);
            named.any(|metered| matches!(metered.quota.limit, Limit::Concurrent { .. }))
        };
        for view in views {
            let is_spent = matches!(view.unit, Unit::Calls | Unit::Points) && !is_occupied(&view.name);
            let (Some(remaining), Some(limit), true) = (view.remaining, view.limit, is_spent) else { continue };
            operation.statement.note_left(Left {
                connection: Arc::clone(&operation.connection),
                partition: operation.partition.clone(),
                quota: view.name,
                remaining,
                limit,
                resets_at: view.resets_at,
            });
        }
    }
}

/// A granted call. Dropped before it was answered, the ledger takes it for lost.
pub(super) struct Booked {
    desk: Arc<Desk>,
    pub(super) operation: Operation,
    /// What is granted, and what will be settled should the answer's body not be read to its end.
    open: Option<(Grant, Option<Settlement>)>,
}

impl Booked {
    pub(super) fn new(desk: Arc<Desk>, operation: Operation, grant: Grant) -> Self {
        Self { desk, operation, open: Some((grant, None)) }
    }

    /// Books what became of it.
    pub(super) async fn settle(mut self, settlement: Settlement) {
        if let Some((grant, _)) = self.open.take() {
            settle(&self.desk, &self.operation, grant, settlement).await;
        }
    }

    /// Settles it when this body has ended, failed, or is dropped.
    pub(super) fn settle_at_end(mut self, settlement: Settlement, body: Body) -> Body {
        self.open = self.open.take().map(|(grant, _)| (grant, Some(settlement)));
        let state = Some((body.into_stream(), self));
        Body::from_stream(futures::stream::unfold(state, async |state| {
            let (chunks, booked) = state?;
            next(chunks, booked).await
        }))
    }
}

type Chunks = BoxStream<'static, Result<Bytes>>;

/// The next chunk of a body that is settled when it ends.
async fn next(mut chunks: Chunks, mut booked: Booked) -> Option<(Result<Bytes>, Option<(Chunks, Booked)>)> {
    match chunks.next().await {
        Some(Ok(bytes)) => Some((Ok(bytes), Some((chunks, booked)))),
        end => {
            let error = end.and_then(Result::err);
            if let Some((grant, Some(settlement))) = booked.open.take() {
                let settlement = cut(settlement, error.as_ref());
                settle(&booked.desk, &booked.operation, grant, settlement).await;
            }
            error.map(|error| (Err(error), None))
        }
    }
}

/// An answer whose body broke off.
fn cut(mut settlement: Settlement, error: Option<&Error>) -> Settlement {
    settlement.is_overload |= error.is_some_and(|error| error.kind() == ErrorKind::Timeout);
    settlement
}

async fn settle(desk: &Desk, operation: &Operation, grant: Grant, settlement: Settlement) {
    match desk.metering.ledger.settle(grant, settlement).await {
        Ok(views) => desk.note_left(operation, views),
        // The answer is there, and stays what it is: the ledger counts the call as under way until its lease ends.
        Err(error) if desk.said.is_first("settle") => desk.warn(operation, explain::unsettled(operation, &error)),
        Err(_) => {}
    }
}

impl Drop for Booked {
    /// A body that nobody reads to its end: what its headers said is booked all the same.
    fn drop(&mut self) {
        let (Some((grant, Some(settlement))), Ok(runtime)) = (self.open.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let (desk, operation) = (Arc::clone(&self.desk), self.operation.clone());
        runtime.spawn(async move { settle(&desk, &operation, grant, settlement).await });
    }
}
