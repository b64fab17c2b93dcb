//! Pages that a statement keeps, and takes of an earlier run: the runs that it has open, and what it has taken.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::OnceCell;

use crate::{CacheKey, KeptRun, PageKeeper, StoreError};

/// What a statement has open, and has taken. It ends with the statement: [`KeptPages::finish`].
#[derive(Debug, Default)]
pub(crate) struct KeptPages {
    runs: Mutex<Runs>,
    taken: Mutex<BTreeMap<Arc<str>, KeptUse>>,
}

/// A run that is opened once; `None` where another one has it.
type Slot = Arc<OnceCell<Option<Arc<dyn KeptRun>>>>;

#[derive(Debug, Default)]
struct Runs {
    open: HashMap<CacheKey, Slot>,
    is_ended: bool,
}

/// Pages of earlier runs that a statement has used of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptUse {
    /// How many.
    pub pages: u64,
    /// When the oldest of them was received.
    pub oldest: SystemTime,
}

impl KeptPages {
    /// The run under this name, opened when it is asked for first. `None` when another run has it, and when the statement
    /// has ended.
    pub(crate) async fn run(
        &self,
        name: &CacheKey,
        keeper: &dyn PageKeeper,
    ) -> Result<Option<Arc<dyn KeptRun>>, StoreError> {
        let slot = {
            let mut runs = lock(&self.runs);
            if runs.is_ended {
                return Ok(None);
            }
            Arc::clone(runs.open.entry(*name).or_default())
        };
        let run = slot.get_or_try_init(|| keeper.begin(name)).await?.clone();
        if let (Some(run), true) = (&run, lock(&self.runs).is_ended) {
            // It was opened while the statement ended. What it holds is a later run's to take.
            run.finish(false);
            return Ok(None);
        }
        Ok(run)
    }

    /// Notes that a page was taken.
    pub(crate) fn note(&self, connection: &Arc<str>, received_at: SystemTime) {
        let mut taken = lock(&self.taken);
        let used = taken.entry(Arc::clone(connection)).or_insert(KeptUse { pages: 0, oldest: received_at });
        used.pages += 1;
        used.oldest = used.oldest.min(received_at);
    }

    /// What was taken, by connection.
    pub(crate) fn taken(&self) -> BTreeMap<Arc<str>, KeptUse> {
        lock(&self.taken).clone()
    }

    /// Ends all runs.
    pub(crate) fn finish(&self, ended_well: bool) {
        let open = {
            let mut runs = lock(&self.runs);
            runs.is_ended = true;
            std::mem::take(&mut runs.open)
        };
        for run in open.values().filter_map(|slot| slot.get().cloned().flatten()) {
            run.finish(ended_well);
        }
    }
}

impl Drop for KeptPages {
    /// A statement that nobody has ended has not ended well.
    fn drop(&mut self) {
        self.finish(false);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
