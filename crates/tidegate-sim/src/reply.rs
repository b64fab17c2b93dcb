//! An answer as the shapes make it, and how it is put on the wire, whole or spoilt.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

use crate::fault::What;

/// Status, headers and body.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Self { status, headers, body: body.into() }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Puts in the headers that faults have scripted.
    pub(crate) fn script_headers(&mut self, faults: &[What]) {
        for fault in faults {
            let What::Header { name, value } = fault else { continue };
            self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
            if !value.is_empty() {
                self.headers.push((name.clone(), value.clone()));
            }
        }
    }

    /// Spoils the content, as far as the faults touch it.
    pub(crate) fn spoil(&mut self, faults: &[What]) {
        for fault in faults {
            match fault {
                What::EmptyBody => self.body.clear(),
                What::MalformedJson => {
                    self.body.truncate(self.body.len().saturating_sub(2));
                    self.body.extend_from_slice(b",,");
                }
                What::Html => {
                    let page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>\
                                <h1>Please sign in</h1></body></html>";
                    *self = Reply::new(200, "text/html; charset=utf-8", page);
                }
                _ => {}
            }
        }
    }

    /// The response; transport faults decide how its body travels.
    pub(crate) fn send(self, faults: &[What]) -> Response<Body> {
        let length = self.body.len();
        let mut declared = Some(length as u64);
        let mut body = None;
        for fault in faults {
            match fault {
                What::CutBody { after, declared: yes } => {
                    declared = yes.then_some(length as u64);
                    body = Some(cut(&self.body[..(*after).min(length)]));
                }
                What::SlowBody { piece, pause } => body = Some(slow(&self.body, *piece, *pause)),
                What::HugeBody(blanks) => {
                    declared = Some(length as u64 + blanks);
                    body = Some(huge(*blanks, self.body.clone()));
                }
                _ => {}
            }
        }
        let mut response = Response::new(body.unwrap_or_else(|| Body::from(Bytes::from(self.body))));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        for (name, value) in &self.headers {
            let pair = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str()));
            if let (Ok(name), Ok(value)) = pair {
                headers.append(name, value);
            }
        }
        // 204 and 304 have no body, and a length of zero would be wrong for the latter.
        if let Some(length) = declared.filter(|_| !matches!(self.status, 204 | 304)) {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        response
    }
}

/// Sends this much and then fails, which makes the server close the connection.
fn cut(sent: &[u8]) -> Body {
    let first = stream::iter([Ok(Bytes::copy_from_slice(sent))]);
    let last = stream::once(async {
        // Lets the first part reach the client before the connection closes.
        tokio::time::sleep(Duration::from_millis(5)).await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    });
    Body::from_stream(first.chain(last))
}

fn slow(body: &[u8], piece: usize, pause: Duration) -> Body {
    let pieces: Vec<Bytes> = body.chunks(piece.max(1)).map(Bytes::copy_from_slice).collect();
    Body::from_stream(stream::iter(pieces).then(move |piece| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, Infallible>(piece)
    }))
}

fn huge(blanks: u64, body: Vec<u8>) -> Body {
    const PIECE: u64 = 64 * 1024;
    let blank = Bytes::from(vec![b' '; PIECE as usize]);
    let lengths = stream::iter((0..blanks.div_ceil(PIECE)).map(move |i| (blanks - i * PIECE).min(PIECE)));
    let padding = lengths.map(move |n| Ok::<_, Infallible>(blank.slice(..n as usize)));
    Body::from_stream(padding.chain(stream::iter([Ok(Bytes::from(body))])))
}
