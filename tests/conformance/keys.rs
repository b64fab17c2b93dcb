//! Endpoints that give the rows of keys: one object, or several in one response.

use tidegate_spec::{EndpointKind, Operator, Table};

use super::data::{Cell, Row, SPREAD, generate};
use super::mock::{Behaviour, Condition};
use super::subject::{CONNECTION, Subject};
use super::target::Target;

const SEED: u64 = 20_261_123;

/// Rows of each parent.
const ROWS: usize = 6;

/// Asks for keys that are there and for one that is not.
pub(crate) async fn check(subject: &Subject, table: &Table, index: usize, failures: &mut Vec<String>) -> usize {
    let endpoint = &table.endpoints[index];
    let target = Target::by_key(table, index);
    let rows = generate(table, SEED, ROWS * SPREAD);
    let required: Vec<usize> = endpoint.filters.required().map(|filter| filter.column).collect();
    let mut queries = 0;
    let all: [&[Row]; 4] = [&rows[4..5], &[], &rows[0..1], &rows[3..4]];
    for wanted in all.into_iter().take(if subject.is_fixture { 4 } else { 2 }) {
        let filter = conditions(endpoint.kind, table, &required, &rows, wanted);
        let sql = target.sql(CONNECTION, &filter);
        let (outcome, log) = subject.ask(table, &rows, Behaviour::default(), &sql).await;
        queries += 1;
        let truth = target.truth(&rows, &filter);
        let urls: Vec<_> = log.iter().map(|entry| format!("{} {:?}", entry.url, entry.refused)).collect();
        let told =
            format!("{}.{}.{}: by key\n  {sql}\n  {}", subject.name, table.name, endpoint.name, urls.join("\n  "));
        match outcome.map(|outcome| outcome.sorted_rows()) {
            Err(error) => failures.push(format!("{told}\n  {error}")),
            Ok(found) if found != truth => failures.push(format!("{told}\n  {found:?} in place of {truth:?}")),
            Ok(_) if log.len() != 1 => failures.push(format!("{told}\n  {} calls", log.len())),
            Ok(_) => {}
        }
    }
    queries
}

/// The required filters for these rows, or for a row that is not there.
fn conditions(kind: EndpointKind, table: &Table, required: &[usize], rows: &[Row], wanted: &[Row]) -> Vec<Condition> {
    let last = required.iter().rev().find(|column| table.key.contains(column)).or(required.last());
    let is_last = |column: usize| last == Some(&column);
    let condition = |&column: &usize| {
        let mut values: Vec<Cell> = wanted.iter().map(|row| row[column].clone()).collect();
        if values.is_empty() {
            values.push(if is_last(column) { absent(&rows[0][column]) } else { rows[0][column].clone() });
        }
        let is_several = kind == EndpointKind::GetMany && is_last(column);
        if is_several {
            values.extend(rows.iter().step_by(SPREAD).map(|row| row[column].clone()).take(2));
            values.dedup();
        }
        let operator = if values.len() > 1 { Operator::In } else { Operator::Eq };
        Condition::Leaf { column, operator, values }
    };
    required.iter().map(condition).collect()
}

fn absent(value: &Cell) -> Cell {
    match value {
        Cell::Int(_) => Cell::Int(-77),
        Cell::Text(_) => Cell::Text("nobody".to_owned()),
        other => other.clone(),
    }
}
