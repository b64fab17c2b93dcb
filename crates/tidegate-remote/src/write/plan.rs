//! What of a write can be known before any value is: for planning and EXPLAIN.

use std::time::Duration;

use tidegate_spec::{BatchForm, Per, Sends, Table, Write, WriteKind};

use super::compose::{Way, keys_of};
use super::parts::Context;
use super::{RowWrite, batch, path, read};

/// How a row may be cleared up of which it is not known whether it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeatable {
    /// The same request is sent again under its key.
    IdempotencyKey {
        /// How long the API remembers the key, from the first request.
        lifetime: Duration,
        /// What it is a key of.
        per: Per,
    },
    /// The same request is sent again with the version that the row had: if it was done, it is refused as stale.
    IfMatch,
    /// The row is read by its key.
    ReadBack,
    /// It cannot be.
    No,
}

/// Whether a statement may write these columns, and all that it must.
///
/// # Errors
/// A sentence that names what is wrong: the write is not offered, a column is not written by it, or one that an INSERT
/// must give is not among them.
pub fn check(table: &Table, kind: WriteKind, columns: &[usize]) -> Result<(), String> {
    let Some(write) = table.writes.get(kind) else {
        return Err(format!("table {} offers no {}: its description declares none", table.name, kind.sql()));
    };
    if kind == WriteKind::Delete {
        return Ok(());
    }
    let name = |column: usize| table.columns.get(column).map_or("?", |column| column.name.as_str());
    let is_key = |column: usize| table.key.contains(&column) && kind == WriteKind::Update;
    let in_path = |column: usize| kind == WriteKind::Insert && paths(write).any(|path| of_path(path, name(column)));
    let is_written = |column: usize| write.columns.iter().any(|written| written.column == column);
    let allowed = |column: usize| (is_written(column) && !is_key(column)) || in_path(column);
    if let Some(&column) = columns.iter().find(|&&column| !allowed(column)) {
        let why = if is_key(column) { "it is the key" } else { "the API does not take it" };
        return Err(format!(
            "column {} of table {} cannot be written by {}: {why}",
            name(column),
            table.name,
            kind.sql()
        ));
    }
    if kind == WriteKind::Insert {
        let missing: Vec<&str> =
            needed_by_insert(table, write).filter(|column| !columns.contains(column)).map(name).collect();
        if !missing.is_empty() {
            return Err(format!("INSERT into table {} has to give {}", table.name, missing.join(" and ")));
        }
    }
    Ok(())
}

fn needed_by_insert<'a>(table: &'a Table, write: &'a Write) -> impl Iterator<Item = usize> {
    let in_path =
        (0..table.columns.len()).filter(|&index| paths(write).any(|path| of_path(path, &table.columns[index].name)));
    let declared = write.columns.iter().filter(|written| written.required).map(|written| written.column);
    let mut all: Vec<usize> = in_path.chain(declared).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter()
}

fn paths(write: &Write) -> impl Iterator<Item = &str> {
    let single = write.single.iter().map(|single| single.path.as_str());
    single.chain(write.batch.iter().map(|batch| batch.path.as_str()))
}

fn of_path(path: &str, name: &str) -> bool {
    path::columns_of(path).any(|of| of == name)
}

/// Columns beside the key whose values before the change a request carries: those of its path, all that are written
/// where the API takes only whole rows, and the version.
#[must_use]
pub fn columns_needed(table: &Table, kind: WriteKind) -> Vec<usize> {
    let Some(write) = table.writes.get(kind).filter(|_| kind != WriteKind::Insert) else { return Vec::new() };
    let whole = kind == WriteKind::Update && write.sends == Sends::Whole;
    let is_needed = |index: &usize| {
        let is_written = write.columns.iter().any(|written| written.column == *index);
        let is_version = write.version.as_ref().is_some_and(|version| version.column == *index);
        paths(write).any(|path| of_path(path, &table.columns[*index].name))
            || (is_written && (whole || kind == WriteKind::Delete))
            || is_version
    };
    (0..table.columns.len()).filter(|index| !table.key.contains(index)).filter(is_needed).collect()
}

/// Most rows in one request; `None` where each needs one of its own. A batch that has no place for the rows' versions is
/// not used: what somebody else has changed would be overwritten.
#[must_use]
pub fn batch_max(table: &Table, kind: WriteKind) -> Option<usize> {
    let write = table.writes.get(kind)?;
    let batch = write.batch.as_ref()?;
    let versioned = write.version.as_ref().filter(|_| kind != WriteKind::Insert && write.single.is_some());
    let carried = versioned.is_none_or(|version| batch::carries_version(&batch.form, &version.place));
    let listed = match &batch.form {
        BatchForm::Same { list, .. } => list.max,
        _ => usize::MAX,
    };
    carried.then(|| batch.max.min(listed).max(1))
}

/// Whether two rows may stand in one request. Rows of two partitions never may, which is the caller's to see to.
#[must_use]
pub fn can_share(table: &Table, kind: WriteKind, a: &RowWrite, b: &RowWrite) -> bool {
    let Some(batch) = table.writes.get(kind).and_then(|write| write.batch.as_ref()) else { return false };
    a.kind == b.kind
        && batch::shares_path(kind, &batch.path, a, b)
        && (!matches!(batch.form, BatchForm::Same { .. }) || a.new == b.new)
        && !has_same_key(table, a, b)
}

/// An API that finds a row twice in one request may refuse it, answer for one of them, or change it in any order.
fn has_same_key(table: &Table, a: &RowWrite, b: &RowWrite) -> bool {
    !table.key.is_empty() && !a.key.is_empty() && a.key == b.key
}

/// How a doubtful row may be cleared up: the surest way that the write declares. Where a key's lifetime is over, the
/// next one has to be asked for by itself: [`has_version`], [`super::can_read_back`].
#[must_use]
pub fn repeatable(table: &Table, kind: WriteKind, way: Way) -> Repeatable {
    let Ok(context) = Context::new(table, kind, None) else { return Repeatable::No };
    let write = context.write;
    let declared = match way {
        Way::Single => write.single.as_ref().and_then(|single| single.idempotency.as_ref()),
        Way::Batch => write.batch.as_ref().and_then(|batch| keys_of(&context, batch)),
    };
    if let Some(declared) = declared {
        // The requests of an OData batch are not sent together again, whatever their keys are keys of.
        let per = if is_odata_batch(write, way) { Per::Row } else { declared.per };
        return Repeatable::IdempotencyKey { lifetime: Duration::from_secs(declared.lifetime), per };
    }
    let columns: Vec<usize> = write.columns.iter().map(|written| written.column).collect();
    let has_key = kind != WriteKind::Insert || table.key.iter().all(|column| columns.contains(column));
    if has_version(table, kind) {
        Repeatable::IfMatch
    } else if !write.append_only && has_key && read::can_read_back(table, &[]) {
        Repeatable::ReadBack
    } else {
        Repeatable::No
    }
}

fn is_odata_batch(write: &Write, way: Way) -> bool {
    way == Way::Batch && write.batch.as_ref().is_some_and(|batch| matches!(batch.form, BatchForm::ODataJson))
}

/// Whether requests carry the version that the row had, so that a change by somebody else is refused.
#[must_use]
pub fn has_version(table: &Table, kind: WriteKind) -> bool {
    kind != WriteKind::Insert && table.writes.get(kind).is_some_and(|write| write.version.is_some())
}
