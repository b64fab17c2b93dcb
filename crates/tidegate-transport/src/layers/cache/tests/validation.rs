//! Asking whether a stored answer holds, and what a 304 changes.

use super::*;
use crate::testing::failure;

const OLD: &str = "Sun, 06 Nov 1994 08:00:00 GMT";

fn stale(headers: &[(&str, &str)], body: &str) -> Result<Response> {
    let all: Vec<_> = headers.iter().copied().chain([("cache-control", "max-age=0")]).collect();
    answer(200, &all, body)
}

#[tokio::test]
async fn a_304_is_an_answer_if_it_speaks_of_the_stored_one() {
    let both = "ask(\"e1\" Sun, 06 Nov 1994 08:00:00 GMT)";
    for (stored, told, expected) in [
        (&[("etag", "\"e1\"")][..], &[("etag", "\"e1\"")][..], "ask(\"e1\") 200 a".to_owned()),
        (&[("etag", "W/\"e1\"")], &[("etag", "\"e1\"")], "ask(W/\"e1\") 200 a".to_owned()),
        (&[("etag", "\"e1\"")], &[], "ask(\"e1\") 200 a".to_owned()),
        (&[("last-modified", OLD)], &[("last-modified", OLD)], format!("ask({OLD}) 200 a")),
        (&[("last-modified", OLD)], &[], format!("ask({OLD}) 200 a")),
        (&[("etag", "\"e1\""), ("last-modified", OLD)], &[("etag", "\"e1\"")], format!("{both} 200 a")),
        // Of another one: it is asked for without conditions, once.
        (&[("etag", "\"e1\"")], &[("etag", "\"e2\"")], "ask(\"e1\")+ask 200 b".to_owned()),
        (&[("last-modified", OLD)], &[("etag", "\"e2\"")], format!("ask({OLD})+ask 200 b")),
        (&[("last-modified", OLD)], &[("last-modified", DATE)], format!("ask({OLD})+ask 200 b")),
    ] {
        let bed = Bed::new([stale(stored, "a"), answer(304, told, ""), answer(200, &[], "b")]);
        assert_eq!(bed.get().await, "ask 200 a");
        let second = read(on());
        let statement = Arc::clone(&second.operation.statement);
        assert_eq!(bed.send(second).await, expected, "{stored:?} {told:?}");
        assert_eq!(statement.counts().revalidated, u64::from(expected.ends_with('a')), "{stored:?} {told:?}");
        assert_eq!(statement.counts().cache_hits, 0, "it was a call");
    }
}

#[tokio::test]
async fn a_304_that_answers_no_condition_is_handed_on() {
    let bed = Bed::new([answer(304, &[], ""), answer(304, &[], "")]);
    assert_eq!(bed.get().await, "ask 304");
    assert_eq!(bed.get().await, "ask 304");
}

#[tokio::test]
async fn a_304_brings_new_fields_and_freshness() {
    let stored = [
        ("etag", "\"e1\""),
        ("link", "<https://a.example/2>; rel=\"next\""),
        ("link", "<https://a.example/9>; rel=\"last\""),
        ("x-left", "9"),
        ("content-type", "application/json"),
        ("cache-control", "max-age=0"),
    ];
    let told = [
        ("etag", "\"e1\""),
        ("x-left", "8"),
        ("x-left", "7"),
        ("x-new", "1"),
        ("content-type", "text/html"),
        ("content-length", "0"),
        ("cache-control", "max-age=60"),
        ("date", DATE),
    ];
    let bed = Bed::new([answer(200, &stored, "a"), answer(304, &told, "")]);
    bed.get().await;
    for _ in 0..2 {
        let response = bed.cache.send(read(on())).await.unwrap();
        let all = |name: &str| -> Vec<String> {
            response.headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
        };
        assert_eq!(all("link").len(), 2, "a field that the 304 does not have stays, with all its values");
        assert_eq!(all("x-left"), ["8", "7"]);
        assert_eq!(all("x-new"), ["1"]);
        assert_eq!(all("content-type"), ["application/json"]);
        assert_eq!(all("content-length"), [""; 0]);
        bed.wait(20);
    }
    assert_eq!(bed.server.seen().len(), 2, "fresh again");
}

#[tokio::test]
async fn answers_that_take_the_place_of_a_stale_one() {
    for (status, third) in [(200, "ask 200 c"), (404, "ask 200 c"), (500, "ask(\"e1\") 200 c")] {
        let bed = Bed::new([stale(&[("etag", "\"e1\"")], "a"), answer(status, &[], "b"), answer(200, &[], "c")]);
        bed.get().await;
        assert_eq!(bed.get().await, format!("ask(\"e1\") {status} b"));
        assert_eq!(bed.get().await, third, "after {status}");
    }
}

#[tokio::test]
async fn a_stored_answer_stands_in_only_where_that_is_asked_for() {
    let asked = Caching { stale_if_error: Duration::from_secs(60), ..on() };
    let failures: [fn() -> Result<Response>; 6] = [
        || answer(503, &[], "b"),
        || answer(429, &[], "b"),
        || failure(ErrorKind::Connect, Sent::No),
        || failure(ErrorKind::Timeout, Sent::Maybe),
        || failure(ErrorKind::QuotaExhausted, Sent::No),
        || failure(ErrorKind::Cancelled, Sent::Maybe),
    ];
    for (at, fails) in failures.iter().enumerate() {
        let how = |caching: Caching, headers: &'static [(&str, &str)], later: u64| async move {
            let bed = Bed::new([answer(200, headers, "a"), fails()]);
            bed.send(read(Caching { stale_if_error: Duration::from_secs(60), ..on() })).await;
            bed.wait(later);
            let second = read(caching);
            let statement = Arc::clone(&second.operation.statement);
            let how = bed.send(second).await;
            (how.starts_with("ask+stale_if_error 200 a"), statement.remarks().len())
        };
        let is_passing = at < 5;
        assert_eq!(how(asked.clone(), &[], 60).await, (is_passing, usize::from(is_passing)), "{at}");
        assert_eq!(how(asked.clone(), &[], 61).await, (false, 0), "too old: {at}");
        assert_eq!(how(on(), &[], 1).await, (false, 0), "not asked for: {at}");
        let forbidden = &[("cache-control", "max-age=1, must-revalidate")];
        assert_eq!(how(asked.clone(), forbidden, 2).await, (false, 0), "forbidden: {at}");
        let allowed = &[("cache-control", "max-age=1, stale-if-error=60")];
        assert_eq!(how(on(), allowed, 2).await, (false, 0), "the server alone does not say so: {at}");
    }
}

#[tokio::test]
async fn refusals_are_no_failures() {
    let caching = Caching { stale_if_error: Duration::from_secs(60), ..on() };
    for status in [400, 401, 403, 404] {
        let bed = Bed::new([answer(200, &[], "a"), answer(status, &[], "b")]);
        bed.send(read(caching.clone())).await;
        assert_eq!(bed.send(read(caching.clone())).await, format!("ask {status} b"));
    }
}

#[tokio::test]
async fn what_tells_too_little_or_too_much_is_asked_by_nothing() {
    let long = "x".repeat(2_000);
    for headers in [
        // A second change within the second has the same date (RFC 9110, 8.8.2.2).
        vec![("last-modified", DATE), ("date", DATE)],
        vec![("etag", long.as_str())],
    ] {
        let bed = Bed::new([stale(&headers, "a"), answer(200, &[], "b")]);
        bed.get().await;
        assert_eq!(bed.get().await, "ask 200 b", "{headers:?}");
    }
}
