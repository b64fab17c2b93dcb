//! The cache's stores in the state folder: what the transport asks for, said to `tidegate-state`.
//!
//! The state folder blocks, so what reads or writes it at once is done on a thread for that. What it only queues is not.

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_state::{CacheDb, CachedAnswer, KeptPage};
use tidegate_transport::{CacheKey, CacheLabel, CacheStore, Clock, KeptRun, PageKeeper, StoreError, StoredAnswer};

/// Answers in the state folder.
#[derive(Debug)]
pub(crate) struct FolderAnswers {
    pub(crate) db: Arc<CacheDb>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Pages of statements in the state folder.
#[derive(Debug)]
pub(crate) struct FolderPages {
    pub(crate) keeper: tidegate_state::PageKeeper,
    pub(crate) clock: Arc<dyn Clock>,
}

/// One run of a statement.
#[derive(Debug)]
struct Run {
    run: Arc<tidegate_state::KeptRun>,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl CacheStore for FolderAnswers {
    async fn get(&self, key: &CacheKey) -> Result<Option<StoredAnswer>, StoreError> {
        let (db, key) = (Arc::clone(&self.db), *key);
        let Some(found) = apart(move || db.get(&key)).await? else { return Ok(None) };
        self.db.touch(&[key], self.clock.now()).map_err(failed)?;
        let CachedAnswer { meta, body, asked_at, stored_at } = found;
        Ok(Some(StoredAnswer { meta, body: Bytes::from(body), asked_at, stored_at }))
    }

    async fn holds_any(&self, scope: &str) -> Result<bool, StoreError> {
        let (db, scope) = (Arc::clone(&self.db), scope.to_owned());
        apart(move || db.holds_any(&scope)).await
    }

    async fn put(&self, key: &CacheKey, label: CacheLabel, answer: StoredAnswer) -> Result<(), StoreError> {
        let label = tidegate_state::CacheLabel {
            scope: label.scope.to_string(),
            connection: label.connection.to_string(),
            principal: label.principal.to_string(),
            table: label.table.as_deref().map(str::to_owned),
            url: label.url,
            fresh_until: label.fresh_until,
        };
        let StoredAnswer { meta, body, asked_at, stored_at } = answer;
        let answer = CachedAnswer { meta, body: body.into(), asked_at, stored_at };
        self.db.put(key, label, answer).map_err(failed)
    }

    async fn remove(&self, key: &CacheKey) -> Result<(), StoreError> {
        self.db.remove(key).map_err(failed)
    }

    async fn note_write(&self, scope: &str, at: SystemTime) -> Result<(), StoreError> {
        let (db, scope) = (Arc::clone(&self.db), scope.to_owned());
        apart(move || db.note_write(&scope, at)).await
    }

    async fn written(&self, scope: &str) -> Result<Option<SystemTime>, StoreError> {
        let (db, scope) = (Arc::clone(&self.db), scope.to_owned());
        apart(move || db.written(&scope)).await
    }
}

#[async_trait]
impl PageKeeper for FolderPages {
    async fn begin(&self, name: &CacheKey) -> Result<Option<Arc<dyn KeptRun>>, StoreError> {
        let (keeper, name, now) = (self.keeper.clone(), *name, self.clock.now());
        let run = apart(move || keeper.begin(&name, now)).await?;
        Ok(Some(Arc::new(Run { run: Arc::new(run), clock: Arc::clone(&self.clock) })))
    }
}

#[async_trait]
impl KeptRun for Run {
    async fn kept(&self, digest: &CacheKey) -> Result<Option<StoredAnswer>, StoreError> {
        let (run, digest, now) = (Arc::clone(&self.run), *digest, self.clock.now());
        let page = apart(move || run.kept(&digest, now)).await?;
        Ok(page.map(|KeptPage { meta, body, asked_at }| StoredAnswer {
            meta,
            body: Bytes::from(body),
            asked_at,
            // A page is as old as its request: it is received within the time of one.
            stored_at: asked_at,
        }))
    }

    async fn keep(&self, digest: &CacheKey, page: StoredAnswer) -> Result<(), StoreError> {
        let (run, digest) = (Arc::clone(&self.run), *digest);
        let StoredAnswer { meta, body, asked_at, .. } = page;
        apart(move || run.keep(&digest, &KeptPage { meta, body: body.into(), asked_at })).await.map(|_is_kept| ())
    }

    fn finish(&self, ended_well: bool) {
        // What cannot be removed ends by itself within the hour; what cannot be written costs the next run its calls.
        let _ = self.run.finish(ended_well);
    }
}

/// Does blocking work on a thread that may block.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> tidegate_state::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(failed),
        Err(stopped) => Err(StoreError(stopped.to_string())),
    }
}

fn failed(error: tidegate_state::Error) -> StoreError {
    StoreError(error.to_string())
}
