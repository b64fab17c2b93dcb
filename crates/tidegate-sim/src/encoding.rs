//! Compressed bodies, and answers that are made once.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, header};

use crate::reply::Reply;

/// Bodies below this are sent as they are: compressed they would not be shorter by a packet.
const LEAST: usize = 1_024;

/// Whether a client takes gzip: an `Accept-Encoding` that names it, not with a weight of zero.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip") && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

/// The answer with a compressed body, where there is enough of it.
pub(crate) fn compress(reply: Reply) -> Reply {
    if reply.body.len() < LEAST {
        return reply;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(reply.body.len() / 4), Compression::default());
    // Writing to memory cannot fail; a body as it was is right as well.
    match encoder.write_all(&reply.body).and_then(|()| encoder.finish()) {
        Ok(body) => Reply { body, ..reply }.with("Content-Encoding", "gzip").with("Vary", "Accept-Encoding"),
        Err(_) => reply,
    }
}

/// Answers by target, and by whether they are compressed. None is ever dropped: whoever asks for them has the memory.
#[derive(Debug, Default)]
pub(crate) struct Prepared(Mutex<HashMap<(String, bool), Reply>>);

impl Prepared {
    /// The answer to a target, made by `make` if it was not asked for before.
    pub(crate) fn get(&self, target: &str, is_compressed: bool, make: impl FnOnce() -> Reply) -> Reply {
        let key = (target.to_owned(), is_compressed);
        // Entries are whole after every operation, so a panic elsewhere does not spoil them.
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reply) = lock().get(&key) {
            return reply.clone();
        }
        let reply = make();
        lock().insert(key, reply.clone());
        reply
    }
}
