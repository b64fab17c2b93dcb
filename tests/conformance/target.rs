//! One endpoint under test: the query that is meant for it, its rows, and how many calls they take.

use std::sync::OnceLock;

use tidegate_spec::{ColumnSource, Endpoint, Operator, Paging, ShortPage, Table};

use super::data::{Cell, Row, SPREAD, generate, parent, parents};
use super::mock::{Condition, OWN_PAGE_SIZE};

const SEED: u64 = 20_261_122;

/// Rows of a page where the server's choice makes no difference to what is tested.
const SMALL_PAGE: u64 = 5;

/// Most rows of a page that is declared: more are not generated for every case.
const LARGE_PAGE: u64 = 1_000;

/// An endpoint that lists rows.
#[derive(Debug, Clone)]
pub(crate) struct Target<'a> {
    pub(crate) table: &'a Table,
    pub(crate) index: usize,
    pub(crate) endpoint: &'a Endpoint,
    /// Rows of a full page.
    pub(crate) page: u64,
    /// The server's own greatest page, where that is less than what is declared.
    pub(crate) cap: Option<u64>,
    /// As many rows as most cases want: they take those at the front.
    rows: OnceLock<Vec<Row>>,
}

impl<'a> Target<'a> {
    pub(crate) fn new(table: &'a Table, index: usize) -> Self {
        let endpoint = &table.endpoints[index];
        let declared = endpoint.page_size.as_ref().map(|size| size.max);
        // Where the response says whether there is a next page, its size says nothing.
        let cap = (is_told(endpoint) && declared.is_none_or(|size| size > SMALL_PAGE)).then_some(SMALL_PAGE);
        let page = cap.or(declared).unwrap_or(OWN_PAGE_SIZE);
        assert!(page <= LARGE_PAGE, "{}: pages of {page} rows", table.name);
        Self { table, index, endpoint, page, cap, rows: OnceLock::new() }
    }

    /// An endpoint that gives the rows of keys.
    pub(crate) fn by_key(table: &'a Table, index: usize) -> Self {
        Self { table, index, endpoint: &table.endpoints[index], page: 1, cap: None, rows: OnceLock::new() }
    }

    /// Rows of which exactly `count` are what [`Target::filter`] selects.
    pub(crate) fn rows(&self, count: u64) -> Vec<Row> {
        let parents = parents(self.table);
        let narrows = self.endpoint.filters.required().any(|filter| parents.contains(&filter.column));
        let number = |count: u64| usize::try_from(count).expect("a small number") * if narrows { SPREAD } else { 1 };
        let rows = self.rows.get_or_init(|| generate(self.table, SEED, number(self.page * 2 + 2)));
        match rows.get(..number(count)) {
            Some(rows) => rows.to_vec(),
            None => generate(self.table, SEED, number(count)),
        }
    }

    /// Without these filters the endpoint cannot be asked.
    pub(crate) fn filter(&self) -> Vec<Condition> {
        let parents = parents(self.table);
        let required = self.endpoint.filters.required();
        required
            .map(|filter| {
                let (column, operators) = (filter.column, &filter.operators);
                let takes = |operator| operators.iter().any(|(known, _)| *known == operator);
                if parents.contains(&column) && (takes(Operator::Eq) || takes(Operator::In)) {
                    let values = vec![parent(self.table, column, 0)];
                    return Condition::Leaf { column, operator: Operator::Eq, values };
                }
                let (operator, _) = operators.first().expect("a required filter has an operator");
                panic!("{}: a required filter {operator:?} on {column}", self.table.name)
            })
            .collect()
    }

    /// Columns that it gives.
    pub(crate) fn columns(&self) -> Vec<usize> {
        let is_required = |index: usize| self.endpoint.filters.required().any(|filter| filter.column == index);
        (0..self.table.columns.len())
            .filter(|&index| match self.table.columns[index].source {
                ColumnSource::Row | ColumnSource::Annotation => self.endpoint.returns(index),
                ColumnSource::Request => is_required(index),
                ColumnSource::Detail => false,
            })
            .collect()
    }

    /// Those that tell which row it is: its key, or all where it has none.
    pub(crate) fn key_columns(&self) -> Vec<usize> {
        let mut columns = self.columns();
        let key = &self.table.key;
        if key.iter().all(|column| columns.contains(column)) && !key.is_empty() {
            columns.retain(|column| key.contains(column));
        }
        columns
    }

