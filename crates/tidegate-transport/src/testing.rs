//! What the unit tests of the layers share: a transport that follows a script, and requests for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use url::Url;

use crate::{
    Body, BodyMode, Error, ErrorKind, Operation, Purpose, Repeat, Request, Response, Result, Sent, Statement,
    TestClock, Transport,
};

/// Answers with the scripted results in order, and remembers what it was asked.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    answers: Mutex<VecDeque<Result<Response>>>,
    seen: Mutex<Vec<Request>>,
}

impl Scripted {
    pub(crate) fn new(answers: impl IntoIterator<Item = Result<Response>>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), seen: Mutex::default() })
    }

    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// `METHOD URL` of every request.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().iter().map(|request| format!("{} {}", request.method, request.url)).collect()
    }
}

#[async_trait]
impl Transport for Scripted {
    async fn send(&self, request: Request) -> Result<Response> {
        let url = request.url.clone();
        self.seen.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front().expect("a request beyond the script");
        answer.map(|response| Response { url, ..response })
    }
}

pub(crate) fn statement() -> Arc<Statement> {
    Arc::new(Statement::new(7))
}

pub(crate) fn clock() -> Arc<TestClock> {
    // Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110.
    Arc::new(TestClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)))
}

pub(crate) fn get(url: &str) -> Request {
    request(url, Repeat::Safe, &statement())
}

pub(crate) fn request(url: &str, repeat: Repeat, statement: &Arc<Statement>) -> Request {
    Request {
        method: if repeat == Repeat::Safe { Method::GET } else { Method::POST },
        url: Url::parse(url).unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        operation: Operation {
            principal: "me".into(),
            connection: "crm".into(),
            partition: None,
            table: Some("accounts".into()),
            endpoint: "Accounts".into(),
            purpose: if repeat == Repeat::Safe { Purpose::Read } else { Purpose::Write },
            repeat,
            page: Some(1),
            attempt: 1,
            quota_wait: Duration::ZERO,
            body: BodyMode::default(),
            keeps: false,
            reuse: true,
            fresh: false,
            cache: None,
            statement: Arc::clone(statement),
        },
    }
}

pub(crate) fn status(status: u16) -> Result<Response> {
    answer(status, &[], "")
}

pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Result<Response> {
    let header =
        |(name, value): &(&str, &str)| (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
    Ok(Response {
        status: StatusCode::from_u16(status).unwrap(),
        headers: headers.iter().map(header).collect(),
        url: Url::parse("http://scripted.example/").unwrap(),
        body: Body::from(Bytes::copy_from_slice(body.as_bytes())),
    })
}

pub(crate) fn failure(kind: ErrorKind, sent: Sent) -> Result<Response> {
    Err(Error::new(kind, sent, format!("a scripted {kind:?}")))
}
