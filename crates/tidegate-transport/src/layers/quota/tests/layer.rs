//! What the layer does with a call: bounds, booking, what it hands on, what it tells.

use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use tidegate_quota::{Change, MeterView, Store};

use super::*;
use crate::testing::{Scripted, answer, failure, status};
use crate::{
    Body, ErrorKind, Meter, OnExhausted, Request, Response, Result, Sent, Spending, Statement, TestClock, Transport,
};

const URL: &str = "http://a.example/x";

/// A layer over a script, and what it tells.
pub(super) struct Bench {
    pub(super) clock: Arc<TestClock>,
    pub(super) inner: Arc<Scripted>,
    pub(super) metering: Arc<Metering>,
    pub(super) meter: Arc<Meter>,
    pub(super) told: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    pub(super) fn new(quotas: Vec<MeteredQuota>, script: Vec<Result<Response>>) -> Self {
        Self::with(quotas, Vec::new(), script, Arc::<MemoryStore>::default())
    }

    pub(super) fn with(
        quotas: Vec<MeteredQuota>,
        throttles: Vec<Throttle>,
        script: Vec<Result<Response>>,
        store: Arc<dyn Store>,
    ) -> Self {
        let (clock, inner, told) = (clock(), Scripted::new(script), Arc::<Mutex<Vec<String>>>::default());
        let ledger = Arc::new(Ledger::new(store, clock.clone()));
        let warned = Arc::clone(&told);
        let warn = Box::new(move |connection: &str, message: String| {
            warned.lock().unwrap().push(format!("{connection}: {message}"));
        });
        let metering = Metering { quotas, throttles, warn, ..Metering::new(ledger, "key", "crm") };
        let metering = Arc::new(metering);
        let own = url::Url::parse(URL).unwrap().origin();
        let meter = Meter::new(inner.clone(), metering.clone(), clock.clone()).at(own);
        Self { clock, inner, metering, meter: Arc::new(meter), told }
    }

    pub(super) async fn get(&self, statement: &Arc<Statement>) -> Result<Response> {
        self.meter.send(request(URL, Repeat::Safe, statement)).await
    }

    pub(super) fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    /// A quota of the credential as it is now.
    pub(super) async fn view(&self, name: &str) -> Option<MeterView> {
        let views = self.metering.ledger.views(&self.metering.scopes(None)).await.unwrap();
        views[0].meters.iter().find(|view| &*view.name == name).cloned()
    }

    async fn used(&self, name: &str) -> Option<u64> {
        self.view(name).await.and_then(|view| view.used)
    }
}

/// So many calls an hour, of which responses do not tell.
pub(super) fn hourly(limit: u64) -> MeteredQuota {
    let window = Window::Sliding(Duration::from_secs(3600));
    let quota = Quota {
        name: "hourly".into(),
        unit: Unit::Calls,
        limit: Limit::Window { limit: Some(limit), window },
        is_reported: false,
    };
    MeteredQuota { quota: Arc::new(quota), ..super::quota("hourly", 3600, &[]) }
}

pub(super) fn spending(change: impl FnOnce(&mut Spending)) -> Arc<Statement> {
    let mut spending = Spending::default();
    change(&mut spending);
    Arc::new(Statement::new(1).spending(spending))
}

#[tokio::test]
async fn a_bound_of_calls_is_a_bound() {
    let bench = Bench::new(Vec::new(), vec![status(503), failure(ErrorKind::Connect, Sent::No)]);
    let statement = spending(|spending| spending.max_calls = Some(2));
    assert_eq!(bench.get(&statement).await.unwrap().status, 503);
    assert_eq!(bench.get(&statement).await.unwrap_err().kind(), ErrorKind::Connect);
    let error = bench.get(&statement).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::CallBound, Sent::No));
    assert_eq!(
        error.to_string(),
        "this statement needs more calls than the 2 that tidegate.max_calls allows, and nothing more was \
         sent: raise tidegate.max_calls, or let the statement read less"
    );
    assert_eq!(bench.inner.seen().len(), 2);
}

#[tokio::test]
async fn what_is_not_sent_is_given_back() {
    let bench = Bench::new(vec![hourly(1)], vec![failure(ErrorKind::Connect, Sent::No), status(200)]);
    let statement = spending(|spending| {
        spending.max_calls = Some(3);
        spending.on_exhausted = OnExhausted::Stop;
    });
    // The first was not sent, so that the hour still has room for one.
    assert_eq!(bench.get(&statement).await.unwrap_err().kind(), ErrorKind::Connect);
    assert_eq!(bench.used("hourly").await, Some(0));
    assert_eq!(bench.get(&statement).await.unwrap().status, 200);
    for _ in 0..2 {
        // What the ledger refuses is no call of the statement.
        assert_eq!(bench.get(&statement).await.unwrap_err().kind(), ErrorKind::QuotaExhausted);
    }
    assert!(statement.begin_call() && !statement.begin_call());
}

