//! Which calls are sent, and what becomes of their answers.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, LINK};
use tidegate_transport::{Body, Purpose, Request, Response, Secret, Statement, Transport};
use url::Url;

use super::{inferred, sample};
use crate::infer::{Sample, samples};
use crate::transport::{Error, ErrorKind, Sent};

/// Answers by URL; what it does not know breaks off.
#[derive(Debug, Default)]
struct Api {
    answers: Vec<Sample>,
    /// URL that the first answer comes from, after a redirect.
    answered: Option<Url>,
    seen: Mutex<Vec<String>>,
}

#[async_trait]
impl Transport for Api {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        assert_eq!(request.headers[ACCEPT], "application/json");
        assert_eq!(request.operation.purpose, Purpose::Read);
        self.seen.lock().unwrap().push(request.url.to_string());
        let found = self.answers.iter().find(|answer| answer.url == request.url).cloned();
        let Some(Sample { url, status, headers, body, .. }) = found else {
            return Err(Error::new(ErrorKind::Broken, Sent::Maybe, "the connection broke"));
        };
        let url = self.answered.clone().unwrap_or(url);
        Ok(Response { status, headers, url, body: Body::from(Bytes::from(body)) })
    }
}

/// Asks, and compares the calls and the `paging` of the manifest, or words of the error.
async fn check(what: &str, answers: Vec<Sample>, calls: &[&str], expected: Result<&str, &str>) {
    let url = answers[0].url.clone();
    let api = Arc::new(Api { answers, ..Api::default() });
    let transport: Arc<dyn Transport> = api.clone();
    let token = Secret::new("s3cret");
    let found = samples(&transport, &Arc::new(Statement::new(1)), &url, Some(&token)).await;
    assert_eq!(*api.seen.lock().unwrap(), calls, "{what}");
    match (found, expected) {
        (Ok(found), Ok(paging)) => {
            let yaml = inferred(&found).yaml;
            let line = yaml.lines().find_map(|line| line.trim().strip_prefix("paging: "));
            assert_eq!(line, Some(paging), "{what}: {yaml}");
            assert!(found.iter().all(|sample| sample.signed) && yaml.contains("\n  bearer: \"{token}\"\n"), "{yaml}");
        }
        (Err(error), Err(says)) => {
            let message = error.to_string();
            assert!(message.contains(says) && !message.contains("s3cret"), "{what}: {message}");
        }
        (found, _) => panic!("{what}: {found:?}"),
    }
}

fn ok(url: &str, body: &str) -> Sample {
    sample(url, 200, &[], body)
}

#[tokio::test]
async fn the_next_page_is_asked_for_once_or_twice() {
    let rows = |id: u8| format!(r#"[{{"id": {id}}}]"#);
    let link = |url: &str, next: &str| Sample {
        headers: [(LINK, format!("<{next}>; rel=\"next\"").parse().unwrap())].into_iter().collect(),
        ..ok(url, &rows(1))
    };
    let answers = vec![link("https://h/a", "https://h/a?p=2"), ok("https://h/a?p=2", &rows(2))];
    check("link", answers, &["https://h/a", "https://h/a?p=2"], Ok("link")).await;
    let answers = vec![link("https://h/a", "https://other/a?p=2")];
    check("link to another origin", answers, &["https://h/a"], Ok("link")).await;
    check("no paging", vec![ok("https://h/a", &rows(1))], &["https://h/a"], Ok("single")).await;

    let token = |id: u8| format!(r#"{{"rows": [{{"id": {id}}}], "next_cursor": "x"}}"#);
    let (first, cursor, start) = ("https://h/a", "https://h/a?cursor=x", "https://h/a?start_cursor=x");
    let answers = vec![ok(first, &token(1)), ok(cursor, &token(2))];
    check("first guess", answers, &[first, cursor], Ok("{ cursor: cursor, next: next_cursor }")).await;
    let answers = vec![ok(first, &token(1)), ok(cursor, &token(1)), ok(start, &token(2))];
    check("second guess", answers, &[first, cursor, start], Ok("{ cursor: start_cursor, next: next_cursor }")).await;
    let answers = vec![ok(first, &token(1)), ok(cursor, &token(1)), ok(start, &token(1))];
    check("no guess", answers, &[first, cursor, start], Ok("single")).await;
    let answers = vec![ok(first, &token(1))];
    check("broken", answers, &[first, cursor], Ok("{ cursor: cursor, next: next_cursor }")).await;
}

#[tokio::test]
async fn what_cannot_be_used_is_an_error() {
    let url = "https://h/a";
    let unknown = sample(url, 401, &[], "no such token: s3cret");
    check("401", vec![unknown], &[url], Err("the token was not accepted")).await;
    check("secret in the URL", vec![ok("https://h/a?api_key=s3cret", "[]")], &[], Err("api_key")).await;
    check("empty", vec![ok(url, "[]")], &[url], Err("the list is empty")).await;
    let large = format!("[{}]", " ".repeat(17 * 1024 * 1024));
    check("too large", vec![ok(url, &large)], &[url], Err("larger than 16 MB; ask for fewer rows")).await;
}

#[tokio::test]
async fn the_url_that_answered_is_the_one_that_is_written() {
    let answers = vec![ok("https://h/a", r#"[{"id": 1}]"#)];
    let answered = Some(Url::parse("https://h/api/v2/a").unwrap());
    let transport: Arc<dyn Transport> = Arc::new(Api { answers, answered, ..Api::default() });
    let url = Url::parse("https://h/a").unwrap();
    let found = samples(&transport, &Arc::new(Statement::new(1)), &url, None).await.unwrap();
    assert!(inferred(&found).yaml.contains("url: \"https://h/api/v2/\""));
}
