//! Waiting, and refusals by the server: in the ledger, for all who share the quota.

use tokio::sync::Barrier;

use super::layer::{Bench, hourly, spending};
use super::*;
use crate::testing::{Scripted, answer, status};
use crate::{
    ErrorKind, Jitter, Meter, OnExhausted, Request, Response, Result, Retry, RetryPolicy, Sent, Statement, Transport,
};

const URL: &str = "http://a.example/x";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Between this long, and a second more.
fn is_about(wait: Duration, wanted: u64) -> bool {
    wait >= seconds(wanted) && wait <= seconds(wanted + 1)
}

#[tokio::test]
async fn a_statement_waits_for_its_quotas_as_long_as_it_may() {
    let bench = Bench::new(vec![hourly(2)], (0..3).map(|_| status(200)).collect());
    let statement = spending(|spending| spending.max_wait = seconds(7200));
    for _ in 0..3 {
        bench.get(&statement).await.unwrap();
    }
    let waits: Vec<Duration> = bench.inner.seen().iter().map(|request| request.operation.quota_wait).collect();
    assert_eq!(waits[..2], [Duration::ZERO; 2]);
    assert!(is_about(waits[2], 3600), "{waits:?}");
    assert_eq!(statement.counts().waited, waits[2]);
    assert_eq!(statement.waiting(), []);
}

#[tokio::test]
async fn a_quota_without_room_is_an_error_that_says_what_to_do() {
    for (on_exhausted, reserve, says) in [
        (
            OnExhausted::Wait,
            0,
            "quota hourly is spent (0 of 2 left); it has room at 1994-11-06 09:49:37 UTC (in 60 min)",
        ),
        (
            OnExhausted::Wait,
            0,
            "that is more than tidegate.max_wait (120 s) allows to wait: raise it, or come back then",
        ),
        (OnExhausted::Stop, 0, "let the statement wait: SET tidegate.on_quota_exhausted = 'wait'"),
        (OnExhausted::Fail, 1, "quota hourly is spent but for the 1 that tidegate.quota_reserve keeps (1 of 2 left)"),
        (OnExhausted::Stop, 1, "or lower tidegate.quota_reserve"),
        (OnExhausted::Wait, 2, "a call needs 1 of quota hourly, which never has more than 0"),
    ] {
        let bench = Bench::new(vec![hourly(2)], (0..2).map(|_| status(200)).collect());
        let statement = spending(|spending| {
            spending.on_exhausted = on_exhausted;
            spending.reserve = Arc::new([("hourly".to_owned(), reserve)]);
        });
        for _ in 0..2 - reserve {
            bench.get(&statement).await.unwrap();
        }
        let error = bench.get(&statement).await.unwrap_err();
        assert_eq!((error.kind(), error.sent()), (ErrorKind::QuotaExhausted, Sent::No));
        let message = error.to_string();
        assert!(message.contains(says), "{message}");
        assert_eq!(bench.inner.seen().len() as u64, 2 - reserve);
        assert!(!error.is_transient());
    }
}

/// Retry over the layer.
fn retried(bench: &Bench) -> Retry {
    let jitter = Arc::new(Jitter::seeded(1));
    Retry::new(bench.meter.clone(), RetryPolicy::default(), bench.clock.clone(), jitter).metered()
}

async fn send(retry: &Retry, statement: &Arc<Statement>) -> Result<Response> {
    retry.send(request(URL, Repeat::Unsafe, statement)).await
}

#[tokio::test]
async fn a_surprise_costs_the_statement_a_wait_and_no_failure() {
    let script = vec![answer(429, &[("retry-after", "41")], "slow down"), status(200), status(200)];
    let bench = Bench::new(Vec::new(), script);
    let statement = Arc::new(Statement::with_retry_budget(1, 0));
    assert_eq!(send(&retried(&bench), &statement).await.unwrap().status, 200);
    let seen = bench.inner.seen();
    assert_eq!(seen.iter().map(|request| request.operation.attempt).collect::<Vec<_>>(), [1, 2]);
    assert!(is_about(seen[1].operation.quota_wait, 41), "{:?}", seen[1].operation.quota_wait);
    assert_eq!(statement.counts().waited, seen[1].operation.quota_wait);
    assert_eq!(
        bench.told(),
        [
            "crm: connection crm: the server refused a call as one too many, with status 429 (retry-after: 41; body: slow \
          down); all who share its quotas wait until it takes them again, at 1994-11-06 08:50:18 UTC (in 41 s)"
        ]
    );
}

/// Answers two calls when both are there.
#[derive(Debug)]
struct Together(Arc<Scripted>, Barrier);

#[async_trait::async_trait]
impl Transport for Together {
    async fn send(&self, request: Request) -> Result<Response> {
        self.1.wait().await;
        self.0.send(request).await
    }
}

