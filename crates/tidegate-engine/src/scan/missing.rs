//! What is said when no endpoint can be asked: which filter is missing, and a statement that has it.

use tidegate_remote::pushdown::MissingFilter;
use tidegate_spec::{ColumnType, Endpoint, Operator, Table};

use super::filters::{Question, is_required};
use crate::pushdown::sql_text;
use crate::sql::quote;

/// An endpoint that could answer if there were more filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unmet {
    /// Index into the table's endpoints.
    pub(super) endpoint: usize,
    /// These filters.
    pub(super) filters: Vec<MissingFilter>,
}

impl Unmet {
    fn columns(&self) -> Vec<usize> {
        self.filters.iter().map(|filter| filter.column).collect()
    }
}

/// What is wrong with a question that none of these endpoints can be asked, and what would do.
pub(super) fn missing_filter(connection: &str, table: &Table, question: &Question, unmet: &[Unmet]) -> String {
    let place = format!("{}.{}", quote(connection), quote(&table.name));
    let mut ways: Vec<&Unmet> = unmet.iter().collect();
    // Of two that lack the same filters the one that takes `=` is shown: it is the one that is easier to satisfy.
    let takes_equality = |way: &Unmet| way.filters.iter().all(|filter| filter.operators.contains(&Operator::Eq));
    ways.sort_by_key(|way| (way.filters.len(), !takes_equality(way)));
    let Some((nearest, others)) = ways.split_first() else {
        return format!("{place} has no endpoint that lists its rows");
    };
    let mut text = format!("{place} needs a filter on {}: {}", needs(table, nearest), example(&place, table, nearest));
    let mut said = vec![nearest.columns()];
    for other in others {
        if !said.contains(&other.columns()) {
            said.push(other.columns());
            text += &format!("; or one on {}", needs(table, other));
        }
    }
    text + &in_vain(question, nearest) + ". So do a join and IN (SELECT …) that compare these columns with others by ="
}

/// Why the filters on these columns that are there do not do.
fn in_vain(question: &Question, way: &Unmet) -> String {
    let there: Vec<String> = question.filters_on(&way.columns()).map(sql_text).collect();
    let there = there.join(" AND ");
    if there.is_empty() {
        String::new()
    } else if way.filters.iter().any(|filter| filter.unsayable) {
        format!(". {there} does not do: the API takes no such value")
    } else {
        format!(
            ". {there} does not count: the filter must hold for every row (not under OR), and compare the column itself \
             (no cast, no function) with literals"
        )
    }
}

/// What is wrong with a question for columns that no endpoint returns together.
pub(super) fn unreturned(connection: &str, table: &Table, needed: &[usize]) -> String {
    let place = format!("{}.{}", quote(connection), quote(&table.name));
    let returned = |endpoint: &Endpoint| {
        let names = needed.iter().filter(|&&column| endpoint.returns(column)).map(|&column| name(table, column));
        format!("{} returns {}", endpoint.name, names.collect::<Vec<_>>().join(", "))
    };
    let ways: Vec<String> = table.endpoints.iter().map(returned).collect();
    let needed: Vec<String> = needed.iter().map(|&column| name(table, column)).collect();
    format!(
        "{place}: no endpoint returns {} together. Of these {}: name fewer columns, or join two queries by the key",
        needed.join(", "),
        ways.join("; ")
    )
}

fn name(table: &Table, column: usize) -> String {
    table.columns.get(column).map_or_else(|| "?".to_owned(), |column| quote(&column.name))
}

/// `owner and repo (=, IN)`, or each with its own operators.
fn needs(table: &Table, way: &Unmet) -> String {
    let operators =
        |filter: &MissingFilter| filter.operators.iter().map(|operator| operator.sql()).collect::<Vec<_>>().join(", ");
    let same = way.filters.windows(2).all(|pair| pair[0].operators == pair[1].operators);
    let last = way.filters.len().saturating_sub(1);
    let texts = way.filters.iter().enumerate().map(|(place, filter)| {
        let name = name(table, filter.column);
        if same && place < last { name } else { format!("{name} ({})", operators(filter)) }
    });
    texts.collect::<Vec<_>>().join(" and ")
}

/// Operators that the endpoint evaluates on the column.
fn declared(table: &Table, endpoint: usize, column: usize) -> Vec<Operator> {
    let filter = table.endpoints.get(endpoint).and_then(|endpoint| endpoint.filters.column(column));
    filter.map(|filter| filter.operators.iter().map(|(operator, _)| *operator).collect()).unwrap_or_default()
}

/// A statement that the endpoint can be asked for: all of its required filters, and what else is missing.
fn example(place: &str, table: &Table, way: &Unmet) -> String {
    let Some(endpoint) = table.endpoints.get(way.endpoint) else { return String::new() };
    let columns =
        (0..table.columns.len()).filter(|&column| is_required(endpoint, column) || way.columns().contains(&column));
    let conditions: Vec<String> = columns.map(|column| condition(table, way, column)).collect();
    format!("SELECT … FROM {place} WHERE {}", conditions.join(" AND "))
}

fn condition(table: &Table, way: &Unmet, column: usize) -> String {
    let (name, value) = (name(table, column), value(table, way.endpoint, column));
    let missing = way.filters.iter().find(|filter| filter.column == column);
    let declared = missing.map_or_else(|| declared(table, way.endpoint, column), |filter| filter.operators.clone());
    let operator = if declared.contains(&Operator::Eq) { Some(Operator::Eq) } else { declared.first().copied() };
    match operator {
        None | Some(Operator::Eq) => format!("{name} = {value}"),
        Some(Operator::In) => format!("{name} IN ({value})"),
        Some(Operator::StartsWith) => format!("{name} LIKE '…%'"),
        Some(Operator::EndsWith) => format!("{name} LIKE '%…'"),
        Some(Operator::Contains) => format!("{name} LIKE '%…%'"),
        Some(Operator::NotLike) => format!("{name} NOT LIKE '…%'"),
        Some(test @ (Operator::IsNull | Operator::IsNotNull)) => format!("{name} {}", test.sql()),
        Some(comparison) => format!("{name} {} {value}", comparison.sql()),
    }
}

/// A value that the column takes, in the form of its type; of a text the first that the API knows, if it tells.
fn value(table: &Table, endpoint: usize, column: usize) -> String {
    let forms = table.endpoints.get(endpoint).map(|endpoint| endpoint.filters.forms.as_slice()).unwrap_or_default();
    let known = forms.iter().filter(|form| form.column == column).find_map(|form| form.value.known.as_ref()?.first());
    let data_type = table.columns.get(column).map(|column| &column.data_type);
    if let (Some((known, _)), Some(ColumnType::Text)) = (known, data_type) {
        return crate::sql::literal(known);
    }
    let text = match data_type {
        Some(ColumnType::Bool) => "true",
        Some(ColumnType::Int16 | ColumnType::Int32 | ColumnType::Int64) => "1",
        Some(ColumnType::Float32 | ColumnType::Float64 | ColumnType::Decimal { .. }) => "1.5",
        Some(ColumnType::Date) => "'2024-12-31'",
        Some(ColumnType::Time) => "'12:30:00'",
        Some(ColumnType::Timestamp { .. }) => "'2024-12-31 12:30:00'",
        _ => "'…'",
    };
    text.to_owned()
}
