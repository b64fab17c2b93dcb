//! Entries that nobody needs any more.
//!
//! Once a day one process looks: books of more than 400 days ago go, and scopes in which nothing was sent for 90 days.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;

use super::batch::SCOPE_PREFIX;
use super::shared::Shared;
use crate::scope::{self, Now, ScopeRecord};
use crate::{Change, Moment, Result, ScopeKey, ScopeUse, spend};

/// When entries were last looked through.
const KEY: &str = "pruned";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const BOOKS_KEPT: i64 = 400;
const SCOPES_KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// Entries that go in one update.
const AT_ONCE: usize = 500;

/// When this process looks. Moments; none if 0.
#[derive(Debug, Default)]
pub(crate) struct Pruned {
    /// When it last looked.
    last: AtomicI64,
    /// When it first wrote. Apart from `last`, so that a short process still looks at its end.
    first: AtomicI64,
}

impl Pruned {
    /// Whether this process has not looked today. It then has.
    fn is_due(&self, now: Moment) -> bool {
        let last = self.last.load(Ordering::Relaxed);
        let is_due = last == 0 || now.since(Moment(last)) >= DAY;
        if is_due {
            self.last.store(now.0, Ordering::Relaxed);
        }
        is_due
    }

    /// Whether a day has gone by since this process looked, or since it began.
    fn is_day_over(&self, now: Moment) -> bool {
        let began = self.first.compare_exchange(0, now.0, Ordering::Relaxed, Ordering::Relaxed);
        let first = began.map_or_else(|first| first, |_| now.0);
        now.since(Moment(first.max(self.last.load(Ordering::Relaxed)))) >= DAY
    }
}

impl Shared {
    /// Has entries pruned once a day in a process that lasts. One that is short does it at its end.
    pub(crate) fn prune_some_time(self: &Arc<Self>, now: Now) {
        if !self.clock.is_real() || !self.pruned.is_day_over(now.at) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        let shared = Arc::clone(self);
        // Nothing depends on it; a store that is out of order shows elsewhere.
        runtime.spawn(async move { drop(shared.prune(now).await) });
    }

    /// Removes what nobody needs, unless somebody did so today.
    pub(crate) async fn prune(&self, now: Now) -> Result<()> {
        if !self.pruned.is_due(now.at) || !self.is_our_turn(now).await? {
            return Ok(());
        }
        let oldest = spend::day_prefix((spend::day(now.wall) - BOOKS_KEPT).max(0));
        let books = self.store.list(spend::PREFIX).await?;
        let old = books.into_iter().map(|(key, _)| key).filter(|key| *key < oldest).collect();
        self.remove(old, |_| true).await?;
        let scopes = self.store.list(SCOPE_PREFIX).await?;
        let unused = scopes.into_iter().filter(|(key, value)| is_unused(now, key, value)).map(|(key, _)| key).collect();
        self.remove(unused, move |slot| slot.value.as_ref().is_some_and(|value| is_unused(now, &slot.key, value))).await
    }

    /// Whether nobody has looked today, by the store. From now on somebody has.
    async fn is_our_turn(&self, now: Now) -> Result<bool> {
        let is_recent = |value: &Option<Vec<u8>>| {
            let last = value.as_ref().and_then(|value| serde_json::from_slice::<Moment>(value).ok());
            last.is_some_and(|last| now.at.since(last) < DAY)
        };
        if is_recent(self.store.get(vec![KEY.to_owned()]).await?.first().unwrap_or(&None)) {
            return Ok(false);
        }
        let change: Change = Box::new(move |slots| {
            for slot in slots {
                slot.value = serde_json::to_vec(&now.at).ok();
                slot.is_changed = true;
            }
        });
        self.store.update(vec![KEY.to_owned()], change).await?;
        Ok(true)
    }

    async fn remove(
        &self,
        keys: Vec<String>,
        still: impl Fn(&crate::Slot) -> bool + Send + Clone + 'static,
    ) -> Result<()> {
        for keys in keys.chunks(AT_ONCE) {
            let still = still.clone();
            let change: Change = Box::new(move |slots| {
                for slot in slots.iter_mut().filter(|slot| still(slot)) {
                    slot.value = None;
                    slot.is_changed = true;
                }
            });
            self.store.update(keys.to_vec(), change).await?;
        }
        Ok(())
    }
}

/// Whether nothing was sent in a scope for long, and nothing is going on. What cannot be understood is another version's.
fn is_unused(now: Now, key: &str, value: &[u8]) -> bool {
    let Some(name) = key.strip_prefix(SCOPE_PREFIX) else { return false };
    let Ok(record) = serde_json::from_slice::<ScopeRecord>(value) else { return false };
    let scope = ScopeUse { key: ScopeKey(name.into()), quotas: Vec::new(), is_paced: false };
    let view = scope::view(now, &record, &scope);
    let is_idle = view.in_flight == 0 && view.waiting == 0 && view.blocked_until.is_none_or(|until| until <= now.wall);
    is_idle && view.last_call.is_none_or(|last| last + SCOPES_KEPT < now.wall)
}
