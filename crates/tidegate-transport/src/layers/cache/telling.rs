//! Tells the store of writes. Those that come while it is told of one are told of together, by the latest moment of them:
//! a store keeps no other. So many writes at once cost few marks, and none goes on before its own is kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::{CacheStore, StoreError};

/// What the store has been told, by scope.
#[derive(Debug, Default)]
pub(super) struct Telling {
    scopes: Mutex<HashMap<Arc<str>, Arc<Scope>>>,
}

#[derive(Debug, Default)]
struct Scope {
    wanted: Mutex<Wanted>,
    /// How many of those that came the store knows of. Held while it is told.
    told: tokio::sync::Mutex<u64>,
}

/// What the store is to know.
#[derive(Debug, Clone, Copy, Default)]
struct Wanted {
    /// How many have come.
    count: u64,
    latest: Option<SystemTime>,
}

impl Telling {
    /// Returns once the store has a mark of this scope that is not earlier than `at`.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(super) async fn tell(
        &self,
        scope: &Arc<str>,
        at: SystemTime,
        store: &dyn CacheStore,
    ) -> Result<(), StoreError> {
        let state = self.of(scope);
        let mine = state.want(at);
        let mut told = state.told.lock().await;
        // Not by comparing moments: a store that was replaced meanwhile has lost what it was told before.
        if *told >= mine {
            return Ok(());
        }
        // Those of the same task that are about to come are told of with it.
        tokio::task::yield_now().await;
        let Wanted { count, latest } = state.wanted();
        store.note_write(scope, latest.unwrap_or(at)).await?;
        *told = count;
        Ok(())
    }

    fn of(&self, scope: &Arc<str>) -> Arc<Scope> {
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(scopes.entry(Arc::clone(scope)).or_default())
    }
}

impl Scope {
    /// Its place among those that came.
    fn want(&self, at: SystemTime) -> u64 {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.count += 1;
        wanted.latest = wanted.latest.max(Some(at));
        wanted.count
    }

    fn wanted(&self) -> Wanted {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_trait::async_trait;
    use futures::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::{CacheKey, CacheLabel, StoredAnswer};

    /// A store that is as slow as it is let, and fails while it has `failures` left.
    #[derive(Debug)]
    struct Slow {
        may: Semaphore,
        failures: Mutex<u32>,
        marks: Mutex<Vec<SystemTime>>,
    }

    #[async_trait]
    impl CacheStore for Slow {
        async fn get(&self, _: &CacheKey) -> Result<Option<StoredAnswer>, StoreError> {
            Ok(None)
        }
        async fn holds_any(&self, _: &str) -> Result<bool, StoreError> {
            Ok(false)
        }
        async fn put(&self, _: &CacheKey, _: CacheLabel, _: StoredAnswer) -> Result<(), StoreError> {
            Ok(())
        }
        async fn remove(&self, _: &CacheKey) -> Result<(), StoreError> {
            Ok(())
        }
        async fn note_write(&self, _: &str, at: SystemTime) -> Result<(), StoreError> {
            self.may.acquire().await.unwrap().forget();
            let mut failures = self.failures.lock().unwrap();
            if *failures > 0 {
                *failures -= 1;
                return Err(StoreError("full".to_owned()));
            }
            self.marks.lock().unwrap().push(at);
            Ok(())
        }
        async fn written(&self, _: &str) -> Result<Option<SystemTime>, StoreError> {
            Ok(self.marks.lock().unwrap().iter().max().copied())
        }
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// Eight come at once; the store is let work once they all wait. How many succeeded, and the marks.
    async fn check(failures: u32) -> (usize, Vec<SystemTime>) {
        let store = Slow { may: Semaphore::new(0), failures: Mutex::new(failures), marks: Mutex::default() };
        let (telling, scope) = (Telling::default(), Arc::<str>::from("s"));
        let all = join_all((1..=8).map(|second| telling.tell(&scope, at(second), &store)));
        let go = async { store.may.add_permits(100) };
        let (results, ()) = tokio::join!(all, go);
        let done = results.iter().filter(|result| result.is_ok()).count();
        telling.tell(&scope, at(3), &store).await.unwrap();
        (done, store.marks.into_inner().unwrap())
    }

    #[tokio::test]
    async fn those_that_come_together_are_told_of_together() {
        // One that comes later is told of by itself, though its moment is an earlier one.
        assert_eq!(check(0).await, (8, vec![at(8), at(8)]));
    }

    #[tokio::test]
    async fn one_that_fails_is_not_taken_for_told() {
        assert_eq!(check(1).await, (7, vec![at(8), at(8)]));
    }
}
