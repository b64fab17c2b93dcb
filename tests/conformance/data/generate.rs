//! Makes rows from the types of the columns: the same ones for the same seed.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tidegate_spec::{
    ColumnSource, ColumnType, Dialect, Endpoint, EndpointKind, Operator, Place, Table, TimestampFormat,
};

use super::{Cell, Row, Shape, is_derived, row_json};

const TEXTS: &[&str] = &[
    "plain",
    "Plain",
    "PLAIN",
    "plain ",
    " plain",
    "",
    "Zoë",
    "straße",
    "日本語",
    "😀 smile",
    "a,b",
    "it's",
    "say \"hi\"",
    "back\\slash",
    "100%",
    "under_score",
    "A+B & C=D?",
    "semi;colon",
    "#hash",
    "a/b",
    "null",
    "a:b",
    "x AND y",
    "(x)",
    "[1]",
    "{owner}",
    "line\nbreak",
    "e\u{301}",
    "é",
    "%41",
    "*",
    "<b>",
];

/// Rows of one parent among so many.
pub(crate) const SPREAD: usize = PARENTS.len();

/// Values of the columns that a request for a list has to name: parents of the rows.
const PARENTS: &[&str] = &["octo cat/ü", "second", "UPPER.name"];

/// Rows in the order in which the API keeps them: that of their keys.
pub(crate) fn generate(table: &Table, seed: u64, count: usize) -> Vec<Row> {
    let mut maker = Maker { table, rng: StdRng::seed_from_u64(seed) };
    let (parents, unique) = (parents(table), unique_column(table));
    let mut rows = Vec::with_capacity(count);
    for number in 0..count {
        let mut row: Row = (0..table.columns.len()).map(|column| maker.cell(column)).collect();
        for &column in &parents {
            row[column] = parent(table, column, number % PARENTS.len());
        }
        if let Some(column) = unique {
            row[column] = unique_cell(&table.columns[column].data_type, number);
        }
        derive(table, number, &mut row, &Shape::default());
        rows.push(row);
    }
    rows
}

