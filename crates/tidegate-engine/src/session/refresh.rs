//! REFRESH QUOTAS: one cheap call for each selected partition whose figures are unknown or old, so that what is left
//! shows before anything is spent on rows.
//!
//! The call is the connector's own (`quota_check` of a manifest, the service root of OData), else the first page of a
//! table that lists without a filter. It is an ordinary call: it comes out of the quotas, out of `max_calls`, and is
//! counted for the statement.

use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use tidegate_quota::{MeterView, Source as FiguresFrom};
use tidegate_remote::pushdown::alternatives;
use tidegate_remote::{BadValue, ScanRequest, Source, partition};
use tidegate_spec::{Endpoint, Model, Table};
use tidegate_transport::Statement;

use super::{Run, bounds};
use crate::error::common_kind;
use crate::system::{Counters, scopes};
use crate::{Connection, Connector, Error, ErrorKind, PartialResults, Partitions, Result, partitions};

/// Figures that are older are asked for again.
const FRESH: Duration = Duration::from_secs(60);

/// Partitions asked at once. Their quotas may let fewer.
const AT_ONCE: usize = 16;

/// Failures that an error repeats.
const SHOWN: usize = 5;

/// What became of a partition.
#[derive(Debug)]
struct Row {
    connection: String,
    partition: Option<String>,
    calls: u64,
    note: String,
}

/// The statement's columns.
pub(super) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("connection", DataType::Utf8, false),
        Field::new("partition", DataType::Utf8, true),
        Field::new("calls", DataType::Int64, false),
        Field::new("note", DataType::Utf8, false),
    ]))
}

/// Refreshes the figures of these connections: one row for each selected partition.
///
/// # Errors
/// When one of them could not be asked; all others are asked before. With `partial_results = warn` it is a warning.
pub(super) async fn refresh(
    run: &Run,
    statement: &Arc<Statement>,
    connections: Vec<Arc<Connection>>,
) -> Result<RecordBatch> {
    let mut rows = Vec::new();
    let mut failures = Vec::new();
    for connection in &connections {
        match refresh_connection(run, statement, connection, &mut failures).await {
            Ok(refreshed) => rows.extend(refreshed),
            Err(error) if is_of_all(&error) => return Err(error),
            Err(error) => failures.push((connection.def.name.clone(), error)),
        }
    }
    let asked = rows.len() + failures.len();
    match run.settings().partial_results {
        _ if failures.is_empty() => {}
        PartialResults::Fail => return Err(failed(asked, failures)),
        PartialResults::Warn => {
            for (connection, error) in failures {
                run.notes().missing(&connection, format!("its quotas could not be refreshed: {error}"));
            }
        }
    }
    batch(&rows)
}

async fn refresh_connection(
    run: &Run,
    statement: &Arc<Statement>,
    connection: &Connection,
    failures: &mut Vec<(String, Error)>,
) -> Result<Vec<Row>> {
    let name = &connection.def.name;
    let selected = selected(run, connection).await?;
    let codes: Vec<&str> = selected.iter().flatten().map(AsRef::as_ref).collect();
    let before = Counters::read(connection, &codes).await?;
    let now = run.engine().parts().clock.now();
    let due: Vec<bool> = selected.iter().map(|code| is_due(connection, &before, code.as_deref(), now)).collect();
    bounds::check_calls(statement, due.iter().filter(|is_due| **is_due).count() as u64)?;
    let mut calls: Vec<BoxFuture<'_, Result<u64>>> = Vec::with_capacity(selected.len());
    for (code, is_due) in selected.iter().zip(due) {
        calls.push(ask(run, statement, connection, code.as_deref(), is_due).boxed());
    }
    let answers: Vec<Result<u64>> = stream::iter(calls).buffered(AT_ONCE).collect().await;
    let after = Counters::read(connection, &codes).await?;
    let mut rows = Vec::new();
    for (code, answer) in selected.iter().zip(answers) {
        let calls = match answer {
            Ok(calls) => calls,
            Err(error) if is_of_all(&error) => return Err(error),
            Err(error) => {
                failures.push((name.clone(), error));
                continue;
            }
        };
        let is_told = tells(connection, &after, code.as_deref());
        let note = match (calls, is_told) {
            (0, true) => "known already",
            (0, false) => "counted here",
            (_, true) => "asked",
            (_, false) => "asked; the answer tells nothing of quotas",
        };
        let partition = code.as_deref().map(str::to_owned);
        rows.push(Row { connection: name.clone(), partition, calls, note: note.to_owned() });
    }
    if rows.iter().any(|row| row.calls > 0) && !selected.iter().any(|code| tells(connection, &after, code.as_deref())) {
        run.notes().warn(
            name,
            "its answers tell nothing of quotas: what is left of them is known only as far as it is counted here",
        );
    }
    Ok(rows)
}

/// Whether the failure is none of its partition: the user gave up, or the statement may send no more.
fn is_of_all(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Cancelled | ErrorKind::CallBound)
}

/// Codes of the selected partitions; one `None` for a connection without partitions.
async fn selected(run: &Run, connection: &Connection) -> Result<Vec<Option<Arc<str>>>> {
    if connection.partitions == Partitions::None {
        return Ok(vec![None]);
    }
    let partitions = partitions::resolve(connection, run).await?;
    let codes = run.shared().selection(connection).codes(&connection.def.name, &partitions)?;
    Ok(codes.into_iter().map(Some).collect())
}

