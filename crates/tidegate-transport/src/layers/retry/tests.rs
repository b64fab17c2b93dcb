//! The table of decisions as a snapshot, and what the layer does with them: waits, budgets, messages.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, StatusCode};

use super::*;
use crate::testing::{Scripted, answer, clock, failure, request, status};
use crate::{ErrorKind, Repeat};

const KINDS: [ErrorKind; 14] = [
    ErrorKind::Connect,
    ErrorKind::Tls,
    ErrorKind::Timeout,
    ErrorKind::Broken,
    ErrorKind::TooLarge,
    ErrorKind::Cancelled,
    ErrorKind::OriginRefused,
    ErrorKind::Redirect,
    ErrorKind::NotRecorded,
    ErrorKind::File,
    ErrorKind::Credentials,
    ErrorKind::Invalid,
    ErrorKind::CallBound,
    ErrorKind::QuotaExhausted,
];

#[test]
fn decisions() {
    let statuses = (100..=599).filter_map(|code| StatusCode::from_u16(code).ok());
    let declared = [("429 over a quota layer", Outcome::Throttled), ("a token refused", Outcome::Renewed)];
    let declared = declared.map(|(name, outcome)| (name.to_owned(), outcome));
    let statuses = statuses.map(|status| (format!("status {}", status.as_u16()), Outcome::Status(status)));
    let outcomes = statuses.chain(declared).chain(KINDS.into_iter().flat_map(|kind| {
        [Sent::No, Sent::Maybe].map(|sent| (format!("{kind:?}, sent: {sent:?}"), Outcome::Failed(kind, sent)))
    }));
    // Statuses that are repeated in neither case are left out: they are all others of 100 to 599.
    let table: Vec<_> = outcomes
        .map(|(name, outcome)| (name, decide(outcome, Repeat::Safe), decide(outcome, Repeat::Unsafe)))
        .filter(|(name, safe, risky)| *safe || *risky || !name.starts_with("status"))
        .map(|(name, safe, risky)| format!("{name:<30} safe: {:<6} unsafe: {}", verb(safe), verb(risky)))
        .collect();
    insta::assert_snapshot!(table.join("\n"));
}

fn verb(again: bool) -> &'static str {
    if again { "repeat" } else { "-" }
}

/// What a request with this script costs.
struct Run {
    result: Result<Response>,
    attempts: Vec<u32>,
    sleeps: Vec<Duration>,
    left: u64,
    waited: Duration,
}

async fn run(repeat: Repeat, budget: u64, script: Vec<Result<Response>>) -> Run {
    let purpose = if repeat == Repeat::Safe { Purpose::Read } else { Purpose::Write };
    run_for(purpose, repeat, budget, script).await
}

async fn run_for(purpose: Purpose, repeat: Repeat, budget: u64, script: Vec<Result<Response>>) -> Run {
    let (clock, inner) = (clock(), Scripted::new(script));
    let statement = Arc::new(Statement::with_retry_budget(1, budget));
    let jitter = Arc::new(Jitter::seeded(1));
    let retry = Retry::new(inner.clone(), RetryPolicy::default(), clock.clone(), jitter);
    let mut asked = request("http://a.example/x", repeat, &statement);
    asked.operation.purpose = purpose;
    let result = retry.send(asked).await;
    let mut left = 0;
    while statement.take_retry() {
        left += 1;
    }
    Run {
        result,
        attempts: inner.seen().iter().map(|request| request.operation.attempt).collect(),
        sleeps: clock.sleeps(),
        left,
        waited: statement.counts().waited,
    }
}

#[tokio::test]
async fn a_passing_trouble_is_repeated_with_growing_waits() {
    let script = vec![status(503), failure(ErrorKind::Broken, Sent::Maybe), status(502), status(504), status(200)];
    let run = run(Repeat::Safe, 20, script).await;
    assert_eq!(run.result.unwrap().status, 200);
    assert_eq!(run.attempts, [1, 2, 3, 4, 5]);
    assert_eq!(run.left, 16);
    assert_eq!(run.waited, run.sleeps.iter().sum::<Duration>());
    for (sleep, most) in run.sleeps.iter().zip([250, 500, 1000, 2000]) {
        assert!(*sleep <= Duration::from_millis(most), "{:?}", run.sleeps);
    }
    assert!(run.sleeps.iter().any(|sleep| !sleep.is_zero()));
}

