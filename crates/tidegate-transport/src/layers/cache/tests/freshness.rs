//! When an answer is used as it is, and when the server is asked.

use super::*;

/// Asks twice, `later` seconds apart; the second time is as `expected`.
async fn check(headers: &[(&str, &str)], caching: Caching, later: u64, expected: &str) {
    let bed = Bed::new([answer(200, headers, "a"), answer(200, headers, "b")]);
    assert_eq!(bed.send(read(caching.clone())).await, "ask 200 a", "{headers:?}");
    bed.wait(later);
    assert_eq!(bed.send(read(caching)).await, expected, "{headers:?} after {later} s");
}

#[tokio::test]
async fn the_server_says_how_long() {
    for (headers, later, expected) in [
        (&[("cache-control", "max-age=60")][..], 59, "hit 200 a"),
        (&[("cache-control", "max-age=60")], 60, "ask 200 b"),
        (&[("cache-control", "private, Max-Age=\"60\"")], 59, "hit 200 a"),
        (&[("cache-control", "max-age=60"), ("age", "30")], 29, "hit 200 a"),
        (&[("cache-control", "max-age=60"), ("age", "30")], 30, "ask 200 b"),
        (&[("cache-control", "max-age=60"), ("date", "Sun, 06 Nov 1994 08:49:07 GMT")], 29, "hit 200 a"),
        (&[("cache-control", "max-age=60"), ("date", "Sun, 06 Nov 1994 08:49:07 GMT")], 30, "ask 200 b"),
        (&[("date", DATE), ("expires", "Sun, 06 Nov 1994 08:50:37 GMT")], 59, "hit 200 a"),
        (&[("date", DATE), ("expires", "Sunday, 06-Nov-94 08:50:37 GMT")], 59, "hit 200 a"),
        (&[("date", DATE), ("expires", "Sun Nov  6 08:50:37 1994")], 59, "hit 200 a"),
        (&[("date", DATE), ("expires", "Sun, 06 Nov 1994 08:50:37 GMT")], 60, "ask 200 b"),
        (&[("date", DATE), ("expires", "Sun, 06 Nov 1994 08:50:37 +0100")], 0, "ask 200 b"),
        (&[("expires", "0")], 0, "ask 200 b"),
        (&[("expires", "Sun, 06 Nov 1994 08:50:37 GMT"), ("cache-control", "max-age=0")], 0, "ask 200 b"),
        (&[("expires", "0"), ("cache-control", "max-age=60")], 59, "hit 200 a"),
        // What is meant for shared caches, and what nobody said.
        (&[("cache-control", "s-maxage=60")], 0, "ask 200 b"),
        (&[("cache-control", "max-age=60, s-maxage=0, proxy-revalidate")], 59, "hit 200 a"),
        (&[("cache-control", "immutable")], 0, "ask 200 b"),
        (&[("cache-control", "public")], 0, "ask 200 b"),
        (&[], 0, "ask 200 b"),
        // No guess from how long it has not changed.
        (&[("last-modified", "Sat, 06 Nov 1993 08:49:37 GMT")], 0, "ask(Sat, 06 Nov 1993 08:49:37 GMT) 200 b"),
        (&[("cache-control", "max-age=60, no-store")], 0, "ask 200 b"),
        (&[("cache-control", "max-age=60, No-Store")], 0, "ask 200 b"),
        (&[("cache-control", "max-age=60, no-cache")], 0, "ask 200 b"),
        (&[("cache-control", "max-age=60, no-cache=\"x\"")], 0, "ask 200 b"),
        (&[("cache-control", "max-age=60"), ("pragma", "no-cache")], 0, "hit 200 a"),
        (&[("cache-control", "max-age=60"), ("vary", "*")], 0, "ask 200 b"),
        (&[("cache-control", "max-age=60"), ("vary", "accept, *")], 0, "ask 200 b"),
        (&[("cache-control", "max-age=60"), ("vary", "authorization, accept")], 0, "hit 200 a"),
        (&[("cache-control", "max-age=60"), ("cache-control", "max-age=90")], 0, "ask 200 b"),
        (&[("cache-control", "max-age=-1")], 0, "ask 200 b"),
        (&[("cache-control", "max-age=99999999999999999999")], 60_000, "hit 200 a"),
    ] {
        check(headers, on(), later, expected).await;
    }
}

