//! Keeps every exchange in a file, for bug reports and for tests without a network.
//!
//! It stands outside of auth, so that no credential reaches it; what servers send back (cookies, or the
//! credential itself in an answer) is blanked. Bodies are kept as they are: they are what the user asked for.

#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind as IoErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use serde::Serialize;

use super::exchange::{Content, Exchange, Failure, Heading};
use crate::{Body, Credentials, Error, ErrorKind, Request, Response, Result, Secret, Sent, TokenSource, Transport};

/// More than a heading has, of whatever version.
const LONGEST_HEADING: u64 = 100;

/// The file that exchanges are written to; one for all connections of a process.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    /// `None` after a failure: a recording with a hole in it would be replayed as something else.
    file: Mutex<Option<File>>,
}

impl Recorder {
    /// Starts a recording, readable by its owner only. An earlier recording at this path is replaced.
    ///
    /// # Errors
    /// [`ErrorKind::File`] when the file cannot be written, or holds something that is no recording.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let file = open(&path)?;
        let recorder = Self { path, file: Mutex::new(Some(file)) };
        recorder.write(&Heading::CURRENT)?;
        Ok(recorder)
    }

    /// Writes one line in one go, so that what was written before stays whole whatever happens.
    fn write(&self, line: &impl Serialize) -> Result<()> {
        let mut slot = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = slot.as_mut().ok_or_else(|| self.incomplete())?;
        let written = serde_json::to_vec(line).map_err(std::io::Error::from).and_then(|mut bytes| {
            bytes.push(b'\n');
            file.write_all(&bytes)?;
            file.flush()
        });
        written.map_err(|error| {
            *slot = None;
            let path = self.path.display();
            let message = format!(
                "cannot write to the recording {path}: {error}; make room on its disk, record to another file, or do not record"
            );
            file_error(Sent::Maybe, message).with_source(error)
        })
    }

    fn check(&self) -> Result<()> {
        match *self.file.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(_) => Ok(()),
            None => Err(self.incomplete()),
        }
    }

    fn incomplete(&self) -> Error {
        let path = self.path.display();
        file_error(
            Sent::No,
            format!("the recording {path} could not be written and is incomplete; start again with another file"),
        )
    }
}

fn file_error(sent: Sent, message: String) -> Error {
    Error::new(ErrorKind::File, sent, message)
}

fn open(path: &Path) -> Result<File> {
    let failed = |error: std::io::Error| {
        let shown = path.display();
        file_error(
            Sent::No,
            format!("cannot create the recording {shown}: {error}; check that its folder exists and can be written"),
        )
        .with_source(error)
    };
    if !is_replaceable(path).map_err(failed)? {
        let shown = path.display();
        return Err(file_error(
            Sent::No,
            format!("{shown} exists and is no recording; record to another file, or remove it"),
        ));
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(failed)?;
    // The mode above counts only for a file that is new. Devices have modes of their own.
    #[cfg(unix)]
    if file.metadata().map_err(failed)?.is_file() {
        let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        file.set_permissions(owner_only).map_err(failed)?;
    }
    Ok(file)
}

/// Whether nothing of value is lost when the file is overwritten: it is new, empty, no plain file, or a recording.
fn is_replaceable(path: &Path) -> std::io::Result<bool> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == IoErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    // Opening a pipe would wait for its other end.
    if !metadata.is_file() || metadata.len() == 0 {
        return Ok(true);
    }
    let mut heading = String::new();
    let read = BufReader::new(std::io::Read::take(File::open(path)?, LONGEST_HEADING)).read_line(&mut heading);
    Ok(read.is_ok() && Heading::is_one(&heading))
}

/// Records what passes through it. It holds a body in memory until it has ended, also one that is streamed.
#[derive(Debug)]
pub struct Record {
    inner: Arc<dyn Transport>,
    recorder: Arc<Recorder>,
    secrets: Arc<Secrets>,
}

/// What is blanked: constants, and the tokens that are in use at the time.
#[derive(Debug, Clone, Default)]
struct Secrets {
    constant: Vec<Secret>,
    tokens: Vec<Arc<dyn TokenSource>>,
}