/// Columns that every list of the table has to be asked for by `=`, less the one that makes keys unique.
pub(crate) fn parents(table: &Table) -> Vec<usize> {
    let unique = unique_column(table);
    let mut columns: Vec<usize> = table
        .endpoints
        .iter()
        .filter(|endpoint| matches!(endpoint.kind, EndpointKind::List | EndpointKind::Search))
        .flat_map(|endpoint| endpoint.filters.required().map(|filter| filter.column).collect::<Vec<_>>())
        .chain((0..table.columns.len()).filter(|&index| table.columns[index].source == ColumnSource::Request))
        .filter(|&column| Some(column) != unique && !is_temporal(&table.columns[column].data_type))
        .collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// The last column of the key that rows themselves hold.
fn unique_column(table: &Table) -> Option<usize> {
    table.key.iter().rev().copied().find(|&index| table.columns[index].source == ColumnSource::Row)
}

fn is_temporal(data_type: &ColumnType) -> bool {
    matches!(data_type, ColumnType::Date | ColumnType::Time | ColumnType::Timestamp { .. })
}

/// One of the values of a parent column.
pub(crate) fn parent(table: &Table, column: usize, which: usize) -> Cell {
    let (known, data_type) = (known_values(table, column), &table.columns[column].data_type);
    if let Some(text) = known.get(which % known.len().max(1)) {
        return Cell::parse(text, data_type, None)
            .unwrap_or_else(|| panic!("{text} in {}", table.columns[column].name));
    }
    let is_in_path = |endpoint: &Endpoint| {
        endpoint.filters.forms.iter().any(|form| form.column == column && matches!(form.place, Place::Path(_)))
    };
    match data_type {
        ColumnType::Bool => Cell::Bool(true),
        ColumnType::Int16 | ColumnType::Int32 | ColumnType::Int64 => Cell::Int(7 + which as i64),
        ColumnType::Uuid => Cell::Text(uuid(1_000_000 + which)),
        ColumnType::Text if table.endpoints.iter().any(is_in_path) => Cell::Text(PARENTS[which].to_owned()),
        ColumnType::Text => Cell::Text(format!("parent{which}")),
        other => panic!("no parents of type {other:?}"),
    }
}

/// Ascending with the row's number.
fn unique_cell(data_type: &ColumnType, number: usize) -> Cell {
    let n = number as i64;
    match data_type {
        ColumnType::Int16 | ColumnType::Int32 => Cell::Int(n + 1),
        // From the first page on beyond what a float can hold.
        ColumnType::Int64 if number >= 3 => Cell::Int(9_007_199_254_740_992 + n * 3),
        ColumnType::Int64 => Cell::Int(n + 1),
        ColumnType::Float32 | ColumnType::Float64 => Cell::Float(n as f64 + 0.5),
        ColumnType::Decimal { .. } => Cell::Decimal(i128::from(n) + 1),
        ColumnType::Uuid => Cell::Text(uuid(number)),
        ColumnType::Date => Cell::Date(day(n)),
        ColumnType::Time => Cell::Time(NaiveTime::MIN + TimeDelta::seconds(n)),
        ColumnType::Timestamp { .. } => Cell::Timestamp(day(0).and_time(NaiveTime::MIN) + TimeDelta::seconds(n)),
        ColumnType::Text if number.is_multiple_of(4) => Cell::Text(format!("k{number:05}/é &+%")),
        ColumnType::Text => Cell::Text(format!("k{number:05}")),
        other => panic!("no keys of type {other:?}"),
    }
}

fn uuid(number: usize) -> String {
    format!("0f8fad5b-d9cb-469f-a165-{number:012x}")
}

fn day(number: i64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2020, 1, 1).expect("a date") + TimeDelta::days(number)
}

/// Columns that hold what others hold, too.
pub(crate) fn derive(table: &Table, number: usize, row: &mut Row, shape: &Shape) {
    for index in (0..table.columns.len()).filter(|&index| is_derived(table, index)) {
        let column = &table.columns[index];
        let twin = table.columns[..index].iter().position(|twin| twin.path == column.path);
        row[index] = match twin {
            Some(twin) if table.columns[twin].data_type == column.data_type => row[twin].clone(),
            Some(_) => panic!("{}: two columns of different types have the path of {}", table.name, column.name),
            None => {
                let whole = Endpoint::new("all", "");
                let json = row_json(table, &whole, (number, row), shape, None);
                let at = column.path.iter().try_fold(&json, |json, step| json.get(step.as_str()));
                at.map_or(Cell::Null, |json| Cell::Json(json.clone()))
            }
        };
    }
}

struct Maker<'a> {
    table: &'a Table,
    rng: StdRng,
}

