//! Collects response bodies within `send`, so that a body that is cut in the middle is an error of the attempt,
//! which the retry layer outside may repeat, and never a page with fewer rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use crate::{Body, BodyMode, Request, Response, Result, Transport};

/// Collects the bodies of requests that ask for it ([`BodyMode::Collect`]) and leaves the others alone.
#[derive(Debug)]
pub struct Collect {
    inner: Arc<dyn Transport>,
    /// Bytes of the last body: of a compressed one nothing tells the length, and the pages of a list are much alike.
    last: AtomicUsize,
}

impl Collect {
    /// Wraps a transport.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>) -> Self {
        Self { inner, last: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl Transport for Collect {
    async fn send(&self, request: Request) -> Result<Response> {
        let mode = request.operation.body;
        let response = self.inner.send(request).await?;
        match mode {
            BodyMode::Stream => Ok(response),
            BodyMode::Collect { cap } => {
                let Response { status, headers, url, body } = response;
                let last = self.last.load(Ordering::Relaxed);
                // Somewhat longer ones fit too.
                let body = body.collect_expecting(cap, last.saturating_add(last / 8)).await?;
                self.last.store(body.len(), Ordering::Relaxed);
                Ok(Response { status, headers, url, body: Body::from(body) })
            }
        }
    }
}
