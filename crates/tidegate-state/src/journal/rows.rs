//! Rows of a mutation: as they are selected, and as they are read again.

use rusqlite::{OptionalExtension, Row, params};

use super::mutations::require;
use super::{Journal, MutationState, RowRecord, RowStart, RowState, Stop, codes};
use crate::Result;
use crate::encode::{from_micros, saturate, unsigned};

/// Columns of a row, with its progress and its answer, which it may not have yet.
macro_rules! columns {
    () => {
        "SELECT r.id, r.partition, r.kind, coalesce(a.key, r.key) AS key, r.old, r.new,
                coalesce(a.version, r.version) AS version, r.undoes, coalesce(p.state, 0) AS state,
                coalesce(p.attempts, 0) AS attempts, p.request, p.idempotency_key, p.digest, p.sent_at, p.status,
                a.error, a.returned, p.ended_at "
    };
}

/// Rows after an id. `?4` is a set of states: bit n for the n-th.
macro_rules! page {
    ($from:literal) => {
        concat!(
            columns!(),
            "FROM rows r ",
            $from,
            " AND r.id > ?1 AND r.id <= ?2 AND (?4 >> coalesce(p.state, 0)) & 1 ORDER BY r.id LIMIT ?3"
        )
    };
}

const OF_ALL: &str = page!("LEFT JOIN progress p ON p.id = r.id LEFT JOIN answers a ON a.id = r.id WHERE ?5 IS NULL");
const OF_NONE: &str = page!(
    "LEFT JOIN progress p ON p.id = r.id LEFT JOIN answers a ON a.id = r.id WHERE ?5 IS NULL AND r.partition IS NULL"
);
const OF_PARTITION: &str = page!(
    "INDEXED BY rows_partition LEFT JOIN progress p ON p.id = r.id LEFT JOIN answers a ON a.id = r.id WHERE r.partition = ?5"
);
const OF_REQUEST: &str = concat!(
    columns!(),
    "FROM progress p INDEXED BY progress_request JOIN rows r ON r.id = p.id LEFT JOIN answers a ON a.id = r.id
     WHERE p.request = ?3 AND p.id BETWEEN ?1 AND ?2 ORDER BY p.id"
);

impl Journal {
    /// Adds rows to a selection. A thousand at a time is much faster than one.
    ///
    /// # Errors
    /// When the folder cannot be used; when the mutation is not selecting, or has a row of this ordinal.
    pub fn add_rows(&self, id: &str, rows: &[RowStart]) -> Result<()> {
        self.write("keep rows of a mutation", |transaction| {
            let known = require(transaction, id)?;
            known.require_state(id, &[MutationState::Selecting])?;
            let mut insert = transaction.prepare_cached(
                "INSERT INTO rows (id, partition, kind, key, old, new, version, undoes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (id) DO NOTHING",
            )?;
            for row in rows {
                let row_id = codes::id(known.number, row.ordinal)?;
                let undoes = row.undoes.map(saturate);
                let values =
                    params![row_id, row.partition, row.kind, row.key, row.old, row.new, row.version, undoes];
                if insert.execute(values)? == 0 {
                    return Err(Stop::Refused(format!("mutation '{id}' has a row {} already", row.ordinal)));
                }
            }
            let mut count =
                transaction.prepare_cached("UPDATE counts SET selected = selected + ?2 WHERE mutation = ?1")?;
            count.execute(params![known.number, saturate(rows.len())])?;
            Ok(())
        })
    }

    /// Rows of a mutation in their order, at most `limit`: those behind the ordinal `after`, in one of `states`, of
    /// `partition`. `Some(None)` are those without a partition. None where there is no such mutation.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn rows(
        &self,
        id: &str,
        after: Option<u64>,
        limit: u32,
        states: Option<&[RowState]>,
        partition: Option<Option<&str>>,
    ) -> Result<Vec<RowRecord>> {
        let states = states.unwrap_or(&RowState::ALL).iter().fold(0_i64, |set, state| set | 1 << *state as i64);
        let (sql, partition) = match partition {
            None => (OF_ALL, None),
            Some(None) => (OF_NONE, None),
            Some(Some(partition)) => (OF_PARTITION, Some(partition)),
        };
        self.of_mutation(id, |connection, (first, last)| {
            let after = after.map_or(first - 1, |ordinal| first.saturating_add(saturate(ordinal)));
            let mut query = connection.prepare_cached(sql)?;
            query.query_map(params![after, last, limit, states, partition], record)?.collect()
        })
    }

    /// The rows that the request with this number carried, in their order, unless a later one carried them again.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn rows_of_request(&self, id: &str, request: u64) -> Result<Vec<RowRecord>> {
        self.of_mutation(id, |connection, (first, last)| {
            let mut query = connection.prepare_cached(OF_REQUEST)?;
            query.query_map(params![first, last, saturate(request)], record)?.collect()
        })
    }

    /// The highest number of a request of this mutation; `None` before the first.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn max_request(&self, id: &str) -> Result<Option<u64>> {
        self.read("read a mutation", |connection| {
            let mut query = connection.prepare_cached(
                "SELECT c.last_request FROM counts c JOIN mutations m ON m.number = c.mutation WHERE m.id = ?1",
            )?;
            let found: Option<Option<i64>> = query.query_row([id], |row| row.get(0)).optional()?;
            Ok(found.flatten().map(unsigned))
        })
    }

    /// What `read` finds between the first and the last id that the rows of this mutation may have.
    fn of_mutation(
        &self,
        id: &str,
        read: impl FnOnce(&rusqlite::Connection, (i64, i64)) -> rusqlite::Result<Vec<RowRecord>>,
    ) -> Result<Vec<RowRecord>> {
        self.read("read rows of a mutation", |connection| {
            let mut query = connection.prepare_cached("SELECT number FROM mutations WHERE id = ?1")?;
            match query.query_row([id], |row| row.get(0)).optional()? {
                Some(number) => Ok(read(connection, codes::ids(number))?),
                None => Ok(Vec::new()),
            }
        })
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<RowRecord> {
    let time = |column: &str| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(from_micros));
    Ok(RowRecord {
        start: RowStart {
            ordinal: codes::ordinal(row.get("id")?),
            partition: row.get("partition")?,
            kind: row.get("kind")?,
            key: row.get("key")?,
            old: row.get("old")?,
            new: row.get("new")?,
            version: row.get("version")?,
            undoes: row.get::<_, Option<i64>>("undoes")?.map(unsigned),
        },
        state: codes::row_state(row.get("state")?)?,
        attempts: row.get("attempts")?,
        request: row.get::<_, Option<i64>>("request")?.map(unsigned),
        idempotency_key: codes::unpack(row.get_ref("idempotency_key")?)?,
        digest: codes::unpack(row.get_ref("digest")?)?,
        sent_at: time("sent_at")?,
        status: row.get("status")?,
        error: row.get("error")?,
        returned: row.get("returned")?,
        ended_at: time("ended_at")?,
    })
}
