//! The ledger's counters of one connection, as they are when they are read.

use std::collections::HashMap;

use tidegate_quota::{MeterView, ScopeKey, ScopeView};

use crate::{Connection, Result};

/// Counters of a connection and of some of its partitions, by scope.
#[derive(Debug)]
pub(crate) struct Counters {
    views: HashMap<ScopeKey, ScopeView>,
}

impl Counters {
    /// Reads those of the connection and of the partitions with these codes, all at once.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(crate) async fn read(connection: &Connection, codes: &[&str]) -> Result<Self> {
        let metering = &connection.metering;
        let mut scopes = metering.scopes(None);
        // The others of a partition's scopes are those of the connection, which are there already.
        scopes.extend(codes.iter().filter_map(|code| metering.scopes(Some(code)).pop()));
        let views = metering.ledger.views(&scopes).await?;
        Ok(Self { views: views.into_iter().map(|view| (view.key.clone(), view)).collect() })
    }

    /// One scope.
    pub(crate) fn scope(&self, key: &ScopeKey) -> Option<&ScopeView> {
        self.views.get(key)
    }

    /// The quotas of these scopes, one scope after the other.
    pub(crate) fn meters<'a>(&'a self, keys: &'a [ScopeKey]) -> impl Iterator<Item = &'a MeterView> + Clone {
        keys.iter().filter_map(|key| self.scope(key)).flat_map(|scope| &scope.meters)
    }
}

/// Scopes that a partition's calls are counted in, its own first; those of a connection without partitions for `None`.
pub(crate) fn scopes(connection: &Connection, code: Option<&str>) -> Vec<ScopeKey> {
    let metering = &connection.metering;
    let own = code.map(|code| metering.partition(code));
    own.into_iter().chain([metering.connection.clone(), metering.credential.clone()]).collect()
}
