//! All layers in the order in which the product has them, with a clock that does not sleep.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Method};
use tidegate_quota::{Ledger, MemoryStore};
use tidegate_transport::*;
use url::{Origin, Url};

pub(crate) struct Stack {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) statement: Arc<Statement>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) log: Arc<RequestLog>,
}

/// What differs from one test to the other.
pub(crate) struct Options {
    pub(crate) credentials: Credentials,
    pub(crate) allowed: Vec<Origin>,
    pub(crate) statement: Statement,
    pub(crate) recording: Option<Arc<Recorder>>,
    pub(crate) http: HttpOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            credentials: Credentials::None,
            allowed: Vec::new(),
            statement: Statement::new(1),
            recording: None,
            http: HttpOptions::default(),
        }
    }
}

impl Stack {
    pub(crate) fn new(own: &Url) -> Self {
        Self::with(own, Options::default())
    }

    pub(crate) fn with(own: &Url, options: Options) -> Self {
        let http = Arc::new(Http::new(options.http));
        let secrets = options.credentials.secrets();
        let mut bottom: Arc<dyn Transport> = Arc::new(Auth::new(http, own.origin(), options.credentials));
        if let Some(recording) = options.recording {
            bottom = Arc::new(Record::new(bottom, recording).blanking(secrets));
        }
        Self::over(bottom, own, options.allowed, options.statement)
    }

    /// The layers from `observe` outwards over any other transport.
    pub(crate) fn over(bottom: Arc<dyn Transport>, own: &Url, allowed: Vec<Origin>, statement: Statement) -> Self {
        let clock = Arc::new(TestClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)));
        let log = Arc::new(RequestLog::new(100));
        let observe = Arc::new(Observe::new(bottom, Arc::clone(&log), clock.clone()));
        let collect = Arc::new(Collect::new(observe));
        let ledger = Arc::new(Ledger::new(Arc::<MemoryStore>::default(), clock.clone()));
        let metering = Arc::new(Metering::new(ledger, "test", "crm"));
        let meter = Arc::new(Meter::new(collect, metering, clock.clone()).at(own.origin()));
        let jitter = Arc::new(Jitter::seeded(1));
        let retry = Retry::new(meter, RetryPolicy::default(), clock.clone(), jitter).metered();
        let guard = Arc::new(OriginGuard::new(Arc::new(retry), own.origin(), allowed));
        let transport = Arc::new(Redirect::new(guard));
        Self { transport, statement: Arc::new(statement), clock, log }
    }

    pub(crate) fn request(&self, url: Url) -> Request {
        Request {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            operation: Operation {
                principal: "me".into(),
                connection: "crm".into(),
                partition: None,
                table: Some("accounts".into()),
                endpoint: "Accounts".into(),
                purpose: Purpose::Read,
                repeat: Repeat::Safe,
                page: Some(1),
                attempt: 1,
                quota_wait: Duration::ZERO,
                body: BodyMode::default(),
                keeps: false,
                reuse: true,
                fresh: false,
                cache: None,
                statement: Arc::clone(&self.statement),
            },
        }
    }

    pub(crate) async fn send(&self, request: Request) -> Result<Response> {
        self.transport.send(request).await
    }

    /// A GET whose body is expected to be complete: status and text.
    pub(crate) async fn get(&self, url: Url) -> Result<(u16, String)> {
        let response = self.send(self.request(url)).await?;
        let status = response.status.as_u16();
        let body = response.body.collect(u64::MAX).await?;
        Ok((status, String::from_utf8(body.to_vec()).unwrap()))
    }
}
