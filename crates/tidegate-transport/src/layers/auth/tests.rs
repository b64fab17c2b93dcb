//! What goes to which origin, and what is seen of it.

use super::*;
use crate::testing::{Scripted, answer, get, status};
use http::HeaderValue;
use http::header::AUTHORIZATION;

async fn sent(credentials: Credentials, url: &str) -> Request {
    let inner = Scripted::new([status(200)]);
    let own = url::Url::parse("https://a.example/").unwrap().origin();
    let auth = Auth::new(inner.clone(), own, credentials);
    let mut request = get(url);
    request.headers.insert("x-api-key", HeaderValue::from_static("k"));
    request.headers.insert("accept", HeaderValue::from_static("*/*"));
    auth.send(request).await.unwrap();
    inner.seen().remove(0)
}

#[tokio::test]
async fn own_origin_gets_them() {
    let basic = Credentials::Basic { user: "me".into(), password: Secret::new("pä:ss") };
    let token = Credentials::Token(Arc::new(Tokens::default()));
    for (credentials, header) in [
        (Credentials::None, None),
        (token, Some("Bearer token-1")),
        (basic, Some("Basic bWU6cMOkOnNz")),
        (Credentials::Bearer(Secret::new("abc")), Some("Bearer abc")),
    ] {
        let request = sent(credentials, "https://a.example/x").await;
        let value = request.headers.get(AUTHORIZATION);
        assert_eq!(value.map(|value| value.to_str().unwrap()), header);
        assert!(value.is_none_or(HeaderValue::is_sensitive));
        assert!(request.headers.contains_key("x-api-key"));
    }
}

#[tokio::test]
async fn another_origin_gets_none_and_no_key_in_a_header_either() {
    for url in ["http://a.example/", "https://a.example:444/", "https://b.example/"] {
        let request = sent(Credentials::Bearer(Secret::new("abc")), url).await;
        let names: Vec<_> = request.headers.keys().map(http::HeaderName::as_str).collect();
        assert_eq!(names, ["accept"], "{url}");
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_without_showing_it() {
    let own = || url::Url::parse("https://a.example/").unwrap().origin();
    for credentials in [
        Credentials::Bearer(Secret::new("s3cret\n")),
        Credentials::Basic { user: "s3:cret".into(), password: Secret::new("s3cret") },
    ] {
        let error = Auth::new(Scripted::new([]), own(), credentials).send(get("https://a.example/")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}

#[tokio::test]
async fn an_answer_that_repeats_them_is_blanked_unless_it_is_data() {
    let own = url::Url::parse("https://a.example/").unwrap().origin();
    let basic = || Credentials::Basic { user: "me".into(), password: Secret::new("s3cret") };
    let cases = [
        (basic(), 401, "no: Basic bWU6czNjcmV0 (s3cret)", "no: Basic *** (***)"),
        (Credentials::Bearer(Secret::new("s3/cret")), 500, "bad s3%2Fcret", "bad ***"),
        (Credentials::Bearer(Secret::new("s3cret")), 302, "to ?t=s3cret", "to ?t=***"),
        (Credentials::Bearer(Secret::new("s3cret")), 200, "a row with s3cret", "a row with s3cret"),
        (Credentials::None, 400, "s3cret", "s3cret"),
    ];
    for (credentials, code, sent, shown) in cases {
        let auth = Auth::new(Scripted::new([answer(code, &[], sent)]), own.clone(), credentials);
        let response = auth.send(get("https://a.example/")).await.unwrap();
        assert_eq!(response.body.collect(100).await.unwrap(), shown, "{code}");
    }
}

/// Gives `token-1`, and after each refusal the next.
#[derive(Debug, Default)]
struct Tokens {
    refused: std::sync::Mutex<Vec<Secret>>,
}

impl Tokens {
    fn current(&self) -> Secret {
        Secret::new(format!("token-{}", self.refused.lock().unwrap().len() + 1))
    }
}

#[async_trait]
impl TokenSource for Tokens {
    async fn token(&self, _: &crate::Operation) -> Result<Secret> {
        Ok(self.current())
    }

    async fn refused(&self, token: &Secret) {
        self.refused.lock().unwrap().push(token.clone());
    }

    fn secrets(&self) -> Vec<Secret> {
        vec![self.current()]
    }

    fn identity(&self) -> &str {
        "me"
    }
}

#[tokio::test]
async fn a_refused_token_is_reported_and_the_next_attempt_has_another() {
    let own = || url::Url::parse("https://a.example/").unwrap().origin();
    let inner = Scripted::new([answer(401, &[], "token-1 has expired"), status(500), status(200)]);
    let source = Arc::new(Tokens::default());
    let auth = Auth::new(inner.clone(), own(), Credentials::Token(source.clone()));
    let first = auth.send(get("https://a.example/")).await.unwrap();
    assert_eq!(first.body.collect(100).await.unwrap(), "*** has expired");
    assert_eq!(*source.refused.lock().unwrap(), [Secret::new("token-1")]);
    auth.send(get("https://a.example/")).await.unwrap();
    auth.send(get("https://b.example/")).await.unwrap();
    let sent = inner.seen();
    let header = |at: usize| sent[at].headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap());
    assert_eq!([header(0), header(1), header(2)], [Some("Bearer token-1"), Some("Bearer token-2"), None]);
    assert_eq!(source.refused.lock().unwrap().len(), 1, "a 500 is no refusal");
}

#[tokio::test]
async fn keys_stand_where_they_belong_and_are_seen_by_nobody_above() {
    let own = || url::Url::parse("https://a.example/").unwrap().origin();
    let key = || Secret::new("s3 cret");
    let header = Credentials::Header { name: "X-Key-Of-Mine".into(), value: key() };
    let query = || Credentials::Query { name: "appid".into(), value: key() };
    let sent = sent(header, "https://a.example/x").await;
    assert_eq!(sent.headers["x-key-of-mine"], "s3 cret");
    assert!(sent.headers["x-key-of-mine"].is_sensitive());

    for (url, on_the_wire) in [
        ("https://a.example/x", "https://a.example/x?appid=s3+cret"),
        ("https://a.example/x?$top=5&q=a+b", "https://a.example/x?$top=5&q=a+b&appid=s3+cret"),
        ("https://a.example/x?appid=old&a=1", "https://a.example/x?a=1&appid=s3+cret"),
        ("https://b.example/x", "https://b.example/x"),
    ] {
        let inner = Scripted::new([status(200)]);
        let response = Auth::new(inner.clone(), own(), query()).send(get(url)).await.unwrap();
        assert_eq!(inner.lines(), [format!("GET {on_the_wire}")]);
        assert_eq!(response.url.as_str(), url, "what is handed on has no key");
    }

    let failed = Error::new(ErrorKind::Broken, Sent::Maybe, "cut: https://a.example/?appid=s3+cret, or s3%20cret");
    let auth = Auth::new(Scripted::new([Err(failed)]), own(), query());
    let error = auth.send(get("https://a.example/")).await.unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.kind()),
        ("cut: https://a.example/?appid=***, or ***", ErrorKind::Broken)
    );
}