impl Secrets {
    fn now(&self) -> Vec<Secret> {
        let tokens = self.tokens.iter().flat_map(|tokens| tokens.secrets());
        self.constant.iter().cloned().chain(tokens).collect()
    }
}

impl Record {
    /// Records into a file of its own: [`Recorder::create`] and [`Record::new`] in one.
    ///
    /// # Errors
    /// As [`Recorder::create`].
    pub fn create(inner: Arc<dyn Transport>, path: impl Into<PathBuf>) -> Result<Self> {
        Ok(Self::new(inner, Arc::new(Recorder::create(path)?)))
    }

    /// Records into a file that may be shared with other connections.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>, recorder: Arc<Recorder>) -> Self {
        Self { inner, recorder, secrets: Arc::default() }
    }

    /// Blanks these wherever they appear in a text: servers repeat credentials in their answers at times.
    #[must_use]
    pub fn blanking(mut self, secrets: Vec<Secret>) -> Self {
        self.secrets = Arc::new(Secrets { constant: secrets, tokens: Vec::new() });
        self
    }

    /// Blanks besides all that these credentials hold, now and later.
    #[must_use]
    pub fn blanking_all_of(mut self, credentials: &Credentials) -> Self {
        let mut secrets = Secrets::clone(&self.secrets);
        match credentials {
            Credentials::Token(source) => secrets.tokens.push(Arc::clone(source)),
            constant => secrets.constant.extend(constant.secrets()),
        }
        self.secrets = Arc::new(secrets);
        self
    }
}

#[async_trait]
impl Transport for Record {
    async fn send(&self, request: Request) -> Result<Response> {
        // Before a call is spent on an exchange that cannot be kept.
        self.recorder.check()?;
        let mut tape = Tape {
            exchange: Some(Exchange::asked(&request, &self.secrets.now())),
            body: BytesMut::new(),
            recorder: Arc::clone(&self.recorder),
            secrets: Arc::clone(&self.secrets),
        };
        match self.inner.send(request).await {
            Ok(Response { status, headers, url, body }) => {
                tape.answered(status.as_u16(), &headers);
                Ok(Response { status, headers, url, body: Body::from_stream(taped(body.into_stream(), tape)) })
            }
            Err(error) => {
                tape.finish(Some(&error))?;
                Err(error)
            }
        }
    }
}

fn taped(chunks: BoxStream<'static, Result<Bytes>>, tape: Tape) -> impl Stream<Item = Result<Bytes>> {
    futures::stream::unfold(Some((chunks, tape)), async |state| {
        let (mut chunks, mut tape) = state?;
        match chunks.next().await {
            Some(Ok(bytes)) => {
                tape.body.extend_from_slice(&bytes);
                Some((Ok(bytes), Some((chunks, tape))))
            }
            Some(Err(error)) => Some((Err(tape.finish(Some(&error)).err().unwrap_or(error)), None)),
            None => tape.finish(None).err().map(|error| (Err(error), None)),
        }
    })
}

/// An exchange under way. It is written once: at its end, or when its reader stops.
struct Tape {
    exchange: Option<Exchange>,
    body: BytesMut,
    recorder: Arc<Recorder>,
    secrets: Arc<Secrets>,
}

impl Tape {
    fn answered(&mut self, status: u16, headers: &http::HeaderMap) {
        if let Some(exchange) = &mut self.exchange {
            exchange.status = Some(status);
            exchange.set_headers(headers, &self.secrets.now());
        }
    }

    fn finish(&mut self, failure: Option<&Error>) -> Result<()> {
        let Some(mut exchange) = self.exchange.take() else { return Ok(()) };
        // A statement that is given up is no answer of the server's: nothing to replay.
        if failure.is_some_and(Error::is_cancelled) {
            return Ok(());
        }
        exchange.body = Content::of(&self.body, &self.secrets.now());
        exchange.failure = failure.map(Failure::of);
        self.recorder.write(&exchange)
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        if self.exchange.as_ref().is_some_and(|exchange| exchange.status.is_some()) {
            let stopped = Error::new(ErrorKind::Broken, Sent::Maybe, "its reader stopped here when this was recorded");
            // A failure to write shows with the next request: the recording is marked incomplete.
            let _ = self.finish(Some(&stopped));
        }
    }
}
