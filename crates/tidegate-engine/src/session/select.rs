//! USE of partitions: which a session's statements run over from now on.
//!
//! All of a statement is done or nothing: a code that does not exist leaves everything selected as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::collect;
use tidegate_transport::Statement;

use super::command::no_connection;
use super::{Planner, Run, Shared, execute};
use crate::catalog::nearest;
use crate::partitions::{self, Selection, there_are};
use crate::sql::{self, Chosen, Parsed, UsePartitions, What};
use crate::{Connection, Error, ErrorKind, Partition, Partitions, Result};

/// Items by the name of their connection.
type ByConnection = BTreeMap<String, (Vec<What>, Vec<What>)>;

/// Refuses connections that there are not, or that have no partitions.
pub(super) fn check(shared: &Shared, choice: &UsePartitions) -> Result<()> {
    let UsePartitions::Listed { chosen, except } = choice else { return Ok(()) };
    for name in by_connection(shared, chosen, except)?.keys() {
        partitioned(shared, name)?;
    }
    Ok(())
}

/// Selects the partitions. A list of them that is not known yet, and the query if there is one, is paid for by
/// `statement`.
pub(super) async fn select(
    planner: &Planner,
    run: &Run,
    statement: &Arc<Statement>,
    choice: UsePartitions,
) -> Result<()> {
    let shared = run.shared();
    let (chosen, except) = match choice {
        UsePartitions::Listed { chosen, except } => (chosen, except),
        UsePartitions::Query(query) => (queried(planner, run, statement, &query).await?, Vec::new()),
    };
    let mut selections = Vec::new();
    for (name, (chosen, except)) in by_connection(shared, &chosen, &except)? {
        let connection = partitioned(shared, &name)?;
        let all = partitions::resolve(&connection, run).await?;
        let selection = selection(&name, &all, &chosen, &except)?;
        selections.push((connection, selection));
    }
    for (connection, selection) in selections {
        shared.select(&connection.def.name, selection);
    }
    Ok(())
}

/// What to write for a partition whose code was taken for a schema.
pub(super) fn advice(shared: &Shared, schema: &str) -> Option<String> {
    let connections = shared.connections();
    let of = |connection: &Arc<Connection>| partitions::known_partitions(shared.engine(), connection);
    let (name, partition) = connections.iter().find_map(|(name, connection)| {
        let partition = of(connection)?.iter().find(|one| one.code.to_lowercase() == schema)?.clone();
        Some((name, partition))
    })?;
    Some(format!("to choose the partition write USE {}@{}", sql::literal(&partition.code), sql::quote(name)))
}

fn partitioned(shared: &Shared, name: &str) -> Result<Arc<Connection>> {
    let connection = shared.connection(name).ok_or_else(|| no_connection(shared, name))?;
    if connection.partitions == Partitions::None {
        let message =
            format!("the connection {name} has no partitions to choose; USE {} makes it the default", sql::quote(name));
        return Err(Error::new(ErrorKind::Name, message));
    }
    Ok(connection)
}

/// The items of each connection. One without a name belongs to the next that is named; behind the last of them, to
/// the connection that is meant anyway.
fn by_connection(shared: &Shared, chosen: &[Chosen], except: &[Chosen]) -> Result<ByConnection> {
    let mut items = ByConnection::new();
    for (name, what) in named(chosen, || meant(shared))? {
        items.entry(name).or_default().0.push(what);
    }
    let whole: Vec<String> =
        items.iter().filter(|(_, (chosen, _))| chosen.contains(&What::All)).map(|(name, _)| name.clone()).collect();
    let of_all = || match whole.as_slice() {
        [one] => Ok(one.clone()),
        _ => Err(syntax("EXCEPT leaves partitions out of one USE all@…: write the connection, as in EXCEPT 123@eol")),
    };
    for (name, what) in named(except, of_all)? {
        if !whole.contains(&name) {
            return Err(syntax(&format!(
                "EXCEPT leaves partitions out of all of {name}: write USE all@{name} EXCEPT …"
            )));
        }
        items.entry(name).or_default().1.push(what);
    }
    Ok(items)
}

fn named(list: &[Chosen], last: impl Fn() -> Result<String>) -> Result<Vec<(String, What)>> {
    let mut next: Option<String> = None;
    let mut named = Vec::with_capacity(list.len());
    for chosen in list.iter().rev() {
        let name = match (&chosen.connection, &next) {
            (Some(name), _) | (None, Some(name)) => name.clone(),
            (None, None) => last()?,
        };
        named.push((name.clone(), chosen.what.clone()));
        next = Some(name);
    }
    named.reverse();
    Ok(named)
}

