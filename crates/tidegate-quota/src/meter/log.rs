//! Units by the moment at which they were surely counted, in a bounded number of entries.

use serde::{Deserialize, Serialize};

use crate::Moment;

/// Most entries. A log of a window of length `W` is merged in cells of `W / CELLS` when it is full, so that a unit is
/// kept at most that much too long: less than 1 % of the window.
const MOST: usize = 128;
const CELLS: i64 = 120;

/// Units by moment, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Log {
    entries: Vec<(Moment, u64)>,
}

impl Log {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn sum(&self) -> u64 {
        self.entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.1))
    }

    /// Units later than `after`.
    pub(crate) fn sum_after(&self, after: Moment) -> u64 {
        self.after(after).iter().fold(0, |sum, entry| sum.saturating_add(entry.1))
    }

    /// Moment of the newest unit.
    pub(crate) fn last(&self) -> Option<Moment> {
        self.entries.last().map(|entry| entry.0)
    }

    fn after(&self, after: Moment) -> &[(Moment, u64)] {
        &self.entries[self.entries.partition_point(|entry| entry.0 <= after)..]
    }

    /// Adds units. `length` is that of the window that the log is of, in microseconds.
    pub(crate) fn add(&mut self, at: Moment, units: u64, length: i64) {
        if units == 0 {
            return;
        }
        let place = self.entries.iter().rposition(|entry| entry.0 <= at).map_or(0, |place| place + 1);
        match place.checked_sub(1).map(|before| &mut self.entries[before]) {
            Some(entry) if entry.0 == at => entry.1 = entry.1.saturating_add(units),
            _ => self.entries.insert(place, (at, units)),
        }
        if self.entries.len() > MOST {
            self.merge((length / CELLS).max(1));
        }
    }

    /// Merges what lies in one cell of time to the latest moment in it. What lies outside of the window, in clocks' or
    /// settings' mischief, may need more cells than there are: then the oldest are merged.
    fn merge(&mut self, cell: i64) {
        let mut merged: Vec<(Moment, u64)> = Vec::with_capacity(MOST + 1);
        for &(at, units) in &self.entries {
            match merged.last_mut() {
                Some(last) if last.0.0.div_euclid(cell) == at.0.div_euclid(cell) => {
                    *last = (at, last.1.saturating_add(units));
                }
                _ => merged.push((at, units)),
            }
        }
        if merged.len() > MOST {
            let old = merged.len() - MOST + 1;
            let units = merged[..old].iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.1));
            merged[old - 1].1 = units;
            merged.drain(..old - 1);
        }
        self.entries = merged;
    }

    /// Takes out what is not later than `until`.
    pub(crate) fn drop_until(&mut self, until: Moment) {
        let old = self.entries.partition_point(|entry| entry.0 <= until);
        self.entries.drain(..old);
    }

    /// What is later than `after`.
    pub(crate) fn later_than(&self, after: Moment) -> Self {
        Self { entries: self.after(after).to_vec() }
    }

    /// Takes units out that were added at `at`.
    pub(crate) fn remove(&mut self, at: Moment, units: u64) {
        let place = self.entries.partition_point(|entry| entry.0 < at);
        if let Some(entry) = self.entries.get_mut(place) {
            entry.1 = entry.1.saturating_sub(units);
        }
        self.entries.retain(|entry| entry.1 > 0);
    }

    /// Takes the oldest units out, until no more than `units` are left.
    pub(crate) fn trim_to(&mut self, units: u64) {
        let mut excess = self.sum().saturating_sub(units);
        for entry in &mut self.entries {
            let taken = entry.1.min(excess);
            entry.1 -= taken;
            excess -= taken;
        }
        self.entries.retain(|entry| entry.1 > 0);
    }

    /// Moment of the entry with which the oldest `units` after `after` are gone, or all, if there are fewer.
    pub(crate) fn oldest(&self, units: u64, after: Moment) -> Option<Moment> {
        let mut sum = 0_u64;
        let entries = self.after(after);
        let found = entries.iter().find_map(|&(at, more)| {
            sum = sum.saturating_add(more);
            (sum >= units).then_some(at)
        });
        found.or(entries.last().map(|entry| entry.0))
    }

    /// Moment of the oldest unit after `after`.
    pub(crate) fn first(&self, after: Moment) -> Option<Moment> {
        self.after(after).first().map(|entry| entry.0)
    }
}
