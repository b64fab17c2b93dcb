//! `EXPLAIN (select_rows)`: the rows that a mutation would change, and the first requests in full.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_remote::write::{self, RowWrite, Way};

use super::explain::FIGURES;
use super::plan::Selection;
use super::rows::Selected;
use super::run::Host;
use crate::{Error, ErrorKind, Result, partitions};

/// Rows that are looked at one by one; of others the number is told.
const LOOKED_AT: usize = 10_000;

/// Requests that are shown in full.
const SHOWN: usize = 3;

/// Rows that are shown.
const ROWS: usize = 10;

/// Stands where a key is made when a request is sent.
const KEY: &str = "made-when-it-is-sent";

type Partitioned<'a> = BTreeMap<Option<Arc<str>>, Vec<&'a Selected>>;

/// Reads the rows, and tells what would be sent.
///
/// # Errors
/// What reading fails for.
pub(super) async fn rows(lines: &mut Vec<String>, selection: &Selection, host: &Host) -> Result<()> {
    let before = host.statement.counts().calls;
    let rows = selection.rows(&host.state()?, LOOKED_AT).await?;
    let calls = host.statement.counts().calls - before;
    let noun = if calls == 1 { "call" } else { "calls" };
    lines.push(format!("rows: {} selected, with {calls} {noun}", rows.total));
    for (code, error) in &rows.failed {
        lines.push(format!("  partition {code} could not be read: {error}"));
    }
    for row in rows.first.iter().take(ROWS) {
        lines.push(format!("  {}", described(row)));
    }
    let mut partitioned = Partitioned::new();
    for row in &rows.first {
        partitioned.entry(row.partition.clone()).or_default().push(row);
    }
    let is_all = u64::try_from(rows.first.len()).is_ok_and(|looked_at| looked_at >= rows.total);
    let mut first = Vec::new();
    for (at, (partition, selected)) in partitioned.iter().enumerate() {
        let requests = requests(selection, selected);
        if at < FIGURES {
            let place = partition.as_deref().map_or(String::new(), |code| format!(" in partition {code}"));
            let least = if is_all { "" } else { "more than " };
            lines.push(format!("calls for writing{place}: {least}{}, for {} rows", requests.len(), selected.len()));
        }
        let wanted = SHOWN - first.len();
        first.extend(requests.into_iter().take(wanted).map(|request| (partition.as_deref(), request)));
    }
    for (at, (partition, request)) in first.iter().enumerate() {
        lines.push(format!("request {}:", at + 1));
        lines.extend(self::request(selection, host, *partition, request)?.into_iter().map(|line| format!("  {line}")));
    }
    Ok(())
}

/// `update {"id":1}: {"status":"P"} becomes {"status":"C"}`
fn described(row: &Selected) -> String {
    let text = |cells: &write::Cells| serde_json::to_string(cells).unwrap_or_default();
    let old: write::Cells =
        row.new.keys().filter_map(|name| Some((name.clone(), row.old.get(name)?.clone()))).collect();
    let place = row.partition.as_deref().map_or(String::new(), |code| format!(" in partition {code}"));
    match row.kind {
        tidegate_spec::WriteKind::Insert => format!("insert{place} {}", text(&row.new)),
        tidegate_spec::WriteKind::Update => {
            format!("update{place} {}: {} becomes {}", text(&row.key), text(&old), text(&row.new))
        }
        tidegate_spec::WriteKind::Delete => format!("delete{place} {}", text(&row.key)),
    }
}

/// Rows by the request that they would go in, if all goes well.
fn requests(selection: &Selection, rows: &[&Selected]) -> Vec<Vec<RowWrite>> {
    let table = &selection.table;
    let mut requests: Vec<Vec<RowWrite>> = Vec::new();
    for row in rows.iter().map(|row| row_write(row)) {
        let max = write::batch_max(table, row.kind).unwrap_or(1);
        let fits = |open: &&mut Vec<RowWrite>| {
            let shares = |first: &RowWrite| first.kind == row.kind && write::can_share(table, row.kind, first, &row);
            open.len() < max && open.first().is_some_and(shares)
        };
        match requests.last_mut().filter(fits) {
            Some(open) => open.push(row),
            None => requests.push(vec![row]),
        }
    }
    requests
}

fn row_write(row: &Selected) -> RowWrite {
    RowWrite {
        kind: row.kind,
        key: row.key.clone(),
        old: row.old.clone(),
        new: row.new.clone(),
        version: row.version.clone(),
        row_key: format!("{KEY}-{}", row.ordinal),
    }
}

/// A request in full, secrets blanked.
fn request(selection: &Selection, host: &Host, partition: Option<&str>, rows: &[RowWrite]) -> Result<Vec<String>> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let source = selection.connection.source(host.run.principal(), &host.statement);
    let source = match partition {
        Some(code) => partitions::source_of(&source, code).map_err(|error| Error::from(*error))?,
        None => source,
    };
    let has_single = selection.table.writes.get(first.kind).is_some_and(|write| write.single.is_some());
    let way = if rows.len() == 1 && has_single { Way::Single } else { Way::Batch };
    let composed = write::compose(&source, &selection.table, first.kind, way, rows, Some(KEY));
    let composed = composed.map_err(|kind| Error::new(ErrorKind::Query, format!("a row cannot be written: {kind}")))?;
    let shown = composed.shown(&source);
    let mut lines = vec![format!("{} {}", shown.method, shown.url)];
    lines.extend(shown.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    lines.extend(shown.body.iter().flat_map(|body| body.lines()).map(str::to_owned));
    Ok(lines)
}
