//! Answers from a recording, and never from the network.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use futures::stream;
use http::StatusCode;

use super::exchange::{Content, Exchange, Heading, shown_url};
use crate::{Body, Error, ErrorKind, Request, Response, Result, Sent, Transport};

/// What a request is found by: method, redacted URL and body.
type Key = (String, String, Content);

/// Gives the k-th of several equal requests the k-th recorded answer.
///
/// Equal means the same method, URL and body. What was blanked in the URL when it was recorded counts as equal.
#[derive(Debug)]
pub struct Replay {
    path: PathBuf,
    recorded: Mutex<HashMap<Key, Answers>>,
}

#[derive(Debug, Default)]
struct Answers {
    left: VecDeque<Exchange>,
    given: usize,
}

impl Replay {
    /// Reads a recording.
    ///
    /// # Errors
    /// [`ErrorKind::File`] when it cannot be read, is no recording, or is damaged.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let shown = path.display();
        let failed = |error: std::io::Error| {
            file_error(format!("cannot read the recording {shown}: {error}; check its path")).with_source(error)
        };
        let mut lines = BufReader::new(File::open(&path).map_err(failed)?).lines();
        let heading = lines.next().transpose().map_err(failed)?.unwrap_or_default();
        if !Heading::is_current(&heading) {
            return Err(file_error(format!("{shown} is no recording that this version can read; record it again")));
        }
        let mut recorded: HashMap<Key, Answers> = HashMap::new();
        for (index, line) in lines.enumerate() {
            let exchange = read(&line.map_err(failed)?, &path, index + 2)?;
            let key = (exchange.method.clone(), exchange.url.clone(), exchange.request_body.clone());
            recorded.entry(key).or_default().left.push_back(exchange);
        }
        Ok(Self { path, recorded: Mutex::new(recorded) })
    }

    fn next(&self, request: &Request) -> Result<Exchange> {
        let key = (request.method.to_string(), shown_url(request, &[]), Content::of(&request.body, &[]));
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        let given = match recorded.get_mut(&key) {
            None => 0,
            Some(answers) => match answers.left.pop_front() {
                Some(exchange) => {
                    answers.given += 1;
                    return Ok(exchange);
                }
                None => answers.given,
            },
        };
        let (method, url, path) = (&key.0, &key.1, self.path.display());
        let times = match given {
            0 => "no such request".to_owned(),
            1 => "this request once, and it was asked again".to_owned(),
            n => format!("this request {n} times, and it was asked once more"),
        };
        let message = format!(
            "{method} {url}: the recording {path} has {times}; record it again, with the same statements and settings"
        );
        Err(Error::new(ErrorKind::NotRecorded, Sent::No, message))
    }
}

#[async_trait]
impl Transport for Replay {
    async fn send(&self, request: Request) -> Result<Response> {
        if request.operation.statement.cancellation().is_cancelled() {
            return Err(Error::cancelled(Sent::No));
        }
        let exchange = self.next(&request)?;
        let failure = exchange.failure.as_ref().map(|failure| failure.error());
        let Some(status) = exchange.status.and_then(|status| StatusCode::from_u16(status).ok()) else {
            return Err(failure
                .unwrap_or_else(|| file_error(format!("{} has an exchange without answer", self.path.display()))));
        };
        // Both were read once when the recording was opened.
        let headers = exchange.header_map().unwrap_or_default();
        let body = exchange.body.bytes().unwrap_or_default();
        let body = match failure {
            None => Body::from(body),
            Some(failure) => Body::from_stream(stream::iter([Ok(body), Err(failure)])),
        };
        Ok(Response { status, headers, url: request.url, body })
    }
}

/// One line, checked so far that it can be answered from.
fn read(line: &str, path: &Path, number: usize) -> Result<Exchange> {
    let damaged = |what: &str| {
        let path = path.display();
        file_error(format!("line {number} of the recording {path} is damaged: {what}; record it again"))
    };
    let exchange: Exchange = serde_json::from_str(line).map_err(|error| damaged(&error.to_string()))?;
    match exchange.status {
        Some(status) if StatusCode::from_u16(status).is_err() => Err(damaged("its status is none")),
        None if exchange.failure.is_none() => Err(damaged("it has neither a status nor a failure")),
        _ if exchange.header_map().is_none() => Err(damaged("a header is none")),
        _ if exchange.body.bytes().is_none() => Err(damaged("its body is not base64")),
        _ => Ok(exchange),
    }
}

fn file_error(message: String) -> Error {
    Error::new(ErrorKind::File, Sent::No, message)
}
