//! Every filter that is declared: the same rows with and without pushdown, from a faithful server, one that folds
//! case and one that ignores filters; and the request carries the filter.

use chrono::TimeDelta;
use tidegate_spec::{ColumnType, Operator};
use tidegate_tests::run::run;

use super::data::{Cell, Row};
use super::mock::{Behaviour, Condition, Fidelity};
use super::subject::{CONNECTION, Subject};
use super::target::{Target, condition_sql};

/// Rows that filters are tried on.
const ROWS: u64 = 24;

/// Values that each operator is tried with.
const VALUES: usize = 7;

/// The same, for manifests that are there for themselves rather than for what they try.
const FEW_VALUES: usize = 2;

/// Tries every filter of the endpoint; gives how many queries were run.
pub(crate) async fn check(subject: &Subject, target: &Target<'_>, failures: &mut Vec<String>) -> usize {
    let rows = target.rows(ROWS);
    let mut queries = 0;
    for filter in &target.endpoint.filters.columns {
        let column = &target.table.columns[filter.column];
        if !is_comparable(&column.data_type) || !target.columns().contains(&filter.column) {
            continue;
        }
        for &(operator, _) in &filter.operators {
            let name = format!("{} {} {}", what(subject, target), column.name, operator.sql());
            let mut one = Tried { subject, target, rows: &rows, name, pushed: 0, queries: 0 };
            if let Err(failure) = one.operator(filter.column, operator).await {
                failures.push(failure);
            }
            queries += one.queries;
        }
    }
    queries
}

fn what(subject: &Subject, target: &Target<'_>) -> String {
    format!("{}.{}.{}:", subject.name, target.table.name, target.endpoint.name)
}

fn is_comparable(data_type: &ColumnType) -> bool {
    !matches!(data_type, ColumnType::Json | ColumnType::List(_) | ColumnType::Struct(_) | ColumnType::Binary)
}

/// One operator on one column.
struct Tried<'a> {
    subject: &'a Subject,
    target: &'a Target<'a>,
    rows: &'a [Row],
    name: String,
    pushed: usize,
    queries: usize,
}

