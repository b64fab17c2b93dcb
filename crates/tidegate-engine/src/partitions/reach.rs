//! The partitions that a scan reads.

use std::sync::Arc;

use super::known_partitions;
use crate::session::Shared;
use crate::{Connection, Error, ErrorKind, Result};

/// Partitions that a table is read in, in the order of the connection's list.
#[derive(Debug, Clone)]
pub struct Reach {
    codes: Arc<[Arc<str>]>,
    known: usize,
    /// Why the partitions are not known.
    unknown: Option<Arc<str>>,
}

impl Reach {
    /// These, of so many that the connection has.
    #[must_use]
    pub fn new(codes: impl IntoIterator<Item = Arc<str>>, known: usize) -> Self {
        Self { codes: codes.into_iter().collect(), known, unknown: None }
    }

    fn unknown(why: &str) -> Self {
        Self { codes: Arc::new([]), known: 0, unknown: Some(why.into()) }
    }

    /// Their codes.
    #[must_use]
    pub fn codes(&self) -> &[Arc<str>] {
        &self.codes
    }

    /// How many partitions the connection has, selected or not.
    #[must_use]
    pub fn known(&self) -> usize {
        self.known
    }

    /// Those of them for which `keep` has true.
    pub(crate) fn kept(&self, keep: impl Fn(usize) -> bool) -> Self {
        let codes = self.codes.iter().enumerate().filter(|(place, _)| keep(*place));
        Self { codes: codes.map(|(_, code)| Arc::clone(code)).collect(), ..self.clone() }
    }

    /// # Errors
    /// Why the partitions are not known, if they are not: a table can be described without them, and not read.
    pub(crate) fn check(&self) -> Result<()> {
        match &self.unknown {
            Some(why) => Err(Error::new(ErrorKind::Name, why.to_string())),
            None => Ok(()),
        }
    }
}

/// The selected partitions of a connection, as far as they are known here.
pub(crate) fn reach(shared: &Shared, connection: &Connection) -> Reach {
    let name = &connection.def.name;
    let Some(partitions) = known_partitions(shared.engine(), connection) else {
        return Reach::unknown(&format!("the partitions of {name} are not known yet; run a statement over its tables"));
    };
    match shared.selection(connection).codes(name, &partitions) {
        Ok(codes) => Reach::new(codes, partitions.len()),
        Err(error) => Reach::unknown(&error.to_string()),
    }
}
