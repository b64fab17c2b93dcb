//! Counts and logs every attempt: the one place that knows what a statement really spent.
//!
//! It stands inside of retry and collect, so that each attempt is seen, with the bytes that really arrived, and
//! outside of record, replay and fault, so that a replayed run shows the same counts.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use http::StatusCode;

use crate::{
    Body, CacheOutcome, Clock, Error, Request, RequestLog, RequestRecord, Response, Result, Sent, Statement, Transport,
};

/// Counts calls and bytes on the statement, and adds each attempt to the log when its body has ended, failed or
/// was dropped.
#[derive(Debug)]
pub struct Observe {
    inner: Arc<dyn Transport>,
    log: Arc<RequestLog>,
    clock: Arc<dyn Clock>,
}

impl Observe {
    /// Wraps a transport.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>, log: Arc<RequestLog>, clock: Arc<dyn Clock>) -> Self {
        Self { inner, log, clock }
    }
}

#[async_trait]
impl Transport for Observe {
    async fn send(&self, request: Request) -> Result<Response> {
        let statement = &request.operation.statement;
        if statement.cancellation().is_cancelled() {
            return Err(Error::cancelled(Sent::No));
        }
        statement.count_call(request.operation.attempt > 1);
        let mut watch = Watch::start(&request, Arc::clone(&self.log), Arc::clone(&self.clock));
        let response = self.inner.send(request).await.inspect_err(|error| watch.fail(error))?;
        watch.answered(response.status);
        let Response { status, headers, url, body } = response;
        let length = body.length();
        Ok(Response { status, headers, url, body: Body::of_length(length, watched(body.into_stream(), watch)) })
    }
}

fn watched(chunks: BoxStream<'static, Result<Bytes>>, watch: Watch) -> impl Stream<Item = Result<Bytes>> {
    futures::stream::unfold(Some((chunks, watch)), async |state| {
        let (mut chunks, mut watch) = state?;
        match chunks.next().await {
            Some(Ok(bytes)) => {
                watch.bytes(bytes.len() as u64);
                Some((Ok(bytes), Some((chunks, watch))))
            }
            Some(Err(error)) => {
                watch.fail(&error);
                Some((Err(error), None))
            }
            None => {
                watch.is_ended = true;
                None
            }
        }
    })
}

/// An attempt under way. Dropping it logs it, however it ended.
struct Watch {
    log: Arc<RequestLog>,
    clock: Arc<dyn Clock>,
    statement: Arc<Statement>,
    started: Duration,
    /// There until it is dropped.
    record: Option<RequestRecord>,
    /// Whether the whole answer came, or it was told why not.
    is_ended: bool,
}

impl Watch {
    fn start(request: &Request, log: Arc<RequestLog>, clock: Arc<dyn Clock>) -> Self {
        let record = Some(RequestRecord::of(request, clock.now()));
        let started = clock.elapsed();
        let statement = Arc::clone(&request.operation.statement);
        Self { log, clock, statement, started, record, is_ended: false }
    }

    fn answered(&mut self, status: StatusCode) {
        let Some(record) = &mut self.record else { return };
        record.status = Some(status.as_u16());
        if record.cache == Some(CacheOutcome::Revalidated) && status != StatusCode::NOT_MODIFIED {
            // It was asked whether a stored answer holds, and does not.
            record.cache = Some(CacheOutcome::Miss);
        }
    }

    fn bytes(&mut self, bytes: u64) {
        if let Some(record) = &mut self.record {
            record.bytes += bytes;
        }
        self.statement.count_bytes(bytes);
    }

    fn fail(&mut self, error: &Error) {
        self.is_ended = true;
        if let Some(record) = &mut self.record {
            record.error = Some(error.to_string());
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let Some(mut record) = self.record.take() else { return };
        record.took = self.clock.elapsed().saturating_sub(self.started);
        if !self.is_ended {
            record.error = Some("the statement stopped before the answer was complete".into());
        }
        self.log.push(record);
    }
}