impl Maker<'_> {
    fn cell(&mut self, column: usize) -> Cell {
        let known = known_values(self.table, column);
        let column = &self.table.columns[column];
        if column.nullable && self.rng.random_bool(0.2) {
            return Cell::Null;
        }
        match known.choose(&mut self.rng) {
            Some(text) => Cell::parse(text, &column.data_type, None)
                .unwrap_or_else(|| panic!("{}.{}: {text} is no value of it", self.table.name, column.name)),
            None => self.value(&column.data_type),
        }
    }

    fn value(&mut self, data_type: &ColumnType) -> Cell {
        match data_type {
            ColumnType::Bool => Cell::Bool(self.rng.random_bool(0.5)),
            ColumnType::Int16 => Cell::Int(self.rng.random_range(-5..=5)),
            ColumnType::Int32 => Cell::Int(self.rng.random_range(-9..=9)),
            ColumnType::Int64 => Cell::Int(
                *[0, 1, -1, 42, 5_000_000_000, 9_007_199_254_740_993, i64::MAX, i64::MIN + 1]
                    .choose(&mut self.rng)
                    .unwrap(),
            ),
            ColumnType::Float32 | ColumnType::Float64 => Cell::Float(f64::from(self.rng.random_range(-40..40)) / 8.0),
            ColumnType::Decimal { precision, .. } => {
                let most = 10_i128.pow(u32::from(*precision).min(18)) - 1;
                Cell::Decimal(
                    *[0, 1, -1, 10, 1999, most, -most]
                        .map(|value: i128| value.clamp(-most, most))
                        .choose(&mut self.rng)
                        .unwrap(),
                )
            }
            ColumnType::Uuid => Cell::Text(uuid(self.rng.random_range(0..9))),
            ColumnType::Date => Cell::Date(day(self.rng.random_range(-9000..2000))),
            ColumnType::Time => Cell::Time(NaiveTime::MIN + TimeDelta::seconds(self.rng.random_range(0..86_400))),
            ColumnType::Timestamp { format, .. } => Cell::Timestamp(self.moment(*format)),
            ColumnType::Binary => Cell::Binary((0..self.rng.random_range(0..6)).map(|_| self.rng.random()).collect()),
            ColumnType::Json => Cell::Json(
                [json!({"a": [1, null], "ж": {}}), json!([]), json!(7), json!([{"b": "x"}])]
                    .choose(&mut self.rng)
                    .cloned()
                    .unwrap(),
            ),
            ColumnType::List(item) => Cell::List((0..self.rng.random_range(0..3)).map(|_| self.value(item)).collect()),
            ColumnType::Struct(fields) => {
                let member = |field: &tidegate_spec::Field| match field.nullable && self.rng.random_bool(0.2) {
                    true => Cell::Null,
                    false => self.value(&field.data_type),
                };
                Cell::Struct(fields.iter().map(member).collect())
            }
            _ => Cell::Text((*TEXTS.choose(&mut self.rng).unwrap()).to_owned()),
        }
    }

    /// A point in time as fine as its format can say it, and few enough of them that some are equal.
    fn moment(&mut self, format: TimestampFormat) -> NaiveDateTime {
        let seconds = self.rng.random_range(0..40_i64) * 21_600 + self.rng.random_range(0..2);
        let micros = *[0, 0, 500_000, 999_000, 123_456].choose(&mut self.rng).unwrap();
        let micros = match format {
            TimestampFormat::EpochSeconds => 0,
            TimestampFormat::EpochMillis | TimestampFormat::MicrosoftJson => micros / 1000 * 1000,
            _ => micros,
        };
        day(1600).and_time(NaiveTime::MIN) + TimeDelta::seconds(seconds) + TimeDelta::microseconds(micros)
    }
}

/// SQL's texts of the values that a filter on the column knows; empty where it takes any.
fn known_values(table: &Table, column: usize) -> Vec<String> {
    let forms = table.endpoints.iter().flat_map(|endpoint| {
        let own =
            endpoint.filters.forms.iter().filter(|form| form.column == column).map(|form| (&form.value, form.operator));
        let terms = match &endpoint.filters.dialect {
            Some(Dialect::Text(text)) => text
                .terms
                .iter()
                .filter(|term| term.column == column)
                .map(|term| (&term.value, term.operator))
                .collect(),
            Some(Dialect::Items(items)) => items
                .items
                .iter()
                .filter(|item| item.column == column)
                .map(|item| (&item.value, item.operator))
                .collect(),
            _ => Vec::new(),
        };
        own.chain(terms)
    });
    let is_of_values = |operator: &Operator| !matches!(operator, Operator::IsNull | Operator::IsNotNull);
    let known = forms.filter(|(_, operator)| is_of_values(operator)).filter_map(|(form, _)| form.known.as_ref());
    let mut known: Vec<String> = known.flatten().map(|(sql, _)| sql.clone()).collect();
    known.dedup();
    known
}