/// The connection that is meant where none is named: the default schema, or else the only one with partitions.
fn meant(shared: &Shared) -> Result<String> {
    let has_partitions = |connection: &Arc<Connection>| connection.partitions != Partitions::None;
    let default = shared.default_schema();
    if shared.connection(&default).as_ref().is_some_and(has_partitions) {
        return Ok(default);
    }
    let connections = shared.connections();
    let partitioned: Vec<&str> = connections
        .iter()
        .filter(|(_, connection)| has_partitions(connection))
        .map(|(name, _)| name.as_str())
        .collect();
    match partitioned.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => Err(Error::new(ErrorKind::Name, "no connection has partitions to choose")),
        several => {
            let message = format!(
                "several connections have partitions: write which is meant, as in USE all@{}; there are: {}",
                several.first().unwrap_or(&"name"),
                crate::error::listed(several)
            );
            Err(Error::new(ErrorKind::Name, message))
        }
    }
}

/// What is selected of one connection from now on; `None` for what its configuration says.
fn selection(name: &str, all: &[Partition], chosen: &[What], except: &[What]) -> Result<Option<Selection>> {
    let codes = |items: &[What]| {
        let codes = items.iter().filter_map(|what| match what {
            What::Code { text, is_word } => Some(found(name, all, text, *is_word)),
            What::All | What::Default => None,
        });
        codes.collect::<Result<BTreeSet<String>>>()
    };
    let only = codes(chosen)?;
    let left_out = codes(except)?;
    if except.iter().any(|what| !matches!(what, What::Code { .. })) {
        return Err(syntax("EXCEPT takes codes of partitions"));
    }
    if chosen.contains(&What::Default) {
        return match chosen {
            [_] => Ok(None),
            _ => {
                Err(syntax(&format!("default@{name} stands alone: it is what the connection's configuration selects")))
            }
        };
    }
    if !left_out.is_empty() && all.iter().all(|partition| left_out.contains(&partition.code)) {
        let message = format!("EXCEPT leaves no partition of {name}; what was selected before still is");
        return Err(Error::new(ErrorKind::Query, message));
    }
    Ok(Some(match (chosen.contains(&What::All), left_out.is_empty()) {
        (false, _) => Selection::Only(only),
        (true, true) => Selection::All,
        (true, false) => Selection::Except(left_out),
    }))
}

/// The partition's code as the connection spells it.
fn found(name: &str, all: &[Partition], text: &str, is_word: bool) -> Result<String> {
    if let Some(partition) = all.iter().find(|partition| partition.code == text) {
        return Ok(partition.code.clone());
    }
    let mut folded = all.iter().filter(|partition| is_word && partition.code.to_lowercase() == text.to_lowercase());
    if let (Some(one), None) = (folded.next(), folded.next()) {
        return Ok(one.code.clone());
    }
    // Of short codes every other is a near one.
    let codes = all.iter().map(|partition| partition.code.as_str()).filter(|code| code.chars().count() > 2);
    let hint = match nearest(text, codes) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => there_are(all),
    };
    Err(Error::new(ErrorKind::Name, format!("{name} has no partition {text}; {hint}")))
}

fn syntax(message: &str) -> Error {
    Error::new(ErrorKind::Syntax, message)
}

/// What the query returns: codes, and the connections that they are of.
async fn queried(planner: &Planner, run: &Run, statement: &Arc<Statement>, query: &str) -> Result<Vec<Chosen>> {
    let Parsed::DataFusion(parsed) = sql::parse(query)? else {
        return Err(syntax("USE takes partitions, or a SELECT of their codes and connections"));
    };
    let plan = planner.plan(run, query, *parsed, &run.shared().default_schema()).await?;
    if !(1..=2).contains(&plan.schema().fields().len()) {
        let message = "USE SELECT takes a code and the name of a connection: SELECT code, 'eol' FROM …";
        return Err(Error::new(ErrorKind::Query, message));
    }
    let state = execute::state(planner, run, statement)?;
    let physical = state.create_physical_plan(&plan).await?;
    let mut chosen = Vec::new();
    for batch in collect(physical, state.task_ctx()).await? {
        chosen.extend(rows(&batch)?);
    }
    for chosen in &mut chosen {
        // A name in a text is meant as one without quotes, unless a connection has it as it is.
        if let Some(name) = &mut chosen.connection
            && run.shared().connection(name).is_none()
        {
            *name = name.to_lowercase();
        }
    }
    if chosen.is_empty() {
        let message = "USE SELECT returned no partition; what was selected before still is";
        return Err(Error::new(ErrorKind::Query, message));
    }
    Ok(chosen)
}

fn rows(batch: &RecordBatch) -> Result<Vec<Chosen>> {
    let columns = batch.columns().iter().map(|column| cast(column, &DataType::Utf8).map_err(DataFusionError::from));
    let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
    let null = || Error::new(ErrorKind::Query, "USE SELECT returned NULL for the code or connection of a partition");
    let text = |column: &Arc<dyn Array>, row: usize| {
        let column = column.as_string::<i32>();
        if column.is_valid(row) { Ok(column.value(row).to_owned()) } else { Err(null()) }
    };
    let row = |row: usize| {
        let code = text(columns.first().ok_or_else(null)?, row)?;
        let connection = columns.get(1).map(|column| text(column, row)).transpose()?;
        Ok(Chosen { what: What::Code { text: code, is_word: false }, connection })
    };
    (0..batch.num_rows()).map(row).collect()
}
