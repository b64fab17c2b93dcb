//! Endpoints that stop at a number of rows, however many match: all rows or an error.
//!
//! The manifests are those of the suite, with their ceilings lowered: what is tried is how they are met, not how high
//! they are.

use chrono::TimeDelta;
use tidegate_spec::{Endpoint, Table};

use super::data::{Cell, Row, parents};
use super::manifests;
use super::mock::{Behaviour, Condition};
use super::subject::{CONNECTION, Subject};
use super::target::Target;

/// Rows at which the endpoints stop.
const CEILING: u64 = 12;

/// Calls that no scan here should take.
const MOST_CALLS: usize = 40;

/// Rows with one value of the column by which a scan is sliced: the ceiling falls between two of them.
const TIES: usize = 5;

#[tokio::test]
async fn no_row_is_lost_at_a_ceiling() {
    let folder = tempfile::tempdir().unwrap();
    let (mut failing, mut sliced) = (0, 0);
    for (name, file) in manifests::with_low_ceilings(folder.path(), CEILING) {
        let subject = Subject::open(&name, &file);
        for table in &subject.tables {
            for (index, endpoint) in table.endpoints.iter().enumerate() {
                let Some(ceiling) = endpoint.ceiling.filter(|_| is_asked(table, index)) else { continue };
                let tried = Tried { subject: &subject, target: Target::new(table, index) };
                tried.all_rows(CEILING - 1).await;
                match ceiling.slice_by {
                    Some(column) => {
                        sliced += 1;
                        tried.slices(column).await;
                    }
                    None => {
                        failing += 1;
                        tried.fails(CEILING + 3).await;
                    }
                }
            }
        }
    }
    assert!(failing >= 5 && sliced >= 2, "{failing} tables without slices, {sliced} with");
}

/// Whether a query that has but the required filters is not served by another endpoint, which may have no ceiling.
fn is_asked(table: &Table, index: usize) -> bool {
    let needs = |endpoint: &Endpoint| endpoint.filters.required().map(|filter| filter.column).collect::<Vec<_>>();
    let others = table.endpoints[..index].iter().filter(|endpoint| super::lists(endpoint));
    others.map(needs).all(|needed| needed.iter().any(|column| !needs(&table.endpoints[index]).contains(column)))
}

struct Tried<'a> {
    subject: &'a Subject,
    target: Target<'a>,
}

impl Tried<'_> {
    fn name(&self) -> String {
        format!("{}.{}.{}", self.subject.name, self.target.table.name, self.target.endpoint.name)
    }

    /// Every row once, with groups of equal values in the column by which it is sliced; and the error where one value
    /// has more rows than the ceiling.
    async fn slices(&self, column: usize) {
        self.all_rows_of(column, 31, TIES).await;
        self.all_rows_of(column, CEILING * 2, 1).await;
        let all = usize::try_from(CEILING).unwrap() + 1;
        let message = self.error_of(&self.rows(CEILING + 1, Some((column, all)))).await;
        assert!(message.contains("the same value"), "{}: {message}", self.name());
    }

    async fn all_rows(&self, count: u64) {
        self.complete(&self.rows(count, None)).await;
    }

    async fn all_rows_of(&self, column: usize, count: u64, ties: usize) {
        self.complete(&self.rows(count, Some((column, ties)))).await;
    }

    async fn complete(&self, rows: &[Row]) {
        let filter = self.target.filter();
        let (outcome, log) = self.ask(rows, &filter).await;
        let urls: Vec<_> = log.iter().map(|url| format!("\n  {url}")).collect();
        let outcome = outcome.unwrap_or_else(|error| panic!("{}: {error}{}", self.name(), urls.concat()));
        let truth = self.target.truth(rows, &filter);
        assert_eq!(outcome.sorted_rows(), truth, "{}{}", self.name(), urls.concat());
        assert!(log.len() <= MOST_CALLS, "{}: {} calls{}", self.name(), log.len(), urls.concat());
    }

    async fn fails(&self, count: u64) {
        let message = self.error_of(&self.rows(count, None)).await;
        assert!(message.contains(&format!("stops at {CEILING} rows")), "{}: {message}", self.name());
    }

    async fn error_of(&self, rows: &[Row]) -> String {
        let (outcome, log) = self.ask(rows, &self.target.filter()).await;
        match outcome {
            Ok(outcome) => panic!("{}: no error, and {} rows\n{log:?}", self.name(), outcome.rows().len()),
            Err(error) => error.to_string(),
        }
    }

    async fn ask(
        &self,
        rows: &[Row],
        filter: &[Condition],
    ) -> (Result<tidegate_tests::run::Outcome, tidegate::Error>, Vec<String>) {
        let behaviour = Behaviour { cap: self.target.cap, ..Behaviour::default() };
        let sql = self.target.sql(CONNECTION, filter);
        let (outcome, log) = self.subject.ask(self.target.table, rows, behaviour, &sql).await;
        (outcome, log.iter().map(|entry| format!("{} {} {:?}", entry.url, entry.body, entry.refused)).collect())
    }

    /// Rows that satisfy the required filters; with so many ties in this column.
    fn rows(&self, count: u64, ties: Option<(usize, usize)>) -> Vec<Row> {
        let mut rows = self.target.rows(count);
        let Some((column, ties)) = ties else { return rows };
        let filter = self.target.filter();
        let mut number = 0;
        for row in &mut rows {
            row[column] = rising(self.target.table, column, number / ties);
            number += usize::from(filter.iter().all(|condition| condition.holds(row, false)));
        }
        assert!(!parents(self.target.table).contains(&column), "{}: sliced by a parent", self.name());
        rows
    }
}

/// A value that grows with the number.
fn rising(table: &Table, column: usize, number: usize) -> Cell {
    match &table.columns[column].data_type {
        tidegate_spec::ColumnType::Timestamp { .. } => {
            let start = chrono::NaiveDate::from_ymd_opt(2024, 5, 31).unwrap().and_hms_opt(23, 59, 50).unwrap();
            Cell::Timestamp(start + TimeDelta::milliseconds(700 * number as i64))
        }
        tidegate_spec::ColumnType::Int64 => Cell::Int(number as i64),
        other => panic!("{}: sliced by {other:?}", table.name),
    }
}
