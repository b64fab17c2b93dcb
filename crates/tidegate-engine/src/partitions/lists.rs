//! Lists of partitions, shared by all sessions.
//!
//! One that a table of the API lists is read when a statement first needs it, whole, and kept in memory and in the state
//! folder. It is taken as it is for `metadata_max_age`, as the API's description is. Two statements that want the same
//! list wait for one reading.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use tidegate_remote::pushdown::alternatives;
use tidegate_remote::{BadValue, ScanRequest};
use tidegate_spec::Table;
use tidegate_spec::manifest::Partitions as Listing;
use tidegate_state::CachedMetadata;

use crate::session::Run;
use crate::{Connection, Engine, Error, ErrorKind, Partition, Partitions, Result};

/// A list that an API gave.
#[derive(Debug, Clone)]
struct Read {
    partitions: Arc<[Partition]>,
    read_at: SystemTime,
}

/// Lists by connection.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    entries: Mutex<HashMap<String, Arc<Entry>>>,
}

#[derive(Debug, Default)]
struct Entry {
    flight: tokio::sync::Mutex<()>,
    read: RwLock<Option<Read>>,
}

impl Entry {
    fn read(&self) -> Option<Read> {
        self.read.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, read: Read) {
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = Some(read);
    }

    /// What this process has, or else what the state folder has.
    fn read_or_cached(&self, engine: &Engine, connection: &Connection, listing: &Listing) -> Option<Read> {
        self.read().or_else(|| {
            let cached = cached(engine, connection, listing)?;
            self.keep(cached.clone());
            Some(cached)
        })
    }
}

impl Lists {
    fn entry(&self, connection: &Connection, listing: &Listing) -> Arc<Entry> {
        let key = format!("{} {listing:?}", connection.fingerprint);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(entries.entry(key).or_default())
    }
}

/// The list as it is kept in the state folder, with what it was read from.
#[derive(Debug, Serialize, Deserialize)]
struct Document {
    table: String,
    code: String,
    name: Option<String>,
    partitions: Vec<Partition>,
}

/// The partitions of a connection as far as they are known here, in memory or in the state folder; none for a
/// connection without any. Sends nothing.
pub(crate) fn known_partitions(engine: &Engine, connection: &Connection) -> Option<Arc<[Partition]>> {
    match &connection.partitions {
        Partitions::None => Some(Arc::new([])),
        Partitions::Named(partitions) => Some(Arc::clone(partitions)),
        Partitions::Listed(listing) => {
            let entry = engine.partition_lists().entry(connection, listing);
            entry.read_or_cached(engine, connection, listing).map(|read| read.partitions)
        }
    }
}

/// The partitions of a connection, not known for longer than the session's `metadata_max_age`. The calls, if any are
/// needed, are paid for by the statement of `run`.
///
/// # Errors
/// When the API does not list them, or lists one without a code or twice.
pub(crate) async fn resolve(connection: &Connection, run: &Run) -> Result<Arc<[Partition]>> {
    let engine = run.engine();
    let Partitions::Listed(listing) = &connection.partitions else {
        return Ok(known_partitions(engine, connection).unwrap_or_else(|| Arc::new([])));
    };
    let entry = engine.partition_lists().entry(connection, listing);
    let _one_at_a_time = entry.flight.lock().await;
    let is_fresh = |read: &Read| is_fresh(read, engine.parts().clock.now(), run.settings().metadata_max_age);
    if let Some(read) = entry.read_or_cached(engine, connection, listing).filter(is_fresh) {
        return Ok(read.partitions);
    }
    let partitions: Arc<[Partition]> = read(connection, listing, run).await?.into();
    if partitions.is_empty() {
        let name = &connection.def.name;
        engine.warn(Some(name), format!("{name}.{} lists no partitions: its tables have no rows", listing.table));
    }
    let read = Read { partitions, read_at: engine.parts().clock.now() };
    store(engine, connection, listing, &read);
    entry.keep(read.clone());
    Ok(read.partitions)
}

/// A clock that was set back makes a list old rather than eternal.
fn is_fresh(read: &Read, now: SystemTime, max_age: Duration) -> bool {
    now.duration_since(read.read_at).is_ok_and(|age| age <= max_age)
}

fn key(connection: &Connection) -> String {
    format!("partitions:{}", connection.fingerprint)
}

fn cached(engine: &Engine, connection: &Connection, listing: &Listing) -> Option<Read> {
    let CachedMetadata { document, checked_at, .. } = match engine.parts().state.metadata(&key(connection)) {
        Ok(metadata) => metadata?,
        Err(error) => {
            engine.warn(None, format!("a list of partitions could not be looked up: {error}"));
            return None;
        }
    };
    let document: Document = serde_json::from_str(&document).ok()?;
    let is_same = document.table == listing.table && document.code == listing.code && document.name == listing.name;
    is_same.then(|| Read { partitions: document.partitions.into(), read_at: checked_at })
}