    /// `SELECT … FROM … WHERE …` over its columns.
    pub(crate) fn sql(&self, connection: &str, filter: &[Condition]) -> String {
        self.sql_of(connection, &self.columns(), filter)
    }

    /// `SELECT … FROM … WHERE …` over these columns.
    pub(crate) fn sql_of(&self, connection: &str, columns: &[usize], filter: &[Condition]) -> String {
        let names: Vec<_> = columns.iter().map(|&index| format!("\"{}\"", self.table.columns[index].name)).collect();
        let conditions: Vec<_> = filter.iter().map(|condition| condition_sql(self.table, condition)).collect();
        let filter = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        format!("SELECT {} FROM {connection}.\"{}\"{filter}", names.join(", "), self.table.name)
    }

    /// The rows that satisfy all of these, as results show them, in order of their text.
    pub(crate) fn truth(&self, rows: &[Row], filter: &[Condition]) -> Vec<Vec<String>> {
        self.truth_of(rows, &self.columns(), filter)
    }

    /// The same of these columns.
    pub(crate) fn truth_of(&self, rows: &[Row], columns: &[usize], filter: &[Condition]) -> Vec<Vec<String>> {
        let matching = rows.iter().filter(|row| filter.iter().all(|condition| condition.holds(row, false)));
        let shown =
            |row: &Row| columns.iter().map(|&index| row[index].shown(&self.table.columns[index].data_type)).collect();
        let mut shown: Vec<Vec<String>> = matching.map(shown).collect();
        shown.sort();
        shown
    }

    /// Calls that `rows` rows take, page after page, from an honest server.
    pub(crate) fn calls(&self, rows: u64) -> u64 {
        let (full, rest) = (rows / self.page, rows % self.page);
        let pages = rows.div_ceil(self.page).max(1);
        let end = match &self.endpoint.paging {
            Paging::Single => return 1,
            _ if is_told(self.endpoint) => return pages,
            Paging::Page { end, .. } | Paging::Offset { end, .. } | Paging::Keyset { end, .. } => end,
            other => panic!("how does {other:?} end?"),
        };
        match (rows, end.short) {
            (0, _) => 1,
            _ if tells_total(self.endpoint) => pages,
            (_, ShortPage::Open) => pages + 1,
            _ if rest == 0 => full + 1,
            // Of what length a full page is, only a second one can tell, unless the API is known to fill them.
            (_, ShortPage::Likely) if full == 0 => 2,
            _ if full == 0 && self.endpoint.page_size.is_none() => 2,
            _ => pages,
        }
    }
}

/// Whether responses name the URL of the next page.
pub(crate) fn has_links(endpoint: &Endpoint) -> bool {
    matches!(endpoint.paging, Paging::NextUrl | Paging::LinkHeader)
}

/// Whether responses say themselves whether there is a next page.
pub(crate) fn is_told(endpoint: &Endpoint) -> bool {
    match endpoint.paging {
        Paging::NextUrl | Paging::LinkHeader | Paging::Cursor { .. } => true,
        Paging::Single => false,
        _ => !endpoint.envelope.more.is_empty(),
    }
}

/// Whether responses say how many rows there are: no page past the end is asked for then.
pub(crate) fn tells_total(endpoint: &Endpoint) -> bool {
    !endpoint.envelope.count.is_empty() || endpoint.envelope.count_header.is_some()
}

/// A condition in SQL.
pub(crate) fn condition_sql(table: &Table, condition: &Condition) -> String {
    let Condition::Leaf { column, operator, values } = condition else { panic!("cases are made of leaves") };
    let column = &table.columns[*column];
    let literal = |value: &Cell| value.sql(&column.data_type).expect("a value with a literal");
    let pattern = || match &values[0] {
        Cell::Text(text) => text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_").replace('\'', "''"),
        other => panic!("LIKE {other:?}"),
    };
    let name = format!("\"{}\"", column.name);
    match operator {
        Operator::In => format!("{name} IN ({})", values.iter().map(literal).collect::<Vec<_>>().join(", ")),
        Operator::StartsWith => format!("{name} LIKE '{}%'", pattern()),
        Operator::EndsWith => format!("{name} LIKE '%{}'", pattern()),
        Operator::Contains => format!("{name} LIKE '%{}%'", pattern()),
        Operator::IsNull | Operator::IsNotNull => format!("{name} {}", operator.sql()),
        operator => format!("{name} {} {}", operator.sql(), literal(&values[0])),
    }
}
