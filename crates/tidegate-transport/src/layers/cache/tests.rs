//! The cache on a scripted server, with time that is moved by hand.

mod flights;
mod freshness;
mod hostile;
mod pages;
mod stores;
mod validation;
mod writes;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, HeaderValue};

use super::*;
use crate::testing::{Scripted, answer, clock, request};
use crate::{
    CacheLabel, CacheStore, Caching, Clock, PageKeeper, Repeat, RequestLog, Statement, StoreError, StoredAnswer,
    TestClock,
};

/// The date of [`clock`] when it starts.
pub(super) const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
pub(super) const URL: &str = "https://a.example/x";

pub(super) fn on() -> Caching {
    Caching { is_on: true, memory: true, disk: true, ..Caching::OFF }
}

/// A cache over a script.
pub(super) struct Bed {
    pub(super) clock: Arc<TestClock>,
    pub(super) log: Arc<RequestLog>,
    pub(super) server: Arc<Scripted>,
    pub(super) shared: Arc<HttpCache>,
    pub(super) cache: Arc<Cache>,
}

impl Bed {
    pub(super) fn new(answers: impl IntoIterator<Item = Result<Response>>) -> Self {
        Self::with(answers, |shared| shared)
    }

    pub(super) fn with(
        answers: impl IntoIterator<Item = Result<Response>>,
        build: impl FnOnce(HttpCache) -> HttpCache,
    ) -> Self {
        let (clock, log, server) = (clock(), Arc::new(RequestLog::new(100)), Scripted::new(answers));
        let shared = Arc::new(build(HttpCache::new(clock.clone(), log.clone())));
        let cache = Arc::new(Cache::new(server.clone(), shared.clone(), "scope"));
        Self { clock, log, server, shared, cache }
    }

    /// The same stores for another connection, or for another process.
    pub(super) fn scope(&self, scope: &str) -> Cache {
        Cache::new(self.server.clone(), self.shared.clone(), scope)
    }

    pub(super) async fn get(&self) -> String {
        self.send(read(on())).await
    }

    pub(super) async fn send(&self, request: Request) -> String {
        self.through(&self.cache, request).await
    }

    /// `how status body`. How: `ask`, `ask(conditions)`, or what the log says of an answer without a call.
    pub(super) async fn through(&self, cache: &Cache, request: Request) -> String {
        let (seen, logged) = (self.server.seen().len(), self.log.snapshot().len());
        let result = cache.send(request).await;
        let asked = self.server.seen().into_iter().skip(seen).map(|request| asked(&request));
        let records = self.log.snapshot().into_iter().skip(logged);
        let given = records.map(|record| record.cache.map_or("?", CacheOutcome::name).to_owned());
        let how: Vec<String> = asked.chain(given).collect();
        let what = match result {
            Ok(response) => {
                let body = response.body.collect(1 << 30).await.unwrap();
                format!("{} {}", response.status.as_u16(), String::from_utf8_lossy(&body))
            }
            Err(error) => format!("{:?}", error.kind()),
        };
        format!("{} {what}", how.join("+")).trim().to_owned()
    }

    pub(super) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn asked(request: &Request) -> String {
    let value = |name: &HeaderName| request.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let conditions: Vec<String> = [IF_NONE_MATCH, IF_MODIFIED_SINCE].iter().filter_map(value).collect();
    let expected = if conditions.is_empty() { CacheOutcome::Miss } else { CacheOutcome::Revalidated };
    if request.operation.cache.is_some() {
        assert_eq!(request.operation.cache, Some(expected), "the log would tell another story");
    }
    if conditions.is_empty() { "ask".to_owned() } else { format!("ask({})", conditions.join(" ")) }
}

/// A request that reads, of a statement of its own.
pub(super) fn read(caching: Caching) -> Request {
    request(URL, Repeat::Safe, &Arc::new(Statement::new(7).caching(caching)))
}

pub(super) fn write() -> Request {
    request(URL, Repeat::Unsafe, &Arc::new(Statement::new(8)))
}

pub(super) fn with_header(mut request: Request, name: &str, value: &str) -> Request {
    request.headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
    request
}

/// An answer of 200 that is fresh for a minute.
pub(super) fn fresh(body: &str) -> Result<Response> {
    answer(200, &[("cache-control", "max-age=60"), ("etag", "\"e1\"")], body)
}

/// A store in memory that can be made to fail.
#[derive(Debug, Default)]
pub(super) struct Disk {
    pub(super) answers: Mutex<HashMap<CacheKey, (CacheLabel, StoredAnswer)>>,
    pub(super) written: Mutex<HashMap<String, SystemTime>>,
    pub(super) fails: AtomicBool,
    /// Keys that were looked for.
    pub(super) looks: AtomicUsize,
}

impl Disk {
    fn check(&self) -> Result<(), StoreError> {
        let fails = self.fails.load(Ordering::Relaxed);
        if fails { Err(StoreError("the disk is full".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl CacheStore for Disk {
    async fn get(&self, key: &CacheKey) -> Result<Option<StoredAnswer>, StoreError> {
        self.check()?;
        self.looks.fetch_add(1, Ordering::Relaxed);
        Ok(self.answers.lock().unwrap().get(key).map(|(_, answer)| answer.clone()))
    }

    async fn holds_any(&self, scope: &str) -> Result<bool, StoreError> {
        self.check()?;
        Ok(self.answers.lock().unwrap().values().any(|(label, _)| *label.scope == *scope))
    }

    async fn put(&self, key: &CacheKey, label: CacheLabel, answer: StoredAnswer) -> Result<(), StoreError> {
        self.check()?;
        self.answers.lock().unwrap().insert(*key, (label, answer));
        Ok(())
    }

    async fn remove(&self, key: &CacheKey) -> Result<(), StoreError> {
        self.check()?;
        self.answers.lock().unwrap().remove(key);
        Ok(())
    }

    async fn note_write(&self, scope: &str, at: SystemTime) -> Result<(), StoreError> {
        self.check()?;
        let mut written = self.written.lock().unwrap();
        let known = written.entry(scope.to_owned()).or_insert(at);
        *known = (*known).max(at);
        Ok(())
    }

    async fn written(&self, scope: &str) -> Result<Option<SystemTime>, StoreError> {
        self.check()?;
        Ok(self.written.lock().unwrap().get(scope).copied())
    }
}