/// Whether a call is to be spent: figures that the server tells are missing, void or old, or nothing is known at all.
fn is_due(connection: &Connection, counters: &Counters, code: Option<&str>, now: std::time::SystemTime) -> bool {
    let keys = scopes(connection, code);
    let declared = |meter: &MeterView| {
        let mut quotas = connection.metering.quotas.iter().map(|metered| &metered.quota);
        quotas.any(|quota| quota.name == meter.name && quota.is_reported)
    };
    let mut reported =
        counters.meters(&keys).filter(|meter| meter.source != FiguresFrom::Declared || declared(meter)).peekable();
    if reported.peek().is_none() {
        // What is counted here alone is known without a call.
        return counters.meters(&keys).next().is_none();
    }
    let is_old = |meter: &MeterView| {
        let age = meter.observed_at.and_then(|at| now.duration_since(at).ok());
        meter.remaining.is_none() || age.is_none_or(|age| age > FRESH)
    };
    // Partitions usually have quotas of their own: one that nothing is known of was never asked.
    let is_unknown = code.is_some()
        && connection.metering.quotas.is_empty()
        && counters.meters(&keys[..1]).all(|meter| meter.source == FiguresFrom::Declared);
    is_unknown || reported.any(is_old)
}

/// Whether the server has told of a quota that the partition's calls come out of.
fn tells(connection: &Connection, counters: &Counters, code: Option<&str>) -> bool {
    counters.meters(&scopes(connection, code)).any(|meter| meter.source != FiguresFrom::Declared)
}

/// Spends the call, if one is due, and tells how many attempts it took.
async fn ask(
    run: &Run,
    statement: &Arc<Statement>,
    connection: &Connection,
    code: Option<&str>,
    is_due: bool,
) -> Result<u64> {
    if !is_due {
        return Ok(0);
    }
    let child = Arc::new(statement.child());
    let source = connection.source(run.principal(), &child);
    let source = match code {
        Some(code) => partitions::source_of(&source, code).map_err(|error| *error)?,
        None => source,
    };
    match &connection.connector {
        Connector::OData(_) => tidegate_remote::probe(&source, None).await?,
        Connector::Manifest(model) => match &model.quota_check {
            Some(endpoint) => tidegate_remote::probe(&source, Some(endpoint)).await?,
            None => first_page(run, connection, model, source).await?,
        },
    }
    Ok(child.counts().calls)
}

/// The first page, of one row where the API allows that, of a table that lists without a filter.
async fn first_page(run: &Run, connection: &Connection, model: &Arc<Model>, source: Source) -> Result<()> {
    let needs = source.partition.is_some();
    let Some((table, endpoint)) = cheapest(connection, model, needs) else {
        let message = format!(
            "{}: its quotas cannot be refreshed: no table can be read without a filter, and its connector names no \
             request for it (quota_check)",
            connection.def.name
        );
        return Err(Error::new(ErrorKind::Unsupported, message));
    };
    let known = run.engine().models().known(connection);
    let Some(table) = known.as_ref().and_then(|known| known.table(&table.name)) else { return Ok(()) };
    let request = ScanRequest {
        table: Arc::clone(table),
        endpoint,
        columns: Vec::new(),
        filter: None,
        sort: Vec::new(),
        fetch: Some(1),
        skip: 0,
        on_bad_value: BadValue::Null,
    };
    match tidegate_remote::scan(source, request).next().await {
        Some(Err(error)) => Err(error.into()),
        Some(Ok(_)) | None => Ok(()),
    }
}

/// A table and the endpoint that lists it without a filter; for a partition one whose requests name it, if there is one.
fn cheapest<'a>(connection: &Connection, model: &'a Model, in_partition: bool) -> Option<(&'a Table, usize)> {
    let names_partition =
        |endpoint: &Endpoint| partition::in_base(&connection.base) || partition::in_endpoint(endpoint);
    let all = model.tables.iter().flat_map(|table| (0..table.endpoints.len()).map(move |endpoint| (table, endpoint)));
    let mut lists: Vec<(&Table, usize)> =
        all.filter(|(table, endpoint)| alternatives(table, *endpoint, None).is_ok()).collect();
    let names = |(table, endpoint): &(&Table, usize)| names_partition(&table.endpoints[*endpoint]);
    if in_partition {
        lists.sort_by_key(|list| !names(list));
    } else {
        lists.retain(|list| !names(list));
    }
    lists.into_iter().next()
}

/// One error for all that failed, of their kind if they have one.
fn failed(asked: usize, failures: Vec<(String, Error)>) -> Error {
    let kind = common_kind(failures.iter().map(|(_, error)| error.kind()));
    let count = failures.len();
    let mut texts: Vec<String> = failures.iter().take(SHOWN).map(|(_, error)| error.to_string()).collect();
    texts.dedup();
    let more = if count > SHOWN { format!("; and {} more", count - SHOWN) } else { String::new() };
    let text = texts.join("; ");
    let message =
        if asked == 1 { text } else { format!("quotas could not be refreshed for {count} of {asked}: {text}{more}") };
    Error::new(kind, message)
}

fn batch(rows: &[Row]) -> Result<RecordBatch> {
    let text = |of: fn(&Row) -> Option<&str>| -> ArrayRef { Arc::new(StringArray::from_iter(rows.iter().map(of))) };
    let calls = rows.iter().map(|row| i64::try_from(row.calls).unwrap_or(i64::MAX));
    let columns: Vec<ArrayRef> = vec![
        text(|row| Some(&row.connection)),
        text(|row| row.partition.as_deref()),
        Arc::new(Int64Array::from_iter_values(calls)),
        text(|row| Some(&row.note)),
    ];
    Ok(RecordBatch::try_new(schema(), columns).map_err(DataFusionError::from)?)
}