#[tokio::test]
async fn what_may_have_been_sent_is_spent() {
    let script = vec![failure(ErrorKind::Timeout, Sent::Maybe), status(500), status(404)];
    let bench = Bench::new(vec![hourly(9)], script);
    let statement = statement();
    assert!(bench.get(&statement).await.is_err());
    assert!(bench.get(&statement).await.is_ok());
    assert!(bench.get(&statement).await.is_ok());
    assert_eq!(bench.used("hourly").await, Some(3));
}

#[tokio::test]
async fn errors_are_counted_where_errors_are() {
    let errors = of(Unit::Errors, hourly(10).quota.limit.clone(), hourly(10));
    let bench = Bench::new(vec![errors], vec![status(200), status(400), status(404), status(500), status(429)]);
    for _ in 0..5 {
        bench.get(&statement()).await.unwrap();
    }
    assert_eq!(bench.used("hourly").await, Some(2));
}

#[tokio::test]
async fn what_is_left_is_noted_on_the_statement() {
    let told = |left: &'static str| answer(200, &[("x-ratelimit-limit", "50"), ("x-ratelimit-remaining", left)], "");
    let at_once = of(Unit::Calls, Limit::Concurrent { limit: 1 }, quota("at once", 1, &[]));
    let bench = Bench::new(vec![at_once], vec![status(204), told("40"), told("7")]);
    let statement = statement();
    bench.get(&statement).await.unwrap();
    assert_eq!(statement.left(), None, "what is occupied is not what is left");
    for _ in 0..2 {
        bench.get(&statement).await.unwrap();
    }
    let left = statement.left().unwrap();
    assert_eq!((&*left.connection, &*left.quota, left.remaining, left.limit), ("crm", "rate_limit", 7, 50));
}

#[tokio::test]
async fn figures_of_another_origin_are_not_read() {
    let told = || answer(200, &[("x-ratelimit-limit", "50"), ("x-ratelimit-remaining", "40")], "");
    let bench = Bench::new(vec![hourly(9)], vec![told(), told()]);
    bench.meter.send(request("http://files.example/x", Repeat::Safe, &statement())).await.unwrap();
    assert_eq!(bench.view("rate_limit").await, None);
    assert_eq!(bench.used("hourly").await, Some(1), "it is counted all the same");
    bench.get(&statement()).await.unwrap();
    assert_eq!(bench.view("rate_limit").await.and_then(|view| view.remaining), Some(40));
}

/// Answers with a body that arrives in two parts.
#[derive(Debug)]
struct TwoParts;

#[async_trait]
impl Transport for TwoParts {
    async fn send(&self, request: Request) -> Result<Response> {
        let chunks = futures::stream::iter([Ok(Bytes::from_static(b"a")), Ok(Bytes::from_static(b"b"))]);
        let headers = header_map(&[("x-ratelimit-limit", "50"), ("x-ratelimit-remaining", "40")]);
        Ok(Response { status: StatusCode::OK, headers, url: request.url, body: Body::from_stream(chunks) })
    }
}

#[tokio::test]
async fn a_body_that_is_still_read_is_a_call_under_way() {
    for is_read in [true, false] {
        let at_once = of(Unit::Calls, Limit::Concurrent { limit: 3 }, quota("at once", 1, &[]));
        let bench = Bench::new(vec![at_once], Vec::new());
        let meter = Meter::new(Arc::new(TwoParts), bench.metering.clone(), bench.clock.clone());
        let mut body = meter.send(request(URL, Repeat::Safe, &statement())).await.unwrap().body.into_stream();
        body.next().await.unwrap().unwrap();
        assert_eq!(bench.used("at once").await, Some(1));
        if is_read {
            assert_eq!(body.next().await.unwrap().unwrap(), "b");
            assert!(body.next().await.is_none());
        }
        drop(body);
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        assert_eq!(bench.used("at once").await, Some(0), "read: {is_read}");
        // What its headers said is booked in either case.
        assert_eq!(bench.view("rate_limit").await.and_then(|view| view.remaining), Some(40), "read: {is_read}");
    }
}

