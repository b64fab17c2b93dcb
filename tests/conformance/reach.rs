//! What a query asks for besides rows: only so many of them (LIMIT), in an order (ORDER BY), or how many there are.

use std::cmp::Ordering;

use tidegate_spec::{Count as CountForm, Endpoint, Paging};

use super::cases::{Count, honest};
use super::data::{Cell, Row};
use super::mock::{Behaviour, Condition, Entry};
use super::subject::{CONNECTION, Subject};
use super::target::{Target, tells_total};

/// Fewest rows that are asked for where few are wanted.
const FEWEST: u64 = 20;

/// Tries them on this endpoint; gives how many queries were run.
pub(crate) async fn check(subject: &Subject, target: &Target<'_>, failures: &mut Vec<String>) -> usize {
    let name = format!("{}.{}.{}:", subject.name, target.table.name, target.endpoint.name);
    let rows = target.rows(Count::Many.of(target.page));
    let mut tried = Tried { subject, target, rows, filter: target.filter(), queries: 0 };
    let whole_pages = [target.page, target.page * 2];
    for limit in [1, 2].into_iter().filter(|limit| *limit < target.page).chain(whole_pages) {
        if let Err(failure) = tried.limit(limit).await {
            failures.push(format!("{name} LIMIT {limit}\n  {failure}"));
        }
    }
    if let Err(failure) = tried.count().await {
        failures.push(format!("{name} count(*)\n  {failure}"));
    }
    for sort in &target.endpoint.sort {
        for descends in [false, true] {
            if let Err(failure) = tried.order(sort.column, descends).await {
                let column = &target.table.columns[sort.column].name;
                failures.push(format!("{name} ORDER BY {column} (descending: {descends})\n  {failure}"));
            }
        }
    }
    tried.queries
}

struct Tried<'a> {
    subject: &'a Subject,
    target: &'a Target<'a>,
    rows: Vec<Row>,
    filter: Vec<Condition>,
    queries: usize,
}