/// The state folder makes later statements cheaper; this one does not fail for it.
fn store(engine: &Engine, connection: &Connection, listing: &Listing, read: &Read) {
    let document = Document {
        table: listing.table.clone(),
        code: listing.code.clone(),
        name: listing.name.clone(),
        partitions: read.partitions.to_vec(),
    };
    let kept = serde_json::to_string(&document).map_err(|error| error.to_string()).and_then(|document| {
        let metadata = CachedMetadata { document, etag: None, last_modified: None, checked_at: read.read_at };
        engine.parts().state.put_metadata(&key(connection), &metadata).map_err(|error| error.to_string())
    });
    if let Err(error) = kept {
        engine.warn(None, format!("a list of partitions could not be kept: {error}"));
    }
}

/// Reads all rows of the table that lists the partitions.
async fn read(connection: &Connection, listing: &Listing, run: &Run) -> Result<Vec<Partition>> {
    let place = format!("{}.{}", connection.def.name, listing.table);
    let missing = |what: &str| Error::new(ErrorKind::Connection, format!("{place}: {what}"));
    // Only manifests name such a table, and what they say is known.
    let known = run.engine().models().known(connection);
    let table = known.as_ref().and_then(|known| known.table(&listing.table));
    let table = table.ok_or_else(|| missing("there is no table to list the partitions"))?;
    let request = request(table, listing).ok_or_else(|| {
        missing("the partitions cannot be listed: no endpoint lists the columns of their codes without a filter")
    })?;
    let source = connection.source(run.principal(), &run.statement()?);
    let pages: Vec<_> = tidegate_remote::scan(source, request).try_collect().await.map_err(|error| {
        let error = Error::from(error);
        let kind = error.kind();
        Error::new(kind, format!("the partitions of {} cannot be listed: {error}", connection.def.name))
            .with_source(error)
    })?;
    let mut partitions = Vec::new();
    for page in pages {
        let texts = texts(&page.batch).map_err(|error| missing(&format!("the codes are no texts: {error}")))?;
        partitions.extend(texts);
    }
    checked(partitions).map_err(|problem| missing(&problem))
}

fn request(table: &Arc<Table>, listing: &Listing) -> Option<ScanRequest> {
    let names = [Some(&listing.code), listing.name.as_ref()].into_iter().flatten();
    let columns: Vec<usize> = names.map(|name| table.column_index(name)).collect::<Option<_>>()?;
    let lists = |&endpoint: &usize| {
        let returns = table.endpoints.get(endpoint).is_some_and(|of| columns.iter().all(|&column| of.returns(column)));
        returns && alternatives(table, endpoint, None).is_ok()
    };
    let endpoint = (0..table.endpoints.len()).find(lists)?;
    let on_bad_value = BadValue::Fail;
    let table = Arc::clone(table);
    Some(ScanRequest { table, endpoint, columns, filter: None, sort: Vec::new(), fetch: None, skip: 0, on_bad_value })
}

/// Code and name.
type Row = (Option<String>, Option<String>);

/// Codes and names of a page; a NULL code is `None`.
fn texts(batch: &RecordBatch) -> std::result::Result<Vec<Row>, ArrowError> {
    let columns = batch.columns().iter().map(|column| cast(column, &DataType::Utf8));
    let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
    let text = |column: usize, row: usize| {
        let column = columns.get(column)?.as_string::<i32>();
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    Ok((0..batch.num_rows()).map(|row| (text(0, row), text(1, row))).collect())
}

/// The partitions, if each has a code of its own.
fn checked(rows: Vec<Row>) -> std::result::Result<Vec<Partition>, String> {
    let mut codes = BTreeSet::new();
    let mut partitions = Vec::with_capacity(rows.len());
    for (row, (code, name)) in rows.into_iter().enumerate() {
        let code = code.filter(|code| !code.is_empty());
        let code = code.ok_or_else(|| format!("row {} lists a partition without a code", row + 1))?;
        if !codes.insert(code.clone()) {
            return Err(format!("the partition {code} is listed twice"));
        }
        partitions.push(Partition { code, name });
    }
    Ok(partitions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_a_code_of_its_own() {
        let check = |rows: &[(Option<&str>, Option<&str>)]| {
            let rows = rows.iter().map(|(code, name)| (code.map(str::to_owned), name.map(str::to_owned)));
            checked(rows.collect()).map(|all| all.into_iter().map(|one| one.code).collect::<Vec<_>>())
        };
        assert_eq!(check(&[(Some("1"), Some("A")), (Some("2"), None)]), Ok(vec!["1".to_owned(), "2".to_owned()]));
        assert_eq!(check(&[]), Ok(vec![]));
        assert!(check(&[(Some("1"), None), (None, None)]).unwrap_err().contains("row 2"));
        assert!(check(&[(Some(""), None)]).unwrap_err().contains("row 1"));
        assert!(check(&[(Some("1"), None), (Some("1"), None)]).unwrap_err().contains("partition 1 is listed twice"));
    }
}
