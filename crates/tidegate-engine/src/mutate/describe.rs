//! How a table is written, in words: for EXPLAIN.

use tidegate_remote::write::{Repeatable, Way, repeatable};
use tidegate_spec::{Batch, Sends, Table, Write, WriteKind, WriteMethod};

/// Adds what is sent for rows of a kind, and what becomes of one that is in doubt.
pub(super) fn write(lines: &mut Vec<String>, table: &Table, kind: WriteKind, columns: &[usize]) {
    let Some(write) = table.writes.get(kind) else { return };
    let names: Vec<&str> =
        columns.iter().filter_map(|&column| table.columns.get(column)).map(|column| column.name.as_str()).collect();
    let what = if names.is_empty() { String::new() } else { format!(" of {}", names.join(", ")) };
    lines.push(format!("writes: {}{what}", kind.sql()));
    if let Some(batch) = &write.batch {
        lines.push(format!("  {} {}, at most {} rows in a request", method(batch.method), batch.path, batch.max));
        lines.extend(fate(batch).map(|fate| format!("  {fate}")));
        lines.push(format!("  {}", doubt(table, kind, Way::Batch)));
    }
    if let Some(single) = &write.single {
        let when = if write.batch.is_some() { ", where a row goes alone" } else { ", a request for each row" };
        lines.push(format!("  {} {}{when}", method(single.method), single.path));
        if write.batch.is_none() {
            lines.push(format!("  {}", doubt(table, kind, Way::Single)));
        }
    }
    lines.extend(carried(write, kind).map(|carried| format!("  {carried}")));
    lines.extend(version(table, write).map(|version| format!("  {version}")));
}

/// As HTTP names it.
pub(crate) fn method(method: WriteMethod) -> &'static str {
    match method {
        WriteMethod::Post => "POST",
        WriteMethod::Put => "PUT",
        WriteMethod::Patch => "PATCH",
        WriteMethod::Delete => "DELETE",
    }
}

fn fate(batch: &Batch) -> Option<&'static str> {
    if batch.job.is_some() {
        return Some("the answer names a job, which is asked until it has ended");
    }
    batch.atomic.then_some("all rows of a request are written, or none")
}

fn doubt(table: &Table, kind: WriteKind, way: Way) -> String {
    let then = match repeatable(table, kind, way) {
        Repeatable::IdempotencyKey { lifetime, .. } => {
            format!("sent again under the same key, within {}", crate::settings::duration_text(lifetime))
        }
        Repeatable::IfMatch => "sent again with the same version".to_owned(),
        Repeatable::ReadBack => "read back by its key, and sent again if nothing was done".to_owned(),
        Repeatable::No => "unknown: it is not sent again".to_owned(),
    };
    format!("a row that was sent and not answered is {then}")
}

fn carried(write: &Write, kind: WriteKind) -> Option<&'static str> {
    match (kind, write.sends) {
        (WriteKind::Update, Sends::Whole) => {
            Some("a request carries all columns that can be written, those that do not change with their old values")
        }
        (WriteKind::Update, Sends::Changed) => Some("a request carries the columns that are set, and no others"),
        (WriteKind::Insert | WriteKind::Delete, _) => None,
    }
}

fn version(table: &Table, write: &Write) -> Option<String> {
    let version = write.version.as_ref()?;
    let column = table.columns.get(version.column)?;
    Some(format!(
        "a row that somebody else has changed is refused ({}), read anew once, and skipped if the WHERE no longer holds",
        column.name
    ))
}