impl Tried<'_> {
    /// The rows or the error, and the requests; `None` where another endpoint was asked.
    async fn ask(
        &mut self,
        sql: &str,
        behaviour: Behaviour,
    ) -> Option<(Result<Vec<Vec<String>>, String>, Vec<Entry>, String)> {
        let (outcome, log) = self.subject.ask(self.target.table, &self.rows, behaviour, sql).await;
        self.queries += 1;
        if log.iter().any(|entry| entry.endpoint.is_some_and(|index| index != self.target.index)) {
            return None;
        }
        let urls: Vec<_> =
            log.iter().map(|entry| format!("{} {} {:?}", entry.url, entry.body, entry.refused)).collect();
        let told = format!("{sql}\n  {}", urls.join("\n  "));
        Some((outcome.map(|outcome| outcome.rows()).map_err(|error| error.to_string()), log, told))
    }

    /// So many rows, no page more than they take, and no larger pages than they need.
    async fn limit(&mut self, limit: u64) -> Result<(), String> {
        let target = self.target;
        let sql = format!("{} LIMIT {limit}", target.sql_of(CONNECTION, &target.key_columns(), &self.filter));
        let Some((outcome, log, told)) = self.ask(&sql, honest(target).unwrap()).await else { return Ok(()) };
        let mut found = outcome.map_err(|error| format!("{error}\n  {told}"))?;
        let truth = target.truth_of(&self.rows, &target.key_columns(), &self.filter);
        found.sort();
        found.dedup();
        let count = found.len() as u64;
        if count != limit || found.iter().any(|row| !truth.contains(row)) {
            return Err(format!("{count} rows, or others\n  {told}"));
        }
        let calls = if target.endpoint.paging == Paging::Single { 1 } else { limit.div_ceil(target.page) };
        if log.len() as u64 != calls {
            return Err(format!("{} calls in place of {calls}\n  {told}", log.len()));
        }
        let size = few(target.endpoint, limit);
        if log[0].asked.size != size {
            return Err(format!("a page of {:?} rows in place of {size:?}\n  {told}", log[0].asked.size));
        }
        Ok(())
    }

    /// The number of rows; in one call where it is told.
    async fn count(&mut self) -> Result<(), String> {
        let (target, filter) = (self.target, &self.filter);
        if !tells_total(target.endpoint) {
            return Ok(());
        }
        let sql = target.sql_of(CONNECTION, &[target.columns()[0]], filter);
        let sql = format!("SELECT count(*) {}", &sql[sql.find("FROM").unwrap()..]);
        let truth = target.truth(&self.rows, filter).len();
        let Some((outcome, log, told)) = self.ask(&sql, honest(target).unwrap()).await else { return Ok(()) };
        let found = outcome.map_err(|error| format!("{error}\n  {told}"))?;
        if found != [[truth.to_string()]] {
            return Err(format!("{found:?} in place of {truth}\n  {told}"));
        }
        let is_told = target.endpoint.count == Some(CountForm::Told);
        let size = log.first().and_then(|entry| entry.asked.size);
        let can_choose = target.endpoint.page_size.as_ref().is_some_and(|size| size.place.is_some());
        match is_told && (log.len() != 1 || (can_choose && size != Some(1))) {
            true => Err(format!("not one call for a page of one row\n  {told}")),
            false => Ok(()),
        }
    }

    /// The rows in order; if the API was asked for the order and does not keep it, an error.
    async fn order(&mut self, column: usize, descends: bool) -> Result<(), String> {
        let target = self.target;
        let name = &target.table.columns[column].name;
        let direction = if descends { "DESC" } else { "ASC" };
        let sql = format!("{} ORDER BY \"{name}\" {direction}", target.sql(CONNECTION, &self.filter));
        let Some((outcome, log, told)) = self.ask(&sql, honest(target).unwrap()).await else { return Ok(()) };
        let found = outcome.map_err(|error| format!("{error}\n  {told}"))?;
        self.is_ordered(found, column, descends).map_err(|failure| format!("{failure}\n  {told}"))?;
        let is_pushed = log.iter().all(|entry| entry.asked.sort.first() == Some(&(column, descends)));
        if !is_pushed {
            // Where a NULL stands is not left to the server, and not every endpoint can be asked for those alone.
            let must = !target.table.columns[column].nullable;
            return if must { Err(format!("the order is not pushed\n  {told}")) } else { Ok(()) };
        }
        let ignoring = Behaviour { ignores_order: true, ..honest(target).unwrap() };
        let Some((outcome, _, told)) = self.ask(&sql, ignoring).await else { return Ok(()) };
        match outcome {
            Err(error) if error.contains("does not sort by") && error.contains(name.as_str()) => Ok(()),
            Err(error) => Err(format!("the error does not say what is wrong: {error}\n  {told}")),
            // They may have been in that order by nature.
            Ok(found) => self.is_ordered(found, column, descends).map_err(|failure| format!("{failure}\n  {told}")),
        }
    }

    fn is_ordered(&self, mut found: Vec<Vec<String>>, column: usize, descends: bool) -> Result<(), String> {
        let target = self.target;
        let at = target.columns().iter().position(|index| *index == column).expect("a column that is shown");
        let mut rows: Vec<&Row> =
            self.rows.iter().filter(|row| self.filter.iter().all(|condition| condition.holds(row, false))).collect();
        rows.sort_by(|a, b| nulls_last(&a[column], &b[column]));
        if descends {
            rows.reverse();
        }
        let data_type = &target.table.columns[column].data_type;
        let truth: Vec<String> = rows.iter().map(|row| row[column].shown(data_type)).collect();
        let values: Vec<String> = found.iter().map(|row| row[at].clone()).collect();
        if values != truth {
            return Err(format!("{values:?} in place of {truth:?}"));
        }
        found.sort();
        if found == target.truth(&self.rows, &self.filter) { Ok(()) } else { Err("other rows".to_owned()) }
    }
}

/// The page size that is asked for where so few rows are wanted.
fn few(endpoint: &Endpoint, limit: u64) -> Option<u64> {
    let declared = endpoint.page_size.as_ref().filter(|size| size.place.is_some())?;
    let is_single = endpoint.paging == Paging::Single;
    Some(if is_single { declared.max } else { limit.max(FEWEST).min(declared.max) })
}

fn nulls_last(a: &Cell, b: &Cell) -> Ordering {
    match (a == &Cell::Null, b == &Cell::Null) {
        (false, false) => a.compare(b).unwrap_or(Ordering::Equal),
        (a, b) => a.cmp(&b),
    }
}