#[test]
fn backoff_doubles_up_to_its_cap() {
    let policy = RetryPolicy::default();
    let waits: Vec<_> = [1, 2, 3, 7, 8, 33, 1000].map(|attempt| policy.backoff(attempt).as_millis()).into();
    assert_eq!(waits, [250, 500, 1000, 16_000, 20_000, 20_000, 20_000]);
}

#[tokio::test]
async fn the_last_answer_is_handed_on_when_attempts_are_exhausted() {
    let run = run(Repeat::Safe, 20, (0..5).map(|_| status(503)).collect()).await;
    assert_eq!(run.result.unwrap().status, 503);
    assert_eq!(run.attempts.len(), 5);
}

#[tokio::test]
async fn the_last_error_says_how_often_it_was_tried() {
    for (repeat, budget, failures, message) in [
        (Repeat::Safe, 20, 5, "a scripted Broken (after 5 attempts)"),
        (Repeat::Safe, 1, 2, "a scripted Broken (after 2 attempts; this statement has used up its retries)"),
        (Repeat::Safe, 0, 1, "a scripted Broken (not tried again: this statement has used up its retries)"),
        (Repeat::Unsafe, 20, 1, "a scripted Broken"),
    ] {
        let script = (0..failures).map(|_| failure(ErrorKind::Broken, Sent::Maybe)).collect();
        let run = run(repeat, budget, script).await;
        assert_eq!(run.result.unwrap_err().to_string(), message);
        assert_eq!(run.attempts.len(), failures);
    }
}

#[tokio::test]
async fn a_server_that_was_never_reached_is_soon_given_up() {
    let refused = || failure(ErrorKind::Connect, Sent::No);
    let unanswered = || failure(ErrorKind::Timeout, Sent::No);
    let cases = [
        (vec![refused(), refused()], 2),
        (vec![unanswered(), refused()], 2),
        (vec![failure(ErrorKind::Broken, Sent::Maybe), refused()], 2),
        (vec![refused(), status(503), refused(), refused(), refused()], 5),
    ];
    for (script, attempts) in cases {
        let run = run(Repeat::Safe, 20, script).await;
        let message = run.result.unwrap_err().to_string();
        assert!(message.ends_with(&format!("(after {attempts} attempts)")), "{message}");
        assert_eq!(run.attempts.len(), attempts);
    }
}

#[tokio::test]
async fn a_change_is_repeated_only_when_it_had_no_effect() {
    for (first, attempts) in [
        (status(503), 1),
        (answer(503, &[("retry-after", "1")], ""), 1),
        (failure(ErrorKind::Timeout, Sent::Maybe), 1),
        (failure(ErrorKind::Connect, Sent::No), 2),
        (status(429), 2),
    ] {
        let run = run(Repeat::Unsafe, 20, vec![first, status(200)]).await;
        assert_eq!(run.attempts.len(), attempts);
    }
}

/// What is told of a change under a key: a status, or whether the server may have seen it.
fn told(result: Result<Response>) -> String {
    match result {
        Ok(response) => response.status.as_u16().to_string(),
        Err(error) => format!("{:?}", error.sent()),
    }
}

