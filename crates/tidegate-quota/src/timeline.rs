//! The ledger's own time: shared by all processes that use one store, and never going back.
//!
//! It follows the time since the machine was started, which no clock setting moves. The store keeps what is to be added
//! to it, so that all processes say the same, and how far the time has come (`high`), so that it goes on from there on
//! another start of the machine, or on another machine. Where the machine does not tell that time, each process adds
//! its own elapsed time to the wall clock at its first use, and whoever is behind catches up with the store.
//!
//! A wall clock that jumps changes nothing but how moments are shown.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::scope::Now;
use crate::{Clock, Error, Moment, Result, Slot};

/// Its entry in the store.
pub(crate) const KEY: &str = "time";

/// How far the store's `high` goes ahead of the time, so that it need not be written each time.
const AHEAD: i64 = 10_000_000;

/// What the store keeps. All times are in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Entry {
    /// Start of the machine that `offset` belongs to; `None` where the machine does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    boot: Option<String>,
    /// The time when the machine was started.
    #[serde(default)]
    offset: i64,
    /// No time that was ever told is later.
    high: i64,
}

/// What this process adds to the machine's time.
#[derive(Debug)]
struct Base {
    boot: Option<String>,
    offset: i64,
}

/// The timeline as one process sees it.
#[derive(Debug)]
pub(crate) struct Timeline {
    clock: Arc<dyn Clock>,
    base: Mutex<Option<Base>>,
    /// The entry as it was last read, with the bytes that it was read from.
    known: Mutex<Option<(Vec<u8>, Entry)>>,
}

impl Timeline {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, base: Mutex::new(None), known: Mutex::new(None) }
    }

    /// The time as this process last learned to tell it. `None` before the store was read.
    pub(crate) fn now(&self) -> Option<Now> {
        let base = self.base.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the machine is asked: a process that has booked nothing opens nothing.
        let base = base.as_ref()?;
        let (_, raw) = self.machine();
        Some(self.told(raw.saturating_add(base.offset)))
    }

    /// The time, by what the store has. What it is to keep is put into `slot`, which is marked as changed when it must be
    /// written even if nothing else is.
    pub(crate) fn read(&self, slot: &mut Slot) -> Result<Now> {
        let found: Option<Entry> = match &slot.value {
            Some(bytes) => Some(self.decoded(bytes)?),
            None => None,
        };
        let (boot, raw) = self.machine();
        let at = self.time(found.as_ref(), boot.clone(), raw);
        let is_told = boot.is_some();
        let offset = at.saturating_sub(raw);
        let same = found.as_ref().is_some_and(|entry| entry.boot == boot);
        let high = found.as_ref().map_or(i64::MIN, |entry| entry.high);
        if !same || at > high {
            let ahead = if is_told { AHEAD } else { 0 };
            let kept = found.filter(|_| same && is_told).map_or(offset, |entry| entry.offset);
            let entry = Entry { boot, offset: kept, high: at.saturating_add(ahead).max(high) };
            slot.value = Some(serde_json::to_vec(&entry).map_err(|source| Error::entry(KEY, source))?);
            slot.is_changed = is_told || !same;
        }
        Ok(self.told(at))
    }

    /// The store's entry, which seldom changes.
    fn decoded(&self, bytes: &[u8]) -> Result<Entry> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((of, entry)) if of == bytes => Ok(entry.clone()),
            _ => {
                let entry: Entry = serde_json::from_slice(bytes).map_err(|source| Error::entry(KEY, source))?;
                *known = Some((bytes.to_vec(), entry.clone()));
                Ok(entry)
            }
        }
    }

    /// The time by the store's entry, which this process tells from now on.
    fn time(&self, found: Option<&Entry>, boot: Option<String>, raw: i64) -> i64 {
        let mut base = self.base.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = base.as_ref().filter(|base| base.boot == boot).map(|base| raw.saturating_add(base.offset));
        let high = found.map_or(i64::MIN, |entry| entry.high);
        let at = match found {
            // A process in a container may count the machine's time from another start: it then begins where the
            // others are, and does not fall behind.
            Some(entry) if boot.is_some() && entry.boot == boot => {
                let shared = raw.saturating_add(entry.offset);
                shared.max(mine.unwrap_or(i64::MIN)).max(high.saturating_sub(AHEAD))
            }
            _ => mine.unwrap_or_else(|| micros(self.clock.now())).max(high),
        };
        *base = Some(Base { boot, offset: at.saturating_sub(raw) });
        at
    }

    /// The machine's own time, and what start of it that belongs to.
    fn machine(&self) -> (Option<String>, i64) {
        match self.clock.uptime() {
            Some(uptime) => (Some(uptime.boot), length(uptime.since)),
            None => (None, length(self.clock.elapsed())),
        }
    }

    fn told(&self, at: i64) -> Now {
        Now { at: Moment(at), wall: self.clock.now() }
    }
}

fn length(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn micros(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => length(since),
        Err(before) => length(before.duration()).saturating_neg(),
    }
}

#[cfg(test)]
mod tests;
