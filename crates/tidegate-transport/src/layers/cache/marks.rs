//! When scopes were last written, and moments that never go back.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::Clock;

/// Moments of one process. Answers are stamped with them when they are asked for, and scopes when they are written: a
/// wall clock that is set back would else make an old answer look newer than a write.
#[derive(Debug, Default)]
pub(super) struct Marks {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Option<SystemTime>,
    written: HashMap<String, Written>,
}

#[derive(Debug, Default)]
struct Written {
    at: Option<SystemTime>,
    /// Writes under way.
    under_way: usize,
}

impl Marks {
    /// Now, and later than all moments before.
    pub(super) fn moment(&self, clock: &dyn Clock) -> SystemTime {
        self.lock().moment(clock)
    }

    /// Marks the scope as being written; the mark for other processes.
    pub(super) fn begin(&self, scope: &str, clock: &dyn Clock) -> SystemTime {
        let state = &mut *self.lock();
        let at = state.moment(clock);
        let written = state.written.entry(scope.to_owned()).or_default();
        written.under_way += 1;
        written.at = written.at.max(Some(at));
        at
    }

    /// Marks the scope as written; the mark for other processes. `lasts` is how long the write may still take effect.
    pub(super) fn end(&self, scope: &str, clock: &dyn Clock, lasts: Duration) -> SystemTime {
        let state = &mut *self.lock();
        let now = state.moment(clock);
        let at = now.checked_add(lasts).unwrap_or(now);
        let written = state.written.entry(scope.to_owned()).or_default();
        written.under_way = written.under_way.saturating_sub(1);
        written.at = written.at.max(Some(at));
        at
    }

    /// What was asked for at this moment or before tells nothing of what the scope is now: when it was last written, or
    /// now while it is being written.
    pub(super) fn written(&self, scope: &str, clock: &dyn Clock) -> Option<SystemTime> {
        let state = &mut *self.lock();
        let is_under_way = state.written.get(scope)?.under_way > 0;
        let now = is_under_way.then(|| state.moment(clock));
        state.written.get(scope)?.at.max(now)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn moment(&mut self, clock: &dyn Clock) -> SystemTime {
        let now = clock.now();
        let after = |last: SystemTime| last.checked_add(Duration::from_micros(1)).unwrap_or(last);
        let moment = self.last.map_or(now, |last| now.max(after(last)));
        self.last = Some(moment);
        moment
    }
}
