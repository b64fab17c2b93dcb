//! Sends one composed request, and tells what became of each of its rows.

use std::sync::Arc;
use std::time::Duration;

use tidegate_spec::{Answer, Batch, BatchAnswer, Job, Table, Write};
use tidegate_transport::{Clock, ErrorKind as TransportKind, Operation, Purpose, Repeat, Sent, retry_after};

use super::answer::{self, Said};
use super::compose::{Composed, Way};
use super::parts::Context;
use super::verdict::Asked;
use super::{RowOutcome, RowWrite, Verdict, Why, job};
use crate::call::{self, Answer as Received};
use crate::{ErrorKind, Source};

/// How often a request is sent again that the API says it has not done ([`Answer::not_done`]).
const MOST_NOT_DONE: u32 = 4;
/// Longest wait before that.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// Sends the request, which was composed of these rows, and returns an outcome for each of them, in their order.
///
/// It is sent again only where that cannot harm: by the layers below when it stands under a key or has surely not left,
/// and here when the API declares by its status that it has done nothing. A job is looked at until it ends, which `clock`
/// paces; each look is a call.
pub async fn send(
    source: &Source,
    table: &Arc<Table>,
    composed: Composed,
    rows: &[RowWrite],
    clock: &dyn Clock,
) -> Vec<RowOutcome> {
    let context = match Context::new(table, composed.kind, source.partition.as_deref()) {
        Ok(context) => context,
        Err(kind) => return all(rows, &RowOutcome::new(Verdict::NotSent(Why::Row), None, Some(kind.to_string()))),
    };
    let retries = source.statement.counts().retries;
    let sending = Sending { source, context, composed: &composed, clock };
    let mut outcomes = sending.outcomes(rows).await;
    if composed.is_keyed && source.statement.counts().retries > retries {
        outcomes.iter_mut().for_each(doubt_refusal);
    }
    for outcome in &mut outcomes {
        outcome.message = outcome.message.take().map(|text| source.blanks.apply(text));
    }
    outcomes
}

/// The same outcome for every row.
pub(super) fn all(rows: &[RowWrite], outcome: &RowOutcome) -> Vec<RowOutcome> {
    vec![outcome.clone(); rows.len()]
}

struct Sending<'a> {
    source: &'a Source,
    context: Context<'a>,
    composed: &'a Composed,
    clock: &'a dyn Clock,
}

impl Sending<'_> {
    async fn outcomes(&self, rows: &[RowWrite]) -> Vec<RowOutcome> {
        let received = match self.received().await {
            Ok(received) => received,
            Err(kind) => return all(rows, &unanswered(&kind)),
        };
        let write = self.context.write;
        if let (Way::Batch, Some((batch, job))) = (self.composed.way, with_job(write))
            && received.status.is_success()
        {
            let asked = self.asked(rows.len());
            return job::outcomes(self.source, &self.context, batch, job, asked, rows, received, self.clock).await;
        }
        let said = Said { status: received.status.as_u16(), headers: &received.headers, body: &received.body };
        match (self.composed.way, &write.single, &write.batch) {
            (Way::Single, Some(single), _) => rows
                .iter()
                .map(|row| answer::of_single(&self.context, &single.answer, self.asked(1), row, said))
                .collect(),
            (Way::Batch, _, Some(batch)) => {
                answer::of_batch(&self.context, &batch.answer, self.asked(rows.len()), rows, said)
            }
            _ => all(rows, &RowOutcome::doubtful(None, "the table no longer declares how this row was written")),
        }
    }

    fn asked(&self, rows: usize) -> Asked {
        let is_single = self.composed.way == Way::Single;
        Asked {
            kind: self.composed.kind,
            rows,
            is_single,
            is_atomic: is_single || self.context.write.batch.as_ref().is_some_and(|batch| batch.atomic),
            is_keyed: self.composed.is_keyed,
            is_again: self.composed.is_again,
        }
    }

    /// The answer; after a status by which the API says that it has done nothing, that of another attempt.
    async fn received(&self) -> Result<Received, ErrorKind> {
        let mut attempt = 0;
        loop {
            let received = self.attempt().await?;
            let is_not_done = not_done(self.context.write, self.composed.way).contains(&received.status.as_u16());
            let statement = &self.source.statement;
            if !is_not_done || attempt == MOST_NOT_DONE || !statement.take_retry() {
                return Ok(received);
            }
            attempt += 1;
            let usual = Duration::from_millis(250) * 2_u32.pow(attempt);
            let wait = retry_after(&received.headers, self.clock.now()).unwrap_or(usual);
            if wait > LONGEST_WAIT {
                return Ok(received);
            }
            drop(received);
            wait_for(self.clock, wait, self.source).await;
        }
    }

    async fn attempt(&self) -> Result<Received, ErrorKind> {
        let endpoint = self.composed.kind.name();
        let operation = self.source.operation(Some(&self.context.table.name), endpoint, Purpose::Write, None);
        let repeat = if self.composed.is_keyed { Repeat::Safe } else { Repeat::Unsafe };
        call::send_once(self.source, self.composed.outgoing.clone(), Operation { repeat, ..operation }).await
    }
}

