//! Faults on purpose, for tests: scripted, or drawn from a seed. The same script and the same order of requests
//! give the same faults.

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, StatusCode};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::{Body, Error, ErrorKind, Request, Response, Result, Sent, Transport};

/// What happens to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultStep {
    /// Nothing.
    Pass,
    /// It fails before the server acts on it. With [`ErrorKind::Connect`] it surely was not sent; with another
    /// kind nobody can tell.
    FailBefore(ErrorKind),
    /// The server acts on it, and its answer is lost.
    FailAfter(ErrorKind),
    /// The server refuses it with this status and these headers, without acting on it.
    Status(StatusCode, HeaderMap),
    /// The answer's body breaks off after so many bytes. A shorter body breaks off at its end.
    CutBody(usize),
}

/// Which requests suffer what.
#[derive(Debug)]
pub struct FaultScript(Mutex<Inner>);

#[derive(Debug)]
enum Inner {
    Steps(std::vec::IntoIter<FaultStep>),
    Seeded { rng: Box<StdRng>, rate: f64, steps: Vec<FaultStep> },
}

impl FaultScript {
    /// The k-th request gets the k-th step; those after the last pass.
    #[must_use]
    pub fn steps(steps: Vec<FaultStep>) -> Self {
        Self(Mutex::new(Inner::Steps(steps.into_iter())))
    }

    /// Each request gets one of `steps` with probability `rate` (0 to 1; others are taken as the nearest).
    #[must_use]
    pub fn seeded(seed: u64, rate: f64, steps: Vec<FaultStep>) -> Self {
        let rate = if rate.is_nan() { 0.0 } else { rate.clamp(0.0, 1.0) };
        Self(Mutex::new(Inner::Seeded { rng: Box::new(StdRng::seed_from_u64(seed)), rate, steps }))
    }

    fn next(&self) -> FaultStep {
        let step = match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Inner::Steps(steps) => steps.next(),
            Inner::Seeded { rng, rate, steps } => match rng.random_bool(*rate) {
                true => steps.choose(rng).cloned(),
                false => None,
            },
        };
        step.unwrap_or(FaultStep::Pass)
    }
}

/// Lets requests fail as its script says.
#[derive(Debug)]
pub struct Fault {
    inner: Arc<dyn Transport>,
    script: FaultScript,
}

impl Fault {
    /// Wraps a transport.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>, script: FaultScript) -> Self {
        Self { inner, script }
    }
}

#[async_trait]
impl Transport for Fault {
    async fn send(&self, request: Request) -> Result<Response> {
        match self.script.next() {
            FaultStep::Pass => self.inner.send(request).await,
            FaultStep::FailBefore(kind) => {
                let sent = if kind == ErrorKind::Connect { Sent::No } else { Sent::Maybe };
                Err(Error::new(kind, sent, "a fault on purpose, before the request"))
            }
            FaultStep::FailAfter(kind) => {
                // Read to its end, so that a real server has really done it.
                self.inner.send(request).await?.body.collect(u64::MAX).await?;
                Err(Error::new(kind, Sent::Maybe, "a fault on purpose, after the request"))
            }
            FaultStep::Status(status, headers) => {
                Ok(Response { status, headers, url: request.url, body: Body::from(Bytes::new()) })
            }
            FaultStep::CutBody(length) => {
                let Response { status, headers, url, body } = self.inner.send(request).await?;
                let mut bytes = body.collect(u64::MAX).await?;
                bytes.truncate(length);
                let cut = Error::new(ErrorKind::Broken, Sent::Maybe, "a fault on purpose, within the body");
                Ok(Response { status, headers, url, body: Body::from_stream(stream::iter([Ok(bytes), Err(cut)])) })
            }
        }
    }
}
