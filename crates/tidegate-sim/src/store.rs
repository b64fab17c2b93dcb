//! Everything that writes change: the rows of each division, and what is remembered of requests.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use crate::clock::Clock;
use crate::data::changes::Changes;
use crate::effect::Effects;
use crate::rest::keys::Keys;
use crate::rest::{Items, Jobs, Streams};

/// What was written, by division.
#[derive(Debug, Default)]
pub(crate) struct Store {
    odata: RwLock<BTreeMap<u32, Changes>>,
    items: RwLock<BTreeMap<u32, Items>>,
    jobs: RwLock<BTreeMap<u32, Jobs>>,
    streams: RwLock<BTreeMap<u32, Streams>>,
    pub(crate) keys: Keys,
    pub(crate) effects: Effects,
}

/// The changes of one division, which stay as they are while this lives.
pub(crate) struct Reading<'a, T> {
    all: RwLockReadGuard<'a, BTreeMap<u32, T>>,
    division: u32,
}

impl<T> Reading<'_, T> {
    /// `None` if there are none.
    pub(crate) fn get(&self) -> Option<&T> {
        self.all.get(&self.division)
    }
}

impl Store {
    /// Nothing is written; changes are dated by this clock.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { effects: Effects::new(clock), ..Self::default() }
    }

    /// The changes of the OData sets of a division.
    pub(crate) fn odata(&self, division: u32) -> Reading<'_, Changes> {
        read(&self.odata, division)
    }

    /// The changes of the items of a division.
    pub(crate) fn items(&self, division: u32) -> Reading<'_, Items> {
        read(&self.items, division)
    }

    pub(crate) fn write_odata<T>(&self, division: u32, change: impl FnOnce(&mut Changes) -> T) -> T {
        write(&self.odata, division, change)
    }

    pub(crate) fn write_items<T>(&self, division: u32, change: impl FnOnce(&mut Items) -> T) -> T {
        write(&self.items, division, change)
    }

    pub(crate) fn write_jobs<T>(&self, division: u32, change: impl FnOnce(&mut Jobs) -> T) -> T {
        write(&self.jobs, division, change)
    }

    pub(crate) fn write_streams<T>(&self, division: u32, change: impl FnOnce(&mut Streams) -> T) -> T {
        write(&self.streams, division, change)
    }
}

fn read<T>(all: &RwLock<BTreeMap<u32, T>>, division: u32) -> Reading<'_, T> {
    // Changes are whole after every operation, so a panic elsewhere does not spoil them.
    Reading { all: all.read().unwrap_or_else(PoisonError::into_inner), division }
}

/// Changes what belongs to a division, alone.
fn write<K: Default, T>(all: &RwLock<BTreeMap<u32, K>>, division: u32, change: impl FnOnce(&mut K) -> T) -> T {
    let mut all = all.write().unwrap_or_else(PoisonError::into_inner);
    change(all.entry(division).or_default())
}