/// A batch whose answer names a job that does the work.
fn with_job(write: &Write) -> Option<(&Batch, &Job)> {
    let batch = write.batch.as_ref()?;
    Some((batch, batch.job.as_ref()?))
}

/// Statuses by which the API says that it has done nothing.
fn not_done(write: &Write, way: Way) -> &[u16] {
    let answer: Option<&Answer> = match (way, &write.single, &write.batch) {
        (Way::Single, Some(single), _) => Some(&single.answer),
        (Way::Batch, _, Some(batch)) => match &batch.answer {
            BatchAnswer::Whole { answer, .. } | BatchAnswer::ODataJson { answer } => Some(answer),
            BatchAnswer::Items { .. } => None,
        },
        _ => None,
    };
    answer.map_or(&[], |answer| &answer.not_done)
}

/// The layers below have sent the request more than once, and its last answer need not speak for the attempts before: an API
/// may look at versions, and at whether the row is there, before it looks for the key.
fn doubt_refusal(outcome: &mut RowOutcome) {
    let is_refusal =
        matches!(outcome.verdict, Verdict::Refused | Verdict::RefusedTogether | Verdict::Stale | Verdict::Absent);
    if is_refusal && !matches!(outcome.status, Some(400 | 402 | 422)) {
        outcome.verdict = Verdict::Doubtful;
    }
}

/// What became of rows whose request has no answer.
fn unanswered(kind: &ErrorKind) -> RowOutcome {
    let message = Some(kind.to_string());
    let ErrorKind::Transport(error) = kind else {
        // The request was made, and what came back cannot be read.
        return RowOutcome::new(Verdict::Doubtful, None, message);
    };
    let why = match (error.sent(), error.kind()) {
        (Sent::Maybe, _) => return RowOutcome::new(Verdict::Doubtful, None, message),
        (Sent::No, TransportKind::QuotaExhausted) => Why::Quota,
        (Sent::No, TransportKind::CallBound) => Why::CallBound,
        (Sent::No, TransportKind::Cancelled) => Why::Cancelled,
        (Sent::No, TransportKind::Invalid) => Why::Row,
        (Sent::No, _) => Why::Connection,
    };
    RowOutcome::new(Verdict::NotSent(why), None, message)
}

/// Waits, unless the statement is cancelled meanwhile.
pub(super) async fn wait_for(clock: &dyn Clock, wait: Duration, source: &Source) {
    let from = clock.elapsed();
    let cancelled = std::pin::pin!(source.statement.cancellation().cancelled());
    futures::future::select(cancelled, clock.sleep(wait)).await;
    source.statement.count_wait(clock.elapsed().saturating_sub(from));
}
