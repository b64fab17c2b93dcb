//! Servers that say nonsense, and what the reader gets all the same.

use super::*;

#[tokio::test]
async fn nonsense_in_headers_is_neither_fresh_nor_fatal() {
    let large = "9".repeat(400);
    for (name, value) in [
        ("age", "18446744073709551615"),
        ("age", large.as_str()),
        ("age", "-5"),
        ("age", "x"),
        ("date", "Fri, 31 Dec 9999 23:59:59 GMT"),
        ("date", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("date", "yesterday"),
        ("expires", "Fri, 31 Dec 9999 23:59:59 GMT"),
        ("cache-control", "max-age=\"60"),
        ("cache-control", "=,;=\"\\"),
        ("etag", ""),
        ("vary", ",,"),
        ("last-modified", "never"),
    ] {
        let headers = [(name, value), ("cache-control", "max-age=60")];
        let bed = Bed::new([answer(200, &headers, "a"), answer(200, &headers, "b"), answer(200, &headers, "c")]);
        let caching = Caching { stale_if_error: Duration::from_secs(1), ..on() };
        for _ in 0..3 {
            let told = bed.send(read(caching.clone())).await;
            assert!(told.contains("200"), "{name}: {value}: {told}");
            bed.wait(40_000_000);
        }
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error_and_not_stored() {
    let cut = |_| {
        let chunks = [Ok(Bytes::from("half")), Err(Error::new(ErrorKind::Broken, Sent::Maybe, "cut"))];
        let mut response = fresh("").unwrap();
        response.body = Body::from_stream(futures::stream::iter(chunks));
        response
    };
    let bed = Bed::new([Ok(cut(())), fresh("whole")]);
    assert_eq!(bed.get().await, "ask Broken");
    assert_eq!(bed.get().await, "ask 200 whole");
}

#[tokio::test]
async fn a_body_above_its_cap_is_an_error_and_not_stored() {
    let mut small = read(on());
    small.operation.body = BodyMode::Collect { cap: 3 };
    let bed = Bed::new([fresh("large"), fresh("abc")]);
    assert_eq!(bed.send(small.clone()).await, "ask TooLarge");
    assert_eq!(bed.send(small).await, "ask 200 abc");
}

#[tokio::test]
async fn bodies_are_handed_on_without_a_copy() {
    for headers in [&[][..], &[("cache-control", "max-age=60")]] {
        let body = Bytes::from(vec![b'x'; 100_000]);
        let mut given = answer(200, headers, "").unwrap();
        given.body = Body::from(body.clone());
        let bed = Bed::new([Ok(given)]);
        let response = bed.cache.send(read(on())).await.unwrap();
        assert_eq!(response.body.whole().unwrap().as_ptr(), body.as_ptr(), "{headers:?}");
    }
}

#[tokio::test]
async fn hits_are_counted_logged_and_cost_no_call() {
    let bed = Bed::new([fresh("abc")]);
    bed.get().await;
    bed.wait(5);
    let request = read(on());
    let statement = request.operation.statement.clone();
    let response = bed.cache.send(request).await.unwrap();
    assert_eq!(response.headers["age"], "5");
    assert_eq!(response.url.as_str(), URL);
    let record = bed.log.snapshot().pop().unwrap();
    assert_eq!((record.status, record.bytes, record.took), (Some(200), 3, Duration::ZERO));
    assert_eq!((record.cache, record.url.as_str(), record.statement), (Some(CacheOutcome::Hit), URL, 7));
    let counts = statement.counts();
    assert_eq!((counts.cache_hits, counts.calls, counts.bytes), (1, 0, 0));
}

#[tokio::test]
async fn a_statement_that_is_cancelled_gets_nothing_from_the_store() {
    let bed = Bed::new([fresh("a")]);
    bed.get().await;
    let request = read(on());
    request.operation.statement.cancellation().cancel();
    assert_eq!(bed.send(request).await, "Cancelled");
}
