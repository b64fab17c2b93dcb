//! Random queries over some tables: joins of two and three, semi and anti joins, groups, orders, limits, sets, subqueries.
//!
//! A query follows from its seed and the rows of the tables alone. Orders are total: keys of all tables end them. A limit
//! without an order comes with the same query without the limit, since which rows it keeps is nobody's promise.

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::DataType;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::predicates::Predicates;

/// A table to ask.
#[derive(Debug, Clone)]
pub struct Table {
    /// In SQL, such as `erp.orders`.
    pub name: String,
    /// Columns of its key.
    pub key: &'static [&'static str],
    /// A filter that every scan of it must have, with `{t}` for the table's name in the query.
    pub required: Option<&'static str>,
    /// Columns and all their values.
    pub columns: Vec<(String, ArrayRef)>,
}

impl Table {
    /// A table with these rows.
    ///
    /// # Panics
    /// When there is no batch.
    #[must_use]
    pub fn new(name: &str, key: &'static [&'static str], batches: &[RecordBatch]) -> Self {
        let schema = batches.first().expect("a table with rows").schema();
        let all = concat_batches(&schema, batches).expect("batches of one schema");
        let names = schema.fields().iter().map(|field| field.name().clone());
        let columns = names.zip(all.columns().iter().cloned()).collect();
        Self { name: name.to_owned(), key, required: None, columns }
    }
}

/// Columns by which two tables may be joined: places of the tables, and pairs of columns.
#[derive(Debug, Clone, Copy)]
pub struct Edge {
    /// Place of one table.
    pub left: usize,
    /// Place of the other; it may be the same.
    pub right: usize,
    /// A column of each.
    pub on: &'static [(&'static str, &'static str)],
}

/// A query, and how its rows may be compared.
#[derive(Debug, Clone)]
pub struct Query {
    /// The text.
    pub sql: String,
    /// Whether its rows have one order only.
    pub is_ordered: bool,
    /// The same without its limit, if it has one without an order.
    pub whole: Option<String>,
    /// What kind of query it is, for counting.
    pub kind: &'static str,
}

/// Makes queries over tables.
#[derive(Debug, Clone)]
pub struct Queries {
    /// The tables.
    pub tables: Vec<Table>,
    /// How they may be joined.
    pub edges: Vec<Edge>,
}

impl Queries {
    /// The query of a seed.
    #[must_use]
    pub fn of(&self, seed: u64) -> Query {
        Draft { all: self, rng: StdRng::seed_from_u64(seed), seed, aliases: Vec::new() }.query()
    }
}

/// A query under way.
struct Draft<'q> {
    all: &'q Queries,
    rng: StdRng,
    seed: u64,
    /// Places of the tables that the aliases `a`, `b`, `c` stand for.
    aliases: Vec<usize>,
}

const ALIASES: [&str; 4] = ["a", "b", "c", "d"];
const JOINS: [&str; 6] = ["JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"];

fn is_plain(data_type: &DataType) -> bool {
    !data_type.is_nested() && *data_type != DataType::Binary
}

fn is_exact(data_type: &DataType) -> bool {
    is_plain(data_type) && !data_type.is_floating()
}

/// What can be added up without loss, whatever the order and however often a row is joined.
fn is_summable(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Int16 | DataType::Int32) || data_type.is_decimal()
}

