//! Which redirects are followed, and how.

use super::*;
use crate::testing::{Scripted, answer, request, statement, status};

const FROM: &str = "https://a.example/v1/items?page=1";

/// Sends a request with a body to a server that redirects once, and says what was sent.
async fn check(method: &str, repeat: Repeat, code: u16, location: &str) -> (Result<Response>, Vec<String>) {
    let purpose = if repeat == Repeat::Safe { Purpose::Read } else { Purpose::Write };
    check_for(purpose, method, repeat, code, location).await
}

async fn check_for(
    purpose: Purpose,
    method: &str,
    repeat: Repeat,
    code: u16,
    location: &str,
) -> (Result<Response>, Vec<String>) {
    let inner = Scripted::new([answer(code, &[("location", location)], ""), status(200)]);
    let mut asked = request(FROM, repeat, &statement());
    asked.operation.purpose = purpose;
    asked.method = method.parse().unwrap();
    asked.body = Bytes::from_static(b"q");
    asked.headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("text/plain"));
    let result = Redirect::new(inner.clone()).send(asked).await;
    let sent = inner.seen().into_iter().skip(1).map(|request| {
        let body = std::str::from_utf8(&request.body).unwrap().to_owned();
        assert_eq!(request.headers.contains_key(CONTENT_TYPE), !body.is_empty());
        format!("{} {} [{body}]", request.method, request.url)
    });
    (result, sent.collect())
}

#[tokio::test]
async fn a_repeatable_request_follows() {
    for (method, code, location, sent) in [
        ("GET", 301, "https://a.example/v2", "GET https://a.example/v2 [q]"),
        ("GET", 302, "/v2?x=1", "GET https://a.example/v2?x=1 [q]"),
        ("GET", 307, "other", "GET https://a.example/v1/other [q]"),
        ("GET", 308, "?page=2", "GET https://a.example/v1/items?page=2 [q]"),
        ("GET", 302, "//b.example/x#part", "GET https://b.example/x [q]"),
        ("GET", 302, "https://eve:pw@b.example/x", "GET https://b.example/x [q]"),
        ("GET", 302, "/grün", "GET https://a.example/gr%C3%BCn [q]"),
        ("POST", 301, "/v2", "POST https://a.example/v2 [q]"),
        ("POST", 302, "/v2", "POST https://a.example/v2 [q]"),
        ("POST", 303, "/v2", "GET https://a.example/v2 []"),
        ("POST", 307, "/v2", "POST https://a.example/v2 [q]"),
        ("POST", 308, "/v2", "POST https://a.example/v2 [q]"),
    ] {
        let (result, lines) = check(method, Repeat::Safe, code, location).await;
        assert_eq!(result.unwrap().status, 200);
        assert_eq!(lines, [sent], "{method} {code} {location}");
    }
}

#[tokio::test]
async fn a_change_follows_only_where_nothing_was_done_and_nobody_else_is_told() {
    for (code, location, follows) in [
        (301, "/v2", false),
        (302, "/v2", false),
        (303, "/v2", false),
        (307, "/v2", true),
        (308, "/v2", true),
        (307, "https://b.example/v2", false),
        (308, "http://a.example/v2", false),
    ] {
        // One under a key may be repeated, and is a change all the same.
        for repeat in [Repeat::Unsafe, Repeat::Safe] {
            let (result, lines) = check_for(Purpose::Write, "PATCH", repeat, code, location).await;
            assert_eq!(result.unwrap().status.as_u16(), if follows { 200 } else { code });
            let sent: &[&str] = if follows { &["PATCH https://a.example/v2 [q]"] } else { &[] };
            assert_eq!(lines, sent, "{repeat:?} {code} {location}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_followed_is_an_error() {
    for location in ["https://", "http://[::1"] {
        let (result, lines) = check("GET", Repeat::Safe, 302, location).await;
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Redirect);
        assert!(error.to_string().contains("without a usable Location"), "{error}");
        assert!(lines.is_empty());
    }
    let inner = Scripted::new([status(302)]);
    let error = Redirect::new(inner).send(crate::testing::get(FROM)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redirect);
}

#[tokio::test]
async fn a_304_is_no_redirect() {
    let (result, lines) = check("GET", Repeat::Safe, 304, "/v2").await;
    assert_eq!(result.unwrap().status, 304);
    assert!(lines.is_empty());
}

#[tokio::test]
async fn redirects_are_bounded() {
    let hop = |to: &str| answer(302, &[("location", to)], "");
    let inner = Scripted::new(["/1", "/2", "/3", "/4", "/5", "/6"].map(hop));
    let error = Redirect::new(inner.clone()).send(crate::testing::get(FROM)).await.unwrap_err();
    assert!(error.to_string().contains("redirects more than 5 times, at last to https://a.example/6"), "{error}");
    assert_eq!(inner.seen().len(), 6);

    let inner = Scripted::new(["/1", "/2", "/1"].map(hop));
    let error = Redirect::new(inner.clone()).send(crate::testing::get(FROM)).await.unwrap_err();
    assert!(error.to_string().contains("in a circle, back to https://a.example/1"), "{error}");
    assert_eq!(inner.lines().len(), 3);
}
