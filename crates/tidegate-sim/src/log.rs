//! The request log: what arrived, what was answered, whether it took effect.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method};

/// One request as the server saw it.
#[derive(Debug, Clone)]
pub struct LoggedRequest {
    /// Number since the start or since the log was last cleared; the first is 1.
    pub n: u64,
    /// Method of the request.
    pub method: Method,
    /// Path, still percent-encoded.
    pub path: String,
    /// Query without its question mark, still percent-encoded; empty if there is none.
    pub query: String,
    /// Query as decoded pairs, in the order sent. `+` stays a plus sign, as in RFC 3986.
    pub pairs: Vec<(String, String)>,
    /// Headers of the request.
    pub headers: HeaderMap,
    /// Body of the request.
    pub body: Bytes,
    /// When it arrived, in microseconds since 1970 by the configured clock.
    pub arrived_us: u64,
    /// Name of the quota that refused it.
    pub refused_by: Option<String>,
    /// Status of the answer; `None` while it is being worked on, if the connection was cut instead
    /// of answered, or if the client went away.
    pub status: Option<u16>,
    /// Length of the answer's body in bytes, before any fault cut it.
    pub bytes: u64,
    /// Whether the API did what was asked. A fault before the effect, a refused login and a spent
    /// quota leave this false; an answer that was lost after the effect has it true.
    pub effect: bool,
}

impl LoggedRequest {
    /// The body as JSON; null if it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Decoded value of a query option, such as `$filter`.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

#[derive(Debug, Default)]
struct Entries {
    list: Vec<LoggedRequest>,
    /// Counts the times the log was cleared, so that an old request cannot write into a new log.
    epoch: u64,
    next: u64,
}

/// Handle of an entry that is not yet complete.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    epoch: u64,
    pub(crate) n: u64,
}

/// The log, shared by all connections.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Entries>);

impl Log {
    fn lock(&self) -> MutexGuard<'_, Entries> {
        // Entries are whole after every operation, so a panic elsewhere does not spoil them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers and enters a request.
    pub(crate) fn arrive(&self, mut request: LoggedRequest) -> Ticket {
        let mut entries = self.lock();
        entries.next += 1;
        request.n = entries.next;
        let ticket = Ticket { epoch: entries.epoch, n: request.n };
        entries.list.push(request);
        ticket
    }

    /// Notes that a quota has refused a request.
    pub(crate) fn refuse(&self, ticket: Ticket, quota: &str) {
        let mut entries = self.lock();
        if entries.epoch == ticket.epoch
            && let Some(entry) = entries.list.get_mut(ticket.n as usize - 1)
        {
            entry.refused_by = Some(quota.to_owned());
        }
    }

    /// Completes an entry, unless the log was cleared meanwhile.
    pub(crate) fn finish(&self, ticket: Ticket, status: Option<u16>, bytes: u64, effect: bool) {
        let mut entries = self.lock();
        if entries.epoch != ticket.epoch {
            return;
        }
        if let Some(entry) = entries.list.get_mut(ticket.n as usize - 1) {
            entry.status = status;
            entry.bytes = bytes;
            entry.effect = effect;
        }
    }

    pub(crate) fn all(&self) -> Vec<LoggedRequest> {
        self.lock().list.clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().list.len()
    }

    pub(crate) fn count(&self, is_counted: impl Fn(&LoggedRequest) -> bool) -> usize {
        self.lock().list.iter().filter(|request| is_counted(request)).count()
    }

    /// Length of all bodies that were answered, before any fault cut them.
    pub(crate) fn bytes(&self) -> u64 {
        self.lock().list.iter().map(|request| request.bytes).sum()
    }

    pub(crate) fn clear(&self) {
        let mut entries = self.lock();
        entries.list.clear();
        entries.epoch += 1;
        entries.next = 0;
    }
}
