//! Pages that a statement has paid for: kept until it has ended well, and taken by a repetition of it.
//!
//! A page is found by the whole request that it answered, body included, so filter and cursor are the same by
//! construction; and a chain of pages stays one, since the next page is asked for by what this one says.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::answer::Answer;
use super::directives::Directives;
use super::http_cache::{HttpCache, LARGEST};
use super::key;
use crate::{CacheKey, CacheOutcome, KeptRun, Request, Response};

/// How long a page is of use: cursors do not live for ever, and rows change.
const LASTS: Duration = Duration::from_secs(60 * 60);

/// The place of one request among the kept pages of its statement.
#[derive(Debug)]
pub(super) struct Page<'a> {
    shared: &'a HttpCache,
    run: Arc<dyn KeptRun>,
    digest: CacheKey,
}

impl<'a> Page<'a> {
    /// `None` where nothing is kept: the statement has no name to find it by, or the request's paging keeps no place.
    pub(super) async fn of(shared: &'a HttpCache, scope: &str, request: &Request) -> Option<Self> {
        let operation = &request.operation;
        let caching = operation.statement.cache_use();
        let keeper = shared.keeper.as_ref().filter(|_| operation.keeps && caching.disk)?;
        let name = key::statement(scope, caching.resumes.as_deref()?);
        let run = operation.statement.kept_pages().run(&name, keeper.as_ref()).await;
        let run = shared.told(request, run).flatten()?;
        Some(Self { shared, run, digest: key::page(scope, request) })
    }

    /// The page, if an earlier run has kept it and nothing was written since.
    pub(super) async fn taken(&self, scope: &str, request: &Request) -> Option<Response> {
        let now = self.shared.clock.now();
        let kept = self.shared.told(request, self.run.kept(&self.digest).await).flatten()?;
        let answer = Answer::read(kept)?;
        let is_of_use = now.duration_since(answer.received_at).is_ok_and(|since| since <= LASTS);
        if !is_of_use || self.shared.is_written_since(scope, answer.asked_at, request).await {
            return None;
        }
        self.shared.count(request, &answer, CacheOutcome::Kept);
        let operation = &request.operation;
        operation.statement.kept_pages().note(&operation.connection, answer.received_at);
        Some(answer.response(&request.url, now))
    }

    /// Keeps what was answered, unless somebody forbids to store it.
    pub(super) async fn keep(&self, request: &Request, answer: &Answer) {
        let is_forbidden = Directives::of(&answer.headers).no_store || Directives::of(&request.headers).no_store;
        if answer.status == StatusCode::OK && !is_forbidden && answer.weight() <= LARGEST {
            self.shared.told(request, self.run.keep(&self.digest, answer.clone().kept().stored()).await);
        } else if self.is_refused(request, answer.status) {
            // A cursor of an earlier run that is no more would be refused again, and again.
            self.run.finish(true);
        }
    }

    /// Whether an answer refuses a request that may stem from a page of an earlier run.
    fn is_refused(&self, request: &Request, status: StatusCode) -> bool {
        let is_other = matches!(status.as_u16(), 401 | 403 | 408 | 429);
        let has_taken = request.operation.statement.kept_use().contains_key(&request.operation.connection);
        status.is_client_error() && !is_other && has_taken
    }
}
