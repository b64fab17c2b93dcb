//! Columns that take a call for each row: the mock serves a table's details as endpoints of their own.

use tidegate_spec::{ColumnSource, Table};

use super::data::generate;
use super::mock::Behaviour;
use super::subject::{CONNECTION, Subject};
use super::target::Target;

const SEED: u64 = 20_261_124;

/// Rows of all parents together.
const ROWS: usize = 9;

/// Reads the details of a table's rows, as its endpoint at `index` lists them; gives how many queries were run.
pub(crate) async fn check(subject: &Subject, table: &Table, index: usize, failures: &mut Vec<String>) -> usize {
    let served = served(table);
    let rows = generate(&served, SEED, ROWS);
    for detail in &table.details {
        let target = Target::new(&served, index);
        let filter = target.filter();
        let columns: Vec<usize> = target.key_columns().into_iter().chain(detail.columns.iter().copied()).collect();
        let sql = target.sql_of(CONNECTION, &columns, &filter);
        let (outcome, log) = subject.ask(&served, &rows, Behaviour::default(), &sql).await;
        let urls: Vec<_> = log.iter().map(|entry| format!("{} {:?}", entry.url, entry.refused)).collect();
        let name = format!("{}.{}.{}", subject.name, table.name, detail.endpoint.name);
        let told = format!("{name}: details\n  {sql}\n  {}", urls.join("\n  "));
        let truth = target.truth_of(&rows, &columns, &filter);
        let lists = log.iter().filter(|entry| entry.endpoint == Some(index)).count();
        match outcome.map(|outcome| outcome.sorted_rows()) {
            Err(error) => failures.push(format!("{told}\n  {error}")),
            Ok(found) if found != truth => failures.push(format!("{told}\n  {found:?} in place of {truth:?}")),
            Ok(found) if log.len() != lists + found.len() => failures.push(format!("{told}\n  {} calls", log.len())),
            Ok(_) => {}
        }
    }
    table.details.len()
}

/// The table as the API has it: with its details as endpoints, and their columns as columns of rows.
fn served(table: &Table) -> Table {
    let mut served = table.clone();
    served.endpoints.extend(table.details.iter().map(|detail| detail.endpoint.clone()));
    for column in served.columns.iter_mut().filter(|column| column.source == ColumnSource::Detail) {
        column.source = ColumnSource::Row;
    }
    served
}
