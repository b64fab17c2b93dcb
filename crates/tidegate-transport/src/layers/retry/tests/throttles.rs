//! Answers 429 over a quota layer, and tokens that are refused.

use super::*;

/// What a script costs over a quota layer: the last answer, attempts, and sleeps.
async fn run(repeat: Repeat, budget: u64, script: Vec<Result<Response>>) -> (Response, Vec<u32>, Vec<Duration>) {
    let (clock, inner) = (clock(), Scripted::new(script));
    let retry = Retry::new(inner.clone(), RetryPolicy::default(), clock.clone(), Arc::new(Jitter::seeded(1))).metered();
    let statement = Arc::new(Statement::with_retry_budget(1, budget));
    let response = retry.send(request("http://a.example/x", repeat, &statement)).await.unwrap();
    let attempts = inner.seen().iter().map(|request| request.operation.attempt).collect();
    (response, attempts, clock.sleeps())
}

fn later() -> Result<Response> {
    answer(429, &[("retry-after", "3000")], "")
}

#[tokio::test]
async fn what_waits_in_the_ledger_is_sent_again_at_once() {
    for repeat in [Repeat::Safe, Repeat::Unsafe] {
        let (response, attempts, sleeps) = run(repeat, 0, vec![later(), later(), status(200)]).await;
        assert_eq!((response.status.as_u16(), attempts, sleeps), (200, vec![1, 2, 3], vec![]));
    }
}

#[tokio::test]
async fn a_request_is_refused_so_often_and_no_more() {
    let (response, attempts, sleeps) = run(Repeat::Unsafe, 20, (0..9).map(|_| later()).collect()).await;
    assert_eq!((response.status.as_u16(), attempts.len(), sleeps.len()), (429, 1 + MAX_THROTTLED as usize, 0));
}

#[tokio::test]
async fn refusals_are_no_attempts_of_the_policy() {
    let script = vec![later(), status(503), later(), status(503), status(503), later(), status(503), status(200)];
    let (response, attempts, sleeps) = run(Repeat::Safe, 4, script).await;
    assert_eq!((response.status.as_u16(), attempts), (200, (1..=8).collect()));
    for (sleep, most) in sleeps.iter().zip([250, 500, 1000, 2000]) {
        assert!(*sleep <= Duration::from_millis(most), "{sleeps:?}");
    }
    assert_eq!(sleeps.len(), 4);
}

#[tokio::test]
async fn a_refused_token_is_tried_once_more_at_its_own_origin() {
    let own = url::Url::parse("http://a.example/").unwrap().origin();
    let other = url::Url::parse("http://b.example/").unwrap().origin();
    for (renews, script, last, calls) in [
        (Some(&own), vec![401, 200], 200, 2),
        (Some(&own), vec![401, 401], 401, 2),
        (Some(&own), vec![401, 503, 200], 200, 3),
        (Some(&other), vec![401], 401, 1),
        (None, vec![401], 401, 1),
    ] {
        for repeat in [Repeat::Safe, Repeat::Unsafe] {
            if repeat == Repeat::Unsafe && script.contains(&503) {
                continue;
            }
            let inner = Scripted::new(script.iter().map(|code| status(*code)));
            let mut retry = Retry::new(inner.clone(), RetryPolicy::default(), clock(), Arc::new(Jitter::seeded(1)));
            if let Some(origin) = renews {
                retry = retry.renewing(origin.clone());
            }
            // A statement without retries left: a token that runs out is no reason to fail.
            let budget = u64::from(script.contains(&503));
            let statement = Arc::new(Statement::with_retry_budget(1, budget));
            let response = retry.send(request("http://a.example/x", repeat, &statement)).await.unwrap();
            assert_eq!((response.status.as_u16(), inner.seen().len()), (last, calls), "{script:?}");
        }
    }
}