#[tokio::test]
async fn a_surprise_closes_the_scope_for_everybody_and_is_told_once() {
    let late = || answer(429, &[("retry-after", "300")], "");
    let bench = Bench::new(Vec::new(), vec![status(200)]);
    let other = statement();
    let together = Together(Scripted::new([late(), late()]), Barrier::new(2));
    let meter = Meter::new(Arc::new(together), bench.metering.clone(), bench.clock.clone());
    // Two calls under way are both refused.
    let send = || meter.send(request(URL, Repeat::Safe, &other));
    let (first, second) = tokio::join!(send(), send());
    assert_eq!((first.unwrap().status.as_u16(), second.unwrap().status.as_u16()), (429, 429));
    assert_eq!(bench.told().len(), 1);
    let error = bench.get(&other).await.unwrap_err().to_string();
    assert!(error.contains("the server refuses calls for the time being"), "{error}");
    assert!(error.contains("08:54:37 UTC"), "{error}");
    assert!(bench.inner.seen().is_empty());
    bench.clock.advance(seconds(300));
    assert_eq!(bench.get(&other).await.unwrap().status, 200);
}

#[tokio::test]
async fn an_answer_that_means_429_is_handed_on_as_one() {
    let reset = quota("core", 3600, &[("remaining", "x-left"), ("reset epoch s", "x-reset")]);
    let throttles = vec![header(throttle(403), "x-left", "0"), body(throttle(200), "code", "THROTTLED")];
    let at = (NOW + 3000).to_string();
    for (script, retry_after) in [
        (answer(403, &[("x-left", "0"), ("x-reset", &at)], "no"), Some("3001")),
        (answer(403, &[("x-left", "0"), ("x-reset", &at), ("retry-after", "7")], "no"), Some("7")),
        (answer(403, &[("x-left", "0"), ("x-reset", &at), ("retry-after", "0")], "no"), Some("3001")),
        (answer(200, &[], r#"{"code":"THROTTLED"}"#), None),
    ] {
        let bench = Bench::with(vec![reset.clone()], throttles.clone(), vec![script], Arc::<MemoryStore>::default());
        let response = bench.get(&statement()).await.unwrap();
        assert_eq!(response.status, StatusCode::TOO_MANY_REQUESTS);
        let told = response.headers.get("retry-after").map(|value| value.to_str().unwrap());
        assert_eq!(told, retry_after);
        assert!(!response.body.collect(99).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_server_that_always_refuses_is_given_up() {
    let bench = Bench::new(Vec::new(), (0..9).map(|_| status(429)).collect());
    let statement = spending(|spending| spending.max_wait = seconds(3600));
    assert_eq!(send(&retried(&bench), &statement).await.unwrap().status, StatusCode::TOO_MANY_REQUESTS);
    let waits: Vec<_> = bench.inner.seen().iter().map(|request| request.operation.quota_wait.as_secs()).collect();
    assert_eq!(waits.len(), 9);
    assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]), "longer each time: {waits:?}");
}

#[tokio::test]
async fn a_token_endpoint_that_refuses_holds_up_no_calls() {
    let bench = Bench::new(Vec::new(), vec![answer(429, &[("retry-after", "90")], ""), status(200)]);
    let mut token = request(URL, Repeat::Unsafe, &statement());
    token.operation.purpose = Purpose::Token;
    assert_eq!(bench.meter.send(token.clone()).await.unwrap().status, StatusCode::TOO_MANY_REQUESTS);
    let call = bench.get(&statement()).await.unwrap();
    assert_eq!(call.status, 200);
    assert_eq!(bench.inner.seen()[1].operation.quota_wait, Duration::ZERO);
    let hurried = spending(|spending| spending.on_exhausted = OnExhausted::Stop);
    token.operation.statement = hurried;
    assert_eq!(bench.meter.send(token).await.unwrap_err().kind(), ErrorKind::QuotaExhausted);
}

/// A clock on which nobody wakes up by himself.
#[derive(Debug)]
struct Standing;

#[async_trait::async_trait]
impl Clock for Standing {
    fn now(&self) -> std::time::SystemTime {
        std::time::SystemTime::UNIX_EPOCH + seconds(NOW)
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending().await
    }

    fn uptime(&self) -> Option<crate::Uptime> {
        None
    }
}

#[tokio::test]
async fn cancelling_ends_a_wait_and_sends_nothing() {
    let inner = Scripted::new([status(200)]);
    let ledger = Arc::new(Ledger::new(Arc::<MemoryStore>::default(), Arc::new(Standing)));
    let metering = Metering { quotas: vec![hourly(1)], ..Metering::new(ledger, "key", "crm") };
    let meter = Meter::new(inner.clone(), Arc::new(metering), Arc::new(Standing));
    let statement = spending(|spending| {
        spending.max_wait = seconds(7200);
        spending.max_calls = Some(2);
    });
    meter.send(request(URL, Repeat::Safe, &statement)).await.unwrap();
    let sending = meter.send(request(URL, Repeat::Safe, &statement));
    let cancelling = async {
        while statement.waiting().is_empty() {
            tokio::task::yield_now().await;
        }
        let waiting = statement.waiting();
        assert_eq!((&*waiting[0].connection, &*waiting[0].quota), ("crm", "hourly"));
        assert!(waiting[0].until.is_some());
        statement.cancellation().cancel();
    };
    let (result, ()) = tokio::join!(sending, cancelling);
    let error = result.unwrap_err();
    assert!(error.is_cancelled() && error.sent() == Sent::No);
    assert_eq!(statement.waiting(), []);
    assert_eq!(inner.seen().len(), 1);
    assert!(statement.begin_call(), "the call that was not made is given back");
}
