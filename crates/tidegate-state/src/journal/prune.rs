//! What goes from the journal: by age, and by size.
//!
//! A mutation disappears at once, its rows in chunks afterwards, so that nobody waits for long. Who is killed meanwhile
//! leaves the rest to the next.

use std::time::SystemTime;

use rusqlite::{OptionalExtension, params};

use super::mutations::CHUNK;
use super::{Journal, MutationState, Pruned, Stop, codes};
use crate::encode::{to_micros, unsigned};
use crate::{ErrorKind, Result};

/// Free pages that are given back to the file system in one transaction.
const PAGES: u32 = 2_000;
/// Mutations that are looked at in one call. The next goes on.
const MOST: i64 = 10_000;

/// Which mutations go.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// Those whose last sign of life is before this time, in microseconds.
    Before(i64),
    /// Those that cannot be resumed.
    Finished,
}

impl Journal {
    /// Removes mutations that nobody runs: all whose last sign of life is before `older_than`; and, while the journal uses
    /// more than `max_bytes`, those that can no longer be resumed, the oldest first. One can be resumed if it is not done,
    /// or if rows of it failed or are unknown.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn prune(&self, older_than: SystemTime, max_bytes: u64) -> Result<Pruned> {
        self.remove_rows_of_pruned()?;
        let mut mutations = 0;
        let rule = Rule::Before(to_micros(older_than));
        for id in self.ids(rule)? {
            mutations += u64::from(self.remove(&id, rule)?);
        }
        let mut bytes = self.used()?;
        if bytes > max_bytes {
            for id in self.ids(Rule::Finished)? {
                mutations += u64::from(self.remove(&id, Rule::Finished)?);
                bytes = self.used()?;
                if bytes <= max_bytes {
                    break;
                }
            }
        }
        self.remove_stray_locks()?;
        self.give_back()?;
        Ok(Pruned { mutations, bytes })
    }

    /// Ids of those that go by this rule, the oldest first.
    fn ids(&self, rule: Rule) -> Result<Vec<String>> {
        self.read("look for old mutations", |connection| {
            let sql = format!("SELECT m.id FROM {} ORDER BY coalesce(m.ended_at, m.started_at) LIMIT ?2", rule.sql());
            let mut query = connection.prepare(&sql)?;
            Ok(query.query_map([rule.bound(), MOST], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Removes one, unless somebody runs it, or has meanwhile so that the rule no longer holds. Tells whether it did.
    fn remove(&self, id: &str, rule: Rule) -> Result<bool> {
        let claim = match self.claim(id) {
            Ok(claim) => claim,
            Err(error) if error.kind() == ErrorKind::Claimed => return Ok(false),
            Err(error) => return Err(error),
        };
        let is_removed = self.write("remove an old mutation", |transaction| {
            let sql = format!("SELECT m.number FROM {} AND m.id = ?2", rule.sql());
            let found = transaction.query_row(&sql, params![rule.bound(), id], |row| row.get::<_, i64>(0));
            let Some(number) = found.optional()? else { return Ok(false) };
            transaction.execute("INSERT INTO pruned (mutation) VALUES (?1)", [number])?;
            transaction.execute("DELETE FROM counts WHERE mutation = ?1", [number])?;
            transaction.execute("DELETE FROM mutations WHERE number = ?1", [number])?;
            Ok(true)
        })?;
        if is_removed {
            self.forget(claim)?;
            self.remove_rows_of_pruned()?;
        }
        Ok(is_removed)
    }

    fn remove_rows_of_pruned(&self) -> Result<()> {
        while let Some(number) = self.read("look for old rows", |connection| {
            Ok(connection.query_row("SELECT mutation FROM pruned LIMIT 1", [], |row| row.get(0)).optional()?)
        })? {
            let (first, last) = codes::ids(number);
            while self.write("remove old rows", |transaction| {
                let mut deleted = 0;
                for table in ["answers", "progress", "rows"] {
                    let sql = format!(
                        "DELETE FROM {table}
                         WHERE id IN (SELECT id FROM {table} WHERE id BETWEEN ?1 AND ?2 LIMIT ?3)"
                    );
                    deleted += transaction.prepare_cached(&sql)?.execute(params![first, last, CHUNK])?;
                }
                if deleted == 0 {
                    transaction.execute("DELETE FROM pruned WHERE mutation = ?1", [number])?;
                }
                Ok(deleted > 0)
            })? {}
        }
        Ok(())
    }

    /// Removes locks of mutations that are not in the journal, and that nobody is about to put there.
    fn remove_stray_locks(&self) -> Result<()> {
        for id in self.locked_ids() {
            match self.claim(&id) {
                // Under the claim nobody creates or removes it.
                Ok(claim) if self.mutation(&id)?.is_none() => self.forget(claim)?,
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::Claimed | ErrorKind::Refused) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Bytes of the pages in use.
    fn used(&self) -> Result<u64> {
        self.read("measure the journal", |connection| {
            let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
            let pages = number("page_count")? - number("freelist_count")?;
            Ok(unsigned(pages.saturating_mul(number("page_size")?)))
        })
    }

    /// Gives free pages back to the file system.
    fn give_back(&self) -> Result<()> {
        let mut free = self.free_pages()?;
        while free > 0 {
            self.write("shrink the journal", |transaction| {
                let mut vacuum = transaction.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
                let mut freed = vacuum.query([])?;
                while freed.next()?.is_some() {}
                Ok::<_, Stop>(())
            })?;
            let left = self.free_pages()?;
            if left >= free {
                break;
            }
            free = left;
        }
        Ok(())
    }

    fn free_pages(&self) -> Result<i64> {
        self.read("measure the journal", |connection| {
            Ok(connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?)
        })
    }
}

impl Rule {
    /// What follows FROM; `?1` is the bound.
    fn sql(self) -> &'static str {
        match self {
            Self::Before(_) => {
                "mutations m
                 WHERE max(m.started_at, coalesce(m.sealed_at, m.started_at), coalesce(m.ended_at, m.started_at)) < ?1"
            }
            Self::Finished => {
                "mutations m JOIN counts c ON c.mutation = m.number WHERE m.state >= ?1 AND c.failed + c.unknown = 0"
            }
        }
    }

    fn bound(self) -> i64 {
        match self {
            Self::Before(micros) => micros,
            Self::Finished => MutationState::Done as i64,
        }
    }
}
