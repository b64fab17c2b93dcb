//! Figures of quotas: whatever headers and bodies say, an answer is read and settled, the counters that come of it are in
//! bounds, and one call more ends, with an answer or with a refusal that says why.
#![no_main]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arbitrary::Arbitrary;
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use libfuzzer_sys::fuzz_target;
use tidegate_quota::{Ledger, Limit, MemoryStore, Quota, Unit, Window};
use tidegate_transport::{
    Body, BodyMode, ErrorKind, FigurePlace, Figures, Meter, MeteredQuota, Metering, OnExhausted, Operation, Operations,
    Per, Purpose, Repeat, Request, Response, Result, Spending, Statement, TestClock, Throttle, TimeForm, Transport,
};
use url::Url;

const NAMES: [&str; 20] = [
    "date",
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "ratelimit-observed",
    "ratelimit-name",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-used",
    "x-ratelimit-reset",
    "x-ratelimit-reset-after",
    "x-ratelimit-resource",
    "x-ratelimit-period",
    "x-rate-limit-remaining",
    "x-rate-limit",
    "x-figure",
    "x-reset",
];

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    status: u16,
    headers: Vec<(u8, &'a [u8])>,
    body: &'a [u8],
    /// Which form of reset is declared; none, when it is none of six.
    form: u8,
    is_bucket: bool,
    is_reported: bool,
}

fn quota(input: &Input<'_>) -> Option<MeteredQuota> {
    use TimeForm::{EpochMillis, EpochSeconds, HttpDate, Iso8601, Millis, Seconds};
    let form = *[EpochMillis, EpochSeconds, HttpDate, Iso8601, Millis, Seconds].get(usize::from(input.form))?;
    let header = |name| FigurePlace::Header(HeaderName::from_static(name));
    let body = |name: &str| FigurePlace::Body(vec!["cost".to_owned(), name.to_owned()]);
    let hour = Window::Sliding(Duration::from_secs(3600));
    let limit = match input.is_bucket {
        true => Limit::Bucket { capacity: 40.0, per_second: 2.0 },
        false => Limit::Window { limit: Some(40), window: hour },
    };
    Some(MeteredQuota {
        quota: Arc::new(Quota { name: "declared".into(), unit: Unit::Points, limit, is_reported: input.is_reported }),
        per: Per::Credential,
        only: Vec::new(),
        operations: Operations::All,
        each_endpoint: false,
        cost: 1,
        figures: Figures {
            limit: Some(body("limit")),
            remaining: Some(header("x-figure")),
            used: Some(FigurePlace::Pair(HeaderName::from_static("x-figure"), "used".to_owned())),
            used_of_limit: Some(header("x-figure")),
            reset: Some((header("x-reset"), form)),
            cost: Some(body("actual")),
            per_second: Some(body("rate")),
        },
    })
}

/// Answers every request alike.
#[derive(Debug)]
struct Answers(StatusCode, HeaderMap, Bytes);

#[async_trait]
impl Transport for Answers {
    async fn send(&self, request: Request) -> Result<Response> {
        let Self(status, headers, body) = self;
        let body = Body::from(body.clone());
        Ok(Response { status: *status, headers: headers.clone(), url: request.url, body })
    }
}

fn request(statement: &Arc<Statement>) -> Request {
    Request {
        method: Method::GET,
        url: Url::parse("https://api.test/").expect("a URL"),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        operation: Operation {
            principal: "fuzz".into(),
            connection: "api".into(),
            partition: None,
            table: None,
            endpoint: "fuzz".into(),
            purpose: Purpose::Read,
            repeat: Repeat::Safe,
            page: None,
            attempt: 1,
            quota_wait: Duration::ZERO,
            body: BodyMode::default(),
            statement: Arc::clone(statement),
        },
    }
}

async fn run(input: Input<'_>, status: StatusCode) {
    let header = |(name, value): &(u8, &[u8])| {
        let name = NAMES[usize::from(*name) % NAMES.len()];
        Some((HeaderName::from_static(name), HeaderValue::from_bytes(value).ok()?))
    };
    let headers = input.headers.iter().filter_map(header).collect();
    let clock = Arc::new(TestClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)));
    let ledger = Arc::new(Ledger::new(Arc::<MemoryStore>::default(), clock.clone()));
    let throttle = Throttle {
        status: Some(StatusCode::FORBIDDEN),
        headers: vec![(HeaderName::from_static("x-figure"), "0".to_owned())],
        body: None,
    };
    let metering = Arc::new(Metering {
        quotas: quota(&input).into_iter().collect(),
        throttles: vec![throttle],
        ..Metering::new(ledger, "fuzz", "api")
    });
    let answers = Arc::new(Answers(status, headers, Bytes::copy_from_slice(input.body)));
    let meter = Meter::new(answers, Arc::clone(&metering), clock);
    let spending = Spending { on_exhausted: OnExhausted::Stop, ..Spending::default() };
    let statement = Arc::new(Statement::new(1).spending(spending));
    for _ in 0..2 {
        if let Err(error) = meter.send(request(&statement)).await {
            assert_eq!(error.kind(), ErrorKind::QuotaExhausted, "{error}");
        }
    }
    for view in metering.ledger.views(&metering.scopes(None)).await.expect("a ledger in memory") {
        for meter in view.meters {
            assert!(!meter.name.is_empty());
            assert!(meter.remaining.zip(meter.limit).is_none_or(|(remaining, limit)| remaining <= limit), "{meter:?}");
        }
    }
}

fuzz_target!(|input: Input<'_>| {
    let Ok(status) = StatusCode::from_u16(input.status % 600) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(run(input, status));
});