#[tokio::test]
async fn what_an_earlier_attempt_may_have_done_is_not_forgotten() {
    let lost = || failure(ErrorKind::Broken, Sent::Maybe);
    let refused = || failure(ErrorKind::Connect, Sent::No);
    let bound = || failure(ErrorKind::CallBound, Sent::No);
    for (script, expected) in [
        (vec![lost(), refused(), refused(), refused(), refused()], "Maybe"),
        (vec![lost(), bound()], "Maybe"),
        (vec![status(503), failure(ErrorKind::QuotaExhausted, Sent::No)], "Maybe"),
        (vec![status(504), failure(ErrorKind::Cancelled, Sent::No)], "Maybe"),
        (vec![refused(), bound()], "No"),
        (vec![status(429), bound()], "No"),
        (vec![bound()], "No"),
        // These tell of the last attempt alone.
        (vec![lost(), status(401)], "Maybe"),
        (vec![lost(), status(403)], "Maybe"),
        (vec![status(502), status(409)], "Maybe"),
        // Under a key these tell of all.
        (vec![lost(), status(200)], "200"),
        (vec![lost(), status(422)], "422"),
        (vec![lost(), status(404)], "404"),
        // Nothing was left open before these.
        (vec![refused(), status(409)], "409"),
        (vec![status(429), status(403)], "403"),
    ] {
        let said = format!("{script:?}");
        let run = run_for(Purpose::Write, Repeat::Safe, 20, script).await;
        assert_eq!(told(run.result), expected, "{said}");
    }
    // A read that is refused is refused.
    let read = run(Repeat::Safe, 20, vec![lost(), status(403)]).await;
    assert_eq!(told(read.result), "403");
}

#[tokio::test]
async fn the_server_says_how_long_to_wait() {
    for (value, wait) in [
        ("7", Some(7.0)),
        ("1.5", Some(1.5)),
        ("120", Some(120.0)),
        ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30.0)),
        ("0", None),
        ("-3", None),
        ("soon", None),
        ("inf", None),
        ("1753095600", None),
        ("Sun, 06 Nov 1994 08:49:00 GMT", None),
    ] {
        let run = run(Repeat::Safe, 20, vec![answer(429, &[("retry-after", value)], ""), status(200)]).await;
        assert_eq!(run.result.unwrap().status, 200, "{value}");
        match wait {
            Some(wait) => assert_eq!(run.sleeps, [Duration::from_secs_f64(wait)], "{value}"),
            None => assert!(run.sleeps[0] <= Duration::from_millis(250), "{value}: {:?}", run.sleeps),
        }
    }
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_the_users_to_decide() {
    for value in ["121", "Sun, 06 Nov 1994 10:00:00 GMT"] {
        let run = run(Repeat::Safe, 20, vec![answer(429, &[("retry-after", value)], "")]).await;
        let response = run.result.unwrap();
        assert_eq!(response.status, 429);
        assert_eq!(response.headers["retry-after"], value);
        assert_eq!((run.sleeps.len(), run.left), (0, 20));
    }
}

#[test]
fn a_wait_is_none_without_the_header() {
    assert_eq!(retry_after(&HeaderMap::new(), SystemTime::UNIX_EPOCH), None);
    let junk = HeaderMap::from_iter([(http::header::RETRY_AFTER, HeaderValue::from_bytes(b"\xff").unwrap())]);
    assert_eq!(retry_after(&junk, SystemTime::UNIX_EPOCH), None);
}

/// A clock that stands still: who sleeps is only woken by something else.
#[derive(Debug)]
struct Standing;

#[async_trait]
impl Clock for Standing {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
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
async fn cancelling_ends_a_wait_and_sends_nothing_more() {
    let inner = Scripted::new([status(503)]);
    let jitter = Arc::new(Jitter::seeded(1));
    let retry = Retry::new(inner.clone(), RetryPolicy::default(), Arc::new(Standing), jitter);
    let statement = Arc::new(Statement::new(1));
    let sending = retry.send(request("http://a.example/x", Repeat::Safe, &statement));
    let cancelling = async {
        while inner.seen().is_empty() {
            tokio::task::yield_now().await;
        }
        statement.cancellation().cancel();
    };
    let (result, ()) = tokio::join!(sending, cancelling);
    assert!(result.unwrap_err().is_cancelled());

    let again = retry.send(request("http://a.example/x", Repeat::Safe, &statement)).await.unwrap_err();
    assert!(again.is_cancelled());
    assert_eq!(again.sent(), Sent::No);
    assert_eq!(inner.seen().len(), 1);
}

mod throttles;
