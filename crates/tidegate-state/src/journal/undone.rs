//! Which rows of a mutation were undone, so that none is undone twice.

use std::collections::BTreeSet;

use rusqlite::params;

use super::{Journal, MutationState, RowState, codes};
use crate::Result;
use crate::encode::unsigned;

/// How many mutations may undo one another in a chain before the last is not looked at any more.
const DEEPEST: u32 = 64;

impl Journal {
    /// Ordinals of the rows of this mutation that another one has undone, or may yet undo when it is gone on with: all but
    /// those that it skipped, and those whose reversal was itself undone.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn undone(&self, id: &str) -> Result<BTreeSet<u64>> {
        self.undone_within(id, DEEPEST)
    }

    fn undone_within(&self, id: &str, deepest: u32) -> Result<BTreeSet<u64>> {
        let mut undone = BTreeSet::new();
        if deepest == 0 {
            return Ok(undone);
        }
        for (number, reversal) in self.reversals(id)? {
            let back = self.undone_within(&reversal, deepest - 1)?;
            let rows = self.reversed(number)?;
            undone.extend(rows.into_iter().filter(|(ordinal, _)| !back.contains(ordinal)).map(|(_, undoes)| undoes));
        }
        Ok(undone)
    }

    /// The mutations that undo this one and have not failed before they sent anything.
    fn reversals(&self, id: &str) -> Result<Vec<(i64, String)>> {
        self.read("read mutations", |connection| {
            let mut query =
                connection.prepare_cached("SELECT number, id FROM mutations WHERE undo_of = ?1 AND state <> ?2")?;
            let rows =
                query.query_map(params![id, MutationState::Failed as i64], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Rows of a reversal that were not skipped: their ordinals, and those of the rows that they undo.
    fn reversed(&self, number: i64) -> Result<Vec<(u64, u64)>> {
        self.read("read rows of a mutation", |connection| {
            let (first, last) = codes::ids(number);
            let mut query = connection.prepare_cached(
                "SELECT r.id, r.undoes FROM rows r LEFT JOIN progress p ON p.id = r.id
                 WHERE r.id BETWEEN ?1 AND ?2 AND r.undoes IS NOT NULL AND coalesce(p.state, 0) <> ?3",
            )?;
            let skipped = RowState::Skipped as i64;
            let rows = query.query_map(params![first, last, skipped], |row| {
                Ok((codes::ordinal(row.get(0)?), unsigned(row.get(1)?)))
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}
