//! Filters without which an endpoint cannot be asked: left out, and with several values.

use tidegate_spec::Operator;

use super::data::{Cell, parent, parents};
use super::mock::{Behaviour, Condition};
use super::subject::{CONNECTION, Subject};
use super::target::Target;

/// Rows of each parent.
const ROWS: u64 = 3;

/// Tries the endpoint's required filters; gives how many queries were run.
pub(crate) async fn check(subject: &Subject, target: &Target<'_>, failures: &mut Vec<String>) -> usize {
    let filter = target.filter();
    if filter.is_empty() {
        return 0;
    }
    let name = format!("{}.{}.{}:", subject.name, target.table.name, target.endpoint.name);
    if let Err(failure) = left_out(subject, target).await {
        failures.push(format!("{name} required filters are left out\n  {failure}"));
    }
    if let Err(failure) = several(subject, target, filter).await {
        failures.push(format!("{name} a required filter has several values\n  {failure}"));
    }
    2
}

/// An error that names the column, without a request; unless another endpoint of the table needs none.
async fn left_out(subject: &Subject, target: &Target<'_>) -> Result<(), String> {
    let can_do_without = |endpoint: &tidegate_spec::Endpoint| endpoint.filters.required().next().is_none();
    if target.table.endpoints.iter().any(can_do_without) {
        return Ok(());
    }
    let sql = target.sql(CONNECTION, &[]);
    let (outcome, log) = subject.ask(target.table, &target.rows(ROWS), Behaviour::default(), &sql).await;
    let Err(error) = outcome else { return Err(format!("no error: {sql}")) };
    let message = error.to_string();
    let is_named = |column: usize| message.contains(&target.table.columns[column].name);
    match target.endpoint.filters.required().map(|filter| filter.column).any(is_named) {
        true if log.is_empty() => Ok(()),
        true => Err(format!("{} requests were sent", log.len())),
        false => Err(format!("the error names none of the columns: {message}")),
    }
}

/// `IN` over parents: the rows of each of them, and of no other.
async fn several(subject: &Subject, target: &Target<'_>, mut filter: Vec<Condition>) -> Result<(), String> {
    let parents = parents(target.table);
    let last = filter.iter_mut().rev().find_map(|condition| match condition {
        Condition::Leaf { column, operator, values } if parents.contains(column) => Some((*column, operator, values)),
        _ => None,
    });
    let Some((column, operator, values)) = last else { return Ok(()) };
    *operator = Operator::In;
    let others = (0..3).map(|which| parent(target.table, column, which));
    *values = others.fold(Vec::new(), |mut values: Vec<Cell>, value| {
        if !values.contains(&value) {
            values.push(value);
        }
        values
    });
    let rows = target.rows(ROWS);
    let columns = target.key_columns();
    let sql = target.sql_of(CONNECTION, &columns, &filter);
    let (outcome, log) = subject.ask(target.table, &rows, Behaviour::default(), &sql).await;
    let urls: Vec<_> = log.iter().map(|entry| format!("{} {:?}", entry.url, entry.refused)).collect();
    let told = format!("{sql}\n  {}", urls.join("\n  "));
    let found = outcome.map_err(|error| format!("{error}\n  {told}"))?.sorted_rows();
    let truth = target.truth_of(&rows, &columns, &filter);
    if found == truth { Ok(()) } else { Err(format!("{} rows in place of {}\n  {told}", found.len(), truth.len())) }
}
