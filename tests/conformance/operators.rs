//! Every filter that is declared: the same rows with and without pushdown, from a faithful server, one that folds
//! case and one that ignores filters; and the request carries the filter. A filter that is declared exact and is
//! ignored is warned of; one that may let more rows pass is not.

use chrono::TimeDelta;
use tidegate_spec::{ColumnType, Exactness, Operator, Place};
use tidegate_tests::run::run;

use super::data::{Cell, Row};
use super::mock::{Behaviour, Condition, Fidelity};
use super::subject::{CONNECTION, Subject};
use super::target::{Target, condition_sql};

/// Rows that filters are tried on.
const ROWS: u64 = 24;

/// Values that each operator is tried with: so many that every language can say, and as many that few can.
const VALUES: usize = 2;

/// Values that are tried on a server that folds case.
const FOLDED_VALUES: usize = 3;

/// Values in all, for manifests that are there for themselves rather than for what they try.
const FEW_VALUES: usize = 1;

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
            let subject = &subject.anew();
            let mut one = Tried { subject, target, rows: &rows, name, pushed: 0, queries: 0, is_warned: false };
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
    /// Whether there is a warning about the table: there is one at most.
    is_warned: bool,
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
            let is_text = matches!(self.target.table.columns[column].data_type, ColumnType::Text | ColumnType::Uuid);
            if self.subject.is_fixture && is_text && number < FOLDED_VALUES {
                self.rows(&filter, column, Fidelity::Folding).await?;
            }
            if number == 0 && !is_required && self.subject.is_fixture {
                self.rows(&filter, column, Fidelity::Ignoring).await?;
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
        let columns = shown(target, filter);
        let sql = target.sql_of(CONNECTION, &columns, filter);
        let behaviour = Behaviour { cap: target.cap, fidelity, ..Behaviour::default() };
        let (outcome, log) = subject.ask(target.table, self.rows, behaviour, &sql).await;
        self.queries += 1;
        let urls: Vec<_> =
            log.iter().map(|entry| format!("{} {} {:?}", entry.url, entry.body, entry.refused)).collect();
        let told = format!("{} ({fidelity:?})\n  {sql}\n  {}", self.name, urls.join("\n  "));
        let outcome = outcome.map_err(|error| format!("{told}\n  {error}"))?;
        let (found, truth) = (outcome.sorted_rows(), target.truth_of(self.rows, &columns, filter));
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
        let sent: usize = log.iter().map(|entry| entry.rows).sum();
        if !is_pushed || fidelity != Fidelity::Ignoring || sent == truth.len() {
            return Ok(());
        }
        self.warned(filter).await.map_err(|failure| format!("{told}\n  {failure}"))
    }

    /// Rows came that do not satisfy the filter: whether that is warned of as it should be.
    async fn warned(&mut self, filter: &[Condition]) -> Result<(), String> {
        let filters = &self.target.endpoint.filters;
        let is_exact = |(column, operator): (usize, Operator)| {
            let is_in_path = filters.form(column, operator).is_some_and(|form| matches!(form.place, Place::Path(_)));
            !is_in_path && filters.exactness(column, operator) == Some(Exactness::Exact)
        };
        let is_due = self.is_warned || filter.iter().flat_map(Condition::leaves).any(is_exact);
        self.is_warned = self.subject.warns_of(&self.target.table.name).await;
        match (is_due, self.is_warned) {
            (true, false) => Err("no warning says that the server ignores a filter that is declared exact".to_owned()),
            (false, true) => Err("a warning about a filter that may let more rows pass".to_owned()),
            _ => Ok(()),
        }
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
                .step_by(2)
                .take(VALUES * 2)
                .map(|value| leaf(vec![value]))
                .collect(),
            _ => {
                let near: Vec<Cell> = values.first().into_iter().flat_map(near).collect();
                let hard = values.split_off(VALUES.min(values.len()));
                let hard = hard.into_iter().rev().take(VALUES);
                values.into_iter().chain(hard).chain(near).map(|value| leaf(vec![value])).collect()
            }
        }
    }
}

/// Columns that show which rows came, and that the filter reads.
fn shown(target: &Target<'_>, filter: &[Condition]) -> Vec<usize> {
    let filtered: Vec<usize> = filter.iter().flat_map(Condition::leaves).map(|(column, _)| column).collect();
    let key = &target.table.key;
    let mut columns = target.columns();
    columns.retain(|column| key.is_empty() || key.contains(column) || filtered.contains(column));
    columns
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
    pub(crate) async fn warns_of(&self, table: &str) -> bool {
        let warnings = run(&self.session, "SELECT message FROM system.warnings").await.unwrap().rows();
        warnings.iter().any(|row| row[0].contains(&format!("{CONNECTION}.{table} ")))
    }
}
