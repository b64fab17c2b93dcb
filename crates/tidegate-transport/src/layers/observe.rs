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
    redact_url,
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
        watch.record.status = Some(response.status.as_u16());
        if watch.record.cache == Some(CacheOutcome::Revalidated) && response.status != StatusCode::NOT_MODIFIED {
            // It was asked whether a stored answer holds, and does not.
            watch.record.cache = Some(CacheOutcome::Miss);
        }
        let Response { status, headers, url, body } = response;
        Ok(Response { status, headers, url, body: Body::from_stream(watched(body.into_stream(), watch)) })
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
                watch.record.error = None;
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
    record: RequestRecord,
}

impl Watch {
    fn start(request: &Request, log: Arc<RequestLog>, clock: Arc<dyn Clock>) -> Self {
        let operation = &request.operation;
        let record = RequestRecord {
            statement: operation.statement.id(),
            principal: operation.principal.to_string(),
            connection: operation.connection.to_string(),
            table: operation.table.as_deref().map(Into::into),
            endpoint: operation.endpoint.to_string(),
            page: operation.page,
            method: request.method.to_string(),
            url: redact_url(&request.url),
            status: None,
            attempt: operation.attempt,
            cache: operation.cache,
            quota_wait: operation.quota_wait,
            bytes: 0,
            started_at: clock.now(),
            took: Duration::ZERO,
            // What stands when nobody waits for the end.
            error: Some("the statement stopped before the answer was complete".into()),
        };
        let started = clock.elapsed();
        Self { log, clock, statement: Arc::clone(&operation.statement), started, record }
    }

    fn bytes(&mut self, bytes: u64) {
        self.record.bytes += bytes;
        self.statement.count_bytes(bytes);
    }

    fn fail(&mut self, error: &Error) {
        self.record.error = Some(error.to_string());
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.record.took = self.clock.elapsed().saturating_sub(self.started);
        self.log.push(self.record.clone());
    }
}
