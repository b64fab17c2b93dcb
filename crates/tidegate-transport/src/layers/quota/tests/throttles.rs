//! Refusals: which answers are some, whom they concern, and for how long.

use super::*;

/// Whom a refusal concerns and for how many seconds; nothing for an answer that is none.
fn refusal(
    quotas: &[MeteredQuota],
    throttles: &[Throttle],
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<(String, Option<f64>)> {
    let metering = metering(quotas.to_vec(), throttles.to_vec());
    let (settlement, _) = reading(&metering, Some("b1"), status, headers, body);
    assert!(!(settlement.throttled.is_some() && settlement.is_error));
    settlement.throttled.map(|throttling| {
        let quota = throttling.quota.as_deref().unwrap_or("all");
        (format!("{} {quota}", throttling.scope), throttling.wait.map(|wait| wait.as_secs_f64()))
    })
}

#[test]
fn only_answers_that_match_in_every_part_are_refusals() {
    let github = || header(throttle(403), "x-ratelimit-remaining", "0");
    let secondary = || body(throttle(403), "message", "secondary rate limit");
    let shopify = || body(throttle(200), "errors.extensions.code", "THROTTLED");
    let force = || body(throttle(403), "errorCode", "REQUEST_LIMIT");
    let google = || body(throttle(403), "error.errors.reason", "rateLimitExceeded");
    let big = format!(r#"{{"message":"secondary rate limit{}"}}"#, " ".repeat(64 * 1024));
    let cases: &[(Throttle, u16, Headers<'_>, &str, bool)] = &[
        (github(), 403, &[("x-ratelimit-remaining", "0")], "", true),
        (github(), 403, &[("x-ratelimit-remaining", "10")], "", false),
        (github(), 403, &[], "", false),
        (github(), 404, &[("x-ratelimit-remaining", "0")], "", false),
        (github(), 429, &[], "", true),
        (secondary(), 403, &[], r#"{"message":"You have exceeded a secondary rate limit."}"#, true),
        (secondary(), 403, &[], r#"{"message":"Must have admin rights"}"#, false),
        (secondary(), 403, &[], "secondary rate limit", false),
        (secondary(), 403, &[], &big, false),
        (shopify(), 200, &[], r#"{"errors":[{"x":1},{"extensions":{"code":"THROTTLED"}}]}"#, true),
        (shopify(), 200, &[], r#"{"data":{"errors":["THROTTLED"]}}"#, false),
        (force(), 403, &[], r#"[{"errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#, true),
        (google(), 403, &[], r#"{"error":{"errors":[{"reason":"userRateLimitExceeded"}]}}"#, true),
        (body(throttle(403), "", "limit"), 403, &[], r#""the limit""#, true),
        (body(throttle(403), "code", "17"), 403, &[], r#"{"code":17}"#, true),
    ];
    for (number, (throttle, status, headers, body, is_refusal)) in cases.iter().enumerate() {
        let refused = refusal(&[], std::slice::from_ref(throttle), *status, headers, body).is_some();
        assert_eq!(refused, *is_refusal, "case {number}");
    }
}

#[test]
fn what_a_refusal_looks_like_is_declared_of_the_own_origin() {
    let metering = metering(Vec::new(), vec![throttle(403)]);
    let operation = operation(Some("b1"), Purpose::Read);
    let outlay = Outlay::new(&metering, &operation);
    for (status, is_own, is_refusal) in [(403, true, true), (403, false, false), (429, true, true), (429, false, true)]
    {
        let headers = header_map(&[]);
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answered::new(status, &headers, None, clock().now());
        let settlement = read(&metering, &outlay, &answer, is_own).settlement;
        assert_eq!(settlement.throttled.is_some(), is_refusal, "{status} {is_own}");
    }
}

#[test]
fn a_refusal_says_whom_it_concerns_and_for_how_long() {
    let daily =
        per(Per::Partition, quota("daily", 86_400, &[("remaining", "x-day"), ("reset seconds", "x-day-reset")]));
    let minutely = quota("minutely", 60, &[("remaining", "x-min"), ("reset seconds", "x-min-reset")]);
    let blind = quota("blind", 60, &[("reset seconds", "x-blind-reset")]);
    let quotas = [daily, minutely, blind];
    let cases: &[(Headers<'_>, &str, Option<f64>)] = &[
        (&[], "2 all", None),
        (&[("retry-after", "7")], "2 all", Some(7.0)),
        (&[("retry-after", "0.5")], "2 all", Some(0.5)),
        // It means nothing.
        (&[("retry-after", "0")], "2 all", None),
        (&[("retry-after", "784111877")], "2 all", None),
        (&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")], "2 all", Some(30.0)),
        (
            &[("retry-after", "Sun, 06 Nov 1994 09:50:07 GMT"), ("date", "Sun, 06 Nov 1994 09:49:37 GMT")],
            "2 all",
            Some(30.0),
        ),
        // The quota that is spent is the one that refused.
        (&[("x-min", "0"), ("x-min-reset", "9"), ("x-day", "70"), ("x-day-reset", "9000")], "0 minutely", Some(10.0)),
        (&[("x-min", "0"), ("x-min-reset", "9"), ("retry-after", "7")], "0 minutely", Some(7.0)),
        (&[("x-min", "0"), ("retry-after", "0")], "0 minutely", None),
        (&[("x-day", "0"), ("x-day-reset", "9000"), ("x-min", "3"), ("x-min-reset", "9")], "2 daily", Some(9001.0)),
        (&[("x-day", "0"), ("x-day-reset", "9000"), ("x-min", "0"), ("x-min-reset", "9")], "2 all", Some(9001.0)),
        // What has room names no time to wait for.
        (&[("x-min", "3"), ("x-min-reset", "9")], "2 all", None),
        (&[("x-blind-reset", "20")], "2 all", Some(21.0)),
        (&[("x-blind-reset", "20"), ("x-min-reset", "9")], "2 all", Some(10.0)),
    ];
    for (headers, whom, wait) in cases {
        assert_eq!(refusal(&quotas, &[], 429, headers, ""), Some(((*whom).to_owned(), *wait)), "{headers:?}");
    }
}

#[test]
fn the_true_wait_may_stand_in_the_body() {
    let quotas = [quota("burst", 60, &[("reset seconds", "$retry_after")])];
    let said = refusal(&quotas, &[], 429, &[("retry-after", "0")], r#"{"retry_after":12.5}"#);
    assert_eq!(said, Some(("2 all".to_owned(), Some(12.5))));
}

#[test]
fn errors_and_overload_are_told_apart_from_refusals() {
    let github = [header(throttle(403), "x-ratelimit-remaining", "0")];
    for (status, headers, is_error, is_overload, is_refusal) in [
        (200, &[][..], false, false, false),
        (304, &[], false, false, false),
        (400, &[], true, false, false),
        (401, &[], true, false, false),
        (403, &[], true, false, false),
        (403, &[("x-ratelimit-remaining", "0")], false, false, true),
        (404, &[], true, false, false),
        (429, &[], false, false, true),
        (500, &[], false, true, false),
        (503, &[], false, true, false),
    ] {
        let (settlement, _) = reading(&metering(Vec::new(), github.to_vec()), None, status, headers, "");
        let found = (settlement.is_error, settlement.is_overload, settlement.throttled.is_some());
        assert_eq!(found, (is_error, is_overload, is_refusal), "{status}");
    }
}