#[tokio::test]
async fn a_server_cannot_name_ever_new_quotas() {
    let named = |name: usize| {
        let name = format!("bucket{name}");
        answer(200, &[("x-ratelimit-resource", &name), ("x-ratelimit-remaining", "9")], "")
    };
    let bench = Bench::new(Vec::new(), (0..40).map(named).collect());
    for _ in 0..40 {
        bench.get(&statement()).await.unwrap();
    }
    let views = bench.metering.ledger.views(&bench.metering.scopes(None)).await.unwrap();
    assert_eq!(views[0].meters.iter().filter(|view| view.name.starts_with("bucket")).count(), 32);
    let told = bench.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("more than 32 quotas"), "{told:?}");
}

#[tokio::test]
async fn figures_without_sense_are_told_once() {
    let declared = quota("q", 60, &[("remaining", "x-left")]);
    let bench = Bench::new(vec![declared], (0..3).map(|_| answer(200, &[("x-left", "lots")], "")).collect());
    for _ in 0..3 {
        bench.get(&statement()).await.unwrap();
    }
    assert_eq!(
        bench.told(),
        [
            "crm: connection crm: header x-left says \"lots\", which makes no sense as a figure of a quota and is left out"
        ]
    );
}

/// A store that can be broken.
#[derive(Debug, Default)]
struct Fragile {
    inner: MemoryStore,
    is_broken: std::sync::atomic::AtomicBool,
}

impl Fragile {
    fn check(&self) -> tidegate_quota::Result<()> {
        match self.is_broken.load(std::sync::atomic::Ordering::Relaxed) {
            true => Err(tidegate_quota::Error::new("the disk is full; make room")),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Store for Fragile {
    async fn update(&self, keys: Vec<String>, change: Change) -> tidegate_quota::Result<()> {
        self.check()?;
        self.inner.update(keys, change).await
    }

    async fn get(&self, keys: Vec<String>) -> tidegate_quota::Result<Vec<Option<Vec<u8>>>> {
        self.check()?;
        self.inner.get(keys).await
    }

    async fn list(&self, prefix: &str) -> tidegate_quota::Result<Vec<(String, Vec<u8>)>> {
        self.check()?;
        self.inner.list(prefix).await
    }
}

/// Breaks the ledger while the call is under way.
#[derive(Debug)]
struct Breaking(Arc<Fragile>);

#[async_trait]
impl Transport for Breaking {
    async fn send(&self, _: Request) -> Result<Response> {
        self.0.is_broken.store(true, std::sync::atomic::Ordering::Relaxed);
        status(200)
    }
}

#[tokio::test]
async fn nothing_is_sent_that_cannot_be_booked() {
    let store = Arc::<Fragile>::default();
    let bench = Bench::with(Vec::new(), Vec::new(), Vec::new(), store.clone());
    let meter = Meter::new(Arc::new(Breaking(store)), bench.metering.clone(), bench.clock.clone());
    let statement = spending(|spending| spending.max_calls = Some(2));
    // An answer that is there is handed on, though nobody could write what it cost.
    assert_eq!(meter.send(request(URL, Repeat::Safe, &statement)).await.unwrap().status, 200);
    assert_eq!(bench.told().len(), 1);
    assert!(bench.told()[0].contains("cannot be booked: the disk is full; make room"), "{:?}", bench.told());

    let error = bench.get(&statement).await.unwrap_err();
    assert_eq!((error.kind(), error.sent(), error.is_transient()), (ErrorKind::File, Sent::No, false));
    assert_eq!(error.to_string(), "a call is not sent, because it cannot be booked: the disk is full; make room");
    assert!(bench.inner.seen().is_empty());
    assert!(statement.begin_call());
}

#[tokio::test]
async fn responses_of_some_statuses_are_free() {
    let free = || MeteredQuota { free: vec![StatusCode::NOT_MODIFIED], ..hourly(2) };
    let script = [304, 304, 304, 200].map(status).into();
    let bench = Bench::new(vec![free()], script);
    for used in [0, 0, 0, 1] {
        bench.get(&statement()).await.unwrap();
        assert_eq!(bench.used("hourly").await, Some(used));
    }
    assert_eq!(bench.clock.sleeps(), Vec::<Duration>::new(), "none of them had to wait");
    let told = MeteredQuota { free: vec![StatusCode::NOT_MODIFIED], ..super::quota("q", 3600, &[("used", "x-used")]) };
    let bench = Bench::new(vec![told], vec![answer(304, &[("x-used", "7")], "")]);
    bench.get(&statement()).await.unwrap();
    assert_eq!(bench.used("q").await, Some(7), "what the server says goes before it");
    // Another origin's 304 is none of the API's.
    let bench = Bench::new(vec![free()], vec![status(304)]);
    let elsewhere = request("http://b.example/x", Repeat::Safe, &statement());
    bench.meter.send(elsewhere).await.unwrap();
    assert_eq!(bench.used("hourly").await, Some(1));
}