#[tokio::test]
async fn the_user_says_how_old() {
    let stale = |seconds| Caching { max_staleness: Duration::from_secs(seconds), ..on() };
    for (headers, seconds, later, expected) in [
        (&[][..], 30, 30, "hit 200 a"),
        (&[], 30, 31, "ask 200 b"),
        (&[("cache-control", "max-age=5")], 30, 30, "hit 200 a"),
        (&[("cache-control", "max-age=60")], 30, 59, "hit 200 a"),
        (&[("etag", "\"e\"")], 30, 31, "ask(\"e\") 200 b"),
        // What the server forbids stays forbidden.
        (&[("cache-control", "no-store")], 30, 0, "ask 200 b"),
        (&[("cache-control", "no-cache")], 30, 0, "ask 200 b"),
        (&[("cache-control", "max-age=5, must-revalidate")], 30, 4, "hit 200 a"),
        (&[("cache-control", "max-age=5, must-revalidate")], 30, 5, "ask 200 b"),
        (&[("vary", "*")], 30, 0, "ask 200 b"),
    ] {
        check(headers, stale(seconds), later, expected).await;
    }
}

#[tokio::test]
async fn statuses_that_last() {
    for (status, expected) in [
        (200, "hit 200 a"),
        (203, "hit 203 a"),
        (204, "hit 204 a"),
        (301, "hit 301 a"),
        (307, "hit 307 a"),
        (404, "hit 404 a"),
        (410, "hit 410 a"),
        (206, "ask 200 b"),
        (401, "ask 200 b"),
        (403, "ask 200 b"),
        (429, "ask 200 b"),
        (500, "ask 200 b"),
        (503, "ask 200 b"),
    ] {
        let fresh = &[("cache-control", "max-age=60")];
        let bed = Bed::new([answer(status, fresh, "a"), answer(200, &[], "b")]);
        assert_eq!(bed.get().await, format!("ask {status} a"));
        assert_eq!(bed.get().await, expected, "{status}");
    }
}

#[tokio::test]
async fn what_a_statement_may_not_use_it_does_not() {
    for (second, expected) in [
        (read(on()), "hit 200 a"),
        (read(Caching::OFF), "ask 200 b"),
        (read(Caching { memory: false, ..on() }), "ask 200 b"),
        (with_header(read(on()), "cache-control", "no-cache"), "ask(\"e1\") 200 b"),
        (with_header(read(on()), "cache-control", "no-store"), "ask 200 b"),
        (with_header(read(on()), "cache-control", "max-age=0"), "hit 200 a"),
        (with_header(read(on()), "if-none-match", "\"own\""), "ask(\"own\") 200 b"),
        (with_header(read(on()), "range", "bytes=0-1"), "ask 200 b"),
        (with_header(read(on()), "accept", "text/csv"), "ask 200 b"),
        (Request { method: Method::POST, ..read(on()) }, "ask 200 b"),
    ] {
        let bed = Bed::new([fresh("a"), fresh("b")]);
        bed.get().await;
        assert_eq!(bed.send(second.clone()).await, expected, "{:?}", second.headers);
    }
    let other = |change: fn(&mut Request)| {
        let mut request = read(on());
        change(&mut request);
        request
    };
    for (what, second) in [
        ("fresh", other(|request| request.operation.fresh = true)),
        ("metadata", other(|request| request.operation.purpose = Purpose::Metadata)),
        ("token", other(|request| request.operation.purpose = Purpose::Token)),
        ("stream", other(|request| request.operation.body = BodyMode::Stream)),
        ("principal", other(|request| request.operation.principal = "another".into())),
        ("partition", other(|request| request.operation.partition = Some("101".into()))),
        ("query", other(|request| request.url.set_query(Some("page=2")))),
    ] {
        let bed = Bed::new([fresh("a"), answer(200, &[], "b")]);
        bed.get().await;
        assert_eq!(bed.send(second).await, "ask 200 b", "{what}");
    }
}

#[tokio::test]
async fn another_credential_has_answers_of_its_own() {
    let bed = Bed::new([fresh("a"), fresh("b")]);
    let other = bed.scope("other");
    assert_eq!(bed.get().await, "ask 200 a");
    assert_eq!(bed.through(&other, read(on())).await, "ask 200 b");
    assert_eq!(bed.get().await, "hit 200 a");
    assert_eq!(bed.through(&other, read(on())).await, "hit 200 b");
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_nothing_fresh() {
    let bed = Bed::new([fresh("a"), fresh("b"), fresh("c")]);
    bed.get().await;
    let start = bed.clock.now();
    bed.clock.set_wall(start - Duration::from_secs(3_600));
    assert_eq!(bed.get().await, "ask(\"e1\") 200 b", "nobody knows how long ago it was");
    assert_eq!(bed.get().await, "hit 200 b");
    bed.clock.set_wall(start);
    assert_eq!(bed.get().await, "ask(\"e1\") 200 c", "an hour ahead");
}
