//! Throttling that is declared, and tokens that are refused.

use http::HeaderName;

use super::*;

const NOW: u64 = 784_111_777;

fn throttle(status: u16) -> Throttle {
    let status = Some(StatusCode::from_u16(status).unwrap());
    Throttle { status, headers: Vec::new(), body: None, reset: None }
}

fn header(mut throttle: Throttle, name: &'static str, value: &str) -> Throttle {
    throttle.headers.push((HeaderName::from_static(name), value.to_owned()));
    throttle
}

fn body(mut throttle: Throttle, path: &str, contains: &str) -> Throttle {
    let path = path.split('.').filter(|step| !step.is_empty()).map(str::to_owned).collect();
    throttle.body = Some(ThrottledBody { path, contains: Some(contains.to_owned()), equals: None });
    throttle
}

fn reset(mut throttle: Throttle, reset: fn(HeaderName) -> Reset) -> Throttle {
    throttle.reset = Some(reset(HeaderName::from_static("x-ratelimit-reset")));
    throttle
}

/// What a script costs where these answers mean throttling: the last answer, calls and sleeps.
async fn run(
    repeat: Repeat,
    throttles: &[Throttle],
    script: Vec<Result<Response>>,
) -> (Response, usize, Vec<Duration>) {
    let (clock, inner) = (clock(), Scripted::new(script));
    let policy = RetryPolicy { throttles: throttles.to_vec(), ..RetryPolicy::default() };
    let retry = Retry::new(inner.clone(), policy, clock.clone(), Arc::new(Jitter::seeded(1)));
    let response = retry.send(request("http://a.example/x", repeat, &Arc::new(Statement::new(1)))).await.unwrap();
    (response, inner.seen().len(), clock.sleeps())
}

#[tokio::test]
async fn only_answers_that_match_in_every_part_are_repeated() {
    let github = || header(throttle(403), "x-ratelimit-remaining", "0");
    let secondary = || body(throttle(403), "message", "secondary rate limit");
    let shopify = || body(throttle(200), "errors.extensions.code", "THROTTLED");
    let force = || body(throttle(403), "errorCode", "REQUEST_LIMIT");
    let big = format!(r#"{{"message":"secondary rate limit{}"}}"#, " ".repeat(64 * 1024));
    let cases: Vec<(Throttle, Result<Response>, bool)> = vec![
        (github(), answer(403, &[("x-ratelimit-remaining", "0")], ""), true),
        (github(), answer(403, &[("x-ratelimit-remaining", "10")], ""), false),
        (github(), answer(403, &[], ""), false),
        (github(), answer(404, &[("x-ratelimit-remaining", "0")], ""), false),
        (secondary(), answer(403, &[], r#"{"message":"You have exceeded a secondary rate limit."}"#), true),
        (secondary(), answer(403, &[], r#"{"message":"Must have admin rights"}"#), false),
        (secondary(), answer(403, &[], "secondary rate limit"), false),
        (secondary(), answer(403, &[], &big), false),
        (shopify(), answer(200, &[], r#"{"errors":[{"x":1},{"extensions":{"code":"THROTTLED"}}]}"#), true),
        (shopify(), answer(200, &[], r#"{"data":{"errors":["THROTTLED"]}}"#), false),
        (force(), answer(403, &[], r#"[{"errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#), true),
        (body(throttle(403), "", "limit"), answer(403, &[], r#""the limit""#), true),
        (body(throttle(403), "code", "17"), answer(403, &[], r#"{"code":17}"#), true),
    ];
    for (number, (throttle, first, is_throttled)) in cases.into_iter().enumerate() {
        for repeat in [Repeat::Safe, Repeat::Unsafe] {
            let first = match &first {
                Ok(response) => {
                    let bytes = response.body.whole().unwrap().to_vec();
                    Ok(Response {
                        headers: response.headers.clone(),
                        url: response.url.clone(),
                        status: response.status,
                        body: crate::Body::from(bytes::Bytes::from(bytes)),
                    })
                }
                Err(_) => unreachable!("all are answers"),
            };
            let (response, calls, _) = run(repeat, std::slice::from_ref(&throttle), vec![first, status(204)]).await;
            assert_eq!((response.status == 204, calls == 2), (is_throttled, is_throttled), "case {number}");
        }
    }
}

#[tokio::test]
async fn the_reset_says_how_long_to_wait_unless_retry_after_does() {
    let (soon, late) = ((NOW + 90).to_string(), (NOW + 3_000).to_string());
    let millis = format!("{soon}500");
    for (form, value, wait) in [
        (Reset::EpochSeconds as fn(HeaderName) -> Reset, soon.as_str(), Some(90_000)),
        (Reset::EpochMillis, millis.as_str(), Some(90_500)),
        (Reset::Seconds, "1.5", Some(1_500)),
        (Reset::EpochSeconds, "12", None),
        (Reset::EpochSeconds, "soon", None),
        (Reset::Seconds, "-1", None),
    ] {
        let throttles = [reset(throttle(403), form)];
        let script = vec![answer(403, &[("x-ratelimit-reset", value)], ""), status(200)];
        let (_, calls, sleeps) = run(Repeat::Safe, &throttles, script).await;
        assert_eq!(calls, 2, "{value}");
        match wait {
            Some(wait) => {
                assert!(sleeps[0].abs_diff(Duration::from_millis(wait)).as_millis() < 2, "{value}: {sleeps:?}")
            }
            None => assert!(sleeps[0] <= Duration::from_millis(250), "{value}: {sleeps:?}"),
        }
    }
    let throttles = [reset(throttle(403), Reset::EpochSeconds)];
    let both = answer(403, &[("x-ratelimit-reset", &late), ("retry-after", "7")], "");
    assert_eq!(run(Repeat::Safe, &throttles, vec![both, status(200)]).await.2, [Duration::from_secs(7)]);
}

#[tokio::test]
async fn what_is_handed_on_is_429_and_says_when_to_come_back() {
    let late = (NOW + 3_000).to_string();
    let throttles = [reset(throttle(403), Reset::EpochSeconds), body(throttle(200), "code", "THROTTLED")];
    let script = vec![answer(403, &[("x-ratelimit-reset", &late)], "no")];
    let (response, calls, _) = run(Repeat::Safe, &throttles, script).await;
    assert_eq!((response.status.as_u16(), calls), (429, 1));
    assert_eq!(response.headers["retry-after"], "3000");
    assert_eq!(response.body.collect(9).await.unwrap(), "no");

    let script = (0..5).map(|_| answer(200, &[], r#"{"code":"THROTTLED"}"#)).collect();
    let (response, calls, _) = run(Repeat::Safe, &throttles, script).await;
    assert_eq!((response.status.as_u16(), calls), (429, 5));
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
