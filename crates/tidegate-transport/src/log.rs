//! The requests of this process, newest last, for `system.requests`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::Method;

use crate::{CacheOutcome, Request, StatementId, redact_url};

/// One attempt, as it is shown: without anything secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// Statement that paid for it.
    pub statement: StatementId,
    /// On whose behalf.
    pub principal: Arc<str>,
    /// Connection, as named in SQL.
    pub connection: Arc<str>,
    /// Table, as named in SQL.
    pub table: Option<Arc<str>>,
    /// Endpoint of the table.
    pub endpoint: Arc<str>,
    /// Page number from 1.
    pub page: Option<u64>,
    /// HTTP method.
    pub method: Method,
    /// URL with secrets blanked.
    pub url: String,
    /// HTTP status; `None` when there was no response.
    pub status: Option<u16>,
    /// Which attempt of the same request, from 1.
    pub attempt: u32,
    /// What the cache had to do with it.
    pub cache: Option<CacheOutcome>,
    /// How long it waited for its quotas before it was sent.
    pub quota_wait: Duration,
    /// Bytes of the response body, after decompression.
    pub bytes: u64,
    /// When it was sent.
    pub started_at: SystemTime,
    /// Until the body had ended.
    pub took: Duration,
    /// Why there was no response.
    pub error: Option<String>,
}

impl RequestRecord {
    /// A request that is sent now, or answered from a store, of whose answer nothing is known yet.
    pub(crate) fn of(request: &Request, started_at: SystemTime) -> Self {
        let operation = &request.operation;
        Self {
            statement: operation.statement.id(),
            principal: Arc::clone(&operation.principal),
            connection: Arc::clone(&operation.connection),
            table: operation.table.clone(),
            endpoint: Arc::clone(&operation.endpoint),
            page: operation.page,
            method: request.method.clone(),
            url: redact_url(&request.url),
            status: None,
            attempt: operation.attempt,
            cache: operation.cache,
            quota_wait: operation.quota_wait,
            bytes: 0,
            started_at,
            took: Duration::ZERO,
            error: None,
        }
    }
}

/// A ring of the most recent requests.
#[derive(Debug)]
pub struct RequestLog {
    capacity: usize,
    records: Mutex<VecDeque<RequestRecord>>,
}

impl RequestLog {
    /// Keeps the last `capacity` requests.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity, records: Mutex::default() }
    }

    /// Adds a request, dropping the oldest when full.
    pub fn push(&self, record: RequestRecord) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.push_back(record);
        if records.len() > self.capacity {
            records.pop_front();
        }
    }

    /// All kept requests, oldest first.
    #[must_use]
    pub fn snapshot(&self) -> Vec<RequestRecord> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(attempt: u32) -> RequestRecord {
        RequestRecord {
            statement: 1,
            principal: "ann".into(),
            connection: "crm".into(),
            table: None,
            endpoint: "Accounts".into(),
            page: None,
            method: Method::GET,
            url: "https://a.example/".into(),
            status: None,
            attempt,
            cache: None,
            quota_wait: Duration::ZERO,
            bytes: 0,
            started_at: SystemTime::UNIX_EPOCH,
            took: Duration::ZERO,
            error: None,
        }
    }

    #[test]
    fn keeps_the_newest() {
        for (capacity, kept) in [(0, vec![]), (2, vec![3, 4]), (9, vec![1, 2, 3, 4])] {
            let log = RequestLog::new(capacity);
            (1..=4).for_each(|attempt| log.push(record(attempt)));
            assert_eq!(log.snapshot().iter().map(|record| record.attempt).collect::<Vec<_>>(), kept);
        }
    }
}