impl Draft<'_> {
    fn query(mut self) -> Query {
        match self.rng.random_range(0..10) {
            0 | 1 => self.rows("rows", 1),
            2 | 3 => self.rows("join", 2),
            4 => self.rows("join of three", 3),
            5 => self.semi(),
            6 => self.groups(1),
            7 => self.groups(2),
            8 => self.distinct(),
            _ => self.sets(),
        }
    }

    fn chance(&mut self, of_ten: u32) -> bool {
        self.rng.random_range(0..10) < of_ten
    }

    fn table(&self, alias: usize) -> &Table {
        &self.all.tables[self.aliases[alias]]
    }

    /// Names of columns of a type, with their aliases.
    fn columns(&self, is_wanted: fn(&DataType) -> bool) -> Vec<String> {
        let of = |alias: usize| {
            let columns = self.table(alias).columns.iter().filter(move |(_, values)| is_wanted(values.data_type()));
            columns.map(move |(name, _)| format!("{}.\"{name}\"", ALIASES[alias]))
        };
        (0..self.aliases.len()).flat_map(of).collect()
    }

    fn some(&mut self, from: &[String], most: usize) -> Vec<String> {
        let count = self.rng.random_range(1..=most);
        let mut some: Vec<String> = from.sample(&mut self.rng, count).cloned().collect();
        some.sort();
        some
    }

    /// FROM with so many tables.
    fn from(&mut self, tables: usize) -> String {
        let first = self.rng.random_range(0..self.all.tables.len());
        self.aliases.push(first);
        let mut from = self.source(0);
        for place in 1..tables {
            let Some((other, on)) = self.edge(place) else { break };
            self.aliases.push(other);
            let mut condition = on;
            if self.chance(1) {
                let predicate = self.predicate(place, 0);
                condition = format!("{condition} AND {predicate}");
            }
            let join = JOINS.choose(&mut self.rng).copied().unwrap_or("JOIN");
            let source = self.source(place);
            from = format!("{from} {join} {source} ON {condition}");
        }
        from
    }

    /// A table with its alias, narrowed where it must be: in WHERE the filter would turn outer joins into inner ones.
    fn source(&self, alias: usize) -> String {
        let (table, name) = (self.table(alias), ALIASES[alias]);
        match table.required {
            Some(filter) => {
                format!("(SELECT * FROM {0} WHERE {1}) {name}", table.name, filter.replace("{t}", &table.name))
            }
            None => format!("{} {name}", table.name),
        }
    }

    /// A table that can be joined to one that is there, and the condition.
    fn edge(&mut self, place: usize) -> Option<(usize, String)> {
        let mut ways: Vec<(usize, String)> = Vec::new();
        for (alias, table) in self.aliases.iter().enumerate() {
            for edge in &self.all.edges {
                let mut add = |other: usize, turned: bool| {
                    let (here, there) = (ALIASES[alias], ALIASES[place]);
                    let pair = |(left, right): &(&str, &str)| match turned {
                        true => format!("{here}.{right} = {there}.{left}"),
                        false => format!("{here}.{left} = {there}.{right}"),
                    };
                    ways.push((other, edge.on.iter().map(pair).collect::<Vec<_>>().join(" AND ")));
                };
                if edge.left == *table {
                    add(edge.right, false);
                }
                if edge.right == *table {
                    add(edge.left, true);
                }
            }
        }
        ways.choose(&mut self.rng).cloned()
    }

    /// A condition on the columns of one table.
    fn predicate(&mut self, alias: usize, depth: u32) -> String {
        if self.chance(1) {
            return self.odd(alias);
        }
        let seed = self.rng.random_range(0..u64::MAX);
        let columns = self.table(alias).columns.clone();
        Predicates::over(seed, &format!("{}.", ALIASES[alias]), columns).tree(depth)
    }

    /// A condition that is not of a column alone.
    fn odd(&mut self, alias: usize) -> String {
        let table = self.table(alias);
        let of = |is_wanted: fn(&DataType) -> bool| -> Vec<String> {
            let columns = table.columns.iter().filter(|(_, values)| is_wanted(values.data_type()));
            columns.map(|(name, _)| format!("{}.\"{name}\"", ALIASES[alias])).collect()
        };
        let (numbers, texts) = (of(|ty| ty.is_integer() && *ty != DataType::Int64), of(|ty| *ty == DataType::Utf8));
        let number: i32 = self.rng.random_range(-3..40);
        let (numeric, text) = (numbers.choose(&mut self.rng).cloned(), texts.choose(&mut self.rng).cloned());
        match (self.rng.random_range(0..6), numeric, text) {
            (0, Some(column), _) => format!("CAST({column} AS BIGINT) = {number}"),
            (1, Some(column), _) => format!("CAST({column} AS VARCHAR) = '{number}'"),
            (2, Some(column), _) => format!("{column} + 1 > {number}"),
            (3, Some(column), _) => format!("{column} = '{number}'"),
            (4, _, Some(column)) => format!("lower({column}) LIKE '%e%'"),
            (_, _, Some(column)) => format!("coalesce({column}, 'x') <> 'x'"),
            (_, Some(column), None) => format!("abs({column}) < {}", number.abs()),
            (_, None, None) => "1 = 1".to_owned(),
        }
    }

    /// WHERE over all tables, or nothing.
    fn filter(&mut self) -> String {
        if self.chance(2) {
            return String::new();
        }
        let count = self.rng.random_range(1..=self.aliases.len().min(2));
        let parts: Vec<String> = (0..count)
            .map(|_| {
                let (alias, depth) = (self.rng.random_range(0..self.aliases.len()), self.rng.random_range(0..=2));
                self.predicate(alias, depth)
            })
            .collect();
        format!(" WHERE {}", parts.join(" AND "))
    }

    /// ORDER BY some columns and then all keys, which is one order only.
    fn order(&mut self) -> String {
        let columns = self.columns(is_exact);
        let mut order = Vec::new();
        for column in self.some(&columns, 2) {
            let way = ["", " DESC", " NULLS FIRST", " DESC NULLS LAST"].choose(&mut self.rng).copied().unwrap_or("");
            order.push(format!("{column}{way}"));
        }
        for (alias, name) in ALIASES.iter().enumerate().take(self.aliases.len()) {
            let way = if self.chance(3) { " DESC" } else { "" };
            order.extend(self.table(alias).key.iter().map(|column| format!("{name}.{column}{way}")));
        }
        format!(" ORDER BY {}", order.join(", "))
    }

    fn window(&mut self) -> String {
        let limit = [0, 1, 3, 7, 30, 500].choose(&mut self.rng).copied().unwrap_or(3);
        match self.rng.random_range(0..4) {
            0 => format!(" OFFSET {limit}"),
            1 => format!(" LIMIT {limit} OFFSET {}", self.rng.random_range(0..50)),
            _ => format!(" LIMIT {limit}"),
        }
    }

    /// The query with an order, a limit, both or neither.
    fn finish(&mut self, sql: String, kind: &'static str) -> Query {
        match self.rng.random_range(0..6) {
            0 | 1 => Query { sql, is_ordered: false, whole: None, kind },
            2 => {
                let limited = format!("{sql}{}", self.window());
                Query { sql: limited, is_ordered: false, whole: Some(sql), kind }
            }
            3 => Query { sql: format!("{sql}{}", self.order()), is_ordered: true, whole: None, kind },
            _ => {
                let (order, window) = (self.order(), self.window());
                Query { sql: format!("{sql}{order}{window}"), is_ordered: true, whole: None, kind }
            }
        }
    }

    fn rows(mut self, kind: &'static str, tables: usize) -> Query {
        let from = self.from(tables);
        let columns = self.columns(|_| true);
        let picked = match self.chance(1) {
            true => vec!["a.*".to_owned()],
            false => self.some(&columns, 4),
        };
        let mut filter = self.filter();
        if tables == 1 && self.chance(1) {
            filter = self.scalar();
        }
        // Names must differ in one result.
        let named = picked.iter().enumerate().map(|(at, column)| match column.ends_with('*') {
            true => column.clone(),
            false => format!("{column} AS c{at}"),
        });
        let sql = format!("SELECT {} FROM {from}{filter}", named.collect::<Vec<_>>().join(", "));
        self.finish(sql, kind)
    }

    /// A comparison with the greatest or least of a column.
    fn scalar(&mut self) -> String {
        let columns = self.columns(is_exact);
        let column = columns.choose(&mut self.rng).cloned().unwrap_or_default();
        let inner = column.replacen("a.", "", 1);
        let (table, extreme) = (self.source(0), if self.chance(5) { "max" } else { "min" });
        let table = table.trim_end_matches(" a").to_owned() + " x";
        format!(" WHERE {column} = (SELECT {extreme}({inner}) FROM {table})")
    }

    fn semi(mut self) -> Query {
        let first = self.rng.random_range(0..self.all.tables.len());
        self.aliases.push(first);
        let Some((other, on)) = self.edge(1) else { return self.rows("rows", 1) };
        self.aliases.push(other);
        let inner = if self.chance(7) { format!(" AND {}", self.predicate(1, 1)) } else { String::new() };
        let (source, negation) = (self.source(1), if self.chance(4) { "NOT " } else { "" });
        let (here, there) = on.split(" AND ").next().and_then(|pair| pair.split_once(" = ")).unwrap_or_default();
        let condition = match self.chance(5) || on.contains(" AND ") {
            true => format!("{negation}EXISTS (SELECT 1 FROM {source} WHERE {on}{inner})"),
            false => format!("{here} {negation}IN (SELECT {there} FROM {source} WHERE 1 = 1{inner})"),
        };
        self.aliases.pop();
        let own = if self.chance(5) { format!(" AND {}", self.predicate(0, 1)) } else { String::new() };
        let columns = self.columns(|_| true);
        let picked = self.some(&columns, 4).join(", ");
        let sql = format!("SELECT {picked} FROM {} WHERE {condition}{own}", self.source(0));
        self.finish(sql, "semi and anti")
    }

    fn measure(&mut self) -> String {
        let (plain, exact, summable) = (self.columns(is_plain), self.columns(is_exact), self.columns(is_summable));
        let exact = exact.choose(&mut self.rng).cloned();
        let plain = plain.choose(&mut self.rng).cloned().unwrap_or_default();
        let summable = summable.choose(&mut self.rng).cloned();
        match (self.rng.random_range(0..8), exact, summable) {
            (0, Some(column), _) => format!("count({column})"),
            (1, Some(column), _) => format!("count(DISTINCT {column})"),
            (2, ..) => format!("min({plain})"),
            (3, ..) => format!("max({plain})"),
            (4 | 5, _, Some(column)) => format!("sum({column})"),
            (6, _, Some(column)) => format!("avg({column})"),
            _ => "count(*)".to_owned(),
        }
    }

    fn groups(mut self, tables: usize) -> Query {
        let from = self.from(tables);
        let filter = self.filter();
        let columns = self.columns(is_exact);
        let keys = if self.chance(7) { self.some(&columns, 2) } else { Vec::new() };
        let mut picked: Vec<String> = keys.iter().enumerate().map(|(at, key)| format!("{key} AS k{at}")).collect();
        for at in 0..self.rng.random_range(1..=3) {
            let measure = self.measure();
            picked.push(format!("{measure} AS m{at}"));
        }
        let mut sql = format!("SELECT {} FROM {from}{filter}", picked.join(", "));
        if keys.is_empty() {
            return Query { sql, is_ordered: false, whole: None, kind: "aggregate" };
        }
        sql = format!("{sql} GROUP BY {}", keys.join(", "));
        if self.chance(3) {
            sql = format!("{sql} HAVING count(*) > {}", self.rng.random_range(0..12));
        }
        if self.chance(5) {
            let names: Vec<String> = (0..keys.len()).map(|at| format!("k{at}")).collect();
            sql = format!("{sql} ORDER BY {}{}", names.join(", "), self.window());
            return Query { sql, is_ordered: true, whole: None, kind: "groups" };
        }
        Query { sql, is_ordered: false, whole: None, kind: "groups" }
    }

    fn distinct(mut self) -> Query {
        let from = self.from(1);
        let filter = self.filter();
        let columns = self.columns(is_exact);
        let picked = self.some(&columns, 2);
        let sql = format!("SELECT DISTINCT {} FROM {from}{filter}", picked.join(", "));
        match self.chance(5) {
            true => {
                let sql = format!("{sql} ORDER BY {}{}", picked.join(" DESC, "), self.window());
                Query { sql, is_ordered: true, whole: None, kind: "distinct" }
            }
            false => Query { sql, is_ordered: false, whole: None, kind: "distinct" },
        }
    }

    /// Two selections of one table, put together; or one that is used twice.
    fn sets(mut self) -> Query {
        let from = self.from(1);
        let columns = self.columns(is_exact);
        let picked = self.some(&columns, 3).join(", ");
        let (left, right) = (self.filter(), self.filter());
        if self.chance(2) {
            let key = self.table(0).key.join(", ");
            let sql =
                format!("WITH t AS (SELECT a.* FROM {from}{left}) SELECT count(*) FROM t x JOIN t y USING ({key})");
            return Query { sql, is_ordered: false, whole: None, kind: "sets" };
        }
        let word = ["UNION ALL", "UNION", "INTERSECT", "EXCEPT"].choose(&mut self.rng).copied().unwrap_or("UNION");
        let sql = format!("SELECT {picked} FROM {from}{left} {word} SELECT {picked} FROM {from}{right}");
        match self.seed % 3 {
            0 => {
                let limited = format!("SELECT * FROM ({sql}){}", self.window());
                Query { sql: limited, is_ordered: false, whole: Some(sql), kind: "sets" }
            }
            _ => Query { sql, is_ordered: false, whole: None, kind: "sets" },
        }
    }
}