impl Tried<'_> {
    async fn operator(&mut self, column: usize, operator: Operator) -> Result<(), String> {
        let required = self.target.filter();
        let is_required = required.iter().any(|condition| condition.leaves().contains(&(column, operator)));
        let mut tries = self.conditions(column, operator);
        if !self.subject.is_fixture {
            tries.truncate(FEW_VALUES);
        }
        for (number, condition) in tries.iter().enumerate() {
            let mut filter: Vec<Condition> =
                required.iter().filter(|other| other.leaves().iter().all(|(of, _)| *of != column)).cloned().collect();
            filter.push(condition.clone());
            self.rows(&filter, column, Fidelity::Exact).await?;
            if self.subject.is_fixture {
                self.rows(&filter, column, Fidelity::Folding).await?;
            }
            if number == 0 && !is_required {
                if self.subject.is_fixture {
                    self.rows(&filter, column, Fidelity::Ignoring).await?;
                }
                self.subject.push_down(false).await;
                let off = self.rows(&filter, column, Fidelity::Exact).await;
                self.subject.push_down(true).await;
                off.map_err(|failure| format!("with pushdown off: {failure}"))?;
            }
        }
        if self.pushed == 0 && !tries.is_empty() {
            return Err(format!("{} is never pushed: {}", self.name, condition_sql(self.target.table, &tries[0])));
        }
        Ok(())
    }

    async fn rows(&mut self, filter: &[Condition], column: usize, fidelity: Fidelity) -> Result<(), String> {
        let Self { subject, target, .. } = self;
        let sql = target.sql(CONNECTION, filter);
        let behaviour = Behaviour { cap: target.cap, fidelity, ..Behaviour::default() };
        let (outcome, log) = subject.ask(target.table, self.rows, behaviour, &sql).await;
        self.queries += 1;
        let urls: Vec<_> =
            log.iter().map(|entry| format!("{} {} {:?}", entry.url, entry.body, entry.refused)).collect();
        let told = format!("{} ({fidelity:?})\n  {sql}\n  {}", self.name, urls.join("\n  "));
        let outcome = outcome.map_err(|error| format!("{told}\n  {error}"))?;
        let (found, truth) = (outcome.sorted_rows(), target.truth(self.rows, filter));
        if found != truth {
            let missing: Vec<_> = truth.iter().filter(|row| !found.contains(row)).take(2).collect();
            let more: Vec<_> = found.iter().filter(|row| !truth.contains(row)).take(2).collect();
            let counts = format!("{} rows in place of {}", found.len(), truth.len());
            return Err(format!("{told}\n  {counts}\n  missing: {missing:?}\n  more: {more:?}"));
        }
        if log.iter().any(|entry| entry.refused.is_some()) {
            return Err(format!("{told}\n  a request was refused"));
        }
        let is_pushed = !log.is_empty() && log.iter().all(|entry| entry.filters().iter().any(|(of, _)| *of == column));
        self.pushed += usize::from(is_pushed);
        if is_pushed && fidelity == Fidelity::Ignoring && !subject.warns_of(&target.table.name).await {
            return Err(format!("{told}\n  no warning says that the server ignores the filter"));
        }
        Ok(())
    }

    /// Conditions with values that occur, or are near to some that do.
    fn conditions(&self, column: usize, operator: Operator) -> Vec<Condition> {
        let leaf = |values: Vec<Cell>| Condition::Leaf { column, operator, values };
        if matches!(operator, Operator::IsNull | Operator::IsNotNull) {
            return vec![leaf(vec![Cell::Null])];
        }
        let mut values: Vec<Cell> = Vec::new();
        for row in self.rows {
            let value = &row[column];
            if *value != Cell::Null && !values.contains(value) {
                values.push(value.clone());
            }
        }
        // What every language can say comes first.
        values.sort_by_key(|value| matches!(value, Cell::Text(text) if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')));
        match operator {
            Operator::In => {
                [2, 1, 5, 40].into_iter().map(|count| leaf(values.iter().take(count).cloned().collect())).collect()
            }
            Operator::StartsWith | Operator::EndsWith | Operator::Contains => values
                .iter()
                .filter_map(|value| part(value, operator))
                .take(VALUES * 2)
                .map(|value| leaf(vec![value]))
                .collect(),
            _ => {
                let near: Vec<Cell> = values.first().into_iter().flat_map(near).collect();
                values.into_iter().take(VALUES).chain(near).map(|value| leaf(vec![value])).collect()
            }
        }
    }
}

/// Characters from the front, the end or the middle of a text.
fn part(value: &Cell, operator: Operator) -> Option<Cell> {
    let Cell::Text(text) = value else { return None };
    let characters: Vec<char> = text.chars().collect();
    let (length, half) = (characters.len(), characters.len().div_ceil(2));
    let taken = match operator {
        Operator::StartsWith => &characters[..half],
        Operator::EndsWith => &characters[length - half..],
        _ => &characters[length / 4..length - length / 4],
    };
    (!taken.is_empty()).then(|| Cell::Text(taken.iter().collect()))
}

/// Values that differ by less than a request may be able to say.
fn near(value: &Cell) -> Vec<Cell> {
    match value {
        Cell::Timestamp(at) => {
            [TimeDelta::microseconds(1), TimeDelta::milliseconds(-1), TimeDelta::seconds(1), TimeDelta::days(1)]
                .map(|by| Cell::Timestamp(*at + by))
                .to_vec()
        }
        Cell::Date(day) => vec![Cell::Date(*day + TimeDelta::days(1))],
        Cell::Int(value) => vec![Cell::Int(value.wrapping_add(1))],
        Cell::Text(text) => {
            vec![Cell::Text(text.to_uppercase()), Cell::Text(format!("{text} ")), Cell::Text(format!("{text}'"))]
        }
        _ => Vec::new(),
    }
}

impl Subject {
    /// Whether there is a warning about this table.
    async fn warns_of(&self, table: &str) -> bool {
        let warnings = run(&self.session, "SELECT message FROM system.warnings").await.unwrap().rows();
        warnings.iter().any(|row| row[0].contains(table))
    }
}
